"""Functions of each element by itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glueball._tape import LinearNode, MixedNode, ResultNode
from glueball.base import ArgumentError, DtypeError
from glueball.nd import _special
from glueball.nd._record import as_array, finish, raw
from glueball.nd._traced import traced_erf, traced_erfinv

__all__ = [
    "abs", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "cast", "cbrt", "ceil", "clip",
    "cos", "cosh", "degrees", "erf", "erfinv", "exp", "expm1", "fix", "floor", "gamma", "gammaln", "identity",
    "log", "log1p", "log2", "log10", "logical_not", "negative", "radians", "rcbrt", "reciprocal", "rint",
    "round", "rsqrt", "sign", "sin", "sinh", "smooth_l1", "sqrt", "square", "stop_gradient", "tan", "tanh",
    "trunc",
]  # fmt: skip


def exp(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Raise e to the power of each element."""
    return np.exp(as_array(data), out=out)


def expm1(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute exp(x) - 1, exact for small x."""
    return np.expm1(as_array(data), out=out)


def log(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the natural logarithm."""
    return np.log(as_array(data), out=out)


def log2(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the logarithm to base 2."""
    return np.log2(as_array(data), out=out)


def log10(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the logarithm to base 10."""
    return np.log10(as_array(data), out=out)


def log1p(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute log(1 + x), exact for small x."""
    return np.log1p(as_array(data), out=out)


def sqrt(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the square root."""
    return np.sqrt(as_array(data), out=out)


def rsqrt(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute 1 / sqrt(x)."""
    x = raw(data)
    y = 1 / np.sqrt(x)
    return finish(
        y, (data,), lambda g, _: (g * -0.5 * y / x,), "rsqrt", out, lambda np, x: x**-0.5, MixedNode
    )


def cbrt(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the cube root."""
    x = raw(data)
    y = np.cbrt(x)
    return finish(
        y, (data,), lambda g, _: (g / (3 * y * y),), "cbrt", out,
        lambda np, x: np.sign(y) * np.abs(x) ** (1 / 3), ResultNode,
    )  # fmt: skip


def rcbrt(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute 1 / cbrt(x)."""
    x = raw(data)
    y = 1 / np.cbrt(x)
    return finish(
        y, (data,), lambda g, _: (g * y / (-3 * x),), "rcbrt", out,
        lambda np, x: np.sign(y) * np.abs(x) ** (-1 / 3), MixedNode,
    )  # fmt: skip


def square(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute x times x."""
    return np.square(as_array(data), out=out)


def reciprocal(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute 1 / x."""
    x = raw(data)
    y = 1 / x
    return finish(
        y, (data,), lambda g, _: (-g * y * y,), "reciprocal", out, lambda np, x: 1 / x, ResultNode
    )


def negative(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute -x."""
    return np.negative(as_array(data), out=out)


def abs(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the absolute value. Its derivative at 0 is taken as 0."""
    return np.absolute(as_array(data), out=out)


def sign(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return -1, 0 or 1. The derivative is 0."""
    return np.sign(as_array(data), out=out)


def floor(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the largest integer not above x. The derivative is 0."""
    return np.floor(as_array(data), out=out)


def ceil(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the smallest integer not below x. The derivative is 0."""
    return np.ceil(as_array(data), out=out)


def trunc(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the integer part, towards 0. The derivative is 0."""
    return np.trunc(as_array(data), out=out)


def fix(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute `trunc`."""
    return np.trunc(as_array(data), out=out)


def rint(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the nearest integer, halves downwards as in Gluon, not to the even one. The derivative is 0."""
    x = raw(data)
    below = np.floor(x)
    return _step(data, below + (x - below > 0.5), "rint", out)


def round(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the nearest integer, halves away from 0 as in Gluon, not to the even one. The derivative is 0."""
    x = raw(data)
    y = np.trunc(x + np.copysign(np.asarray(0.5, x.dtype), x))
    return _step(data, y, "round", out)


def _step(data: Any, value: Any, name: str, out: Any) -> Any:
    """Finish a function whose derivative is 0."""
    return finish(
        value, (data,), lambda g, _: (np.zeros_like(g),), name, out, lambda np, x: x * 0, LinearNode
    )


def sin(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the sine of x in radians."""
    return np.sin(as_array(data), out=out)


def cos(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the cosine of x in radians."""
    return np.cos(as_array(data), out=out)


def tan(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the tangent of x in radians."""
    return np.tan(as_array(data), out=out)


def arcsin(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the angle in radians whose sine is x."""
    return np.arcsin(as_array(data), out=out)


def arccos(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the angle in radians whose cosine is x."""
    return np.arccos(as_array(data), out=out)


def arctan(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the angle in radians whose tangent is x."""
    return np.arctan(as_array(data), out=out)


def sinh(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the hyperbolic sine."""
    return np.sinh(as_array(data), out=out)


def cosh(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the hyperbolic cosine."""
    return np.cosh(as_array(data), out=out)


def tanh(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the hyperbolic tangent."""
    return np.tanh(as_array(data), out=out)


def arcsinh(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the inverse of `sinh`."""
    return np.arcsinh(as_array(data), out=out)


def arccosh(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the inverse of `cosh`."""
    return np.arccosh(as_array(data), out=out)


def arctanh(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the inverse of `tanh`."""
    return np.arctanh(as_array(data), out=out)


def degrees(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Convert radians to degrees."""
    return np.degrees(as_array(data), out=out)


def radians(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Convert degrees to radians."""
    return np.radians(as_array(data), out=out)


def erf(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    x = raw(data)
    slope = 2 / math.sqrt(math.pi)
    return finish(
        _special.erf(x), (data,), lambda g, _: (g * slope * np.exp(-x * x),), "erf", out,
        lambda _, x: traced_erf()(x),
    )  # fmt: skip


def erfinv(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the inverse of `erf`."""
    x = raw(data)
    y = _special.erfinv(x)
    slope = math.sqrt(math.pi) / 2
    return finish(
        y, (data,), lambda g, _: (g * slope * np.exp(y * y),), "erfinv", out,
        lambda _, x: traced_erfinv()(x), ResultNode,
    )  # fmt: skip


def gamma(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute Euler's gamma function."""
    x = raw(data)
    y = _special.gamma(x)
    return finish(
        y, (data,), lambda g, _: (g * y * _special.digamma(x),), "gamma", out, node=MixedNode
    )


def gammaln(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Compute the logarithm of the absolute value of the gamma function."""
    x = raw(data)
    return finish(
        _special.log_gamma(x), (data,), lambda g, _: (g * _special.digamma(x),), "gammaln", out
    )


def smooth_l1(data: Any, scalar: float = 1.0, out: Any = None, name: str | None = None) -> Any:
    """Compute x^2 s^2 / 2 where abs(x) < 1 / s^2, else abs(x) - 1 / (2 s^2), with s = `scalar`."""
    x = raw(data)
    s2 = float(scalar) ** 2
    inside = np.abs(x) * s2 < 1
    y = np.where(inside, 0.5 * s2 * x * x, np.abs(x) - 0.5 / s2)
    return finish(
        y, (data,), lambda g, _: (g * np.where(inside, s2 * x, np.sign(x)),), "smooth_l1", out,
        lambda np, x: np.where(inside, 0.5 * s2 * x * x, np.abs(x) - 0.5 / s2),
    )  # fmt: skip


def clip(data: Any, a_min: float, a_max: float, out: Any = None, name: str | None = None) -> Any:
    """Replace values below `a_min` by `a_min`, and those above `a_max` by `a_max`.

    The gradient passes where ``a_min <= x <= a_max``.

    Raises
    ------
    ArgumentError
        When `a_min` is above `a_max`.
    """
    if a_min > a_max:
        msg = f"expected a_min <= a_max for clip, found a_min={a_min} and a_max={a_max}; swap them"
        raise ArgumentError(msg)
    x = raw(data)
    inside = (x >= a_min) & (x <= a_max)
    y = np.minimum(np.maximum(x, x.dtype.type(a_min)), x.dtype.type(a_max))
    return finish(
        y, (data,), lambda g, _: (g * inside,), "clip", out,
        lambda np, x: np.where(inside, x, y), LinearNode,
    )  # fmt: skip


def identity(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return a copy, through which gradients pass."""
    value = raw(data).copy()
    return finish(
        value, (data,), lambda g, _: (g,), "identity", out, lambda _, x: x * 1, LinearNode
    )


def stop_gradient(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return a copy that is a constant: no gradient passes."""
    return finish(raw(data).copy(), (data,), None, "BlockGrad", out)


def cast(data: Any, dtype: Any, out: Any = None, name: str | None = None) -> Any:
    """Convert the values to another dtype; between floating types gradients pass."""
    x = raw(data)
    try:
        y = x.astype(dtype)
    except TypeError as error:
        msg = f"expected a dtype such as 'float32', found {dtype!r} ({error}); use float32, float64, int32 or int64"
        raise DtypeError(msg) from None
    # An integer is a constant as far as derivatives go.
    backward = (lambda g, _: (g.astype(x.dtype),)) if y.dtype.kind == "f" == x.dtype.kind else None
    return finish(y, (data,), backward, "cast", out, lambda _, x: x.astype(y.dtype), LinearNode)


def logical_not(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return 1 where the element is 0, else 0."""
    return np.logical_not(as_array(data), out=out)
