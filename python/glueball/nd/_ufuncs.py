"""Arrays on which ufuncs can be recorded: the first of NumPy's protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from glueball import _tape
from glueball.base import GlueballTypeError, MXNetError, ShapeError
from glueball.nd import _derivatives
from glueball.nd._record import attach_result, check_same_dtype, wrap, wrap_all

if TYPE_CHECKING:
    import weakref
    from collections.abc import Sequence

    from glueball.nd._record import Plain


__all__ = ["UfuncArray", "mixing_error"]

_state = _tape.state
_asarray = np.asarray
_multiply = np.multiply


def mixing_error(name: str) -> GlueballTypeError:
    """Return the error for a legacy array where NumPy mode's is wanted."""
    return GlueballTypeError(
        f"Operator `{name}` is a numpy operator which can only accept MXNet numpy ndarrays, while received a "
        f"legacy ndarray. Please ensure that you have activated numpy semantics by calling `npx.set_np()` "
        f"in your code. If you still see this error with numpy semantics activated, please call "
        f"`as_np_ndarray()` upon the legacy ndarray to convert it, and `as_nd_ndarray()` the other way."
    )


class UfuncArray(np.ndarray):
    """A numpy.ndarray that knows its place in the graph, and puts there what ufuncs make of it."""

    # There is no __array_finalize__ here: what NumPy derives from an array inherits numbers, never a place
    # in the graph, and deriving costs no Python call.
    __array_priority__ = 1000.0

    _node: _tape.Node | None = None
    # A comparison's result: as an index it selects where it is not 0.
    _is_mask: bool = False
    # What this is a view of, if a graph may hang on that: writes into this are writes into it. Weakly, since
    # the source holds its graph; but a leaf, which holds none, itself: a parameter's array is a new one at
    # every call.
    _source: weakref.ref[Any] | _tape.Leaf | None = None
    # The fewest axes that a result has.
    _least_ndim: ClassVar[int] = 1

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
        """Call a ufunc with inputs of several kinds, after settling what dtype and class they share."""
        arrays = [x for x in inputs if isinstance(x, UfuncArray)]
        first = arrays[0] if arrays else self  # without any, only out= is an array of glueball's
        for other in arrays[1:]:
            if other._least_ndim != first._least_ndim:
                raise mixing_error(ufunc.__name__)
            if first._least_ndim and other.dtype != first.dtype:
                check_same_dtype(_asarray(first), _asarray(other), ufunc.__name__)
        dtype = first.dtype
        values: list[Any] = []
        for value in inputs:
            if isinstance(value, UfuncArray):
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
            _refuse_shapes(ufunc, values, (), error)
            raise
        except TypeError as error:
            raise _operand_error(ufunc, values, error) from None
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
                if not (cls._least_ndim and _derivatives.ufunc_rules[ufunc].is_comparison):
                    return wrap(result, cls)
                array = wrap(result.astype(dtype), cls)
                array._is_mask = True
                return array
            if result.dtype.kind == "f" and dtype.kind != "f" and "dtype" not in kwargs:
                result = _of_integers(ufunc, values, result, dtype, cls, kwargs)
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
            i for i, x in enumerate(inputs) if isinstance(x, UfuncArray) and x._node is not None
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
                _derivatives.ufunc_rules[ufunc].node,
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
        targets = tuple(np.asarray(o) if isinstance(o, UfuncArray) else o for o in out)
        for target in out:
            if isinstance(target, UfuncArray):
                _tape.check_write(target)
                if tracked and any(
                    isinstance(x, UfuncArray)
                    and np.may_share_memory(np.asarray(target), np.asarray(x))
                    for x in inputs
                ):
                    # Its old values may be in the derivative, and are about to be lost.
                    _tape.refuse_write(target)
                target.__dict__.pop("_is_mask", None)
        try:
            ufunc(*values, out=targets, **kwargs)
        except ValueError as error:
            _refuse_shapes(ufunc, values, targets, error)
            raise
        except TypeError as error:
            raise _operand_error(ufunc, values, error) from None
        if tracked and len(out) == 1 and isinstance(out[0], UfuncArray):
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
            function = _derivatives.ufunc_rules[ufunc].reduction
            if method != "reduce" or function is None:
                _derivatives.refuse(ufunc, f".{method}")
            kwargs.setdefault("axis", inputs[1] if len(inputs) > 1 else 0)
            return self.__array_function__(function, (), (inputs[0],), kwargs)
        values = [np.asarray(x) if isinstance(x, UfuncArray) else x for x in inputs]
        if out is not None:
            for target in out:
                _tape.check_write(target)
            kwargs["out"] = tuple(np.asarray(o) if isinstance(o, UfuncArray) else o for o in out)
            getattr(ufunc, method)(*values, **kwargs)
            return out[0]
        result = getattr(ufunc, method)(*values, **kwargs)
        return wrap_all(result, type(self))


def _operand_error(ufunc: np.ufunc, values: Sequence[Any], error: TypeError) -> TypeError:
    """Return the error for operands that are not numbers; `error` itself if it is about something else."""
    wrong = [each for each in values if not isinstance(each, int | float | np.ndarray)]
    if isinstance(error, MXNetError) or not wrong:
        return error
    return GlueballTypeError(
        f"expected arrays or numbers in '{ufunc.__name__}', found {wrong[0]!r}; convert it, or correct it ({error})"
    )


def _refuse_shapes(
    ufunc: np.ufunc, values: Sequence[Any], targets: Sequence[Any], error: ValueError
) -> None:
    """Raise the error for shapes that a ufunc cannot take together; return if `error` is about something else."""
    shapes = [np.shape(v) for v in values]
    if ufunc.signature is None:
        try:
            broadcast = np.broadcast_shapes(*shapes, *[t.shape for t in targets])
        except ValueError:
            broadcast = None
        if broadcast is not None and all(t.shape == broadcast for t in targets):
            return
        wanted = "axes that are equal or 1, counted from the last,"
    else:
        wanted = f"axes that fit the signature {ufunc.signature}"
    listed = " ".join(str(list(s)) for s in [*shapes, *[t.shape for t in targets]])
    msg = (
        f"operands could not be broadcast together with shapes {listed}: expected {wanted} in "
        f"'{ufunc.__name__}'; reshape one, or insert an axis with expand_dims"
    )
    raise ShapeError(msg) from error


def _of_integers(
    ufunc: np.ufunc, values: Sequence[Any], result: Plain, dtype: Any, cls: Any, kwargs: Any
) -> Plain:
    """Return what a function that NumPy computes in floating point makes of arrays of integers."""
    if ufunc is np.true_divide and cls._least_ndim and all(type(x) is np.ndarray for x in values):
        # Gluon's quotient of two arrays is of their dtype, with its fraction cut off, as in C.
        with np.errstate(divide="ignore"):  # by 0 it is 0
            quotient = np.floor_divide(*values)
        rounded_down = (quotient < 0) & (quotient * values[1] != values[0])
        result = quotient + rounded_down
    else:
        if result.dtype == np.float16:  # which is what NumPy takes for a byte
            result = ufunc(*[np.asarray(x, np.float32) for x in values], **kwargs)
        dtype = np.dtype(np.float32)
    converted: Plain = result.astype(dtype, copy=False)
    return converted
