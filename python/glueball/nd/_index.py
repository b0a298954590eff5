"""Selecting elements: `a[key]`, take, pick and one-hot."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from glueball.base import ArgumentError, DtypeError, GlueballIndexError, ShapeError
from glueball.nd._record import finish, is_array, raw, result_axis

if TYPE_CHECKING:
    import numpy.typing as npt

    Plain: TypeAlias = npt.NDArray[Any]

__all__ = [
    "Embedding", "batch_take", "boolean_mask", "fill_element_0index", "gather_nd", "one_hot", "onehot_encode",
    "pick", "ravel_multi_index", "scatter_nd", "take", "unravel_index",
]  # fmt: skip


def plain_key(key: Any) -> Any:
    """An index that NumPy takes: arrays of whole floats become integers, and comparisons masks.

    Raises
    ------
    DtypeError
        When an index array holds fractions.
    """
    if isinstance(key, tuple):
        return tuple(plain_key(part) for part in key)
    if not is_array(key):
        return key
    array = np.asarray(key)
    if getattr(key, "_is_mask", False):
        return array != 0
    return integers(array, "an index")


def integers(array: Plain, what: str) -> Plain:
    """`array` as int64, or as it is when it holds bools.

    Raises
    ------
    DtypeError
        When it holds numbers that are not whole.
    """
    if array.dtype.kind in "biu":
        return array
    if not np.all(np.mod(array, 1) == 0):  # also for NaN and infinities
        msg = f"expected whole numbers in {what}, found {array.ravel()[:5]}; round them first"
        raise DtypeError(msg)
    return array.astype(np.int64)


def is_basic(key: Any) -> bool:
    """Whether NumPy answers `key` with a view: no arrays or lists in it."""
    parts = key if isinstance(key, tuple) else (key,)
    return not any(isinstance(part, np.ndarray | list | bool) for part in parts)


def scatter_gradient(shape: tuple[int, ...], dtype: Any, key: Any, grad: Plain) -> Plain:
    """Zeros with `grad` added at `key`: the derivative of ``x[key]``."""
    result = np.zeros(shape, dtype)
    if is_basic(key):
        result[key] = grad
    else:
        np.add.at(result, key, grad)  # an element that was taken twice gets both gradients
    return result


def _limited(indices: Plain, size: int, mode: str, name: str) -> Plain:
    if mode == "clip":
        return np.clip(indices, 0, size - 1)
    if mode == "wrap":
        return np.mod(indices, size)
    if mode == "raise":
        if indices.size and (indices.min() < -size or indices.max() >= size):
            bad = indices[(indices < -size) | (indices >= size)].ravel()[0]
            msg = f"index {bad} is out of bounds for axis with size {size} in '{name}'"
            raise IndexError(msg)
        return indices
    msg = (
        f"expected mode 'clip', 'wrap' or 'raise' for '{name}', found {mode!r}; choose one of them"
    )
    raise ArgumentError(msg)


def take(a: Any, indices: Any, axis: int = 0, mode: str = "clip", out: Any = None) -> Any:
    """Elements along an axis at given indices.

    Parameters
    ----------
    a : NDArray
        The array.
    indices : NDArray
        Whole numbers of any shape, which takes the place of the axis.
    axis : int, default 0
        The axis.
    mode : {'clip', 'wrap', 'raise'}
        What an index outside the axis does: become the nearest, start again, or be an IndexError.
    """
    x = raw(a)
    along = result_axis(axis, x.ndim, "take")
    where = _limited(integers(raw(indices), "indices"), x.shape[along], mode, "take")
    key = (slice(None),) * along + (where,)
    return finish(
        x[key],
        (a, indices),
        lambda g, _: (scatter_gradient(x.shape, x.dtype, key, g), None),
        "take",
        out,
        lambda _, x, indices: x[key],
    )


def batch_take(a: Any, indices: Any, out: Any = None) -> Any:
    """One element of each row of a matrix: `pick` along axis 1.

    Parameters
    ----------
    a : NDArray
        Shape (batch, columns).
    indices : NDArray
        Whole numbers, shape (batch,); those beyond a row mean its first or last element.
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
) -> Any:
    """One element along an axis for each position of the others.

    Parameters
    ----------
    data : NDArray
        The array.
    index : NDArray
        Whole numbers, of the shape of `data` without the axis, or with length 1 there.
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
    where = integers(raw(index), "index")
    kept = (*flat.shape[:along], 1, *flat.shape[along + 1 :])
    if where.size != np.prod(kept):
        msg = (
            f"expected an index of shape {flat.shape[:along] + flat.shape[along + 1 :]} for pick, found "
            f"{where.shape}; it names one element along axis {axis} of {x.shape}"
        )
        raise ShapeError(msg)
    where = _limited(where.reshape(kept), flat.shape[along], mode, "pick")
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
        lambda np, x, _: np.reshape(np.reshape(x, flat.shape)[tuple(key)], picked.shape),
    )  # fmt: skip


def one_hot(
    indices: Any,
    depth: int,
    on_value: float = 1.0,
    off_value: float = 0.0,
    dtype: Any = "float32",
    out: Any = None,
) -> Any:
    """A new last axis of length `depth` that holds `on_value` at the index, `off_value` elsewhere.

    Parameters
    ----------
    indices : NDArray
        Whole numbers; one outside the axis gives a row of `off_value`.
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
        When an index is not whole.
    """
    if depth < 0:
        msg = (
            f"expected a depth of 0 or more for one_hot, found {depth}; it is the number of classes"
        )
        raise ArgumentError(msg)
    where = integers(raw(indices), "indices")
    hit = where[..., None] == np.arange(depth)
    return finish(
        np.where(hit, on_value, off_value).astype(dtype), (indices,), None, "one_hot", out
    )


def onehot_encode(indices: Any, out: Any) -> Any:
    """`one_hot` of `indices`, of shape (batch,), written into `out`, of shape (batch, depth)."""
    return one_hot(indices, out.shape[-1], dtype=out.dtype, out=out)


def fill_element_0index(lhs: Any, mhs: Any, rhs: Any, out: Any = None) -> Any:
    """A copy of a matrix with one element of each row replaced.

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
        When a column is not there.
    """
    x, new = raw(lhs), raw(mhs)
    columns = integers(raw(rhs), "rhs")
    if x.ndim != 2 or not new.shape == columns.shape == x.shape[:1]:
        msg = (
            f"expected lhs (batch, columns), mhs (batch,) and rhs (batch,) for fill_element_0index, found "
            f"{x.shape}, {new.shape} and {columns.shape}; give one element and its column for each row"
        )
        raise ShapeError(msg)
    key = (np.arange(len(x)), _limited(columns, x.shape[1], "raise", "fill_element_0index"))
    value = x.copy()
    value[key] = new
    rows = np.broadcast_to(key[0][:, None], x.shape)
    hit = np.zeros(x.shape, bool)
    hit[key] = True
    return finish(
        value, (lhs, mhs, rhs), lambda g, _: (np.where(hit, 0, g), g[key], None), "fill_element_0index", out,
        lambda np, x, new, _: np.where(hit, new[rows], x),
    )  # fmt: skip


def _whole_shape(shape: Any, name: str) -> tuple[int, ...]:
    """The lengths of a shape whose first may be unknown, -1: then as many as anyone needs."""
    lengths = tuple(int(n) for n in shape)
    if not lengths or any(n <= 0 for n in lengths[1:]) or (lengths[0] <= 0 and lengths[0] != -1):
        msg = (
            f"expected a shape of positive lengths, of which the first may be -1, for '{name}', found {shape}; "
            "correct it"
        )
        raise ArgumentError(msg)
    rest = math.prod(lengths[1:])
    return (np.iinfo(np.int64).max // rest if lengths[0] == -1 else lengths[0], *lengths[1:])


def ravel_multi_index(data: Any, shape: Any, out: Any = None) -> Any:
    """Places in the flattened array of coordinates in an array of `shape`.

    Parameters
    ----------
    data : NDArray
        Whole numbers, shape (axes, ...): the coordinates along each axis.
    shape : tuple of int
        The first length may be -1, which allows any.

    Raises
    ------
    ShapeError
        When `data` has not a row for each axis.
    IndexError
        When coordinates lie outside.
    """
    x = raw(data)
    lengths = _whole_shape(shape, "ravel_multi_index")
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
                f"coordinates {row.min()} to {row.max()} are out of bounds for shape {tuple(shape)}"
            )
            raise IndexError(msg)
    steps = np.cumprod((1, *lengths[:0:-1]))[::-1]
    value = np.tensordot(steps, rows, 1).astype(x.dtype)
    return finish(value, (data,), None, "ravel_multi_index", out)


def unravel_index(data: Any, shape: Any, out: Any = None) -> Any:
    """Coordinates, of shape (axes, ...), of places in a flattened array of `shape`.

    Parameters
    ----------
    data : NDArray
        Whole numbers.
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
        rows = np.unravel_index(places, _whole_shape(shape, "unravel_index"))
    except ValueError as error:
        msg = f"{error}: expected places within {tuple(shape)} for unravel_index; correct data or shape"
        raise IndexError(msg) from None
    return finish(np.stack(rows).astype(x.dtype), (data,), None, "unravel_index", out)


def Embedding(
    data: Any,
    weight: Any,
    input_dim: int | None = None,
    output_dim: int | None = None,
    dtype: Any = None,
    sparse_grad: bool = False,
    out: Any = None,
) -> Any:
    """Rows of `weight`, of shape (input_dim, output_dim), at the indices in `data`.

    Raises
    ------
    IndexError
        When an index is not a row.
    """
    del input_dim, output_dim, dtype, sparse_grad
    return take(weight, data, axis=0, mode="raise", out=out)


def gather_nd(data: Any, indices: Any, out: Any = None) -> Any:
    """Elements at the coordinates in `indices`: its first axis runs over the leading axes of `data`.

    Parameters
    ----------
    data : NDArray
        Shape (a, b, ..., rest).
    indices : NDArray
        Whole numbers, shape (number of leading axes, ...); negative ones count from the end.
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
        When a coordinate is not whole.
    """
    x = raw(data)
    key = _coordinates(indices, x.shape, "gather_nd")
    return finish(
        x[key],
        (data, indices),
        lambda g, _: (scatter_gradient(x.shape, x.dtype, key, g), None),
        "gather_nd",
        out,
        lambda _, x, indices: x[key],
    )


def scatter_nd(data: Any, indices: Any, shape: tuple[int, ...], out: Any = None) -> Any:
    """Zeros of `shape` with `data` at the coordinates in `indices`, as for `gather_nd`.

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

    # Which piece of `data` each place got, to be gathered by a formula, which cannot be written into.
    kept = tuple(shape[: len(key)])
    places = np.ravel_multi_index(key, kept, mode="wrap").ravel()
    writers = np.arange(places.size)
    source = np.zeros(math.prod(kept), np.intp)
    source[places] = writers
    written = np.zeros((source.size, 1), x.dtype)
    written[places] = 1
    return finish(value, (data, indices), lambda g, _: (g[key], None), "scatter_nd", out, formula)


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


def boolean_mask(data: Any, index: Any, axis: int = 0) -> Any:
    """The slices along an axis where `index` is not 0.

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
    return finish(
        x[key],
        (data, index),
        lambda g, _: (scatter_gradient(x.shape, x.dtype, key, g), None),
        "boolean_mask",
        None,
        lambda _, x, index: x[key],
    )
