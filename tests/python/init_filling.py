"""What the initializers' tests share."""

from __future__ import annotations

import numpy as np

from glueball import _core

SEED = 20240229


def fill(initializer, shape, name="dense0_weight", dtype="float32", seed=SEED):
    """Return a new array, filled by `initializer` from a default generator seeded with `seed`."""
    _core.seed(seed)
    array = np.full(shape, np.nan, dtype)
    initializer(name, array)
    return array


def assert_moments(sample, distribution):
    """Mean and variance lie within five standard errors of those of a SciPy distribution."""
    n = sample.size
    mean, variance, _, excess = (float(each) for each in distribution.stats("mvsk"))
    sample = sample.astype(np.float64).ravel()
    # Rounding to float32 moves a value by up to 6e-8 of itself.
    assert abs(sample.mean() - mean) < 5 * np.sqrt(variance / n) + 1e-7 * abs(mean)
    assert abs(sample.var() / variance - 1) < 5 * np.sqrt((excess + 2) / n)
