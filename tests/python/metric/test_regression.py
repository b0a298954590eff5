"""MAE, MSE, RMSE and PearsonCorrelation."""

from __future__ import annotations

import itertools

import numpy as onp
import pytest
from scipy import stats

from glueball import metric, nd
from metric_cases import (
    GUESS,
    REAL,
    approx,
    fed,
)


@pytest.mark.parametrize("kind", [metric.MAE, metric.MSE, metric.RMSE])
def test_columns_and_vectors_are_not_broadcast(kind):
    m, column = kind(), kind()

    m.update(nd.array([1, 2, 5]), nd.array([1, 1, 1]))
    column.update(nd.array([1, 2, 5]), nd.array([[1], [1], [1]]))

    assert column.get() == m.get()
    with pytest.raises(ValueError, match=r"labels \(3,\) .* predictions \(3, 2\)"):
        column.update(nd.ones(3), nd.ones((3, 2)))


def test_mean_errors_count_samples_and_not_batches():
    m = metric.MSE()

    m.update(nd.zeros(9), nd.zeros(9))
    m.update(nd.zeros(1), nd.array([10]))

    assert m.get()[1] == 10
    assert (m.sum_metric, m.num_inst) == (100, 10)


def test_rmse_is_the_root_of_the_whole_and_not_the_mean_of_roots():
    m = fed(metric.RMSE(), REAL, GUESS)

    assert m.get()[1] == approx(onp.sqrt(fed(metric.MSE(), REAL, GUESS).get()[1]))


def test_an_empty_batch_counts_nothing_and_empty_samples_are_refused():
    m = metric.MAE()

    m.update(onp.ones((0, 3)), onp.ones((0, 3)))

    assert m.num_inst == 0
    with pytest.raises(ValueError, match=r"at least one element a sample.* found shape \(2, 0\)"):
        m.update(onp.ones((2, 0)), onp.ones((2, 0)))


def test_pearson_averages_updates_by_default():
    cuts = [0, 20, 50]

    m = fed(metric.PearsonCorrelation(), REAL, GUESS, cuts)

    each = [
        stats.pearsonr(REAL[a:b].ravel(), GUESS[a:b].ravel())[0]
        for a, b in itertools.pairwise(cuts)
    ]
    assert m.get()[1] == approx(onp.mean(each))


def test_pearson_keeps_its_digits_far_from_zero():
    m = metric.PearsonCorrelation(average="micro")

    fed(m, REAL[:, 0] + 1e8, GUESS[:, 0] - 1e8)

    wanted = stats.pearsonr(REAL[:, 0], GUESS[:, 0])[0]
    assert m.get()[1] == pytest.approx(wanted, rel=1e-7)


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_pearson_of_a_constant_is_nan(average):
    m = metric.PearsonCorrelation(average=average)

    m.update(nd.array([1, 2, 3]), nd.array([5, 5, 5]))

    assert onp.isnan(m.get()[1])
