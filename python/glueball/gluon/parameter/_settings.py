"""What a parameter can be made of: shapes, dtypes, numbers, contexts."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import context
from glueball._number import correction, fits_float32
from glueball.base import ArgumentError, DtypeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glueball.context import Context

__all__ = [
    "check_grad_req", "context_list", "dtype_name", "to_lengths", "to_multiplier", "to_numbers",
]  # fmt: skip


def to_lengths(shape: int | Iterable[int] | None, name: str) -> tuple[int, ...] | None:
    """Return the axes' lengths with every unknown one as -1."""
    if shape is None:
        return None
    try:
        axes = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
        lengths = tuple(operator.index(length) for length in axes)
    except TypeError:
        message = (
            f"expected an int or a tuple of int as shape of Parameter '{name}', found {shape!r}; "
            "write 0 for an axis that is not known yet"
        )
        raise DtypeError(message) from None
    return tuple(-1 if length == 0 else length for length in lengths)


def check_grad_req(grad_req: str) -> None:
    if grad_req not in ("write", "add", "null"):
        message = f"grad_req must be one of 'write', 'add', or 'null', but got '{grad_req}'"
        raise ArgumentError(message)


def dtype_name(dtype: Any, name: str) -> str:
    try:
        found = str(np.dtype(dtype).name)
    except TypeError:
        found = str(dtype)
    if found not in ("float32", "float64"):
        message = (
            f"expected dtype float32 or float64 for Parameter '{name}', found {found!r}; "
            "layers compute in one of these two"
        )
        raise DtypeError(message)
    return found


def to_numbers(data: Any, what: str) -> np.ndarray:
    """Return an array of real numbers; NumPy would make 0 of None, and drop imaginary parts."""
    try:
        values = np.asarray(data)
    except (TypeError, ValueError):  # nested lists of unequal lengths
        found = "lists of unequal lengths"
    else:
        if values.dtype.kind in "biuf":
            return values
        found = f"{type(data).__name__} of dtype {values.dtype}"
    message = (
        f"expected an array of numbers as {what}, found {found}; pass an NDArray, a NumPy array or a "
        "nested list of real numbers"
    )
    raise DtypeError(message)


def context_list(ctx: Context | list[Context] | None) -> list[Context]:
    if ctx is None:
        return [context.current_context()]
    contexts = list(ctx) if isinstance(ctx, list | tuple) else [ctx]
    if not contexts:
        message = "expected at least one context, found an empty list; pass ctx=cpu()"
        raise ArgumentError(message)
    context.require_cpu(contexts)
    return contexts


def to_multiplier(value: Any, name: str, parameter: str) -> float:
    """Return a multiplier of a rate as a float; refuse NaN and infinity, which would reach every weight."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        message = (
            f"expected a number as {name} of Parameter '{parameter}', found {value!r} of type "
            f"{type(value).__name__}; 1 changes nothing"
        )
        raise DtypeError(message) from None
    if not fits_float32(number):
        message = f"expected a finite {name} of Parameter '{parameter}', found {number}; {correction(number)}"
        raise ArgumentError(message)
    return number
