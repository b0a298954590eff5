"""Handlers of what happens while an Estimator trains."""

from glueball._scope import surface
from glueball.gluon.contrib.estimator._events import (
    BatchBegin,
    BatchEnd,
    EpochBegin,
    EpochEnd,
    EventHandler,
    TrainBegin,
    TrainEnd,
)
from glueball.gluon.contrib.estimator._monitoring import CheckpointHandler, EarlyStoppingHandler
from glueball.gluon.contrib.estimator._reporting import LoggingHandler, ProgressHandler
from glueball.gluon.contrib.estimator._running import *

__all__ = [
    "BatchBegin", "BatchEnd", "CheckpointHandler", "EarlyStoppingHandler", "EpochBegin",
    "EpochEnd", "EventHandler", "GradientUpdateHandler", "LoggingHandler", "MetricHandler",
    "ProgressHandler", "StoppingHandler", "TrainBegin", "TrainEnd", "ValidationHandler",
]  # fmt: skip

__getattr__, __dir__ = surface(__name__)
