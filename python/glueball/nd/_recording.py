"""Arrays on whose functions a graph can be recorded: NumPy's protocols, and indexing.

What Gluon's arrays have besides is in `_ndarray.py`.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from glueball import _tape
from glueball.base import MXNetError, ShapeError
from glueball.nd import _derivatives, _index
from glueball.nd._numpy_functions import recorded
from glueball.nd._record import attach_result, check_same_dtype, wrap, write_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    Plain: TypeAlias = npt.NDArray[Any]

__all__ = ["RecordingArray", "mixing_error", "wrap_all"]

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


class RecordingArray(np.ndarray):
    """A numpy.ndarray that knows its place in the graph, and puts there what NumPy's functions make of it."""

    # There is no __array_finalize__ here: what NumPy derives from an array inherits numbers, never a place
    # in the graph, and deriving costs no Python call.
    __array_priority__ = 1000.0

    _node: _tape.Node | None = None
    # A comparison's result: as an index it selects where it is not 0.
    _is_mask: bool = False
    # What this is a view of, if a graph may hang on that: writes into this are writes into it. Weakly, since
    # the source holds its graph; but a leaf, which holds none, itself: a parameter's array is made anew for
    # everyone who asks.
    _source: weakref.ref[Any] | _tape.Leaf | None = None
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
        arrays = [x for x in inputs if isinstance(x, RecordingArray)]
        first = arrays[0] if arrays else self  # else only out= is ours
        for other in arrays[1:]:
            if other._least_ndim != first._least_ndim:
                raise mixing_error(ufunc.__name__)
            if first._least_ndim and other.dtype != first.dtype:
                check_same_dtype(_asarray(first), _asarray(other), ufunc.__name__)
        dtype = first.dtype
        values: list[Any] = []
        for value in inputs:
            if isinstance(value, RecordingArray):
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
            i for i, x in enumerate(inputs) if isinstance(x, RecordingArray) and x._node is not None
        ]
        pull_back = _derivatives.pull_back_ufunc(ufunc, values, result, positions, kwargs)
        if pull_back is not None:
            parents = [inputs[i] for i in positions]
            attach_result(
                array,
                result.shape,
                parents,
                lambda g, _: pull_back(g),
                ufunc.__name__,
                _derivatives.formula_of_ufunc(ufunc, values, positions),
            )

    def _ufunc_into(
        self,
        ufunc: np.ufunc,
        inputs: Sequence[Any],
        values: Sequence[Any],
        tracked: bool,
        out: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        targets = tuple(np.asarray(o) if isinstance(o, RecordingArray) else o for o in out)
        for target in out:
            if isinstance(target, RecordingArray):
                _tape.check_write(target)
                if tracked and any(
                    isinstance(x, RecordingArray)
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
        if tracked and len(out) == 1 and isinstance(out[0], RecordingArray):
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
        values = [np.asarray(x) if isinstance(x, RecordingArray) else x for x in inputs]
        if out is not None:
            for target in out:
                _tape.check_write(target)
            kwargs["out"] = tuple(
                np.asarray(o) if isinstance(o, RecordingArray) else o for o in out
            )
            getattr(ufunc, method)(*values, **kwargs)
            return out[0]
        result = getattr(ufunc, method)(*values, **kwargs)
        return wrap_all(result, type(self))

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Iterable[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        args = tuple(args)
        cls = type(self)
        arrays: list[RecordingArray] = []  # every array of ours among the arguments, in order

        def strip(value: Any) -> Any:
            if isinstance(value, RecordingArray):
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
            return wrap_all(result, cls, widen)
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
                lambda _, x: x[plain],
            )
        if self._node is not None or self._source is not None:
            result._source = self._source_of_views()
        return result

    def _source_of_views(self) -> weakref.ref[Any] | _tape.Leaf | None:
        node = self._node
        if node is None:
            return self._source
        return node if isinstance(node, _tape.Leaf) else weakref.ref(self)

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
        plain = np.asarray(value) if isinstance(value, RecordingArray) else value
        if isinstance(plain, np.ndarray) and plain.size == 1:
            plain = plain.reshape(())  # NumPy puts no array of shape (1,) in place of a number
        np.asarray(self)[_index.plain_key(key)] = plain

    def __iter__(self) -> Iterator[Any]:
        if self.ndim == 0:
            msg = "iteration over a 0-d array"
            raise TypeError(msg)
        return (self[i] for i in range(len(self)))


def _broadcast_error(ufunc: np.ufunc, values: Sequence[Any]) -> ShapeError:
    shapes = [list(np.shape(v)) for v in values]
    return ShapeError(
        f"operands could not be broadcast together with shapes {' '.join(str(s) for s in shapes)}: expected "
        f"axes that are equal or 1, counted from the last, in '{ufunc.__name__}'; reshape one, or insert an "
        f"axis with expand_dims"
    )


def wrap_all(result: Any, cls: type, widen: bool = True) -> Any:
    """A NumPy function's result with arrays in class `cls`; truth values and texts stay.

    Without `widen`, float64 becomes float32: no input was float64, so NumPy made it up.
    """
    if type(result) in (list, tuple):
        return type(result)([wrap_all(part, cls, widen) for part in result])
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
    tracked: Sequence[RecordingArray],
    cls: type,
    out: Any,
) -> Any:
    """Call a NumPy function and record it with autograd's derivative."""

    def call(function: Callable[..., Any], values: Sequence[Any]) -> Any:
        replacement = iter(values)

        def fill(value: Any) -> Any:
            if isinstance(value, RecordingArray):
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
        return wrap_all(answer, cls)
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
    attach_result(
        result,
        value.shape,
        tracked,
        lambda g, _: pull_back(g),
        func.__name__,
        _derivatives.formula_of_call(func, call),
    )
    return result
