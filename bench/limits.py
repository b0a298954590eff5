"""What the machine allows, measured in the same run: no time can be below these."""

from __future__ import annotations

import json
import subprocess
import timeit
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from glueball import _core

if TYPE_CHECKING:
    from pathlib import Path

    from bench.cases import Case

# Native calls that a user's line can't do without: one for a forward; forward, backward and update for
# a step.
NATIVE_CALLS = {"forward": 1, "train": 3, "fill": 1, "orthogonal": 1}


@dataclass(frozen=True)
class Limits:
    """Of one number of threads: operations and bytes a second; seconds of an empty call."""

    flops: float
    read: float
    write: float
    call: float

    def seconds(self, case: Case) -> float:
        """Return what the case can't be faster than.

        Nets count the operations of their products only, and a QR those of Householder's method with
        Q formed (8/3 n^3); a fill writes each byte once.
        """
        if case.net is not None:
            bound = case.net.flops(training=case.kind == "train") / self.flops
        elif case.kind == "fill":
            bound = 4 * case.size / self.write
        else:
            bound = 8 / 3 * case.size**3 / self.flops
        return bound + NATIVE_CALLS[case.kind] * self.call

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure(program: Path, threads: int, seconds: float) -> Limits:
    """Run bench/cpp/limits.cpp, which measures each limit for about `seconds`."""
    run = subprocess.run(
        [program, str(threads), str(seconds)], capture_output=True, text=True, check=True
    )
    return Limits(call=empty_call(), **json.loads(run.stdout))


def empty_call() -> float:
    """Return the seconds of a bound function that does next to nothing, the loop's own included."""
    timer = timeit.Timer("call()", globals={"call": _core.num_threads})
    return min(timer.repeat(20, 20_000)) / 20_000
