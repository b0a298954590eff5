"""Every initializer's mean and variance: against SciPy, formulas, and what it fills."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import glueball as mx
from glueball import init

SHAPE = (400, 300)


class Mine(init.Initializer):
    def _init_weight(self, name, arr):
        arr[...] = mx.nd.random.uniform(1, 3, arr.shape)


def truncated(low, high, mean=0.0, sigma=1.0):
    return stats.truncnorm(low, high, mean, sigma)


EXPECTED = [
    (init.Zero(), 0, 0),
    (init.Constant(2.5), 2.5, 0),
    (init.Constant(np.arange(300)), 149.5, (300**2 - 1) / 12),
    (init.Uniform(0.3), 0, 0.3**2 / 3),
    (init.Uniform(low=2, high=5), 3.5, 9 / 12),
    (init.RandomUniform(1, 2), 1.5, 1 / 12),
    (init.Normal(0.2, 1), 1, 0.04),
    (init.TruncatedNormal(0.5), 0, truncated(-2, 2, 0, 0.5).var()),
    (init.TruncatedNormal(0.5, 1, -1, 3), *truncated(-1, 3, 1, 0.5).stats("mv")),
    (init.TruncatedNormal(1, 0, 3, 4), *truncated(3, 4).stats("mv")),
    (init.TruncatedNormal(2, 0.5, -1, 3, cut="value"), *truncated(-0.75, 1.25, 0.5, 2).stats("mv")),
    (init.TruncatedNormal(0.5, correct=True), 0, 0.25),
    (init.Sparse(0.333, 2.0), 0, 4 * (1 - 134 / 400)),
    (init.Xavier(), 0, 1 / 350),
    (init.Xavier("gaussian", "in", 2), 0, 2 / 300),
    (init.MSRAPrelu(slope=0), 0, 2 / 350),
    (init.KaimingUniform(), 0, 2 / 300),
    (init.LeCunNormal(), 0, 1 / 300),
    (init.Orthogonal(2.0), 0, 4 / 400),
    (init.Identity(3.0), 3 * 300 / 120000, 9 / 400 - (3 / 400) ** 2),
]  # fmt: skip


@pytest.mark.parametrize(("initializer", "mean", "variance"), EXPECTED, ids=lambda x: str(x)[:40])
def test_moments_follow_the_formula_and_what_is_filled(initializer, mean, variance):
    mx.random.seed(5)
    values = np.empty(SHAPE)
    initializer("weight", values)

    assert initializer.mean(SHAPE) == pytest.approx(float(mean), rel=1e-6, abs=1e-9)
    assert initializer.variance(SHAPE) == pytest.approx(float(variance), rel=1e-6)
    assert initializer.variance("weight", SHAPE) == initializer.variance(SHAPE)
    assert values.var() == pytest.approx(float(variance), rel=0.03)
    assert abs(values.mean() - float(mean)) <= 5 * math.sqrt(float(variance) / values.size) + 1e-6


@pytest.mark.parametrize(
    ("initializer", "shape"),
    [
        (init.Dirac(), (4, 3, 3)),
        (init.DeltaOrthogonal(2.0), (6, 4, 3)),
        (init.Bilinear(), (2, 2, 4, 4)),
        (init.LSTMBias(), (8,)),
    ],
)
def test_moments_of_kernels_and_biases_are_those_of_what_is_filled(initializer, shape):
    values = np.empty(shape)
    initializer._init_weight("weight", values)

    second_moment = np.mean(values**2)
    assert initializer.variance(shape) + initializer.mean(shape) ** 2 == pytest.approx(
        second_moment
    )


def test_a_users_own_class_is_measured_and_the_random_state_stays():
    mx.random.seed(7)
    expected = mx.nd.random.uniform(shape=5).asnumpy()
    mx.random.seed(7)

    assert Mine().variance(SHAPE) == pytest.approx(1 / 3, rel=0.02)
    assert Mine().mean(SHAPE) == pytest.approx(2, rel=0.01)
    assert np.array_equal(mx.nd.random.uniform(shape=5).asnumpy(), expected)


@pytest.mark.parametrize(
    "initializer", [init.Xavier(), init.Orthogonal(), init.Identity(), init.HeNormal()]
)
def test_a_shape_that_is_not_filled_is_refused(initializer):
    with pytest.raises(mx.base.ShapeError):
        initializer.variance((5,))
