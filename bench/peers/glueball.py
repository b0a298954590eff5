"""glueball, as its README shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import glueball
from bench.cases import MOMENTUM
from bench.peers.base import Call, Peer
from glueball import autograd, gluon, init, nd
from glueball.gluon import nn

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.cases import Net

FILLS = {
    "uniform": lambda: init.Uniform(0.07),
    "normal": lambda: init.Normal(0.01),
    "truncated normal": lambda: init.TruncatedNormal(0.01),
}


class Competitor(Peer):
    def __init__(self, threads: int) -> None:
        glueball.set_num_threads(threads)

    def forward(self, net: Net) -> Call:
        model, x = build(net), nd.array(net.x)
        return lambda: model(x)

    def train(self, net: Net, rate: float) -> tuple[Call, Callable[[], list[Any]]]:
        model, x, labels = build(net), nd.array(net.x), nd.array(net.labels)
        parameters = model.collect_params()
        loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
        trainer = gluon.Trainer(parameters, "sgd", {"learning_rate": rate, "momentum": MOMENTUM})

        def step() -> nd.NDArray:
            with autograd.record():
                loss = loss_function(model(x), labels)
            loss.backward()
            trainer.step(net.batch)
            return loss

        return step, lambda: [each.data() for each in parameters.values()]

    def fill(self, distribution: str, count: int) -> Call:
        initializer, array = FILLS[distribution](), nd.zeros(count)

        def run() -> nd.NDArray:
            initializer("bench_weight", array)
            return array

        return run

    def orthogonal(self, rows: int) -> Call:
        initializer = init.Orthogonal(scale=1.0, rand_type="normal", method="qr")
        array = nd.zeros((rows, rows))

        def run() -> nd.NDArray:
            initializer("bench_weight", array)
            return array

        return run


def build(net: Net) -> nn.Sequential:
    """Return the net, with its weights."""
    model = nn.Sequential()
    for i, (weight, bias) in enumerate(net.layers):
        units, width = weight.shape
        activation = "relu" if i + 1 < len(net.layers) else None
        layer = nn.Dense(units, activation=activation, in_units=width)
        layer.initialize()
        layer.weight.set_data(nd.array(weight))
        layer.bias.set_data(nd.array(bias))
        model.add(layer)
    return model
