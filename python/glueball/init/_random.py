"""Initializers that draw every element from one distribution, whatever the shape."""

from __future__ import annotations

import math
from typing import Any

from glueball import _core
from glueball.init._base import Initializer
from glueball.init._check import number, optional_number, word
from glueball.init._registry import alias, name_factory, register

__all__ = ["Normal", "Sparse", "TruncatedNormal", "Uniform"]


@register
class Uniform(_core.Uniform, Initializer):
    r"""Draws from a uniform distribution, by default :math:`U(-0.07, 0.07)`.

    This is what `initialize()` uses when nothing is said.

    Parameters
    ----------
    scale : float, default 0.07
        Draws from :math:`U(-scale, scale)`.
    low, high : float, optional
        The bounds, in place of ``-scale`` and ``scale``. `high` itself is never drawn.

    Raises
    ------
    ArgumentError
        When `scale` is negative, `low` is above `high`, or one of them is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = np.empty((3, 4), "float32")
    >>> init.Uniform(low=5, high=10)("dense0_weight", weight)
    >>> bool(weight.min() >= 5 and weight.max() < 10)
    True
    """

    def __init__(
        self, scale: float = 0.07, low: float | None = None, high: float | None = None
    ) -> None:
        scale = number("Uniform", "scale", scale)
        low = optional_number("Uniform", "low", low)
        high = optional_number("Uniform", "high", high)
        bounds_given = low is not None and high is not None
        self._build(
            {"scale": scale, "low": low, "high": high},
            scale=None if bounds_given else scale,
            low=low,
            high=high,
        )

    def _moments(self, name: str, shape: tuple[int, ...]) -> tuple[float, float]:
        native: Any = self._native
        scale = native.get("scale", 0.0)
        low, high = native["low"], native["high"]
        low, high = -scale if low is None else low, scale if high is None else high
        return (low + high) / 2, (high - low) ** 2 / 12


@alias("gaussian")
@register
class Normal(_core.Normal, Initializer):
    r"""Draws from a normal distribution, :math:`N(mean, sigma^2)`.

    Parameters
    ----------
    sigma : float, default 0.01
        Standard deviation.
    mean : float, default 0.0
        Mean.

    Raises
    ------
    ArgumentError
        When `sigma` is negative, or one of the two is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = np.empty((100, 100), "float32")
    >>> init.Normal(0.5)("dense0_weight", weight)
    >>> round(float(weight.std()), 1)
    0.5
    """

    def __init__(self, sigma: float = 0.01, mean: float = 0.0) -> None:
        sigma = number("Normal", "sigma", sigma)
        mean = number("Normal", "mean", mean)
        self._build({"sigma": sigma, "mean": mean}, sigma=sigma, mean=mean or None)

    def _moments(self, name: str, shape: tuple[int, ...]) -> tuple[float, float]:
        native: Any = self._native
        return native["mean"], native["sigma"] ** 2


@alias("truncated_normal")
@register
class TruncatedNormal(_core.TruncatedNormal, Initializer):
    r"""Draws from a normal distribution that is cut off at both sides.

    Parameters
    ----------
    sigma : float, default 0.01
        Standard deviation of the normal before it is cut; what remains has less: 0.88 `sigma` when
        it is cut at two.
    mean : float, default 0.0
        Mean before the cut.
    low, high : float, default -2.0 and 2.0
        Where to cut.
    cut : {'sigma', 'value'}, default 'sigma'
        Whether `low` and `high` count sigmas from the mean (Keras, JAX), or are values (PyTorch and
        PaddlePaddle, where a small sigma with the default cut is not cut at all).
    correct : bool, default False
        Divide `sigma` by the standard deviation of the cut unit normal, so that what remains has
        standard deviation `sigma`.

    Raises
    ------
    ArgumentError
        When `sigma` is negative, `low` is not below `high`, or a setting is not finite or unknown.

    References
    ----------
    C. Robert, "Simulation of truncated normal variables", Statistics and Computing 5 (1995), for
    the distribution; drawn here by the inverse of its cumulative distribution.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = np.empty((100, 100), "float32")
    >>> init.TruncatedNormal(0.5)("dense0_weight", weight)
    >>> bool(abs(weight).max() <= 1)
    True
    """

    def __init__(
        self,
        sigma: float = 0.01,
        mean: float = 0.0,
        low: float = -2.0,
        high: float = 2.0,
        cut: str = "sigma",
        correct: bool = False,
    ) -> None:
        settings = {
            "sigma": number("TruncatedNormal", "sigma", sigma),
            "mean": number("TruncatedNormal", "mean", mean),
            "low": number("TruncatedNormal", "low", low),
            "high": number("TruncatedNormal", "high", high),
            "cut": word("TruncatedNormal", "cut", cut),
            "correct": bool(correct),
        }
        self._build(settings, **settings)

    def _moments(self, name: str, shape: tuple[int, ...]) -> tuple[float, float]:
        native: Any = self._native
        sigma, mean, low, high = (native[each] for each in ("sigma", "mean", "low", "high"))
        if native["cut"] == "value":
            if native["correct"] or sigma == 0:
                return super()._moments(name, shape)  # a search finds the uncut sigma
            low, high = (low - mean) / sigma, (high - mean) / sigma
        shift, share = _cut_normal(low, high)
        if native["correct"]:
            return mean + sigma / math.sqrt(share) * shift, sigma**2
        return mean + sigma * shift, sigma**2 * share


@register
class Sparse(_core.Sparse, Initializer):
    r"""Draws a matrix from :math:`N(0, sigma^2)`, with zeros at random places of each column.

    Parameters
    ----------
    sparsity : float
        Share of zeros, from 0 to 1: each column of n elements gets ``ceil(sparsity * n)``.
    sigma : float, default 0.01
        Standard deviation of what is not zero.
    per : {'column', 'row'}, default 'column'
        Along which lines zeros are counted.

    Raises
    ------
    ArgumentError
        When `sparsity` is outside 0 to 1, `sigma` is negative or not finite, or `per` is another
        word.
    ShapeError
        When it fills an array that has not two axes.

    References
    ----------
    J. Martens, "Deep learning via Hessian-free optimization", ICML 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from glueball import init
    >>> weight = np.empty((10, 4), "float32")
    >>> init.Sparse(0.75)("dense0_weight", weight)
    >>> (weight == 0).sum(axis=0)
    array([8, 8, 8, 8])
    """

    def __init__(self, sparsity: float, sigma: float = 0.01, per: str = "column") -> None:
        settings = {
            "sparsity": number("Sparse", "sparsity", sparsity),
            "sigma": number("Sparse", "sigma", sigma),
            "per": word("Sparse", "per", per),
        }
        self._build(settings, **settings)

    def _moments(self, name: str, shape: tuple[int, ...]) -> tuple[float, float]:
        if len(shape) != 2 or 0 in shape:
            return super()._moments(name, shape)
        length = shape[0 if self.per == "column" else 1]
        return 0.0, self.sigma**2 * (1 - math.ceil(self.sparsity * length) / length)


def _cut_normal(low: float, high: float) -> tuple[float, float]:
    """Return mean and variance of the unit normal cut at `low` and `high`: Johnson and Kotz 1970, ch. 13."""
    if low > 0:  # in the left tail, differences of the distribution function are exact
        mean, variance = _cut_normal(-high, -low)
        return -mean, variance
    root = math.sqrt(2)
    mass = (math.erfc(-high / root) - math.erfc(-low / root)) / 2
    density_low, density_high = (math.exp(-z * z / 2) / math.sqrt(2 * math.pi) for z in (low, high))
    mean = (density_low - density_high) / mass
    return mean, 1 + (low * density_low - high * density_high) / mass - mean * mean


# Names of other systems, with the defaults that they have there.
name_factory("random_uniform", Uniform, low=-0.05, high=0.05)
name_factory("random_normal", Normal, sigma=0.05)
name_factory("trunc_normal", TruncatedNormal, sigma=1.0, cut="value")
