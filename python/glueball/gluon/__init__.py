"""Gluon: nets, their parameters, losses, data and training."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from glueball._scope import missing
from glueball.base import DeferredInitializationError
from glueball.gluon import nn, parameter, utils
from glueball.gluon.block import Block, HybridBlock
from glueball.gluon.parameter import Constant, Parameter, ParameterDict, tensor_types
from glueball.gluon.trainer import Trainer

if TYPE_CHECKING:
    from glueball.gluon import contrib, data, loss

__all__ = [
    "Block",
    "Constant",
    "DeferredInitializationError",
    "HybridBlock",
    "Parameter",
    "ParameterDict",
    "Trainer",
    "contrib",
    "data",
    "loss",
    "nn",
    "parameter",
    "tensor_types",
    "utils",
]


# What a program that only runs a net never needs is imported when it is first named.
_LATE = ("contrib", "data", "loss")


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return importlib.import_module(f"{__name__}.{name}")
    raise missing(__name__, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
