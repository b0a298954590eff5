"""How glueball's cost grows: with threads, batch, width, depth, and the number of parameters.

A power law fits each series, and its exponent is what is told: 1 is linear.
"""

from __future__ import annotations

import timeit
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import layers
from bench.cases import TIMED_RATE, Net
from bench.peers import OURS, PEERS
from bench.tables import Table, duration

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Series:
    """One quantity varied, and the seconds that each value of it cost."""

    name: str
    expected: str  # the exponent that the amount of work has
    values: list[int]
    seconds: list[float]

    @property
    def exponent(self) -> float:
        """Return the slope of a line through the logarithms; over the larger half, where overheads are left behind."""
        half = len(self.values) // 2 if len(self.values) > 3 else 0
        slope, _ = np.polyfit(np.log(self.values[half:]), np.log(self.seconds[half:]), 1)
        return float(slope)

    def as_dict(self) -> dict[str, Any]:
        return vars(self) | {"exponent": self.exponent}


def measure(threads: int, *, quick: bool) -> list[Series]:
    """Time every series; `threads` are the most that are used."""
    steps = 2 if quick else 6
    doublings = [2**i for i in range(steps)]
    size = 8 if quick else 256
    made = []

    def nets(name: str, expected: str, values: list[int], net: Callable[[int], Net]) -> None:
        for kind in ("forward", "train step"):
            seconds = [_best(net(value), kind, threads) for value in values]
            made.append(Series(f"{kind}: {name}", expected, values, seconds))

    nets(
        f"batch of {size}-{size}-{size}",
        "1",
        [8 * n for n in doublings],
        lambda n: Net((size, size, size), n),
    )
    widths = [size // 4 * n for n in doublings]
    nets("width of two layers, batch 64", "2", widths, lambda n: Net((n, n, n), 64))
    nets(
        "depth, width 64, batch 1",
        "1",
        [4 * n for n in doublings],
        lambda n: Net((64,) * (n + 1), 1),
    )
    if threads > 1:
        for kind in ("forward", "train step"):
            counts = list(range(1, threads + 1))
            net = Net((1024, 1024, 1024), 8 if quick else 256)
            seconds = [_best(net, kind, count) for count in counts]
            made.append(
                Series(f"{kind}: threads, 1024-1024-1024, batch {net.batch}", "-1", counts, seconds)
            )

    counts = [20, 40] if quick else [1000, 2000, 4000, 8000, 16000]
    found = [layers.costs(count) for count in counts]
    made += [
        Series(f"{step}: layers", "1", counts, [each[step] for each in found]) for step in found[0]
    ]
    sizes = [1000 * n for n in doublings] if quick else [10**n for n in range(4, 9)]
    seconds = [_seconds(PEERS[OURS].start(threads).fill("normal", each)) for each in sizes]
    made.append(Series("initialize: parameters of one layer", "1", sizes, seconds))
    return made


def table(found: list[Series]) -> Table:
    """Return the series as a table."""
    made = Table("growth", ["series", "from", "", "to", "", "exponent", "of the work"])
    for each in found:
        made.rows.append(
            [
                each.name,
                f"{each.values[0]:,}",
                duration(each.seconds[0]),
                f"{each.values[-1]:,}",
                duration(each.seconds[-1]),
                f"{each.exponent:.2f}",
                each.expected,
            ]
        )
    made.notes.append(
        "Exponents are fitted to the larger half of each series' values; 1 is linear."
    )
    return made


def _best(net: Net, kind: str, threads: int) -> float:
    peer = PEERS[OURS].start(threads)
    if kind == "forward":
        return _seconds(peer.forward(net))
    trained = peer.train(net, TIMED_RATE)
    return _seconds(trained and trained[0])


def _seconds(call: Any) -> float:
    """Return the least of some timings: growth is the question, not noise."""
    call()
    timer = timeit.Timer(call)
    calls = max(1, round(0.005 / timer.timeit(1)))
    return min(timer.repeat(15, calls)) / calls
