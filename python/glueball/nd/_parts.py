"""Functions that join arrays, and take parts of them; diagonals and padding."""

from __future__ import annotations

import builtins
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._tape import LinearNode, attach_many
from glueball.base import ArgumentError, ShapeError
from glueball.nd._record import (
    check_same_dtype,
    class_of,
    finish,
    into,
    normalise_axes,
    raw,
    result_axis,
    wrap,
)
from glueball.nd._shape import squeeze

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.nd._record import Plain


__all__ = [
    "concat", "concatenate", "diag", "pad", "slice", "slice_axis", "slice_like", "split",
    "split_v2", "stack",
]  # fmt: skip


def _arrays(data: Sequence[Any], name: str) -> tuple[Any, ...]:
    arrays = tuple(data[0]) if len(data) == 1 and isinstance(data[0], tuple | list) else tuple(data)
    if not arrays:
        msg = f"expected at least one array for '{name}', found none; pass the arrays one by one"
        raise ArgumentError(msg)
    first = raw(arrays[0])
    for other in arrays[1:]:
        check_same_dtype(first, raw(other), name)
    return arrays


def concat(*data: Any, dim: int = 1, out: Any = None, name: str | None = None) -> Any:
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
        lambda np, *parts: np.concatenate(parts, axis=axis), LinearNode,
    )  # fmt: skip


def concatenate(
    arrays: Any, axis: int = 0, always_copy: bool = True, out: Any = None, name: str | None = None
) -> Any:
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
        return into(out, arrays[0], "concatenate")
    return concat(*arrays, dim=axis, out=out)


def stack(*data: Any, axis: int = 0, out: Any = None, name: str | None = None) -> Any:
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
        lambda np, *parts: np.stack(parts, axis=along), LinearNode,
    )  # fmt: skip


def split(
    data: Any,
    num_outputs: int,
    axis: int = 1,
    squeeze_axis: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
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
    attach_many(outputs, (data,), backward, "split", again, LinearNode)
    return into(out, outputs[0] if num_outputs == 1 else outputs, "split")


def split_v2(
    data: Any,
    indices_or_sections: Any,
    axis: int = 0,
    squeeze_axis: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
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
    if isinstance(indices_or_sections, int | np.integer):
        return split(data, int(indices_or_sections), along, squeeze_axis, out)
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
    return into(out, pieces[0] if len(pieces) == 1 else pieces, "split_v2")


def _piece(data: Any, axis: int, begin: int, length: int, squeeze_axis: bool) -> Any:
    """Return one part of `split`, by itself."""
    piece = slice_axis(data, axis, begin, begin + length)
    return squeeze(piece, axis) if squeeze_axis else piece


def _basic_slice(data: Any, key: tuple[Any, ...], name: str, out: Any = None) -> Any:
    """Return a copy of the elements that slices and numbers select, recorded."""
    x = raw(data)

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        grad = np.zeros_like(x)
        grad[key] = g
        return (grad,)

    return finish(x[key].copy(), (data,), backward, name, out, lambda _, x: x[key], LinearNode)


def slice_axis(
    data: Any, axis: int, begin: int, end: int | None, out: Any = None, name: str | None = None
) -> Any:
    """Return the elements from `begin` up to `end` along one axis; negative numbers count from the end.

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
    return _basic_slice(data, key, "slice_axis", out)


def slice(
    data: Any, begin: Any, end: Any, step: Any = (), out: Any = None, name: str | None = None
) -> Any:
    """Return a box of elements: from `begin` up to `end` along the leading axes, None for all.

    Parameters
    ----------
    data : NDArray
        The array.
    begin, end : int or tuple of int or None
        First element along each of the leading axes, and one past the last.
    step : int or tuple of int or None, optional
        The distance between elements; 1 by default.
    out : NDArray, optional
        Filled and returned.

    Raises
    ------
    ArgumentError
        When begin, end and step have different lengths, or more elements than there are axes.
    """
    begins, ends, steps = (v if isinstance(v, tuple | list) else (v,) for v in (begin, end, step))
    if len(begins) != len(ends) or (len(steps) and len(steps) != len(begins)):
        msg = f"expected begin, end and step of one length, found {begin}, {end} and {step}; use None for all"
        raise ArgumentError(msg)
    if len(begins) > raw(data).ndim:
        msg = f"expected begin for the axes of {raw(data).shape} at most for slice, found {begin}; leave some out"
        raise ArgumentError(msg)
    steps = steps if len(steps) else (None,) * len(begins)
    key = tuple(builtins.slice(*triple) for triple in zip(begins, ends, steps, strict=True))
    return _basic_slice(data, key, "slice", out)


def slice_like(
    data: Any, shape_like: Any, axes: Any = (), out: Any = None, name: str | None = None
) -> Any:
    """Return the leading elements along `axes` (all by default), as many as `shape_like` has.

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
    return _basic_slice(data, key, "slice_like", out)


def diag(data: Any, k: int = 0, out: Any = None, name: str | None = None) -> Any:
    """Return the k-th diagonal of a matrix, or the matrix with a vector as its k-th diagonal.

    Parameters
    ----------
    data : NDArray
        A matrix or a vector.
    k : int, default 0
        Which diagonal: above the main one, below if negative.
    out : NDArray, optional
        Filled and returned.

    Raises
    ------
    ShapeError
        When `data` has another number of axes.
    """
    x = raw(data)
    if x.ndim not in (1, 2):
        msg = f"expected a vector or a matrix for diag, found shape {x.shape}; take one matrix at a time"
        raise ShapeError(msg)
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

    return finish(value.copy(), (data,), backward, "diag", out, formula, LinearNode)


def pad(
    data: Any,
    mode: str = "constant",
    pad_width: Any = (),
    constant_value: float = 0,
    out: Any = None,
    name: str | None = None,
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
        For another mode, too few numbers or negative ones, or nothing to repeat along an axis.
    """
    x = raw(data)
    if (
        mode not in ("constant", "edge", "reflect")
        or len(pad_width) != 2 * x.ndim
        or any(width < 0 for width in pad_width)
    ):
        msg = (
            f"expected mode 'constant', 'edge' or 'reflect' and {2 * x.ndim} numbers of 0 or more in pad_width, "
            f"found mode={mode!r} and pad_width={tuple(pad_width)}; give two numbers for each axis"
        )
        raise ArgumentError(msg)
    widths = [(pad_width[2 * i], pad_width[2 * i + 1]) for i in range(x.ndim)]
    if mode != "constant":
        if any(n == 0 and widths[axis] != (0, 0) for axis, n in enumerate(x.shape)):
            msg = (
                f"expected elements to repeat along each padded axis for pad with mode={mode!r}, found shape "
                f"{x.shape}; use mode='constant'"
            )
            raise ArgumentError(msg)
        # The element that is copied to each place.
        sources = np.pad(np.arange(x.size).reshape(x.shape), widths, mode=mode)  # type: ignore[call-overload]

        def gather(g: Plain, _: Any) -> tuple[Plain]:
            grad = np.bincount(sources.ravel(), g.ravel(), minlength=x.size)
            return (grad.astype(x.dtype).reshape(x.shape),)

        return finish(
            x.reshape(-1)[sources], (data,), gather, "pad", out,
            lambda np, x: np.reshape(x, -1)[sources], LinearNode,
        )  # fmt: skip
    inner = tuple(builtins.slice(a, a + n) for (a, _), n in zip(widths, x.shape, strict=True))
    value = np.pad(x, widths, constant_values=constant_value)
    return finish(
        value, (data,), lambda g, _: (g[inner],), "pad", out,
        lambda np, x: np.pad(x, widths, mode="constant", constant_values=constant_value), LinearNode,
    )  # fmt: skip
