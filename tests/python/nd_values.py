"""What tests of `nd` compare with."""

from __future__ import annotations

import numpy as onp

from glueball import nd

A = onp.array([[1, -2, 3], [4, 5, -6]], onp.float32)


def same(actual, expected, dtype=onp.float32):
    assert isinstance(actual, nd.NDArray)
    assert actual.dtype == dtype
    assert actual.shape == onp.shape(expected)
    onp.testing.assert_array_equal(onp.asarray(actual), expected)


def close(actual, expected, rtol=1e-6):
    assert actual.shape == onp.shape(expected)
    onp.testing.assert_allclose(onp.asarray(actual), expected, rtol=rtol, atol=1e-7)


def read_only(array):
    """Return an array on the same memory that cannot be written to."""
    plain = onp.asarray(array)
    plain.flags.writeable = False
    return plain.view(type(array))
