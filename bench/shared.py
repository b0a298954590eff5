"""What glueball's two threading layers do on a machine that others keep busy.

    python -m bench.shared [--cases PART ...] [--beside 0 1 2] [--seconds 2] [--quick] [--markdown]

Every row is timed alone, beside one process that never rests, and beside two. Where a neighbour has half
of a processor, calls come in two kinds, with help and without: their median is one of the two, whichever
has a call more. So the table has the mean too (the median over stretches of 50 ms, several time slices),
and the worst call. What the neighbours lose meanwhile is counted, and what threads cost them that have
nothing to do: one call each 5 ms, and nothing between. The layers take turns, each in a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console

from bench import machine
from bench.cases import SHARED, Case
from bench.peers import OURS
from bench.race import PAUSE_SECONDS, Worker
from bench.tables import Table, duration
from glueball import _core

if TYPE_CHECKING:
    from collections.abc import Iterator

LAYERS = tuple(_core.threading_layers())
# Turns that the layers take, of one row beside so many neighbours.
TURNS = 4
STRETCH_SECONDS = 0.05
PERIOD_SECONDS = 0.005


@dataclass(frozen=True)
class Found:
    """Of one row, layer and number of neighbours: seconds a call, and the share that the neighbours keep."""

    case: str
    layer: str
    beside: int
    median: float
    mean: float
    worst: float
    kept: float  # 1 without neighbours

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Neighbours:
    """Processes that never rest, and count how often they got round."""

    def __init__(self, count: int) -> None:
        self._rounds = [multiprocessing.RawValue("Q", 0) for _ in range(count)]
        self._processes = [
            multiprocessing.Process(target=_spin, args=(each,), daemon=True)
            for each in self._rounds
        ]
        for process in self._processes:
            process.start()

    def rounds(self) -> int:
        return sum(each.value for each in self._rounds)

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.join()


def _spin(rounds: Any) -> None:
    while True:
        for _ in range(1000):
            pass
        rounds.value += 1


class Rate:
    """Rounds a second of some neighbours, over the stretches of time that are entered."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours
        self._rounds, self._seconds = 0, 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        rounds, started = self._neighbours.rounds(), time.perf_counter()
        yield
        self._rounds += self._neighbours.rounds() - rounds
        self._seconds += time.perf_counter() - started

    def over(self, other: Rate) -> float:
        """Return the share of the other rate; 1 where there are no neighbours."""
        alone = other._rounds / other._seconds
        return self._rounds / self._seconds / alone if alone else 1.0


class Contest:
    """A process for each layer, to be closed with the stack."""

    def __init__(self, stack: ExitStack, threads: int) -> None:
        self._stack = stack
        self._workers = {
            layer: Worker(OURS, threads, {"GLUEBALL_THREADS": layer}) for layer in LAYERS
        }
        for worker in self._workers.values():
            stack.callback(worker.stop)

    def prepare(self, case: Case) -> None:
        for layer in LAYERS:
            self._ask(layer, {"do": "prepare", "case": case.name, "seconds": 0.0})

    def calls(
        self, beside: int, seconds: float, period: float = 0.0
    ) -> tuple[dict[str, list[float]], dict[str, float]]:
        """Return the seconds of each call, and the share that the neighbours keep, by layer."""
        neighbours = Neighbours(beside)
        self._stack.callback(neighbours.stop)
        calls: dict[str, list[float]] = {layer: [] for layer in LAYERS}
        alone = Rate(neighbours)
        rates = {layer: Rate(neighbours) for layer in LAYERS}
        time.sleep(PAUSE_SECONDS if beside else 0.0)  # until they are on their way
        for _ in range(TURNS):
            with alone.counted():
                time.sleep(max(PAUSE_SECONDS, seconds / TURNS / 2 if beside else 0.0))
            for layer in LAYERS:
                request = {"do": "each", "for": seconds / TURNS, "period": period}
                with rates[layer].counted():
                    calls[layer] += self._ask(layer, request)["each"]
                time.sleep(PAUSE_SECONDS)
        neighbours.stop()
        return calls, {layer: rate.over(alone) for layer, rate in rates.items()}

    def _ask(self, layer: str, request: dict[str, Any]) -> dict[str, Any]:
        answer = self._workers[layer].ask(request)
        if answer is None or "error" in answer:
            message = f"expected an answer of {layer} to {request}, found {answer}"
            raise RuntimeError(message)
        return answer


def mean(calls: list[float]) -> float:
    """Return the median over stretches of time of the mean call."""
    means, taken, count = [], 0.0, 0
    for each in calls:
        taken, count = taken + each, count + 1
        if taken >= STRETCH_SECONDS:
            means.append(taken / count)
            taken, count = 0.0, 0
    return statistics.median(means) if means else statistics.mean(calls)


def measure(
    words: list[str] | None, besides: list[int], threads: int, seconds: float, *, quick: bool
) -> tuple[list[Found], Table]:
    """Time the rows, `seconds` for each beside each number of neighbours; return the table, too."""
    cases = [
        case
        for case in SHARED.values()
        if case.tiny == quick and (not words or any(word in case.name for word in words))
    ]
    found = []
    with ExitStack() as stack:
        contest = Contest(stack, threads)
        for case in cases:
            contest.prepare(case)
            for beside in besides:
                calls, kept = contest.calls(beside, seconds)
                found += [
                    Found(
                        case.name, layer, beside, statistics.median(calls[layer]),
                        mean(calls[layer]), max(calls[layer]), kept[layer],
                    )
                    for layer in LAYERS
                ]  # fmt: skip
        made = table(found, threads)
        contest.prepare(cases[0])
        _, kept = contest.calls(machine.processors(), seconds, PERIOD_SECONDS)
    shares = ", ".join(f"{share:.0%} beside {layer}" for layer, share in kept.items())
    made.notes.append(
        f"With one {cases[0].name} each {PERIOD_SECONDS * 1e3:.0f} ms and nothing between, "
        f"{machine.processors()} neighbours keep {shares}."
    )
    return found, made


def table(found: list[Found], threads: int) -> Table:
    """Return a line for each row and number of neighbours."""
    columns = ["case", "beside"]
    columns += [
        f"{what}, {layer}" for what in ("median", "mean", "worst", "kept") for layer in LAYERS
    ]
    made = Table(f"shared machine ({threads} threads)", columns)
    lines: dict[tuple[str, int], list[Found]] = {}
    for each in found:
        lines.setdefault((each.case, each.beside), []).append(each)
    for (case, beside), layers in lines.items():
        made.rows.append(
            [
                case,
                str(beside),
                *(duration(each.median) for each in layers),
                *(duration(each.mean) for each in layers),
                *(duration(each.worst) for each in layers),
                *(f"{each.kept:.0%}" if beside else "" for each in layers),
            ]
        )
    made.notes.append("mean: the median over stretches of 50 ms; kept: what neighbours keep.")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", metavar="PART", help="parts of names of cases")
    parser.add_argument("--beside", nargs="+", type=int, default=[0, 1, 2], help="neighbours")
    parser.add_argument("--threads", type=int, default=machine.processors())
    parser.add_argument("--seconds", type=float, default=2.0, help="of one row beside one number")
    parser.add_argument("--quick", action="store_true", help="a tiny case: shows that it runs")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    options = parser.parse_args()
    _, made = measure(
        options.cases, options.beside, options.threads, 0.02 if options.quick else options.seconds,
        quick=options.quick,
    )  # fmt: skip
    if options.markdown:
        print(made.markdown())
    else:
        made.show(Console(width=160))


if __name__ == "__main__":
    main()
