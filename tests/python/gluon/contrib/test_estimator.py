"""Estimator and its handlers."""

from __future__ import annotations

import io
import logging
import math
import sys

import numpy as onp
import pytest

from glueball import autograd, cpu, gluon, init, metric, nd
from glueball.gluon import nn
from glueball.gluon.contrib.estimator import (
    BatchBegin,
    BatchEnd,
    BatchProcessor,
    CheckpointHandler,
    EarlyStoppingHandler,
    EpochBegin,
    EpochEnd,
    Estimator,
    GradientUpdateHandler,
    LoggingHandler,
    MetricHandler,
    ProgressHandler,
    StoppingHandler,
    TrainBegin,
    TrainEnd,
    ValidationHandler,
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


# ---------------------------------------------------------------- fit and evaluate


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


# ---------------------------------------------------------------- handlers


def test_stopping_handler_has_its_own_limit():
    recorder = Recorder()

    make().fit(regression(), epochs=9, event_handlers=[recorder, StoppingHandler(max_epoch=2)])

    assert recorder.events.count("epoch_end") == 2


def test_a_gradient_update_handler_of_ones_own_replaces_the_default():
    class Never(GradientUpdateHandler):
        def batch_end(self, estimator, *args, **kwargs):
            return False

    estimator = make()
    estimator.fit(regression(), epochs=1, event_handlers=[Never()])

    assert weights(estimator).tolist() == [[1, 1, 1]]


def test_validation_after_batches():
    calls = []
    handler = ValidationHandler(
        "data", lambda **kwargs: calls.append(kwargs), epoch_period=None, batch_period=3
    )

    make().fit(regression(), epochs=2, event_handlers=[handler])

    assert calls == [{"val_data": "data", "batch_axis": 0, "event_handlers": None}] * 2


def test_log_tells_of_epochs_with_metrics():
    estimator = make()
    stream = logged(estimator)

    estimator.fit(regression(), val_data=regression(), epochs=2)

    lines = stream.getvalue().splitlines()
    assert lines[0] == "Training begin: using optimizer SGD with current learning rate 0.1000"
    assert lines[1] == "Train for 2 epochs."
    assert lines[2] == "[Epoch 0] Begin, current learning rate: 0.1000"
    training, validation = (
        each.get()[1] for each in (estimator.train_loss_metric, estimator.val_loss_metric)
    )
    assert lines[5].startswith("[Epoch 1] Finished in ")
    assert lines[5].endswith(
        f", training l2loss: {training:.4f}, validation l2loss: {validation:.4f}"
    )
    assert lines[6].startswith("Train finished using total 0s with 2 epochs.")


def test_log_can_tell_of_batches_too():
    estimator = make()
    stream = logged(estimator)

    estimator.fit(
        regression(),
        batches=4,
        event_handlers=LoggingHandler(log_interval=2, metrics=estimator.train_metrics),
    )

    text = stream.getvalue()
    assert "Train for 4 batches." in text
    assert "[Epoch 0][Batch 2] training l2loss: " in text
    assert "[Epoch 0][Batch 4] training l2loss: " in text
    assert "[Batch 3]" not in text


def test_progress_shows_a_bar_for_each_epoch(monkeypatch):
    pytest.importorskip("tqdm")
    stream = io.StringIO()
    handler = ProgressHandler(file=stream, mininterval=0)

    make().fit(regression(), epochs=2, event_handlers=handler)

    text = stream.getvalue()
    assert "epoch 1/2: 100%" in text
    assert "epoch 2/2: 100%" in text
    assert "4/4" in text
    assert "training l2loss=" in text


def test_progress_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)

    with pytest.raises(ImportError, match=r"pip install 'glueball\[progress\]'"):
        ProgressHandler()


class Scripted(metric.EvalMetric):
    """Gives one number after another, whatever the predictions are."""

    def __init__(self, values, name="scripted"):
        self.values = iter(values)
        super().__init__(name)

    def update(self, labels, preds):
        pass

    def reset(self):
        self.value = next(self.values, math.nan)

    def get(self):
        return self.name, self.value


def epochs_until_stop(values, name="scripted", **settings):
    # (One value is used up when the metric is made.)
    watched = Scripted([math.nan, *values], name)
    handler = EarlyStoppingHandler(watched, **settings)
    recorder = Recorder()
    estimator = make(train_metrics=watched)
    estimator.fit(regression(40), epochs=len(values), event_handlers=[recorder, handler])
    return recorder.events.count("epoch_end"), handler


@pytest.mark.parametrize(
    ("values", "settings", "expected"),
    [
        ([5, 4, 3, 2], {}, 4),
        ([5, 4, 4, 2], {}, 3),
        ([5, 4, 6, 3, 7, 7, 7], {"patience": 2}, 6),
        ([5, 4.95, 4.9, 1], {"min_delta": 0.1, "patience": 2}, 3),
        ([1, 2, 3, 2], {"mode": "max"}, 4),
        ([0.1, 0.2, 0.15, 9], {"name": "accuracy"}, 3),
        ([5, 4, 3], {"baseline": 1}, 1),
        ([math.nan, math.nan, 1], {"patience": 2}, 2),
    ],
    ids=["falls", "stays", "patience", "delta", "max", "accuracy", "baseline", "nan"],
)
def test_early_stopping(values, settings, expected):
    count, handler = epochs_until_stop(values, **settings)

    assert count == expected
    assert (handler.stopped_epoch is not None) == (
        expected < len(values) or settings.get("mode") == "max"
    )


def test_early_stopping_is_written_to_the_log():
    estimator = make(train_metrics=Scripted([0, 1, 2, 3]))
    stream = logged(estimator)

    estimator.fit(
        regression(), epochs=3, event_handlers=EarlyStoppingHandler(estimator.train_metrics[0])
    )

    assert (
        "[Epoch 1] EarlyStoppingHandler: early stopping due to training scripted not improving"
        in stream.getvalue()
    )


def test_checkpoints_are_saved_after_epochs_and_old_ones_removed(tmp_path):
    estimator = make()
    handler = CheckpointHandler(tmp_path / "new", max_checkpoints=2)

    estimator.fit(regression(), epochs=3, event_handlers=handler)

    assert sorted(each.name for each in (tmp_path / "new").iterdir()) == [
        f"model-epoch{name}{ending}"
        for name in ("1batch8", "2batch12")
        for ending in (".params", ".states")
    ]
    copy = nn.Dense(1, in_units=3)
    copy.load_parameters(str(tmp_path / "new" / "model-epoch2batch12.params"))
    onp.testing.assert_array_equal(copy.weight.data(), estimator.net.weight.data())


def test_checkpoints_after_batches(tmp_path):
    handler = CheckpointHandler(tmp_path, "net", epoch_period=None, batch_period=3)

    make().fit(regression(), epochs=2, event_handlers=handler)

    assert handler.saved_checkpoints == ["net-epoch0batch3", "net-epoch1batch6"]


def test_the_best_parameters_are_kept(tmp_path):
    class Keep(EpochEnd):
        def __init__(self):
            self.weights = []

        def epoch_end(self, estimator, *args, **kwargs):
            self.weights.append(weights(estimator))

    keep = Keep()
    estimator = make(train_metrics=Scripted([0, 3, 1, 2]))
    handler = CheckpointHandler(
        tmp_path, monitor=estimator.train_metrics[0], save_best=True, max_checkpoints=1
    )

    estimator.fit(regression(), epochs=3, event_handlers=[handler, keep])

    assert handler.best == 1
    best = nn.Dense(1, in_units=3)
    best.load_parameters(str(tmp_path / "model-best.params"))
    onp.testing.assert_array_equal(best.weight.data(), keep.weights[1])


@pytest.mark.parametrize("momentum", [0, 0.9])
def test_training_resumed_from_a_checkpoint_ends_where_training_in_one_go_does(tmp_path, momentum):
    def estimator():
        made = make()
        made.trainer = gluon.Trainer(
            made.net.collect_params(), "sgd", {"learning_rate": 0.01, "momentum": momentum}
        )
        return made

    whole, first, second = estimator(), estimator(), estimator()
    whole.fit(regression(), epochs=5)

    first.fit(regression(), epochs=2, event_handlers=CheckpointHandler(tmp_path))
    recorder = Recorder()
    resume = CheckpointHandler(tmp_path, resume_from_checkpoint=True)
    second.fit(regression(), epochs=5, event_handlers=[resume, recorder])

    assert recorder.events.count("epoch_end") == 3
    assert resume.saved_checkpoints[-1] == "model-epoch4batch20"
    onp.testing.assert_array_equal(weights(second), weights(whole))


def test_resuming_what_is_finished_is_refused(tmp_path):
    make().fit(regression(), epochs=2, event_handlers=CheckpointHandler(tmp_path))

    with pytest.raises(RuntimeError, match=r"more than the 2 epochs that .* found epochs=2"):
        make().fit(
            regression(),
            epochs=2,
            event_handlers=CheckpointHandler(tmp_path, resume_from_checkpoint=True),
        )


def test_resuming_from_an_empty_folder_starts_afresh(tmp_path):
    recorder = Recorder()
    handler = CheckpointHandler(tmp_path, resume_from_checkpoint=True)

    make().fit(regression(), epochs=2, event_handlers=[handler, recorder])

    assert recorder.events.count("epoch_end") == 2


# ---------------------------------------------------------------- bad input


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


@pytest.mark.parametrize(
    ("construct", "message"),
    [
        (lambda: CheckpointHandler("x", save_best=True), "expected a metric as monitor"),
        (
            lambda: CheckpointHandler("x", max_checkpoints=0),
            "max_checkpoints of 1 or more, found 0",
        ),
        (
            lambda: CheckpointHandler("x", epoch_period=0),
            "epoch_period of 1 or more, or None, found 0",
        ),
        (lambda: EarlyStoppingHandler("accuracy"), "expected metrics .* found 'accuracy'"),
        (lambda: EarlyStoppingHandler(metric.Accuracy(), mode="up"), "as mode, found 'up'"),
        (lambda: LoggingHandler(log_interval=0), "as log_interval, found 0"),
        (lambda: MetricHandler("acc"), "expected metrics .* found 'acc'"),
    ],
)
def test_handlers_refuse_settings_that_make_no_sense(construct, message):
    with pytest.raises(ValueError, match=message):
        construct()


def test_an_error_in_a_batch_leaves_the_estimator_usable():
    estimator = make()
    with pytest.raises(RuntimeError, match=r"shape \(batch, 3\) for .* found \(2, 5\)"):
        estimator.fit([(nd.ones((2, 5)), nd.ones((2, 1)))], epochs=1)

    estimator.fit(regression(), epochs=1)

    assert weights(estimator).tolist() != [[1, 1, 1]]
