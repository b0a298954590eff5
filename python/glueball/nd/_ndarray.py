"""NDArray: a numpy.ndarray that prints, indexes and reduces as Gluon's does, and records gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from glueball import _core, _tape
from glueball.base import ArgumentError, DtypeError, GlueballTypeError, ShapeError
from glueball.context import Context, require_cpu
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
from glueball.nd._record import array_classes, write_out
from glueball.nd._recording import RecordingArray

if TYPE_CHECKING:
    import numpy.typing as npt

    Plain: TypeAlias = npt.NDArray[Any]

__all__ = ["NDArray"]

_cpu = Context("cpu")
_state = _tape.state


class NDArray(RecordingArray):
    r"""An array of numbers on which `autograd` can record.

    It *is* a ``numpy.ndarray``: NumPy's functions take it and, while recording, are differentiated. Where
    Gluon's arrays differ from NumPy's, this class does as Gluon: a reduction or a single element is an
    array of shape ``(1,)``, comparisons give numbers 0 and 1 of the operand's dtype (and select
    elements when used as an index), new arrays are float32, and slices share memory only where they are
    contiguous. Unlike Gluon's arrays it can be mixed with plain NumPy arrays, which
    take its dtype.

    Make one with `nd.array`, `nd.zeros`, `nd.random.uniform` and so on.

    Examples
    --------
    >>> from glueball import nd
    >>> nd.array([[1, 2], [3, 4]]).sum(axis=0)
    <BLANKLINE>
    [4. 6.]
    <NDArray 2 @cpu(0)>
    """

    _context: Context = _cpu

    # ---------------------------------------------------------------- numbers and text

    def __repr__(self) -> str:
        shape = "x".join(str(n) for n in self.shape)
        return f"\n{np.asarray(self)}\n<{type(self).__name__} {shape} @{self.context}>"

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.size == 1 else format(str(self), spec)

    def __bool__(self) -> bool:
        if self.size > 1:
            msg = "The truth value of an NDArray with multiple elements is ambiguous."
            raise ValueError(msg)
        return self.size == 1 and bool(self.item())

    def __float__(self) -> float:
        return float(self.asscalar())

    def __int__(self) -> int:
        return int(self.asscalar())

    def __index__(self) -> int:
        value = self.asscalar()
        if int(value) != value or self.dtype.kind not in "iu":
            msg = "only integer scalar arrays can be converted to a scalar index"
            raise TypeError(msg)
        return int(value)

    def __eq__(self, other: object) -> Any:
        return False if other is None else np.equal(self, other)  # type: ignore[call-overload]

    def __ne__(self, other: object) -> Any:
        return True if other is None else np.not_equal(self, other)  # type: ignore[call-overload]

    def __hash__(self) -> int:  # type: ignore[override]
        """By identity, as in Gluon."""
        return id(self) >> 4

    def __reduce__(self) -> Any:
        # Through a plain array: C-contiguous, without the graph.
        return _restore, (np.array(self, order="C", subok=False),)

    def __deepcopy__(self, memo: Any) -> Any:
        return np.array(self, subok=False).view(type(self))

    def __copy__(self) -> Any:
        return np.array(self, subok=False).view(type(self))

    # ---------------------------------------------------------------- Gluon's attributes

    @property
    def context(self) -> Context:
        """The device that holds the array."""
        return self._context

    ctx = context

    @property
    def stype(self) -> str:
        """How elements are stored: 'default', which is dense."""
        return "default"

    @property
    def grad(self) -> Any:
        """The gradient of an array that had `attach_grad`, or None."""
        node = self._node
        return getattr(node.sink, "grad", None) if isinstance(node, _tape.Leaf) else None

    @property
    def T(self) -> Any:
        """The array with its axes reversed."""
        return _shape.view_as(
            self,
            np.asarray(self).T,
            lambda g, _: (g.T,),
            "transpose",
            lambda np, x: np.transpose(x),
        )

    def asnumpy(self) -> Plain:
        """A copy as a plain NumPy array."""
        return np.array(self, subok=False)

    def asscalar(self) -> Any:
        """The only element, as a NumPy number.

        Raises
        ------
        ValueError
            When there is not exactly one.
        """
        if self.size != 1:
            msg = "The current array is not a scalar"
            raise ValueError(msg)
        return np.asarray(self).reshape(())[()]

    def as_nd_ndarray(self) -> Any:
        """This array for legacy functions: same memory, same place in the graph."""
        return self._as_class(array_classes[0])

    def as_np_ndarray(self) -> Any:
        """This array for NumPy mode: same memory, same place in the graph."""
        return self._as_class(array_classes[1])

    def _as_class(self, cls: type) -> Any:
        if type(self) is cls:
            return self
        return _shape.finish_as(self, cls)

    def as_in_context(self, context: Context) -> Any:
        """The array itself: every context is the same memory.

        Raises
        ------
        MXNetError
            For a GPU.
        """
        require_cpu(context)
        return self

    as_in_ctx = as_in_context

    def copyto(self, other: Any) -> Any:
        """Write the values into another array, or copy them to a context.

        Raises
        ------
        ShapeError
            When the shapes differ.
        """
        if isinstance(other, Context):
            require_cpu(other)
            return _elementwise.identity(self)
        if np.shape(other) != self.shape:
            msg = (
                f"expected an array of shape {self.shape} to copy to, found {type(other).__name__} of shape "
                f"{np.shape(other)}; pass one of equal shape, or a context"
            )
            raise ShapeError(msg)
        write_out(np.asarray(self), (self,), "copyto", other)
        return other

    def to_dlpack_for_read(self) -> Any:
        """A DLPack capsule of the memory, as `nd.to_dlpack_for_read`."""
        return np.asarray(self).__dlpack__()

    def to_dlpack_for_write(self) -> Any:
        """As `to_dlpack_for_read`, for somebody who will write."""
        _tape.check_write(self)
        return np.asarray(self).__dlpack__()

    def tostype(self, stype: str) -> Any:
        """The array itself, for 'default'; there is no sparse storage.

        Raises
        ------
        ArgumentError
            For another kind of storage.
        """
        if stype != "default":
            msg = f"expected stype 'default', found {stype!r}; glueball has dense arrays only"
            raise ArgumentError(msg)
        return self

    def wait_to_read(self) -> None:
        """Do nothing: results are there when a function returns."""

    def wait_to_write(self) -> None:
        """Do nothing: results are there when a function returns."""

    # ---------------------------------------------------------------- gradients

    def attach_grad(self, grad_req: str = "write", stype: str | None = None) -> None:
        """Ask for gradients with respect to this array: `backward` will fill its `grad`.

        On a computed array it cuts the graph there.

        Parameters
        ----------
        grad_req : {'write', 'add', 'null'}
            Whether a backward pass replaces `grad`, adds to it, or leaves it.
        stype : str, optional
            For Gluon's scripts; only 'default'.

        Raises
        ------
        KeyError
            For another `grad_req`.
        """
        if stype is not None:
            self.tostype(stype)
        if self.dtype.kind != "f" and grad_req != "null":
            msg = f"expected an array of floats for attach_grad, found {self.dtype}; use .astype('float32')"
            raise DtypeError(msg)
        grad = None if grad_req == "null" else np.zeros(self.shape, self.dtype).view(type(self))
        self._node = _tape.Leaf(_tape.ArraySink(grad, grad_req))

    def detach(self) -> Any:
        """The same memory as an array outside the graph: a constant."""
        result = np.asarray(self).view(type(self))
        if self._node is not None or self._source is not None:
            result._source = self._source_of_views()
        return result

    def backward(
        self, out_grad: Any = None, retain_graph: bool = False, train_mode: bool = True
    ) -> None:
        """Write the gradients of this array with respect to all leaves that it was computed from.

        Parameters
        ----------
        out_grad : NDArray, optional
            What the gradient is multiplied with, of this array's shape; ones by default, which gives the
            gradient of the sum.
        retain_graph : bool, default False
            Keep the graph for another pass.
        train_mode : bool, default True
            Whether layers run backward as in training.

        Raises
        ------
        MXNetError
            When the array is in no graph, or an earlier pass freed it.
        ShapeError
            When `out_grad` has another shape.
        """
        if out_grad is None:
            arrived = _core.backward_from(self, retain_graph, train_mode)
            if arrived:
                return
            if arrived is not None:
                _tape.refuse_vain()
        with _core.RecordingScope(False, train_mode):
            _tape.run_backward((self,), None if out_grad is None else (out_grad,), retain_graph)

    # ---------------------------------------------------------------- methods that NumPy has too

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """The same elements under another shape; see `nd.reshape` for the codes 0, -1, -2, -3 and -4."""
        if "shape" in kwargs:
            if shape:
                msg = "expected the shape once for reshape, found it twice; pass reshape((2, 3)) or shape="
                raise ArgumentError(msg)
            shape = (kwargs.pop("shape"),)
        if len(shape) == 1 and isinstance(shape[0], tuple | list):
            shape = tuple(shape[0])
        return _shape.reshape(self, shape, **kwargs)

    def copy(self, order: Any = "C") -> Any:
        """A copy; gradients pass through it."""
        del order
        return _elementwise.identity(self)

    def astype(self, dtype: Any, copy: bool = True, **kwargs: Any) -> Any:  # type: ignore[override]
        """The values as another dtype; between floating types gradients pass."""
        del kwargs
        if not copy and self.dtype == np.dtype(dtype):
            return self
        return _elementwise.cast(self, dtype)

    def flatten(self, order: Any = "C") -> Any:
        """All axes but the first as one, as `nd.flatten`."""
        del order
        return _shape.flatten(self)

    def ravel(self, order: Any = "C") -> Any:
        """All elements along one axis."""
        del order
        return _shape.reshape(self, (-1,))

    def transpose(self, *axes: Any, **kwargs: Any) -> Any:
        """The axes in another order; see `nd.transpose`. Takes ``axes=(1, 0)`` too."""
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
        return self._detached(super().view(*args, **kwargs), "ndarray.view")

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
        """`result`, marked as having left the graph if this array is in the one being recorded."""
        if _state.recording and self._node is not None and isinstance(result, NDArray):
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


array_classes.append(NDArray)


def _restore(values: Plain) -> Any:
    """An unpickled array."""
    return values.view(NDArray)
