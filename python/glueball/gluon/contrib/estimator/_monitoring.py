"""Handlers that watch a metric, and keep or stop what is trained."""

from __future__ import annotations

import functools
import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueball.base import ArgumentError
from glueball.gluon import Block
from glueball.gluon._files.loading import check_loading, read_named
from glueball.gluon._trainer_states import check_states
from glueball.gluon.contrib.estimator._events import (
    Counter,
    Periodic,
    TrainEnd,
    checked_metrics,
    leads,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.gluon import Parameter
    from glueball.gluon.contrib.estimator.estimator import Estimator
    from glueball.metric import EvalMetric

__all__ = [
    "CheckpointHandler",
    "EarlyStoppingHandler",
]


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
        checked_metrics([metric])
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


class EarlyStoppingHandler(Counter, TrainEnd):
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
        If `monitor` is not a metric, or the mode is another.
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


class CheckpointHandler(Periodic):
    """Saves parameters, and the best of them, after epochs or batches.

    Files are ``<prefix>-epoch<e>batch<b>.params`` and ``<prefix>-best.params``, in MXNet's format, and the
    same with ``.states`` for the optimizer's states.

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
        super().__init__(epoch_period, batch_period)
        self._watch = None if monitor is None else _Monitor(monitor, mode)
        self.model_dir = Path(model_dir)
        self.model_prefix = model_prefix
        self.verbose = verbose
        self.save_best = save_best
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

    def _act(self, estimator: Estimator, epoch: int) -> None:
        if not leads(estimator):
            return
        name = f"{self.model_prefix}-epoch{epoch}batch{self.current_batch}"
        self._write(estimator, name)
        if name not in self.saved_checkpoints:
            self.saved_checkpoints.append(name)
        while len(self.saved_checkpoints) > self.max_checkpoints:
            old = self.saved_checkpoints.pop(0)
            for ending in (".params", ".states"):
                (self.model_dir / (old + ending)).unlink(missing_ok=True)
        if self.save_best and self._watch is not None and self._watch.improved():
            self._write(estimator, f"{self.model_prefix}-best")

    def _write(self, estimator: Estimator, name: str) -> None:
        path = self.model_dir / name
        estimator.net.save_parameters(f"{path}.params")
        estimator.trainer.save_states(f"{path}.states")
        if self.verbose:
            estimator.logger.info(
                "[Epoch %d] CheckpointHandler: saved %s.params", self.current_epoch, path
            )

    def _resume(self, estimator: Estimator) -> None:
        pattern = re.compile(re.escape(self.model_prefix) + r"-epoch(\d+)batch(\d+)\.params")
        found = [
            match for path in self.model_dir.iterdir() if (match := pattern.fullmatch(path.name))
        ]
        if not found:
            estimator.logger.info("CheckpointHandler: no checkpoint in %s", self.model_dir)
            return
        last = max(found, key=lambda match: int(match[2]))
        path = self.model_dir / last[0]
        epoch, batch = int(last[1]) + 1, int(last[2])
        for name, asked, had in (
            ("epochs", estimator.max_epoch, epoch),
            ("batches", estimator.max_batch, batch),
        ):
            if asked is not None and had >= asked:
                message = (
                    f"expected more than the {had} {name} that '{path}' was trained for, found "
                    f"{name}={asked}; ask for more, or use another model_dir"
                )
                raise ArgumentError(message)
        _restore(estimator, os.fspath(path), path.with_suffix(".states"))
        self.current_epoch, self.current_batch = epoch, batch
        if estimator.max_epoch is not None:
            estimator.max_epoch -= self.current_epoch
        if estimator.max_batch is not None:
            estimator.max_batch -= self.current_batch
        estimator.logger.info("CheckpointHandler: resumed from %s", path)


def _restore(estimator: Estimator, parameters: str, states: Path) -> None:
    """Read both files of a checkpoint; check both before anything changes."""
    net, trainer = estimator.net, estimator.trainer
    shapes: dict[Parameter, tuple[int, ...]] = {}
    assign: Callable[[], object] = functools.partial(net.load_parameters, parameters)
    if type(net).load_parameters is Block.load_parameters:  # one of your own knows its files alone
        shapes, assign = check_loading(
            net._walk_parameters(), read_named(parameters), parameters, prefix=net.prefix
        )
    if not states.is_file():
        assign()
        return
    with trainer._lock:
        restore = check_states(states, trainer._optimizer, trainer._params, shapes)
        assign()
        restore()
