from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from glueball import init
from glueball.base import ArgumentError, ShapeError
from init_filling import assert_moments, fill

SHAPE = (400, 500)

DISTRIBUTIONS = [
    (init.Uniform(), stats.uniform(-0.07, 0.14)),
    (init.Uniform(3), stats.uniform(-3, 6)),
    (init.Uniform(low=5, high=10), stats.uniform(5, 5)),
    (init.Uniform(scale=1, low=0), stats.uniform(0, 1)),
    (init.Normal(), stats.norm(0, 0.01)),
    (init.Normal(2.0, mean=-3.0), stats.norm(-3, 2)),
    (init.TruncatedNormal(), stats.truncnorm(-2, 2, 0, 0.01)),
    (init.TruncatedNormal(0.5, mean=1.0), stats.truncnorm(-2, 2, 1, 0.5)),
    (init.TruncatedNormal(0.5, low=-1, high=3), stats.truncnorm(-1, 3, 0, 0.5)),
    (init.TruncatedNormal(0.5, low=1, high=1.5), stats.truncnorm(1, 1.5, 0, 0.5)),
    (init.TruncatedNormal(1.0, low=4, high=6), stats.truncnorm(4, 6, 0, 1)),
    (init.TruncatedNormal(1.0, cut="value"), stats.truncnorm(-2, 2, 0, 1)),
    (init.TruncatedNormal(2.0, 1.0, -3, 2, cut="value"), stats.truncnorm(-2, 0.5, 1, 2)),
    # PyTorch's trunc_normal_(std=0.02): a hundred sigmas away, the cut cuts nothing.
    (init.TruncatedNormal(0.02, cut="value"), stats.norm(0, 0.02)),
]


@pytest.mark.parametrize(("initializer", "distribution"), DISTRIBUTIONS, ids=lambda x: repr(x)[:60])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_draws_have_the_distribution(initializer, distribution, dtype):
    sample = fill(initializer, SHAPE, dtype=dtype)

    assert_moments(sample, distribution)
    assert stats.kstest(sample.ravel().astype(np.float64), distribution.cdf).pvalue > 1e-3
    low, high = distribution.support()
    assert sample.min() >= np.array(low, dtype)
    assert sample.max() <= np.array(high, dtype)


@pytest.mark.parametrize(
    ("cut", "deviation"),
    [
        # Standard deviation of a unit normal cut at +-k.
        (1, 0.539560),
        (2, 0.879626),
        (2.5, 0.954597),
        (3, 0.986578),
        (4, 0.999465),
    ],
)
def test_a_cut_normal_is_narrower_unless_corrected(cut, deviation):
    plain = fill(init.TruncatedNormal(1.0, low=-cut, high=cut), SHAPE)
    corrected = fill(init.TruncatedNormal(1.0, low=-cut, high=cut, correct=True), SHAPE)

    assert plain.std() == pytest.approx(deviation, abs=5 * deviation / math.sqrt(2 * plain.size))
    assert corrected.std() == pytest.approx(1, abs=5 / math.sqrt(2 * plain.size))
    assert abs(corrected).max() <= cut / deviation * (1 + 1e-5)


def test_a_corrected_normal_cut_at_values_has_the_sigma_that_was_asked():
    sample = fill(init.TruncatedNormal(0.8, low=-2, high=2, cut="value", correct=True), SHAPE)

    assert abs(sample).max() <= 2
    assert sample.std() == pytest.approx(0.8, rel=5 / math.sqrt(2 * sample.size))


@given(st.floats(-1e6, 1e6, width=32), st.floats(2.0**-10, 1e6, width=32))
def test_uniform_never_returns_its_upper_bound(low, width):
    high = low + width
    sample = fill(init.Uniform(low=low, high=high), (64, 64))

    # As Python's floats: NumPy would round the bounds to float32 before it compares.
    assert float(sample.min()) >= low
    assert float(sample.max()) < high


@given(st.integers(0, 2**32 - 1))
def test_seeds_give_samples_of_their_own(seed):
    sample = fill(init.Uniform(), (8, 8), seed=seed)

    assert not np.array_equal(sample, fill(init.Uniform(), (8, 8), seed=seed + 1))
    np.testing.assert_array_equal(sample, fill(init.Uniform(), (8, 8), seed=seed))


def test_numpys_seed_has_no_effect():
    np.random.seed(1)  # noqa: NPY002
    sample = fill(init.Normal(), (8, 8))
    np.random.seed(2)  # noqa: NPY002

    np.testing.assert_array_equal(sample, fill(init.Normal(), (8, 8)))


def test_one_initializer_gives_each_array_values_of_its_own():
    normal = init.Normal()
    first, second = np.empty((8, 8), "float32"), np.empty((8, 8), "float32")

    normal("a_weight", first)
    normal("b_weight", second)

    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    "initializer", [init.Uniform(0), init.Normal(0), init.TruncatedNormal(0.0)]
)
def test_no_spread_gives_the_mean(initializer):
    np.testing.assert_array_equal(fill(initializer, (3, 3)), np.zeros((3, 3)))


@pytest.mark.parametrize(("per", "axis"), [("column", 0), ("row", 1)])
@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.25, 0.999, 1.0])
def test_sparse_has_its_zeros_in_each_line(per, axis, sparsity):
    shape = (37, 53)

    zeros = (fill(init.Sparse(sparsity, 0.5, per), shape) == 0).sum(axis=axis)

    assert (zeros == math.ceil(sparsity * shape[axis])).all()


def test_sparse_puts_zeros_anywhere_and_draws_the_rest_from_a_normal():
    sample = fill(init.Sparse(0.25, sigma=0.5), (400, 500))

    rest = sample[sample != 0]
    assert_moments(rest, stats.norm(0, 0.5))
    assert stats.kstest(rest, stats.norm(0, 0.5).cdf).pvalue > 1e-3
    # Each row's number of zeros is binomial(500, 1/4) if all places are equally likely.
    per_row = (sample == 0).sum(axis=1)
    assert abs(per_row.mean() - 125) < 1e-9
    assert per_row.std() == pytest.approx(math.sqrt(500 * 0.25 * 0.75), rel=0.2)


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2)])
def test_sparse_refuses_what_is_not_a_matrix(shape):
    with pytest.raises(ShapeError, match="two axes for Sparse, found 'dense0_weight' of shape"):
        fill(init.Sparse(0.5), shape)


NAN, INFINITE = math.nan, math.inf


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: init.Uniform(-0.1), r"finite and not negative for Uniform, found scale=-0\.1"),
        (lambda: init.Uniform(NAN), "for Uniform, found scale=nan"),
        (lambda: init.Uniform(INFINITE), "for Uniform, found scale=inf"),
        (lambda: init.Uniform(low=2, high=1), r"low <= high for Uniform, found low=2.*, high=1"),
        (lambda: init.Uniform(low=0, high=NAN), "for Uniform, found low=0.*, high=nan"),
        (lambda: init.Normal(-1), "finite and not negative for Normal, found sigma=-1"),
        (lambda: init.Normal(NAN), "for Normal, found sigma=nan"),
        (lambda: init.Normal(1, INFINITE), "finite mean for Normal, found mean=inf"),
        (lambda: init.TruncatedNormal(-1), "for TruncatedNormal, found sigma=-1"),
        (lambda: init.TruncatedNormal(mean=NAN), "for TruncatedNormal, found mean=nan"),
        (
            lambda: init.TruncatedNormal(low=2, high=2),
            "low < high for TruncatedNormal, found low=2",
        ),
        (lambda: init.TruncatedNormal(low=NAN), "low < high for TruncatedNormal, found low=nan"),
        (lambda: init.TruncatedNormal(cut="std"), "cut to be one of 'sigma', 'value', found 'std'"),
        (lambda: init.Sparse(1.5), "sparsity from 0 to 1 for Sparse, found sparsity=1.5"),
        (lambda: init.Sparse(NAN), "for Sparse, found sparsity=nan"),
        (lambda: init.Sparse(0.5, -1), "for Sparse, found sigma=-1"),
        (lambda: init.Sparse(0.5, per="axis"), "per to be one of 'column', 'row', found 'axis'"),
    ],
)
def test_bad_settings_are_refused_when_it_is_built(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: init.Uniform("0.1"), "number for scale of Uniform, found '0.1' of type str"),
        (lambda: init.Uniform(np.ones(1)), r"scale of Uniform, found a ndarray of shape \(1,\)"),
        (lambda: init.Uniform(low=[0], high=1), r"low of Uniform, found \[0\] of type list"),
        (lambda: init.Normal(None), "sigma of Normal, found None"),
        (lambda: init.Normal(True), "sigma of Normal, found True of type bool"),
        (lambda: init.TruncatedNormal(cut=2), "word for cut of TruncatedNormal, found 2"),
        (lambda: init.Sparse(np.zeros(())), r"sparsity of Sparse, found a ndarray of shape \(\)"),
    ],
)
def test_settings_of_another_type_are_refused(make, text):
    with pytest.raises(TypeError, match=text):
        make()
