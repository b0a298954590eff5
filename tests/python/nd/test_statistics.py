"""Histograms and moments."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import nd

X = onp.array([[1, 2, 3], [4, 5, 6]], onp.float32)


@pytest.mark.parametrize(
    "settings", [{}, {"bins": 3}, {"bins": 3, "range": (0, 6)}, {"bins": onp.array([0.0, 2, 4, 6])}]
)
def test_histogram_is_numpys(settings):
    arguments = {
        k: nd.array(v) if k == "bins" and k != "range" and not isinstance(v, int) else v
        for k, v in settings.items()
    }

    counts, bounds = nd.histogram(nd.array(X), **arguments)

    expected = onp.histogram(X, **settings)
    assert counts.dtype == onp.int64
    assert bounds.dtype == onp.float32
    onp.testing.assert_array_equal(counts.asnumpy(), expected[0])
    onp.testing.assert_allclose(bounds.asnumpy(), expected[1], rtol=1e-6)


def test_histogram_needs_ascending_bounds():
    with pytest.raises(ValueError, match="ascending bounds for histogram"):
        nd.histogram(nd.array(X), nd.array([2, 1]))


def test_moments_need_an_axis():
    with pytest.raises(ValueError, match="at least one axis for moments"):
        nd.moments(nd.array(X), axes=())
