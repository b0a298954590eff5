"""What `mx.callback` has: reports of training, called after batches and epochs."""

from __future__ import annotations

import logging
import time
from typing import Any

from glueball._mxnet.model import save_checkpoint

__all__ = [
    "LogValidationMetricsCallback",
    "ProgressBar",
    "Speedometer",
    "do_checkpoint",
    "log_train_metric",
    "module_checkpoint",
]


_log = logging.getLogger()  # the root's, as in MXNet: programs configure that one


class Speedometer:
    """Log the samples per second, and the metrics, every so many batches.

    Parameters
    ----------
    batch_size : int
        Samples of a batch.
    frequent : int, default 50
        Batches between two lines.
    auto_reset : bool, default True
        Whether metrics begin again after each line.
    """

    def __init__(self, batch_size: int, frequent: int = 50, auto_reset: bool = True) -> None:
        self.batch_size = batch_size
        self.frequent = frequent
        self.auto_reset = auto_reset
        self.init = False
        self.tic = 0.0
        self.last_count = 0

    def __call__(self, param: Any) -> None:
        """Take note of a batch: `param` has ``epoch``, ``nbatch`` and ``eval_metric``."""
        count = param.nbatch
        if self.last_count > count:
            self.init = False
        self.last_count = count
        if not self.init:
            self.init, self.tic = True, time.perf_counter()
            return
        if count % self.frequent:
            return
        passed = time.perf_counter() - self.tic
        speed = self.frequent * self.batch_size / passed if passed else float("inf")
        text = "Epoch[%d] Batch [%d]\tSpeed: %.2f samples/sec"
        values: list[Any] = [param.epoch, count, speed]
        if param.eval_metric is not None:
            for name, value in param.eval_metric.get_name_value():
                text += "\t%s=%f"
                values += [name, value]
            if self.auto_reset:
                param.eval_metric.reset_local()
        _log.info(text, *values)
        self.tic = time.perf_counter()


class ProgressBar:
    """Log how far an epoch of `total` batches has come, as a bar of `length` signs."""

    def __init__(self, total: int, length: int = 80) -> None:
        self.bar_len = length
        self.total = total

    def __call__(self, param: Any) -> None:
        """Take note of a batch: `param` has ``nbatch``."""
        share = min(1.0, param.nbatch / self.total)
        filled = round(self.bar_len * share)
        _log.info("[%s] %d%%", "=" * filled + "-" * (self.bar_len - filled), round(100 * share))


class LogValidationMetricsCallback:
    """Log the metrics of validation after an epoch."""

    def __call__(self, param: Any) -> None:
        """Take note of an epoch: `param` has ``epoch`` and ``eval_metric``."""
        if param.eval_metric is not None:
            for name, value in param.eval_metric.get_name_value():
                _log.info("Epoch[%d] Validation-%s=%f", param.epoch, name, value)


def log_train_metric(period: int, auto_reset: bool = False) -> Any:
    """Return a callback that logs metrics every `period` batches."""

    def callback(param: Any) -> None:
        if param.nbatch % period == 0 and param.eval_metric is not None:
            for name, value in param.eval_metric.get_name_value():
                _log.info("Iter[%d] Batch[%d] Train-%s=%f", param.epoch, param.nbatch, name, value)
            if auto_reset:
                param.eval_metric.reset_local()

    return callback


def do_checkpoint(prefix: str, period: int = 1) -> Any:
    """Return a callback that saves arrays every `period` epochs, as `model.save_checkpoint` does."""
    period = max(1, int(period))

    def callback(epoch: int, symbol: Any = None, arg: Any = None, aux: Any = None) -> None:
        if (epoch + 1) % period == 0:
            save_checkpoint(prefix, epoch + 1, symbol, arg or {}, aux or {})

    return callback


def module_checkpoint(
    mod: Any, prefix: str, period: int = 1, save_optimizer_states: bool = False
) -> Any:
    """Return a callback that calls ``mod.save_checkpoint`` every `period` epochs."""
    period = max(1, int(period))

    def callback(epoch: int, symbol: Any = None, arg: Any = None, aux: Any = None) -> None:
        if (epoch + 1) % period == 0:
            mod.save_checkpoint(prefix, epoch + 1, save_optimizer_states)

    return callback
