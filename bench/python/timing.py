"""How the benches time: warm-up, competitors in turn within one run, medians with their spread."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET_SECONDS = 0.02  # of one sample: long against the clock's resolution, short against drift


@dataclass(frozen=True)
class Timing:
    """Seconds per call: the median over rounds, the fastest and the slowest."""

    median: float
    fastest: float
    slowest: float

    def __str__(self) -> str:
        return (
            f"{self.median * 1e6:10.2f} us ({self.fastest * 1e6:.2f} to {self.slowest * 1e6:.2f})"
        )


def compare(cases: dict[str, Callable[[], object]], rounds: int = 15) -> dict[str, Timing]:
    """Time every case `rounds` times, all of them in each round, so that drift meets all alike."""
    repeats = {}
    for name, call in cases.items():
        call()
        started = time.perf_counter()
        calls = 0
        while time.perf_counter() - started < TARGET_SECONDS:
            call()
            calls += 1
        repeats[name] = max(1, calls)
    samples: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, call in cases.items():
            count = repeats[name]
            started = time.perf_counter()
            for _ in range(count):
                call()
            samples[name].append((time.perf_counter() - started) / count)
    return {
        name: Timing(statistics.median(times), min(times), max(times))
        for name, times in samples.items()
    }
