"""Metrics: how good predictions are, summed up over batches. `mx.metric`."""

from __future__ import annotations

from typing import Any

from glueball._scope import missing
from glueball.metric._base import EvalMetric, alias, check_label_shapes, register
from glueball.metric.classification import F1, MCC, PCC, Accuracy, TopKAccuracy
from glueball.metric.combination import CompositeEvalMetric, CustomMetric, Loss, create, np
from glueball.metric.likelihood import CrossEntropy, NegativeLogLikelihood, Perplexity
from glueball.metric.regression import MAE, MSE, RMSE, PearsonCorrelation

__all__ = [
    "F1",
    "MAE",
    "MCC",
    "MSE",
    "PCC",
    "RMSE",
    "Accuracy",
    "CompositeEvalMetric",
    "CrossEntropy",
    "CustomMetric",
    "EvalMetric",
    "Loss",
    "NegativeLogLikelihood",
    "PearsonCorrelation",
    "Perplexity",
    "TopKAccuracy",
    "alias",
    "check_label_shapes",
    "create",
    "np",
    "register",
]


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
