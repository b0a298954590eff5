"""A training loop with handlers for what happens around it: `Estimator`."""

from glueball._scope import surface
from glueball.gluon.contrib.estimator import batch_processor, estimator, event_handler
from glueball.gluon.contrib.estimator.batch_processor import BatchProcessor
from glueball.gluon.contrib.estimator.estimator import Estimator
from glueball.gluon.contrib.estimator.event_handler import *

__all__ = [
    "BatchBegin", "BatchEnd", "BatchProcessor", "CheckpointHandler", "EarlyStoppingHandler",
    "EpochBegin", "EpochEnd", "Estimator", "EventHandler", "GradientUpdateHandler",
    "LoggingHandler", "MetricHandler", "ProgressHandler", "StoppingHandler", "TrainBegin",
    "TrainEnd", "ValidationHandler", "batch_processor", "estimator", "event_handler",
]  # fmt: skip

__getattr__, __dir__ = surface(__name__)
