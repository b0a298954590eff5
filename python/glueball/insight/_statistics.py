"""Statistics of arrays, of a sample where they are large, and their pictures in one line of text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "SAMPLE", "Statistics", "describe", "effective_rank", "histogram", "rms", "sample", "sparkline",
]  # fmt: skip

Array = np.ndarray[Any, Any]

SAMPLE = 1 << 16
_PIECE = 64  # a few cache lines: reading single elements would cost as much as reading all
_BARS = "▁▂▃▄▅▆▇█"


class Statistics(NamedTuple):
    """What describes an array's elements.

    Attributes
    ----------
    size : int
        Elements of the array.
    seen : int
        Elements that were looked at; less than `size` where a sample was.
    mean, std, least, greatest : float
        Of the finite ones among them; NaN if there are none.
    not_finite : int
        How many of those that were looked at are NaN or infinite.
    """

    size: int
    seen: int
    mean: float
    std: float
    least: float
    greatest: float
    not_finite: int

    @property
    def is_sampled(self) -> bool:
        """Whether these are statistics of a sample."""
        return self.seen < self.size


def sample(array: Any, limit: int = SAMPLE) -> Array:
    """Return at most `limit` elements, in order: pieces of neighbours, spread evenly over the array.

    The same elements each time, so that figures of two moments can be compared.
    """
    flat = np.asarray(array).reshape(-1)
    if flat.size <= limit:
        return flat
    pieces = max(2, limit // _PIECE)
    step = (flat.size - _PIECE) // (pieces - 1)
    (stride,) = flat.strides
    shown = np.lib.stride_tricks.as_strided(
        flat, (pieces, _PIECE), (step * stride, stride), writeable=False
    )
    return shown.reshape(-1)  # copies


def describe(array: Any, limit: int | None = SAMPLE) -> Statistics:
    """Return the statistics of an array's elements.

    Parameters
    ----------
    array : array
        Of any shape and dtype of numbers; of booleans too.
    limit : int or None
        How many elements to look at; None: all.
    """
    plain = np.asarray(array)
    some = plain.reshape(-1) if limit is None else sample(plain, limit)
    values = some.astype(np.float64, copy=False)
    finite = np.isfinite(values)
    if not finite.all():
        values = values[finite]
    lost = some.size - values.size
    if values.size == 0:
        nan = math.nan
        return Statistics(plain.size, some.size, nan, nan, nan, nan, lost)
    # As values.mean() and .std() do, which call Python several times.
    mean = float(np.add.reduce(values)) / values.size
    apart = values - mean
    return Statistics(
        plain.size,
        some.size,
        mean,
        math.sqrt(float(np.add.reduce(apart * apart)) / values.size),
        float(values.min()),
        float(values.max()),
        lost,
    )


def rms(array: Any) -> float:
    """Return the root of the mean square of an array's elements; 0 if it has none."""
    flat = np.asarray(array).reshape(-1)
    if flat.size == 0:
        return 0.0
    wide = flat.astype(
        np.float64, copy=False
    )  # squares of small float32 gradients are 0 in float32
    square = float(np.vdot(wide, wide))
    if 1e-290 < square < math.inf:
        return math.sqrt(square / flat.size)
    largest = float(np.abs(flat).max())
    if largest == 0 or not math.isfinite(largest):
        return largest
    scaled = wide / largest
    return largest * math.sqrt(float(np.mean(scaled * scaled)))


def histogram(array: Any, bins: int = 8, limit: int = SAMPLE) -> tuple[Array, Array]:
    """Return how many finite elements (of a sample) fall into each of equal ranges, and the ranges' ends."""
    values = sample(array, limit).astype(np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return np.zeros(bins, np.int64), np.linspace(0.0, 1.0, bins + 1)
    low, high = float(values.min()), float(values.max())
    if low == high:  # NumPy would take half a unit on each side, whatever the scale
        half = abs(low) / 2 or 0.5
        low, high = low - half, high + half
    return np.histogram(values, bins, (low, high))


def sparkline(values: Sequence[float] | Array) -> str:
    """Return a bar for each number, from 0 to the greatest; a space for what is not finite."""
    numbers = [float(each) for each in values]
    top = max((each for each in numbers if math.isfinite(each)), default=0.0)
    return "".join(
        " " if not math.isfinite(each) else _BARS[round(7 * max(each, 0) / top) if top > 0 else 0]
        for each in numbers
    )


def effective_rank(array: Any, limit: int = 64) -> float:
    """Return in how many directions the rows of a matrix differ from their mean.

    The exponential of the entropy of the singular values' shares: O. Roy, M. Vetterli, "The effective rank: a
    measure of effective dimensionality", EUSIPCO 2007. Of at most `limit` rows and columns, evenly spread.

    Parameters
    ----------
    array : array
        Shape (rows, ...); what comes after the first axis is one row.
    limit : int
        How many rows and columns to look at. Beyond 64, LAPACK's threads cost more than they bring.

    Returns
    -------
    float
        From 1 to the lesser of rows - 1 and columns; 0 if all rows are equal, NaN if a number is not finite.
    """
    plain = np.asarray(array)
    if plain.ndim == 0 or plain.size == 0:
        return 0.0
    matrix = plain.reshape(plain.shape[0], -1)
    rows = np.linspace(0, matrix.shape[0] - 1, min(limit, matrix.shape[0])).astype(np.int64)
    columns = np.linspace(0, matrix.shape[1] - 1, min(limit, matrix.shape[1])).astype(np.int64)
    part = matrix[np.ix_(rows, columns)].astype(np.float64)
    largest = float(np.abs(part).max())
    if not math.isfinite(largest):
        return math.nan
    centred = part - part.mean(0)
    if float(np.abs(centred).max()) <= 1e-6 * largest:  # what rounding leaves of equal rows
        return 0.0
    centred /= np.abs(centred).max()
    values = np.linalg.svd(centred, compute_uv=False)
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))
