"""Nets, data and labels that the tests of insight look into."""

from __future__ import annotations

import numpy as onp

from glueball import init, nd
from glueball.gluon import nn

WIDTH = 128


def data(samples=64, width=WIDTH, seed=0):
    rng = onp.random.default_rng(seed)
    x = rng.normal(size=(samples, width)).astype("float32")
    return nd.array(x), nd.array(onp.arange(samples) % 10)


def deep(function, initializer, depth=20, width=WIDTH):
    """`depth` layers of one activation, and a linear one of 10 units."""
    net = nn.Sequential()
    for _ in range(depth):
        net.add(nn.Dense(width, activation=function, in_units=width))
    net.add(nn.Dense(10, in_units=width))
    net.initialize(initializer)
    return net


class Functions(nn.Block):
    """A net whose activations are functions that its forward calls."""

    def __init__(self, depth=6, function=nd.relu):
        super().__init__()
        self.function = function
        self.layers = nn.Sequential(*[nn.Dense(WIDTH, in_units=WIDTH) for _ in range(depth)])
        self.head = nn.Dense(10, in_units=WIDTH)

    def forward(self, x):
        for layer in self.layers:
            x = self.function(layer(x))
        return self.head(x)


class Residual(nn.Block):
    """x + f(x), with an f that begins at 0."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(in_channels=WIDTH),
            nn.Dense(WIDTH, activation="relu", in_units=WIDTH, weight_initializer=init.KaimingNormal()),
            nn.Dense(WIDTH, in_units=WIDTH, weight_initializer="zeros"),
        )  # fmt: skip

    def forward(self, x):
        return x + self.body(x)


def initialized(net, initializer="xavier"):
    net.initialize(initializer)
    return net


def dense(*widths, function="relu"):
    net = nn.HybridSequential()
    for width in widths[:-1]:
        net.add(nn.Dense(width, activation=function))
    net.add(nn.Dense(widths[-1]))
    return net


def normalised(function="relu", depth=10):
    net = nn.Sequential()
    for _ in range(depth):
        net.add(nn.Dense(WIDTH), nn.BatchNorm(), nn.Activation(function))
    net.add(nn.Dense(10))
    return net


# Ten nets with which nothing is wrong.
HEALTHY = {
    "gluon's default, as in its books": lambda: initialized(dense(256, 256, 10), None),
    "deep tanh, Xavier": lambda: deep("tanh", "xavier"),
    "deep relu, He": lambda: deep("relu", init.KaimingNormal()),
    "deep relu, orthogonal": lambda: deep("relu", init.Orthogonal()),
    "batch norm": lambda: initialized(normalised(), None),
    "residual, zero at first": lambda: initialized(
        nn.Sequential(*[Residual() for _ in range(8)], nn.Dense(10)), "xavier"
    ),
    "functions in forward": lambda: initialized(Functions(), init.KaimingNormal()),
    "selu": lambda: deep("selu", init.LeCunNormal(), 12),
    "gelu and dropout": lambda: initialized(
        nn.Sequential(
            nn.Dense(256), nn.GELU(), nn.Dropout(0.3), nn.Dense(256), nn.GELU(), nn.Dense(10)
        ),
        init.KaimingNormal(),
    ),
    "linear": lambda: initialized(nn.Dense(10), "xavier"),
}
