"""Counts and moments of an array's elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball.base import ArgumentError
from glueball.nd._elementwise import square
from glueball.nd._record import finish, into, raw
from glueball.nd._reduction import mean
from glueball.nd._shape import reshape

__all__ = ["histogram", "moments"]


def histogram(
    a: Any,
    bins: Any = 10,
    range: tuple[float, float] | None = None,
    out: Any = None,
    name: str | None = None,
) -> list[Any]:
    """Count the elements in each of several intervals.

    Parameters
    ----------
    a : NDArray
        The array, of any shape.
    bins : int or NDArray, default 10
        The number of equal intervals, or their ascending bounds. The last interval includes its end.
    range : (float, float), optional
        Bounds of all equal intervals; the least and the greatest element by default.

    Returns
    -------
    list of NDArray
        The counts, int64, and the bounds, one more.

    Raises
    ------
    ArgumentError
        When the bounds do not ascend.
    """
    x = raw(a)
    try:
        counts, bounds = np.histogram(
            x, bins if isinstance(bins, int | np.integer) else raw(bins), range
        )
    except ValueError as error:
        msg = f"expected a number of bins or ascending bounds for histogram, found bins={bins}, range={range} ({error})"
        raise ArgumentError(msg) from error
    kind = x.dtype if x.dtype.kind == "f" else np.float32
    both = [
        finish(counts.astype(np.int64), (a,), None, "histogram"),
        finish(bounds.astype(kind), (a,), None, "histogram"),
    ]
    return into(out, both, "histogram")  # type: ignore[no-any-return]


def moments(
    data: Any, axes: Any, keepdims: bool = False, out: Any = None, name: str | None = None
) -> list[Any]:
    """Compute the mean and the variance over axes, divided by the number of elements.

    Parameters
    ----------
    data : NDArray
        The array.
    axes : int or tuple of int
        The axes, at least one.
    keepdims : bool, default False
        Keep the axes with length 1.

    Raises
    ------
    ArgumentError
        When no axis is named.
    """
    chosen = (axes,) if isinstance(axes, int | np.integer) else tuple(axes or ())
    if not chosen:
        msg = f"expected at least one axis for moments, found {axes}; for moments of all elements name all axes"
        raise ArgumentError(msg)
    centre = mean(data, axis=chosen, keepdims=True)
    spread = mean(square(data - centre), axis=chosen, keepdims=keepdims)
    both = [centre if keepdims else reshape(centre, spread.shape), spread]
    return into(out, both, "moments")  # type: ignore[no-any-return]
