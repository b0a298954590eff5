"""Threads and processes that make batches ahead of the loop that uses them.

A process pool has one pipe to each worker, with a task at a time for each batch that is wanted. A worker
receives and sends in threads of its own, so neither side ever waits for the other to empty a pipe.
Arrays travel after the pickle that refers to them (protocol 5), without being copied into it.

Functions import multiprocessing and concurrent.futures: these take longer to import than all of gluon, and most
programs that use gluon.data need neither.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import queue
import random
import signal
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._mxnet_alias import install_as_mxnet
from glueball.base import MXNetError
from glueball.random import seed as seed_glueball

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ProcessPool", "ThreadPool", "WorkerError", "WorkerTimeoutError"]


class WorkerError(MXNetError):
    """A worker of a DataLoader died, or raised: then this is the cause of what it raised."""


class WorkerTimeoutError(WorkerError, TimeoutError):
    """A worker of a DataLoader did not give its batch within the loader's `timeout`."""

    def __str__(self) -> str:
        return str(self.args[0])


class ThreadPool:
    """Makes batches in threads of this process.

    Parameters
    ----------
    make : callable
        ``make(indices)`` gives a batch.
    count : int
        Threads.
    """

    def __init__(self, make: Callable[[Any], Any], count: int) -> None:
        self._make = make
        self._owner = os.getpid()
        from concurrent.futures import ThreadPoolExecutor

        self._threads = ThreadPoolExecutor(count, thread_name_prefix="glueball-data")

    def usable(self) -> bool:
        """Return whether it can take tasks: not in a child of its process."""
        return self._owner == os.getpid()

    def submit(self, indices: Any, seed: int) -> Any:
        """Ask for a batch; return its ticket."""
        del seed  # threads draw from the generators that the whole process has
        return self._threads.submit(self._make, indices)

    def result(self, ticket: Any, timeout: float) -> Any:
        """Return the batch of a ticket.

        Raises
        ------
        WorkerTimeoutError
            If it takes longer than `timeout` seconds.
        """
        try:
            return ticket.result(timeout)
        except TimeoutError as error:
            if ticket.done():
                raise  # the dataset's own
            raise WorkerTimeoutError(_late("a thread", timeout)) from error

    def forget(self, tickets: list[Any]) -> None:
        """Give up batches that nobody will ask for."""
        for ticket in tickets:
            ticket.cancel()

    def close(self) -> None:
        """End the threads when they have finished what they do."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Worker:
    """What the parent knows of one process."""

    def __init__(self, context: Any, number: int, make: Callable[[Any], Any]) -> None:
        self.pipe, other = context.Pipe()
        self.busy: set[int] = set()
        self.alive = True  # as far as its pipe has been read
        # By name for processes that start afresh: unpickling has to wait until mxnet's names are there.
        shared: Any = make
        if context.get_start_method() != "fork":
            try:
                shared = pickle.dumps(make, protocol=5)
            except Exception as error:
                message = (
                    "expected a dataset and a batchify_fn that can be pickled, since worker processes "
                    f"start by {context.get_start_method()!r}, found: {error}; define functions and classes "
                    "at the top of a module, or use thread_pool=True"
                )
                raise WorkerError(message) from error
        self.process = context.Process(
            target=_work,
            args=(other, shared, "mxnet" in sys.modules),
            name=f"glueball-data-{number}",
            daemon=True,
        )
        self.process.start()
        other.close()


class ProcessPool:
    """Makes batches in processes, which live until it is closed.

    Parameters
    ----------
    make : callable
        ``make(indices)`` gives a batch. Pickled, unless processes start by fork.
    count : int
        Processes.

    Raises
    ------
    WorkerError
        If `make` cannot be pickled.
    """

    def __init__(self, make: Callable[[Any], Any], count: int) -> None:
        import multiprocessing

        context = multiprocessing.get_context()
        self._owner = os.getpid()
        self._workers: list[_Worker] = []
        self._tickets = itertools.count()
        self._done: dict[int, tuple[bool, Any]] = {}
        self._unwanted: set[int] = set()
        self._lock = threading.RLock()
        self._finalizer = weakref.finalize(self, _stop, self._workers, self._owner)
        try:
            for number in range(count):
                self._workers.append(_Worker(context, number, make))
        except BaseException:
            self.close()
            raise

    def usable(self) -> bool:
        """Return whether it can take tasks: not after a death, and not in a child of its process."""
        return (
            self._finalizer.alive
            and self._owner == os.getpid()
            and all(worker.process.is_alive() for worker in self._workers)
        )

    def submit(self, indices: Any, seed: int) -> int:
        """Ask for a batch, of the worker that has least to do; return its ticket."""
        with self._lock:
            ticket = next(self._tickets)
            worker = min(self._workers, key=lambda each: (not each.alive, len(each.busy)))
            worker.busy.add(ticket)
            # A dead worker shows when its result is waited for.
            with contextlib.suppress(OSError):
                worker.pipe.send((ticket, indices, seed))
            return ticket

    def result(self, ticket: int, timeout: float) -> Any:
        """Return the batch of a ticket.

        Raises
        ------
        WorkerError
            If the worker died.
        WorkerTimeoutError
            If it takes longer than `timeout` seconds.
        Exception
            What the dataset or batchify_fn raised, with a WorkerError as cause that shows where.
        """
        deadline = time.monotonic() + timeout
        with self._lock:
            while ticket not in self._done:
                self._receive(ticket, deadline, timeout)
            good, value = self._done.pop(ticket)
        if good:
            return value
        error, text = value
        if error is None:
            raise WorkerError(text)
        raise error from WorkerError(text)

    def forget(self, tickets: list[int]) -> None:
        """Give up batches that nobody will ask for."""
        with self._lock:
            for ticket in tickets:
                if self._done.pop(ticket, None) is None:
                    self._unwanted.add(ticket)

    def close(self) -> None:
        """End the processes."""
        self._finalizer()

    def _receive(self, wanted: int, deadline: float, timeout: float) -> None:
        """Wait for some worker to say something, and keep what it says."""
        worker = next((each for each in self._workers if wanted in each.busy), None)
        if worker is None:
            message = "expected a batch that was asked for, found none; iterate the loader again"
            raise WorkerError(message)
        if not self._finalizer.alive:
            message = (
                "expected workers that run, found that the loader has ended them after an error; iterate "
                "it again"
            )
            raise WorkerError(message)
        from multiprocessing import connection

        # One that ended takes down the batches it had, and no others: those before them still come.
        by_pipe: dict[Any, _Worker] = {each.pipe: each for each in self._workers if each.alive}
        ready: Any = (
            ()
            if not worker.alive
            else connection.wait(
                [*by_pipe, worker.process.sentinel], max(0.0, deadline - time.monotonic())
            )
        )
        if worker.alive and not ready:
            self.close()
            raise WorkerTimeoutError(_late(worker.process.name, timeout))
        for pipe in ready:
            if pipe in by_pipe:
                self._take(by_pipe[pipe])
        if worker.process.sentinel in ready and worker.pipe not in ready:
            worker.alive = False
        if not worker.alive:
            worker.process.join(1)
            code = worker.process.exitcode
            self.close()
            raise WorkerError(_died(worker.process.name, code))

    def _take(self, worker: _Worker) -> None:
        """Keep the result that a worker has sent, or the fact that it ended."""
        try:
            ticket, good, value = _receive_message(worker.pipe)
        except (EOFError, OSError):
            worker.alive = False
            return
        worker.busy.discard(ticket)
        if ticket in self._unwanted:
            self._unwanted.discard(ticket)
        else:
            self._done[ticket] = (good, value)


def _late(who: str, timeout: float) -> str:
    return (
        f"expected a batch within {timeout:g} s, found that {who} is still at it; raise the DataLoader's "
        "timeout=, or look for what blocks with num_workers=0"
    )


def _died(name: str, code: int | None) -> str:
    how = f"exit code {code}"
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            how = f"signal {signal.Signals(-code).name}"
    return (
        f"expected a batch from worker {name} of the DataLoader, found that it died ({how}); it may have "
        "run out of memory, or crashed in native code: num_workers=0 shows where"
    )


def _stop(workers: list[_Worker], owner: int) -> None:
    if os.getpid() != owner:
        return  # a child of the process whose workers these are
    for worker in workers:
        worker.pipe.close()
        worker.process.terminate()
    for worker in workers:
        worker.process.join(5)
        if worker.process.is_alive():
            worker.process.kill()


def _send_message(pipe: Any, message: tuple[int, bool, Any]) -> None:
    buffers: list[pickle.PickleBuffer] = []
    try:
        head = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
    except Exception as error:  # noqa: BLE001 - what a user's class raises while it is pickled
        text = (
            f"expected a batch that can be pickled, found: {error}; return arrays, numbers or lists of "
            "them from batchify_fn, or use thread_pool=True"
        )
        buffers.clear()
        head = pickle.dumps((message[0], False, (None, text)))
    parts = [buffer.raw() for buffer in buffers]
    pipe.send_bytes(pickle.dumps((head, [part.nbytes for part in parts])))
    for part in parts:
        if part.nbytes:
            pipe.send_bytes(part)


def _receive_message(pipe: Any) -> Any:
    head, sizes = pickle.loads(pipe.recv_bytes())
    parts = []
    for size in sizes:
        part = np.empty(size, np.uint8)  # not zeroed, as a bytearray would be
        if size:
            pipe.recv_bytes_into(part)
        parts.append(part)
    return pickle.loads(head, buffers=parts)


def _work(pipe: Any, make: Any, as_mxnet: bool) -> None:
    """Run a worker process."""
    # Ctrl-C reaches the whole group; the parent ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    results: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, tasks), daemon=True).start()
    speaker = threading.Thread(target=_speak, args=(pipe, results), daemon=True)
    speaker.start()
    failure = None
    try:
        if isinstance(make, bytes):
            if as_mxnet:
                install_as_mxnet()
            make = pickle.loads(make)
    except Exception as error:  # noqa: BLE001 - the parent has to be told, whatever it is
        failure = error
    while (task := tasks.get()) is not None:
        ticket, indices, seed = task
        try:
            if failure is not None:
                raise failure
            _seed(seed)
            results.put((ticket, True, make(indices)))
        except Exception as error:  # noqa: BLE001 - as above
            results.put((ticket, False, _described(error, indices)))
    results.put(None)
    speaker.join(5)


def _described(error: BaseException, indices: Any) -> tuple[BaseException | None, str]:
    """Return an exception, if it can travel, and the text that shows where it was raised."""
    import multiprocessing
    import traceback

    name = multiprocessing.current_process().name
    shown = ", ".join(str(i) for i in list(indices)[:8]) + (", ..." if len(indices) > 8 else "")
    trace = "".join(traceback.format_exception(error))
    text = f"in worker {name} of the DataLoader, for the samples [{shown}]:\n\n{trace}"
    with contextlib.suppress(Exception):
        copy = pickle.loads(pickle.dumps(error))
        if type(copy) is type(error) and str(copy) == str(error):
            return error, text
    return None, text


def _seed(seed: int) -> None:
    """Give each batch random numbers of its own, whichever worker makes it."""
    seed_glueball(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - transforms written for Gluon draw from there


def _listen(pipe: Any, tasks: queue.SimpleQueue[Any]) -> None:
    import multiprocessing
    from multiprocessing import connection

    parent = multiprocessing.parent_process()
    watched = [pipe] if parent is None else [pipe, parent.sentinel]
    with contextlib.suppress(EOFError, OSError):
        while pipe in connection.wait(watched):
            tasks.put(pipe.recv())
    tasks.put(None)  # the parent has ended, or wants no more


def _speak(pipe: Any, results: queue.SimpleQueue[Any]) -> None:
    with contextlib.suppress(OSError):  # the parent has ended
        while (message := results.get()) is not None:
            _send_message(pipe, message)
