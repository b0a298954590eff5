"""The same nets from C++: glueball's C++ interface beside plain Eigen, by Google Benchmark."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from bench.cases import CASES
from bench.race import Pace, Timing
from bench.tables import Table, duration

if TYPE_CHECKING:
    from pathlib import Path

    from bench.cases import Case
    from bench.limits import Limits

# RTNeural has sizes fixed at compile time and -ffast-math. Measured on another machine, so it is no
# competitor in the run: J. Chowdhury, RTNeural 1fb1f07, its own benchmark with these layer sizes.
QUOTED = {"rl forward": "RTNeural 0.15 us"}
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}

TURNS = 5

Times = dict[str, dict[int, dict[str, Timing]]]  # case, threads, competitor


def measure(program: Path, cases: list[Case], pace: Pace) -> Times:
    """Run bench/cpp/main.cpp on the nets of `cases`, its competitors in turns.

    One process a turn: OpenMP's threads, which Eigen starts, would go on spinning during glueball's.
    """
    nets = list(dict.fromkeys(case.name.split()[0] for case in cases if case.net))
    if not nets:
        return {}
    seconds: dict[tuple[str, int, str], list[float]] = {}
    turns = min(TURNS, pace.rounds)
    for _ in range(turns):
        for competitor in ("glueball", "Eigen"):
            for each in _run(program, nets, competitor, pace, max(1, pace.rounds // turns)):
                if each["run_type"] != "iteration" or "error_occurred" in each:
                    continue
                case, _, threads = each["name"].split("/")[:3]
                key = (case, int(threads), competitor)
                seconds.setdefault(key, []).append(each["real_time"] * UNITS[each["time_unit"]])
    found: Times = {}
    for (case, threads, competitor), values in seconds.items():
        found.setdefault(case, {}).setdefault(threads, {})[competitor] = Timing.of(values)
    # Repetitions come in random order.
    return {case.name: found[case.name] for case in cases if case.name in found}


def _run(
    program: Path, nets: list[str], competitor: str, pace: Pace, repetitions: int
) -> list[dict[str, Any]]:
    """Return what Google Benchmark reports of each repetition of one competitor's benchmarks."""
    run = subprocess.run(
        [
            program,
            *nets,
            f"--benchmark_filter=/{competitor}/",
            f"--benchmark_min_time={pace.block}",
            f"--benchmark_repetitions={repetitions}",
            "--benchmark_enable_random_interleaving=true",
            "--benchmark_format=json",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(run.stdout)["benchmarks"]
    return found


def table(found: Times, limits: dict[int, Limits], statistic: str) -> Table:
    """Return the findings as a table."""
    made = Table(
        f"from C++ ({statistic})",
        ["case", "threads", "glueball", "Eigen", "Eigen / glueball", "of limit", "quoted"],
    )
    for case, by_threads in found.items():
        for threads, timings in sorted(by_threads.items()):
            ours = getattr(timings["glueball"], statistic)
            eigen = getattr(timings["Eigen"], statistic) if "Eigen" in timings else None
            share = ""
            if threads in limits:
                bound = CASES[case].net.flops(training="train" in case) / limits[threads].flops
                share = f"{bound / ours:.0%}"
            made.rows.append(
                [
                    case,
                    str(threads),
                    duration(ours),
                    duration(eigen) if eigen else "",
                    f"{eigen / ours:.2f}" if eigen else "",
                    share,
                    QUOTED.get(case, "") if threads == 1 else "",
                ]
            )
    if QUOTED:
        made.notes.append("Quoted figures were measured on another machine.")
    return made


def as_dict(found: Times) -> list[dict[str, object]]:
    """Return the findings for JSON; seconds."""
    return [
        {"case": case, "threads": threads, "timings": {k: v.as_dict() for k, v in each.items()}}
        for case, by_threads in found.items()
        for threads, each in by_threads.items()
    ]
