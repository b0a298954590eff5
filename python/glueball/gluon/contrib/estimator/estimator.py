"""Estimator: trains and evaluates a net."""

from __future__ import annotations

import copy
import sys
import warnings
from typing import TYPE_CHECKING, Any

from glueball import init, metric
from glueball._scope import surface
from glueball.base import ArgumentError
from glueball.context import Context, current_context, require_cpu
from glueball.gluon.block import Block
from glueball.gluon.contrib.estimator._events import leads
from glueball.gluon.contrib.estimator.batch_processor import BatchProcessor
from glueball.gluon.contrib.estimator.event_handler import (
    BatchBegin,
    BatchEnd,
    EpochBegin,
    EpochEnd,
    EventHandler,
    GradientUpdateHandler,
    LoggingHandler,
    MetricHandler,
    ProgressHandler,
    StoppingHandler,
    TrainBegin,
    TrainEnd,
    ValidationHandler,
)
from glueball.gluon.loss import SoftmaxCrossEntropyLoss
from glueball.gluon.trainer import Trainer

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Sequence

    from glueball.metric import EvalMetric

__all__ = ["Estimator"]


class Estimator:
    """Trains a net by batches, calls handlers at each event, and evaluates.

    Parameters
    ----------
    net : Block
        What to train.
    loss : Loss or callable
        ``loss(pred, label)`` gives an array.
    train_metrics, val_metrics : EvalMetric or list of them, optional
        What to measure while training, and on validation data: by default accuracy for a softmax cross
        entropy; `val_metrics` are by default as `train_metrics`. The mean loss is always measured too.
    initializer : Initializer or str, optional
        For parameters that have not been initialized.
    trainer : Trainer, optional
        By default one for 'sgd' with a learning rate of 0.001, and a warning that says so.
    context : Context or list of Context, optional
        CPUs, which are all one memory.
    val_net : Block, optional
        Another one for `evaluate`, with the same parameters.
    val_loss : Loss or callable, optional
        Another one for `evaluate`.
    batch_processor : BatchProcessor, optional
        What is done with a batch.

    Attributes
    ----------
    train_metrics, val_metrics : list of EvalMetric
        Named ``'training accuracy'``, ``'validation accuracy'`` and so on; the loss comes last.
    context : list of Context
        Where it trains.
    train_loss_metric, val_loss_metric : EvalMetric
        Those of the loss.
    max_epoch, max_batch : int or None
        Where `fit` ends.
    batches_per_epoch : int or None
        How many batches the training data has, if it can say.
    logger : logging.Logger
        Writes to standard output.

    Raises
    ------
    ValueError
        If an argument is of another kind.

    Examples
    --------
    >>> from glueball import gluon, nd
    >>> net = gluon.nn.Dense(2, in_units=3)
    >>> trainer = gluon.Trainer(net.collect_params() if net.initialize() is None else {}, "sgd")
    >>> data = gluon.data.DataLoader(gluon.data.ArrayDataset(nd.ones((4, 3)), [0, 1, 1, 1]), 2)
    >>> estimator = Estimator(net, gluon.loss.SoftmaxCrossEntropyLoss(), trainer=trainer)
    >>> estimator.logger.setLevel("WARNING")
    >>> estimator.fit(data, epochs=3)
    >>> sorted(estimator.evaluate(data))
    ['validation accuracy', 'validation softmaxcrossentropyloss']
    """

    def __init__(
        self,
        net: Block,
        loss: Callable[..., Any],
        train_metrics: Any = None,
        val_metrics: Any = None,
        initializer: Any = None,
        trainer: Trainer | None = None,
        context: Any = None,
        val_net: Block | None = None,
        val_loss: Callable[..., Any] | None = None,
        batch_processor: BatchProcessor | None = None,
    ) -> None:
        self.context = _contexts(context)
        _check(net, Block, "net", "a Block")
        if not callable(loss):
            message = (
                f"expected a loss such as gluon.loss.L2Loss() as loss, found {loss!r}; pass one"
            )
            raise ArgumentError(message)
        _check(val_net, Block, "val_net", "a Block", optional=True)
        _check(trainer, Trainer, "trainer", "a gluon.Trainer", optional=True)
        _check(
            batch_processor, BatchProcessor, "batch_processor", "a BatchProcessor", optional=True
        )
        self.net = net
        self.loss = loss
        self.val_loss = loss if val_loss is None else val_loss
        self.val_net = net if val_net is None else val_net
        self.batch_processor = BatchProcessor() if batch_processor is None else batch_processor
        self.max_epoch: int | None = None
        self.max_batch: int | None = None
        self.batches_per_epoch: int | None = None
        self.logger = _logger()
        measured = _metrics(train_metrics, "train_metrics")
        if not measured and isinstance(loss, SoftmaxCrossEntropyLoss):
            measured = [metric.Accuracy()]
        given = _metrics(val_metrics, "val_metrics") or measured
        # One that stands for both would have to count both kinds of data.
        also = [copy.deepcopy(each) if each in measured else each for each in given]
        name = str(getattr(loss, "name", None) or getattr(loss, "__name__", "loss"))
        name = name.rstrip("0123456789")
        self.train_loss_metric: EvalMetric = metric.Loss(name)
        self.val_loss_metric: EvalMetric = metric.Loss(name)
        self.train_metrics = _named("training", [*measured, self.train_loss_metric])
        self.val_metrics = _named("validation", [*also, self.val_loss_metric])
        self._initialize(initializer)
        self.trainer = self._default_trainer() if trainer is None else trainer

    def fit(
        self,
        train_data: Any,
        val_data: Any = None,
        epochs: int | None = None,
        event_handlers: Sequence[EventHandler] | EventHandler | None = None,
        batches: int | None = None,
        batch_axis: int = 0,
    ) -> None:
        """Train for a number of epochs, or of batches.

        Parameters
        ----------
        train_data : DataLoader or iterable
            Gives batches of data and labels, again for each epoch.
        val_data : DataLoader or iterable, optional
            Evaluated after each epoch.
        epochs, batches : int, optional
            How many; one of the two.
        event_handlers : EventHandler or list of them, optional
            Told of what happens. A handler of one of the kinds that `fit` adds by itself (for stopping,
            updates, metrics, validation, logging) replaces that.
        batch_axis : int, default 0
            The axis that counts samples.

        Raises
        ------
        ValueError
            If not exactly one of `epochs` and `batches` is given, or there are no batches.
        """
        if (epochs is None) == (batches is None):
            message = (
                "Fit only support exactly one type of iteration, train by number of batches or number of "
                f"epochs. Found epochs={epochs} and batches={batches}; please specify one of the two"
            )
            raise ArgumentError(message)
        for name, count in (("epochs", epochs), ("batches", batches)):
            _check_count(name, count)
        _check_iterable(train_data, "train_data")
        self.max_epoch, self.max_batch = epochs, batches
        self.batches_per_epoch = len(train_data) if hasattr(train_data, "__len__") else None
        handlers = self._handlers(val_data, event_handlers)
        _tell(handlers, TrainBegin, "train_begin", self)
        done = False
        while not done:
            _tell(handlers, EpochBegin, "epoch_begin", self)
            empty = True
            for batch in train_data:
                empty = False
                _tell(handlers, BatchBegin, "batch_begin", self, batch=batch)
                _, label, pred, loss = self.batch_processor.fit_batch(self, batch, batch_axis)
                told = {"batch": batch, "pred": pred, "label": label, "loss": loss}
                if _tell(handlers, BatchEnd, "batch_end", self, **told):
                    break
            if empty:
                message = (
                    f"expected batches in train_data, found none in {type(train_data).__name__}; a "
                    "generator can be iterated only once, a DataLoader again for each epoch"
                )
                raise ArgumentError(message)
            done = _tell(handlers, EpochEnd, "epoch_end", self)
        _tell(handlers, TrainEnd, "train_end", self)

    def evaluate(
        self,
        val_data: Any,
        batch_axis: int = 0,
        event_handlers: Sequence[EventHandler] | EventHandler | None = None,
    ) -> dict[str, float]:
        """Measure the net.

        Parameters
        ----------
        val_data : DataLoader or iterable
            Gives batches of data and labels.
        batch_axis : int, default 0
            The axis that counts samples.
        event_handlers : EventHandler or list of them, optional
            Told of the epoch's and batches' begin and end.

        Returns
        -------
        dict of str to float
            The values of `val_metrics` by their names. (Gluon returns nothing.)
        """
        _check_iterable(val_data, "val_data")
        handlers: list[EventHandler] = [MetricHandler(self.val_metrics), *_listed(event_handlers)]
        handlers.sort(key=_priority)
        _tell(handlers, EpochBegin, "epoch_begin", self)
        for batch in val_data:
            _tell(handlers, BatchBegin, "batch_begin", self, batch=batch)
            _, label, pred, loss = self.batch_processor.evaluate_batch(self, batch, batch_axis)
            _tell(
                handlers,
                BatchEnd,
                "batch_end",
                self,
                batch=batch,
                pred=pred,
                label=label,
                loss=loss,
            )
        _tell(handlers, EpochEnd, "epoch_end", self)
        return dict(pair for each in self.val_metrics for pair in each.get_name_value())

    def _handlers(self, val_data: Any, given: Any) -> list[EventHandler]:
        """Return the handlers in their order: the given ones, and what has to be there besides."""
        handlers = _listed(given)

        def add(handler: EventHandler) -> None:
            if not any(isinstance(each, type(handler)) for each in handlers):
                handlers.append(handler)

        add(StoppingHandler())
        add(GradientUpdateHandler())
        add(MetricHandler(self.train_metrics))
        if val_data is not None:
            _check_iterable(val_data, "val_data")
            add(ValidationHandler(val_data, self.evaluate))
        validated = any(isinstance(each, ValidationHandler) for each in handlers)
        add(LoggingHandler(metrics=self.train_metrics + (self.val_metrics if validated else [])))
        if not leads(self):  # one rank logs and shows bars
            handlers = [
                each for each in handlers if not isinstance(each, LoggingHandler | ProgressHandler)
            ]
        return sorted(handlers, key=_priority)

    def _initialize(self, initializer: Any) -> None:
        parameters = list(self.net.collect_params().values())
        waiting = [each for each in parameters if each._state == "uninitialized"]
        chosen = init.Uniform() if initializer is None else initializer
        if not waiting:
            if initializer is not None and parameters:
                message = (
                    "Network already fully initialized, skipping initialization. Leave out initializer=, "
                    "or call net.initialize(init=..., force_reinit=True)"
                )
                warnings.warn(message, stacklevel=3)
        elif len(waiting) == len(parameters):
            self.net.initialize(init=chosen)
        else:
            for each in waiting:
                each.initialize(default_init=chosen)

    def _default_trainer(self) -> Trainer:
        message = "No trainer specified, default SGD optimizer with learning rate 0.001 is used. Pass trainer="
        warnings.warn(message, stacklevel=3)
        return Trainer(self.net.collect_params(), "sgd", {"learning_rate": 0.001})


def _tell(
    handlers: list[EventHandler], kind: type, event: str, estimator: Estimator, **told: Any
) -> bool:
    """Call a method of the handlers that have it; return whether one asks to stop."""
    answers = [
        getattr(each, event)(estimator, **told) for each in handlers if isinstance(each, kind)
    ]
    return any(answers)


def _listed(handlers: Any) -> list[EventHandler]:
    found = list(handlers or ()) if isinstance(handlers, list | tuple | None) else [handlers]
    for each in found:
        _check(
            each, EventHandler, "event handler", "an object derived from EpochEnd, BatchEnd, ..."
        )
    return found


def _priority(handler: EventHandler) -> float:
    return float(getattr(handler, "priority", 0))


def _check(value: Any, kind: type, name: str, wanted: str, optional: bool = False) -> None:
    if not isinstance(value, kind) and not (optional and value is None):
        message = f"expected {wanted} as {name}, found {value!r}; pass an object of that kind"
        raise ArgumentError(message)


def _check_count(name: str, count: Any) -> None:
    if count is not None and (not isinstance(count, int) or count < 1):
        message = f"expected a number of {name} of 1 or more, found {count!r}; correct it"
        raise ArgumentError(message)


def _contexts(given: Any) -> list[Context]:
    found = list(given) if isinstance(given, list | tuple) else [given]
    if not found:
        message = "expected at least one context, found an empty list; pass cpu(), or leave it out"
        raise ArgumentError(message)
    require_cpu(found)
    return [current_context() if each is None else each for each in found]


def _check_iterable(data: Any, name: str) -> None:
    if not hasattr(data, "__iter__"):
        message = (
            f"expected a DataLoader as {name}, found {type(data).__name__}; pass something that gives "
            "batches of data and labels"
        )
        raise ArgumentError(message)


def _metrics(given: Any, name: str) -> list[EvalMetric]:
    """Return metrics as a list, with those of a composite one by one."""
    listed = list(given) if isinstance(given, list | tuple) else [] if given is None else [given]
    found: list[EvalMetric] = []
    for each in listed:
        _check(each, metric.EvalMetric, name, "metrics, such as metric.Accuracy(),")
        found += each.metrics if isinstance(each, metric.CompositeEvalMetric) else [each]
    return found


def _named(role: str, metrics: list[EvalMetric]) -> list[EvalMetric]:
    for each in metrics:
        for former in ("training ", "validation "):
            each.name = each.name.removeprefix(former)
        each.name = f"{role} {each.name}"
    return metrics


def _logger() -> logging.Logger:
    import logging  # here, as everywhere in glueball: it takes long to import

    logger = logging.Logger("Estimator", logging.INFO)  # noqa: LOG001 - each has its own
    logger.addHandler(logging.StreamHandler(sys.stdout))
    return logger


__getattr__, __dir__ = surface(__name__)
