"""Metrics: how good predictions are, summed up over batches. `mx.metric`."""

from __future__ import annotations

from glueball._scope import surface
from glueball.metric._base import EvalMetric, alias, check_label_shapes, register
from glueball.metric._classification import F1, MCC, PCC, Accuracy, TopKAccuracy
from glueball.metric._combination import CompositeEvalMetric, CustomMetric, Loss, create, np
from glueball.metric._likelihood import CrossEntropy, NegativeLogLikelihood, Perplexity
from glueball.metric._regression import MAE, MSE, RMSE, PearsonCorrelation

__all__ = [
    "F1", "MAE", "MCC", "MSE", "PCC", "RMSE", "Accuracy", "CompositeEvalMetric", "CrossEntropy",
    "CustomMetric", "EvalMetric", "Loss", "NegativeLogLikelihood", "PearsonCorrelation",
    "Perplexity", "TopKAccuracy", "alias", "check_label_shapes", "create", "np", "register",
]  # fmt: skip


__getattr__, __dir__ = surface(__name__)
