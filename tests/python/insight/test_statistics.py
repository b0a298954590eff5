"""Statistics of arrays, sampled where they are large."""

from __future__ import annotations

import math

import numpy as np
import pytest

from glueball import nd
from glueball.insight._statistics import (
    describe,
    effective_rank,
    histogram,
    rms,
    sample,
    sparkline,
)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "bool"])
def test_what_is_described_is_what_numpy_computes(dtype):
    values = np.arange(-5, 19).reshape(4, 6).astype(dtype)

    found = describe(nd.array(values, dtype=dtype) if dtype != "bool" else values)

    wide = values.astype("float64")
    assert found[:2] == (24, 24)
    assert found.mean == pytest.approx(wide.mean())
    assert found.std == pytest.approx(wide.std())
    assert (found.least, found.greatest) == (wide.min(), wide.max())
    assert found.not_finite == 0
    assert not found.is_sampled


def test_what_is_not_finite_is_counted_and_left_out():
    found = describe(np.array([1.0, np.nan, 3.0, np.inf, -np.inf]))

    assert (found.mean, found.std, found.least, found.greatest) == (2, 1, 1, 3)
    assert found.not_finite == 3
    nothing = describe(np.array([np.nan]))
    assert math.isnan(nothing.mean)
    assert nothing.not_finite == 1
    assert describe(np.zeros((0, 3))).size == 0


def test_a_large_array_is_sampled_evenly_and_the_same_each_time():
    ramp = np.arange(3_000_000, dtype="float32").reshape(1000, 3000)

    found = describe(ramp)

    assert found.is_sampled
    assert found.seen == 65536
    assert found.size == 3_000_000
    assert found.mean == pytest.approx(1.5e6, rel=0.01)
    assert found.std == pytest.approx(3e6 / math.sqrt(12), rel=0.01)
    assert found.least == 0
    assert found.greatest > 2_990_000
    np.testing.assert_array_equal(sample(ramp), sample(ramp.copy()))
    assert describe(ramp, None).seen == 3_000_000


def test_the_root_mean_square_of_tiny_and_huge_numbers_is_not_lost():
    assert rms(np.full(4, 1e-30, "float32")) == pytest.approx(1e-30, rel=1e-6)
    assert rms(np.array([3e38, -3e38], "float32")) == pytest.approx(3e38, rel=1e-6)
    assert rms(np.full(4, 1e-200)) == pytest.approx(1e-200, rel=1e-6)
    assert rms(np.full(4, 1e200)) == pytest.approx(1e200, rel=1e-6)
    assert rms(np.array([3.0, 4.0])) == pytest.approx(math.sqrt(12.5))
    assert rms(np.zeros(0)) == 0
    assert math.isnan(rms(np.array([1, np.nan])))


def test_histograms_count_what_is_finite():
    counts, ends = histogram(np.array([0, 1, 1, 2, np.nan]), 2)
    assert counts.tolist() == [1, 3]
    assert ends.tolist() == [0, 1, 2]

    counts, ends = histogram(np.full(5, 1e-9), 4)
    assert counts.sum() == 5
    assert ends[0] > 0

    assert histogram(np.zeros(0), 3)[0].tolist() == [0, 0, 0]


def test_sparklines_go_from_zero_to_the_greatest():
    assert sparkline([0, 3.5, 7]) == "▁▅█"
    assert sparkline([1, 1]) == "██"
    assert sparkline([0, math.nan, 2]) == "▁ █"
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == "▁▁"


@pytest.mark.parametrize("directions", [1, 3, 10])
def test_the_effective_rank_counts_equal_directions(directions):
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(60, directions + 1)))[0]
    basis = np.linalg.qr(np.column_stack([np.ones(60), basis]))[0][:, 1 : directions + 1]
    rows = np.random.default_rng(1).normal(size=(20, directions))
    columns = np.linalg.qr(rows)[0]

    found = effective_rank(7 + basis @ columns.T)

    assert found == pytest.approx(directions)


def test_the_effective_rank_of_rows_that_do_not_differ_is_zero():
    assert effective_rank(np.full((5, 3), 0.1)) == 0
    assert effective_rank(np.zeros((0, 3))) == 0
    assert math.isnan(effective_rank(np.array([[1.0, np.nan], [0, 1]])))
    assert effective_rank(np.random.default_rng(0).normal(size=(1000, 3000))) > 40
