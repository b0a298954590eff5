"""Arrays on whose functions a graph can be recorded: NumPy's functions, and indexing.

Ufuncs are in `_ufuncs.py`; what Gluon's arrays have besides is in `_ndarray.py`.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _tape
from glueball.base import GlueballTypeError, MXNetError, NumbersError
from glueball.nd import _derivatives, _keys, _traced
from glueball.nd._record import attach_result, wrap, wrap_all, write_out
from glueball.nd._ufuncs import UfuncArray, mixing_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from glueball.nd._record import Plain


__all__ = ["RecordingArray"]

_state = _tape.state
_POSITIONS = frozenset((np.argmax, np.argmin, np.argsort))


class RecordingArray(UfuncArray):
    """An array in the graph that puts there what NumPy's functions, and an index, make of it."""

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Iterable[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        args = tuple(args)
        cls = type(self)
        arrays: list[RecordingArray] = []  # glueball's arrays among the arguments, in order

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
        rule = _derivatives.function_rules[func]
        if rule.writes:
            _tape.check_write(args[0])
            if tracked:
                _tape.refuse_write(args[0])
            return func(*plain_args, **plain_kwargs)
        if tracked and out is None and rule.own and rule.takes(args, given):
            return rule.own(*args, **given)
        if not tracked or _traced.is_constant(func):
            result = func(*plain_args, **plain_kwargs)
            if out is not None:
                return _into(result, arrays, name, out)
            if func in _POSITIONS and cls._least_ndim:
                result = np.asarray(result, np.float32)  # as the functions and methods of nd
            widen = "dtype" in kwargs or any(a.dtype == np.float64 for a in arrays)
            return wrap_all(result, cls, widen)
        return _recorded_call(func, args, given, tracked, cls, out)

    def __getitem__(self, key: Any) -> Any:
        plain = _keys.plain_key(key)
        source = np.asarray(self)
        try:
            value = source[plain]
        except IndexError as error:
            raise _keys.index_error(key, source.shape, error) from None
        if not isinstance(value, np.ndarray):
            value = self._element(source, plain)
        elif (
            value.ndim
            and self._least_ndim
            and not value.flags.c_contiguous
            and _keys.is_basic(plain)
        ):
            # As in Gluon, only a contiguous piece is a view, whatever the strides of the source are.
            value = value.copy() if source.flags.c_contiguous else value
        result = wrap(value, type(self))
        if _state.recording and self._node is not None:
            shape, dtype = source.shape, source.dtype
            attach_result(
                result, value.shape, (self,),
                lambda g, _: (_keys.scatter_gradient(shape, dtype, plain, g),),
                "getitem", lambda _, x: x[plain], _tape.LinearNode,
            )  # fmt: skip
        if self._node is not None or self._source is not None:
            result._source = self._source_of_views()
        return result

    def _source_of_views(self) -> weakref.ref[Any] | _tape.Leaf | None:
        node = self._node
        if node is None:
            return self._source
        return node if isinstance(node, _tape.Leaf) else weakref.ref(self)

    def _element(self, source: Plain, key: Any) -> Plain:
        """Return one element, as a view, so that writing through it reaches this array."""
        if not _keys.is_basic(key):
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
            plain = plain.reshape(())  # NumPy does not take an array of shape (1,) for a number
        target = np.asarray(self)
        try:
            target[_keys.plain_key(key)] = plain
        except IndexError as error:
            raise _keys.index_error(key, target.shape, error) from None
        except (TypeError, ValueError) as error:
            if isinstance(error, MXNetError):
                raise
            message = (
                f"expected numbers that fit what is written into, found {value!r} ({error}); pass an array of "
                "its shape, or one number"
            )
            raise NumbersError(message) from None

    def __iter__(self) -> Iterator[Any]:
        if self.ndim == 0:
            msg = "iteration over a 0-d array: expected at least one axis, found none; reshape it to (1,)"
            raise GlueballTypeError(msg)
        return (self[i] for i in range(len(self)))


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
        value, pull_back = _traced.pull_back_call(func, call, [np.asarray(a) for a in tracked])
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
        _traced.formula_of_call(func, call),
        _derivatives.function_rules[func].node,
    )
    return result
