"""CrossEntropy, NegativeLogLikelihood and Perplexity."""

from __future__ import annotations

import numpy as onp
import pytest
from sklearn import metrics as sk

from glueball import metric, nd
from metric_cases import (
    CLASSES,
    SCORES,
    approx,
    fed,
)


def test_likelihoods_of_the_examples():
    labels, preds = nd.array([0, 1]), nd.array([[0.5, 0.5], [0.25, 0.75]])
    ce, perplexity = metric.CrossEntropy(), metric.Perplexity(None)
    ce.update(labels, preds)
    perplexity.update(labels, preds)

    mean = -(onp.log(0.5) + onp.log(0.75)) / 2
    assert ce.get()[1] == approx(mean)
    assert perplexity.get()[1] == approx(onp.exp(mean))


def test_impossible_labels_cost_what_eps_says():
    m = metric.CrossEntropy(eps=1e-6)

    m.update(nd.array([1]), nd.array([[1, 0]]))

    assert m.get()[1] == approx(-onp.log(1e-6))


@pytest.mark.parametrize(
    "make", [metric.CrossEntropy, metric.NegativeLogLikelihood, lambda: metric.Perplexity(None)]
)
@pytest.mark.parametrize("label", [2, -1, 0.5, float("nan")])
def test_labels_that_are_not_class_numbers_are_refused(make, label):
    m = make()

    with pytest.raises(IndexError, match=r"class numbers from 0 to 1 for metric '.*', found "):
        m.update(nd.array([0, label]), nd.array([[0.5, 0.5], [0.25, 0.75]]))
    assert m.num_inst == 0


def test_perplexity_leaves_out_the_label_to_ignore():
    m = metric.Perplexity(ignore_label=-1)
    labels = onp.where(onp.arange(50) % 3 == 0, -1, CLASSES)

    fed(m, labels, SCORES)

    counted = labels >= 0
    mean = sk.log_loss(CLASSES[counted], SCORES[counted], labels=range(4))
    assert m.get()[1] == approx(onp.exp(mean))
    assert m.num_inst == counted.sum()


def test_perplexity_takes_classes_along_any_axis():
    labels = CLASSES[:48].reshape(6, 8)
    scores = SCORES[:48].reshape(6, 8, 4)
    last, second = metric.Perplexity(None), metric.Perplexity(None, axis=1)

    last.update(labels, scores)
    second.update(labels, onp.moveaxis(scores, 2, 1))

    wanted = onp.exp(sk.log_loss(CLASSES[:48], SCORES[:48], labels=range(4)))
    assert last.get()[1] == approx(wanted)
    assert second.get()[1] == approx(wanted)
    with pytest.raises(ValueError, match="predictions with an axis 5 for metric 'perplexity'"):
        metric.Perplexity(None, axis=5).update(labels, scores)
