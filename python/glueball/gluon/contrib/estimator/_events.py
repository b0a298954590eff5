"""What handlers derive from, and what several of them do.

A handler derives from one or more of `TrainBegin`, `TrainEnd`, `EpochBegin`, `EpochEnd`, `BatchBegin`
and `BatchEnd`, and overrides their methods. Those for the end of a batch or an epoch may return True: training
ends there. Handlers are called in the order of their `priority`, smallest first; 0 if they have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball import metric as metrics_module
from glueball.base import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.gluon.contrib.estimator.estimator import Estimator
    from glueball.metric import EvalMetric

__all__ = [
    "BatchBegin", "BatchEnd", "Counter", "EpochBegin", "EpochEnd", "EventHandler", "Periodic", "TrainBegin",
    "TrainEnd", "checked_metrics", "is_due", "leads", "metric_values", "store_of",
]  # fmt: skip


class EventHandler:
    """Base of all handlers."""


class TrainBegin(EventHandler):
    """Called when training begins."""

    def train_begin(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Do nothing; override it."""


class TrainEnd(EventHandler):
    """Called when training has ended."""

    def train_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Do nothing; override it."""


class EpochBegin(EventHandler):
    """Called when an epoch begins."""

    def epoch_begin(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Do nothing; override it."""


class EpochEnd(EventHandler):
    """Called when an epoch has ended."""

    def epoch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Return whether to stop; override it."""
        return False


class BatchBegin(EventHandler):
    """Called when a batch begins."""

    def batch_begin(self, estimator: Estimator, *args: Any, **kwargs: Any) -> None:
        """Do nothing; override it. `kwargs` holds ``batch``."""


class BatchEnd(EventHandler):
    """Called when backward has run on a batch."""

    def batch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Return whether to stop; override it.

        `kwargs` holds ``batch``, and lists with an entry each: ``pred``, ``label``, ``loss``.
        """
        return False


class Counter(TrainBegin, BatchEnd, EpochEnd):
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


class Periodic(Counter):
    """Base of handlers that do something after each so many epochs, or batches."""

    def __init__(self, epoch_period: int | None, batch_period: int | None) -> None:
        self.epoch_period = _checked_period(epoch_period, "epoch_period")
        self.batch_period = _checked_period(batch_period, "batch_period")

    def batch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Act, if it is due."""
        super().batch_end(estimator)
        if is_due(self.current_batch, self.batch_period):
            self._act(estimator, self.current_epoch)
        return False

    def epoch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Act, if it is due."""
        super().epoch_end(estimator)
        if is_due(self.current_epoch, self.epoch_period):
            self._act(estimator, self.current_epoch - 1)
        return False

    def _act(self, estimator: Estimator, epoch: int) -> None:
        """Do it, in or after the epoch of that number."""
        raise NotImplementedError


def store_of(estimator: Estimator) -> Any:
    """Return the kvstore that sums over several ranks, or None where this process trains alone."""
    store = getattr(estimator.trainer, "_kvstore", None)
    return store if getattr(store, "num_workers", 1) > 1 and hasattr(store, "total") else None


def leads(estimator: Estimator) -> bool:
    """Return whether this rank is the one that writes files and shows progress."""
    store = store_of(estimator)
    return store is None or store.rank == 0


def is_due(count: int, period: int | None) -> bool:
    return period is not None and count % period == 0


def metric_values(metrics: Sequence[EvalMetric]) -> list[tuple[str, float]]:
    return [pair for each in metrics for pair in each.get_name_value()]


def checked_metrics(metrics: Any) -> list[EvalMetric]:
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
