"""How fast arrays are filled, beside PyTorch and beside what the memory takes.

    python -m bench.fills [--elements 100000000] [--threads 1 2] [--rounds 5]

Reused memory was written before, as by `initialize(force_reinit=True)`; fresh memory is what a new
parameter gets, where the system's page faults take their part.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from glueball import _core, init

if TYPE_CHECKING:
    from collections.abc import Callable

FILLS = {
    "uniform": init.Uniform(0.07),
    "normal": init.Normal(0.01),
    "truncated normal": init.TruncatedNormal(0.01),
    "constant": init.Constant(0.5),
}
ORTHOGONAL = [(256, 256), (1024, 1024), (2048, 2048), (4096, 1024)]


def has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def written(array: np.ndarray, threads: int) -> None:
    """Set all bytes by the C library, which is what the memory's write bandwidth is taken from."""
    share = array.nbytes // threads
    workers = [
        threading.Thread(target=ctypes.memset, args=(array.ctypes.data + i * share, 1, share))
        for i in range(threads)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def fresh(initializer: init.Initializer, elements: int) -> None:
    """Initialize a new parameter of our own, without a gradient."""
    parameter = _core.Parameter("w_weight", (elements, 1), "float32", "null", True, True, 1.0, 1.0)
    parameter._initialize(None, initializer, _core.Generator(1, 2), False)


def torch_fills() -> dict[str, Callable[..., object]]:
    """Return PyTorch's fill for each case that it has."""
    import torch

    return {
        "uniform": lambda t: t.uniform_(-0.07, 0.07),
        "normal": lambda t: t.normal_(0.0, 0.01),
        "truncated normal": lambda t: torch.nn.init.trunc_normal_(t, 0.0, 0.01, -0.02, 0.02),
        "constant": lambda t: t.fill_(0.5),
    }


def best(cases: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the least seconds of each case, all of them in each round."""
    seconds = dict.fromkeys(cases, float("inf"))
    for _ in range(rounds):
        for name, call in cases.items():
            started = time.perf_counter()
            call()
            seconds[name] = min(seconds[name], time.perf_counter() - started)
    return seconds


def race_fills(elements: int, threads: int, rounds: int) -> None:
    array = np.zeros((elements, 1), "float32")
    memory = best({"memory": lambda: written(array, threads)}, rounds)["memory"]
    print(f"memory, reused{'':<14}{elements / memory * 1e-9:8.2f} G floats/s")
    for name, initializer in FILLS.items():
        cases: dict[str, Callable[[], object]] = {
            "reused": lambda i=initializer: i("w_weight", array),
            "fresh": lambda i=initializer: fresh(i, elements),
        }
        if has_torch():
            import torch

            fill, tensor = torch_fills()[name], torch.from_numpy(array)
            # PyTorch's truncated normal takes seconds for what the others do in a tenth of one.
            part = elements // 16 if name == "truncated normal" else elements
            cases["reused, PyTorch"] = lambda f=fill, t=tensor, n=part: f(t[:n])
            cases["fresh, PyTorch"] = lambda f=fill, n=part: f(torch.empty(n))
        else:
            part = elements
        seconds = best(cases, rounds)
        for kind in ("reused", "fresh"):
            line = f"{name + ', ' + kind:<28}{elements / seconds[kind] * 1e-9:8.2f} G floats/s"
            line += f"{memory / seconds[kind] * 100:6.0f} % of memory's"
            if has_torch():
                ratio = seconds[f"{kind}, PyTorch"] * elements / part / seconds[kind]
                line += f"{ratio:8.1f} times PyTorch's"
            print(line)


def race_orthogonal(largest: int, rounds: int) -> None:
    for shape in ORTHOGONAL:
        if max(shape) > largest:
            continue
        array = np.zeros(shape, "float32")
        orthogonal = init.Orthogonal(1.0, "normal")
        cases: dict[str, Callable[[], object]] = {
            "glueball": lambda o=orthogonal, a=array: o("w_weight", a)
        }
        if has_torch():
            import torch

            tensor = torch.from_numpy(array)
            cases["PyTorch"] = lambda t=tensor: torch.nn.init.orthogonal_(t)
        seconds = best(cases, rounds)
        line = f"orthogonal {shape[0]} x {shape[1]:<12}{seconds['glueball'] * 1e3:9.2f} ms"
        if has_torch():
            line += f"{seconds['PyTorch'] / seconds['glueball']:8.1f} times PyTorch's"
        print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elements", type=int, default=100_000_000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, os.cpu_count() or 1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--largest", type=int, default=4096, help="of the orthogonal matrices")
    options = parser.parse_args()
    for threads in sorted(set(options.threads)):
        _core.set_num_threads(threads)
        if has_torch():
            import torch

            torch.set_num_threads(threads)
        print(f"-- {threads} thread{'s' * (threads > 1)}, {options.elements} float32")
        race_fills(options.elements, threads, options.rounds)
        race_orthogonal(options.largest, options.rounds)


if __name__ == "__main__":
    main()
