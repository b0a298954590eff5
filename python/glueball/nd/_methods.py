"""Arrays with the methods that NumPy's arrays have too, and those that are functions of `nd`."""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball import _tape
from glueball.base import ArgumentError, GlueballTypeError
from glueball.nd import (
    _activation,
    _elementwise,
    _index,
    _parts,
    _product,
    _reduction,
    _shape,
    _softmax,
)
from glueball.nd._record import is_array
from glueball.nd._recording import RecordingArray

__all__ = ["MethodArray"]

_state = _tape.state


class MethodArray(RecordingArray):
    """An array in the graph with methods that put what they return there too, or mark that it left."""

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """Return the same elements in another shape; see `nd.reshape` for the codes 0, -1, -2, -3 and -4."""
        if "shape" in kwargs:
            if shape:
                msg = "expected the shape once for reshape, found it twice; pass reshape((2, 3)) or shape="
                raise ArgumentError(msg)
            shape = (kwargs.pop("shape"),)
        if len(shape) == 1 and isinstance(shape[0], tuple | list):
            shape = tuple(shape[0])
        return _shape.reshape(self, shape, **kwargs)

    def copy(self, order: Any = "C") -> Any:
        """Return a copy; gradients pass through it."""
        del order
        return _elementwise.identity(self)

    def astype(self, dtype: Any, copy: bool = True, **kwargs: Any) -> Any:  # type: ignore[override]
        """Convert the values to another dtype; between floating types gradients pass."""
        del kwargs
        if not copy and self.dtype == np.dtype(dtype):
            return self
        return _elementwise.cast(self, dtype)

    def flatten(self, order: Any = "C", inplace: bool = False) -> Any:
        """Merge all axes but the first, as `nd.flatten`."""
        del order
        return _shape.flatten(self, inplace=inplace)

    def ravel(self, order: Any = "C") -> Any:
        """Return all elements along one axis."""
        del order
        return _shape.reshape(self, (-1,))

    def transpose(self, *axes: Any, **kwargs: Any) -> Any:
        """Put the axes in another order; see `nd.transpose`. Takes ``axes=(1, 0)`` too."""
        if kwargs.keys() == {"axes"} and not axes:
            axes = (kwargs["axes"],)
        elif kwargs:
            msg = f"expected axes= for transpose, found {', '.join(kwargs)}; pass transpose((1, 0)) or axes="
            raise GlueballTypeError(msg)
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], tuple | list)):
            axes = tuple(axes[0] or ())
        return _shape.transpose(self, axes or None)

    def view(self, *args: Any, **kwargs: Any) -> Any:
        """As ``numpy.ndarray.view``; gradients do not pass it."""
        plain = np.asarray(
            self
        )  # NumPy sets the dtype of its result, which those of ours do not let it
        result = plain.view(*args, **kwargs)
        names_class = "type" in kwargs or any(
            isinstance(each, type) and issubclass(each, np.ndarray) for each in args
        )
        return self._detached(result if names_class else result.view(type(self)), "ndarray.view")

    def diagonal(self, *args: Any, **kwargs: Any) -> Any:
        """As ``numpy.ndarray.diagonal``."""
        return np.diagonal(self, *args, **kwargs)

    def trace(self, *args: Any, **kwargs: Any) -> Any:
        """As ``numpy.ndarray.trace``."""
        return np.trace(self, *args, **kwargs)

    def std(self, *args: Any, **kwargs: Any) -> Any:
        """As ``numpy.ndarray.std``."""
        return np.std(self, *args, **kwargs)

    def var(self, *args: Any, **kwargs: Any) -> Any:
        """As ``numpy.ndarray.var``."""
        return np.var(self, *args, **kwargs)

    def cumprod(self, *args: Any, **kwargs: Any) -> Any:
        """As ``numpy.ndarray.cumprod``."""
        return np.cumprod(self, *args, **kwargs)

    def all(self, *args: Any, **kwargs: Any) -> Any:
        """As ``numpy.ndarray.all``."""
        return np.asarray(self).all(*args, **kwargs)

    def any(self, *args: Any, **kwargs: Any) -> Any:
        """As ``numpy.ndarray.any``."""
        return np.asarray(self).any(*args, **kwargs)

    def compress(self, *args: Any, **kwargs: Any) -> Any:
        """As ``numpy.ndarray.compress``."""
        return np.compress(args[0], self, *args[1:], **kwargs)

    def byteswap(self, inplace: bool = False) -> Any:
        """As ``numpy.ndarray.byteswap``; gradients do not pass it."""
        if inplace:
            _tape.check_write(self)
        return self._detached(super().byteswap(inplace), "ndarray.byteswap")

    def getfield(self, *args: Any, **kwargs: Any) -> Any:
        """As ``numpy.ndarray.getfield``; gradients do not pass it."""
        return self._detached(super().getfield(*args, **kwargs), "ndarray.getfield")

    def setfield(self, *args: Any, **kwargs: Any) -> None:
        """As ``numpy.ndarray.setfield``."""
        _tape.check_write(self)
        super().setfield(*args, **kwargs)

    def fill(self, value: Any) -> None:
        """Set every element."""
        self[...] = value

    def put(self, *args: Any, **kwargs: Any) -> None:
        """As ``numpy.ndarray.put``."""
        _tape.check_write(self)
        np.asarray(self).put(*args, **kwargs)

    def partition(self, *args: Any, **kwargs: Any) -> None:
        """As ``numpy.ndarray.partition``: in place."""
        _tape.check_write(self)
        np.asarray(self).partition(*args, **kwargs)

    def _detached(self, result: Any, name: str) -> Any:
        """Return `result`, marked as having left the graph if this array is in the one being recorded."""
        if _state.recording and self._node is not None and is_array(result):
            result._node = _tape.Detached(name)
        return result

    # Functions whose first argument is the array: documented in their modules.
    abs = _elementwise.abs
    arccos = _elementwise.arccos
    arccosh = _elementwise.arccosh
    arcsin = _elementwise.arcsin
    arcsinh = _elementwise.arcsinh
    arctan = _elementwise.arctan
    arctanh = _elementwise.arctanh
    cbrt = _elementwise.cbrt
    ceil = _elementwise.ceil
    clip = _elementwise.clip  # type: ignore[assignment]
    cos = _elementwise.cos
    cosh = _elementwise.cosh
    degrees = _elementwise.degrees
    exp = _elementwise.exp
    expm1 = _elementwise.expm1
    fix = _elementwise.fix
    floor = _elementwise.floor
    log = _elementwise.log
    log10 = _elementwise.log10
    log1p = _elementwise.log1p
    log2 = _elementwise.log2
    radians = _elementwise.radians
    rcbrt = _elementwise.rcbrt
    reciprocal = _elementwise.reciprocal
    rint = _elementwise.rint
    round = _elementwise.round  # type: ignore[assignment]
    rsqrt = _elementwise.rsqrt
    sign = _elementwise.sign
    sin = _elementwise.sin
    sinh = _elementwise.sinh
    sqrt = _elementwise.sqrt
    square = _elementwise.square
    tan = _elementwise.tan
    tanh = _elementwise.tanh
    trunc = _elementwise.trunc

    argmax = _reduction.argmax  # type: ignore[assignment]
    argmax_channel = _reduction.argmax_channel
    argmin = _reduction.argmin  # type: ignore[assignment]
    argsort = _reduction.argsort  # type: ignore[assignment]
    cumsum = _reduction.cumsum
    max = _reduction.max  # type: ignore[assignment]
    mean = _reduction.mean  # type: ignore[assignment]
    min = _reduction.min  # type: ignore[assignment]
    nanprod = _reduction.nanprod
    nansum = _reduction.nansum
    norm = _reduction.norm
    prod = _reduction.prod  # type: ignore[assignment]
    sort = _reduction.sort  # type: ignore[assignment]
    sum = _reduction.sum  # type: ignore[assignment]
    topk = _reduction.topk

    broadcast_axes = _shape.broadcast_axis
    broadcast_like = _shape.broadcast_like
    broadcast_to = _shape.broadcast_to
    diag = _parts.diag
    expand_dims = _shape.expand_dims
    flip = _shape.flip
    ones_like = _shape.ones_like
    pad = _parts.pad
    repeat = _shape.repeat  # type: ignore[assignment]
    reshape_like = _shape.reshape_like
    shape_array = _shape.shape_array
    size_array = _shape.size_array
    slice = _parts.slice
    slice_axis = _parts.slice_axis
    slice_like = _parts.slice_like
    split = _parts.split
    split_v2 = _parts.split_v2
    squeeze = _shape.squeeze
    swapaxes = _shape.swapaxes  # type: ignore[assignment]
    tile = _shape.tile
    zeros_like = _shape.zeros_like

    one_hot = _index.one_hot
    pick = _index.pick
    take = _index.take  # type: ignore[assignment]

    dot = _product.dot  # type: ignore[assignment]
    log_sigmoid = _activation.log_sigmoid
    log_softmax = _softmax.log_softmax
    mish = _activation.mish
    relu = _activation.relu
    sigmoid = _activation.sigmoid
    softmax = _softmax.softmax
    softmin = _softmax.softmin
