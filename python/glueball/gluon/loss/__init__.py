"""Losses: one value for each sample."""

from __future__ import annotations

from typing import Any

from glueball import nd
from glueball._scope import surface
from glueball.gluon.loss._base import Loss, per_sample
from glueball.gluon.loss._binary import *
from glueball.gluon.loss._distribution import KLDivLoss, PoissonNLLLoss
from glueball.gluon.loss._embedding import CosineEmbeddingLoss, SDMLLoss, TripletLoss
from glueball.gluon.loss._regression import HuberLoss, L1Loss, L2Loss
from glueball.gluon.loss._softmax import SoftmaxCELoss, SoftmaxCrossEntropyLoss

__all__ = [
    "CosineEmbeddingLoss", "HingeLoss", "HuberLoss", "KLDivLoss", "L1Loss", "L2Loss",
    "LogisticLoss", "Loss", "PoissonNLLLoss", "SDMLLoss", "SigmoidBCELoss",
    "SigmoidBinaryCrossEntropyLoss", "SoftmaxCELoss", "SoftmaxCrossEntropyLoss",
    "SquaredHingeLoss", "TripletLoss",
]  # fmt: skip


# Losses that users wrote after Gluon's own import these two from this module.
def _apply_weighting(
    F: Any, loss: Any, weight: float | None = None, sample_weight: Any = None
) -> Any:
    """Return loss times weight times sample_weight, each if given."""
    if sample_weight is not None:
        loss = loss * per_sample(sample_weight, loss, 0)
    return loss if weight is None else loss * weight


def _reshape_like(F: Any, x: Any, y: Any) -> Any:
    """Return the elements of `x` under the shape of `y`."""
    return nd.reshape_like(x, y)


__getattr__, __dir__ = surface(__name__)
