"""Gluon: nets, their parameters, losses, data and training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueball._scope import surface
from glueball.base import DeferredInitializationError
from glueball.gluon import block, nn, parameter
from glueball.gluon.block import Block, HybridBlock
from glueball.gluon.parameter import Constant, Parameter, ParameterDict, tensor_types

if TYPE_CHECKING:
    from glueball.gluon import contrib, data, loss, trainer, utils
    from glueball.gluon._monitor import Monitor
    from glueball.gluon._symbol_block import SymbolBlock
    from glueball.gluon.trainer import Trainer

__all__ = [
    "Block",
    "Constant",
    "DeferredInitializationError",
    "HybridBlock",
    "Monitor",
    "Parameter",
    "ParameterDict",
    "SymbolBlock",
    "Trainer",
    "block",
    "contrib",
    "data",
    "loss",
    "nn",
    "parameter",
    "tensor_types",
    "trainer",
    "utils",
]

# What a program that only runs a net never needs is imported when it is first named.
__getattr__, __dir__ = surface(
    __name__,
    modules=("contrib", "data", "loss", "trainer", "utils"),
    names={"_monitor": "Monitor", "_symbol_block": "SymbolBlock", "trainer": "Trainer"},
)
