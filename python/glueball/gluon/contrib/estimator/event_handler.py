"""Handlers of what happens while an Estimator trains.

A handler derives from one or more of `TrainBegin`, `TrainEnd`, `EpochBegin`, `EpochEnd`, `BatchBegin`
and `BatchEnd`, and overrides their methods. Those for the end of a batch or an epoch may return True: training
ends there. Handlers are called in the order of their `priority`, smallest first; 0 if they have none.
"""

from __future__ import annotations

import math
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueball import metric as metrics_module
from glueball.base import ArgumentError, MXNetError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueball.gluon.contrib.estimator.estimator import Estimator
    from glueball.metric import EvalMetric

__all__ = [
    "BatchBegin",
    "BatchEnd",
    "CheckpointHandler",
    "EarlyStoppingHandler",
    "EpochBegin",
    "EpochEnd",
    "EventHandler",
    "GradientUpdateHandler",
    "LoggingHandler",
    "MetricHandler",
    "ProgressHandler",
    "StoppingHandler",
    "TrainBegin",
    "TrainEnd",
    "ValidationHandler",
]


class EventHandler:
    """Base of all handlers."""


class TrainBegin(EventHandler):
    """Is told when training begins."""

    def train_begin(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Do nothing; override it."""


class TrainEnd(EventHandler):
    """Is told when training has ended."""

    def train_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Do nothing; override it."""


class EpochBegin(EventHandler):
    """Is told when an epoch begins."""

    def epoch_begin(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Do nothing; override it."""


class EpochEnd(EventHandler):
    """Is told when an epoch has ended."""

    def epoch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Return whether to stop; override it."""
        return False


class BatchBegin(EventHandler):
    """Is told when a batch begins."""

    def batch_begin(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Do nothing; override it. `kwargs` holds ``batch``."""


class BatchEnd(EventHandler):
    """Is told when backward has run on a batch."""

    def batch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Return whether to stop; override it.

        `kwargs` holds ``batch``, and lists with an entry each: ``pred``, ``label``, ``loss``.
        """
        return False


class _Counter(TrainBegin, BatchEnd, EpochEnd):
    """Base of handlers that count epochs and batches."""

    current_epoch = 0
    current_batch = 0

    def train_begin(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Count from 0."""
        self.current_epoch = 0
        self.current_batch = 0

    def batch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Count a batch."""
        self.current_batch += 1
        return False

    def epoch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Count an epoch."""
        self.current_epoch += 1
        return False


def _is_due(count: int, period: int | None) -> bool:
    return period is not None and count % period == 0


class StoppingHandler(_Counter):
    """Stops after a number of epochs or batches.

    Parameters
    ----------
    max_epoch, max_batch : int, optional
        How many; by default what `fit` was asked for.
    """

    def __init__(self, max_epoch: int | None = None, max_batch: int | None = None) -> None:
        self.max_epoch = max_epoch
        self.max_batch = max_batch

    def batch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Return whether that was the last batch."""
        super().batch_end(estimator)
        return self._reached(self.current_batch, self.max_batch, estimator.max_batch)

    def epoch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Return whether that was the last epoch, or the last batch was in it."""
        super().epoch_end(estimator)
        return self._reached(self.current_epoch, self.max_epoch, estimator.max_epoch) or (
            self._reached(self.current_batch, self.max_batch, estimator.max_batch)
        )

    @staticmethod
    def _reached(count: int, own: int | None, asked: int | None) -> bool:
        limit = asked if own is None else own
        return limit is not None and count >= limit


class GradientUpdateHandler(BatchEnd):
    """Lets the trainer step after each batch.

    Parameters
    ----------
    priority : float, default -2000
        Its place in the order.
    """

    def __init__(self, priority: float = -2000) -> None:
        self.priority = priority

    def batch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Step, with as many samples as there are losses."""
        losses = kwargs["loss"]
        listed = losses if isinstance(losses, list) else [losses]
        estimator.trainer.step(sum(each.shape[0] if each.ndim else 1 for each in listed))
        return False


class MetricHandler(EpochBegin, BatchEnd):
    """Resets metrics when an epoch begins, and updates them after each batch.

    Parameters
    ----------
    metrics : list of EvalMetric
        Which. A `metric.Loss` is given the losses, others labels and predictions.
    priority : float, default -1000
        Its place in the order.
    """

    def __init__(self, metrics: Sequence[EvalMetric], priority: float = -1000) -> None:
        self.metrics = _checked_metrics(metrics)
        self.priority = priority

    def epoch_begin(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Reset."""
        for each in self.metrics:
            each.reset()

    def batch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Update."""
        for each in self.metrics:
            if isinstance(each, metrics_module.Loss):
                each.update(0, kwargs["loss"])
            else:
                each.update(kwargs["label"], kwargs["pred"])
        return False


class ValidationHandler(_Counter):
    """Evaluates on other data, after epochs or batches.

    Parameters
    ----------
    val_data : DataLoader
        The data.
    eval_fn : callable
        ``eval_fn(val_data=..., batch_axis=..., event_handlers=...)``: an estimator's `evaluate`.
    epoch_period : int or None, default 1
        After each so many epochs.
    batch_period : int, optional
        After each so many batches.
    priority : float, default -1000
        Its place in the order.
    event_handlers : list of EventHandler, optional
        Given to `eval_fn`.
    """

    def __init__(
        self,
        val_data: Any,
        eval_fn: Callable[..., Any],
        epoch_period: int | None = 1,
        batch_period: int | None = None,
        priority: float = -1000,
        event_handlers: Any = None,
    ) -> None:
        self.val_data = val_data
        self.eval_fn = eval_fn
        self.epoch_period = _checked_period(epoch_period, "epoch_period")
        self.batch_period = _checked_period(batch_period, "batch_period")
        self.priority = priority
        self.event_handlers = event_handlers

    def batch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Evaluate, if it is due."""
        super().batch_end(estimator)
        if _is_due(self.current_batch, self.batch_period):
            self._evaluate()
        return False

    def epoch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Evaluate, if it is due."""
        super().epoch_end(estimator)
        if _is_due(self.current_epoch, self.epoch_period):
            self._evaluate()
        return False

    def _evaluate(self) -> None:
        self.eval_fn(val_data=self.val_data, batch_axis=0, event_handlers=self.event_handlers)


class LoggingHandler(TrainBegin, TrainEnd, EpochBegin, EpochEnd, BatchEnd):
    """Writes times and metrics to the estimator's logger.

    Parameters
    ----------
    log_interval : 'epoch' or int, default 'epoch'
        After each epoch only, or after each so many batches too.
    metrics : list of EvalMetric, optional
        What to write.
    priority : float
        Its place in the order; by default the last.

    Raises
    ------
    ValueError
        For another interval.
    """

    def __init__(
        self,
        log_interval: str | int = "epoch",
        metrics: Sequence[EvalMetric] | None = None,
        priority: float = math.inf,
    ) -> None:
        if log_interval != "epoch" and not (isinstance(log_interval, int) and log_interval > 0):
            message = (
                f"expected 'epoch' or a number of batches as log_interval, found {log_interval!r}; choose "
                "one"
            )
            raise ArgumentError(message)
        self.metrics = _checked_metrics(metrics or [])
        self.log_interval = log_interval
        self.priority = priority
        self.current_epoch = 0
        self.batch_index = 0
        self._began = self._epoch_began = 0.0

    def train_begin(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Write what is about to be trained."""
        self._began = time.perf_counter()
        self.current_epoch = 0
        estimator.logger.info(
            "Training begin: using optimizer %s with current learning rate %.4f",
            type(estimator.trainer.optimizer).__name__,
            estimator.trainer.learning_rate,
        )
        if estimator.max_epoch is not None:
            estimator.logger.info("Train for %d epochs.", estimator.max_epoch)
        else:
            estimator.logger.info("Train for %d batches.", estimator.max_batch)

    def train_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Write the time that training took, and metrics."""
        took = time.perf_counter() - self._began
        estimator.logger.info(
            "Train finished using total %ds with %d epochs. %s",
            took,
            self.current_epoch,
            self._text(),
        )

    def epoch_begin(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Write the learning rate."""
        self._epoch_began = time.perf_counter()
        self.batch_index = 0
        estimator.logger.info(
            "[Epoch %d] Begin, current learning rate: %.4f",
            self.current_epoch,
            estimator.trainer.learning_rate,
        )

    def epoch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Write the time that the epoch took, and metrics."""
        took = time.perf_counter() - self._epoch_began
        estimator.logger.info(
            "[Epoch %d] Finished in %.3fs, %s", self.current_epoch, took, self._text()
        )
        self.current_epoch += 1
        return False

    def batch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Write metrics, if it is due."""
        self.batch_index += 1
        if self.log_interval != "epoch" and _is_due(self.batch_index, int(self.log_interval)):
            estimator.logger.info(
                "[Epoch %d][Batch %d] %s", self.current_epoch, self.batch_index, self._text()
            )
        return False

    def _text(self) -> str:
        return ", ".join(f"{name}: {value:.4f}" for name, value in _values(self.metrics))


class ProgressHandler(EpochBegin, EpochEnd, BatchEnd, TrainBegin, TrainEnd):
    """Shows a progress bar for each epoch, with metrics behind it.

    Not in Gluon. Needs tqdm: ``pip install 'glueball[progress]'``.

    Parameters
    ----------
    metrics : list of EvalMetric, optional
        What to show; by default the estimator's training metrics.
    priority : float, default 1000
        Its place in the order: after what measures.
    **settings
        For ``tqdm.tqdm``, such as ``disable=None``, which shows bars on a terminal only.

    Raises
    ------
    ImportError
        If tqdm is missing.
    """

    def __init__(
        self,
        metrics: Sequence[EvalMetric] | None = None,
        priority: float = 1000,
        **settings: Any,
    ) -> None:
        try:
            from tqdm import tqdm
        except ImportError as error:
            message = (
                "expected tqdm for progress bars, found that it is missing; pip install "
                "'glueball[progress]'"
            )
            raise ImportError(message) from error
        self._make_bar = tqdm
        self.metrics = None if metrics is None else _checked_metrics(metrics)
        self.priority = priority
        self._settings = settings
        self._epoch = 0
        self._bar: Any = None

    def train_begin(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Count epochs from 1."""
        self._epoch = 0

    def epoch_begin(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Begin a bar."""
        self._close()
        self._epoch += 1
        last = "" if estimator.max_epoch is None else f"/{estimator.max_epoch}"
        settings = {"total": estimator.batches_per_epoch, "unit": "batch", **self._settings}
        self._bar = self._make_bar(desc=f"epoch {self._epoch}{last}", **settings)

    def batch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Move the bar."""
        if self._bar is not None:
            shown = estimator.train_metrics if self.metrics is None else self.metrics
            self._bar.set_postfix(
                {name: f"{value:.4f}" for name, value in _values(shown)}, refresh=False
            )
            self._bar.update()
        return False

    def epoch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """End the bar."""
        self._close()
        return False

    def train_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """End the bar."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class _Monitor:
    """Compares a metric's value with the best so far.

    Parameters
    ----------
    metric : EvalMetric
        What is watched.
    mode : {'auto', 'min', 'max'}
        What is better; 'auto' goes by the metric's name.
    min_delta : float
        What a value has to be better by.
    """

    _larger_is_better = ("acc", "f1", "mcc", "pearson")

    def __init__(self, metric: EvalMetric, mode: str, min_delta: float = 0.0) -> None:
        _checked_metrics([metric])
        if mode not in ("auto", "min", "max"):
            message = f"expected 'auto', 'min' or 'max' as mode, found {mode!r}; choose one"
            raise ArgumentError(message)
        self.metric = metric
        self._delta = abs(min_delta)
        if mode == "auto":
            name = str(metric.get()[0]).lower()
            mode = "max" if any(each in name for each in self._larger_is_better) else "min"
        self._sign = 1.0 if mode == "max" else -1.0
        self.best = -math.inf * self._sign

    def restart(self, baseline: float | None = None) -> None:
        """Forget the best, or take a baseline for it."""
        self.best = -math.inf * self._sign if baseline is None else baseline

    def improved(self) -> bool:
        """Return whether the metric is better than the best, and keep it if so; NaN never is."""
        value = self.value
        if not self._sign * (value - self.best) > self._delta:
            return False
        self.best = value
        return True

    @property
    def value(self) -> float:
        """The metric's value now."""
        return float(self.metric.get()[1])


class EarlyStoppingHandler(_Counter, TrainEnd):
    """Stops when a metric has not become better for some epochs.

    Parameters
    ----------
    monitor : EvalMetric
        Which: ``estimator.val_metrics[0]``, ``estimator.val_loss_metric``.
    min_delta : float, default 0
        What it has to become better by.
    patience : int, default 0
        Epochs without a better value after which training stops.
    mode : {'auto', 'min', 'max'}
        What is better. 'auto' goes by the metric's name: larger for accuracies, F1, MCC and correlations,
        else smaller.
    baseline : float, optional
        What the first values have to be better than.

    Raises
    ------
    ValueError
        If `monitor` is no metric, or the mode is another.
    """

    def __init__(
        self,
        monitor: EvalMetric,
        min_delta: float = 0,
        patience: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
    ) -> None:
        self._watch = _Monitor(monitor, mode, min_delta)
        self.monitor = monitor
        self.patience = patience
        self.baseline = baseline
        self.wait = 0
        self.stopped_epoch: int | None = None

    @property
    def best(self) -> float:
        """The best value so far."""
        return self._watch.best

    def train_begin(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Forget former values."""
        super().train_begin(estimator)
        self._watch.restart(self.baseline)
        self.wait = 0
        self.stopped_epoch = None

    def epoch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Return whether patience is at its end."""
        if self._watch.improved():
            self.wait = 0
        else:
            self.wait += 1
            if self.wait >= self.patience and self.stopped_epoch is None:
                self.stopped_epoch = self.current_epoch
        super().epoch_end(estimator)
        return self.stopped_epoch is not None

    def train_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Write that it stopped, if it did."""
        if self.stopped_epoch is not None:
            estimator.logger.info(
                "[Epoch %d] EarlyStoppingHandler: early stopping due to %s not improving",
                self.stopped_epoch,
                self.monitor.get()[0],
            )


class CheckpointHandler(_Counter):
    """Saves parameters, and the best of them, after epochs or batches.

    Files are ``<prefix>-epoch<e>batch<b>.npz`` and ``<prefix>-best.npz``, and for the optimizer's states
    the same with ``.states``.

    Parameters
    ----------
    model_dir : str
        The folder; made if it is missing.
    model_prefix : str, default 'model'
        What names begin with.
    monitor : EvalMetric, optional
        What decides which is best.
    verbose : int, default 0
        1 writes what is saved to the logger.
    save_best : bool, default False
        Whether to keep the best.
    mode : {'auto', 'min', 'max'}
        What is best; as for `EarlyStoppingHandler`.
    epoch_period : int or None, default 1
        After each so many epochs.
    batch_period : int, optional
        After each so many batches.
    max_checkpoints : int, default 5
        Older files are removed. The best stays.
    resume_from_checkpoint : bool, default False
        Begin with the last file in the folder, and train what is left of the epochs or batches.

    Raises
    ------
    ValueError
        If `save_best` is asked for without `monitor`.
    """

    def __init__(
        self,
        model_dir: str | os.PathLike[str],
        model_prefix: str = "model",
        monitor: EvalMetric | None = None,
        verbose: int = 0,
        save_best: bool = False,
        mode: str = "auto",
        epoch_period: int | None = 1,
        batch_period: int | None = None,
        max_checkpoints: int = 5,
        resume_from_checkpoint: bool = False,
    ) -> None:
        if save_best and monitor is None:
            message = (
                "expected a metric as monitor to know which parameters are best, found None; pass "
                "monitor=estimator.val_metrics[0]"
            )
            raise ArgumentError(message)
        if max_checkpoints < 1:
            message = f"expected max_checkpoints of 1 or more, found {max_checkpoints}; 5 is usual"
            raise ArgumentError(message)
        self._watch = None if monitor is None else _Monitor(monitor, mode)
        self.model_dir = Path(model_dir)
        self.model_prefix = model_prefix
        self.verbose = verbose
        self.save_best = save_best
        self.epoch_period = _checked_period(epoch_period, "epoch_period")
        self.batch_period = _checked_period(batch_period, "batch_period")
        self.max_checkpoints = max_checkpoints
        self.resume_from_checkpoint = resume_from_checkpoint
        self.saved_checkpoints: list[str] = []

    @property
    def best(self) -> float | None:
        """The best value so far."""
        return None if self._watch is None else self._watch.best

    def train_begin(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Make the folder, and go on from what is in it, if that is asked for."""
        super().train_begin(estimator)
        self.model_dir.mkdir(parents=True, exist_ok=True)
        self.saved_checkpoints = []
        if self._watch is not None:
            self._watch.restart()
        if self.resume_from_checkpoint:
            self._resume(estimator)

    def batch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Save, if it is due."""
        super().batch_end(estimator)
        if _is_due(self.current_batch, self.batch_period):
            self._save(estimator, self.current_epoch)
        return False

    def epoch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Save, if it is due."""
        super().epoch_end(estimator)
        if _is_due(self.current_epoch, self.epoch_period):
            self._save(estimator, self.current_epoch - 1)
        return False

    def _save(self, estimator: Estimator, epoch: int) -> None:
        name = f"{self.model_prefix}-epoch{epoch}batch{self.current_batch}"
        self._write(estimator, name)
        if name not in self.saved_checkpoints:
            self.saved_checkpoints.append(name)
        while len(self.saved_checkpoints) > self.max_checkpoints:
            old = self.saved_checkpoints.pop(0)
            for ending in (".npz", ".states"):
                (self.model_dir / (old + ending)).unlink(missing_ok=True)
        if self.save_best and self._watch is not None and self._watch.improved():
            self._write(estimator, f"{self.model_prefix}-best")

    def _write(self, estimator: Estimator, name: str) -> None:
        path = self.model_dir / name
        estimator.net.save_parameters(f"{path}.npz")
        estimator.trainer.save_states(f"{path}.states")
        if self.verbose:
            estimator.logger.info(
                "[Epoch %d] CheckpointHandler: saved %s.npz", self.current_epoch, path
            )

    def _resume(self, estimator: Estimator) -> None:
        pattern = re.compile(re.escape(self.model_prefix) + r"-epoch(\d+)batch(\d+)\.npz")
        found = [
            match for path in self.model_dir.iterdir() if (match := pattern.fullmatch(path.name))
        ]
        if not found:
            estimator.logger.info("CheckpointHandler: no checkpoint in %s", self.model_dir)
            return
        last = max(found, key=lambda match: int(match[2]))
        path = self.model_dir / last[0]
        self.current_epoch, self.current_batch = int(last[1]) + 1, int(last[2])
        for name, asked, had in (
            ("epochs", estimator.max_epoch, self.current_epoch),
            ("batches", estimator.max_batch, self.current_batch),
        ):
            if asked is not None and had >= asked:
                message = (
                    f"expected more than the {had} {name} that '{path}' was trained for, found "
                    f"{name}={asked}; ask for more, or use another model_dir"
                )
                raise MXNetError(message)
        estimator.net.load_parameters(os.fspath(path))
        estimator.trainer.load_states(os.fspath(path.with_suffix(".states")))
        if estimator.max_epoch is not None:
            estimator.max_epoch -= self.current_epoch
        if estimator.max_batch is not None:
            estimator.max_batch -= self.current_batch
        estimator.logger.info("CheckpointHandler: resumed from %s", path)


def _values(metrics: Sequence[EvalMetric]) -> list[tuple[str, float]]:
    return [pair for each in metrics for pair in each.get_name_value()]


def _checked_metrics(metrics: Any) -> list[EvalMetric]:
    found = list(metrics) if isinstance(metrics, list | tuple) else [metrics]
    for each in found:
        if not isinstance(each, metrics_module.EvalMetric):
            message = (
                f"expected metrics such as estimator.train_metrics, found {each!r}; pass EvalMetric "
                "objects"
            )
            raise ArgumentError(message)
    return found


def _checked_period(period: int | None, name: str) -> int | None:
    if period is not None and period < 1:
        message = f"expected a {name} of 1 or more, or None, found {period}; correct it"
        raise ArgumentError(message)
    return period
