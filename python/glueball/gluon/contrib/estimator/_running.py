"""Handlers that every training has: when to stop, updates, metrics, validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball import metric as metrics_module
from glueball.base import UnsupportedError
from glueball.gluon.contrib.estimator._events import (
    BatchEnd,
    Counter,
    EpochBegin,
    EpochEnd,
    Periodic,
    checked_metrics,
    store_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueball.gluon.contrib.estimator.estimator import Estimator
    from glueball.metric import EvalMetric

__all__ = [
    "GradientUpdateHandler", "MetricHandler", "StoppingHandler", "ValidationHandler",
]  # fmt: skip


class StoppingHandler(Counter):
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
    """Lets the trainer step after each batch, by the samples of all ranks where there are several.

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
        samples: float = sum(each.shape[0] if each.ndim else 1 for each in listed)
        store = store_of(estimator)
        estimator.trainer.step(samples if store is None else store.total(samples))
        return False


class MetricHandler(EpochBegin, BatchEnd, EpochEnd):
    """Resets metrics when an epoch begins, and updates them after each batch.

    Where several ranks train together, metrics are of this rank's batches until the epoch ends, and then of all
    ranks'. Metrics whose value is not made of a sum and a count, such as F1, are refused there.

    Parameters
    ----------
    metrics : list of EvalMetric
        Which. A `metric.Loss` is given the losses, others labels and predictions.
    priority : float, default -1000
        Its place in the order.
    """

    def __init__(self, metrics: Sequence[EvalMetric], priority: float = -1000) -> None:
        self.metrics = checked_metrics(metrics)
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

    def epoch_end(self, estimator: Estimator, *args: Any, **kwargs: Any) -> bool | None:
        """Add up over the ranks, where there are several."""
        store = store_of(estimator)
        if store is not None:
            for each in self.metrics:
                _add_up(each, store)
        return False


def _add_up(metric: EvalMetric, store: Any) -> None:
    """Give a metric the sums and counts of all ranks."""
    if isinstance(metric, metrics_module.CompositeEvalMetric):
        for each in metric.metrics:
            _add_up(each, store)
        return
    if hasattr(metric, "_state"):
        message = (
            f"expected metrics of a sum and a count on several ranks, found {type(metric).__name__}; leave it "
            "out, and compute it on one rank after training"
        )
        raise UnsupportedError(message)
    for name in ("sum_metric", "num_inst", "global_sum_metric", "global_num_inst"):
        setattr(metric, name, store.total(getattr(metric, name)))


class ValidationHandler(Periodic):
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
        super().__init__(epoch_period, batch_period)
        self.val_data = val_data
        self.eval_fn = eval_fn
        self.priority = priority
        self.event_handlers = event_handlers

    def _act(self, estimator: Estimator, epoch: int) -> None:
        self.eval_fn(val_data=self.val_data, batch_axis=0, event_handlers=self.event_handlers)
