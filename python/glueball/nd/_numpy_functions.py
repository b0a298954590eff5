"""NumPy functions that are recorded by functions of `nd`.

The `autograd` package has derivatives for most of NumPy. These calls do not go there, because it has none
(take, flip), one that fails on some shapes (tile, where), or because they are in every loss (sum, mean).
Each takes some of NumPy's arguments; a call with others goes to `autograd`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball._tape import LinearNode
from glueball.nd import _elementwise, _index, _pairs, _parts, _reduction, _shape
from glueball.nd._derivatives import recorded_by
from glueball.nd._record import finish

__all__: list[str] = []  # they are found by NumPy's functions


@recorded_by(np.sum)
def _sum(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return a if axis == () else _reduction.sum(a, axis, keepdims)


@recorded_by(np.mean)
def _mean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _reduction.mean(a, axis, keepdims)


@recorded_by(np.prod)
def _prod(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _reduction.prod(a, axis, keepdims)


@recorded_by(np.max, np.amax)
def _max(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _reduction.max(a, axis, keepdims)


@recorded_by(np.min, np.amin)
def _min(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _reduction.min(a, axis, keepdims)


@recorded_by(np.cumsum)
def _cumsum(a: Any, axis: Any = None) -> Any:
    return _reduction.cumsum(a, axis)


@recorded_by(np.sort)
def _sort(a: Any, axis: Any = -1) -> Any:
    return _reduction.sort(a, axis)


@recorded_by(np.take)
def _take(a: Any, indices: Any, axis: Any = None, *, mode: str = "raise") -> Any:
    source = _shape.reshape(a, (-1,)) if axis is None else a
    return _index.take(source, indices, 0 if axis is None else axis, mode)


@recorded_by(np.flip)
def _flip(m: Any, axis: Any = None) -> Any:
    return _shape.flip(m, axis)


@recorded_by(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    return _shape.tile(A, reps)


@recorded_by(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any) -> Any:
    return _shape.broadcast_to(
        array, (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    )


@recorded_by(np.copy)
def _copy(a: Any) -> Any:
    return _elementwise.identity(a)


@recorded_by(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    lower, upper = (a_min if min is None else min), (a_max if max is None else max)
    a = a if lower is None else np.maximum(a, lower)
    return a if upper is None else np.minimum(a, upper)


@recorded_by(np.where)
def _where(condition: Any, x: Any, y: Any) -> Any:
    if np.ndim(condition) == np.ndim(x) == np.ndim(y) or np.ndim(condition) != 1:
        return _pairs.where(condition, x, y)
    # Gluon's function would let a vector choose rows; NumPy broadcasts it.
    return _pairs.where(np.asarray(condition)[None], x, y)


@recorded_by(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return _shape.swapaxes(a, axis1, axis2)


@recorded_by(np.transpose)
def _transpose(a: Any, axes: Any = None) -> Any:
    return _shape.transpose(a, axes)


@recorded_by(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    return _shape.moveaxis(a, source, destination)


@recorded_by(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    return _parts.diag(v, k)


@recorded_by(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    x = np.asarray(a)

    def backward(g: Any, _: Any) -> Any:
        grad = np.zeros_like(x)
        view = np.diagonal(grad, offset, axis1, axis2)
        view.flags.writeable = True  # it is a view of the array made above
        view[...] = g
        return (grad,)

    def formula(np: Any, x: Any) -> Any:
        return np.moveaxis(x, (axis1, axis2), (-2, -1))[..., rows, columns]

    value = np.diagonal(x, offset, axis1, axis2).copy()
    rows = np.arange(value.shape[-1]) - min(offset, 0)
    columns = rows + offset
    return finish(value, (a,), backward, "diagonal", None, formula, LinearNode)


@recorded_by(np.split)
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    length = np.shape(ary)[axis]
    if isinstance(indices_or_sections, int | np.integer):
        np.split(np.empty(length), indices_or_sections)  # raises where it does not divide
        step = length // indices_or_sections
        cuts = [i * step for i in range(1, indices_or_sections)]
    else:
        cuts = [int(cut) for cut in indices_or_sections]
    before = (slice(None),) * (axis % np.ndim(ary))
    ends = zip([0, *cuts], [*cuts, length], strict=True)
    return [ary[(*before, slice(begin, end))] for begin, end in ends]


@recorded_by(np.round, np.around, is_step=True)
def _round(a: Any, decimals: int = 0) -> Any:
    value = np.round(np.asarray(a), decimals)
    return finish(value, (a,), lambda g, _: (np.zeros_like(g),), "round", node=LinearNode)


@recorded_by(np.fix, is_step=True)
def _fix(x: Any) -> Any:
    return _elementwise.fix(x)
