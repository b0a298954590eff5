"""Draws from a distribution for each element of the parameters: MXNet's operators `sample_*`.

The result has the parameters' axes first, and then those of `shape`; the drawing is that of `nd.random`.
"""

from __future__ import annotations

from typing import Any

from glueball.nd import random
from glueball.nd._record import as_array

__all__ = [
    "random_exponential", "sample_exponential", "sample_gamma", "sample_generalized_negative_binomial",
    "sample_negative_binomial", "sample_normal", "sample_poisson", "sample_uniform",
]  # fmt: skip


def random_exponential(
    lam: float = 1,
    shape: Any = None,
    ctx: Any = None,
    dtype: Any = None,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Draw from the exponential distribution with *rate* `lam`: mean 1 / lam.

    `nd.random.exponential` takes the mean.
    """
    return random.exponential(1 / lam, shape, dtype, ctx, out)


def sample_uniform(
    low: Any,
    high: Any,
    shape: Any = None,
    dtype: Any = None,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Draw from [low, high), for each pair of elements.

    Parameters
    ----------
    low, high : NDArray
        The bounds.
    shape : int or tuple of int, optional
        Of the draws for each pair; one, without an axis of its own, by default.
    dtype : dtype, optional
        float32 by default.
    out : NDArray, optional
        Filled and returned.
    """
    return random.uniform(as_array(low), as_array(high), shape, dtype, out=out)


def sample_normal(
    mu: Any,
    sigma: Any,
    shape: Any = None,
    dtype: Any = None,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Draw from normal distributions with means `mu` and standard deviations `sigma`.

    Other parameters as for `sample_uniform`.
    """
    return random.normal(as_array(mu), as_array(sigma), shape, dtype, out=out)


def sample_gamma(
    alpha: Any,
    beta: Any,
    shape: Any = None,
    dtype: Any = None,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Draw from gamma distributions with shapes `alpha` and scales `beta`.

    Other parameters as for `sample_uniform`.
    """
    return random.gamma(as_array(alpha), as_array(beta), shape, dtype, out=out)


def sample_exponential(
    lam: Any, shape: Any = None, dtype: Any = None, out: Any = None, name: str | None = None
) -> Any:
    """Draw from exponential distributions with rates `lam`.

    Other parameters as for `sample_uniform`.
    """
    return random.exponential(1 / as_array(lam).detach(), shape, dtype, out=out)


def sample_poisson(
    lam: Any, shape: Any = None, dtype: Any = None, out: Any = None, name: str | None = None
) -> Any:
    """Draw counts of events of which `lam` are expected.

    Other parameters as for `sample_uniform`.
    """
    return random.poisson(as_array(lam), shape, dtype, out=out)


def sample_negative_binomial(
    k: Any, p: Any, shape: Any = None, dtype: Any = None, out: Any = None, name: str | None = None
) -> Any:
    """Draw numbers of failures before the k-th success, of probability `p`.

    Other parameters as for `sample_uniform`.
    """
    return random.negative_binomial(as_array(k), as_array(p), shape, dtype, out=out)


def sample_generalized_negative_binomial(
    mu: Any,
    alpha: Any,
    shape: Any = None,
    dtype: Any = None,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Draw counts with means `mu` and variances mu + alpha mu^2.

    Other parameters as for `sample_uniform`.
    """
    return random.generalized_negative_binomial(
        as_array(mu), as_array(alpha), shape, dtype, out=out
    )
