"""The array of NumPy mode."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from glueball.nd._keys import plain_key
from glueball.nd._ndarray import NDArray
from glueball.nd._record import array_classes

__all__ = ["ndarray"]


class ndarray(NDArray):
    """An array as NumPy has them, on which `autograd` can record: `mx.np.ndarray`.

    Reductions and single elements have shape (), comparisons give bools, slices are views, and methods
    take NumPy's arguments. New arrays are float32, and a function gives float64 only when it gets it.

    Examples
    --------
    >>> from glueball import np
    >>> np.array([[1, 2], [3, 4]]).sum(axis=0)
    array([4., 6.])
    """

    _least_ndim: ClassVar[int] = 0

    def __repr__(self) -> str:
        plain = np.asarray(self)
        text = np.array2string(plain, separator=", ", prefix="array(", suffix=")")
        if plain.size == 0 and plain.shape != (0,):
            text += f", shape={plain.shape}"
        shown = "" if plain.dtype in (np.float32, np.bool_) else f", dtype={plain.dtype}"
        return f"array({text}{shown})"

    def __str__(self) -> str:
        return str(np.asarray(self))

    def __reduce__(self) -> Any:
        return _restore, (np.array(self, order="C", subok=False),)

    def item(self, *args: Any) -> Any:
        """Return the element as a Python number."""
        return np.asarray(self).item(*args)

    # NumPy's signatures, where the legacy class has Gluon's.

    def reshape(self, *shape: Any, order: Any = "C", **kwargs: Any) -> Any:
        """Return the same elements in another shape; -1 is inferred."""
        if "newshape" in kwargs or "shape" in kwargs:
            shape = (kwargs.pop("newshape", None) or kwargs.pop("shape", None),)
        target = shape[0] if len(shape) == 1 else shape
        return np.reshape(self, target, order=order)

    def flatten(self, order: Any = "C") -> Any:  # type: ignore[override]  # no inplace in this mode
        """Return a copy of all elements along one axis."""
        return np.ravel(self, order).copy()

    def ravel(self, order: Any = "C") -> Any:
        """Return all elements along one axis."""
        return np.ravel(self, order)

    def argmax(self, *args: Any, **kwargs: Any) -> Any:
        """Return the index of the largest element."""
        return np.argmax(self, *args, **kwargs)

    def argmin(self, *args: Any, **kwargs: Any) -> Any:
        """Return the index of the smallest element."""
        return np.argmin(self, *args, **kwargs)

    def argsort(self, *args: Any, **kwargs: Any) -> Any:
        """Return the indices that sort the array."""
        return np.argsort(self, *args, **kwargs)

    def clip(self, min: Any = None, max: Any = None, out: Any = None) -> Any:  # type: ignore[override]
        """Return values kept within `min` and `max`."""
        lower = self if min is None else np.maximum(self, min)
        upper = lower if max is None else np.minimum(lower, max)
        if out is not None:
            out[...] = upper
            return out
        return upper

    def cumsum(self, *args: Any, **kwargs: Any) -> Any:
        """Return the running sum."""
        return np.cumsum(self, *args, **kwargs)

    def dot(self, other: Any, out: Any = None) -> Any:  # type: ignore[override]
        """As ``numpy.dot``."""
        return np.dot(self, other, out) if out is not None else np.dot(self, other)

    def max(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:  # type: ignore[override]
        """Return the largest element over axes."""
        return np.max(self, axis=axis, out=out, keepdims=keepdims)

    def min(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:  # type: ignore[override]
        """Return the smallest element over axes."""
        return np.min(self, axis=axis, out=out, keepdims=keepdims)

    def mean(  # type: ignore[override]
        self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False
    ) -> Any:
        """Average over axes."""
        return np.mean(self, axis=axis, dtype=dtype, out=out, keepdims=keepdims)

    def prod(  # type: ignore[override]
        self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False
    ) -> Any:
        """Multiply over axes."""
        return np.prod(self, axis=axis, dtype=dtype, out=out, keepdims=keepdims)

    def sum(  # type: ignore[override]
        self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False
    ) -> Any:
        """Sum over axes."""
        return np.sum(self, axis=axis, dtype=dtype, out=out, keepdims=keepdims)

    def repeat(self, repeats: Any, axis: Any = None) -> Any:  # type: ignore[override]
        """Return each element several times."""
        return np.repeat(self, repeats, axis)

    def round(self, decimals: int = 0, out: Any = None) -> Any:  # type: ignore[override]
        """Round to `decimals`, halves to even."""
        return np.round(self, decimals) if out is None else np.round(self, decimals, out)

    def sort(self, *args: Any, **kwargs: Any) -> None:
        """Sort in place."""
        self[...] = np.sort(np.asarray(self), *args, **kwargs)

    def split(self, indices_or_sections: Any, axis: int = 0) -> Any:  # type: ignore[override]
        """As ``numpy.split``."""
        return np.split(self, indices_or_sections, axis)

    def squeeze(self, axis: Any = None) -> Any:  # type: ignore[override]
        """Drop axes of length 1."""
        return np.squeeze(self, axis)

    def swapaxes(self, axis1: Any, axis2: Any) -> Any:  # type: ignore[override]
        """Swap two axes."""
        return np.swapaxes(self, axis1, axis2)

    def take(self, indices: Any, axis: Any = None, mode: str = "raise") -> Any:  # type: ignore[override]
        """Return the elements at `indices` along an axis, or of the flattened array."""
        return np.take(self, plain_key(indices), axis=axis, mode=mode)  # type: ignore[call-overload]

    def tolist(self) -> Any:
        """Return nested lists of Python numbers."""
        return np.asarray(self).tolist()


def _restore(values: Any) -> Any:
    """Return an unpickled array."""
    return values.view(ndarray)


array_classes.append(ndarray)
