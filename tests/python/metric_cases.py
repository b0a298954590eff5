"""Metrics with data, and the values that other libraries give."""

from __future__ import annotations

import itertools

import numpy as onp
import pytest
from scipy import stats
from sklearn import metrics as sk

from glueball import metric, nd

RNG = onp.random.default_rng(20170728)
CLASSES = RNG.integers(0, 4, size=50)
SCORES = RNG.dirichlet(onp.ones(4), size=50)
YES = RNG.integers(0, 2, size=50)
YES_SCORES = RNG.dirichlet(onp.ones(2), size=50)
REAL = RNG.normal(size=(50, 3))
GUESS = REAL + RNG.normal(size=(50, 3))
# Where batches of uneven sizes begin and end.
CUTS = [0, 7, 8, 30, 50]


def float64(x):
    return nd.array(x, dtype="float64")


def fed(m, labels, preds, cuts=CUTS):
    """Return the metric after one update a batch."""
    for begin, end in itertools.pairwise(cuts):
        m.update([float64(labels[begin:end])], [float64(preds[begin:end])])
    return m


def approx(value):
    # eps, which is 1e-12, shows in the twelfth digit of likelihoods.
    return pytest.approx(value, rel=1e-10)


def macro(function, labels, preds):
    return onp.mean([function(labels[a:b], preds[a:b]) for a, b in itertools.pairwise(CUTS)])


# name: metric, labels, predictions, the value by another library
CASES = {
    "accuracy": (
        metric.Accuracy,
        CLASSES,
        SCORES,
        sk.accuracy_score(CLASSES, SCORES.argmax(axis=1)),
    ),
    "top 2": (
        lambda: metric.TopKAccuracy(top_k=2),
        CLASSES,
        SCORES,
        sk.top_k_accuracy_score(CLASSES, SCORES, k=2),
    ),
    "top 3": (
        lambda: metric.TopKAccuracy(3),
        CLASSES,
        SCORES,
        sk.top_k_accuracy_score(CLASSES, SCORES, k=3),
    ),
    "f1 micro": (
        lambda: metric.F1(average="micro"),
        YES,
        YES_SCORES,
        sk.f1_score(YES, YES_SCORES.argmax(axis=1)),
    ),
    "f1 macro": (
        metric.F1,
        YES,
        YES_SCORES,
        macro(lambda y, p: sk.f1_score(y, p, zero_division=0), YES, YES_SCORES.argmax(axis=1)),
    ),
    "mcc micro": (
        lambda: metric.MCC(average="micro"),
        YES,
        YES_SCORES,
        sk.matthews_corrcoef(YES, YES_SCORES.argmax(axis=1)),
    ),
    "pcc": (
        metric.PCC,
        CLASSES,
        SCORES,
        sk.matthews_corrcoef(CLASSES, SCORES.argmax(axis=1)),
    ),
    "mae": (metric.MAE, REAL, GUESS, sk.mean_absolute_error(REAL, GUESS)),
    "mse": (metric.MSE, REAL, GUESS, sk.mean_squared_error(REAL, GUESS)),
    "rmse": (metric.RMSE, REAL, GUESS, onp.sqrt(((REAL - GUESS) ** 2).mean())),
    "cross-entropy": (
        metric.CrossEntropy,
        CLASSES,
        SCORES,
        sk.log_loss(CLASSES, SCORES, labels=range(4)),
    ),
    "nll-loss": (
        metric.NegativeLogLikelihood,
        CLASSES,
        SCORES,
        sk.log_loss(CLASSES, SCORES, labels=range(4)),
    ),
    "perplexity": (
        lambda: metric.Perplexity(ignore_label=None),
        CLASSES,
        SCORES,
        onp.exp(sk.log_loss(CLASSES, SCORES, labels=range(4))),
    ),
    "pearsonr micro": (
        lambda: metric.PearsonCorrelation(average="micro"),
        REAL[:, 0],
        GUESS[:, 0],
        stats.pearsonr(REAL[:, 0], GUESS[:, 0])[0],
    ),
    "loss": (metric.Loss, REAL, GUESS, GUESS.mean()),
}
ALL = pytest.mark.parametrize("case", CASES)
