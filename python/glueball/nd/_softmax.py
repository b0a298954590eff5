"""Softmax, its logarithm, and the cross entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._tape import ResultNode
from glueball.base import ArgumentError, GlueballIndexError, ShapeError
from glueball.nd._keys import integers
from glueball.nd._record import finish, raw, result_axis

if TYPE_CHECKING:
    from glueball.nd._record import Plain

__all__ = ["SoftmaxActivation", "log_softmax", "softmax", "softmax_cross_entropy", "softmin"]


def _normalised(x: Plain, axis: int, temperature: float | None) -> Plain:
    scaled = x if temperature in (None, 1.0) else x / x.dtype.type(temperature)
    # The largest exponent becomes 0, so that nothing overflows.
    top = scaled.max(axis=axis, keepdims=True, initial=-np.inf)
    with np.errstate(
        invalid="ignore"
    ):  # of infinities: a row without a largest finite number is NaN
        shifted: Plain = scaled - top
    return shifted


def softmax(
    data: Any,
    axis: int = -1,
    length: Any = None,
    temperature: float | None = None,
    use_length: bool = False,
    dtype: Any = None,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Divide exp(x) by its sum along an axis: NaN where all are -inf, or one is inf or NaN, as in MXNet.

    Parameters
    ----------
    data : NDArray
        The array.
    axis : int, default -1
        The axis along which the result sums to 1.
    length : NDArray, optional
        With `use_length`: how many leading elements along the axis count; the others become 0.
    temperature : float, optional
        Divides x first.
    """
    x = raw(data)
    x = x.astype(dtype) if dtype is not None else x
    along = result_axis(axis, x.ndim, "softmax")
    counts_in: Any = None
    if use_length and length is not None:
        counts = np.expand_dims(integers(raw(length), "length"), along)
        places = np.arange(x.shape[along]).reshape((-1,) + (1,) * (x.ndim - 1 - along))
        counts_in = places < counts
        x = np.where(counts_in, x, -np.inf).astype(x.dtype)
    e = np.exp(_normalised(x, along, temperature))
    y = e / e.sum(axis=along, keepdims=True)
    if counts_in is not None:
        y = np.where(counts_in, y, 0).astype(y.dtype)
    rate = 1.0 if temperature is None else 1.0 / temperature

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return (y * (g - (g * y).sum(axis=along, keepdims=True)) * rate,)

    def formula(np: Any, x: Any) -> Any:
        # Any constant may be subtracted first; the places that do not count have an exponential of 0.
        e = np.exp((x - peak) * rate) * (y > 0)
        return e / np.sum(e, axis=along, keepdims=True)

    peak = np.where(y > 0, x, -np.inf).max(axis=along, keepdims=True, initial=-np.inf)
    own = formula if np.isfinite(peak).all() else None
    return finish(y, (data,), backward, "softmax", out, own, ResultNode)


def softmin(
    data: Any,
    axis: int = -1,
    temperature: float | None = None,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Compute softmax(-x)."""
    return softmax(-data, axis=axis, temperature=temperature, out=out)


def SoftmaxActivation(
    data: Any, mode: str = "instance", out: Any = None, name: str | None = None
) -> Any:
    """Compute `softmax` along the last axis, or with mode 'channel' along axis 1.

    Raises
    ------
    ArgumentError
        For another mode.
    """
    if mode not in ("instance", "channel"):
        msg = f"expected mode 'instance' or 'channel' for SoftmaxActivation, found {mode!r}; choose one of them"
        raise ArgumentError(msg)
    return softmax(data, axis=-1 if mode == "instance" else 1, out=out)


def log_softmax(
    data: Any,
    axis: int = -1,
    temperature: float | None = None,
    dtype: Any = None,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Return the logarithm of `softmax`, exact where that underflows, and NaN where that is."""
    x = raw(data)
    x = x.astype(dtype) if dtype is not None else x
    along = result_axis(axis, x.ndim, "log_softmax")
    shifted = _normalised(x, along, temperature)
    y = shifted - np.log(np.exp(shifted).sum(axis=along, keepdims=True))
    rate = 1.0 if temperature is None else 1.0 / temperature

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return ((g - np.exp(y) * g.sum(axis=along, keepdims=True)) * rate,)

    def formula(np: Any, x: Any) -> Any:
        scaled = (x - peak) * rate
        return scaled - np.log(np.sum(np.exp(scaled), axis=along, keepdims=True))

    peak = x.max(axis=along, keepdims=True, initial=-np.inf)
    return finish(y, (data,), backward, "log_softmax", out, formula, ResultNode)


def softmax_cross_entropy(data: Any, label: Any, out: Any = None, name: str | None = None) -> Any:
    """Sum -log softmax(data)[label] over the batch; the result has shape (1,).

    Parameters
    ----------
    data : NDArray
        Shape (batch, classes).
    label : NDArray
        Class numbers, shape (batch,).

    Raises
    ------
    IndexError
        When a label is not a class.
    """
    x = raw(data)
    classes = integers(raw(label), "label")
    if x.ndim != 2 or classes.shape != x.shape[:1]:
        msg = f"expected data (batch, classes) and label (batch,), found {x.shape} and {classes.shape}"
        raise ShapeError(msg)
    if classes.size and (classes.min() < 0 or classes.max() >= x.shape[1]):
        bad = int(np.flatnonzero((classes < 0) | (classes >= x.shape[1]))[0])
        msg = f"expected labels in 0..{x.shape[1] - 1}, found {classes[bad]} at position {bad}; check the data"
        raise GlueballIndexError(msg)
    shifted = _normalised(x, 1, None)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))

    def backward(g: Plain, _: Any) -> tuple[Plain, None]:
        grad = np.exp(logs)
        grad[rows, classes] -= 1
        return grad * g, None

    def formula(np: Any, x: Any, _: Any) -> Any:
        logs = x - peak - np.log(np.sum(np.exp(x - peak), axis=1, keepdims=True))
        return -np.sum(logs[rows, classes])

    peak = x.max(axis=1, keepdims=True, initial=-np.inf)
    value = -logs[rows, classes].sum(dtype=x.dtype)
    return finish(value, (data, label), backward, "softmax_cross_entropy", out, formula)
