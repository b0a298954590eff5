"""What an Estimator's handlers do: stop, validate, write, save and resume."""

from __future__ import annotations

import io
import math
import sys

import numpy as onp
import pytest

from estimators import (
    Recorder,
    logged,
    make,
    regression,
    weights,
)
from glueball import gluon, metric, nd
from glueball.gluon import nn
from glueball.gluon.contrib.estimator import (
    CheckpointHandler,
    EarlyStoppingHandler,
    EpochEnd,
    Estimator,
    GradientUpdateHandler,
    LoggingHandler,
    MetricHandler,
    ProgressHandler,
    StoppingHandler,
    ValidationHandler,
)


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


@pytest.mark.parametrize("deferred", [False, True])
def test_a_checkpoint_whose_states_do_not_fit_leaves_net_trainer_and_limits_alone(
    tmp_path, deferred
):
    def estimator(units=1, width=3):
        net = nn.Dense(units, in_units=0 if deferred and units == 1 else width)
        net.initialize()
        trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
        made = Estimator(net, gluon.loss.L2Loss(), trainer=trainer)
        made.logger.setLevel("ERROR")
        return made

    states = tmp_path / "model-epoch0batch4.states"
    first, other, resumed = estimator(), estimator(units=2, width=5), estimator()
    first.fit(regression(), epochs=1, event_handlers=CheckpointHandler(tmp_path))
    other.net(nd.ones((1, 5)))
    other.trainer.save_states(states)
    kept = None if deferred else resumed.net.weight.data().asnumpy().copy()
    handler = CheckpointHandler(tmp_path, resume_from_checkpoint=True)

    with pytest.raises(ValueError, match="expected states of Parameter .*epoch0batch4.states'"):
        resumed.fit(regression(), epochs=3, event_handlers=[handler])

    assert resumed.max_epoch == 3
    assert (handler.current_epoch, handler.current_batch) == (0, 0)
    assert resumed.trainer.optimizer.num_update == 0
    if deferred:
        assert resumed.net.weight.shape == (1, 0)
        assert resumed.net.weight._state == "deferred"
    else:
        onp.testing.assert_array_equal(resumed.net.weight.data(), kept)
