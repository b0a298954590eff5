"""Handlers that tell how training goes: to a log, and in a progress bar."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from glueball.base import ArgumentError, PackageError
from glueball.gluon.contrib.estimator._events import (
    BatchEnd,
    EpochBegin,
    EpochEnd,
    TrainBegin,
    TrainEnd,
    checked_metrics,
    is_due,
    metric_values,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.gluon.contrib.estimator.estimator import Estimator
    from glueball.metric import EvalMetric

__all__ = [
    "LoggingHandler",
    "ProgressHandler",
]


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
        self.metrics = checked_metrics(metrics or [])
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
        if self.log_interval != "epoch" and is_due(self.batch_index, int(self.log_interval)):
            estimator.logger.info(
                "[Epoch %d][Batch %d] %s", self.current_epoch, self.batch_index, self._text()
            )
        return False

    def _text(self) -> str:
        return ", ".join(f"{name}: {value:.4f}" for name, value in metric_values(self.metrics))


class ProgressHandler(EpochBegin, EpochEnd, BatchEnd, TrainBegin, TrainEnd):
    """Shows a progress bar for each epoch, with metrics after it.

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
            raise PackageError(message) from error
        self._make_bar = tqdm
        self.metrics = None if metrics is None else checked_metrics(metrics)
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
                {name: f"{value:.4f}" for name, value in metric_values(shown)}, refresh=False
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
