"""Gluon: nets, their parameters, losses and training."""

from glueball.gluon import loss, nn, parameter, utils
from glueball.gluon.block import Block, HybridBlock
from glueball.gluon.parameter import Constant, Parameter, ParameterDict
from glueball.gluon.trainer import Trainer

__all__ = [
    "Block",
    "Constant",
    "HybridBlock",
    "Parameter",
    "ParameterDict",
    "Trainer",
    "loss",
    "nn",
    "parameter",
    "utils",
]
