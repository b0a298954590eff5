"""Initializers by the names of Keras's classes, with its defaults. Weights here are (units, in_units)."""

from __future__ import annotations

from typing import Any

from glueball.base import ArgumentError
from glueball.init._check import number
from glueball.init._constant import One, Zero
from glueball.init._random import Normal, Uniform
from glueball.init._registry import register
from glueball.init._scaling import VarianceScaling
from glueball.init._scaling_rules import LeCunNormal, LeCunUniform

__all__ = [
    "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Ones",
    "RandomNormal", "RandomUniform", "Zeros",
]  # fmt: skip

Zeros = Zero
Ones = One


def _refuse_seed(owner: str, seed: Any) -> None:
    if seed is not None:
        message = (
            f"expected no seed for {owner}, found {seed!r}; call glueball.random.seed: a parameter's values "
            "come from that seed, its place in the net and the number of the initialize() call"
        )
        raise ArgumentError(message)


class _Scaled(VarianceScaling):
    _rule: tuple[float, str, str]

    def __init__(self, seed: None = None) -> None:
        _refuse_seed(type(self).__name__, seed)
        self._scale(*self._rule, {})


@register
class GlorotUniform(_Scaled):
    """Draws from U(-L, L), L = sqrt(6 / (fan_in + fan_out)): `XavierUniform`."""

    _rule = 1.0, "fan_avg", "uniform"


@register
class GlorotNormal(_Scaled):
    """Draws from a cut normal of variance 2 / (fan_in + fan_out): ``XavierNormal(truncated=True)``."""

    _rule = 1.0, "fan_avg", "truncated_normal"


@register
class HeUniform(_Scaled):
    """Draws from U(-L, L), L = sqrt(6 / fan_in): `KaimingUniform`."""

    _rule = 2.0, "fan_in", "uniform"


@register
class HeNormal(_Scaled):
    """Draws from a cut normal of variance 2 / fan_in: ``KaimingNormal(truncated=True)``."""

    _rule = 2.0, "fan_in", "truncated_normal"


class LecunUniform(LeCunUniform):
    """Draws from U(-L, L), L = sqrt(3 / fan_in): `LeCunUniform`, whose registered name reads the same."""

    def __init__(self, seed: None = None) -> None:
        _refuse_seed("LecunUniform", seed)
        super().__init__()


class LecunNormal(LeCunNormal):
    """Draws from a cut normal of variance 1 / fan_in: ``LeCunNormal(truncated=True)``."""

    def __init__(self, seed: None = None) -> None:
        _refuse_seed("LecunNormal", seed)
        super().__init__(truncated=True)


@register
class RandomUniform(Uniform):
    """Draws from U(minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: None = None) -> None:
        _refuse_seed("RandomUniform", seed)
        low = number("RandomUniform", "minval", minval)
        high = number("RandomUniform", "maxval", maxval)
        self._build({"low": low, "high": high}, minval=low, maxval=high)


@register
class RandomNormal(Normal):
    """Draws from N(mean, stddev^2)."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: None = None) -> None:
        _refuse_seed("RandomNormal", seed)
        mean = number("RandomNormal", "mean", mean)
        stddev = number("RandomNormal", "stddev", stddev)
        self._build({"sigma": stddev, "mean": mean}, mean=mean, stddev=stddev)
