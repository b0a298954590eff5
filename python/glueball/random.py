"""The seed of all random numbers, and `mx.random`'s names for the draws of `nd.random`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueball import _core
from glueball._scope import surface
from glueball.base import ArgumentError
from glueball.nd.random import (
    bernoulli,
    exponential,
    gamma,
    generalized_negative_binomial,
    multinomial,
    negative_binomial,
    normal,
    poisson,
    randint,
    randn,
    shuffle,
    uniform,
)

if TYPE_CHECKING:
    from glueball.context import Context

__all__ = [
    "bernoulli", "exponential", "gamma", "generalized_negative_binomial", "multinomial",
    "negative_binomial", "normal", "poisson", "randint", "randn", "seed", "shuffle", "uniform",
]  # fmt: skip


def seed(seed_state: int, ctx: Context | str = "all") -> None:
    """Restart the random numbers of glueball: the same seed gives the same numbers.

    It governs `nd.random`, `np.random`, initializers and dropout, and nothing outside glueball; before
    the first call the seed is 0.

    Parameters
    ----------
    seed_state : int
        Any integer; taken modulo 2^64.
    ctx : Context or 'all'
        For Gluon's scripts: there is one generator.

    Raises
    ------
    ArgumentError
        When the seed is not an integer.
    """
    del ctx
    try:
        number = seed_state.__index__()
    except AttributeError as error:
        msg = f"expected an integer as the seed, found {seed_state!r}; pass an int"
        raise ArgumentError(msg) from error
    _core.seed(number % 2**64)


__getattr__, __dir__ = surface(__name__)
