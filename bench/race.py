"""Competitors in turn: each in a process of its own, timed in short blocks within one run.

A library's idle threads slow all that share their process or their cores. So no two competitors share a process,
and after each block the threads get time to fall asleep. Rounds go through all competitors, so that the
machine's drift affects all alike.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bench.peers import PEERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.cases import Case

ROOT = Path(__file__).parents[1]
# Longer than libraries spin: a competitor's threads sleep before the next one's turn.
PAUSE_SECONDS = 0.01


@dataclass(frozen=True)
class Pace:
    """How long to time: blocks of so many seconds, in so many rounds, in no more than `limit` seconds.

    At least five rounds are made even where five exceed the limit, or all of them if there are fewer.
    """

    block: float = 0.005
    rounds: int = 60
    limit: float = 20.0

    def rounds_for(self, blocks: list[float]) -> int:
        """Return how many rounds to make of blocks that take so long."""
        if not blocks:
            return 0
        affordable = int(self.limit / (1.2 * sum(blocks) + PAUSE_SECONDS * len(blocks)))
        return min(self.rounds, max(affordable, 5))


QUICK = Pace(block=0.0, rounds=1)


@dataclass(frozen=True)
class Timing:
    """Seconds a call, over rounds: the median, the fastest, and the middle half's ends."""

    median: float
    fastest: float
    lower: float
    upper: float
    rounds: int

    @classmethod
    def of(cls, seconds: list[float]) -> Timing:
        lower, _, upper = (
            statistics.quantiles(seconds, method="inclusive") if len(seconds) > 1 else seconds * 3
        )
        return cls(statistics.median(seconds), min(seconds), lower, upper, len(seconds))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Competition:
    """Running processes of competitors, all with the same number of threads.

    Parameters
    ----------
    keys : list of str
        Of PEERS.
    threads : int
        For each.
    report : callable
        Is handed a line where a competitor fails; the others go on.
    """

    def __init__(self, keys: list[str], threads: int, report: Callable[[str], object]) -> None:
        self._report = report
        self._workers = {key: Worker(key, threads) for key in keys}
        self.versions: dict[str, str] = {}
        for key in keys:
            answer = self._ask(key, {"do": "describe"})
            self.versions |= answer.get("versions", {})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.stop()

    def time(self, case: Case, pace: Pace) -> dict[str, Timing]:
        """Time one case for every competitor that has it, once its result is found right."""
        calls: dict[str, int] = {}
        for key in list(self._workers):
            request = {"do": "prepare", "case": case.name, "seconds": pace.block}
            if count := self._ask(key, request).get("calls", 0):
                calls[key] = count
        seconds: dict[str, list[float]] = {key: [] for key in calls}
        rounds, made = pace.rounds, 0
        while made < rounds:
            # All move up one place each round, so that none always follows the same one.
            for key in _rotated(list(calls), made):
                expected = seconds[key][-1] if seconds[key] else 0.0
                request = {"do": "time", "calls": calls[key], "expected": expected}
                answer = self._ask(key, request)
                if "seconds" in answer:
                    seconds[key].append(answer["seconds"])
                else:
                    del calls[key]
                time.sleep(PAUSE_SECONDS)
            made += 1
            if made == 1:
                rounds = pace.rounds_for([calls[key] * seconds[key][0] for key in calls])
        return {key: Timing.of(seconds[key]) for key in calls}

    def _ask(self, key: str, request: dict[str, Any]) -> dict[str, Any]:
        worker = self._workers.get(key)
        if worker is None:
            return {}
        answer = worker.ask(request)
        if answer is None:
            self._report(f"{PEERS[key].title} ended at {request}; it is left out from here on")
            self._workers.pop(key).stop()
            return {}
        if "error" in answer:
            self._report(f"{PEERS[key].title}, {request}:\n{answer['error']}")
        return answer


class Worker:
    """The process of one competitor, at the other end of two pipes."""

    def __init__(self, key: str, threads: int, settings: dict[str, str] | None = None) -> None:
        # Where no call sets the threads of a BLAS or OpenMP, these do, before it is loaded.
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, str(threads)) | (settings or {})
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", key, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
        )

    def ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Return the answer; None if the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            return None
        line = self._process.stdout.readline()
        answer: dict[str, Any] | None = json.loads(line) if line else None
        return answer

    def stop(self) -> None:
        self._process.communicate()  # closes its input, at which it ends, and waits


def _rotated(keys: list[str], by: int) -> list[str]:
    by %= max(len(keys), 1)
    return keys[by:] + keys[:by]
