"""Estimators of small nets and their data, for tests, and a handler that keeps what it is told."""

from __future__ import annotations

import io
import logging

import numpy as onp

from glueball import gluon, init, nd
from glueball.gluon import nn
from glueball.gluon.contrib.estimator import (
    BatchBegin,
    BatchEnd,
    EpochBegin,
    EpochEnd,
    Estimator,
    TrainBegin,
    TrainEnd,
)
from glueball.gluon.data import ArrayDataset, DataLoader

RNG = onp.random.default_rng(0)
X = nd.array(RNG.normal(size=(40, 3)))
Y = nd.dot(X, nd.array([[1], [-2], [0.5]]))
CLASSES = nd.array((Y.asnumpy()[:, 0] > 0).astype("int64"))


def regression(batch_size=10):
    return DataLoader(ArrayDataset(X, Y), batch_size)


def classification(batch_size=10):
    return DataLoader(ArrayDataset(X, CLASSES), batch_size)


def make(loss=None, units=1, learning_rate=0.1, **settings):
    net = nn.Dense(units, in_units=3)
    net.initialize(init.One())
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": learning_rate})
    estimator = Estimator(net, loss or gluon.loss.L2Loss(), trainer=trainer, **settings)
    estimator.logger.setLevel(logging.ERROR)
    return estimator


def make_classifier(**settings):
    return make(gluon.loss.SoftmaxCrossEntropyLoss(), 2, **settings)


def weights(estimator):
    return estimator.net.weight.data().asnumpy()


def logged(estimator):
    stream = io.StringIO()
    estimator.logger.addHandler(logging.StreamHandler(stream))
    estimator.logger.setLevel(logging.INFO)
    return stream


class Recorder(TrainBegin, TrainEnd, EpochBegin, EpochEnd, BatchBegin, BatchEnd):
    """Keeps the names of what it is told."""

    def __init__(self):
        self.events = []

    def train_begin(self, estimator, *args, **kwargs):
        self.events.append("train_begin")

    def train_end(self, estimator, *args, **kwargs):
        self.events.append("train_end")

    def epoch_begin(self, estimator, *args, **kwargs):
        self.events.append("epoch_begin")

    def epoch_end(self, estimator, *args, **kwargs):
        self.events.append("epoch_end")

    def batch_begin(self, estimator, *args, **kwargs):
        self.events.append(("batch_begin", sorted(kwargs)))

    def batch_end(self, estimator, *args, **kwargs):
        self.events.append(("batch_end", sorted(kwargs)))
