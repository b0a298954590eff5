"""Arrays and functions of them, under Gluon's names: `mx.nd`."""

from __future__ import annotations

from glueball.nd import random
from glueball.nd._creation import (
    arange,
    array,
    empty,
    eye,
    from_numpy,
    full,
    linspace,
    ones,
    waitall,
    zeros,
)
from glueball.nd._elementwise import (
    abs,
    add,
    add_n,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctanh,
    cast,
    cbrt,
    ceil,
    clip,
    cos,
    cosh,
    degrees,
    divide,
    equal,
    erf,
    erfinv,
    exp,
    expm1,
    fix,
    floor,
    gamma,
    gammaln,
    greater,
    greater_equal,
    hypot,
    identity,
    lesser,
    lesser_equal,
    log,
    log1p,
    log2,
    log10,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    modulo,
    multiply,
    negative,
    not_equal,
    power,
    radians,
    rcbrt,
    reciprocal,
    rint,
    round,
    rsqrt,
    sign,
    sin,
    sinh,
    smooth_l1,
    sqrt,
    square,
    stop_gradient,
    subtract,
    tan,
    tanh,
    trunc,
    where,
)
from glueball.nd._files import load, save
from glueball.nd._index import (
    Embedding,
    SequenceLast,
    SequenceMask,
    SequenceReverse,
    batch_take,
    boolean_mask,
    gather_nd,
    one_hot,
    pick,
    scatter_nd,
    take,
)
from glueball.nd._ndarray import NDArray
from glueball.nd._neural import (
    Activation,
    Dropout,
    FullyConnected,
    L2Normalization,
    LayerNorm,
    LeakyReLU,
    batch_dot,
    dot,
    gelu,
    hard_sigmoid,
    hard_swish,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    sigmoid,
    silu,
    softmax,
    softmax_cross_entropy,
    softmin,
    softplus,
    softrelu,
    softsign,
)
from glueball.nd._reduction import (
    argmax,
    argmax_channel,
    argmin,
    argsort,
    cumsum,
    max,
    mean,
    min,
    nanprod,
    nansum,
    norm,
    prod,
    sort,
    sum,
    topk,
)
from glueball.nd._shape import (
    broadcast_axis,
    broadcast_like,
    broadcast_to,
    concat,
    diag,
    expand_dims,
    flatten,
    flip,
    moveaxis,
    ones_like,
    pad,
    repeat,
    reshape,
    reshape_like,
    shape_array,
    size_array,
    slice,
    slice_axis,
    slice_like,
    split,
    squeeze,
    stack,
    swapaxes,
    tile,
    transpose,
    zeros_like,
)

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
concatenate = concat
crop = slice
max_axis = max
min_axis = min
random_exponential = random.exponential
random_gamma = random.gamma
random_negative_binomial = random.negative_binomial
random_normal = normal = random.normal
random_poisson = random.poisson
random_randint = random.randint
random_uniform = uniform = random.uniform
reverse = flip
sample_multinomial = random.multinomial
shuffle = random.shuffle
sum_axis = sum

__all__ = [
    "Activation", "BlockGrad", "Cast", "Concat", "Dropout", "ElementWiseSum", "Embedding", "Flatten",
    "FullyConnected", "L2Normalization", "LayerNorm", "LeakyReLU", "NDArray", "Pad", "Reshape", "SequenceLast",
    "SequenceMask", "SequenceReverse", "SliceChannel", "SwapAxis", "abs", "add", "add_n", "arange", "arccos",
    "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "argmax", "argmax_channel", "argmin", "argsort", "array",
    "batch_dot", "batch_take", "boolean_mask", "broadcast_add", "broadcast_axes", "broadcast_axis",
    "broadcast_div", "broadcast_equal", "broadcast_greater", "broadcast_greater_equal", "broadcast_hypot",
    "broadcast_lesser", "broadcast_lesser_equal", "broadcast_like", "broadcast_logical_and",
    "broadcast_logical_or", "broadcast_logical_xor", "broadcast_maximum", "broadcast_minimum",
    "broadcast_minus", "broadcast_mod", "broadcast_mul", "broadcast_not_equal", "broadcast_plus",
    "broadcast_power", "broadcast_sub", "broadcast_to", "cast", "cbrt", "ceil", "clip", "concat", "concatenate",
    "cos", "cosh", "crop", "cumsum", "degrees", "diag", "divide", "dot", "elemwise_add", "elemwise_div",
    "elemwise_mul", "elemwise_sub", "empty", "equal", "erf", "erfinv", "exp", "expand_dims", "expm1", "eye", "fix",
    "flatten", "flip", "floor", "from_numpy", "full", "gamma", "gammaln", "gather_nd", "gelu", "greater",
    "greater_equal", "hard_sigmoid", "hard_swish", "hypot", "identity", "lesser", "lesser_equal", "linspace",
    "load", "log", "log10", "log1p", "log2", "log_sigmoid", "log_softmax", "logical_and", "logical_not",
    "logical_or", "logical_xor", "max", "max_axis", "maximum", "mean", "min", "min_axis", "minimum", "mish", "modulo",
    "moveaxis", "multiply", "nanprod", "nansum", "negative", "norm", "normal", "not_equal", "one_hot", "ones",
    "ones_like", "pad", "pick", "power", "prod", "radians", "random", "random_exponential", "random_gamma",
    "random_negative_binomial", "random_normal", "random_poisson", "random_randint", "random_uniform", "rcbrt",
    "reciprocal", "relu", "repeat", "reshape", "reshape_like", "reverse", "rint", "round", "rsqrt",
    "sample_multinomial", "save", "scatter_nd", "shape_array", "shuffle", "sigmoid", "sign", "silu", "sin", "sinh",
    "size_array", "slice", "slice_axis", "slice_like", "smooth_l1", "softmax", "softmax_cross_entropy", "softmin",
    "softplus", "softrelu", "softsign", "sort", "split", "sqrt", "square", "squeeze", "stack", "stop_gradient",
    "subtract", "sum", "sum_axis", "swapaxes", "take", "tan", "tanh", "tile", "topk", "transpose", "true_divide",
    "trunc", "uniform", "waitall", "where", "zeros", "zeros_like",
]  # fmt: skip
