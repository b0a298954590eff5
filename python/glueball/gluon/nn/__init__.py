"""Layers."""

from __future__ import annotations

from typing import Any

from glueball._scope import missing
from glueball.gluon.block import Block, HybridBlock
from glueball.gluon.nn.activation import (
    ELU,
    GELU,
    SELU,
    Activation,
    LeakyReLU,
    PReLU,
    SiLU,
    Swish,
)
from glueball.gluon.nn.basic import Dropout, Flatten, HybridLambda, Lambda
from glueball.gluon.nn.containers import Concurrent, HybridConcurrent, Identity
from glueball.gluon.nn.dense import Dense
from glueball.gluon.nn.embedding import Embedding
from glueball.gluon.nn.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm
from glueball.gluon.nn.sequential import HybridSequential, Sequential

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "BatchNorm",
    "Block",
    "Concurrent",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GroupNorm",
    "HybridBlock",
    "HybridConcurrent",
    "HybridLambda",
    "HybridSequential",
    "Identity",
    "InstanceNorm",
    "Lambda",
    "LayerNorm",
    "LeakyReLU",
    "PReLU",
    "Sequential",
    "SiLU",
    "Swish",
]


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
