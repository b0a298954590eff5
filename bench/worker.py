"""The process of one competitor: prepares what it is asked for, checks it, and times it in turns.

Reads a request a line from standard input and answers each with a line, both JSON; race.py is at
the other end of the pipes. Waiting on a pipe, it disturbs nobody.
"""

from __future__ import annotations

import json
import os
import sys
import time
import timeit
import traceback
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import reference
from bench.cases import CASES, CHECKED_RATE, CHECKED_STEPS, SHARED, TIMED_RATE
from bench.peers import PEERS

if TYPE_CHECKING:
    from bench.cases import Case
    from bench.peers.base import Call, Peer


# A call this long needs neither calls before it, to wake caches and threads, nor repeats.
LONG_SECONDS = 0.5


def prepare(peer: Peer, case: Case) -> Call | None:
    """Return the call to be timed, once what it computes is known to be right."""
    if case.kind == "forward":
        assert case.net is not None
        call = peer.forward(case.net)
        if call is not None:
            reference.check([peer.numpy(call())], [reference.forward(case.net)])
        return call
    if case.kind == "train":
        assert case.net is not None
        trained = peer.train(case.net, CHECKED_RATE)
        if trained is None:
            return None
        step, weights = trained
        for _ in range(CHECKED_STEPS):
            step()
        found = [peer.numpy(each) for each in weights()]
        start = [array for layer in case.net.layers for array in layer]
        reference.check(found, reference.trained(case.net), start)
        timed = peer.train(case.net, TIMED_RATE)
        return timed and timed[0]
    if case.kind == "fill":
        call = peer.fill(case.distribution, case.size)
        if call is not None:
            check_moments(peer.numpy(call()), case.distribution)
        return call
    call = peer.orthogonal(case.size)
    if call is not None:
        check_orthogonal(peer.numpy(call()))
    return call


def check_moments(values: np.ndarray, distribution: str) -> None:
    """Compare mean, standard deviation and range with the distribution's, within six standard errors.

    Raises
    ------
    ValueError
        If they are further away.
    """
    sample = values.ravel()[:1_000_000].astype(np.float64)
    # sqrt(1 - 2 * 2 * pdf(2) / (cdf(2) - cdf(-2))) of the unit normal
    sigma, bound = {
        "uniform": (0.07 / np.sqrt(3), 0.07),
        "normal": (0.01, np.inf),
        "truncated normal": (0.01 * 0.8796256610342398, 0.02),
    }[distribution]
    allowed = 6 * sigma / np.sqrt(sample.size)
    if abs(sample.mean()) > allowed or abs(sample.std() - sigma) > allowed:
        message = (
            f"expected a {distribution} with mean 0 and standard deviation {sigma:.6f}, found "
            f"{sample.mean():.6f} and {sample.std():.6f}; correct the competitor"
        )
        raise ValueError(message)
    if np.abs(sample).max() > bound * (1 + 1e-6):
        message = (
            f"expected values within {bound}, found {np.abs(sample).max()}; correct the competitor"
        )
        raise ValueError(message)


def check_orthogonal(matrix: np.ndarray) -> None:
    """Compare Q'Q with the identity.

    Raises
    ------
    ValueError
        If it differs by more than rounding.
    """
    error = np.abs(matrix.T @ matrix - np.eye(len(matrix), dtype=np.float32)).max()
    if error > 1e-4:
        message = (
            f"expected Q'Q to be the identity, found it {error:.2g} away; correct the competitor"
        )
        raise ValueError(message)


def calls_in(call: Call, seconds: float) -> int:
    """Return how many calls take about `seconds`; at least one."""
    if timeit.timeit(call, number=1) > LONG_SECONDS:
        return 1
    calls = 1
    while True:
        taken = min(timeit.repeat(call, number=calls, repeat=3))  # the one without interruptions
        if taken > seconds / 4:
            return max(1, round(calls * seconds / taken))
        calls *= 4


def time_block(call: Call, calls: int, expected: float) -> float:
    """Return seconds a call of one block; `expected` is what the block before it took a call."""
    if expected < LONG_SECONDS:
        timeit.timeit(call, number=max(1, calls // 5))  # wakes caches and threads
    return timeit.timeit(call, number=calls) / calls


def time_each(call: Call, seconds: float, period: float) -> list[float]:
    """Return the seconds of every call in so many seconds; one begins each `period`, or at once."""
    each = []
    started = time.perf_counter()
    end = started + seconds
    while not each or started < end:
        call()
        each.append(time.perf_counter() - started)
        if period:
            time.sleep(max(0.0, period - each[-1]))
        started = time.perf_counter()
    return each


def main() -> None:
    entry = PEERS[sys.argv[1]]
    # Libraries print to standard output as they please; the answers go where it led at first.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = entry.start(int(sys.argv[2]))
    call: Call | None = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any]
        try:
            if request["do"] == "prepare":
                call = None  # the last one's memory is free before the next one's is taken
                call = prepare(peer, (CASES | SHARED)[request["case"]])
                answer = {"calls": calls_in(call, request["seconds"]) if call else 0}
            elif request["do"] == "time":
                assert call is not None
                answer = {"seconds": time_block(call, request["calls"], request["expected"])}
            elif request["do"] == "each":
                assert call is not None
                answer = {"each": time_each(call, request["for"], request["period"])}
            else:
                answer = {
                    "versions": {each: metadata.version(each) for each in entry.distributions}
                }
        except Exception:  # noqa: BLE001 - reported, and the other competitors go on
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
