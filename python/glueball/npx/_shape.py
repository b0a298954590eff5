"""Functions of shapes: `npx.reshape` has other codes than `nd.reshape`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glueball.base import ArgumentError
from glueball.nd import _reshape_codes as codes
from glueball.nd._record import finish, raw, result_axis

__all__ = ["arange_like", "nonzero", "reshape"]


_CODES = {
    -1: codes.INFER, -2: codes.KEEP, -3: codes.DROP, -4: codes.REST, -5: codes.MERGE, -6: codes.SPLIT,
}  # fmt: skip


def reshape(a: Any, newshape: Any, reverse: bool = False, order: str = "C") -> Any:
    """Return the same elements in another shape; a view where memory allows.

    Parameters
    ----------
    a : ndarray
        The array.
    newshape : int or tuple of int
        Lengths, and codes: -1 is inferred, -2 keeps an axis, -3 drops an axis of length 1, -4 keeps all axes
        that remain, -5 merges two, -6 splits one into the two numbers that follow, of which one may be -1.
    reverse : bool, default False
        Read both shapes from their ends.
    order : {'C'}
        The last index runs fastest.

    Raises
    ------
    ShapeError
        When the codes do not fit, or the numbers of elements differ.
    ArgumentError
        For another order.
    """
    if order != "C":
        msg = f"expected order 'C' for reshape, found {order!r}; transpose before and after it"
        raise ArgumentError(msg)
    lengths = (newshape,) if isinstance(newshape, int | np.integer) else tuple(newshape)
    return a.reshape(codes.coded_shape(raw(a).shape, lengths, _CODES, reverse))


def nonzero(a: Any) -> Any:
    """Return the coordinates of the elements that are not 0: int64, of shape (how many, axes)."""
    return finish(np.argwhere(raw(a)).astype(np.int64), (a,), None, "nonzero")


def arange_like(
    data: Any,
    start: float = 0.0,
    step: float = 1.0,
    repeat: int = 1,
    ctx: Any = None,
    axis: int | None = None,
) -> Any:
    """Make numbers at equal distances, of the shape and dtype of an array.

    Parameters
    ----------
    data : ndarray
        The array.
    start, step : float, default 0 and 1
        The first number, and the distance.
    repeat : int, default 1
        How many times each number occurs in a row.
    ctx : Context, optional
        A CPU.
    axis : int, optional
        Make a vector, as long as this axis.
    """
    del ctx
    x = raw(data)
    shape = x.shape if axis is None else (x.shape[result_axis(axis, x.ndim, "arange_like")],)
    places = np.arange(math.prod(shape)) // repeat
    values = (start + step * places).astype(x.dtype).reshape(shape)
    return finish(values, (data,), None, "arange_like")
