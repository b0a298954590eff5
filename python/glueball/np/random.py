"""Random numbers of NumPy mode, under NumPy's names: `mx.np.random`.

From the same generator as `nd.random`, and restarted by the same `glueball.random.seed`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball import _tape
from glueball._scope import surface
from glueball.base import ArgumentError, ShapeError
from glueball.nd._keys import finish_selected
from glueball.nd._random import (
    check_probabilities,
    derived_generator,
    draw,
    fill_normal,
    fill_uniform,
    samples,
)
from glueball.nd._record import raw, wrap
from glueball.np._ndarray import ndarray
from glueball.random import seed

__all__ = [
    "bernoulli", "beta", "chisquare", "choice", "exponential", "gamma", "gumbel", "laplace", "logistic",
    "lognormal", "multinomial", "multivariate_normal", "normal", "pareto", "permutation", "poisson", "power", "rand", "randint", "randn",
    "random", "rayleigh", "seed", "shuffle", "uniform", "weibull",
]  # fmt: skip


def uniform(
    low: Any = 0.0,
    high: Any = 1.0,
    size: Any = None,
    dtype: Any = None,
    ctx: Any = None,
    device: Any = None,
    out: Any = None,
) -> ndarray:
    """Draw from the uniform distribution on [low, high).

    Parameters
    ----------
    low, high : float or ndarray, default 0 and 1
        The bounds, which broadcast.
    size : int or tuple of int, optional
        Shape of the result; by default that of the bounds.
    dtype : {'float32', 'float64'}, optional
        float32 by default.
    ctx, device : Context, optional
        A CPU.
    out : ndarray, optional
        Filled and returned.

    Raises
    ------
    ArgumentError
        When a bound is not finite.
    """
    return _scaled(fill_uniform, (low, high), size, dtype, ctx or device, out, "uniform")


def _fill_normal(out: Any, loc: float, scale: float) -> None:
    if not scale >= 0:
        msg = f"expected scale >= 0 for normal, found {scale}; it is the standard deviation"
        raise ArgumentError(msg)
    fill_normal(out, loc, scale)


def normal(
    loc: Any = 0.0,
    scale: Any = 1.0,
    size: Any = None,
    dtype: Any = None,
    ctx: Any = None,
    device: Any = None,
    out: Any = None,
) -> ndarray:
    """Draw from the normal distribution; parameters as for `uniform`.

    Raises
    ------
    ArgumentError
        When `scale` is negative.
    """
    return _scaled(_fill_normal, (loc, scale), size, dtype, ctx or device, out, "normal")


def _scaled(
    fill: Any, settings: tuple[Any, ...], size: Any, dtype: Any, ctx: Any, out: Any, name: str
) -> ndarray:
    settings, size = _whole(settings, size)
    return draw(fill, settings, size, dtype, ctx, out, ndarray, name)  # type: ignore[no-any-return]


def _whole(settings: tuple[Any, ...], size: Any) -> tuple[tuple[Any, ...], Any]:
    """As NumPy, take `size` for the whole shape, to which array settings broadcast."""
    if not any(isinstance(s, np.ndarray | list | tuple) for s in settings):
        return settings, size
    arrays = [raw(s) for s in settings]
    shape = np.broadcast_shapes(*[a.shape for a in arrays]) if size is None else size
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    return tuple(np.broadcast_to(a, shape) for a in arrays), None


def rand(*size: int, **kwargs: Any) -> ndarray:
    """Draw from [0, 1), with the shape as separate numbers."""
    return uniform(0.0, 1.0, size or None, **kwargs)


def random(size: Any = None) -> ndarray:
    """Draw from [0, 1)."""
    return uniform(0.0, 1.0, size)


def randn(*size: int, **kwargs: Any) -> ndarray:
    """Draw as `normal`, with the shape as separate numbers."""
    return normal(0.0, 1.0, size or None, **kwargs)


def randint(
    low: int,
    high: int | None = None,
    size: Any = None,
    dtype: Any = None,
    ctx: Any = None,
    out: Any = None,
) -> ndarray:
    """Draw integers from [low, high), or [0, low) without `high`; int64 by default."""
    first, last = (0, low) if high is None else (low, high)
    return samples(  # type: ignore[no-any-return]
        "randint", (int(first), int(last)), size, dtype or "int64", ctx, out, ndarray,
        lambda rng, s, shape: rng.integers(s[0], s[1], shape),
    )  # fmt: skip


def choice(
    a: Any, size: Any = None, replace: bool = True, p: Any = None, ctx: Any = None
) -> ndarray:
    """Draw elements of `a`, or numbers below it, with the probabilities `p` (equal by default)."""
    del ctx
    values = a if isinstance(a, int | np.integer) else raw(a)
    weights = None if p is None else raw(p).astype(np.float64) / raw(p).astype(np.float64).sum()
    try:
        made = derived_generator().choice(values, size, replace, weights)
    except ValueError as error:
        msg = f"expected a choice that can be made, found a={a!r}, size={size}, replace={replace} ({error})"
        raise ArgumentError(msg) from error
    return wrap(made, ndarray)  # type: ignore[no-any-return]


def permutation(x: Any) -> Any:
    """Return the numbers below `x`, or a copy of an array, in random order along the first axis."""
    if isinstance(x, int | np.integer):
        return wrap(derived_generator().permutation(x), ndarray)
    order = derived_generator().permutation(len(raw(x)))
    return finish_selected((x,), order, "permutation")


def shuffle(x: Any) -> None:
    """Shuffle an array along its first axis, in place."""
    _tape.check_write(x)
    plain = np.asarray(x)
    plain[...] = plain[derived_generator().permutation(len(plain))]


def multinomial(n: int, pvals: Any, size: Any = None) -> ndarray:
    """Count how many times each class is drawn in `n` draws with the probabilities `pvals`; int64."""
    p = raw(pvals).astype(np.float64)
    if (p < 0).any() or not np.isclose(p.sum(), 1, atol=1e-3):
        msg = f"expected probabilities that sum to 1 for multinomial, found a sum of {p.sum()}; divide by it"
        raise ArgumentError(msg)
    return wrap(derived_generator().multinomial(n, p / p.sum(), size), ndarray)  # type: ignore[no-any-return]


def multivariate_normal(
    mean: Any, cov: Any, size: Any = None, check_valid: Any = None, tol: float | None = None
) -> ndarray:
    """Draw from normal distributions of vectors.

    Parameters
    ----------
    mean : ndarray
        Shape (..., n).
    cov : ndarray
        Covariances, shape (..., n, n); the leading axes broadcast with those of `mean`.
    size : int or tuple of int, optional
        Shape of the draws from each distribution; it comes before the leading axes.
    check_valid : str, optional
        As NumPy's; covariances are checked in any case.
    tol : float, default 1e-6
        How far below 0, in relation to the largest, an eigenvalue may be.

    Raises
    ------
    ShapeError
        When the shapes do not fit.
    ArgumentError
        When `cov` is not symmetric and positive semidefinite.
    """
    del check_valid
    centre, spread = raw(mean).astype(np.float64), raw(cov).astype(np.float64)
    n = centre.shape[-1] if centre.ndim else 0
    if centre.ndim == 0 or spread.shape[-2:] != (n, n):
        msg = (
            f"expected mean (..., n) and cov (..., n, n) for multivariate_normal, found {centre.shape} and "
            f"{spread.shape}; cov has a row for each element of mean"
        )
        raise ShapeError(msg)
    limit = 1e-6 if tol is None else tol
    values, vectors = np.linalg.eigh(spread)
    largest = np.abs(values).max(initial=0)
    symmetric = np.allclose(spread, spread.swapaxes(-1, -2), rtol=0, atol=limit * largest)
    if not symmetric or not values.min(initial=0) >= -limit * largest:
        msg = f"expected a symmetric, positive semidefinite cov for multivariate_normal, found {spread}; correct it"
        raise ArgumentError(msg)
    root = vectors * np.sqrt(np.maximum(values, 0))[..., None, :]
    lead = np.broadcast_shapes(centre.shape[:-1], spread.shape[:-2])
    inner = () if size is None else (size,) if isinstance(size, int | np.integer) else tuple(size)
    draws = derived_generator().standard_normal((*inner, *lead, n, 1))
    made = centre + (root @ draws)[..., 0]
    return wrap(made.astype(np.float32), ndarray)  # type: ignore[no-any-return]


def bernoulli(prob: Any = 0.5, size: Any = None, dtype: Any = None) -> ndarray:
    """Draw 1 with probability `prob`, else 0; float32 by default.

    Raises
    ------
    ArgumentError
        When `prob` is not within [0, 1].
    """
    check_probabilities(raw(prob), "bernoulli")
    return _numpys("bernoulli", (prob,), size, dtype, lambda rng, s, n: rng.random(n) < s[0])


def _numpys(
    name: str, settings: tuple[Any, ...], size: Any, dtype: Any, sample: Any = None
) -> ndarray:
    settings, size = _whole(settings, size)
    return samples(name, settings, size, dtype, None, None, ndarray, sample)  # type: ignore[no-any-return]


def beta(a: Any, b: Any, size: Any = None, dtype: Any = None) -> ndarray:
    """Draw from the beta distribution."""
    return _numpys("beta", (a, b), size, dtype)


def chisquare(df: Any, size: Any = None, dtype: Any = None) -> ndarray:
    """Draw from the chi-squared distribution with `df` degrees of freedom."""
    return _numpys("chisquare", (df,), size, dtype)


def exponential(scale: Any = 1.0, size: Any = None, dtype: Any = None) -> ndarray:
    """Draw from the exponential distribution with mean `scale`."""
    return _numpys("exponential", (scale,), size, dtype)


def gamma(shape: Any, scale: Any = 1.0, size: Any = None, dtype: Any = None) -> ndarray:
    """Draw from the gamma distribution."""
    return _numpys("gamma", (shape, scale), size, dtype)


def gumbel(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, dtype: Any = None) -> ndarray:
    """Draw from the Gumbel distribution."""
    return _numpys("gumbel", (loc, scale), size, dtype)


def laplace(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, dtype: Any = None) -> ndarray:
    """Draw from the Laplace distribution."""
    return _numpys("laplace", (loc, scale), size, dtype)


def logistic(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, dtype: Any = None) -> ndarray:
    """Draw from the logistic distribution."""
    return _numpys("logistic", (loc, scale), size, dtype)


def lognormal(mean: Any = 0.0, sigma: Any = 1.0, size: Any = None, dtype: Any = None) -> ndarray:
    """Draw from the exponential of the normal distribution."""
    return _numpys("lognormal", (mean, sigma), size, dtype)


def pareto(a: Any, size: Any = None, dtype: Any = None) -> ndarray:
    """Draw from the Pareto II (Lomax) distribution."""
    return _numpys("pareto", (a,), size, dtype)


def poisson(lam: Any = 1.0, size: Any = None, dtype: Any = None) -> ndarray:
    """Draw counts of events of which `lam` are expected."""
    return _numpys("poisson", (lam,), size, dtype or "int64")


def power(a: Any, size: Any = None, dtype: Any = None) -> ndarray:
    """Draw from [0, 1] with density a x^(a - 1)."""
    return _numpys("power", (a,), size, dtype)


def rayleigh(scale: Any = 1.0, size: Any = None, dtype: Any = None) -> ndarray:
    """Draw from the Rayleigh distribution."""
    return _numpys("rayleigh", (scale,), size, dtype)


def weibull(a: Any, size: Any = None, dtype: Any = None) -> ndarray:
    """Draw from the Weibull distribution."""
    return _numpys("weibull", (a,), size, dtype)


__getattr__, __dir__ = surface(__name__)
