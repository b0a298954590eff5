"""A thousand small nets on all cores, by joblib: `python -m bench.small_nets`; prints nets a second.

The recipe of docs/many-machines.md. Each worker process trains on one thread; nets go to workers in bundles.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import joblib
import numpy as np

import glueball as mx
from glueball import autograd, gluon, init, nd
from glueball.gluon import nn


def train(seed: int, steps: int) -> float:
    """Return the last loss of one net, which depends on its seed only."""
    mx.set_num_threads(1)  # the processes share the cores
    mx.random.seed(seed)
    net = nn.HybridSequential()
    net.add(nn.Dense(16, activation="tanh", in_units=4), nn.Dense(1, in_units=16))
    net.initialize(init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
    x = np.random.default_rng(0).standard_normal((64, 4)).astype("float32")
    a, b, measure = nd.array(x), nd.array(np.sin(x[:, :1])), gluon.loss.L2Loss()
    for _ in range(steps):
        with autograd.record():
            loss = measure(net(a), b)
        loss.backward()
        trainer.step(64)
    return float(loss.mean().asscalar())


def train_all(seeds: range, steps: int) -> list[float]:
    """Return the last losses of a bundle: a task for each net would cost as much as the net."""
    return [train(seed, steps) for seed in seeds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=200)
    asked = parser.parse_args()
    for workers in sorted({1, os.cpu_count() or 1}):
        bundles = [range(first, min(first + 50, asked.nets)) for first in range(0, asked.nets, 50)]
        with joblib.Parallel(n_jobs=workers, batch_size=1) as pool:
            pool(
                joblib.delayed(train_all)(range(50), 20) for _ in range(4 * workers)
            )  # starts them
            begin = time.perf_counter()
            found = pool(joblib.delayed(train_all)(each, asked.steps) for each in bundles)
            rate = asked.nets / (time.perf_counter() - begin)
        losses = [loss for each in found for loss in each]
        sys.stdout.write(
            f"{workers} worker(s): {rate:,.0f} nets of {asked.steps} steps a second; "
            f"loss {min(losses):.4f} to {max(losses):.4f}\n"
        )


if __name__ == "__main__":
    main()
