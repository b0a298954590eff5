"""From which size on a product is worth a second thread, and a weight worth rounding.

    python -m bench.thresholds [--rounds 30] [--quick]

The library's threshold is a time, estimated from multiply-adds and from the weight's elements
(cpp/src/nn/product.cpp). This measures both sides of it: dense layers' forwards, on one thread and on all, the
two in turns. Where `threads` says 1 the library stays on the calling thread, and the ratio must be 1.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import glueball
from glueball import init, nd
from glueball.gluon import nn

if TYPE_CHECKING:
    from collections.abc import Callable

# (batch, inputs, units), around what takes 12 microseconds.
PRODUCTS = [
    (1, 64, 64), (1, 256, 256), (1, 512, 512), (1, 1024, 1024), (1, 4096, 4096),
    (8, 128, 128), (8, 256, 256), (8, 784, 256), (64, 64, 64), (64, 128, 128), (64, 256, 256),
    (256, 64, 10), (256, 256, 10), (256, 64, 64), (256, 256, 256),
]  # fmt: skip
# As cpp/src/nn/product.cpp has them.
MULTIPLY_ADDS_PER_US = 5e4
ELEMENTS_PER_US = 2e4
LEAST_PARALLEL_US = 12.0


def estimate(batch: int, inputs: int, units: int) -> float:
    """Return the library's estimate, in microseconds of one thread."""
    elements = inputs * units
    return batch * elements / MULTIPLY_ADDS_PER_US + elements / ELEMENTS_PER_US


def threads_for(batch: int, inputs: int, units: int, most: int) -> int:
    """Return how many threads the library uses."""
    goes_the_short_way = batch <= 12 and inputs <= 384 and units <= 256
    return 1 if goes_the_short_way or estimate(batch, inputs, units) < LEAST_PARALLEL_US else most


def layer(batch: int, inputs: int, units: int) -> Callable[[], object]:
    """Return the call of a dense layer."""
    net = nn.Sequential()
    net.add(nn.Dense(units, in_units=inputs))
    net.initialize(init.Xavier())
    x = nd.random.uniform(-1, 1, shape=(batch, inputs))
    net(x)
    return lambda: net(x)


def times(calls: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Return the least microseconds of a call, the candidates in turns."""
    least = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            call()
            repeats, started = 0, time.perf_counter()
            while time.perf_counter() - started < 2e-3:
                call()
                repeats += 1
            least[name] = min(least[name], (time.perf_counter() - started) / repeats * 1e6)
    return least


def threaded(forward: Callable[[], object], threads: int) -> Callable[[], None]:
    """Return the forward on a number of threads."""

    def call() -> None:
        glueball.set_num_threads(threads)
        forward()

    return call


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="two products, once")
    options = parser.parse_args()
    products = PRODUCTS[:2] if options.quick else PRODUCTS
    rounds = 1 if options.quick else options.rounds
    most = glueball.num_threads()

    print(
        f"| batch x inputs x units | estimate, us | threads | 1 thread, us | {most}, us | ratio |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for product in products:
        forward = layer(*product)
        found = times({"one": threaded(forward, 1), "all": threaded(forward, most)}, rounds)
        used = threads_for(*product, most)
        print(
            f"| {' x '.join(map(str, product))} | {estimate(*product):.1f} | {used} "
            f"| {found['one']:.1f} | {found['all']:.1f} | {found['one'] / found['all']:.2f} |"
        )

    print(f"\n| batch x inputs x units, {most} threads | float32, us | bfloat16, us | ratio |")
    print("| --- | ---: | ---: | ---: |")
    glueball.set_num_threads(most)
    for product in (
        products if options.quick else [(b, n, n) for n in (256, 1024, 2048, 4096) for b in (1, 8)]
    ):
        batch, inputs, units = product
        exact, rounded = layer(*product), nn.Sequential()
        rounded.add(nn.Dense(units, in_units=inputs))
        rounded.initialize(init.Xavier())
        rounded.cast("bfloat16")
        x = nd.random.uniform(-1, 1, shape=(batch, inputs))
        found = times({"float32": exact, "bfloat16": lambda n=rounded, x=x: n(x)}, rounds)
        print(
            f"| {' x '.join(map(str, product))} | {found['float32']:.1f} | {found['bfloat16']:.1f} "
            f"| {found['float32'] / found['bfloat16']:.2f} |"
        )


if __name__ == "__main__":
    main()
