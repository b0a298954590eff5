"""Densities and probabilities of the distributions that `nd.random` draws from.

Composed of differentiable functions, so they have gradients by samples and by parameters; those with a
gamma function in them, once.
"""

from __future__ import annotations

import math
from typing import Any

from glueball.base import ShapeError
from glueball.nd._elementwise import exp, gammaln, log, square
from glueball.nd._pairs import where
from glueball.nd._record import as_array, raw
from glueball.nd._reduction import sum as sum_
from glueball.nd._shape import reshape

__all__ = [
    "random_pdf_dirichlet", "random_pdf_exponential", "random_pdf_gamma",
    "random_pdf_generalized_negative_binomial", "random_pdf_negative_binomial", "random_pdf_normal",
    "random_pdf_poisson", "random_pdf_uniform",
]  # fmt: skip


def _spread(sample: Any, parameters: tuple[Any, ...], name: str, inner: int = 0) -> list[Any]:
    """Return arrays of the sample and its parameters, with axes of length 1 for the draws from each distribution.

    Parameters
    ----------
    sample : NDArray
        Shape (distributions..., draws..., and `inner` axes that belong to one draw).
    parameters : tuple of NDArray
        Shape (distributions..., inner...).

    Raises
    ------
    ShapeError
        When a parameter's axes are not the first of the sample.
    """
    x = as_array(sample)
    made = [x]
    for each in parameters:
        own = as_array(each)
        lead = own.ndim - inner
        tail = own.shape[lead:]
        if lead < 0 or own.shape[:lead] != x.shape[:lead] or tail != x.shape[x.ndim - inner :]:
            msg = (
                f"expected parameters of 'random_pdf_{name}' with the first axes of the sample, found "
                f"{own.shape} for a sample of shape {x.shape}; in the sample, axes of draws follow them"
            )
            raise ShapeError(msg)
        made.append(reshape(own, own.shape[:lead] + (1,) * (x.ndim - own.ndim) + tail))
    return made


def _density(logarithm: Any, is_log: bool, out: Any) -> Any:
    result = logarithm if is_log else exp(logarithm)
    if out is None:
        return result
    out[:] = result
    return out


def random_pdf_uniform(
    sample: Any, low: Any, high: Any, is_log: bool = False, out: Any = None, name: str | None = None
) -> Any:
    """Compute the density of the uniform distribution on [low, high]; 0 outside.

    Parameters
    ----------
    sample : NDArray
        Shape (distributions..., draws...).
    low, high : NDArray
        One element for each distribution: their shape is the beginning of that of `sample`.
    is_log : bool, default False
        Return the logarithm.
    out : NDArray, optional
        Gets the values and is returned.

    Raises
    ------
    ShapeError
        When the shapes do not fit.
    """
    x, a, b = _spread(sample, (low, high), "uniform")
    inside = (raw(x) >= raw(a)) & (raw(x) <= raw(b))
    base = 0 * x - log(b - a)
    return _density(where(as_array(inside), base, -math.inf), is_log, out)


def random_pdf_normal(
    sample: Any, mu: Any, sigma: Any, is_log: bool = False, out: Any = None, name: str | None = None
) -> Any:
    """Compute the density of the normal distribution with mean `mu` and standard deviation `sigma`.

    Other parameters as for `random_pdf_uniform`.
    """
    x, m, s = _spread(sample, (mu, sigma), "normal")
    return _density(-square((x - m) / s) / 2 - log(s) - math.log(2 * math.pi) / 2, is_log, out)


def random_pdf_gamma(
    sample: Any,
    alpha: Any,
    beta: Any,
    is_log: bool = False,
    out: Any = None,
    name: str | None = None,
) -> Any:
    """Compute the density at positive numbers of the gamma distribution with shape `alpha` and *rate* `beta`.

    The mean is alpha / beta, while `nd.random.gamma` takes a scale: MXNet has it so. Other parameters as
    for `random_pdf_uniform`.
    """
    x, a, b = _spread(sample, (alpha, beta), "gamma")
    return _density(a * log(b) + (a - 1) * log(x) - b * x - gammaln(a), is_log, out)


def random_pdf_exponential(
    sample: Any, lam: Any, is_log: bool = False, out: Any = None, name: str | None = None
) -> Any:
    """Compute the density at numbers from 0 of the exponential distribution with rate `lam`.

    Other parameters as for `random_pdf_uniform`.
    """
    x, rate = _spread(sample, (lam,), "exponential")
    return _density(log(rate) - rate * x, is_log, out)


def random_pdf_poisson(
    sample: Any, lam: Any, is_log: bool = False, out: Any = None, name: str | None = None
) -> Any:
    """Compute the probability of counts of events of which `lam` are expected.

    Other parameters as for `random_pdf_uniform`.
    """
    x, rate = _spread(sample, (lam,), "poisson")
    return _density(x * log(rate) - rate - gammaln(x + 1), is_log, out)


def random_pdf_negative_binomial(
    sample: Any, k: Any, p: Any, is_log: bool = False, out: Any = None, name: str | None = None
) -> Any:
    """Compute the probability of counts of failures before the k-th success, of probability `p` below 1.

    Other parameters as for `random_pdf_uniform`.
    """
    x, n, success = _spread(sample, (k, p), "negative_binomial")
    return _density(_negative_binomial(x, n, success), is_log, out)


def random_pdf_generalized_negative_binomial(
    sample: Any, mu: Any, alpha: Any, is_log: bool = False, out: Any = None, name: str | None = None
) -> Any:
    """Compute the probability of counts with mean `mu` and variance mu + alpha mu^2, alpha above 0.

    The negative binomial with k = 1 / alpha and p = 1 / (1 + mu alpha). Other parameters as for
    `random_pdf_uniform`.
    """
    x, m, a = _spread(sample, (mu, alpha), "generalized_negative_binomial")
    return _density(_negative_binomial(x, 1 / a, 1 / (1 + m * a)), is_log, out)


def _negative_binomial(x: Any, k: Any, p: Any) -> Any:
    return gammaln(x + k) - gammaln(x + 1) - gammaln(k) + k * log(p) + x * log(1 - p)


def random_pdf_dirichlet(
    sample: Any, alpha: Any, is_log: bool = False, out: Any = None, name: str | None = None
) -> Any:
    """Compute the density of the Dirichlet distribution: `sample` has positive shares along its last axis.

    Parameters
    ----------
    sample : NDArray
        Shape (distributions..., draws..., classes).
    alpha : NDArray
        Shape (distributions..., classes).
    is_log, out
        As for `random_pdf_uniform`.
    """
    x, a = _spread(sample, (alpha,), "dirichlet", inner=1)
    constant = gammaln(sum_(a, axis=-1)) - sum_(gammaln(a), axis=-1)
    logs = sum_((a - 1) * log(x), axis=-1)
    # The constant of a single distribution has one axis of length 1 in place of none, which broadcasts.
    return _density(logs + constant, is_log, out)
