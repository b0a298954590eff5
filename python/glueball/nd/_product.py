"""Products of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.base import ShapeError
from glueball.nd._record import check_same_dtype, finish, raw

if TYPE_CHECKING:
    from glueball.nd._record import Plain

__all__ = ["FullyConnected", "batch_dot", "dot"]


def dot(
    lhs: Any,
    rhs: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Sum the products over the last axis of `lhs` and the first of `rhs`.

    Parameters
    ----------
    lhs, rhs : NDArray
        Shapes (..., n) and (n, ...); two vectors give an array of shape (1,).
    transpose_a, transpose_b : bool, default False
        Move the first axis of `lhs` last, the last of `rhs` first: for matrices, transpose.

    Raises
    ------
    ShapeError
        When the summed axes differ in length.
    """
    a, b = raw(lhs), raw(rhs)
    check_same_dtype(a, b, "dot")
    left = np.moveaxis(a, 0, -1) if transpose_a and a.ndim > 1 else a
    right = np.moveaxis(b, -1, 0) if transpose_b and b.ndim > 1 else b
    if a.ndim == 0 or b.ndim == 0 or left.shape[-1] != right.shape[0]:
        msg = (
            f"expected the last axis of lhs as long as the first of rhs for dot, found {a.shape} and {b.shape}"
            f"{' with transpose_a' if transpose_a else ''}{' with transpose_b' if transpose_b else ''}; "
            f"transpose one of them"
        )
        raise ShapeError(msg)

    def backward(g: Plain, _: Any) -> tuple[Plain, Plain]:
        rank = left.ndim - 1
        grad_left = np.tensordot(g, right, (range(rank, g.ndim), range(1, right.ndim)))
        grad_right = np.tensordot(left, g, (range(rank), range(rank)))
        return (
            np.moveaxis(grad_left, -1, 0) if left is not a else grad_left,
            np.moveaxis(grad_right, 0, -1) if right is not b else grad_right,
        )

    # Only for matrices and vectors do NumPy's dot and Gluon's agree.
    value = np.dot(left, right) if right.ndim <= 2 else np.tensordot(left, right, 1)

    def formula(np: Any, a: Any, b: Any) -> Any:
        left_first = np.moveaxis(a, 0, -1) if transpose_a and a.ndim > 1 else a
        right_first = np.moveaxis(b, -1, 0) if transpose_b and b.ndim > 1 else b
        return np.tensordot(left_first, right_first, 1)

    return finish(value, (lhs, rhs), backward, "dot", out, formula)


def batch_dot(
    lhs: Any,
    rhs: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Multiply matrices, one pair for each place on the leading axes.

    Parameters
    ----------
    lhs, rhs : NDArray
        Shapes (batch, m, k) and (batch, k, n); the result is (batch, m, n).
    transpose_a, transpose_b : bool, default False
        Swap the last two axes first.

    Raises
    ------
    ShapeError
        When the shapes do not fit.
    """
    a, b = raw(lhs), raw(rhs)
    check_same_dtype(a, b, "batch_dot")
    fits = a.ndim == b.ndim >= 3 and a.shape[:-2] == b.shape[:-2]
    left = a.swapaxes(-1, -2) if fits and transpose_a else a
    right = b.swapaxes(-1, -2) if fits and transpose_b else b
    if not fits or left.shape[-1] != right.shape[-2]:
        msg = (
            f"expected shapes (batch, m, k) and (batch, k, n) for batch_dot, found {a.shape} and {b.shape}"
            f"; use transpose_a= or transpose_b=, or dot for two matrices"
        )
        raise ShapeError(msg)

    def backward(g: Plain, _: Any) -> tuple[Plain, Plain]:
        grad_left = g @ right.swapaxes(-1, -2)
        grad_right = left.swapaxes(-1, -2) @ g
        return (
            grad_left.swapaxes(-1, -2) if transpose_a else grad_left,
            grad_right.swapaxes(-1, -2) if transpose_b else grad_right,
        )

    def formula(np: Any, a: Any, b: Any) -> Any:
        return np.matmul(
            np.swapaxes(a, -1, -2) if transpose_a else a,
            np.swapaxes(b, -1, -2) if transpose_b else b,
        )

    return finish(left @ right, (lhs, rhs), backward, "batch_dot", out, formula)


def FullyConnected(
    data: Any,
    weight: Any,
    bias: Any = None,
    num_hidden: int | None = None,
    no_bias: bool = False,
    flatten: bool = True,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Compute a dense layer: ``data weight^T + bias``.

    Parameters
    ----------
    data : NDArray
        Shape (batch, in_units), or with more axes: flattened, or with `flatten` False taken as they are.
    weight : NDArray
        Shape (units, in_units).
    bias : NDArray, optional
        Shape (units,).
    num_hidden : int, optional
        Units; checked against `weight`.
    no_bias : bool, default False
        Leave `bias` out.
    flatten : bool, default True
        Make one axis of all but the first.

    Raises
    ------
    ShapeError
        When the shapes do not fit.
    """
    x, w = raw(data), raw(weight)
    check_same_dtype(x, w, "FullyConnected")
    use_bias = bias is not None and not no_bias
    rows = x.reshape(len(x), -1 if x.size else int(np.prod(x.shape[1:]))) if flatten else x
    if w.ndim != 2 or rows.shape[-1] != w.shape[1] or num_hidden not in (None, w.shape[0]):
        msg = (
            f"expected a weight of shape ({num_hidden or 'units'}, {rows.shape[-1]}) for FullyConnected on "
            f"data of shape {x.shape}, found {w.shape}; it is (units, in_units)"
        )
        raise ShapeError(msg)
    y = rows @ w.T
    b = raw(bias) if use_bias else None
    if b is not None:
        if b.shape != (w.shape[0],):
            msg = f"expected a bias of shape ({w.shape[0]},) for FullyConnected, found {b.shape}; it is (units,)"
            raise ShapeError(msg)
        check_same_dtype(x, b, "FullyConnected")
        y += b

    def backward(g: Plain, _: Any) -> tuple[Plain, ...]:
        flat = g.reshape(-1, g.shape[-1])
        grads = ((g @ w).reshape(x.shape), flat.T @ rows.reshape(-1, rows.shape[-1]))
        return grads if b is None else (*grads, flat.sum(axis=0))

    def formula(np: Any, x: Any, w: Any, b: Any = None) -> Any:
        y = np.tensordot(np.reshape(x, rows.shape), w, (-1, 1))
        return y if b is None else y + b

    inputs = (data, weight) if b is None else (data, weight, bias)
    return finish(y, inputs, backward, "FullyConnected", out, formula)
