"""Helpers for training loops."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import nd
from glueball.base import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["clip_global_norm"]


def clip_global_norm(arrays: Sequence[nd.NDArray], max_norm: float, check_isfinite: bool = True) -> Any:
    """Scale arrays in place so that their common 2-norm is at most `max_norm`.

    Parameters
    ----------
    arrays : sequence of NDArray
        Usually gradients: ``[p.grad() for p in net.collect_params().values()]``.
    max_norm : float
        The largest norm allowed.
    check_isfinite : bool, default True
        Warn if the norm is NaN or infinite. (In either case the arrays are left as they are then.)

    Returns
    -------
    float or NDArray
        The norm before; without `check_isfinite` an NDArray of shape (1,), as in Gluon.

    Raises
    ------
    AssertionError
        If there are no arrays.
    """
    if not arrays:
        message = "expected at least one array to clip, found none; pass the gradients"
        raise ArgumentError(message)
    # In float64: the squares of large float32 gradients overflow.
    flat = [np.asarray(array, dtype=np.float64).ravel() for array in arrays]
    norm = math.sqrt(math.fsum(float(np.vdot(each, each)) for each in flat))
    if check_isfinite and not math.isfinite(norm):
        warnings.warn(
            "nan or inf is detected. Clipping results will be undefined.", stacklevel=2
        )
    scale = max_norm / (norm + 1e-8)
    if scale < 1.0 and math.isfinite(norm):
        for array in arrays:
            array *= scale
    return norm if check_isfinite else nd.array([norm])
