"""Functions of pairs of elements, with broadcasting, and of several arrays of one shape.

Programs from before MXNet broadcast as NumPy does pass an `axis` to `broadcast_add` and the like, which MXNet
1.9 ignores, as these functions do.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from glueball._tape import LinearNode
from glueball.base import ArgumentError
from glueball.nd._elementwise import identity
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
from glueball.nd._traced import chosen as choose

__all__ = [
    "add", "add_n", "divide", "equal", "greater", "greater_equal", "hypot", "lesser", "lesser_equal",
    "logical_and", "logical_or", "logical_xor", "maximum", "minimum", "modulo", "multiply", "not_equal",
    "power", "subtract", "where",
]  # fmt: skip


def where(condition: Any, x: Any, y: Any, out: Any = None, name: str | None = None) -> Any:
    """Take elements of `x` where `condition` is not 0, else of `y`; a 1-D condition may choose rows."""
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
        value, (x, y, condition),
        lambda g, _: (fit(np.where(chosen, g, 0), a), fit(np.where(chosen, 0, g), b), None), "where", out,
        lambda np, x, y, _: choose(np, np.broadcast_to(chosen, value.shape), x, y), LinearNode,
    )  # fmt: skip


def _pair(lhs: Any, rhs: Any) -> tuple[Any, Any]:
    """Return two operands of which at least one is an array of glueball's."""
    return (lhs, rhs) if is_array(lhs) or is_array(rhs) else (as_array(lhs), rhs)


def add(lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None) -> Any:
    """Compute lhs + rhs, with broadcasting."""
    return np.add(*_pair(lhs, rhs), out=out)


def subtract(lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None) -> Any:
    """Compute lhs - rhs, with broadcasting."""
    return np.subtract(*_pair(lhs, rhs), out=out)


def multiply(lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None) -> Any:
    """Compute lhs times rhs, with broadcasting."""
    return np.multiply(*_pair(lhs, rhs), out=out)


def divide(lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None) -> Any:
    """Compute lhs / rhs, with broadcasting."""
    return np.divide(*_pair(lhs, rhs), out=out)


def modulo(lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None) -> Any:
    """Return the remainder of lhs / rhs, with the sign of rhs."""
    return np.mod(*_pair(lhs, rhs), out=out)


def power(lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None) -> Any:
    """Raise lhs to the power of rhs, with broadcasting."""
    return np.power(*_pair(lhs, rhs), out=out)


def maximum(lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None) -> Any:
    """Return the larger of two elements; at a tie the gradient goes to lhs."""
    return np.maximum(*_pair(lhs, rhs), out=out)


def minimum(lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None) -> Any:
    """Return the smaller of two elements; at a tie the gradient goes to lhs."""
    return np.minimum(*_pair(lhs, rhs), out=out)


def hypot(lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None) -> Any:
    """Compute sqrt(lhs^2 + rhs^2), without overflow."""
    return np.hypot(*_pair(lhs, rhs), out=out)


def equal(lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None) -> Any:
    """Return 1 where the elements are equal, else 0, in the dtype of the operands."""
    return np.equal(*_pair(lhs, rhs), out=out)


def not_equal(
    lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None
) -> Any:
    """Return 1 where the elements differ, else 0."""
    return np.not_equal(*_pair(lhs, rhs), out=out)


def greater(lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None) -> Any:
    """Return 1 where lhs > rhs, else 0."""
    return np.greater(*_pair(lhs, rhs), out=out)


def greater_equal(
    lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None
) -> Any:
    """Return 1 where lhs >= rhs, else 0."""
    return np.greater_equal(*_pair(lhs, rhs), out=out)


def lesser(lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None) -> Any:
    """Return 1 where lhs < rhs, else 0."""
    return np.less(*_pair(lhs, rhs), out=out)


def lesser_equal(
    lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None
) -> Any:
    """Return 1 where lhs <= rhs, else 0."""
    return np.less_equal(*_pair(lhs, rhs), out=out)


def logical_and(
    lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None
) -> Any:
    """Return 1 where both are not 0, else 0."""
    return np.logical_and(*_pair(lhs, rhs), out=out)


def logical_or(
    lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None
) -> Any:
    """Return 1 where at least one is not 0, else 0."""
    return np.logical_or(*_pair(lhs, rhs), out=out)


def logical_xor(
    lhs: Any, rhs: Any, out: Any = None, name: str | None = None, axis: Any = None
) -> Any:
    """Return 1 where exactly one is not 0, else 0."""
    return np.logical_xor(*_pair(lhs, rhs), out=out)


def add_n(*args: Any, out: Any = None, name: str | None = None) -> Any:
    """Add several arrays of one shape.

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
        lambda _, first, *rest: functools.reduce(operator.add, rest, first), LinearNode,
    )  # fmt: skip
