"""Functions that give the elements of an array another shape or order, or more copies."""

from __future__ import annotations

import builtins
import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _tape
from glueball._tape import LinearNode
from glueball.base import ArgumentError, ShapeError
from glueball.nd import _reshape_codes as codes
from glueball.nd._record import (
    attach_result,
    class_of,
    finish,
    fit,
    is_array,
    normalise_axes,
    raw,
    result_axis,
    wrap,
)

if TYPE_CHECKING:
    from glueball.nd._record import Plain

__all__ = [
    "broadcast_axis", "broadcast_like", "broadcast_to", "expand_dims", "flatten", "flip",
    "moveaxis", "ones_like", "repeat", "reshape", "reshape_like", "shape_array", "size_array",
    "squeeze", "swapaxes", "tile", "transpose", "zeros_like",
]  # fmt: skip

_CODES = {
    0: codes.KEEP,
    -1: codes.INFER,
    -2: codes.REST,
    -3: codes.MERGE,
    -4: codes.SPLIT,
}


def _reshaped(data: Any, value: Plain, name: str, out: Any, inplace: bool) -> Any:
    """Finish a function that gives the same elements another shape, that of `value`."""
    shape = raw(data).shape
    if inplace and not np.may_share_memory(value, raw(data)):
        msg = (
            f"expected an array whose elements follow each other in memory for {name} with inplace=True, found "
            f"one of shape {shape} and strides {raw(data).strides}; copy() it, or leave inplace out"
        )
        raise ArgumentError(msg)
    return finish(
        value, (data,), lambda g, _: (g.reshape(shape),), name, out,
        lambda np, x: np.reshape(x, value.shape), LinearNode,
    )  # fmt: skip


def reshape(
    data: Any,
    shape: Any,
    reverse: bool = False,
    out: Any = None,
    name: str | None = None,
    inplace: bool = False,
) -> Any:
    """Return the same elements in another shape; a view where memory allows.

    Parameters
    ----------
    data : NDArray
        The array.
    shape : tuple of int
        0 keeps an axis, -1 is inferred, -2 keeps all axes that remain, -3 merges two, -4 splits one into
        the two numbers that follow.
    reverse : bool, default False
        Read both shapes from their ends.

    With `inplace`, the result shares the array's memory or is refused; else it shares it where it can.

    Raises
    ------
    ShapeError
        When the numbers of elements differ.
    """
    x = raw(data)
    target = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    new = codes.coded_shape(x.shape, target, _CODES, reverse)
    return _reshaped(data, x.reshape(new), "reshape", out, inplace)


def reshape_like(
    lhs: Any,
    rhs: Any,
    lhs_begin: int | None = None,
    lhs_end: int | None = None,
    rhs_begin: int | None = None,
    rhs_end: int | None = None,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Return the elements of `lhs` in the shape of `rhs`.

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
    return _reshaped(lhs, x.reshape(new), "reshape_like", out, False)


def flatten(data: Any, out: Any = None, name: str | None = None, inplace: bool = False) -> Any:
    """Merge all axes but the first: ``(batch, a, b)`` becomes ``(batch, a b)``; `inplace` as for `reshape`."""
    x = raw(data)
    columns = int(np.prod(x.shape[1:])) if x.ndim > 1 else 1
    new = (x.shape[0] if x.ndim else 1, columns)
    return _reshaped(data, x.reshape(new), "flatten", out, inplace)


def expand_dims(
    data: Any, axis: int, out: Any = None, name: str | None = None, inplace: bool = False
) -> Any:
    """Insert an axis of length 1 before `axis`; of negative numbers, -1 makes it the last axis.

    With `inplace`, the result shares the array's memory or is refused; else it shares it where it can.

    Raises
    ------
    ArgumentError
        When there is no such place.
    """
    x = raw(data)
    value = np.expand_dims(x, result_axis(axis, x.ndim, "expand_dims", extra=1))
    return _reshaped(data, value, "expand_dims", out, inplace)


def squeeze(
    data: Any, axis: Any = None, out: Any = None, name: str | None = None, inplace: bool = False
) -> Any:
    """Drop axes of length 1: all of them, or the ones named.

    With `inplace`, the result shares the array's memory or is refused; else it shares it where it can.

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
    return _reshaped(data, value, "squeeze", out, inplace)


def transpose(data: Any, axes: Any = None, out: Any = None, name: str | None = None) -> Any:
    """Put the axes in another order: reversed, or as `axes` says.

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
        lambda np, x: np.transpose(x, order), LinearNode,
    )  # fmt: skip


def swapaxes(
    data: Any, dim1: int = 0, dim2: int = 0, out: Any = None, name: str | None = None
) -> Any:
    """Swap two axes.

    Raises
    ------
    ArgumentError
        When there is no such axis.
    """
    x = raw(data)
    a, b = result_axis(dim1, x.ndim, "swapaxes"), result_axis(dim2, x.ndim, "swapaxes")
    return finish(
        x.swapaxes(a, b), (data,), lambda g, _: (g.swapaxes(a, b),), "swapaxes", out,
        lambda np, x: np.swapaxes(x, a, b), LinearNode,
    )  # fmt: skip


def moveaxis(
    tensor: Any, source: Any, destination: Any, out: Any = None, name: str | None = None
) -> Any:
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
        When there is no such axis, one is named twice, or the two have different lengths.
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
        value, (tensor,), lambda g, _: (np.moveaxis(g, destination, source),), "moveaxis", out,
        lambda np, x: np.moveaxis(x, source, destination), LinearNode,
    )  # fmt: skip


def flip(data: Any, axis: Any, out: Any = None, name: str | None = None) -> Any:
    """Reverse the order of elements along axes.

    Raises
    ------
    ArgumentError
        When there is no such axis.
    """
    x = raw(data)
    axes = normalise_axes(axis, x.ndim, "flip")
    key = tuple(builtins.slice(None, None, -1 if i in axes else 1) for i in range(x.ndim))
    return finish(
        x[key].copy(), (data,), lambda g, _: (np.flip(g, axes),), "flip", out,
        lambda _, x: x[key], LinearNode,
    )  # fmt: skip


def tile(data: Any, reps: Any, out: Any = None, name: str | None = None) -> Any:
    """Repeat the whole array along each axis.

    Parameters
    ----------
    data : NDArray
        The array; where `reps` has more numbers than it has axes, it gets leading axes of length 1.
    reps : int or tuple of int
        How many times along each axis; fewer numbers than axes are for the last axes.
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
        LinearNode,
    )  # fmt: skip


def _count(value: Any, name: str) -> int:
    """Return `value` as a number of repeats."""
    try:
        count = operator.index(value)
    except TypeError:
        count = int(value) if isinstance(value, float) and value.is_integer() else -1
    if count < 0:
        msg = f"expected integers of 0 or more for {name}, found {value!r}; they say how many times"
        raise ArgumentError(msg)
    return count


def repeat(
    data: Any, repeats: int, axis: int | None = None, out: Any = None, name: str | None = None
) -> Any:
    """Repeat each element `repeats` times along an axis, or of the flattened array.

    Raises
    ------
    ArgumentError
        When `repeats` is negative, or there is no such axis.
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
        lambda np, x: np.repeat(np.reshape(x, flat.shape), repeats, axis=along), LinearNode,
    )  # fmt: skip


def broadcast_to(data: Any, shape: Any, out: Any = None, name: str | None = None) -> Any:
    """Repeat axes of length 1 to the lengths in `shape`; 0 keeps a length.

    Raises
    ------
    ShapeError
        When an axis has neither length 1 nor the new length.
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
        value, (data,), lambda g, _: (fit(g, x),), "broadcast_to", out,
        lambda np, x: x * ones, LinearNode,
    )  # fmt: skip


def broadcast_like(
    lhs: Any,
    rhs: Any,
    lhs_axes: Any = None,
    rhs_axes: Any = None,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Repeat `lhs` to the shape of `rhs`; errors as for `broadcast_to`.

    Parameters
    ----------
    lhs, rhs : NDArray
        The array, and one of the wanted shape.
    lhs_axes, rhs_axes : int or tuple of int, optional
        Only these axes of `lhs` get the lengths of those of `rhs`.

    Raises
    ------
    ArgumentError
        When there are not as many of both, or there is no such axis.
    """
    shape = raw(rhs).shape
    if lhs_axes is not None or rhs_axes is not None:
        own, theirs = (
            (axes,) if isinstance(axes, int | np.integer) else tuple(axes or ())
            for axes in (lhs_axes, rhs_axes)
        )
        if len(own) != len(theirs) or not own:
            msg = (
                f"expected as many lhs_axes as rhs_axes for broadcast_like, found {lhs_axes} and {rhs_axes}; "
                "give one for each, or neither"
            )
            raise ArgumentError(msg)
        wanted = list(raw(lhs).shape)
        for mine, other in zip(own, theirs, strict=True):
            along = result_axis(mine, len(wanted), "broadcast_like")
            wanted[along] = shape[result_axis(other, len(shape), "broadcast_like")]
        shape = tuple(wanted)
    return broadcast_to(lhs, shape, out=out)


def broadcast_axis(
    data: Any, axis: Any = (), size: Any = (), out: Any = None, name: str | None = None
) -> Any:
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
        When an axis has neither length 1 nor the new length.
    ArgumentError
        When there is no such axis, or `axis` and `size` have different lengths.
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


def zeros_like(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return zeros of the same shape and dtype."""
    return finish(np.zeros_like(raw(data)), (data,), None, "zeros_like", out)


def ones_like(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return ones of the same shape and dtype."""
    return finish(np.ones_like(raw(data)), (data,), None, "ones_like", out)


def shape_array(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the shape, as an int64 array."""
    return finish(np.array(raw(data).shape, np.int64), (data,), None, "shape_array", out)


def size_array(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the number of elements, as an int64 array."""
    return finish(np.array([raw(data).size], np.int64), (data,), None, "size_array", out)


def view_as(data: Any, value: Plain, backward: Any, name: str, formula: Any) -> Any:
    """Return `value`, which shares memory with `data`, as a recorded array of the class of `data`."""
    result = wrap(value, type(data)) if is_array(data) else wrap(value, class_of(()))
    if _tape.state.recording:
        attach_result(result, value.shape, (data,), backward, name, formula, LinearNode)
    return result


def finish_as(data: Any, cls: type) -> Any:
    """Return `data` as an array of class `cls`: same memory, recorded as a step that changes nothing."""
    x = raw(data)
    result = wrap(x, cls)
    shape, result_shape = data.shape, result.shape
    attach_result(
        result, result.shape, (data,), lambda g, _: (g.reshape(shape),), "as_class",
        lambda np, x: np.reshape(x, result_shape), LinearNode,
    )  # fmt: skip
    return result
