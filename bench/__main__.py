"""Time glueball beside every peer that is installed: `python -m bench`, from the checkout's root."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from bench import cases, embedded, growth, limits, machine, native, plot, race, shared, startup
from bench.peers import OURS, PEERS
from bench.results import Results, Row

if TYPE_CHECKING:
    from bench.tables import Table

SECTIONS = ("cases", "cpp", "startup", "growth", "shared")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--sections", nargs="+", default=SECTIONS, choices=SECTIONS, help="tables to make"
    )
    parser.add_argument("--cases", nargs="+", metavar="PART", help="parts of names of cases")
    parser.add_argument("--peers", nargs="+", choices=[key for key in PEERS if key != OURS])
    parser.add_argument(
        "--threads", nargs="+", type=int, default=list(range(1, machine.processors() + 1))
    )
    parser.add_argument("--rounds", type=int, default=race.Pace.rounds)
    parser.add_argument("--block", type=float, default=race.Pace.block, help="seconds of one turn")
    parser.add_argument(
        "--limit", type=float, default=race.Pace.limit, help="seconds of one case, about"
    )
    parser.add_argument("--quick", action="store_true", help="tiny cases, once: shows that it runs")
    parser.add_argument("--fastest", action="store_true", help="show minima, not medians")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.add_argument("--json", type=Path, help="write all that was measured")
    parser.add_argument("--png", type=Path, help="draw the ratios")
    parser.add_argument(
        "--native", type=Path, default=native.FOLDER, help="CMake build folder with the C++ benches"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    wanted = [OURS, *(options.peers or [key for key in PEERS if key != OURS])]
    absent = {key: lacks for key in wanted if (lacks := PEERS[key].missing())}
    keys = [key for key in wanted if key not in absent]
    results = Results(machine.describe(), absent)
    statistic = "fastest" if options.fastest else "median"
    tables: list[Table] = []

    measure_limits(options, results)
    if "cases" in options.sections:
        race_all(options, keys, results)
        tables += results.tables(statistic)
    if "cpp" in options.sections:
        tables += from_cpp(options, results, statistic)
    if "startup" in options.sections:
        say("imports and wheels")
        found = startup.measure(keys, 1 if options.quick else 15)
        results.extra["startup"] = found
        tables.append(startup.table(found))
    if "growth" in options.sections:
        say("growth")
        series = growth.measure(max(options.threads), quick=options.quick)
        results.extra["growth"] = [each.as_dict() for each in series]
        tables.append(growth.table(series))

    if "shared" in options.sections:
        say("a shared machine")
        found, made = shared.measure(
            options.cases, [0, 1, 2], max(options.threads), 0.02 if options.quick else 2.0,
            quick=options.quick,
        )  # fmt: skip
        results.extra["shared"] = [each.as_dict() for each in found]
        tables.append(made)

    show(tables, markdown=options.markdown)
    if options.json:
        options.json.write_text(json.dumps(results.as_dict(), indent=1) + "\n")
    if options.png:
        title = f"{machine.processor()}, each at its best number of threads"
        plot.ratios(results.best_rows(statistic), statistic, title, options.png)
    return 1 if results.failures else 0


def measure_limits(options: argparse.Namespace, results: Results) -> None:
    """Measure what the machine allows, where the program for it can be built."""
    probe = native.program("glueball_limits", options.native)
    if probe is None:
        say("no limits: their program needs CMake, a compiler and the Eigen headers")
        return
    for threads in options.threads:
        seconds = 0.0 if options.quick else 2.0
        results.limits[threads] = limits.measure(probe, threads, seconds)


def race_all(options: argparse.Namespace, keys: list[str], results: Results) -> None:
    """Time every case at every number of threads."""

    def fail(line: str) -> None:
        say(line)
        results.failures.append(line.splitlines()[0])

    for threads in options.threads:
        results.rows[threads] = []
        with race.Competition(keys, threads, fail) as run:
            results.versions |= run.versions
            for case in cases.select(options.cases, quick=options.quick):
                say(f"{case.name}, threads: {threads}")
                limit = results.limits.get(threads)
                timings = run.time(case, pace(options))
                results.rows[threads].append(Row(case, timings, limit and limit.seconds(case)))


def from_cpp(options: argparse.Namespace, results: Results, statistic: str) -> list[Table]:
    """Time the nets from C++, where the program for it can be built."""
    program = native.program("glueball_bench", options.native)
    if program is None:
        say("nothing from C++: its program needs CMake, a compiler, Eigen and Google Benchmark")
        return []
    say("from C++")
    chosen = cases.select(options.cases, quick=options.quick)
    found = embedded.measure(program, chosen, pace(options))
    results.extra["cpp"] = embedded.as_dict(found)
    return [embedded.table(found, results.limits, statistic)]


def pace(options: argparse.Namespace) -> race.Pace:
    """Return how long to time."""
    return race.QUICK if options.quick else race.Pace(options.block, options.rounds, options.limit)


def show(tables: list[Table], *, markdown: bool) -> None:
    """Print the tables."""
    # Without a terminal, the widest table sets the width.
    console = Console(width=None if sys.stdout.isatty() else 220)
    for table in tables:
        if markdown:
            print(table.markdown(), end="\n\n")
        else:
            table.show(console)


def say(line: str) -> None:
    """Report progress, apart from the tables."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
