"""Accuracy, TopKAccuracy, F1, MCC and PCC."""

from __future__ import annotations

import itertools

import numpy as onp
import pytest
from sklearn import metrics as sk

from glueball import metric, nd
from metric_cases import (
    CLASSES,
    RNG,
    SCORES,
    YES,
    YES_SCORES,
    approx,
    fed,
)


def test_accuracy_takes_class_numbers_and_columns_of_labels():
    m = metric.Accuracy()

    m.update(nd.array([0, 1, 2]), nd.array([0, 2, 2]))
    m.update(nd.array([[0], [1]]), nd.array([[0.1, 0.9], [0.1, 0.9]]))

    assert m.get()[1] == 3 / 5
    assert (m.sum_metric, m.num_inst) == (3, 5)


def test_accuracy_takes_the_largest_score_along_its_axis():
    scores = RNG.normal(size=(5, 4, 3))
    labels = RNG.integers(0, 3, size=(5, 4))
    m = metric.Accuracy(axis=2)

    m.update(nd.array(labels), nd.array(scores))

    assert m.get()[1] == approx((scores.argmax(axis=2) == labels).mean())


def test_accuracy_refuses_scores_of_a_single_class():
    with pytest.raises(ValueError, match=r"scores of two classes or more along axis 1, for metric"):
        metric.Accuracy().update(nd.array([0, 1]), nd.array([[0.4], [0.9]]))


def test_top_k_counts_all_where_k_reaches_the_number_of_classes():
    m = metric.TopKAccuracy(top_k=9)

    m.update(nd.array([[3], [0]]), nd.array(SCORES[:2]))

    assert m.get()[1] == 1


@pytest.mark.parametrize("top_k", [1, 0, -2, 2.5, "2", None])
def test_top_k_refuses_what_accuracy_is_for(top_k):
    with pytest.raises(AssertionError, match="Please use Accuracy if top_k is no more than 1: exp"):
        metric.TopKAccuracy(top_k=top_k)


def test_f1_of_the_examples():
    m = metric.F1()

    m.update(nd.array([1, 1, 0, 0]), nd.array([[0, 1], [1, 0], [0, 1], [1, 0]]))

    assert m.get() == ("f1", 0.5)


@pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
@pytest.mark.parametrize("preds", [[0, 0], [1, 1]])
def test_scores_of_constant_classes_are_those_of_scikit_learn(labels, preds):
    f1, mcc = metric.F1(), metric.MCC()

    for m in (f1, mcc):
        m.update(nd.array(labels), nd.array(preds))

    assert f1.get()[1] == sk.f1_score(labels, preds, zero_division=0)
    assert mcc.get()[1] == 0


def test_mcc_averages_updates_by_default():
    cuts = [0, 20, 35, 50]
    found = YES_SCORES.argmax(axis=1)

    m = fed(metric.MCC(), YES, YES_SCORES, cuts)

    each = [sk.matthews_corrcoef(YES[a:b], found[a:b]) for a, b in itertools.pairwise(cuts)]
    assert m.get()[1] == approx(onp.mean(each))
    assert m.num_inst == 3


def test_mcc_of_many_samples_does_not_overflow():
    m = metric.MCC(average="micro")
    y = onp.arange(200_000) % 2

    m.update(y, y)

    assert m.get()[1] == approx(1)


@pytest.mark.parametrize("kind", [metric.F1, metric.MCC])
def test_binary_metrics_refuse_more_classes(kind):
    name = kind.__name__

    for labels, preds in [
        ([0, 1, 2], onp.eye(3)[:, :2]),
        ([0, 1, 1], onp.eye(3)),
        ([0, 1, 1], [0, 0.7, 1]),
    ]:
        m = kind()
        with pytest.raises(
            ValueError, match=f"{name} currently only supports binary classification.: expected cl"
        ):
            m.update(nd.array(labels), nd.array(preds))
        assert m.num_inst == 0


@pytest.mark.parametrize("kind", [metric.F1, metric.MCC, metric.PearsonCorrelation])
def test_averages_have_two_names(kind):
    with pytest.raises(ValueError, match=r"'macro' .* or 'micro' .* found 'weighted'"):
        kind(average="weighted")


def test_pcc_takes_class_numbers_and_grows_with_them():
    m = metric.PCC()
    found = SCORES.argmax(axis=1)
    few = (CLASSES < 2) & (found < 2)

    m.update(CLASSES[few], found[few])
    m.update(CLASSES[~few], found[~few])

    assert m.get()[1] == approx(sk.matthews_corrcoef(CLASSES, found))
    with pytest.raises(IndexError, match="class numbers from 0 to 1 for metric 'pcc', found -1"):
        m.update(nd.array([-1, 0]), nd.array([1, 1]))


def test_pcc_of_constant_classes_is_zero():
    m = metric.PCC()

    m.update(nd.array([1, 1]), nd.array([0, 1]))

    assert m.get()[1] == 0


@pytest.mark.parametrize("kind", [metric.F1, metric.MCC])
def test_a_macro_average_counts_updates_not_arrays(kind):
    labels, preds = nd.array([1, 1, 0, 0]), nd.array([1, 0, 1, 0])
    others = nd.array([1, 0, 0, 1]), nd.array([1, 1, 0, 1])
    together, one = kind(), kind()
    together.update([labels, others[0]], [preds, others[1]])
    one.update(nd.concat(labels, others[0], dim=0), nd.concat(preds, others[1], dim=0))
    assert together.num_inst == 1
    assert together.get() == one.get()
    together.update(labels, preds)
    assert together.num_inst == 2
