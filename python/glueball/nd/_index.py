"""Functions that select elements by their indices: take, pick, gather and their inverses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._tape import LinearNode
from glueball.base import ArgumentError, GlueballIndexError, ShapeError
from glueball.nd._keys import finish_selected, integers, limited, truncated
from glueball.nd._record import finish, raw, result_axis

if TYPE_CHECKING:
    from glueball.nd._record import Plain

__all__ = [
    "Embedding", "batch_take", "boolean_mask", "fill_element_0index", "gather_nd", "one_hot", "onehot_encode",
    "pick", "ravel_multi_index", "scatter_nd", "take", "unravel_index",
]  # fmt: skip


def take(
    a: Any,
    indices: Any,
    axis: int = 0,
    mode: str = "clip",
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Return the elements along an axis at given indices.

    Parameters
    ----------
    a : NDArray
        The array.
    indices : NDArray
        Integers of any shape, which takes the place of the axis.
    axis : int, default 0
        The axis.
    mode : {'clip', 'wrap', 'raise'}
        What an index outside the axis becomes: the nearest, the remainder, or an IndexError.
    """
    x = raw(a)
    along = result_axis(axis, x.ndim, "take")
    where = limited(truncated(raw(indices), "indices"), x.shape[along], mode, "take")
    key = (slice(None),) * along + (where,)
    return finish_selected((a, indices), key, "take", out)


def batch_take(a: Any, indices: Any, out: Any = None, name: str | None = None) -> Any:
    """Return one element of each row of a matrix: `pick` along axis 1.

    Parameters
    ----------
    a : NDArray
        Shape (batch, columns).
    indices : NDArray
        Integers, shape (batch,); those outside a row stand for its first or last element.
    out : NDArray, optional
        Filled and returned.

    Raises
    ------
    ShapeError
        When there are not as many indices as rows.
    """
    return pick(a, indices, axis=1, out=out)


def pick(
    data: Any,
    index: Any,
    axis: int | None = -1,
    keepdims: bool = False,
    mode: str = "clip",
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Return one element along an axis for each position of the others.

    Parameters
    ----------
    data : NDArray
        The array.
    index : NDArray
        Integers, of the shape of `data` without the axis, or with length 1 there.
    axis : int or None, default -1
        The axis; None picks from the flattened array.
    keepdims : bool, default False
        Keep the axis with length 1.
    mode : {'clip', 'wrap', 'raise'}
        What an index outside the axis does.

    Raises
    ------
    ShapeError
        When the shape of `index` does not fit.
    """
    x = raw(data)
    flat = x.reshape(-1) if axis is None else x
    along = 0 if axis is None else result_axis(axis, x.ndim, "pick")
    where = truncated(raw(index), "index")
    kept = (*flat.shape[:along], 1, *flat.shape[along + 1 :])
    if where.size != np.prod(kept):
        msg = (
            f"expected an index of shape {flat.shape[:along] + flat.shape[along + 1 :]} for pick, found "
            f"{where.shape}; it names one element along axis {axis} of {x.shape}"
        )
        raise ShapeError(msg)
    where = limited(where.reshape(kept), flat.shape[along], mode, "pick")
    value = np.take_along_axis(flat, where, along)

    def backward(g: Plain, _: Any) -> tuple[Plain, None]:
        grad = np.zeros_like(flat)
        np.put_along_axis(grad, where, g.reshape(kept), along)
        return grad.reshape(x.shape), None

    picked = value if keepdims else value.squeeze(along)
    # A grid of indices for the other axes, and the picked ones on theirs.
    key = list(np.ix_(*[np.arange(n) for n in flat.shape]))
    key[along] = where
    return finish(
        picked, (data, index), backward, "pick", out,
        lambda np, x, _: np.reshape(np.reshape(x, flat.shape)[tuple(key)], picked.shape), LinearNode,
    )  # fmt: skip


def one_hot(
    indices: Any,
    depth: int,
    on_value: float = 1.0,
    off_value: float = 0.0,
    dtype: Any = "float32",
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Make a new last axis of length `depth` that holds `on_value` at the index, `off_value` elsewhere.

    Parameters
    ----------
    indices : NDArray
        Integers, or numbers whose fractions are cut off; one outside the axis gives a row of `off_value`.
    depth : int
        Length of the new axis.
    on_value, off_value : float, default 1 and 0
        The two values.
    dtype : dtype, default 'float32'
        Of the result.
    out : NDArray, optional
        Filled and returned.

    Raises
    ------
    ArgumentError
        When `depth` is negative.
    DtypeError
        When an index is not a number.
    """
    if depth < 0:
        msg = (
            f"expected a depth of 0 or more for one_hot, found {depth}; it is the number of classes"
        )
        raise ArgumentError(msg)
    where = truncated(raw(indices), "indices")
    hit = where[..., None] == np.arange(depth)
    return finish(
        np.where(hit, on_value, off_value).astype(dtype), (indices,), None, "one_hot", out
    )


def onehot_encode(indices: Any, out: Any, name: str | None = None) -> Any:
    """Write `one_hot` of `indices`, of shape (batch,), into `out`, of shape (batch, depth)."""
    return one_hot(indices, out.shape[-1], dtype=out.dtype, out=out)


def fill_element_0index(
    lhs: Any, mhs: Any, rhs: Any, out: Any = None, name: str | None = None
) -> Any:
    """Return a copy of a matrix with one element of each row replaced.

    Parameters
    ----------
    lhs : NDArray
        Shape (batch, columns).
    mhs : NDArray
        The new elements, shape (batch,).
    rhs : NDArray
        Their columns, shape (batch,).

    Raises
    ------
    ShapeError
        When the shapes do not fit.
    IndexError
        When there is no such column.
    """
    x, new = raw(lhs), raw(mhs)
    columns = integers(raw(rhs), "rhs")
    if x.ndim != 2 or not new.shape == columns.shape == x.shape[:1]:
        msg = (
            f"expected lhs (batch, columns), mhs (batch,) and rhs (batch,) for fill_element_0index, found "
            f"{x.shape}, {new.shape} and {columns.shape}; give one element and its column for each row"
        )
        raise ShapeError(msg)
    key = (np.arange(len(x)), limited(columns, x.shape[1], "raise", "fill_element_0index"))
    value = x.copy()
    value[key] = new
    rows = np.broadcast_to(key[0][:, None], x.shape)
    hit = np.zeros(x.shape, bool)
    hit[key] = True
    return finish(
        value, (lhs, mhs, rhs), lambda g, _: (np.where(hit, 0, g), g[key], None), "fill_element_0index", out,
        lambda np, x, new, _: np.where(hit, new[rows], x), LinearNode,
    )  # fmt: skip


def _known_shape(shape: Any, name: str) -> tuple[int, ...]:
    """Return the lengths of a shape whose first may be -1, unknown: then the largest possible."""
    lengths = tuple(int(n) for n in shape)
    if not lengths or any(n <= 0 for n in lengths[1:]) or (lengths[0] <= 0 and lengths[0] != -1):
        msg = (
            f"expected a shape of positive lengths, of which the first may be -1, for '{name}', found {shape}; "
            "correct it"
        )
        raise ArgumentError(msg)
    rest = math.prod(lengths[1:])
    return (np.iinfo(np.int64).max // rest if lengths[0] == -1 else lengths[0], *lengths[1:])


def ravel_multi_index(data: Any, shape: Any, out: Any = None, name: str | None = None) -> Any:
    """Return places in the flattened array of coordinates in an array of `shape`.

    Parameters
    ----------
    data : NDArray
        Integers, shape (axes, ...): the coordinates along each axis.
    shape : tuple of int
        The first length may be -1, which allows any.

    Raises
    ------
    ShapeError
        When `data` does not have a row for each axis.
    IndexError
        When coordinates lie outside.
    """
    x = raw(data)
    lengths = _known_shape(shape, "ravel_multi_index")
    if x.ndim == 0 or len(x) != len(lengths):
        msg = (
            f"expected {len(lengths)} rows of coordinates for ravel_multi_index, found shape {x.shape}; give a "
            f"row for each axis of {tuple(shape)}"
        )
        raise ShapeError(msg)
    rows = integers(x, "data")
    for row, length in zip(rows, lengths, strict=True):
        if row.size and (row.min() < 0 or row.max() >= length):
            msg = (
                f"coordinates {row.min()} to {row.max()} are out of bounds for shape {tuple(shape)}: expected 0 "
                f"to {length - 1} on that axis; correct data or shape"
            )
            raise GlueballIndexError(msg)
    steps = np.cumprod((1, *lengths[:0:-1]))[::-1]
    value = np.tensordot(steps, rows, 1).astype(x.dtype)
    return finish(value, (data,), None, "ravel_multi_index", out)


def unravel_index(data: Any, shape: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the coordinates, of shape (axes, ...), of places in a flattened array of `shape`.

    Parameters
    ----------
    data : NDArray
        Integers.
    shape : tuple of int
        As for `ravel_multi_index`, whose inverse this is.

    Raises
    ------
    IndexError
        When a place lies outside.
    """
    x = raw(data)
    places = integers(x, "data")
    try:
        rows = np.unravel_index(places, _known_shape(shape, "unravel_index"))
    except ValueError as error:
        msg = f"{error}: expected places within {tuple(shape)} for unravel_index; correct data or shape"
        raise GlueballIndexError(msg) from error
    return finish(np.stack(rows).astype(x.dtype), (data,), None, "unravel_index", out)


def Embedding(
    data: Any,
    weight: Any,
    input_dim: int | None = None,
    output_dim: int | None = None,
    dtype: Any = None,
    sparse_grad: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Return the rows of `weight`, of shape (input_dim, output_dim), at the indices in `data`.

    Raises
    ------
    IndexError
        When an index is not a row.
    """
    del input_dim, output_dim, dtype, sparse_grad
    return take(weight, data, axis=0, mode="raise", out=out)


def gather_nd(data: Any, indices: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the elements at the coordinates in `indices`: its first axis runs over the leading axes of `data`.

    Parameters
    ----------
    data : NDArray
        Shape (a, b, ..., rest).
    indices : NDArray
        Integers, shape (number of leading axes, ...); negative ones count from the end.
    out : NDArray, optional
        Filled and returned.

    Returns
    -------
    NDArray
        Shape of `indices` without its first axis, then that of the rest.

    Raises
    ------
    IndexError
        When there is no element at a coordinate.
    DtypeError
        When a coordinate is not an integer.
    """
    x = raw(data)
    key = _coordinates(indices, x.shape, "gather_nd")
    return finish_selected((data, indices), key, "gather_nd", out)


def scatter_nd(
    data: Any, indices: Any, shape: tuple[int, ...], out: Any = None, name: str | None = None
) -> Any:
    """Make zeros of `shape` with `data` at the coordinates in `indices`, as for `gather_nd`.

    Raises
    ------
    IndexError, DtypeError
        As `gather_nd`.
    """
    x = raw(data)
    key = _coordinates(indices, tuple(shape), "scatter_nd")
    value = np.zeros(shape, x.dtype)
    value[key] = x

    def formula(np: Any, x: Any, _: Any) -> Any:
        return np.reshape(np.reshape(x, (writers.size, -1))[source] * written, shape)

    # The piece of `data` at each place: a formula can gather, but not write.
    kept = tuple(shape[: len(key)])
    places = np.ravel_multi_index(key, kept, mode="wrap").ravel()
    writers = np.arange(places.size)
    source = np.zeros(math.prod(kept), np.intp)
    source[places] = writers
    written = np.zeros((source.size, 1), x.dtype)
    written[places] = 1
    return finish(
        value, (data, indices), lambda g, _: (g[key], None), "scatter_nd", out, formula, LinearNode
    )


def _coordinates(indices: Any, shape: tuple[int, ...], name: str) -> tuple[Plain, ...]:
    """Return an index for each of the leading axes of an array of `shape`."""
    key = tuple(integers(raw(indices), "indices"))
    if len(key) > len(shape) or any(
        ((part < -length) | (part >= length)).any()
        for part, length in zip(key, shape, strict=False)
    ):
        found = [f"{part.min()} to {part.max()}" for part in key if part.size]
        msg = (
            f"expected coordinates within the leading axes of {shape} for {name}, found {', '.join(found)}; "
            "the first axis of indices runs over axes, not over points"
        )
        raise GlueballIndexError(msg)
    return key


def boolean_mask(
    data: Any, index: Any, axis: int = 0, out: Any = None, name: str | None = None
) -> Any:
    """Return the slices along an axis where `index` is not 0.

    Parameters
    ----------
    data : NDArray
        The array.
    index : NDArray
        A number for each slice, shape (length of the axis,).
    axis : int, default 0
        The axis.

    Raises
    ------
    ShapeError
        When `index` has another length than the axis.
    """
    x = raw(data)
    along = result_axis(axis, x.ndim, "boolean_mask")
    mask = raw(index)
    if mask.shape != x.shape[along : along + 1]:
        msg = (
            f"expected an index of shape {x.shape[along : along + 1]}, a number for each slice along axis {axis}, "
            f"for boolean_mask, found {mask.shape}; give one for each"
        )
        raise ShapeError(msg)
    key = (slice(None),) * along + (np.flatnonzero(mask),)
    return finish_selected((data, index), key, "boolean_mask", out)
