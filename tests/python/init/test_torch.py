"""PyTorch's functions in place and ours, on PyTorch itself: where it is installed.

`tests/python/init/test_functional.py` compares the same functions with formulas, without it.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import glueball
from glueball import init

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install torch")

SHAPE = (160, 120)

RANDOM = [
    ("uniform_", {}),
    ("uniform_", {"a": -3, "b": 2}),
    ("normal_", {}),
    ("normal_", {"mean": 2, "std": 0.1}),
    ("trunc_normal_", {}),
    ("trunc_normal_", {"mean": 0.5, "std": 2, "a": -1, "b": 3}),
    ("xavier_uniform_", {}),
    ("xavier_uniform_", {"gain": 3}),
    ("xavier_normal_", {"gain": 0.5}),
    ("kaiming_uniform_", {}),
    ("kaiming_uniform_", {"a": math.sqrt(5), "mode": "fan_out"}),
    ("kaiming_normal_", {"nonlinearity": "relu"}),
    ("kaiming_normal_", {"a": 0.2, "mode": "fan_out", "nonlinearity": "leaky_relu"}),
    ("kaiming_normal_", {"nonlinearity": "tanh"}),
    ("orthogonal_", {"gain": 2}),
    ("sparse_", {"sparsity": 0.3, "std": 2}),
]


def both(name, settings, shape=SHAPE):
    torch.manual_seed(5)
    glueball.random.seed(5)
    theirs = getattr(torch.nn.init, name)(torch.empty(shape), **settings).numpy()
    ours = getattr(init, name)(np.empty(shape, "float32"), **settings)
    return theirs, ours


@pytest.mark.parametrize(("name", "settings"), RANDOM)
def test_draws_come_from_one_distribution(name, settings):
    theirs, ours = both(name, settings)

    assert stats.ks_2samp(theirs.ravel(), ours.ravel()).pvalue > 1e-4
    scale = theirs.std()
    assert abs(theirs.mean() - ours.mean()) < 0.05 * scale
    assert ours.std() == pytest.approx(scale, rel=0.03)


@pytest.mark.parametrize(
    ("name", "settings"), [each for each in RANDOM if "uniform" in each[0] or "trunc" in each[0]]
)  # fmt: skip
def test_bounds_are_the_same(name, settings):
    theirs, ours = both(name, settings)

    width = float(theirs.max() - theirs.min())
    assert float(ours.max()) == pytest.approx(float(theirs.max()), abs=0.01 * width)
    assert float(ours.min()) == pytest.approx(float(theirs.min()), abs=0.01 * width)


@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (20, 20)])
def test_orthogonal_matrices_are_as_orthogonal(shape):
    theirs, ours = both("orthogonal_", {"gain": 1.5}, shape)

    for each in (theirs, ours):
        product = each @ each.T if shape[0] <= shape[1] else each.T @ each
        np.testing.assert_allclose(product, 1.5**2 * np.eye(min(shape)), atol=1e-4)


def test_as_many_zeros_in_each_column():
    theirs, ours = both("sparse_", {"sparsity": 0.25})

    np.testing.assert_array_equal((theirs == 0).sum(0), (ours == 0).sum(0))


@pytest.mark.parametrize(
    ("name", "settings", "shape"),
    [
        ("constant_", {"val": 3.5}, (3, 2)),
        ("ones_", {}, (3,)),
        ("zeros_", {}, (3, 2)),
        ("eye_", {}, (3, 5)),
        ("dirac_", {}, (4, 3, 3)),
        ("dirac_", {"groups": 2}, (4, 2, 3, 3)),
    ],
)
def test_constants_are_equal(name, settings, shape):
    np.testing.assert_array_equal(*both(name, settings, shape))


@pytest.mark.parametrize(
    ("nonlinearity", "param"),
    [
        ("linear", None), ("conv2d", None), ("sigmoid", None), ("tanh", None), ("relu", None),
        ("leaky_relu", None), ("leaky_relu", 0.3), ("selu", None),
    ],
)  # fmt: skip
def test_gains_are_equal(nonlinearity, param):
    theirs = torch.nn.init.calculate_gain(nonlinearity, param)

    assert init.calculate_gain(nonlinearity, param) == pytest.approx(theirs)
