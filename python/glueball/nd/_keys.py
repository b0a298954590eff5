"""Indices: what `a[key]` means to NumPy, and checks of arrays of indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._tape import LinearNode
from glueball.base import ArgumentError, DtypeError, GlueballIndexError
from glueball.nd._record import finish, is_array, raw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.nd._record import Plain


__all__ = [
    "finish_selected", "index_error", "integers", "is_basic", "limited", "plain_key", "scatter_gradient",
    "truncated",
]  # fmt: skip


def plain_key(key: Any) -> Any:
    """Return an index that NumPy takes: floats without fractions become integers, and comparisons masks."""
    if isinstance(key, tuple):
        return tuple(plain_key(part) for part in key)
    if not is_array(key):
        return key
    array = np.asarray(key)
    if getattr(key, "_is_mask", False):
        return array != 0
    return integers(array, "an index")


def index_error(key: Any, shape: tuple[int, ...], error: IndexError) -> IndexError:
    """Return the error for an index that an array of a shape does not have."""
    if isinstance(error, GlueballIndexError):
        return error
    return GlueballIndexError(
        f"expected an index of an array of shape {tuple(shape)}, found {key!r} ({error}); correct it"
    )


def integers(array: Plain, what: str) -> Plain:
    """Return `array` as int64, or as it is when it holds bools; refuse fractions."""
    if array.dtype.kind in "biu":
        return array
    if not np.all(np.mod(array, 1) == 0):  # also for NaN and infinities
        msg = f"expected integers in {what}, found {array.ravel()[:5]}; round them first"
        raise DtypeError(msg)
    return array.astype(np.int64)


def truncated(array: Plain, what: str) -> Plain:
    """Return `array` as integers, with fractions cut off as MXNet does; refuse NaN and infinities."""
    return array if array.dtype.kind in "biu" else integers(np.trunc(array), what)


def is_basic(key: Any) -> bool:
    """Return whether NumPy answers `key` with a view: no arrays or lists in it."""
    parts = key if isinstance(key, tuple) else (key,)
    return not any(isinstance(part, np.ndarray | list | bool) for part in parts)


def scatter_gradient(shape: tuple[int, ...], dtype: Any, key: Any, grad: Plain) -> Plain:
    """Return zeros with `grad` added at `key`: the derivative of ``x[key]``."""
    result = np.zeros(shape, dtype)
    if is_basic(key):
        result[key] = grad
    else:
        np.add.at(result, key, grad)  # an element that was taken twice gets both gradients
    return result


def limited(indices: Plain, size: int, mode: str, name: str) -> Plain:
    """Return the indices within an axis of length `size`, as `mode` says, with its errors: see `nd.take`."""
    if mode == "clip":
        return np.clip(indices, 0, size - 1)
    if mode == "wrap":
        return np.mod(indices, size)
    if mode == "raise":
        if indices.size and (indices.min() < -size or indices.max() >= size):
            bad = indices[(indices < -size) | (indices >= size)].ravel()[0]
            msg = (
                f"index {bad} is out of bounds for axis with size {size} in '{name}': expected {-size} to "
                f"{size - 1}; correct it, or choose mode 'clip' or 'wrap'"
            )
            raise GlueballIndexError(msg)
        return indices
    msg = (
        f"expected mode 'clip', 'wrap' or 'raise' for '{name}', found {mode!r}; choose one of them"
    )
    raise ArgumentError(msg)


def finish_selected(inputs: Sequence[Any], key: Any, name: str, out: Any = None) -> Any:
    """Finish a function that takes the elements at `key` of its first input."""
    x = raw(inputs[0])
    others = (None,) * (len(inputs) - 1)
    return finish(
        x[key], inputs, lambda g, _: (scatter_gradient(x.shape, x.dtype, key, g), *others), name, out,
        lambda _, x, *others: x[key], LinearNode,
    )  # fmt: skip
