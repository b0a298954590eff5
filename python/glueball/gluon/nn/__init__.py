"""Layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueball._scope import surface
from glueball.gluon.block import Block, HybridBlock
from glueball.gluon.nn._activation import Activation
from glueball.gluon.nn._dense import Dense
from glueball.gluon.nn._sequential import HybridSequential, Sequential

if TYPE_CHECKING:
    from glueball.gluon.nn._activation_layers import ELU, GELU, SELU, LeakyReLU, SiLU, Swish
    from glueball.gluon.nn._batch_norm import BatchNorm
    from glueball.gluon.nn._concurrent import Concurrent, HybridConcurrent
    from glueball.gluon.nn._dropout import Dropout
    from glueball.gluon.nn._embedding import Embedding
    from glueball.gluon.nn._flatten import Flatten
    from glueball.gluon.nn._function import HybridLambda, Lambda
    from glueball.gluon.nn._group_norm import GroupNorm
    from glueball.gluon.nn._identity import Identity
    from glueball.gluon.nn._layer_norm import InstanceNorm, LayerNorm
    from glueball.gluon.nn._prelu import PReLU

__all__ = [
    "ELU", "GELU", "SELU", "Activation", "BatchNorm", "Block", "Concurrent", "Dense", "Dropout",
    "Embedding", "Flatten", "GroupNorm", "HybridBlock", "HybridConcurrent", "HybridLambda",
    "HybridSequential", "Identity", "InstanceNorm", "Lambda", "LayerNorm", "LeakyReLU", "PReLU",
    "Sequential", "SiLU", "Swish",
]  # fmt: skip

# Layers that not every net has are imported when they are first named, or looked for by their kind.
__getattr__, __dir__ = surface(
    __name__,
    names={
        "_activation_layers": "ELU GELU SELU LeakyReLU SiLU Swish",
        "_batch_norm": "BatchNorm",
        "_concurrent": "Concurrent HybridConcurrent",
        "_dropout": "Dropout",
        "_embedding": "Embedding",
        "_flatten": "Flatten",
        "_function": "HybridLambda Lambda",
        "_group_norm": "GroupNorm",
        "_identity": "Identity",
        "_layer_norm": "InstanceNorm LayerNorm",
        "_prelu": "PReLU",
    },
)
