"""Functions of each element by itself, and of pairs of elements."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from glueball.base import ArgumentError
from glueball.nd import _special
from glueball.nd._derivatives import chosen as choose
from glueball.nd._derivatives import traced_erf, traced_erfinv
from glueball.nd._record import (
    as_array,
    check_same_dtype,
    class_of,
    finish,
    fit,
    is_array,
    raw,
    wrap,
)

__all__ = [
    "abs",
    "add",
    "add_n",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "cast",
    "cbrt",
    "ceil",
    "clip",
    "cos",
    "cosh",
    "degrees",
    "divide",
    "equal",
    "erf",
    "erfinv",
    "exp",
    "expm1",
    "fix",
    "floor",
    "gamma",
    "gammaln",
    "greater",
    "greater_equal",
    "hypot",
    "identity",
    "lesser",
    "lesser_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "modulo",
    "multiply",
    "negative",
    "not_equal",
    "power",
    "radians",
    "rcbrt",
    "reciprocal",
    "rint",
    "round",
    "rsqrt",
    "sign",
    "sin",
    "sinh",
    "smooth_l1",
    "sqrt",
    "square",
    "stop_gradient",
    "subtract",
    "tan",
    "tanh",
    "trunc",
    "where",
]  # fmt: skip


def exp(data: Any, out: Any = None) -> Any:
    """e to the power of each element."""
    return np.exp(as_array(data), out=out)


def expm1(data: Any, out: Any = None) -> Any:
    """exp(x) - 1, exact for small x."""
    return np.expm1(as_array(data), out=out)


def log(data: Any, out: Any = None) -> Any:
    """Natural logarithm."""
    return np.log(as_array(data), out=out)


def log2(data: Any, out: Any = None) -> Any:
    """Logarithm to base 2."""
    return np.log2(as_array(data), out=out)


def log10(data: Any, out: Any = None) -> Any:
    """Logarithm to base 10."""
    return np.log10(as_array(data), out=out)


def log1p(data: Any, out: Any = None) -> Any:
    """log(1 + x), exact for small x."""
    return np.log1p(as_array(data), out=out)


def sqrt(data: Any, out: Any = None) -> Any:
    """Square root."""
    return np.sqrt(as_array(data), out=out)


def rsqrt(data: Any, out: Any = None) -> Any:
    """1 / sqrt(x)."""
    x = raw(data)
    y = 1 / np.sqrt(x)
    return finish(y, (data,), lambda g, _: (g * -0.5 * y / x,), "rsqrt", out, lambda np, x: x**-0.5)


def cbrt(data: Any, out: Any = None) -> Any:
    """Cube root."""
    x = raw(data)
    y = np.cbrt(x)
    return finish(
        y, (data,), lambda g, _: (g / (3 * y * y),), "cbrt", out,
        lambda np, x: np.sign(y) * np.abs(x) ** (1 / 3),
    )  # fmt: skip


def rcbrt(data: Any, out: Any = None) -> Any:
    """1 / cbrt(x)."""
    x = raw(data)
    y = 1 / np.cbrt(x)
    return finish(
        y, (data,), lambda g, _: (g * y / (-3 * x),), "rcbrt", out,
        lambda np, x: np.sign(y) * np.abs(x) ** (-1 / 3),
    )  # fmt: skip


def square(data: Any, out: Any = None) -> Any:
    """x times x."""
    return np.square(as_array(data), out=out)


def reciprocal(data: Any, out: Any = None) -> Any:
    """1 / x."""
    x = raw(data)
    y = 1 / x
    return finish(y, (data,), lambda g, _: (-g * y * y,), "reciprocal", out, lambda np, x: 1 / x)


def negative(data: Any, out: Any = None) -> Any:
    """-x."""
    return np.negative(as_array(data), out=out)


def abs(data: Any, out: Any = None) -> Any:
    """Absolute value. Its derivative at 0 is taken as 0."""
    return np.absolute(as_array(data), out=out)


def sign(data: Any, out: Any = None) -> Any:
    """-1, 0 or 1. The derivative is 0."""
    return np.sign(as_array(data), out=out)


def floor(data: Any, out: Any = None) -> Any:
    """The largest integer not above x. The derivative is 0."""
    return np.floor(as_array(data), out=out)


def ceil(data: Any, out: Any = None) -> Any:
    """The smallest integer not below x. The derivative is 0."""
    return np.ceil(as_array(data), out=out)


def trunc(data: Any, out: Any = None) -> Any:
    """The integer part, towards 0. The derivative is 0."""
    return np.trunc(as_array(data), out=out)


def fix(data: Any, out: Any = None) -> Any:
    """As `trunc`."""
    return np.trunc(as_array(data), out=out)


def rint(data: Any, out: Any = None) -> Any:
    """The nearest integer, halves downwards as in Gluon, not to the even one. The derivative is 0."""
    x = raw(data)
    below = np.floor(x)
    return finish(
        below + (x - below > 0.5), (data,), lambda g, _: (np.zeros_like(g),), "rint", out,
        lambda np, x: x * 0,
    )  # fmt: skip


def round(data: Any, out: Any = None) -> Any:
    """The nearest integer, halves away from 0 as in Gluon, not to the even one. The derivative is 0."""
    x = raw(data)
    y = np.trunc(x + np.copysign(np.asarray(0.5, x.dtype), x))
    return finish(y, (data,), lambda g, _: (np.zeros_like(g),), "round", out, lambda np, x: x * 0)


def sin(data: Any, out: Any = None) -> Any:
    """Sine of x in radians."""
    return np.sin(as_array(data), out=out)


def cos(data: Any, out: Any = None) -> Any:
    """Cosine of x in radians."""
    return np.cos(as_array(data), out=out)


def tan(data: Any, out: Any = None) -> Any:
    """Tangent of x in radians."""
    return np.tan(as_array(data), out=out)


def arcsin(data: Any, out: Any = None) -> Any:
    """The angle in radians whose sine is x."""
    return np.arcsin(as_array(data), out=out)


def arccos(data: Any, out: Any = None) -> Any:
    """The angle in radians whose cosine is x."""
    return np.arccos(as_array(data), out=out)


def arctan(data: Any, out: Any = None) -> Any:
    """The angle in radians whose tangent is x."""
    return np.arctan(as_array(data), out=out)


def sinh(data: Any, out: Any = None) -> Any:
    """Hyperbolic sine."""
    return np.sinh(as_array(data), out=out)


def cosh(data: Any, out: Any = None) -> Any:
    """Hyperbolic cosine."""
    return np.cosh(as_array(data), out=out)


def tanh(data: Any, out: Any = None) -> Any:
    """Hyperbolic tangent."""
    return np.tanh(as_array(data), out=out)


def arcsinh(data: Any, out: Any = None) -> Any:
    """Inverse of `sinh`."""
    return np.arcsinh(as_array(data), out=out)


def arccosh(data: Any, out: Any = None) -> Any:
    """Inverse of `cosh`."""
    return np.arccosh(as_array(data), out=out)


def arctanh(data: Any, out: Any = None) -> Any:
    """Inverse of `tanh`."""
    return np.arctanh(as_array(data), out=out)


def degrees(data: Any, out: Any = None) -> Any:
    """Radians to degrees."""
    return np.degrees(as_array(data), out=out)


def radians(data: Any, out: Any = None) -> Any:
    """Degrees to radians."""
    return np.radians(as_array(data), out=out)


def erf(data: Any, out: Any = None) -> Any:
    """Error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    x = raw(data)
    slope = 2 / math.sqrt(math.pi)
    return finish(
        _special.erf(x), (data,), lambda g, _: (g * slope * np.exp(-x * x),), "erf", out,
        lambda _, x: traced_erf()(x),
    )  # fmt: skip


def erfinv(data: Any, out: Any = None) -> Any:
    """Inverse of `erf`."""
    x = raw(data)
    y = _special.erfinv(x)
    slope = math.sqrt(math.pi) / 2
    return finish(
        y, (data,), lambda g, _: (g * slope * np.exp(y * y),), "erfinv", out,
        lambda _, x: traced_erfinv()(x),
    )  # fmt: skip


def gamma(data: Any, out: Any = None) -> Any:
    """Euler's gamma function."""
    x = raw(data)
    y = _special.gamma(x)
    return finish(y, (data,), lambda g, _: (g * y * _special.digamma(x),), "gamma", out)


def gammaln(data: Any, out: Any = None) -> Any:
    """Logarithm of the absolute value of the gamma function."""
    x = raw(data)
    return finish(
        _special.log_gamma(x), (data,), lambda g, _: (g * _special.digamma(x),), "gammaln", out
    )


def smooth_l1(data: Any, scalar: float = 1.0, out: Any = None) -> Any:
    """x^2 s^2 / 2 where abs(x) < 1 / s^2, else abs(x) - 1 / (2 s^2), with s = `scalar`."""
    x = raw(data)
    s2 = float(scalar) ** 2
    inside = np.abs(x) * s2 < 1
    y = np.where(inside, 0.5 * s2 * x * x, np.abs(x) - 0.5 / s2)
    return finish(
        y, (data,), lambda g, _: (g * np.where(inside, s2 * x, np.sign(x)),), "smooth_l1", out,
        lambda np, x: np.where(inside, 0.5 * s2 * x * x, np.abs(x) - 0.5 / s2),
    )  # fmt: skip


def clip(data: Any, a_min: float, a_max: float, out: Any = None) -> Any:
    """Values below `a_min` become `a_min`, those above `a_max` become `a_max`.

    The gradient passes where ``a_min <= x <= a_max``.

    Raises
    ------
    ArgumentError
        When `a_min` is above `a_max`.
    """
    if a_min > a_max:
        msg = f"expected a_min <= a_max for clip, found a_min={a_min} and a_max={a_max}; exchange them"
        raise ArgumentError(msg)
    x = raw(data)
    inside = (x >= a_min) & (x <= a_max)
    y = np.minimum(np.maximum(x, x.dtype.type(a_min)), x.dtype.type(a_max))
    return finish(
        y, (data,), lambda g, _: (g * inside,), "clip", out, lambda np, x: np.where(inside, x, y)
    )


def identity(data: Any, out: Any = None) -> Any:
    """A copy, through which gradients pass."""
    return finish(raw(data).copy(), (data,), lambda g, _: (g,), "identity", out, lambda _, x: x * 1)


def stop_gradient(data: Any, out: Any = None) -> Any:
    """A copy that is a constant: no gradient passes."""
    return finish(raw(data).copy(), (data,), None, "BlockGrad", out)


def cast(data: Any, dtype: Any, out: Any = None) -> Any:
    """The values as another dtype; between floating types gradients pass."""
    x = raw(data)
    y = x.astype(dtype)
    # An integer is a constant as far as derivatives go.
    backward = (lambda g, _: (g.astype(x.dtype),)) if y.dtype.kind == "f" == x.dtype.kind else None
    return finish(y, (data,), backward, "cast", out, lambda _, x: x.astype(y.dtype))


def where(condition: Any, x: Any, y: Any, out: Any = None) -> Any:
    """Elements of `x` where `condition` is not 0, else of `y`; a 1-D condition may choose rows."""
    chosen = raw(condition) != 0
    a, b = raw(x), raw(y)
    if is_array(x) and is_array(y):
        check_same_dtype(a, b, "where")
    if chosen.ndim == 1 and a.ndim > 1 and a.shape == b.shape and len(chosen) == len(a):
        chosen = chosen.reshape((-1,) + (1,) * (a.ndim - 1))
    value = np.where(chosen, a, b)
    if is_array(x) or is_array(y):
        value = value.astype((a if is_array(x) else b).dtype, copy=False)
    return finish(
        value,
        (x, y, condition),
        lambda g, _: (fit(np.where(chosen, g, 0), a), fit(np.where(chosen, 0, g), b), None),
        "where",
        out,
        lambda np, x, y, _: choose(np, np.broadcast_to(chosen, value.shape), x, y),
    )


def _pair(lhs: Any, rhs: Any) -> tuple[Any, Any]:
    """Two operands of which at least one is an array of glueball's."""
    return (lhs, rhs) if is_array(lhs) or is_array(rhs) else (as_array(lhs), rhs)


def add(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """lhs + rhs, with broadcasting."""
    return np.add(*_pair(lhs, rhs), out=out)


def subtract(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """lhs - rhs, with broadcasting."""
    return np.subtract(*_pair(lhs, rhs), out=out)


def multiply(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """lhs times rhs, with broadcasting."""
    return np.multiply(*_pair(lhs, rhs), out=out)


def divide(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """lhs / rhs, with broadcasting."""
    return np.divide(*_pair(lhs, rhs), out=out)


def modulo(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """The remainder of lhs / rhs, with the sign of rhs."""
    return np.mod(*_pair(lhs, rhs), out=out)


def power(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """Lhs to the power of rhs, with broadcasting."""
    return np.power(*_pair(lhs, rhs), out=out)


def maximum(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """The larger of two elements; at a tie the gradient goes to lhs."""
    return np.maximum(*_pair(lhs, rhs), out=out)


def minimum(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """The smaller of two elements; at a tie the gradient goes to lhs."""
    return np.minimum(*_pair(lhs, rhs), out=out)


def hypot(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """sqrt(lhs^2 + rhs^2), without overflow."""
    return np.hypot(*_pair(lhs, rhs), out=out)


def equal(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """1 where the elements are equal, else 0, in the dtype of the operands."""
    return np.equal(*_pair(lhs, rhs), out=out)


def not_equal(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """1 where the elements differ, else 0."""
    return np.not_equal(*_pair(lhs, rhs), out=out)


def greater(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """1 where lhs > rhs, else 0."""
    return np.greater(*_pair(lhs, rhs), out=out)


def greater_equal(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """1 where lhs >= rhs, else 0."""
    return np.greater_equal(*_pair(lhs, rhs), out=out)


def lesser(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """1 where lhs < rhs, else 0."""
    return np.less(*_pair(lhs, rhs), out=out)


def lesser_equal(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """1 where lhs <= rhs, else 0."""
    return np.less_equal(*_pair(lhs, rhs), out=out)


def logical_and(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """1 where both are not 0, else 0."""
    return np.logical_and(*_pair(lhs, rhs), out=out)


def logical_or(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """1 where at least one is not 0, else 0."""
    return np.logical_or(*_pair(lhs, rhs), out=out)


def logical_xor(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """1 where exactly one is not 0, else 0."""
    return np.logical_xor(*_pair(lhs, rhs), out=out)


def logical_not(data: Any, out: Any = None) -> Any:
    """1 where the element is 0, else 0."""
    return np.logical_not(as_array(data), out=out)


def add_n(*args: Any, out: Any = None) -> Any:
    """The sum of several arrays of one shape.

    Raises
    ------
    ArgumentError
        When there are none.
    """
    if not args:
        msg = "expected at least one array for add_n, found none; pass the arrays one by one"
        raise ArgumentError(msg)
    value = raw(args[0]).copy()
    for arg in args[1:]:
        check_same_dtype(value, raw(arg), "add_n")
        value += raw(arg)
    if out is None and len(args) == 1:
        return wrap(value, class_of(args)) if not is_array(args[0]) else identity(args[0])
    return finish(
        value, args, lambda g, _: (g,) * len(args), "add_n", out,
        lambda _, first, *rest: functools.reduce(operator.add, rest, first),
    )  # fmt: skip
