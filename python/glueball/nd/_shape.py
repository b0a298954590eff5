"""Functions that give the elements of an array another shape or order, or more copies."""

from __future__ import annotations

import builtins
import math
import operator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from glueball import _tape
from glueball.base import ArgumentError, ShapeError
from glueball.nd._record import (
    attach_result,
    class_of,
    finish,
    fit,
    infer_reshape,
    is_array,
    normalise_axes,
    raw,
    result_axis,
    wrap,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    Plain: TypeAlias = npt.NDArray[Any]

__all__ = [
    "broadcast_axis",
    "broadcast_like",
    "broadcast_to",
    "expand_dims",
    "flatten",
    "flip",
    "moveaxis",
    "ones_like",
    "repeat",
    "reshape",
    "reshape_like",
    "shape_array",
    "size_array",
    "squeeze",
    "swapaxes",
    "tile",
    "transpose",
    "zeros_like",
]  # fmt: skip


def _reshaped(data: Any, value: Plain, name: str, out: Any) -> Any:
    """Finish a function that gives the same elements another shape, that of `value`."""
    shape = raw(data).shape
    return finish(
        value, (data,), lambda g, _: (g.reshape(shape),), name, out,
        lambda np, x: np.reshape(x, value.shape),
    )  # fmt: skip


def reshape(data: Any, shape: Any, reverse: bool = False, out: Any = None) -> Any:
    """The same elements under another shape; a view where memory allows.

    Parameters
    ----------
    data : NDArray
        The array.
    shape : tuple of int
        0 keeps an axis, -1 is inferred, -2 keeps all axes that remain, -3 merges two, -4 splits one into
        the two numbers that follow.
    reverse : bool, default False
        Read both shapes from their ends.

    Raises
    ------
    ShapeError
        When the numbers of elements differ.
    """
    x = raw(data)
    new = infer_reshape(x.shape, (shape,) if isinstance(shape, int) else tuple(shape), reverse)
    return _reshaped(data, x.reshape(new), "reshape", out)


def reshape_like(
    lhs: Any,
    rhs: Any,
    lhs_begin: int | None = None,
    lhs_end: int | None = None,
    rhs_begin: int | None = None,
    rhs_end: int | None = None,
    out: Any = None,
) -> Any:
    """The elements of `lhs` under the shape of `rhs`.

    With bounds, the axes of `lhs` from `lhs_begin` up to `lhs_end` become those of `rhs` from `rhs_begin`
    up to `rhs_end`; negative ones count from the end.

    Raises
    ------
    ShapeError
        When the numbers of elements differ.
    """
    x, like = raw(lhs), raw(rhs).shape
    first, last, _ = builtins.slice(lhs_begin, lhs_end).indices(x.ndim)
    new = x.shape[:first] + like[rhs_begin:rhs_end] + x.shape[last:]
    if math.prod(new) != x.size:
        msg = (
            f"expected as many elements as {x.shape} has for reshape_like, found the shape {new}; choose axes "
            "with as many elements in both arrays"
        )
        raise ShapeError(msg)
    return _reshaped(lhs, x.reshape(new), "reshape_like", out)


def flatten(data: Any, out: Any = None) -> Any:
    """All axes but the first as one: ``(batch, a, b)`` becomes ``(batch, a b)``."""
    x = raw(data)
    columns = int(np.prod(x.shape[1:])) if x.ndim > 1 else 1
    new = (x.shape[0] if x.ndim else 1, columns)
    return _reshaped(data, x.reshape(new), "flatten", out)


def expand_dims(data: Any, axis: int, out: Any = None) -> Any:
    """Insert an axis of length 1 before `axis`; negative numbers count from behind the last.

    Raises
    ------
    ArgumentError
        When there is no such place.
    """
    x = raw(data)
    value = np.expand_dims(x, result_axis(axis, x.ndim, "expand_dims", extra=1))
    return _reshaped(data, value, "expand_dims", out)


def squeeze(data: Any, axis: Any = None, out: Any = None) -> Any:
    """Drop axes of length 1: all of them, or the ones named.

    Raises
    ------
    ShapeError
        When a named axis is longer.
    """
    x = raw(data)
    if axis is None:
        value = x.squeeze()
    else:
        axes = normalise_axes(axis, x.ndim, "squeeze")
        if any(x.shape[i] != 1 for i in axes):
            msg = f"expected axes of length 1 for squeeze, found axis {axis} of shape {x.shape}; use reshape"
            raise ShapeError(msg)
        value = x.squeeze(axes)
    return _reshaped(data, value, "squeeze", out)


def transpose(data: Any, axes: Any = None, out: Any = None) -> Any:
    """The axes in another order: reversed, or as `axes` says.

    Raises
    ------
    ArgumentError
        When `axes` does not name each axis once.
    """
    x = raw(data)
    order = tuple(axes) if axes is not None and len(axes) else None
    if order is not None and sorted(a % x.ndim if x.ndim else a for a in order) != list(
        range(x.ndim)
    ):
        msg = f"expected an order of the {x.ndim} axes for transpose, found axes={order}; name each axis once"
        raise ArgumentError(msg)
    value = x.transpose(order)
    back = None if order is None else tuple(np.argsort([a % x.ndim for a in order]))
    return finish(
        value, (data,), lambda g, _: (g.transpose(back),), "transpose", out,
        lambda np, x: np.transpose(x, order),
    )  # fmt: skip


def swapaxes(data: Any, dim1: int = 0, dim2: int = 0, out: Any = None) -> Any:
    """Exchange two axes.

    Raises
    ------
    ArgumentError
        When one of them is not there.
    """
    x = raw(data)
    a, b = result_axis(dim1, x.ndim, "swapaxes"), result_axis(dim2, x.ndim, "swapaxes")
    return finish(
        x.swapaxes(a, b), (data,), lambda g, _: (g.swapaxes(a, b),), "swapaxes", out,
        lambda np, x: np.swapaxes(x, a, b),
    )  # fmt: skip


def moveaxis(tensor: Any, source: Any, destination: Any) -> Any:
    """Move axes to new places; the others keep their order.

    Parameters
    ----------
    tensor : NDArray
        The array.
    source, destination : int or tuple of int
        Where each axis is, and where it goes.

    Raises
    ------
    ArgumentError
        When an axis is not there or named twice, or the two have different lengths.
    """
    x = raw(tensor)
    try:
        value = np.moveaxis(x, source, destination)
    except ValueError as error:
        msg = (
            f"expected as many places as axes of an array of shape {x.shape} for moveaxis, each once, found "
            f"source={source} and destination={destination}; number axes from 0, or from the last: -1"
        )
        raise ArgumentError(msg) from error
    return finish(
        value, (tensor,), lambda g, _: (np.moveaxis(g, destination, source),), "moveaxis", None,
        lambda np, x: np.moveaxis(x, source, destination),
    )  # fmt: skip


def flip(data: Any, axis: Any, out: Any = None) -> Any:
    """Reverse the order of elements along axes.

    Raises
    ------
    ArgumentError
        When an axis is not there.
    """
    x = raw(data)
    axes = normalise_axes(axis, x.ndim, "flip")
    key = tuple(builtins.slice(None, None, -1 if i in axes else 1) for i in range(x.ndim))
    return finish(
        x[key].copy(), (data,), lambda g, _: (np.flip(g, axes),), "flip", out, lambda _, x: x[key]
    )


def tile(data: Any, reps: Any, out: Any = None) -> Any:
    """Repeat the whole array along each axis.

    Parameters
    ----------
    data : NDArray
        The array; axes of length 1 are put in front where `reps` has more numbers.
    reps : int or tuple of int
        How many times along each axis; a short one is for the last axes.
    out : NDArray, optional
        Filled and returned.

    Raises
    ------
    ArgumentError
        When a number is negative.
    """
    x = raw(data)
    counts = tuple(_count(n, "tile") for n in (reps if isinstance(reps, tuple | list) else (reps,)))
    rank = builtins.max(x.ndim, len(counts))
    shape = (1,) * (rank - x.ndim) + x.shape
    counts = (1,) * (rank - len(counts)) + counts

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        split_shape = [n for pair in zip(counts, shape, strict=True) for n in pair]
        return (g.reshape(split_shape).sum(axis=tuple(range(0, 2 * rank, 2))).reshape(x.shape),)

    # As a product with ones: autograd's derivative of tile fails on some shapes.
    split_ones = np.ones([n for c in counts for n in (c, 1)], x.dtype)
    split_shape = [n for m in shape for n in (1, m)]
    return finish(
        np.tile(x, counts), (data,), backward, "tile", out,
        lambda np, x: np.reshape(
            np.reshape(x, split_shape) * split_ones,
            [c * m for c, m in zip(counts, shape, strict=True)],
        ),
    )  # fmt: skip


def _count(value: Any, name: str) -> int:
    """Return how often something is repeated."""
    try:
        count = operator.index(value)
    except TypeError:
        count = int(value) if isinstance(value, float) and value.is_integer() else -1
    if count < 0:
        msg = f"expected whole numbers of 0 or more for {name}, found {value!r}; they say how many times"
        raise ArgumentError(msg)
    return count


def repeat(data: Any, repeats: int, axis: int | None = None, out: Any = None) -> Any:
    """Repeat each element `repeats` times along an axis, or of the flattened array.

    Raises
    ------
    ArgumentError
        When `repeats` is negative, or the axis not there.
    """
    x = raw(data)
    repeats = _count(repeats, "repeat")
    flat = x.reshape(-1) if axis is None else x
    along = 0 if axis is None else result_axis(axis, x.ndim, "repeat")

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        shape = (*flat.shape[: along + 1], repeats, *flat.shape[along + 1 :])
        return (g.reshape(shape).sum(axis=along + 1).reshape(x.shape),)

    return finish(
        np.repeat(flat, repeats, axis=along), (data,), backward, "repeat", out,
        lambda np, x: np.repeat(np.reshape(x, flat.shape), repeats, axis=along),
    )  # fmt: skip


def broadcast_to(data: Any, shape: Any, out: Any = None) -> Any:
    """Repeat axes of length 1 to the lengths in `shape`; 0 there keeps a length.

    Raises
    ------
    ShapeError
        When an axis is neither 1 nor of the wanted length.
    """
    x = raw(data)
    target = tuple(
        x.shape[i] if n == 0 and len(shape) == x.ndim else int(n) for i, n in enumerate(shape)
    )
    try:
        value = np.broadcast_to(x, target).copy()
    except ValueError as error:
        msg = (
            f"expected a shape that broadcasts to {target}, found {x.shape}; axes must be equal or 1, "
            f"counted from the last: use expand_dims or reshape first"
        )
        raise ShapeError(msg) from error
    ones = np.ones(target, x.dtype)
    return finish(
        value, (data,), lambda g, _: (fit(g, x),), "broadcast_to", out, lambda np, x: x * ones
    )


def broadcast_like(lhs: Any, rhs: Any, out: Any = None) -> Any:
    """`lhs` repeated to the shape of `rhs`; errors as `broadcast_to`."""
    return broadcast_to(lhs, raw(rhs).shape, out=out)


def broadcast_axis(data: Any, axis: Any = (), size: Any = (), out: Any = None) -> Any:
    """Repeat axes of length 1 `size` times.

    Parameters
    ----------
    data : NDArray
        The array.
    axis, size : int or tuple of int
        Axes, and the length that each gets.
    out : NDArray, optional
        Filled and returned.

    Raises
    ------
    ShapeError
        When an axis is neither 1 nor of the wanted length.
    ArgumentError
        When an axis is not there, or `axis` and `size` have different lengths.
    """
    x = raw(data)
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    sizes = size if isinstance(size, tuple | list) else (size,)
    if len(axes) != len(sizes):
        msg = f"expected a size for each axis for broadcast_axis, found axis={axis} and size={size}; pair them"
        raise ArgumentError(msg)
    shape = list(x.shape)
    for a, n in zip(axes, sizes, strict=True):
        shape[result_axis(a, x.ndim, "broadcast_axis")] = int(n)
    return broadcast_to(data, tuple(shape), out=out)


def zeros_like(data: Any, out: Any = None) -> Any:
    """Zeros of the same shape and dtype."""
    return finish(np.zeros_like(raw(data)), (data,), None, "zeros_like", out)


def ones_like(data: Any, out: Any = None) -> Any:
    """Ones of the same shape and dtype."""
    return finish(np.ones_like(raw(data)), (data,), None, "ones_like", out)


def shape_array(data: Any) -> Any:
    """The shape, as an int64 array."""
    return finish(np.array(raw(data).shape, np.int64), (data,), None, "shape_array")


def size_array(data: Any) -> Any:
    """The number of elements, as an int64 array."""
    return finish(np.array([raw(data).size], np.int64), (data,), None, "size_array")


def view_as(data: Any, value: Plain, backward: Any, name: str, formula: Any) -> Any:
    """`value`, which shares memory with `data`, as a recorded array of the class of `data`."""
    result = wrap(value, type(data)) if is_array(data) else wrap(value, class_of(()))
    if _tape.state.recording:
        attach_result(result, value.shape, (data,), backward, name, formula)
    return result


def finish_as(data: Any, cls: type) -> Any:
    """`data` as an array of class `cls`: same memory, and recorded as a step that changes nothing."""
    x = raw(data)
    result = wrap(x, cls)
    shape, result_shape = data.shape, result.shape
    attach_result(
        result, result.shape, (data,), lambda g, _: (g.reshape(shape),), "as_class",
        lambda np, x: np.reshape(x, result_shape),
    )  # fmt: skip
    return result
