"""NDArray: a numpy.ndarray that prints, indexes and reduces as Gluon's does, and records gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core, _tape, _walk
from glueball._scope import later
from glueball.base import ArgumentError, DtypeError, GlueballTypeError, ShapeError
from glueball.context import Context, require_cpu
from glueball.nd import _elementwise, _shape
from glueball.nd._layout import fixed, flags_of
from glueball.nd._methods import MethodArray
from glueball.nd._record import array_classes, numpy_class, write_out

if TYPE_CHECKING:
    from glueball.nd._record import Plain

__all__ = ["NDArray"]

_html = later("insight._notebook:array_html")
_cpu = Context("cpu")
_state = _tape.state


class NDArray(MethodArray):
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

    shape = fixed("shape", "x.reshape(shape) returns a view of another")
    dtype = fixed("dtype", "x.astype(dtype) converts, and net.cast(dtype) parameters")
    strides = fixed("strides", "copy the array: x.copy()")
    data = fixed("data", "write into the array: x[:] = values")
    flags = property(flags_of)

    def setflags(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: `flags` are read only."""
        self.flags.WRITEABLE = args or kwargs

    def _repr_html_(self) -> str:
        """Return what notebooks show: a table, of a large array its ends and a heat map."""
        html: str = _html(self)
        return html

    def __repr__(self) -> str:
        shape = "x".join(str(n) for n in self.shape)
        return f"\n{np.asarray(self)}\n<{type(self).__name__} {shape} @{self.context}>"

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.size == 1 else format(str(self), spec)

    def __bool__(self) -> bool:
        if self.size > 1:
            msg = (
                "The truth value of an NDArray with multiple elements is ambiguous: expected one element, found "
                f"shape {self.shape}; use all() or any()"
            )
            raise ArgumentError(msg)
        return self.size == 1 and bool(self.item())

    def __float__(self) -> float:
        return float(self.asscalar())

    def __int__(self) -> int:
        return int(self.asscalar())

    def __index__(self) -> int:
        value = self.asscalar()
        if int(value) != value or self.dtype.kind not in "iu":
            msg = (
                "only integer scalar arrays can be converted to a scalar index: expected one integer, found "
                f"{value} of dtype {self.dtype}; use .astype('int64')"
            )
            raise GlueballTypeError(msg)
        return int(value)

    def __eq__(self, other: object) -> Any:
        return False if other is None else np.equal(self, other)  # type: ignore[call-overload]

    def __ne__(self, other: object) -> Any:
        return True if other is None else np.not_equal(self, other)  # type: ignore[call-overload]

    def __hash__(self) -> int:  # type: ignore[override]
        """Hash by identity, as in Gluon."""
        return id(self) >> 4

    def __reduce__(self) -> Any:
        # Through a plain array: C-contiguous, without the graph.
        return _restore, (np.array(self, order="C", subok=False),)

    def __deepcopy__(self, memo: Any) -> Any:
        return np.array(self, subok=False).view(type(self))

    def __copy__(self) -> Any:
        return np.array(self, subok=False).view(type(self))

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
        return getattr(_tape.sink_of(self), "grad", None)

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
        """Return a copy as a plain NumPy array."""
        return np.array(self, subok=False)

    def asscalar(self) -> Any:
        """Return the only element, as a NumPy number.

        Raises
        ------
        ShapeError
            When there is not exactly one.
        """
        if self.size != 1:
            msg = f"The current array is not a scalar: expected one element, found shape {self.shape}; use asnumpy()"
            raise ShapeError(msg)
        return np.asarray(self).reshape(())[()]

    def as_nd_ndarray(self) -> Any:
        """Return this array for legacy functions: same memory, same place in the graph."""
        return self._as_class(array_classes[0])

    def as_np_ndarray(self) -> Any:
        """Return this array for NumPy mode: same memory, same place in the graph."""
        return self._as_class(numpy_class())

    def _as_class(self, cls: type) -> Any:
        if type(self) is cls:
            return self
        return _shape.finish_as(self, cls)

    def as_in_context(self, context: Context) -> Any:
        """Return the array itself: every context is the same memory.

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
        """Return a DLPack capsule of the memory, as `nd.to_dlpack_for_read`."""
        return np.asarray(self).__dlpack__()

    def to_dlpack_for_write(self) -> Any:
        """As `to_dlpack_for_read`, for a caller that will write."""
        _tape.check_write(self)
        return np.asarray(self).__dlpack__()

    def tostype(self, stype: str) -> Any:
        """Return the array itself, for 'default', the only storage.

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

    def attach_grad(self, grad_req: str = "write", stype: str | None = None) -> None:
        """Ask for gradients with respect to this array: `backward` will fill its `grad`.

        On a computed array it cuts the graph there, except in a hook of a block: there the graph goes on, and
        the array's gradient is kept as it passes.

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
        _tape.attach_sink(self, _tape.ArraySink(grad, grad_req))

    def detach(self) -> Any:
        """Return the same memory as an array outside the graph: a constant."""
        result: Any = np.asarray(self).view(type(self))
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
                _walk.refuse_vain()
        with _core.RecordingScope(False, train_mode):
            _walk.run_backward((self,), None if out_grad is None else (out_grad,), retain_graph)


array_classes.append(NDArray)
_core.set_default_array_type(NDArray)


def _restore(values: Plain) -> Any:
    """Return an unpickled array."""
    return values.view(NDArray)
