"""NumPy functions that are recorded by functions of `nd`.

The `autograd` package has derivatives for most of NumPy. These calls do not go there, because it has none
(take, flip), one that fails on some shapes (tile, where), or because they are in every loss (sum, mean).
Each entry takes NumPy's arguments; a call with others goes to `autograd`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.nd import _elementwise, _index, _parts, _reduction, _shape
from glueball.nd._record import finish

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["recorded"]

recorded: dict[Callable[..., Any], Callable[..., Any]] = {}


def _stands_for(
    *functions: Callable[..., Any],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def enter(own: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            recorded[function] = own
        return own

    return enter


@_stands_for(np.sum)
def _sum(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return a if axis == () else _reduction.sum(a, axis, keepdims)


@_stands_for(np.mean)
def _mean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _reduction.mean(a, axis, keepdims)


@_stands_for(np.prod)
def _prod(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _reduction.prod(a, axis, keepdims)


@_stands_for(np.max, np.amax)
def _max(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _reduction.max(a, axis, keepdims)


@_stands_for(np.min, np.amin)
def _min(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _reduction.min(a, axis, keepdims)


@_stands_for(np.cumsum)
def _cumsum(a: Any, axis: Any = None) -> Any:
    return _reduction.cumsum(a, axis)


@_stands_for(np.sort)
def _sort(a: Any, axis: Any = -1) -> Any:
    return _reduction.sort(a, axis)


@_stands_for(np.take)
def _take(a: Any, indices: Any, axis: Any = None, *, mode: str = "raise") -> Any:
    source = _shape.reshape(a, (-1,)) if axis is None else a
    return _index.take(source, indices, 0 if axis is None else axis, mode)


@_stands_for(np.flip)
def _flip(m: Any, axis: Any = None) -> Any:
    return _shape.flip(m, axis)


@_stands_for(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    return _shape.tile(A, reps)


@_stands_for(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any) -> Any:
    return _shape.broadcast_to(array, (shape,) if isinstance(shape, int) else tuple(shape))


@_stands_for(np.copy)
def _copy(a: Any) -> Any:
    return _elementwise.identity(a)


@_stands_for(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, **bounds: Any) -> Any:
    lower, upper = bounds.get("min", a_min), bounds.get("max", a_max)
    a = a if lower is None else np.maximum(a, lower)
    return a if upper is None else np.minimum(a, upper)


@_stands_for(np.where)
def _where(condition: Any, x: Any, y: Any) -> Any:
    if np.ndim(condition) == np.ndim(x) == np.ndim(y) or np.ndim(condition) != 1:
        return _elementwise.where(condition, x, y)
    # Gluon's function would let a vector choose rows; NumPy broadcasts it.
    return _elementwise.where(np.asarray(condition)[None], x, y)


@_stands_for(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return _shape.swapaxes(a, axis1, axis2)


@_stands_for(np.transpose)
def _transpose(a: Any, axes: Any = None) -> Any:
    return _shape.transpose(a, axes)


@_stands_for(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    return _shape.moveaxis(a, source, destination)


@_stands_for(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    return _parts.diag(v, k)


@_stands_for(np.diagonal)
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
    return finish(value, (a,), backward, "diagonal", None, formula)


@_stands_for(np.split)
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    length = np.shape(ary)[axis]
    if isinstance(indices_or_sections, int):
        np.split(np.empty(length), indices_or_sections)  # raises where it does not divide
        step = length // indices_or_sections
        cuts = [i * step for i in range(1, indices_or_sections)]
    else:
        cuts = [int(cut) for cut in indices_or_sections]
    before = (slice(None),) * (axis % np.ndim(ary))
    ends = zip([0, *cuts], [*cuts, length], strict=True)
    return [ary[(*before, slice(begin, end))] for begin, end in ends]


@_stands_for(np.round, np.around)
def _round(a: Any, decimals: int = 0) -> Any:
    return finish(
        np.round(np.asarray(a), decimals), (a,), lambda g, _: (np.zeros_like(g),), "round"
    )


@_stands_for(np.fix)
def _fix(x: Any) -> Any:
    return _elementwise.fix(x)
