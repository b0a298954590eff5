"""Random numbers: `nd.random`, which is `mx.random` too.

All draws come from one generator, which `glueball.random.seed` restarts, so a program repeats exactly.
While an initializer runs, they come from its parameter's own stream.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball._scope import surface
from glueball.base import ArgumentError
from glueball.nd._index import pick
from glueball.nd._keys import finish_selected
from glueball.nd._ndarray import NDArray
from glueball.nd._random import (
    check_probabilities,
    derived_generator,
    draw,
    fill_normal,
    fill_uniform,
    samples,
)
from glueball.nd._record import finish, is_array, raw, wrap

__all__ = [
    "bernoulli", "exponential", "exponential_like", "gamma", "gamma_like", "generalized_negative_binomial",
    "generalized_negative_binomial_like", "multinomial", "negative_binomial", "negative_binomial_like", "normal",
    "normal_like", "poisson", "poisson_like", "randint", "randn", "shuffle", "uniform", "uniform_like",
]  # fmt: skip


def _check_no_more(kwargs: dict[str, Any], name: str) -> None:
    if kwargs:
        msg = f"expected only documented settings for '{name}', found {', '.join(kwargs)}; remove them"
        raise ArgumentError(msg)


def uniform(
    low: Any = 0,
    high: Any = 1,
    shape: Any = None,
    dtype: Any = None,
    ctx: Any = None,
    out: Any = None,
    name: str | None = None,
    **kwargs: Any,
) -> NDArray:
    """Draw from the uniform distribution on [low, high).

    Parameters
    ----------
    low, high : float or NDArray, default 0 and 1
        The bounds; arrays give `shape` draws for each of their elements.
    shape : int or tuple of int, optional
        (1,) by default.
    dtype : {'float32', 'float64'}, optional
        float32 by default.
    ctx : Context, optional
        A CPU.
    out : NDArray, optional
        Filled and returned.

    Raises
    ------
    ShapeError
        When `out` and `shape` disagree.
    ArgumentError
        When a bound is not finite.
    """
    _check_no_more(kwargs, "uniform")
    return draw(fill_uniform, (low, high), shape, dtype, ctx, out, NDArray, "uniform")  # type: ignore[no-any-return]


def _fill_normal(out: Any, loc: float, scale: float) -> None:
    if not scale > 0:
        msg = f"expected scale > 0 for normal, found {scale}; it is the standard deviation"
        raise ArgumentError(msg)
    fill_normal(out, loc, scale)


def normal(
    loc: Any = 0,
    scale: Any = 1,
    shape: Any = None,
    dtype: Any = None,
    ctx: Any = None,
    out: Any = None,
    name: str | None = None,
    **kwargs: Any,
) -> NDArray:
    """Draw from the normal distribution with mean `loc` and standard deviation `scale`.

    Parameters as for `uniform`.

    Raises
    ------
    ArgumentError
        When `scale` is not positive.
    """
    _check_no_more(kwargs, "normal")
    return draw(_fill_normal, (loc, scale), shape, dtype, ctx, out, NDArray, "normal")  # type: ignore[no-any-return]


def randn(
    *shape: int, loc: float = 0, scale: float = 1, name: str | None = None, **kwargs: Any
) -> NDArray:
    """Draw as `normal`, with the shape as separate numbers."""
    return normal(loc, scale, shape or None, **kwargs)


def randint(
    low: int,
    high: int | None = None,
    shape: Any = None,
    dtype: Any = None,
    ctx: Any = None,
    out: Any = None,
    name: str | None = None,
) -> NDArray:
    """Draw integers from [low, high), or [0, low) without `high`; int32 by default.

    Other parameters as for `uniform`; `dtype` may be any integer type.

    Raises
    ------
    ArgumentError
        When the range is empty.
    """
    first, last = (0, low) if high is None else (low, high)
    return samples(  # type: ignore[no-any-return]
        "randint", (int(first), int(last)), shape, dtype or "int32", ctx, out, NDArray,
        lambda rng, s, size: rng.integers(s[0], s[1], size),
    )  # fmt: skip


def exponential(
    scale: Any = 1,
    shape: Any = None,
    dtype: Any = None,
    ctx: Any = None,
    out: Any = None,
    name: str | None = None,
) -> NDArray:
    """Draw from the exponential distribution with mean `scale`; other parameters as for `uniform`.

    Raises
    ------
    ArgumentError
        When `scale` is negative.
    """
    return samples("exponential", (scale,), shape, dtype, ctx, out, NDArray)  # type: ignore[no-any-return]


def gamma(
    alpha: Any = 1,
    beta: Any = 1,
    shape: Any = None,
    dtype: Any = None,
    ctx: Any = None,
    out: Any = None,
    name: str | None = None,
) -> NDArray:
    """Draw from the gamma distribution with shape `alpha` and scale `beta` (mean alpha beta).

    Other parameters as for `uniform`.

    Raises
    ------
    ArgumentError
        When one of the two is negative.
    """
    return samples("gamma", (alpha, beta), shape, dtype, ctx, out, NDArray)  # type: ignore[no-any-return]


def poisson(
    lam: Any = 1,
    shape: Any = None,
    dtype: Any = None,
    ctx: Any = None,
    out: Any = None,
    name: str | None = None,
) -> NDArray:
    """Draw counts of events of which `lam` are expected, as floats; other parameters as for `uniform`.

    Raises
    ------
    ArgumentError
        When `lam` is negative.
    """
    return samples("poisson", (lam,), shape, dtype, ctx, out, NDArray)  # type: ignore[no-any-return]


def negative_binomial(
    k: Any = 1,
    p: Any = 1,
    shape: Any = None,
    dtype: Any = None,
    ctx: Any = None,
    out: Any = None,
    name: str | None = None,
) -> NDArray:
    """Draw numbers of failures before the k-th success, of probability `p`, as floats; others as for `uniform`.

    Raises
    ------
    ArgumentError
        When `k` is not positive, or `p` not within (0, 1].
    """
    return samples("negative_binomial", (k, p), shape, dtype, ctx, out, NDArray)  # type: ignore[no-any-return]


def generalized_negative_binomial(
    mu: Any = 1,
    alpha: Any = 1,
    shape: Any = None,
    dtype: Any = None,
    ctx: Any = None,
    out: Any = None,
    name: str | None = None,
) -> NDArray:
    """Draw counts with mean `mu` and variance mu + alpha mu^2: a Poisson of a gamma, as floats.

    Other parameters as for `uniform`.

    Raises
    ------
    ArgumentError
        When one of the two is negative.
    """

    def sample(rng: np.random.Generator, s: tuple[Any, ...], size: tuple[int, ...]) -> Any:
        mean, spread = s
        rate = np.where(
            np.equal(spread, 0),
            mean,
            rng.gamma(1 / np.maximum(spread, 1e-30), np.asarray(mean) * spread, size),
        )
        return rng.poisson(rate, size)

    return samples(  # type: ignore[no-any-return]
        "generalized_negative_binomial", (mu, alpha), shape, dtype, ctx, out, NDArray, sample
    )


def bernoulli(
    prob: Any = 0.5,
    shape: Any = None,
    dtype: Any = None,
    ctx: Any = None,
    out: Any = None,
    name: str | None = None,
) -> NDArray:
    """Draw 1 with probability `prob`, else 0, as floats; other parameters as for `uniform`.

    Raises
    ------
    ArgumentError
        When `prob` is not within [0, 1].
    """
    check_probabilities(raw(prob), "bernoulli")
    return samples(  # type: ignore[no-any-return]
        "bernoulli", (prob,), shape, dtype, ctx, out, NDArray,
        lambda rng, s, size: rng.random(size) < s[0],
    )  # fmt: skip


def multinomial(
    data: Any,
    shape: Any = None,
    get_prob: bool = False,
    out: Any = None,
    dtype: Any = "int32",
    name: str | None = None,
) -> Any:
    """Draw numbers of classes with the probabilities in `data`.

    Parameters
    ----------
    data : NDArray
        Probabilities, shape (classes,) or (batch, classes); each row sums to 1.
    shape : int or tuple, optional
        How many draws for each row; one, without an axis of its own, by default.
    get_prob : bool, default False
        Also return the logarithms of the probabilities of what was drawn, with a gradient.
    out : NDArray, optional
        Filled and returned.
    dtype : dtype, default 'int32'
        Of the numbers.

    Raises
    ------
    ArgumentError
        When a row does not hold probabilities.
    """
    p = raw(data).astype(np.float64)
    totals = p.sum(axis=-1)
    if p.ndim == 0 or (p < 0).any() or not np.allclose(totals, 1, atol=1e-3):
        msg = (
            f"expected probabilities that sum to 1 along the last axis for multinomial, found sums "
            f"{np.atleast_1d(totals)[:5]} in shape {p.shape}; apply softmax first"
        )
        raise ArgumentError(msg)
    inner = (
        () if shape is None else (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    )
    rows = p.reshape((-1, p.shape[-1]))
    edges = np.cumsum(rows, axis=-1) / rows.sum(axis=-1, keepdims=True)
    draws = derived_generator().random((len(rows), int(np.prod(inner))))
    found = np.stack(
        [np.searchsorted(e, d, side="right") for e, d in zip(edges, draws, strict=True)]
    )
    found = np.minimum(found, p.shape[-1] - 1)
    values = found.reshape(p.shape[:-1] + inner).astype(dtype)
    result = finish(values, (data,), None, "multinomial", out)
    if not get_prob:
        return result
    # Rows side by side, one element picked for each draw: the gradient reaches `data`.
    source = data if is_array(data) else wrap(p.astype(np.float32), NDArray)
    table = source if p.ndim == 2 else source.reshape((-1, p.shape[-1]))
    repeated = table.repeat(found.shape[1], axis=0)
    logs = pick(repeated, found.reshape(-1)).log()
    return [result, logs.reshape(result.shape)]


def shuffle(data: Any, out: Any = None, name: str | None = None) -> Any:
    """Return a copy with the slices along the first axis in random order."""
    order = derived_generator().permutation(len(raw(data)))
    return finish_selected((data,), order, "shuffle", out)


def uniform_like(
    data: Any, low: float = 0, high: float = 1, out: Any = None, name: str | None = None
) -> NDArray:
    """Draw as `uniform`, with the shape and dtype of `data`."""
    return uniform(low, high, data.shape, data.dtype, out=out)


def normal_like(
    data: Any, loc: float = 0, scale: float = 1, out: Any = None, name: str | None = None
) -> NDArray:
    """Draw as `normal`, with the shape and dtype of `data`."""
    return normal(loc, scale, data.shape, data.dtype, out=out)


def exponential_like(
    data: Any, lam: float = 1, out: Any = None, name: str | None = None
) -> NDArray:
    """Draw as `exponential` with mean 1 / lam, with the shape and dtype of `data`."""
    return exponential(1 / lam, data.shape, data.dtype, out=out)


def gamma_like(
    data: Any, alpha: float = 1, beta: float = 1, out: Any = None, name: str | None = None
) -> NDArray:
    """Draw as `gamma`, with the shape and dtype of `data`."""
    return gamma(alpha, beta, data.shape, data.dtype, out=out)


def poisson_like(data: Any, lam: float = 1, out: Any = None, name: str | None = None) -> NDArray:
    """Draw as `poisson`, with the shape and dtype of `data`."""
    return poisson(lam, data.shape, data.dtype, out=out)


def negative_binomial_like(
    data: Any, k: float = 1, p: float = 1, out: Any = None, name: str | None = None
) -> NDArray:
    """Draw as `negative_binomial`, with the shape and dtype of `data`."""
    return negative_binomial(k, p, data.shape, data.dtype, out=out)


def generalized_negative_binomial_like(
    data: Any, mu: float = 1, alpha: float = 1, out: Any = None, name: str | None = None
) -> NDArray:
    """Draw as `generalized_negative_binomial`, with the shape and dtype of `data`."""
    return generalized_negative_binomial(mu, alpha, data.shape, data.dtype, out=out)


__getattr__, __dir__ = surface(__name__)
