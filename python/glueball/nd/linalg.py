"""Linear algebra of batches of matrices, under MXNet's names: `nd.linalg`.

All take matrices on the last two axes, and as many batch axes before them as there are. Derivatives are the
usual ones, of M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), and I. Murray, "Differentiation of the Cholesky decomposition", arXiv:1602.07527.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._scope import surface
from glueball.base import ArgumentError, ShapeError
from glueball.nd._record import check_same_dtype, finish, into, raw
from glueball.nd._shape import moveaxis

if TYPE_CHECKING:
    from glueball.nd._record import Plain

__all__ = [
    "det", "extractdiag", "gemm", "gemm2", "inverse", "makediag", "potrf", "potri", "slogdet", "sumlogdiag",
    "syrk", "trmm", "trsm",
]  # fmt: skip


def _turned(x: Plain, is_turned: bool = True) -> Plain:
    return x.swapaxes(-1, -2) if is_turned else x


def _matrices(name: str, *arrays: Any) -> list[Plain]:
    """Return plain matrices of one dtype, with equal batch axes."""
    found = [raw(each) for each in arrays]
    for each in found:
        check_same_dtype(found[0], each, name)
        if each.ndim < 2 or each.shape[:-2] != found[0].shape[:-2] or each.dtype.kind != "f":
            message = (
                f"expected matrices of floats with equal batch axes for linalg.{name}, found "
                f"{' and '.join(f'{x.shape} of {x.dtype}' for x in found)}; reshape or convert them"
            )
            raise ShapeError(message)
    return found


def _squares(name: str, array: Any) -> Plain:
    """Return plain square matrices."""
    (x,) = _matrices(name, array)
    if x.shape[-1] != x.shape[-2]:
        message = (
            f"expected square matrices for linalg.{name}, found {x.shape}; take others, or lstsq()"
        )
        raise ShapeError(message)
    return x


def _checked(name: str, compute: Any, *arrays: Plain) -> Any:
    """Return what NumPy computes, with its errors in our words."""
    try:
        return compute(*arrays)
    except np.linalg.LinAlgError as error:
        message = (
            f"expected matrices that linalg.{name} is defined for, found some that are not ({error}); add a "
            "small multiple of the identity"
        )
        raise ArgumentError(message) from error
    except ValueError as error:
        message = (
            f"expected shapes that fit each other for linalg.{name}, found "
            f"{' and '.join(str(x.shape) for x in arrays)}; transpose one of them"
        )
        raise ShapeError(message) from error


def gemm(
    A: Any,
    B: Any,
    C: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    alpha: float = 1.0,
    beta: float = 1.0,
    axis: int = -2,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Compute alpha op(A) op(B) + beta C, where op transposes if asked.

    Parameters
    ----------
    A, B, C : NDArray
        Matrices that fit.
    transpose_a, transpose_b : bool, default False
        Whether to transpose them.
    alpha, beta : float, default 1
        Factors.
    axis : int, default -2
        Where the rows are; the columns are on the last axis.

    Raises
    ------
    ShapeError
        When the shapes do not fit.
    """
    product = gemm2(A, B, transpose_a, transpose_b, alpha, axis)
    if product.shape != raw(C).shape:
        message = (
            f"expected C of the product's shape {product.shape} for linalg.gemm, found {raw(C).shape}; "
            "reshape it"
        )
        raise ShapeError(message)
    return into(out, product + C * float(beta), "gemm")


def gemm2(
    A: Any,
    B: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    alpha: float = 1.0,
    axis: int = -2,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Compute alpha op(A) op(B); parameters and errors as for `gemm`."""
    if axis != -2:
        a, b = (moveaxis(each, axis, -2) for each in (A, B))
        result = moveaxis(gemm2(a, b, transpose_a, transpose_b, alpha), -2, axis)
        return into(out, result, "gemm2")
    a, b = _matrices("gemm2", A, B)
    left, right, factor = _turned(a, transpose_a), _turned(b, transpose_b), float(alpha)
    value = factor * _checked("gemm2", np.matmul, left, right)

    def backward(g: Plain, _: Any) -> tuple[Plain, Plain]:
        by_left, by_right = factor * (g @ _turned(right)), factor * (_turned(left) @ g)
        return _turned(by_left, transpose_a), _turned(by_right, transpose_b)

    def formula(np: Any, a: Any, b: Any) -> Any:
        left = np.swapaxes(a, -1, -2) if transpose_a else a
        return factor * np.matmul(left, np.swapaxes(b, -1, -2) if transpose_b else b)

    return finish(value, (A, B), backward, "gemm2", out, formula)


def syrk(
    A: Any, transpose: bool = False, alpha: float = 1.0, out: Any = None, name: str | None = None
) -> Any:
    """Compute alpha A A^T, or alpha A^T A with `transpose`."""
    (a,) = _matrices("syrk", A)
    left, factor = _turned(a, transpose), float(alpha)

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return (_turned(factor * ((g + _turned(g)) @ left), transpose),)

    return finish(factor * (left @ _turned(left)), (A,), backward, "syrk", out)


def potrf(A: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the Cholesky factor: the lower triangular L with L L^T = A.

    Raises
    ------
    ArgumentError
        When a matrix is not positive definite.
    """
    a = _squares("potrf", A)
    lower: Plain = _checked("potrf", np.linalg.cholesky, a)

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        inner = np.tril(_turned(lower) @ g)
        inner *= 1 - 0.5 * np.eye(inner.shape[-1], dtype=inner.dtype)
        outer = np.linalg.solve(
            _turned(lower), _turned(np.linalg.solve(_turned(lower), _turned(inner)))
        )
        return (0.5 * (outer + _turned(outer)),)

    return finish(lower, (A,), backward, "potrf", out)


def potri(A: Any, out: Any = None, name: str | None = None) -> Any:
    """Return (L L^T)^-1 of a Cholesky factor L, which `potrf` gives."""
    lower = np.tril(_squares("potri", A))
    value: Plain = _checked("potri", np.linalg.inv, lower @ _turned(lower))

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return (np.tril(-(value @ (g + _turned(g)) @ value) @ lower),)

    return finish(value, (A,), backward, "potri", out)


def _triangle(name: str, A: Any, lower: bool) -> tuple[Plain, Any]:
    keep = np.tril if lower else np.triu
    return keep(_squares(name, A)), keep


def trsm(
    A: Any,
    B: Any,
    transpose: bool = False,
    rightside: bool = False,
    lower: bool = True,
    alpha: float = 1.0,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Solve op(A) X = alpha B, or X op(A) = alpha B with `rightside`, for a triangular A.

    Parameters
    ----------
    A : NDArray
        Triangular; the other triangle is not read.
    B : NDArray
        The right-hand sides.
    transpose : bool, default False
        Whether op transposes.
    rightside : bool, default False
        Whether A stands on the right.
    lower : bool, default True
        Which triangle of A holds it.
    alpha : float, default 1
        A factor.

    Raises
    ------
    ShapeError
        When the shapes do not fit.
    ArgumentError
        When A is singular.
    """
    _matrices("trsm", A, B)
    triangle, keep = _triangle("trsm", A, lower)
    matrix, b, factor = _turned(triangle, transpose), raw(B), float(alpha)
    if rightside:  # X M = B is M^T X^T = B^T
        value = factor * _turned(_checked("trsm", np.linalg.solve, _turned(matrix), _turned(b)))
    else:
        value = factor * _checked("trsm", np.linalg.solve, matrix, b)

    def backward(g: Plain, _: Any) -> tuple[Plain, Plain]:
        if rightside:
            by_b = _turned(np.linalg.solve(matrix, _turned(g)))
            by_matrix = -(_turned(value) @ by_b)
        else:
            by_b = np.linalg.solve(_turned(matrix), g)
            by_matrix = -(by_b @ _turned(value))
        return keep(_turned(by_matrix, transpose)), factor * by_b

    return finish(value, (A, B), backward, "trsm", out)


def trmm(
    A: Any,
    B: Any,
    transpose: bool = False,
    rightside: bool = False,
    lower: bool = True,
    alpha: float = 1.0,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Compute alpha op(A) B, or alpha B op(A) with `rightside`, for a triangular A; else as `trsm`."""
    _matrices("trmm", A, B)
    triangle, keep = _triangle("trmm", A, lower)
    matrix, b, factor = _turned(triangle, transpose), raw(B), float(alpha)
    pair = (b, matrix) if rightside else (matrix, b)

    def backward(g: Plain, _: Any) -> tuple[Plain, Plain]:
        if rightside:
            by_matrix, by_b = _turned(b) @ g, g @ _turned(matrix)
        else:
            by_matrix, by_b = g @ _turned(b), _turned(matrix) @ g
        return keep(factor * _turned(by_matrix, transpose)), factor * by_b

    return finish(factor * _checked("trmm", np.matmul, *pair), (A, B), backward, "trmm", out)


def _on_diagonal(values: Plain, size: int, offset: int = 0) -> Plain:
    """Return matrices of zeros but for a diagonal."""
    matrices = np.zeros((*values.shape[:-1], size, size), values.dtype)
    places = np.arange(values.shape[-1])
    matrices[..., places - min(offset, 0), places + max(offset, 0)] = values
    return matrices


def sumlogdiag(A: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the sum of logarithms of the diagonal: half the log determinant of L L^T."""
    a = _squares("sumlogdiag", A)
    diagonal = np.diagonal(a, axis1=-2, axis2=-1)

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return (_on_diagonal(g.reshape((*a.shape[:-2], 1)) / diagonal, a.shape[-1]),)

    return finish(np.log(diagonal).sum(axis=-1), (A,), backward, "sumlogdiag", out)


def extractdiag(A: Any, offset: int = 0, out: Any = None, name: str | None = None) -> Any:
    """Return a diagonal: the main one, or above (below, if negative) it by `offset`."""
    a = _squares("extractdiag", A)

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return (_on_diagonal(g, a.shape[-1], offset),)

    value = np.diagonal(a, offset, axis1=-2, axis2=-1).copy()
    if value.shape[-1] == 0:
        message = (
            f"expected an offset within {a.shape[-1]} rows for linalg.extractdiag, found {offset}; "
            "choose one nearer to 0"
        )
        raise ArgumentError(message)
    return finish(value, (A,), backward, "extractdiag", out)


def makediag(A: Any, offset: int = 0, out: Any = None, name: str | None = None) -> Any:
    """Return matrices of zeros but for a diagonal, which holds the last axis of A."""
    a = raw(A)

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return (np.diagonal(g, offset, axis1=-2, axis2=-1).copy(),)

    return finish(
        _on_diagonal(a, a.shape[-1] + abs(offset), offset), (A,), backward, "makediag", out
    )


def inverse(A: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the inverse.

    Raises
    ------
    ArgumentError
        When a matrix is singular.
    """
    value: Plain = _checked("inverse", np.linalg.inv, _squares("inverse", A))

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        return (-(_turned(value) @ g @ _turned(value)),)

    return finish(value, (A,), backward, "inverse", out, lambda np, a: np.linalg.inv(a))


def det(A: Any, out: Any = None, name: str | None = None) -> Any:
    """Return the determinant; its gradient is that of regular matrices."""
    a = _squares("det", A)
    value = np.asarray(np.linalg.det(a))

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        scale = (g.reshape(value.shape) * value)[..., None, None]
        return (scale * _turned(_checked("det", np.linalg.inv, a)),)

    return finish(value, (A,), backward, "det", out, lambda np, a: np.linalg.det(a))


def slogdet(A: Any, out: Any = None, name: str | None = None) -> Any:
    """Return a list: the determinant's sign, and the logarithm of its size, which is differentiable."""
    a = _squares("slogdet", A)
    sign, size = (np.asarray(each) for each in np.linalg.slogdet(a))

    def backward(g: Plain, _: Any) -> tuple[Plain]:
        scale = g.reshape(size.shape)[..., None, None]
        return (scale * _turned(_checked("slogdet", np.linalg.inv, a)),)

    formula = lambda np, a: np.linalg.slogdet(a)[1]
    both = [
        finish(sign, (A,), None, "slogdet"),
        finish(size, (A,), backward, "slogdet", None, formula),
    ]
    return into(out, both, "slogdet")


__getattr__, __dir__ = surface(__name__)
