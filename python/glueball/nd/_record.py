"""What every array function does: take plain arrays out, put the result back in its class, record it."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from glueball import _tape
from glueball.base import ArgumentError, DtypeError, GlueballTypeError, MXNetError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    Plain: TypeAlias = npt.NDArray[Any]
    Derivative: TypeAlias = Callable[[Plain, Any], Sequence[Plain | None]]
    Formula: TypeAlias = Callable[..., Any]

__all__ = [
    "array_classes",
    "as_array",
    "attach_result",
    "class_of",
    "finish",
    "fit",
    "is_array",
    "normalise_axes",
    "raw",
    "result_axis",
    "wrap",
]

# The legacy class and NumPy mode's, in this order; each enters itself when it is defined.
array_classes: list[type] = []


def is_array(value: object) -> bool:
    """Whether `value` is an array of glueball's, of either class."""
    return isinstance(value, array_classes[0])


def as_array(value: Any) -> Any:
    """`value` itself if it is an array of glueball's, else a float32 NDArray made from it."""
    if isinstance(value, array_classes[0]):
        return value
    return wrap(np.array(value, np.float32), array_classes[0])


def raw(value: Any) -> Plain:
    """The plain NumPy array that shares `value`'s memory; numbers and lists become float32."""
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    return np.asarray(value, np.float32)


def class_of(values: Iterable[Any]) -> type:
    """The class that a result of these inputs has: that of the first array among them."""
    for value in values:
        if isinstance(value, array_classes[0]):
            return type(value)
    return array_classes[0]


def wrap(value: Any, cls: type) -> Any:
    """`value` as an array of class `cls`, without a copy; a legacy array has at least one axis."""
    array = value if type(value) is np.ndarray else np.asarray(value)
    if array.ndim == 0 and cls._least_ndim:  # type: ignore[attr-defined]
        array = array.reshape(1)
    return array.view(cls)


def fit(grad: Any, like: Plain) -> Plain:
    """`grad` summed over the axes along which an input of the shape of `like` was broadcast.

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
) -> None:
    """Record `result`, whose value had `shape` before it was given its class.

    `formula` is as for `finish`.
    """
    if result.shape != shape:  # a number in an array of shape (1,)
        by_shape, plain = backward, formula
        backward = lambda grad, pass_: by_shape(grad.reshape(shape), pass_)
        if plain is not None:
            whole = result.shape
            formula = lambda np, *values: np.reshape(plain(np, *values), whole)
    again = None if formula is None else (True, formula, tuple([raw(x) for x in inputs]))
    _tape.attach(result, inputs, backward, name, again=again)


def finish(
    value: Any,
    inputs: Sequence[Any],
    backward: Derivative | None,
    name: str,
    out: Any = None,
    formula: Formula | None = None,
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
        attach_result(result, value.shape, inputs, backward, name, formula)
    return result


def write_out(value: Plain, inputs: Sequence[Any], name: str, out: Any) -> None:
    """Copy `value` into `out` after checking that it may be written.

    Raises
    ------
    ShapeError
        When the shapes differ.
    MXNetError
        When that would spoil the graph that is being recorded.
    """
    target = np.asarray(out)
    if target.shape != value.shape and not (value.ndim == 0 and target.size == 1):
        msg = (
            f"expected an out= of shape {value.shape} for '{name}', found {target.shape}; pass an array of "
            f"the result's shape, or leave out= away"
        )
        raise ShapeError(msg)
    _tape.check_write(out)
    if _tape.state.recording and any(
        _tape.is_tracked(x) and np.may_share_memory(target, np.asarray(x)) for x in inputs
    ):
        _tape.refuse_write(out)
    np.copyto(target, value.reshape(target.shape), casting="unsafe")


def result_axis(axis: Any, ndim: int, name: str, extra: int = 0) -> int:
    """`axis` counted from the front.

    Raises
    ------
    ArgumentError
        When there is no such axis.
    GlueballTypeError
        When it is no integer.
    """
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
    """The axes that a reduction runs over, from Gluon's `axis` and `exclude`.

    None and ``()`` mean all axes; with `exclude`, the axes *not* named.
    """
    if axis is None or (isinstance(axis, tuple | list) and len(axis) == 0):
        return () if exclude and axis is not None else tuple(range(ndim))
    given = axis if isinstance(axis, tuple | list) else (axis,)
    axes = tuple(sorted({result_axis(a, ndim, name) for a in given}))
    return tuple(a for a in range(ndim) if a not in axes) if exclude else axes


def infer_reshape(
    source: tuple[int, ...], target: Sequence[int], reverse: bool = False
) -> tuple[int, ...]:
    """The shape that Gluon's reshape makes of `source`.

    In `target`, 0 copies an axis of `source`, -1 takes what is left, -2 copies all axes that remain, -3
    merges two axes and -4 splits one into the two numbers that follow, of which one may be -1.
    `reverse` reads both shapes from their ends.

    Raises
    ------
    ShapeError
        When the numbers of elements do not agree.
    """
    old = list(source[::-1] if reverse else source)
    codes = [int(n) for n in (list(target)[::-1] if reverse else target)]
    if reverse:  # a split reads "-4, a, b" forwards, which reversing has turned round
        for i, code in enumerate(codes):
            if code == -4 and i >= 2:
                codes[i - 2 : i + 1] = [-4, codes[i - 2], codes[i - 1]]
    new: list[int] = []
    unknown: int | None = None
    position = 0

    def fail(why: str) -> None:
        msg = (
            f"expected a shape with as many elements as {tuple(source)}, found {tuple(target)}: {why}; "
            f"0 keeps an axis, -1 infers it, -2 keeps the rest, -3 merges two, -4 splits one"
        )
        raise ShapeError(msg)

    def take() -> int:
        nonlocal position
        if position >= len(old):
            fail("it refers to more axes than there are")
        position += 1
        return old[position - 1]

    index = 0
    while index < len(codes):
        code = codes[index]
        index += 1
        if code > 0:
            new.append(code)
            position += 1
        elif code == 0:
            new.append(take())
        elif code == -1:
            if unknown is not None:
                fail("only one axis can be -1")
            unknown = len(new)
            new.append(1)
            position += 1
        elif code == -2:
            new.extend(old[position:])
            position = len(old)
        elif code == -3:
            new.append(take() * take())
        elif code == -4:
            if index + 2 > len(codes):
                fail("-4 needs the two numbers after it")
            whole, first, second = take(), codes[index], codes[index + 1]
            index += 2
            if first == -1 and second > 0:
                first = whole // second
            elif second == -1 and first > 0:
                second = whole // first
            if first * second != whole:
                fail(f"{whole} is not {first} times {second}")
            new.extend((second, first) if reverse else (first, second))
        else:
            fail(f"{code} is no code")
    size = math.prod(old)
    known = math.prod(n for i, n in enumerate(new) if i != unknown)
    if unknown is not None:
        if known == 0 or size % known:
            fail("the other axes do not divide the size")
        new[unknown] = size // known
    elif known != size:
        fail("the sizes differ")
    return tuple(new[::-1] if reverse else new)


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
