"""What `gluon.Monitor` costs in training: ``python -m bench.monitor``.

At 100 steps a look, a monitor's cost is less than the noise of a run. So what it consists of is timed alone, and the
least of several runs is told: the mnist net's step without a monitor and with a look at every step, and what the
steps between looks are longer by, on a net that takes a microsecond itself.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np

import glueball
from glueball import autograd, gluon, init, nd
from glueball.base import TrainingWarning
from glueball.gluon import nn


def training(batch: int) -> tuple[nn.Block, Any]:
    """Return the mnist net, and a function that trains it by one step."""
    net = nn.HybridSequential(
        nn.Dense(256, activation="relu", in_units=784),
        nn.Dense(256, activation="relu", in_units=256),
        nn.Dense(10, in_units=256),
    )
    net.initialize(init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    x = nd.random.uniform(shape=(batch, 784))
    y = nd.array(np.arange(batch) % 10)

    def step() -> None:
        with autograd.record():
            value = loss(net(x), y)
        value.backward()
        trainer.step(batch)

    return net, step


def seconds(step: Any, count: int) -> float:
    """Return what one of `count` steps takes."""
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / count


def between_looks(runs: int) -> float:
    """Return the seconds that a monitor adds to a step at which it does not look: of a net that takes few itself."""
    net = nn.Sequential(nn.Dense(2, in_units=4))
    net.initialize()
    x = nd.ones((1, 4))

    def forward() -> None:
        with autograd.record():
            net(x)

    warnings.simplefilter("ignore", TrainingWarning)  # of gradients that nobody computes here
    plain = min(seconds(forward, 1000) for _ in range(runs))
    with gluon.Monitor(net, every=10**9, activations=False):
        forward()
        return min(seconds(forward, 1000) for _ in range(runs)) - plain


def measure(batch: int, every: int, runs: int) -> dict[str, float]:
    """Return seconds of a step and of one that is looked at, and by which share a monitor makes steps longer."""
    net, step = training(batch)
    seconds(step, 50)
    plain, looks = [], []
    for _ in range(runs):  # by turns: a machine changes its pace
        plain.append(seconds(step, 20))
        with gluon.Monitor(net, every=1):
            step()
            looks.append(seconds(step, 20))
    usual, looked = min(plain), min(looks)
    return {
        "step": usual,
        "looked at": looked,
        "share": (between_looks(runs) + (looked - usual) / every) / usual,
    }


def main() -> None:
    """Print a line for each batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=100)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--batch", type=int, nargs="*", default=[32, 256])
    options = parser.parse_args()
    print(f"glueball {glueball.__version__}, 784-256-256-10, a look every {options.every} steps")
    for batch in options.batch:
        found = measure(batch, options.every, options.runs)
        print(
            f"batch {batch:4}: step {1e6 * found['step']:7.0f} us, with a look {1e6 * found['looked at']:7.0f} us: "
            f"a monitor takes {100 * found['share']:.2f} % of a step"
        )


if __name__ == "__main__":
    main()
