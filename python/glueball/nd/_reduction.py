"""Functions that make one number of many: sums, extremes, norms, orders."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._tape import LinearNode
from glueball.base import ArgumentError
from glueball.nd._pairs import where
from glueball.nd._record import finish, into, normalise_axes, raw, result_axis

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.nd._record import Plain


__all__ = [
    "argmax", "argmax_channel", "argmin", "argsort", "cumsum", "max", "max_axis", "mean", "min", "min_axis",
    "nanprod", "nansum", "norm", "prod", "sort", "sum", "sum_axis", "topk",
]  # fmt: skip


def _kept(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return `shape` with the reduced axes of length 1, so that a gradient broadcasts back."""
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def _spread(grad: Plain, shape: tuple[int, ...], axes: tuple[int, ...]) -> Plain:
    return np.broadcast_to(grad.reshape(_kept(shape, axes)), shape)


def sum(
    data: Any,
    axis: Any = None,
    keepdims: bool = False,
    exclude: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Sum over axes.

    Parameters
    ----------
    data : NDArray
        The array.
    axis : int or tuple of int, optional
        The axes to sum over; all of them by default.
    keepdims : bool, default False
        Keep the axes, with length 1.
    exclude : bool, default False
        Sum over the axes that are *not* named.
    out : NDArray, optional
        Gets the result.
    """
    x = raw(data)
    axes = normalise_axes(axis, x.ndim, "sum", exclude)
    value = x.sum(axis=axes, keepdims=bool(keepdims), dtype=x.dtype)
    return finish(
        value, (data,), lambda g, _: (_spread(g, x.shape, axes),), "sum", out,
        lambda np, x: np.sum(x, axis=axes, keepdims=keepdims), LinearNode,
    )  # fmt: skip


def nansum(
    data: Any,
    axis: Any = None,
    keepdims: bool = False,
    exclude: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Sum over axes with NaN as 0."""
    x = raw(data)
    axes = normalise_axes(axis, x.ndim, "nansum", exclude)
    known = ~np.isnan(x)
    value = np.where(known, x, 0).sum(axis=axes, keepdims=bool(keepdims), dtype=x.dtype)
    return finish(
        value, (data,), lambda g, _: (_spread(g, x.shape, axes) * known,), "nansum", out,
        lambda np, x: np.sum(np.where(known, x, 0), axis=axes, keepdims=keepdims), LinearNode,
    )  # fmt: skip


def mean(
    data: Any,
    axis: Any = None,
    keepdims: bool = False,
    exclude: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Average over axes; parameters as for `sum`."""
    x = raw(data)
    axes = normalise_axes(axis, x.ndim, "mean", exclude)
    value = x.mean(
        axis=axes, keepdims=bool(keepdims), dtype=x.dtype if x.dtype.kind == "f" else np.float32
    )
    share = x.size / value.size if value.size else 1
    return finish(
        value, (data,), lambda g, _: (_spread(g / share, x.shape, axes),), "mean", out,
        lambda np, x: np.sum(x, axis=axes, keepdims=keepdims) / share, LinearNode,
    )  # fmt: skip


def _extreme(
    data: Any, axis: Any, keepdims: bool, exclude: bool, out: Any, function: Callable[..., Any]
) -> Any:
    x, name = raw(data), function.__name__
    axes = normalise_axes(axis, x.ndim, name, exclude)
    if any(x.shape[i] == 0 for i in axes):
        msg = f"expected at least one element for '{name}', found shape {x.shape}; check what was selected"
        raise ArgumentError(msg)
    kept = function(x, axis=axes, keepdims=True)

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        # Elements that tie share the gradient: as good a subgradient as any, and symmetric.
        best = x == kept
        return (
            _spread(g, x.shape, axes) * best / best.sum(axis=axes, keepdims=True, dtype=x.dtype),
        )

    value = (
        kept if keepdims else kept.reshape(tuple(n for i, n in enumerate(x.shape) if i not in axes))
    )

    def formula(np: Any, x: Any) -> Any:
        return getattr(np, name)(x, axis=axes, keepdims=keepdims)

    return finish(value, (data,), backward, name, out, formula)


def max(
    data: Any,
    axis: Any = None,
    keepdims: bool = False,
    exclude: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Return the largest element over axes; parameters as for `sum`. Equal elements share the gradient."""
    return _extreme(data, axis, keepdims, exclude, out, np.max)


def min(
    data: Any,
    axis: Any = None,
    keepdims: bool = False,
    exclude: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Return the smallest element over axes; parameters as for `sum`. Equal elements share the gradient."""
    return _extreme(data, axis, keepdims, exclude, out, np.min)


def prod(
    data: Any,
    axis: Any = None,
    keepdims: bool = False,
    exclude: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Multiply over axes; parameters as for `sum`. The gradient is right at elements that are 0 too."""
    x = raw(data)
    axes = normalise_axes(axis, x.ndim, "prod", exclude)
    value = x.prod(axis=axes, keepdims=bool(keepdims), dtype=x.dtype)

    rest = tuple(i for i in range(x.ndim) if i not in axes)

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        # The product of all others = those before times those after; dividing by x would fail at 0.
        moved = x.transpose(rest + axes)
        rows = moved.reshape((*moved.shape[: len(rest)], -1))
        before = np.ones_like(rows)
        np.cumprod(rows[..., :-1], axis=-1, out=before[..., 1:])
        after = np.ones_like(rows)
        np.cumprod(rows[..., :0:-1], axis=-1, out=after[..., -2::-1])
        others = (before * after).reshape(moved.shape).transpose(np.argsort(rest + axes))
        return (_spread(g, x.shape, axes) * others,)

    def formula(np: Any, x: Any) -> Any:
        if nonzero:
            return np.prod(x, axis=axes, keepdims=keepdims)
        # The derivative of np.prod divides by x.
        moved = np.transpose(x, rest + axes)
        rows = np.reshape(moved, (*moved.shape[: len(rest)], -1))
        product = rows[..., 0]
        for i in range(1, rows.shape[-1]):
            product = product * rows[..., i]
        return np.reshape(product, value.shape)

    nonzero = bool(x.all())
    return finish(value, (data,), backward, "prod", out, formula)


def nanprod(
    data: Any,
    axis: Any = None,
    keepdims: bool = False,
    exclude: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Multiply over axes with NaN as 1."""
    x = raw(data)
    return prod(where(~np.isnan(x), data, np.ones_like(x)), axis, keepdims, exclude, out)


def norm(
    data: Any,
    ord: int = 2,
    axis: Any = None,
    keepdims: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Compute a norm over axes: the root of the sum of squares (`ord` 2), or the sum of absolute values (1).

    The gradient at 0 is 0.

    Raises
    ------
    ArgumentError
        When `ord` is neither 1 nor 2.
    """
    if ord not in (1, 2):
        msg = f"expected ord 1 or 2 for norm, found {ord!r}; write other norms with abs, power and sum"
        raise ArgumentError(msg)
    x = raw(data)
    axes = normalise_axes(axis, x.ndim, "norm")
    if ord == 1:
        kept = np.abs(x).sum(axis=axes, keepdims=True, dtype=x.dtype)
    else:
        # Scaled by the largest element, so that squares neither overflow nor vanish.
        scale = np.abs(x).max(axis=axes, keepdims=True, initial=0)
        safe = np.where((scale > 0) & np.isfinite(scale), scale, 1).astype(x.dtype)
        kept = safe * np.sqrt(np.square(x / safe).sum(axis=axes, keepdims=True, dtype=x.dtype))

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        grad = _spread(g, x.shape, axes)
        return (grad * np.sign(x),) if ord == 1 else (grad * x / np.where(kept == 0, 1, kept),)

    value = (
        kept if keepdims else kept.reshape(tuple(n for i, n in enumerate(x.shape) if i not in axes))
    )

    def formula(np: Any, x: Any) -> Any:
        if ord == 1:
            return np.sum(np.abs(x), axis=axes, keepdims=keepdims)
        return np.sqrt(np.sum(x * x, axis=axes, keepdims=keepdims))

    # At 0 the norm of order 2 has a first derivative by choice, and no second one.
    smooth = ord == 1 or bool(kept.all())
    return finish(value, (data,), backward, "norm", out, formula if smooth else None)


def _arg(data: Any, axis: Any, keepdims: bool, out: Any, find: Callable[..., Any]) -> Any:
    x, name = raw(data), find.__name__
    if x.size == 0:
        msg = f"expected at least one element for '{name}', found shape {x.shape}; check what was selected"
        raise ArgumentError(msg)
    if axis is not None:
        axis = result_axis(axis, x.ndim, name)
    value = find(x, axis=axis, keepdims=bool(keepdims)).astype(np.float32)
    return finish(value, (data,), None, name, out)


def argmax(
    data: Any, axis: Any = None, keepdims: bool = False, out: Any = None, name: str | None = None
) -> Any:
    """Return the index of the largest element, as float32; without `axis`, that in the flattened array."""
    return _arg(data, axis, keepdims, out, np.argmax)


def argmin(
    data: Any, axis: Any = None, keepdims: bool = False, out: Any = None, name: str | None = None
) -> Any:
    """Return the index of the smallest element, as float32; without `axis`, that in the flattened array."""
    return _arg(data, axis, keepdims, out, np.argmin)


def argmax_channel(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the index of the largest element along axis 1, as float32."""
    return _arg(data, 1, False, out, np.argmax)


def cumsum(
    data: Any, axis: Any = None, dtype: Any = None, out: Any = None, name: str | None = None
) -> Any:
    """Return the running sum along an axis, or of the flattened array."""
    x = raw(data)
    flat = x.reshape(-1) if axis is None else x
    along = 0 if axis is None else result_axis(axis, x.ndim, "cumsum")
    value = np.cumsum(flat, axis=along, dtype=dtype or x.dtype)

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return (
            np.flip(np.cumsum(np.flip(g, along), axis=along), along)
            .reshape(x.shape)
            .astype(x.dtype),
        )

    return finish(
        value, (data,), backward, "cumsum", out,
        lambda np, x: np.cumsum(np.reshape(x, flat.shape), axis=along), LinearNode,
    )  # fmt: skip


def _ordered(x: Plain, axis: int, is_ascend: bool) -> Plain:
    """Return the indices that sort along `axis`; equal elements keep their order both ways."""
    if is_ascend:
        return np.argsort(x, axis=axis, kind="stable")
    # Sorting -x fails for unsigned types; reversing twice keeps equal elements in order.
    flipped = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return x.shape[axis] - 1 - np.flip(flipped, axis)  # type: ignore[no-any-return]


def _gather(data: Any, flat: Plain, order: Plain, axis: int, name: str, out: Any = None) -> Any:
    """Finish a function that takes elements of `flat`, the data in its shape or flattened."""
    shape = raw(data).shape

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        grad = np.zeros_like(flat)
        np.put_along_axis(grad, order, g.astype(flat.dtype), axis)  # no index occurs twice
        return (grad.reshape(shape),)

    key = list(np.ix_(*[np.arange(n) for n in flat.shape]))
    key[axis] = order
    value = np.take_along_axis(flat, order, axis)
    return finish(
        value, (data,), backward, name, out,
        lambda np, x: np.reshape(x, flat.shape)[tuple(key)], LinearNode,
    )  # fmt: skip


def sort(
    data: Any,
    axis: int | None = -1,
    is_ascend: bool = True,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Return a sorted copy; NaN comes last when ascending."""
    x = raw(data)
    along = 0 if axis is None else result_axis(axis, x.ndim, "sort")
    flat = x.reshape(-1) if axis is None else x
    return _gather(data, flat, _ordered(flat, along, is_ascend), along, "sort", out)


def argsort(
    data: Any,
    axis: int | None = -1,
    is_ascend: bool = True,
    dtype: Any = "float32",
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Return the indices that sort the array, as `dtype`."""
    x = raw(data)
    along = 0 if axis is None else result_axis(axis, x.ndim, "argsort")
    flat = x.reshape(-1) if axis is None else x
    return finish(_ordered(flat, along, is_ascend).astype(dtype), (data,), None, "argsort", out)


def topk(
    data: Any,
    axis: int | None = -1,
    k: int = 1,
    ret_typ: str = "indices",
    is_ascend: bool = False,
    dtype: Any = "float32",
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Return the `k` largest elements along an axis, or the smallest with `is_ascend`.

    Parameters
    ----------
    data : NDArray
        The array.
    axis : int or None, default -1
        None searches the flattened array.
    k : int, default 1
        How many; 0 means all.
    ret_typ : {'indices', 'value', 'both', 'mask'}
        What is returned; 'both' is a list of values and indices.
    is_ascend : bool, default False
        Smallest first.
    dtype : dtype, default 'float32'
        Of the indices.

    Raises
    ------
    ArgumentError
        When `k` is more than there are, or `ret_typ` is unknown.
    """
    x = raw(data)
    along = 0 if axis is None else result_axis(axis, x.ndim, "topk")
    flat = x.reshape(-1) if axis is None else x
    count = flat.shape[along] if k == 0 else operator.index(k)
    if not 0 < count <= flat.shape[along]:
        msg = f"expected k in 1..{flat.shape[along]} for topk, found {k}; axis {axis} of {x.shape} is that long"
        raise ArgumentError(msg)
    order = np.take(_ordered(flat, along, is_ascend), range(count), axis=along)
    if ret_typ == "indices":
        return finish(order.astype(dtype), (data,), None, "topk", out)
    if ret_typ == "mask":
        mask = np.zeros(flat.shape, x.dtype)
        np.put_along_axis(mask, order, 1, along)
        return finish(mask.reshape(x.shape), (data,), None, "topk", out)
    if ret_typ not in ("value", "both"):
        msg = f"expected ret_typ 'indices', 'value', 'both' or 'mask' for topk, found {ret_typ!r}; choose one"
        raise ArgumentError(msg)
    values = _gather(data, flat, order, along, "topk")
    if ret_typ == "value":
        return into(out, values, "topk")
    both = [values, finish(order.astype(dtype), (data,), None, "topk")]
    return into(out, both, "topk")


sum_axis = sum
max_axis = max
min_axis = min
