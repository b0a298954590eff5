"""What several ranks cost and gain: `mpiexec -n 2 python -m bench.mpi`, after `python -m bench.mpi` alone.

Prints, for a small, a middle and a big net: a step of a Trainer without ranks, one with them, MPI's own Allreduce of
as many numbers, and what the step takes beyond both. Then what a model of latency and bandwidth, fitted to
Allreduces measured here, says of 8, 64 and 1,024 ranks. Every rank computes on one thread.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

import glueball as mx
from glueball import autograd, gluon, nd
from glueball.gluon import nn

if TYPE_CHECKING:
    from collections.abc import Callable

# Widths and samples on each rank.
NETS = {
    "small": ((4, 64, 64, 2), 32),
    "middle": ((784, 256, 128, 10), 64),
    "big": ((1024, 1024, 1024, 1024), 128),
}


def net_of(widths: tuple[int, ...]) -> nn.HybridSequential:
    mx.random.seed(1)
    net = nn.HybridSequential()
    for width, before in zip(widths[1:], widths[:-1], strict=True):
        net.add(nn.Dense(width, activation="relu", in_units=before))
    net.initialize(mx.init.Xavier())
    return net


def median_seconds(run: Callable[[], Any], ready: Callable[[], Any], seconds: float) -> float:
    """Return the median time of one call; all ranks start each together."""
    taken: list[float] = []
    run()
    for _ in range(max(5, count_for(run, seconds))):
        ready()
        begin = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begin)
    return float(np.median(taken))


def count_for(run: Callable[[], Any], seconds: float) -> int:
    """Return how many calls fill the time, the same number on every rank."""
    begin = time.perf_counter()
    run()
    count = np.array([seconds / max(time.perf_counter() - begin, 1e-6)])
    from mpi4py import MPI

    MPI.COMM_WORLD.Bcast(count)
    return int(min(count[0], 2000))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.5, help="for each measurement")
    parser.add_argument("--nets", nargs="*", choices=NETS, default=list(NETS))
    asked = parser.parse_args()
    from mpi4py import MPI  # here: an extra

    mx.set_num_threads(1)
    world = MPI.COMM_WORLD
    store = mx.kv.create("dist_sync")
    rows = []
    for name in asked.nets:
        widths, samples = NETS[name]
        rows.append(measure(name, widths, samples, store, world, asked.seconds))
    latency, per_byte = fitted(world, asked.seconds)
    if world.Get_rank() == 0:
        show(rows, world.Get_size(), latency, per_byte)


def measure(
    name: str, widths: tuple[int, ...], samples: int, store: Any, world: Any, seconds: float
) -> dict[str, Any]:
    """Return the times of one net."""
    net = net_of(widths)
    x = nd.array(np.ones((samples, widths[0])))
    params = net.collect_params()
    together = gluon.Trainer(params, "sgd", {"learning_rate": 1e-6}, kvstore=store)
    alone = gluon.Trainer(params, "sgd", {"learning_rate": 1e-6})

    def step(trainer: gluon.Trainer) -> None:
        with autograd.record():
            loss = net(x)
        loss.backward()
        trainer.step(samples * world.Get_size())

    def ready() -> None:
        world.Barrier()

    count = sum(each.data().size for each in params.values()) + len(params) + 1
    numbers = np.ones(count, dtype=np.float32)

    def reduce() -> None:
        numbers.fill(1)
        world.Allreduce(sys.modules["mpi4py.MPI"].IN_PLACE, numbers)

    def sums() -> None:
        together.allreduce_grads()

    step(together)
    return {
        "net": name,
        "numbers": count,
        "samples": samples,
        "step alone": median_seconds(lambda: step(alone), ready, seconds),
        "step": median_seconds(lambda: step(together), ready, seconds),
        "sum": median_seconds(sums, ready, seconds),
        "Allreduce": median_seconds(reduce, ready, seconds),
    }


def fitted(world: Any, seconds: float) -> tuple[float, float]:
    """Return the latency of a message, and seconds a byte, of a ring over these ranks."""
    sizes = [2**10, 2**16, 2**20, 2**22]
    taken = []
    for size in sizes:
        numbers = np.zeros(size // 4, dtype=np.float32)
        taken.append(
            median_seconds(
                lambda numbers=numbers: world.Allreduce(
                    sys.modules["mpi4py.MPI"].IN_PLACE, numbers
                ),
                world.Barrier,
                seconds / 4,
            )
        )
    ranks = max(world.Get_size(), 2)
    messages = 2 * np.log2(ranks)
    share = 2 * (ranks - 1) / ranks
    # Each size weighs as much as another: relative errors are what is fitted.
    design = np.array(
        [[messages / each, share * size / each] for size, each in zip(sizes, taken, strict=True)]
    )
    (latency, per_byte), *_ = np.linalg.lstsq(design, np.ones(len(sizes)), rcond=None)
    return max(float(latency), 0.0), max(float(per_byte), 0.0)


def show(rows: list[dict[str, Any]], ranks: int, latency: float, per_byte: float) -> None:
    """Print the table and what the model says."""
    out = sys.stdout.write
    out(f"{ranks} rank(s), {mx.__version__}, {mx.instruction_set()}; microseconds, medians\n")
    out("net      numbers  samples  step alone      step  sum of gradients  Allreduce  beyond it\n")
    for row in rows:
        beyond = row["sum"] - row["Allreduce"]
        out(
            f"{row['net']:<8} {row['numbers']:7,}  {row['samples']:7}  {row['step alone'] * 1e6:10.1f}"
            f"{row['step'] * 1e6:10.1f}  {row['sum'] * 1e6:16.1f} {row['Allreduce'] * 1e6:10.1f}"
            f" {beyond * 1e6:10.1f}\n"
        )
    if ranks == 1:
        return
    out(f"\nModel: 2 log2(n) messages of {latency * 1e6:.2f} us, 2 (n - 1) / n bytes at ")
    out(f"{1 / per_byte / 1e9 if per_byte else float('inf'):.2f} GB/s\n")
    out(
        "Predicted Allreduce in microseconds, and samples a rank where it is a tenth of the step:\n"
    )
    for row in rows:
        cells = []
        for each in (ranks, 8, 64, 1024):
            seconds = (
                2 * np.log2(each) * latency + 2 * (each - 1) / each * row["numbers"] * 4 * per_byte
            )
            needed = 9 * seconds / (row["step alone"] / row["samples"])
            cells.append(f"{each:5} ranks {seconds * 1e6:9.1f} ({needed:8.0f})")
        out(f"{row['net']:<8} " + "  ".join(cells) + "\n")


if __name__ == "__main__":
    main()
