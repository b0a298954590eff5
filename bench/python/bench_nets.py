"""Forward and training step of the design's nets, beside NumPy and, where installed, PyTorch.

python bench/python/bench_nets.py [--threads N] [--rounds N] [--tiny]
"""

from __future__ import annotations

import argparse
import pathlib
import sys
from itertools import pairwise

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import peers
from timing import compare

import glueball
from glueball import autograd, gluon, nd
from glueball.gluon import nn

CASES = {
    "rl": ((4, 64, 64, 2), 1),
    "seed": ((20, 256, 10), 2),
    "mnist": ((784, 256, 10), 256),
    "mid": ((256, 512, 512, 256), 64),
}


def build(sizes: tuple[int, ...]) -> nn.Sequential:
    net = nn.Sequential()
    for i, (width, units) in enumerate(pairwise(sizes)):
        last = i + 2 == len(sizes)
        net.add(nn.Dense(units, activation=None if last else "relu", in_units=width))
    net.initialize()
    return net


def train_step(net: nn.Sequential, x: nd.NDArray, y: nd.NDArray):
    loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01, "momentum": 0.9})

    def run() -> None:
        with autograd.record():
            loss = loss_function(net(x), y)
        loss.backward()
        trainer.step(len(x))

    return run


def show(case: str, timings: dict) -> None:
    ours = timings["glueball"]
    print(f"{case:<16}{'glueball':<10}{ours}")
    for name, timing in timings.items():
        if name != "glueball":
            print(f"{'':<16}{name:<10}{timing}  {timing.median / ours.median:6.2f} x ours")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=glueball.num_threads())
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--tiny", action="store_true", help="one round of the two smallest nets")
    options = parser.parse_args()
    glueball.set_num_threads(options.threads)
    versions = (
        f"glueball {glueball.__version__} ({glueball.instruction_set()}), NumPy {np.__version__}"
    )
    if peers.has("torch"):
        import torch

        torch.set_num_threads(options.threads)
        versions += f", PyTorch {torch.__version__}"
    print(
        f"{versions}; {options.threads} threads; median (fastest to slowest) of {options.rounds} rounds"
    )

    rng = np.random.default_rng(0)
    for case, (sizes, batch) in list(CASES.items())[: 2 if options.tiny else None]:
        net = build(sizes)
        x = rng.normal(size=(batch, sizes[0])).astype(np.float32)
        y = rng.integers(0, sizes[-1], size=batch)
        ours_x, ours_y = nd.array(x), nd.array(y)
        forward = {
            "glueball": lambda net=net, x=ours_x: net(x),
            "NumPy": peers.numpy_forward(net, x),
        }
        training = {"glueball": train_step(net, ours_x, ours_y)}
        if peers.has("torch"):
            forward["PyTorch"] = peers.torch_forward(net, x)
            training["PyTorch"] = peers.torch_train(net, x, y)
        rounds = 1 if options.tiny else options.rounds
        show(f"{case} forward", compare(forward, rounds))
        show(f"{case} train step", compare(training, rounds))


if __name__ == "__main__":
    main()
