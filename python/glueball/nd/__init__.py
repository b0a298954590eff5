"""Arrays and functions of them, under Gluon's names: `mx.nd`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from glueball._scope import surface
from glueball.nd._activation import *
from glueball.nd._creation import *
from glueball.nd._elementwise import *
from glueball.nd._index import *
from glueball.nd._ndarray import *
from glueball.nd._pairs import *
from glueball.nd._parts import *
from glueball.nd._product import *
from glueball.nd._reduction import *
from glueball.nd._shape import *
from glueball.nd._softmax import *

if TYPE_CHECKING:
    from glueball.nd import contrib, linalg, random
    from glueball.nd._density import *
    from glueball.nd._files import *
    from glueball.nd._interchange import *
    from glueball.nd._normalisation import *
    from glueball.nd._per_element import *
    from glueball.nd._sequence import *
    from glueball.nd._statistics import *
    from glueball.nd.random import gamma as random_gamma
    from glueball.nd.random import (
        generalized_negative_binomial as random_generalized_negative_binomial,
    )
    from glueball.nd.random import multinomial as sample_multinomial
    from glueball.nd.random import negative_binomial as random_negative_binomial
    from glueball.nd.random import normal, shuffle, uniform
    from glueball.nd.random import normal as random_normal
    from glueball.nd.random import poisson as random_poisson
    from glueball.nd.random import randint as random_randint
    from glueball.nd.random import uniform as random_uniform

# Other names that Gluon has for the same functions.
BlockGrad = stop_gradient
Cast = cast
Concat = concat
ElementWiseSum = add_n
Flatten = flatten
Pad = pad
Reshape = reshape
SliceChannel = split
SwapAxis = swapaxes
broadcast_add = broadcast_plus = elemwise_add = add
broadcast_axes = broadcast_axis
broadcast_div = elemwise_div = true_divide = divide
broadcast_equal = equal
broadcast_greater = greater
broadcast_greater_equal = greater_equal
broadcast_hypot = hypot
broadcast_lesser = lesser
broadcast_lesser_equal = lesser_equal
broadcast_logical_and = logical_and
broadcast_logical_or = logical_or
broadcast_logical_xor = logical_xor
broadcast_maximum = maximum
broadcast_minimum = minimum
broadcast_minus = broadcast_sub = elemwise_sub = subtract
broadcast_mod = modulo
broadcast_mul = elemwise_mul = multiply
broadcast_not_equal = not_equal
broadcast_power = power
choose_element_0index = pick
crop = slice
op = sys.modules[__name__]
reverse = flip

__all__ = [
    "Activation",
    "BatchNorm",
    "BlockGrad",
    "Cast",
    "Concat",
    "Dropout",
    "ElementWiseSum",
    "Embedding",
    "Flatten",
    "FullyConnected",
    "GroupNorm",
    "InstanceNorm",
    "L2Normalization",
    "LayerNorm",
    "LeakyReLU",
    "NDArray",
    "Pad",
    "Reshape",
    "SequenceLast",
    "SequenceMask",
    "SequenceReverse",
    "SliceChannel",
    "SoftmaxActivation",
    "SwapAxis",
    "abs",
    "add",
    "add_n",
    "arange",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "argmax",
    "argmax_channel",
    "argmin",
    "argsort",
    "array",
    "batch_dot",
    "batch_take",
    "boolean_mask",
    "broadcast_add",
    "broadcast_axes",
    "broadcast_axis",
    "broadcast_div",
    "broadcast_equal",
    "broadcast_greater",
    "broadcast_greater_equal",
    "broadcast_hypot",
    "broadcast_lesser",
    "broadcast_lesser_equal",
    "broadcast_like",
    "broadcast_logical_and",
    "broadcast_logical_or",
    "broadcast_logical_xor",
    "broadcast_maximum",
    "broadcast_minimum",
    "broadcast_minus",
    "broadcast_mod",
    "broadcast_mul",
    "broadcast_not_equal",
    "broadcast_plus",
    "broadcast_power",
    "broadcast_sub",
    "broadcast_to",
    "cast",
    "cbrt",
    "ceil",
    "choose_element_0index",
    "clip",
    "concat",
    "concatenate",
    "contrib",
    "cos",
    "cosh",
    "crop",
    "cumsum",
    "degrees",
    "diag",
    "divide",
    "dot",
    "elemwise_add",
    "elemwise_div",
    "elemwise_mul",
    "elemwise_sub",
    "empty",
    "equal",
    "erf",
    "erfinv",
    "exp",
    "expand_dims",
    "expm1",
    "eye",
    "fill_element_0index",
    "fix",
    "flatten",
    "flip",
    "floor",
    "from_dlpack",
    "from_numpy",
    "full",
    "gamma",
    "gammaln",
    "gather_nd",
    "gelu",
    "greater",
    "greater_equal",
    "hard_sigmoid",
    "hard_swish",
    "histogram",
    "hypot",
    "identity",
    "lesser",
    "lesser_equal",
    "linalg",
    "linspace",
    "load",
    "load_frombuffer",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_sigmoid",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "max",
    "max_axis",
    "maximum",
    "mean",
    "min",
    "min_axis",
    "minimum",
    "mish",
    "modulo",
    "moments",
    "moveaxis",
    "multiply",
    "nanprod",
    "nansum",
    "negative",
    "norm",
    "normal",
    "not_equal",
    "one_hot",
    "onehot_encode",
    "ones",
    "ones_like",
    "op",
    "pad",
    "pick",
    "power",
    "prod",
    "radians",
    "random",
    "random_exponential",
    "random_gamma",
    "random_generalized_negative_binomial",
    "random_negative_binomial",
    "random_normal",
    "random_pdf_dirichlet",
    "random_pdf_exponential",
    "random_pdf_gamma",
    "random_pdf_generalized_negative_binomial",
    "random_pdf_negative_binomial",
    "random_pdf_normal",
    "random_pdf_poisson",
    "random_pdf_uniform",
    "random_poisson",
    "random_randint",
    "random_uniform",
    "ravel_multi_index",
    "rcbrt",
    "reciprocal",
    "relu",
    "repeat",
    "reshape",
    "reshape_like",
    "reverse",
    "rint",
    "round",
    "rsqrt",
    "sample_exponential",
    "sample_gamma",
    "sample_generalized_negative_binomial",
    "sample_multinomial",
    "sample_negative_binomial",
    "sample_normal",
    "sample_poisson",
    "sample_uniform",
    "save",
    "scatter_nd",
    "shape_array",
    "shuffle",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "size_array",
    "slice",
    "slice_axis",
    "slice_like",
    "smooth_l1",
    "softmax",
    "softmax_cross_entropy",
    "softmin",
    "softplus",
    "softrelu",
    "softsign",
    "sort",
    "split",
    "split_v2",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "stop_gradient",
    "subtract",
    "sum",
    "sum_axis",
    "swapaxes",
    "take",
    "tan",
    "tanh",
    "tile",
    "to_dlpack_for_read",
    "to_dlpack_for_write",
    "topk",
    "transpose",
    "true_divide",
    "trunc",
    "uniform",
    "unravel_index",
    "waitall",
    "where",
    "zeros",
    "zeros_like",
]  # fmt: skip

# Functions that few programs call are imported when they are first named.
__getattr__, __dir__ = surface(
    __name__,
    modules=("contrib", "linalg", "random"),
    names={
        "_density": (
            "random_pdf_dirichlet random_pdf_exponential random_pdf_gamma "
            "random_pdf_generalized_negative_binomial random_pdf_negative_binomial random_pdf_normal "
            "random_pdf_poisson random_pdf_uniform"
        ),
        "_files": "load load_frombuffer save",
        "_interchange": "from_dlpack from_numpy to_dlpack_for_read to_dlpack_for_write",
        "_normalisation": "BatchNorm GroupNorm InstanceNorm L2Normalization LayerNorm",
        "_per_element": (
            "random_exponential sample_exponential sample_gamma sample_generalized_negative_binomial "
            "sample_negative_binomial sample_normal sample_poisson sample_uniform"
        ),
        "_sequence": "SequenceLast SequenceMask SequenceReverse",
        "_statistics": "histogram moments",
        "linalg": (
            "linalg_det=det linalg_extractdiag=extractdiag linalg_gemm=gemm linalg_gemm2=gemm2 "
            "linalg_inverse=inverse linalg_makediag=makediag linalg_potrf=potrf linalg_potri=potri "
            "linalg_slogdet=slogdet linalg_sumlogdiag=sumlogdiag linalg_syrk=syrk linalg_trmm=trmm "
            "linalg_trsm=trsm"
        ),
        "random": (
            "normal shuffle uniform random_gamma=gamma random_negative_binomial=negative_binomial "
            "random_generalized_negative_binomial=generalized_negative_binomial random_normal=normal "
            "random_poisson=poisson random_randint=randint random_uniform=uniform "
            "sample_multinomial=multinomial"
        ),
    },
)
