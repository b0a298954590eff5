"""NDArray: a numpy.ndarray that prints, indexes and reduces as Gluon's does, and records gradients."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from glueball import _tape
from glueball.base import ArgumentError, DtypeError, MXNetError, ShapeError
from glueball.context import Context, require_cpu
from glueball.nd import _derivatives, _elementwise, _index, _neural, _reduction, _shape
from glueball.nd._numpy_functions import recorded
from glueball.nd._record import array_classes, attach_result, check_same_dtype, wrap, write_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    Plain: TypeAlias = npt.NDArray[Any]

__all__ = ["NDArray"]

_cpu = Context("cpu")
_state = _tape.state
_asarray = np.asarray
_multiply = np.multiply

_COMPARISONS = frozenset(
    {
        np.equal,
        np.not_equal,
        np.less,
        np.less_equal,
        np.greater,
        np.greater_equal,
        np.logical_and,
        np.logical_or,
        np.logical_not,
        np.logical_xor,
    }
)
_REDUCTIONS: dict[np.ufunc, Any] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
}
# NumPy functions that change their first argument.
_WRITERS = frozenset({"copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis"})


def mixing_error(name: str) -> TypeError:
    """The error for a legacy array where NumPy mode's is wanted."""
    return TypeError(
        f"Operator `{name}` is a numpy operator which can only accept MXNet numpy ndarrays, while received a "
        f"legacy ndarray. Please ensure that you have activated numpy semantics by calling `npx.set_np()` "
        f"in your code. If you still see this error with numpy semantics activated, please call "
        f"`as_np_ndarray()` upon the legacy ndarray to convert it, and `as_nd_ndarray()` the other way."
    )


class NDArray(np.ndarray):
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

    # There is no __array_finalize__ here: what NumPy derives from an array inherits numbers, never a place
    # in the graph, and deriving costs no Python call.
    __array_priority__ = 1000.0

    _node: _tape.Node | None = None
    _context: Context = _cpu
    # A comparison's result: as an index it selects where it is not 0.
    _is_mask: bool = False
    # What this is a view of, if a graph may hang on that: writes into this are writes into it. Weakly, since
    # the source holds its graph.
    _source: weakref.ref[Any] | None = None
    # The fewest axes that a result has.
    _least_ndim: ClassVar[int] = 1

    # ---------------------------------------------------------------- NumPy's protocols

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any
    ) -> Any:
        if method != "__call__":
            return self._ufunc_method(ufunc, method, inputs, out, kwargs)
        cls = type(self)
        dtype: Any = None
        tracked = False
        recording = _state.recording
        values: list[Any] = []
        for value in inputs:
            kind = type(value)
            if kind is cls:
                if dtype is None:
                    dtype = value.dtype
                elif value.dtype is not dtype:
                    return self._mixed_ufunc(ufunc, inputs, out, kwargs)
                if recording and value._node is not None:
                    tracked = True
                values.append(_asarray(value))
            elif kind is float or kind is int or kind is bool:
                values.append(value)
            else:
                return self._mixed_ufunc(ufunc, inputs, out, kwargs)
        if out is not None:
            return self._ufunc_into(ufunc, inputs, values, tracked, out, kwargs)
        return self._ufunc_new(ufunc, inputs, values, dtype, tracked, kwargs)

    def _mixed_ufunc(
        self, ufunc: np.ufunc, inputs: Sequence[Any], out: Any, kwargs: dict[str, Any]
    ) -> Any:
        """A ufunc's call with inputs of several kinds: settles what dtype and class they share."""
        arrays = [x for x in inputs if isinstance(x, NDArray)]
        first = arrays[0] if arrays else self  # else only out= is ours
        for other in arrays[1:]:
            if other._least_ndim != first._least_ndim:
                raise mixing_error(ufunc.__name__)
            if first._least_ndim and other.dtype != first.dtype:
                check_same_dtype(_asarray(first), _asarray(other), ufunc.__name__)
        dtype = first.dtype
        values: list[Any] = []
        for value in inputs:
            if isinstance(value, NDArray):
                value = _asarray(value)
            elif isinstance(value, np.generic):
                value = value.item()  # a float64 scalar of NumPy's would widen the result
            elif type(value) is np.ndarray and dtype.kind == "f" and value.dtype.kind in "biuf":
                value = value.astype(dtype, copy=False)
            values.append(value)
        tracked = any(_tape.is_tracked(x) for x in arrays)
        if out is not None:
            return self._ufunc_into(ufunc, inputs, values, tracked, out, kwargs)
        return self._ufunc_new(ufunc, inputs, values, dtype, tracked, kwargs)

    def _ufunc_new(
        self,
        ufunc: np.ufunc,
        inputs: Sequence[Any],
        values: Sequence[Any],
        dtype: Any,
        tracked: bool,
        kwargs: dict[str, Any],
    ) -> Any:
        """Call a ufunc on plain values, and give the result its class and its node."""
        cls: Any = type(self)
        try:
            result = ufunc(*values, **kwargs)
        except ValueError as error:
            if "broadcast" in str(error):
                raise _broadcast_error(ufunc, values) from error
            raise
        if type(result) is np.ndarray and result.dtype is dtype and result.ndim:
            array = result.view(cls)
            if ufunc is _multiply and all(getattr(x, "_is_mask", False) for x in inputs):
                array._is_mask = True  # (a > 0) * (a < 5) selects where both hold
        elif isinstance(result, tuple):
            if tracked:
                _derivatives.refuse(ufunc)
            return tuple(wrap(part, cls) for part in result)
        else:
            result = np.asarray(result)
            if result.dtype.kind == "b":
                if not (cls._least_ndim and ufunc in _COMPARISONS):
                    return wrap(result, cls)
                array = wrap(result.astype(dtype), cls)
                array._is_mask = True
                return array
            if result.dtype == np.float64 and dtype.kind != "f" and "dtype" not in kwargs:
                result = result.astype(np.float32)
            array = wrap(result, cls)
        if tracked:
            self._record_ufunc(array, ufunc, inputs, values, result, kwargs)
        return array

    @staticmethod
    def _record_ufunc(
        array: Any,
        ufunc: np.ufunc,
        inputs: Sequence[Any],
        values: Sequence[Any],
        result: Plain,
        kwargs: dict[str, Any],
    ) -> None:
        positions = [
            i for i, x in enumerate(inputs) if isinstance(x, NDArray) and x._node is not None
        ]
        pull_back = _derivatives.pull_back_ufunc(ufunc, values, result, positions, kwargs)
        if pull_back is not None:
            parents = [inputs[i] for i in positions]
            attach_result(array, result.shape, parents, lambda g, _: pull_back(g), ufunc.__name__)

    def _ufunc_into(
        self,
        ufunc: np.ufunc,
        inputs: Sequence[Any],
        values: Sequence[Any],
        tracked: bool,
        out: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        targets = tuple(np.asarray(o) if isinstance(o, NDArray) else o for o in out)
        for target in out:
            if isinstance(target, NDArray):
                _tape.check_write(target)
                if tracked and any(
                    isinstance(x, NDArray)
                    and np.may_share_memory(np.asarray(target), np.asarray(x))
                    for x in inputs
                ):
                    # Its old values may be in the derivative, and are about to be lost.
                    _tape.refuse_write(target)
                target.__dict__.pop("_is_mask", None)
        try:
            ufunc(*values, out=targets, **kwargs)
        except ValueError as error:
            if "broadcast" in str(error):
                raise _broadcast_error(ufunc, (*values, *targets)) from error
            raise
        if tracked and len(out) == 1 and isinstance(out[0], NDArray):
            self._record_ufunc(out[0], ufunc, inputs, values, targets[0].copy(), kwargs)
        return out[0] if len(out) == 1 else out

    def _ufunc_method(
        self, ufunc: np.ufunc, method: str, inputs: Sequence[Any], out: Any, kwargs: dict[str, Any]
    ) -> Any:
        if method == "at":
            _tape.check_write(inputs[0])
            if any(_tape.is_tracked(x) for x in inputs):
                _tape.refuse_write(inputs[0])
        elif any(_tape.is_tracked(x) for x in inputs):
            if method != "reduce" or ufunc not in _REDUCTIONS:
                _derivatives.refuse(ufunc, f".{method}")
            whole = _REDUCTIONS[ufunc]
            kwargs.setdefault("axis", inputs[1] if len(inputs) > 1 else 0)
            return self.__array_function__(whole, (), (inputs[0],), kwargs)
        values = [np.asarray(x) if isinstance(x, NDArray) else x for x in inputs]
        if out is not None:
            for target in out:
                _tape.check_write(target)
            kwargs["out"] = tuple(np.asarray(o) if isinstance(o, NDArray) else o for o in out)
            getattr(ufunc, method)(*values, **kwargs)
            return out[0]
        result = getattr(ufunc, method)(*values, **kwargs)
        return _wrap_all(result, type(self))

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Iterable[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        args = tuple(args)
        cls = type(self)
        arrays: list[NDArray] = []  # every array of ours among the arguments, in order

        def strip(value: Any) -> Any:
            if isinstance(value, NDArray):
                arrays.append(value)
                return np.asarray(value)
            if type(value) in (list, tuple):
                return type(value)([strip(v) for v in value])
            return value

        out = kwargs.get("out")
        given = {k: v for k, v in kwargs.items() if k != "out"}
        plain_args = [strip(a) for a in args]
        plain_kwargs = {k: strip(v) for k, v in given.items()}
        if any(a._least_ndim != cls._least_ndim for a in arrays):
            raise mixing_error(func.__name__)
        name = func.__name__
        tracked = [a for a in arrays if a._node is not None] if _state.recording else []
        if name in _WRITERS:
            _tape.check_write(args[0])
            if tracked:
                _tape.refuse_write(args[0])
            return func(*plain_args, **plain_kwargs)
        own = recorded.get(func) if tracked and out is None else None
        if own is not None:
            try:
                return own(*args, **given)
            except TypeError as error:
                # An argument that only NumPy knows; anything else is a mistake to report.
                if "argument" not in str(error):
                    raise
        if not tracked or _derivatives.is_constant(func):
            result = func(*plain_args, **plain_kwargs)
            if out is not None:
                return _into(result, arrays, name, out)
            widen = "dtype" in kwargs or any(a.dtype == np.float64 for a in arrays)
            return _wrap_all(result, cls, widen)
        return _recorded_call(func, args, given, tracked, cls, out)

    # ---------------------------------------------------------------- indexing

    def __getitem__(self, key: Any) -> Any:
        plain = _index.plain_key(key)
        source = np.asarray(self)
        value = source[plain]
        if not isinstance(value, np.ndarray):
            value = self._element(source, plain)
        elif (
            value.ndim
            and self._least_ndim
            and not value.flags.c_contiguous
            and _index.is_basic(plain)
        ):
            # As in Gluon, only a contiguous piece is a view, whatever the strides of the source are.
            value = value.copy() if source.flags.c_contiguous else value
        result = wrap(value, type(self))
        if _state.recording and self._node is not None:
            shape, dtype = source.shape, source.dtype
            attach_result(
                result,
                value.shape,
                (self,),
                lambda g, _: (_index.scatter_gradient(shape, dtype, plain, g),),
                "getitem",
            )
        if self._node is not None or self._source is not None:
            result._source = self._source if self._node is None else weakref.ref(self)
        return result

    def _element(self, source: Plain, key: Any) -> Plain:
        """One element, as a view, so that writing through it reaches this array."""
        if not _index.is_basic(key):
            return np.asarray(source[key])
        return np.asarray(source[(*key, ...) if isinstance(key, tuple) else (key, ...)])

    def __setitem__(self, key: Any, value: Any) -> None:
        _tape.check_write(self)
        if _state.recording and getattr(value, "_node", None) is not None:
            _tape.refuse_write(value)
        if self._is_mask:
            del self._is_mask
        plain = np.asarray(value) if isinstance(value, NDArray) else value
        np.asarray(self)[_index.plain_key(key)] = plain

    def __iter__(self) -> Iterator[Any]:
        if self.ndim == 0:
            msg = "iteration over a 0-d array"
            raise TypeError(msg)
        return (self[i] for i in range(len(self)))

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
        return _shape.view_as(self, np.asarray(self).T, lambda g, _: (g.T,), "transpose")

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
        write_out(np.asarray(self), (self,), "copyto", other)
        return other

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
            result._source = self._source if self._node is None else weakref.ref(self)
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
        if not _state.recording and _state.training == train_mode:
            _tape.run_backward((self,), None if out_grad is None else (out_grad,), retain_graph)
            return
        old = _state.recording, _state.training
        _state.recording, _state.training = False, train_mode
        try:
            _tape.run_backward((self,), None if out_grad is None else (out_grad,), retain_graph)
        finally:
            _state.recording, _state.training = old

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

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order; see `nd.transpose`."""
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
    diag = _shape.diag
    expand_dims = _shape.expand_dims
    flip = _shape.flip
    ones_like = _shape.ones_like
    pad = _shape.pad
    repeat = _shape.repeat  # type: ignore[assignment]
    reshape_like = _shape.reshape_like
    shape_array = _shape.shape_array
    size_array = _shape.size_array
    slice = _shape.slice
    slice_axis = _shape.slice_axis
    slice_like = _shape.slice_like
    split = _shape.split
    squeeze = _shape.squeeze
    swapaxes = _shape.swapaxes  # type: ignore[assignment]
    tile = _shape.tile
    zeros_like = _shape.zeros_like

    one_hot = _index.one_hot
    pick = _index.pick
    take = _index.take  # type: ignore[assignment]

    dot = _neural.dot  # type: ignore[assignment]
    log_softmax = _neural.log_softmax
    relu = _neural.relu
    sigmoid = _neural.sigmoid
    softmax = _neural.softmax
    softmin = _neural.softmin


array_classes.append(NDArray)


def _restore(values: Plain) -> Any:
    """An unpickled array."""
    return values.view(NDArray)


def _broadcast_error(ufunc: np.ufunc, values: Sequence[Any]) -> ShapeError:
    shapes = [list(np.shape(v)) for v in values]
    return ShapeError(
        f"operands could not be broadcast together with shapes {' '.join(str(s) for s in shapes)}: expected "
        f"axes that are equal or 1, counted from the last, in '{ufunc.__name__}'; reshape one, or insert an "
        f"axis with expand_dims"
    )


def _wrap_all(result: Any, cls: type, widen: bool = True) -> Any:
    """A NumPy function's result with arrays in class `cls`; truth values and texts stay.

    Without `widen`, float64 becomes float32: no input was float64, so NumPy made it up.
    """
    if type(result) in (list, tuple):
        return type(result)([_wrap_all(part, cls, widen) for part in result])
    if isinstance(result, np.ndarray):
        if result.dtype.kind not in "biuf":
            return result
    elif not isinstance(result, np.floating | np.integer):
        return result
    if result.dtype == np.float64 and not widen:
        result = result.astype(np.float32)
    return wrap(result, cls)


def _is_smooth(value: Any) -> bool:
    """Whether a NumPy function's result has floating-point numbers in it."""
    if isinstance(value, list | tuple):
        return any(_is_smooth(part) for part in value)
    return (
        isinstance(value, np.ndarray | np.generic | float) and np.asarray(value).dtype.kind in "fc"
    )


def _into(result: Any, inputs: Sequence[Any], name: str, out: Any) -> Any:
    target = out[0] if isinstance(out, tuple) else out
    write_out(np.asarray(result), inputs, name, target)
    return target


def _recorded_call(
    func: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    tracked: Sequence[NDArray],
    cls: type,
    out: Any,
) -> Any:
    """Call a NumPy function and record it with autograd's derivative."""

    def call(function: Callable[..., Any], values: Sequence[Any]) -> Any:
        replacement = iter(values)

        def fill(value: Any) -> Any:
            if isinstance(value, NDArray):
                return np.asarray(value) if value._node is None else next(replacement)
            if type(value) in (list, tuple):
                return type(value)([fill(v) for v in value])
            return value

        new_args = [fill(a) for a in args]
        return function(*new_args, **{k: fill(v) for k, v in kwargs.items()})

    try:
        value, pull_back = _derivatives.pull_back_call(func, call, [np.asarray(a) for a in tracked])
    except MXNetError:
        # A question about an array, such as may_share_memory, needs no derivative.
        answer = call(func, [np.asarray(a) for a in tracked])
        if _is_smooth(answer):
            raise
        return _wrap_all(answer, cls)
    if isinstance(value, list | tuple):
        outputs = [wrap(part, cls) for part in value]
        shapes = [part.shape for part in value]
        kind = type(value)

        def backward(grads: Sequence[Any], _: Any) -> Sequence[Any]:
            full = [
                np.zeros(shape, part.dtype) if g is None else g.reshape(shape)
                for g, shape, part in zip(grads, shapes, value, strict=True)
            ]
            return pull_back(kind(full))

        _tape.attach_many(outputs, tracked, backward, func.__name__)
        return kind(outputs)
    value = np.asarray(value)
    if value.dtype.kind != "f":
        return wrap(value, cls)
    if out is not None:
        result = _into(value, tracked, func.__name__, out)
    else:
        result = wrap(value, cls)
    attach_result(result, value.shape, tracked, lambda g, _: pull_back(g), func.__name__)
    return result
