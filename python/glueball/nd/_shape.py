"""Functions that move elements: new shapes, joined and split arrays."""

from __future__ import annotations

import builtins
import itertools
import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from glueball import _tape
from glueball.base import ArgumentError, ShapeError
from glueball.nd._record import (
    attach_result,
    check_same_dtype,
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
    from collections.abc import Sequence

    import numpy.typing as npt

    Plain: TypeAlias = npt.NDArray[Any]

__all__ = [
    "broadcast_axis",
    "broadcast_like",
    "broadcast_to",
    "concat",
    "concatenate",
    "diag",
    "expand_dims",
    "flatten",
    "flip",
    "moveaxis",
    "ones_like",
    "pad",
    "repeat",
    "reshape",
    "reshape_like",
    "shape_array",
    "size_array",
    "slice",
    "slice_axis",
    "slice_like",
    "split",
    "split_v2",
    "squeeze",
    "stack",
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
    """Insert an axis of length 1 before `axis`."""
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
    """The axes in another order: reversed, or as `axes` says."""
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
    """Exchange two axes."""
    x = raw(data)
    a, b = result_axis(dim1, x.ndim, "swapaxes"), result_axis(dim2, x.ndim, "swapaxes")
    return finish(
        x.swapaxes(a, b), (data,), lambda g, _: (g.swapaxes(a, b),), "swapaxes", out,
        lambda np, x: np.swapaxes(x, a, b),
    )  # fmt: skip


def moveaxis(tensor: Any, source: Any, destination: Any) -> Any:
    """Move axes to new places; the others keep their order."""
    value = np.moveaxis(raw(tensor), source, destination)
    return finish(
        value, (tensor,), lambda g, _: (np.moveaxis(g, destination, source),), "moveaxis", None,
        lambda np, x: np.moveaxis(x, source, destination),
    )  # fmt: skip


def flip(data: Any, axis: Any, out: Any = None) -> Any:
    """Reverse the order of elements along axes."""
    x = raw(data)
    axes = normalise_axes(axis, x.ndim, "flip")
    key = tuple(builtins.slice(None, None, -1 if i in axes else 1) for i in range(x.ndim))
    return finish(
        x[key].copy(), (data,), lambda g, _: (np.flip(g, axes),), "flip", out, lambda _, x: x[key]
    )


def tile(data: Any, reps: Any, out: Any = None) -> Any:
    """Repeat the whole array along each axis."""
    x = raw(data)
    counts = (reps,) if isinstance(reps, int) else tuple(reps)
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


def repeat(data: Any, repeats: int, axis: int | None = None, out: Any = None) -> Any:
    """Repeat each element `repeats` times along an axis, or of the flattened array."""
    x = raw(data)
    flat = x.reshape(-1) if axis is None else x
    along = 0 if axis is None else result_axis(axis, x.ndim, "repeat")

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        shape = (*flat.shape[: along + 1], int(repeats), *flat.shape[along + 1 :])
        return (g.reshape(shape).sum(axis=along + 1).reshape(x.shape),)

    return finish(
        np.repeat(flat, int(repeats), axis=along), (data,), backward, "repeat", out,
        lambda np, x: np.repeat(np.reshape(x, flat.shape), int(repeats), axis=along),
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
    """`lhs` repeated to the shape of `rhs`."""
    return broadcast_to(lhs, raw(rhs).shape, out=out)


def broadcast_axis(data: Any, axis: Any = (), size: Any = (), out: Any = None) -> Any:
    """Repeat axes of length 1 `size` times."""
    x = raw(data)
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    sizes = size if isinstance(size, tuple | list) else (size,)
    shape = list(x.shape)
    for a, n in zip(axes, sizes, strict=True):
        shape[result_axis(a, x.ndim, "broadcast_axis")] = int(n)
    return broadcast_to(data, tuple(shape), out=out)


def _arrays(data: Sequence[Any], name: str) -> tuple[Any, ...]:
    arrays = tuple(data[0]) if len(data) == 1 and isinstance(data[0], tuple | list) else tuple(data)
    if not arrays:
        msg = f"expected at least one array for '{name}', found none; pass the arrays one by one"
        raise ArgumentError(msg)
    first = raw(arrays[0])
    for other in arrays[1:]:
        check_same_dtype(first, raw(other), name)
    return arrays


def concat(*data: Any, dim: int = 1, out: Any = None) -> Any:
    """Join arrays along an axis that they have.

    Parameters
    ----------
    *data : NDArray
        Equal in shape but for axis `dim`; one list of them will do.
    dim : int, default 1
        The axis.

    Raises
    ------
    ShapeError
        When the shapes do not fit together.
    """
    arrays = _arrays(data, "concat")
    values = [raw(a) for a in arrays]
    axis = result_axis(dim, values[0].ndim, "concat")
    try:
        value = np.concatenate(values, axis=axis)
    except ValueError as error:
        msg = (
            f"expected arrays that are equal in shape but for axis {dim}, found "
            f"{', '.join(str(v.shape) for v in values)}; reshape them first"
        )
        raise ShapeError(msg) from error
    ends = np.cumsum([v.shape[axis] for v in values])[:-1]
    return finish(
        value, arrays, lambda g, _: np.split(g, ends, axis=axis), "concat", out,
        lambda np, *parts: np.concatenate(parts, axis=axis),
    )  # fmt: skip


def concatenate(arrays: Any, axis: int = 0, always_copy: bool = True) -> Any:
    """Join a list of arrays along an axis that they have, the first by default; else as `concat`.

    Parameters
    ----------
    arrays : list of NDArray
        Equal in shape but for the axis.
    axis : int, default 0
        The axis.
    always_copy : bool, default True
        Whether a list of one gives a copy of that one, or itself.
    """
    if len(arrays) == 1 and not always_copy:
        return arrays[0]
    return concat(*arrays, dim=axis)


def stack(*data: Any, axis: int = 0, out: Any = None) -> Any:
    """Join arrays of one shape along a new axis.

    Raises
    ------
    ShapeError
        When the shapes differ.
    """
    arrays = _arrays(data, "stack")
    values = [raw(a) for a in arrays]
    if len({v.shape for v in values}) != 1:
        msg = (
            f"expected arrays of one shape for stack, found {', '.join(str(v.shape) for v in values)}; "
            f"use concat for arrays that differ along an axis"
        )
        raise ShapeError(msg)
    along = result_axis(axis, values[0].ndim, "stack", extra=1)
    value = np.stack(values, axis=along)
    return finish(
        value, arrays, lambda g, _: tuple(np.moveaxis(g, along, 0)), "stack", out,
        lambda np, *parts: np.stack(parts, axis=along),
    )  # fmt: skip


def split(data: Any, num_outputs: int, axis: int = 1, squeeze_axis: bool = False) -> Any:
    """Cut an axis into equal parts: a list of arrays, or one array if there is one part.

    Parameters
    ----------
    data : NDArray
        The array.
    num_outputs : int
        How many parts.
    axis : int, default 1
        The axis to cut.
    squeeze_axis : bool, default False
        Drop the axis, which must then have length 1 in each part.

    Raises
    ------
    ShapeError
        When the axis cannot be cut into equal parts.
    """
    x = raw(data)
    along = result_axis(axis, x.ndim, "split")
    if (
        num_outputs < 1
        or x.shape[along] % num_outputs
        or (squeeze_axis and x.shape[along] != num_outputs)
    ):
        msg = (
            f"expected an axis that splits into {num_outputs} equal parts"
            f"{' of length 1' if squeeze_axis else ''}, found axis {axis} of shape {x.shape}; "
            f"use slice_axis for unequal parts"
        )
        raise ShapeError(msg)
    pieces = [piece.copy() for piece in np.split(x, num_outputs, axis=along)]
    if squeeze_axis:
        pieces = [piece.squeeze(along) for piece in pieces]
    cls = class_of((data,))
    outputs = [wrap(piece, cls) for piece in pieces]

    def backward(grads: list[Plain | None], _: Any) -> tuple[Plain]:
        parts = [
            np.zeros(piece.shape, x.dtype) if g is None else g.reshape(piece.shape)
            for g, piece in zip(grads, pieces, strict=True)
        ]
        return (np.stack(parts, axis=along) if squeeze_axis else np.concatenate(parts, axis=along),)

    length = x.shape[along] // num_outputs
    again = [
        (False, _piece, data, along, i * length, length, squeeze_axis) for i in range(num_outputs)
    ]
    _tape.attach_many(outputs, (data,), backward, "split", again)
    return outputs[0] if num_outputs == 1 else outputs


def split_v2(data: Any, indices_or_sections: Any, axis: int = 0, squeeze_axis: bool = False) -> Any:
    """Cut an axis into parts, equal or not: a list of arrays, or one array if there is one part.

    Parameters
    ----------
    data : NDArray
        The array.
    indices_or_sections : int or tuple of int
        How many equal parts; or the places to cut at, ascending.
    axis : int, default 0
        The axis to cut.
    squeeze_axis : bool, default False
        Drop the axis, which must then have length 1 in each part.

    Raises
    ------
    ShapeError
        When the axis cannot be cut so.
    """
    x = raw(data)
    along = result_axis(axis, x.ndim, "split_v2")
    if isinstance(indices_or_sections, int):
        return split(data, indices_or_sections, along, squeeze_axis)
    ends = [0, *(int(cut) for cut in indices_or_sections), x.shape[along]]
    lengths = [end - begin for begin, end in itertools.pairwise(ends)]
    if builtins.min(lengths) < 0 or (squeeze_axis and any(length != 1 for length in lengths)):
        msg = (
            f"expected ascending places within axis {axis} of {x.shape} to cut at"
            f"{', one after the other' if squeeze_axis else ''}, found {tuple(indices_or_sections)}; "
            "sort them"
        )
        raise ShapeError(msg)
    pieces = [
        _piece(data, along, begin, length, squeeze_axis)
        for begin, length in zip(ends, lengths, strict=False)
    ]
    return pieces[0] if len(pieces) == 1 else pieces


def _piece(data: Any, axis: int, begin: int, length: int, squeeze_axis: bool) -> Any:
    """One part of `split`, by itself."""
    piece = slice_axis(data, axis, begin, begin + length)
    return squeeze(piece, axis) if squeeze_axis else piece


def basic_slice(data: Any, key: tuple[Any, ...], name: str, out: Any = None) -> Any:
    """Elements selected by slices and numbers, recorded; a copy."""
    x = raw(data)

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        grad = np.zeros_like(x)
        grad[key] = g
        return (grad,)

    return finish(x[key].copy(), (data,), backward, name, out, lambda _, x: x[key])


def slice_axis(data: Any, axis: int, begin: int, end: int | None, out: Any = None) -> Any:
    """Elements `begin` up to `end` along one axis; negative numbers count from the end.

    Raises
    ------
    ArgumentError
        When they lie beyond the axis.
    """
    x = raw(data)
    along = result_axis(axis, x.ndim, "slice_axis")
    length = x.shape[along]
    if not -length <= begin <= length or (end is not None and not -length <= end <= length):
        msg = (
            f"expected begin and end within axis {axis} of shape {x.shape} for slice_axis, found begin={begin} "
            f"and end={end}; None is the end of the axis"
        )
        raise ArgumentError(msg)
    key = (builtins.slice(None),) * along + (builtins.slice(begin, end),)
    return basic_slice(data, key, "slice_axis", out)


def slice(data: Any, begin: Any, end: Any, step: Any = (), out: Any = None) -> Any:
    """A box of elements: from `begin` up to `end` along the leading axes, None for all."""
    begins, ends, steps = (v if isinstance(v, tuple | list) else (v,) for v in (begin, end, step))
    if len(begins) != len(ends) or (len(steps) and len(steps) != len(begins)):
        msg = f"expected begin, end and step of one length, found {begin}, {end} and {step}; use None for all"
        raise ArgumentError(msg)
    steps = steps if len(steps) else (None,) * len(begins)
    key = tuple(builtins.slice(*triple) for triple in zip(begins, ends, steps, strict=True))
    return basic_slice(data, key, "slice", out)


def slice_like(data: Any, shape_like: Any, axes: Any = (), out: Any = None) -> Any:
    """The leading elements along `axes` (all by default), as many as `shape_like` has.

    Raises
    ------
    ShapeError
        When `shape_like` is longer along one of them.
    """
    x, like = raw(data), raw(shape_like)
    chosen = normalise_axes(axes, x.ndim, "slice_like")
    if any(i >= like.ndim or like.shape[i] > x.shape[i] for i in chosen):
        msg = (
            f"expected a shape within {x.shape} along axes {chosen} for slice_like, found {like.shape}; name the "
            "axes that are to be cut"
        )
        raise ShapeError(msg)
    key = tuple(
        builtins.slice(0, like.shape[i]) if i in chosen else builtins.slice(None)
        for i in range(x.ndim)
    )
    return basic_slice(data, key, "slice_like", out)


def diag(data: Any, k: int = 0, out: Any = None) -> Any:
    """The k-th diagonal of a matrix, or the matrix with a vector as its k-th diagonal."""
    x = raw(data)
    value = np.diag(x, k)

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        if x.ndim == 1:
            return (np.diag(g, k),)
        grad = np.zeros_like(x)
        index = np.arange(len(g))
        grad[index + builtins.max(-k, 0), index + builtins.max(k, 0)] = g
        return (grad,)

    def formula(np: Any, x: Any) -> Any:
        if x.ndim == 1:
            return np.diag(x, k)
        index = np.arange(len(value))
        return x[index + builtins.max(-k, 0), index + builtins.max(k, 0)]

    return finish(value.copy(), (data,), backward, "diag", out, formula)


def pad(
    data: Any,
    mode: str = "constant",
    pad_width: Any = (),
    constant_value: float = 0,
    out: Any = None,
) -> Any:
    """Add elements around the array.

    Parameters
    ----------
    data : NDArray
        The array.
    mode : {'constant', 'edge', 'reflect'}
        What is added: `constant_value`, the nearest element, or the elements in reverse order.
    pad_width : tuple of int
        Two numbers for each axis: how many before, how many after.
    constant_value : float, default 0
        The value.

    Raises
    ------
    ArgumentError
        For another mode, or too few numbers.
    """
    x = raw(data)
    if mode not in ("constant", "edge", "reflect") or len(pad_width) != 2 * x.ndim:
        msg = (
            f"expected mode 'constant', 'edge' or 'reflect' and {2 * x.ndim} numbers in pad_width, found "
            f"mode={mode!r} and pad_width={tuple(pad_width)}; give two numbers for each axis"
        )
        raise ArgumentError(msg)
    widths = [(pad_width[2 * i], pad_width[2 * i + 1]) for i in range(x.ndim)]
    if mode != "constant":
        # Which element stands at each place.
        sources = np.pad(np.arange(x.size).reshape(x.shape), widths, mode=mode)  # type: ignore[call-overload]

        def gather(g: Plain, _: Any) -> tuple[Plain]:
            grad = np.bincount(sources.ravel(), g.ravel(), minlength=x.size)
            return (grad.astype(x.dtype).reshape(x.shape),)

        return finish(
            x.reshape(-1)[sources], (data,), gather, "pad", out,
            lambda np, x: np.reshape(x, -1)[sources],
        )  # fmt: skip
    inner = tuple(builtins.slice(a, a + n) for (a, _), n in zip(widths, x.shape, strict=True))
    value = np.pad(x, widths, constant_values=constant_value)
    return finish(
        value, (data,), lambda g, _: (g[inner],), "pad", out,
        lambda np, x: np.pad(x, widths, mode="constant", constant_values=constant_value),
    )  # fmt: skip


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
