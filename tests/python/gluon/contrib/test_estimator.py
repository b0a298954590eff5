"""Estimator: fit and evaluate."""

from __future__ import annotations

import logging
import math

import numpy as onp
import pytest

from estimators import (
    CLASSES,
    Recorder,
    X,
    Y,
    classification,
    make,
    make_classifier,
    regression,
    weights,
)
from glueball import autograd, cpu, gluon, init, metric, nd
from glueball.gluon import nn
from glueball.gluon.contrib.estimator import (
    BatchEnd,
    BatchProcessor,
    EpochEnd,
    Estimator,
)
from glueball.gluon.data import ArrayDataset, DataLoader


def test_fit_does_what_a_loop_written_out_does():
    estimator, other = make(), make()
    loss_function = gluon.loss.L2Loss()

    estimator.fit(regression(), epochs=3)
    for _ in range(3):
        for x, y in regression():
            with autograd.record():
                loss = loss_function(other.net(x), y)
            loss.backward()
            other.trainer.step(len(x))

    onp.testing.assert_array_equal(weights(estimator), weights(other))


def test_handlers_are_told_of_everything_in_order():
    recorder = Recorder()

    make().fit(regression(20), epochs=2, event_handlers=recorder)

    batch = [("batch_begin", ["batch"]), ("batch_end", ["batch", "label", "loss", "pred"])]
    epoch = ["epoch_begin", *batch, *batch, "epoch_end"]
    assert recorder.events == ["train_begin", *epoch, *epoch, "train_end"]


@pytest.mark.parametrize(("batches", "epochs"), [(1, 1), (4, 1), (5, 2), (9, 3)])
def test_training_for_a_number_of_batches_ends_in_the_middle_of_an_epoch(batches, epochs):
    recorder = Recorder()

    make().fit(regression(), batches=batches, event_handlers=[recorder])

    assert sum(event[0] == "batch_end" for event in recorder.events) == batches
    assert recorder.events.count("epoch_begin") == epochs
    assert recorder.events[-2:] == ["epoch_end", "train_end"]


def test_a_handler_that_returns_true_ends_training():
    class Enough(BatchEnd, EpochEnd):
        batches = 0

        def batch_end(self, estimator, *args, **kwargs):
            self.batches += 1
            return self.batches == 2

        def epoch_end(self, estimator, *args, **kwargs):
            return True

    enough = Enough()
    make().fit(regression(), epochs=5, event_handlers=[enough])

    assert enough.batches == 2


def test_metrics_are_those_of_the_last_epoch_over_samples():
    estimator = make_classifier()

    estimator.fit(classification(30), epochs=1)

    # The second batch (10 samples) was predicted with weights after the first step.
    assert [each.name for each in estimator.train_metrics] == [
        "training accuracy",
        "training softmaxcrossentropyloss",
    ]
    assert estimator.train_metrics[0].num_inst == 40
    assert estimator.train_loss_metric.num_inst == 40


def test_evaluate_measures_without_training():
    estimator = make_classifier()
    before = weights(estimator)

    found = estimator.evaluate(classification())

    scores = X.asnumpy() @ before.T
    expected = onp.mean(scores.argmax(axis=1) == CLASSES.asnumpy())
    assert found["validation accuracy"] == pytest.approx(expected)
    assert found["validation softmaxcrossentropyloss"] == pytest.approx(math.log(2), rel=1e-6)
    onp.testing.assert_array_equal(weights(estimator), before)


def test_validation_data_are_evaluated_after_each_epoch():
    calls = []
    estimator = make(val_metrics=metric.CustomMetric(lambda y, p: calls.append(1) or 0.0, "own"))

    estimator.fit(regression(), val_data=regression(20), epochs=3)

    assert len(calls) == 6
    assert [each.name for each in estimator.val_metrics] == ["validation own", "validation l2loss"]
    predicted = X.asnumpy() @ weights(estimator).T + estimator.net.bias.data().asnumpy()
    expected = onp.mean((predicted - Y.asnumpy()) ** 2) / 2
    assert estimator.val_loss_metric.get()[1] == pytest.approx(expected, rel=1e-5)


def test_a_metric_given_for_both_counts_each_kind_of_data_apart():
    accuracy = metric.Accuracy()
    estimator = make_classifier(train_metrics=accuracy, val_metrics=[accuracy])

    estimator.fit(
        classification(),
        val_data=classification().__class__(ArrayDataset(X[:8], CLASSES[:8]), 8),
        epochs=1,
    )

    assert estimator.train_metrics[0] is accuracy
    assert accuracy.num_inst == 40
    assert estimator.val_metrics[0].num_inst == 8


def test_composite_metrics_are_taken_apart():
    both = metric.CompositeEvalMetric(["acc", "ce"])

    names = [each.name for each in make_classifier(train_metrics=both).train_metrics]

    assert names[:2] == ["training accuracy", "training cross-entropy"]


def test_evaluation_may_have_its_own_net_and_loss():
    other = nn.Dense(1, in_units=3)
    other.initialize(init.Zero())
    estimator = make(val_net=other, val_loss=gluon.loss.L1Loss())

    found = estimator.evaluate(regression())

    assert found["validation l2loss"] == pytest.approx(onp.abs(Y.asnumpy()).mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("context", "found"), [(None, 1), (cpu(), 1), ([cpu(0), cpu(1)], 2)], ids=str
)
def test_contexts_are_a_list_and_a_batch_processor_gets_a_part_for_each(context, found):
    class OnEach(BatchProcessor):
        def fit_batch(self, estimator, train_batch, batch_axis=0):
            data, label = self._get_data_and_label(train_batch, estimator.context, batch_axis)
            with autograd.record():
                preds = [estimator.net(each) for each in data]
                losses = [estimator.loss(*pair) for pair in zip(preds, label, strict=True)]
            autograd.backward(losses)
            return data, label, preds, losses

    split = make(context=context, batch_processor=OnEach())
    whole = make()

    split.fit(regression(), epochs=2)
    whole.fit(regression(), epochs=2)

    assert len(split.context) == found
    onp.testing.assert_allclose(weights(split), weights(whole), rtol=1e-5)


def test_a_batch_processor_can_take_other_batches():
    class OnlyData(BatchProcessor):
        def fit_batch(self, estimator, train_batch, batch_axis=0):
            return super().fit_batch(estimator, (train_batch, train_batch[:, :1]), batch_axis)

    estimator = make(batch_processor=OnlyData())

    estimator.fit(DataLoader(X, 40), epochs=100)

    onp.testing.assert_allclose(weights(estimator), [[1, 0, 0]], atol=0.05)


def test_parameters_that_need_it_are_initialized_and_others_are_left():
    net = nn.Sequential()
    net.add(nn.Dense(2, in_units=3), nn.Dense(1, in_units=2))
    net[0].initialize(init.One())

    with pytest.warns(UserWarning, match=r"^No trainer specified, default SGD optimizer"):
        estimator = Estimator(net, gluon.loss.L2Loss(), initializer=init.Constant(3))

    assert net[0].weight.data().asnumpy().tolist() == [[1] * 3] * 2
    assert net[1].weight.data().asnumpy().tolist() == [[3, 3]]
    assert estimator.trainer.learning_rate == 0.001


def test_an_initializer_for_an_initialized_net_warns():
    with pytest.warns(UserWarning, match=r"^Network already fully initialized, skipping"):
        make(initializer=init.One())


def test_a_deferred_net_is_trained():
    net = nn.Dense(1)
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "sgd")

    estimator = Estimator(net, gluon.loss.L2Loss(), trainer=trainer)
    estimator.logger.setLevel(logging.ERROR)
    estimator.fit(regression(), epochs=1)

    assert net.weight.shape == (1, 3)


@pytest.mark.parametrize("settings", [{}, {"epochs": 1, "batches": 1}])
def test_fit_wants_epochs_or_batches(settings):
    with pytest.raises(ValueError, match=r"^Fit only support exactly one type of iteration"):
        make().fit(regression(), **settings)


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((regression(),), {"epochs": 0}, "expected a number of epochs of 1 or more, found 0"),
        ((regression(),), {"epochs": "2"}, "epochs of 1 or more, found '2'"),
        ((3,), {"epochs": 1}, "expected a DataLoader as train_data, found int"),
        ((regression(), 3), {"epochs": 1}, "expected a DataLoader as val_data, found int"),
        (([],), {"batches": 1}, "expected batches in train_data, found none in list"),
        ((DataLoader(X, 10),), {"epochs": 1}, "batches of data and labels, found a NDArray"),
        ((regression(),), {"epochs": 1, "event_handlers": [3]}, "as event handler, found 3"),
        ((regression(),), {"epochs": 1, "event_handlers": 3}, "as event handler, found 3"),
    ],
    ids=[
        "no-epochs",
        "a-word",
        "no-data",
        "no-val-data",
        "empty",
        "no-labels",
        "no-handler",
        "no-list",
    ],
)
def test_fit_refuses_what_it_cannot_use(arguments, settings, message):
    with pytest.raises(ValueError, match=message):
        make().fit(*arguments, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"net": 3}, "expected a Block as net, found 3"),
        ({"loss": "l2"}, "as loss, found 'l2'"),
        ({"trainer": "sgd"}, "expected a gluon.Trainer as trainer, found 'sgd'"),
        ({"train_metrics": ["acc"]}, r"metrics, such as metric.Accuracy\(\), as train_metrics"),
        ({"val_metrics": 3}, "as val_metrics, found 3"),
        ({"context": []}, "at least one context, found an empty list"),
        ({"context": ["cpu"]}, r"expected a context such as cpu\(\), found 'cpu'"),
        ({"val_net": 3}, "expected a Block as val_net, found 3"),
        ({"batch_processor": 3}, "expected a BatchProcessor as batch_processor, found 3"),
    ],
)
def test_estimator_refuses_what_it_cannot_use(settings, message):
    with pytest.raises(ValueError, match=message):
        Estimator(**{"net": nn.Dense(1), "loss": gluon.loss.L2Loss(), **settings})


def test_an_error_in_a_batch_leaves_the_estimator_usable():
    estimator = make()
    with pytest.raises(RuntimeError, match=r"shape \(batch, 3\) for .* found \(2, 5\)"):
        estimator.fit([(nd.ones((2, 5)), nd.ones((2, 1)))], epochs=1)

    estimator.fit(regression(), epochs=1)

    assert weights(estimator).tolist() != [[1, 1, 1]]
