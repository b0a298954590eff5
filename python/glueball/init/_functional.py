"""Initializers as functions that fill in place, by PyTorch's names, arguments and formulas.

Each takes a Parameter, an NDArray or a NumPy array of floats, fills it, and returns it. Draws come from the one
generator that `glueball.random.seed` restarts. Nothing is recorded, also inside ``autograd.record()``.

A parameter that has no values yet is initialized, and keeps the initializer as its own; if its shape is not
known either, it is filled as soon as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from glueball import _core
from glueball.base import ArgumentError, GlueballTypeError
from glueball.init._base import InitDesc, Initializer
from glueball.init._check import describe
from glueball.init._constant import Constant, Dirac, Identity, One, Zero
from glueball.init._defaults import set_default
from glueball.init._fans import gain as gain_of
from glueball.init._orthogonal import Orthogonal
from glueball.init._random import Normal, Sparse, TruncatedNormal, Uniform
from glueball.init._scaling_rules import (
    KaimingNormal,
    KaimingUniform,
    XavierNormal,
    XavierUniform,
)

if TYPE_CHECKING:
    from glueball.init._registry import InitializerLike

__all__ = [
    "calculate_gain", "constant_", "dirac_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_",
    "ones_", "orthogonal_", "set_global_initializer", "sparse_", "trunc_normal_", "uniform_",
    "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

_T = TypeVar("_T")


def _fill(target: _T, initializer: Initializer) -> _T:
    """Fill a Parameter or an array by an initializer, whatever its name, and return it."""
    with _core.RecordingScope(False, None):
        if isinstance(target, _core.Parameter):
            parameter: Any = target
            if parameter._state == "initialized":
                shape, dtype, name = parameter.shape, parameter.dtype, parameter.name
                parameter.set_data(_drawn(initializer, shape, dtype, name))
                parameter._given, parameter._origin = (initializer, initializer), "in place"
            else:
                is_first = parameter._state == "uninitialized"
                parameter.init = initializer
                parameter.initialize(origin="in place")
                if is_first:  # as after set_data, the initialize() of its net leaves it
                    parameter.__dict__["_set_first"] = True
        elif isinstance(target, np.ndarray) and target.dtype.kind == "f":
            target[...] = _drawn(initializer, target.shape, target.dtype, "weight")
        else:
            message = (
                f"expected a Parameter or an array of floats to fill in place, found {describe(target)}; "
                "pass for example net[0].weight"
            )
            raise GlueballTypeError(message)
    return target


def _drawn(
    initializer: Initializer, shape: Any, dtype: np.dtype[Any], name: str
) -> np.ndarray[Any, Any]:
    values = np.empty(shape, "float64" if dtype.itemsize > 4 else "float32")
    initializer(InitDesc(name, {"__init__": initializer}), values)
    return values


def uniform_(tensor: _T, a: float = 0.0, b: float = 1.0) -> _T:
    """Fill from U(a, b).

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = init.uniform_(np.empty((2, 3)), -1, 1)
    >>> bool(abs(weight).max() <= 1)
    True
    """
    return _fill(tensor, Uniform(low=a, high=b))


def normal_(tensor: _T, mean: float = 0.0, std: float = 1.0) -> _T:
    """Fill from N(mean, std^2)."""
    return _fill(tensor, Normal(std, mean))


def trunc_normal_(
    tensor: _T, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
) -> _T:
    """Fill from N(mean, std^2), cut off at the values `a` and `b`; `std` is that of the uncut normal."""
    return _fill(tensor, TruncatedNormal(std, mean, a, b, cut="value"))


def constant_(tensor: _T, val: Any) -> _T:
    """Fill with a number, or an array that broadcasts to the shape."""
    return _fill(tensor, Constant(val))


def ones_(tensor: _T) -> _T:
    """Fill with 1."""
    return _fill(tensor, One())


def zeros_(tensor: _T) -> _T:
    """Fill with 0."""
    return _fill(tensor, Zero())


def eye_(tensor: _T) -> _T:
    """Fill a matrix with 1 on its diagonal, 0 elsewhere."""
    return _fill(tensor, Identity())


def dirac_(tensor: _T, groups: int = 1) -> _T:
    """Fill so that a convolution passes its input on; a matrix as `eye_` does."""
    return _fill(tensor, Dirac(groups))


def xavier_uniform_(tensor: _T, gain: float = 1.0) -> _T:
    """Fill from U(-L, L), L = gain sqrt(6 / (fan_in + fan_out)): Glorot and Bengio 2010, eq. 16."""
    return _fill(tensor, XavierUniform(gain))


def xavier_normal_(tensor: _T, gain: float = 1.0) -> _T:
    """Fill from a normal of variance 2 gain^2 / (fan_in + fan_out): Glorot and Bengio 2010, eq. 12."""
    return _fill(tensor, XavierNormal(gain))


def kaiming_uniform_(
    tensor: _T, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> _T:
    """Fill from U(-L, L), L = gain sqrt(3 / fan): He and others, arXiv 1502.01852."""
    return _fill(tensor, KaimingUniform(a, mode, nonlinearity))


def kaiming_normal_(
    tensor: _T, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> _T:
    """Fill from a normal of variance gain^2 / fan: He and others, arXiv 1502.01852."""
    return _fill(tensor, KaimingNormal(a, mode, nonlinearity))


def orthogonal_(tensor: _T, gain: float = 1) -> _T:
    """Fill with `gain` times a random (semi-)orthogonal matrix: Saxe and others, arXiv 1312.6120."""
    return _fill(tensor, Orthogonal(gain, rand_type="normal"))


def sparse_(tensor: _T, sparsity: float, std: float = 0.01) -> _T:
    """Fill from N(0, std^2), then put ``ceil(sparsity * rows)`` zeros in each column: Martens, ICML 2010."""
    return _fill(tensor, Sparse(sparsity, std))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return `gain`, also for what convolutions and PyTorch call linear.

    Examples
    --------
    >>> from glueball import init
    >>> round(init.calculate_gain("leaky_relu", 0.2), 4)
    1.3868
    """
    linear = ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")  # fmt: skip
    return 1.0 if nonlinearity in linear else gain_of(nonlinearity, param)


def set_global_initializer(
    weight_init: InitializerLike | None, bias_init: InitializerLike | None = None
) -> set_default:
    """Set what fills layers made from now on: PaddlePaddle's name for `set_default`; None takes it back.

    Raises
    ------
    ArgumentError
        When a bias is given an initializer, and weights none: PaddlePaddle refuses that too.
    """
    if weight_init is None and bias_init is not None:
        message = (
            f"expected weight_init beside bias_init, found None and {describe(bias_init)}; "
            "call init.set_default(bias=...)"
        )
        raise ArgumentError(message)
    return set_default(weight_init, bias_init)
