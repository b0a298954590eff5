"""Layers."""

from glueball.gluon.block import Block, HybridBlock
from glueball.gluon.nn.activation import Activation, LeakyReLU
from glueball.gluon.nn.basic import Dropout, Flatten, HybridLambda, Lambda
from glueball.gluon.nn.dense import Dense
from glueball.gluon.nn.sequential import HybridSequential, Sequential

__all__ = [
    "Activation",
    "Block",
    "Dense",
    "Dropout",
    "Flatten",
    "HybridBlock",
    "HybridLambda",
    "HybridSequential",
    "Lambda",
    "LeakyReLU",
    "Sequential",
]
