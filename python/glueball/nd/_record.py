"""What every array function does: take plain arrays from its inputs, give the result its class, record it."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from glueball import _tape
from glueball._scope import import_late
from glueball.base import (
    ArgumentError,
    DtypeError,
    GlueballTypeError,
    MXNetError,
    NumbersError,
    ShapeError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    Plain: TypeAlias = npt.NDArray[Any]
    Derivative: TypeAlias = Callable[[Plain, Any], Sequence[Plain | None]]
    Formula: TypeAlias = Callable[..., Any]

__all__ = [
    "array_classes", "as_array", "attach_result", "class_of", "finish", "fit", "into", "is_array",
    "normalise_axes", "numpy_class", "raw", "result_axis", "wrap", "wrap_all",
]  # fmt: skip

# The legacy class and NumPy mode's, in this order; each module of one appends its own.
array_classes: list[type] = []
_NUMPY_CLASS = "glueball.np._ndarray"


def is_array(value: object) -> bool:
    """Return whether `value` is an array of glueball's, of either class."""
    return isinstance(value, array_classes[0])


def numpy_class() -> type:
    """Return NumPy mode's class, which is imported when it is first needed: few programs use both."""
    if len(array_classes) == 1:
        import_late(_NUMPY_CLASS)
    return array_classes[1]


def as_array(value: Any) -> Any:
    """Return `value` itself if it is an array of glueball's, else a float32 NDArray made from it."""
    if isinstance(value, array_classes[0]):
        return value
    return wrap(np.array(value, np.float32), array_classes[0])


def raw(value: Any) -> Plain:
    """Return the plain NumPy array that shares `value`'s memory; numbers and lists become float32."""
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    try:
        return np.asarray(value, np.float32)
    except (TypeError, ValueError) as error:
        message = f"expected an array or numbers, found {value!r} ({error}); pass an NDArray"
        raise NumbersError(message) from None


def class_of(values: Iterable[Any]) -> type:
    """Return the class that a result of these inputs has: that of the first array among them."""
    for value in values:
        if isinstance(value, array_classes[0]):
            return type(value)
    return array_classes[0]


def wrap(value: Any, cls: type) -> Any:
    """Return `value` as an array of class `cls`, without a copy; a legacy array has at least one axis."""
    array = value if type(value) is np.ndarray else np.asarray(value)
    if array.ndim == 0 and cls._least_ndim:  # type: ignore[attr-defined]
        array = array.reshape(1)
    return array.view(cls)


def wrap_all(result: Any, cls: type, widen: bool = True) -> Any:
    """Return a NumPy function's result with arrays in class `cls`; truth values and texts stay.

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


def fit(grad: Any, like: Plain) -> Plain:
    """Return `grad` summed over the axes along which an input of the shape of `like` was broadcast.

    Raises
    ------
    MXNetError
        When the shapes cannot come from broadcasting, which means that a derivative is wrong.
    """
    array = np.asarray(grad)
    shape = like.shape
    if array.shape != shape:
        extra = array.ndim - len(shape)
        if extra < 0:
            array = np.broadcast_to(array, np.broadcast_shapes(array.shape, shape))
        elif extra:
            array = array.sum(axis=tuple(range(extra)))
        axes = tuple(
            i for i, (n, have) in enumerate(zip(shape, array.shape, strict=True)) if n == 1 != have
        )
        if axes:
            array = array.sum(axis=axes, keepdims=True)
        if array.shape != shape:
            array = np.broadcast_to(array, shape) if array.size == 1 else array
        if array.shape != shape:
            msg = f"expected a gradient of shape {shape}, found {array.shape}; please report this derivative"
            raise MXNetError(msg)
    if array.dtype != like.dtype and like.dtype.kind == "f":
        array = array.astype(like.dtype)
    return array


def attach_result(
    result: Any,
    shape: tuple[int, ...],
    inputs: Sequence[Any],
    backward: Derivative,
    name: str,
    formula: Formula | None = None,
    node: type[_tape.Node] = _tape.Node,
) -> None:
    """Record `result`, whose value had `shape` before it was given its class.

    `formula` and `node` are as for `finish`.
    """
    if result.shape != shape:  # a number in an array of shape (1,)
        by_shape, plain = backward, formula
        backward = lambda grad, pass_: by_shape(grad.reshape(shape), pass_)
        if plain is not None:
            whole = result.shape
            formula = lambda np, *values: np.reshape(plain(np, *values), whole)
    again = None if formula is None else (True, formula, tuple([raw(x) for x in inputs]))
    _tape.attach(result, inputs, backward, name, again=again, node=node)


def finish(
    value: Any,
    inputs: Sequence[Any],
    backward: Derivative | None,
    name: str,
    out: Any = None,
    formula: Formula | None = None,
    node: type[_tape.Node] = _tape.Node,
) -> Any:
    """Turn a computed value into the result of an array function.

    Parameters
    ----------
    value : numpy.ndarray or number
        What was computed.
    inputs : sequence
        The function's array arguments: the first of glueball's arrays gives the class of the result.
    backward : callable or None
        The derivative, as for `_tape.attach`; None for a function whose result is a constant.
    name : str
        The function, in error texts.
    out : NDArray, optional
        Gets the values and is returned.
    formula : callable, optional
        ``formula(np, *values)`` computes `value` from the inputs' values with functions of `np`, which is
        ``autograd.numpy``: second derivatives come from it. Without one there are none.
    node : type, default Node
        Of what is recorded: which values `backward` reads.

    Raises
    ------
    ShapeError
        When `out` has another shape.
    MXNetError
        When `out` is part of the graph that is being recorded.
    """
    value = np.asarray(value)
    if out is None:
        result = wrap(value, class_of(inputs))
    else:
        write_out(value, inputs, name, out)
        result = out
    if backward is not None and _tape.state.recording:
        attach_result(result, value.shape, inputs, backward, name, formula, node)
    return result


def write_out(value: Plain, inputs: Sequence[Any], name: str, out: Any) -> None:
    """Copy `value` into `out`, of its shape and not part of the graph being recorded."""
    target = np.asarray(out)
    if target.shape != value.shape and not (value.ndim == 0 and target.size == 1):
        msg = (
            f"expected an out= of shape {value.shape} for '{name}', found {target.shape}; pass an array of "
            f"the result's shape, or none"
        )
        raise ShapeError(msg)
    _tape.check_write(out)
    if _tape.state.recording and any(
        _tape.is_tracked(x) and np.may_share_memory(target, np.asarray(x)) for x in inputs
    ):
        _tape.refuse_write(out)
    np.copyto(target, value.reshape(target.shape), casting="unsafe")


def into(out: Any, result: Any, name: str) -> Any:
    """Return `result`, an array or a list of them, or without one `out` with its values, recorded too."""
    if out is None:
        return result
    if isinstance(result, list):
        if not isinstance(out, list | tuple) or len(out) != len(result):
            msg = f"expected {len(result)} arrays as out of '{name}', found {out!r}; pass a list of as many"
            raise ArgumentError(msg)
        return [into(each, value, name) for each, value in zip(out, result, strict=True)]
    return finish(
        raw(result), (result,), lambda g, _: (g,), name, out, lambda np, x: x, _tape.LinearNode
    )


def result_axis(axis: Any, ndim: int, name: str, extra: int = 0) -> int:
    """Return `axis` counted from the front; refuse one that is not there, or not an integer."""
    try:
        index = operator.index(axis)
    except TypeError:
        msg = f"expected an integer as axis of '{name}', found {axis!r}; number axes from 0, or from the last: -1"
        raise GlueballTypeError(msg) from None
    count = ndim + extra
    if not -count <= index < count:
        msg = f"expected an axis in [{-count}, {count}) for '{name}', found {axis}; the array has {ndim} axes"
        raise ArgumentError(msg)
    return index % count


def normalise_axes(axis: Any, ndim: int, name: str, exclude: bool = False) -> tuple[int, ...]:
    """Return the axes that a reduction runs over, from Gluon's `axis` and `exclude`.

    None and ``()`` mean all axes; with `exclude`, the axes *not* named.
    """
    if axis is None or (isinstance(axis, tuple | list) and len(axis) == 0):
        return () if exclude and axis is not None else tuple(range(ndim))
    given = axis if isinstance(axis, tuple | list) else (axis,)
    axes = tuple(sorted({result_axis(a, ndim, name) for a in given}))
    return tuple(a for a in range(ndim) if a not in axes) if exclude else axes


def check_same_dtype(a: Plain, b: Plain, name: str) -> None:
    """Refuse two arrays of different element types, as Gluon does, rather than widen one in silence.

    Raises
    ------
    DtypeError
        When the dtypes differ.
    """
    if a.dtype != b.dtype and a.dtype.kind != "b" and b.dtype.kind != "b":
        msg = (
            f"expected two arrays of the same dtype for '{name}', found {a.dtype} and {b.dtype}; convert "
            f"one with .astype('{a.dtype}')"
        )
        raise DtypeError(msg)
