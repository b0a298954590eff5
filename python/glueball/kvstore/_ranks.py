"""The ranks of one training: collectives that end with an error where MPI's own would wait for ever."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import os
import pickle
import sys
import time
import traceback
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.base import ArgumentError, PackageError, RanksError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Ranks"]

TIMEOUT = 120.0  # seconds
GRACE = 2.0  # seconds that a rank which failed leaves the others to say so themselves
_DRAIN = 0.3  # seconds in which mpiexec passes on what the ranks have written last
_SPINS = 300  # tests of a request before the clock is read: some tens of microseconds
_TELL_AFTER = 0.5  # seconds of waiting, after which a rank tells the others what it waits for
_LOOK_EVERY = 0.02  # seconds between looks at what others tell
_TEXT = 300  # characters of an error that others are told; short messages need no partner in MPI

_everyone: weakref.WeakSet[Ranks] = weakref.WeakSet()
_previous_hook: Callable[..., Any] | None = None


class Ranks:
    """One rank's view of all: its number, and collectives that time out.

    Each collective is MPI's nonblocking one, polled until a time. A rank that waits for longer than half a second
    tells the others; so a rank whose time is up knows which have not come.
    A rank that ends, or raises what nobody catches, tells it at once.

    Parameters
    ----------
    timeout : float or None
        Seconds to wait in a collective.

    Raises
    ------
    PackageError
        If mpi4py or an MPI is missing.
    ValueError
        If `timeout`, or the environment variable that stands for it, is not above 0.
    """

    def __init__(self, timeout: float | None = None) -> None:
        mpi = _import_mpi()
        self.timeout = _timeout(timeout)
        self._mpi = mpi
        # Messages of the program's own communicators never meet these.
        self._comm = mpi.COMM_WORLD.Dup()
        self._notices = mpi.COMM_WORLD.Dup()
        self.rank: int = self._comm.Get_rank()
        self.size: int = self._comm.Get_size()
        self.count = 0  # of collectives
        self._told: dict[int, dict[str, Any]] = {}
        self._sent: list[tuple[Any, Any]] = []
        self._failure: str | None = None
        self._cut_short = False  # a request is open that its collective has given up
        _everyone.add(self)
        _watch_the_end()

    def sum(self, array: np.ndarray) -> None:
        """Sum an array over the ranks, in place. The order of additions is MPI's."""
        self._run("a sum", self._comm.Iallreduce, self._mpi.IN_PLACE, array)

    def all_equal(self, word: int) -> bool:
        """Return whether an integer of 64 bits is the same on every rank: one reduction."""
        both = np.array([word, ~word & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64)
        self._run("a comparison", self._comm.Iallreduce, self._mpi.IN_PLACE, both, self._mpi.MAX)
        return int(both[0]) == ~int(both[1]) & 0xFFFFFFFFFFFFFFFF

    def gather(self, array: np.ndarray) -> np.ndarray:
        """Return the arrays of all ranks, of one shape and dtype, stacked in the order of ranks."""
        found = np.empty((self.size, *array.shape), array.dtype)
        self._run("a gathering", self._comm.Iallgather, np.ascontiguousarray(array), found)
        return found

    def gather_rows(self, rows: np.ndarray, counts: list[int]) -> np.ndarray:
        """Return the rows of all ranks, of which rank i has ``counts[i]``, in the order of ranks."""
        width = rows.shape[1]
        sizes = [each * width for each in counts]
        starts = np.cumsum([0, *sizes])[:-1].tolist()
        found = np.empty((sum(counts), width), rows.dtype)
        self._run("a gathering", self._comm.Iallgatherv, rows, [found, (sizes, starts)])
        return found

    def gather_objects(self, value: Any) -> list[Any]:
        """Return an object of each rank, pickled on its way, in the order of ranks."""
        mine = np.frombuffer(pickle.dumps(value), dtype=np.uint8)
        sizes = self.gather(np.array([mine.size], dtype=np.int64))[:, 0]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        found = np.empty(int(starts[-1]), dtype=np.uint8)
        target = [found, (sizes, starts[:-1]), self._mpi.BYTE]
        self._run("a gathering", self._comm.Iallgatherv, [mine, self._mpi.BYTE], target)
        return [
            pickle.loads(found[start:stop].tobytes()) for start, stop in itertools.pairwise(starts)
        ]

    def broadcast(self, array: np.ndarray, root: int = 0) -> None:
        """Give one rank's array to the others, in place."""
        self._run("a broadcast", self._comm.Ibcast, array, root)

    def barrier(self) -> None:
        """Wait for every rank."""
        self._run("a barrier", self._comm.Ibarrier)

    def _run(self, what: str, start: Callable[..., Any], *arguments: Any) -> None:
        if self._failure is not None:
            raise RanksError(self._failure)
        self.count += 1
        request = start(*arguments)
        test = request.Test
        for _ in range(_SPINS):
            if test():
                return
        try:
            self._wait(test, what)
        except BaseException:
            self._cut_short = True
            raise

    def _wait(self, test: Callable[[], bool], what: str) -> None:
        start = look = time.monotonic()
        has_told = False
        while not test():
            # Where there are more ranks than cores, the one that is waited for gets this one's.
            os.sched_yield()
            now = time.monotonic()
            if now < look:
                continue
            look = now + _LOOK_EVERY
            self._look()
            if not has_told and now > start + _TELL_AFTER:
                self._tell("waits", what)
                has_told = True
            gone = {rank: each for rank, each in self._told.items() if each["state"] != "waits"}
            if gone and not test():
                self._fail(self._gone_message(gone, what))
            if now > start + self.timeout:
                self._fail(self._late_message(what))

    def _look(self) -> None:
        """Read what other ranks have told."""
        while self._notices.Iprobe():
            status = self._mpi.Status()
            buffer = bytearray(4096)
            self._notices.Recv([buffer, self._mpi.BYTE], status=status)
            text = bytes(buffer[: status.Get_count(self._mpi.BYTE)])
            self._told[status.Get_source()] = json.loads(text)

    def _tell(self, state: str, text: str) -> None:
        """Tell the other ranks something, without waiting for them."""
        message = {"state": state, "count": self.count, "text": text[:_TEXT]}
        data = json.dumps(message).encode()
        for rank in range(self.size):
            if rank != self.rank:
                self._sent.append((self._notices.Isend([data, self._mpi.BYTE], rank), data))

    def _fail(self, message: str) -> None:
        self._failure = message
        raise RanksError(message)

    def _gone_message(self, gone: dict[int, dict[str, Any]], what: str) -> str:
        found = "; ".join(
            f"rank {rank} {each['state']} after {each['count']} collectives"
            + (f" with {each['text']}" if each["text"] else "")
            for rank, each in sorted(gone.items())
        )
        return (
            f"expected all {self.size} ranks in collective {self.count}, {what}, found that {found} "
            f"(rank {self.rank} waits); every rank has to take the same steps"
        )

    def _late_message(self, what: str) -> str:
        late = [
            rank
            for rank in range(self.size)
            if rank != self.rank and self._told.get(rank, {"count": -1})["count"] < self.count
        ]
        return (
            f"expected all {self.size} ranks in collective {self.count}, {what}, within {self.timeout:g} s, "
            f"found none of {_ranks(late)} there (rank {self.rank} waits); see whether they are stopped or "
            "slow, take other steps, or have fewer batches, or set GLUEBALL_MPI_TIMEOUT to more seconds"
        )

    def _end(self) -> None:
        """At the end of the program: let no rank wait for this one."""
        if self._mpi.Is_finalized():
            return
        if self._cut_short:
            sys.stdout.flush()
            sys.stderr.flush()
            time.sleep(_DRAIN)
            self._mpi.COMM_WORLD.Abort(1)
        if self.size > 1:
            self._tell("ended", "")

    def _all_have_ended(self) -> bool:
        """Return whether every other rank has told that it ends."""
        self._look()
        ended = [each for each in self._told.values() if each["state"] != "waits"]
        return len(ended) == self.size - 1


def _ranks(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"rank {numbers[0]}"
    return "ranks " + ", ".join(map(str, numbers))


def _import_mpi() -> Any:
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: mpi4py without an MPI
        message = (
            "expected mpi4py and an MPI for a kvstore of several ranks, found: "
            f"{str(error).splitlines()[0]}; pip install glueball[mpi] mpich"
        )
        raise PackageError(message) from error
    return MPI


def _timeout(timeout: float | None) -> float:
    given: Any = os.environ.get("GLUEBALL_MPI_TIMEOUT", TIMEOUT) if timeout is None else timeout
    with contextlib.suppress(TypeError, ValueError):
        if float(given) > 0:
            return float(given)
    message = (
        f"expected a timeout of more than 0 seconds, found {given!r}; the default is {TIMEOUT:g}"
    )
    raise ArgumentError(message)


def _watch_the_end() -> None:
    """Have the other ranks told when this process ends, in whatever way Python knows of."""
    global _previous_hook
    if _previous_hook is None:
        _previous_hook = sys.excepthook
        sys.excepthook = _on_error
        atexit.register(_on_end)


def _on_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    assert _previous_hook is not None
    _previous_hook(kind, error, trace)
    sys.stderr.flush()
    sys.stdout.flush()
    together = [each for each in _everyone if each.size > 1 and not each._mpi.Is_finalized()]
    if together:
        text = "".join(traceback.format_exception_only(kind, error)).strip()
        for each in together:
            each._tell("raised", text)
        end = time.monotonic() + GRACE
        while time.monotonic() < end and not all(each._all_have_ended() for each in together):
            time.sleep(_LOOK_EVERY)
        time.sleep(_DRAIN)
        # Else MPI's own end would wait for ranks that wait for this one.
        together[0]._mpi.COMM_WORLD.Abort(1)


def _on_end() -> None:
    for each in list(_everyone):
        each._end()
