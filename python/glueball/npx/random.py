"""Random numbers that NumPy has no function for: `mx.npx.random`."""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball._scope import surface
from glueball.base import ArgumentError
from glueball.nd._creation import resolve_shape
from glueball.nd._record import raw
from glueball.np import ndarray
from glueball.np import random as np_random
from glueball.random import seed

__all__ = ["bernoulli", "normal_n", "seed", "uniform_n"]


def bernoulli(
    prob: Any = None,
    logit: Any = None,
    size: Any = None,
    dtype: Any = None,
    ctx: Any = None,
    out: Any = None,
) -> Any:
    """Draw 1 with a probability, else 0; float32 by default.

    Parameters
    ----------
    prob : float or ndarray, optional
        The probability.
    logit : float or ndarray, optional
        log(prob / (1 - prob)), in place of `prob`.
    size : int or tuple of int, optional
        Shape of the result; by default that of the parameter.
    dtype : dtype, optional
        Of the result.
    ctx : Context, optional
        A CPU.
    out : ndarray, optional
        Filled and returned.

    Raises
    ------
    ArgumentError
        When both or neither of `prob` and `logit` are given, or `prob` is not within [0, 1].
    """
    del ctx
    if (prob is None) == (logit is None):
        msg = f"expected either prob or logit for bernoulli, found prob={prob} and logit={logit}; give one"
        raise ArgumentError(msg)
    if prob is None:
        prob = 1 / (1 + np.exp(-raw(logit).astype(np.float64)))
    made = np_random.bernoulli(prob if raw(prob).ndim else float(prob), size, dtype)
    if out is None:
        return made
    out[...] = made
    return out


def uniform_n(
    low: Any = 0.0, high: Any = 1.0, batch_shape: Any = None, dtype: Any = None, ctx: Any = None
) -> ndarray:
    """Draw from [low, high), of the shape `batch_shape` and then that to which the bounds broadcast."""
    return np_random.uniform(low, high, _full_shape(batch_shape, low, high), dtype, ctx)


def normal_n(
    loc: Any = 0.0, scale: Any = 1.0, batch_shape: Any = None, dtype: Any = None, ctx: Any = None
) -> ndarray:
    """Draw from normal distributions; shapes as for `uniform_n`."""
    return np_random.normal(loc, scale, _full_shape(batch_shape, loc, scale), dtype, ctx)


def _full_shape(batch_shape: Any, first: Any, second: Any) -> tuple[int, ...]:
    own = np.broadcast_shapes(np.shape(first), np.shape(second))
    lead = () if batch_shape is None else resolve_shape(batch_shape, "batch_shape")
    return (*lead, *own)


__getattr__, __dir__ = surface(__name__)
