"""Loading and saving a file of 400 MB, beside the `safetensors` package, in one run.

python -m bench.bench_files [--megabytes 400] [--rounds 7] [--folder /var/tmp]

The file is in the system's cache, so that code and not a disk is timed; every round loads with each
competitor in turn, and every loader hands out arrays that own their memory. Saving is timed with and
without waiting for the disk.

Before that, most of the free memory is written to once. A virtual machine gets its memory from the host
page by page, when it first writes there, which is ten times as slow as any of the loaders. A loader that is
given fresh pages would pay for that, and large pages, which glueball asks for, are fresh sooner than small ones.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import mmap
import os
import pathlib
import statistics
import tempfile
import time
from typing import TYPE_CHECKING

import numpy as np
import safetensors
import safetensors.numpy

import glueball
from glueball import nd
from glueball.gluon import nn

if TYPE_CHECKING:
    from collections.abc import Callable


def layers(megabytes: int) -> nn.Sequential:
    """Make a net of equal layers with `megabytes` MB of weights, uninitialized."""
    count = max(2, megabytes // 16)
    width = int((megabytes * 1e6 / 4 / count) ** 0.5)
    net = nn.Sequential()
    for _ in range(count):
        net.add(nn.Dense(width, in_units=width))
    return net


def touch_memory() -> None:
    """Write to four fifths of the memory that is free, and give it back to the system."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with mmap.mmap(-1, max(free // 5 * 4, 1 << 21)) as memory:
        memory.madvise(mmap.MADV_HUGEPAGE)
        array = np.frombuffer(memory, np.uint8)
        array[:: mmap.PAGESIZE] = 1
        del array  # a mapping with views cannot be closed


def alternating(cases: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of every call; all cases in each round, so that drift meets all alike."""
    samples: dict[str, list[float]] = {name: [] for name in cases}
    for i in range(rounds + 1):
        for name, call in cases.items():
            started = time.perf_counter()
            result = call()
            elapsed = time.perf_counter() - started
            del result  # giving memory back is not timed
            if i > 0:  # the first round fills caches
                samples[name].append(elapsed)
    return samples


def show(samples: dict[str, list[float]], reference: str, megabytes: float) -> None:
    base = statistics.median(samples[reference])
    for name, times in samples.items():
        median = statistics.median(times)
        print(
            f"{name:<44}{median * 1e3:9.1f} ms ({min(times) * 1e3:.1f} to {max(times) * 1e3:.1f})"
            f"{megabytes / 1e3 / median:8.2f} GB/s   ratio {median / base:.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", default=None, help="where the files go, for a time")
    options = parser.parse_args()
    print(
        f"glueball {glueball.__version__}, safetensors {safetensors.__version__}, numpy {np.__version__}, "
        f"{glueball.num_threads()} threads, {options.megabytes} MB"
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = pathlib.Path(folder, "net.safetensors")
        rng = np.random.default_rng(1)
        net = layers(options.megabytes)
        arrays = {
            name: rng.random(parameter.shape, dtype="float32")
            for name, parameter in net._walk_parameters()
        }
        nd.save(path, {name: nd.from_numpy(value) for name, value in arrays.items()})
        params = pathlib.Path(folder, "net.params")
        nd.save(params, {name: nd.from_numpy(value) for name, value in arrays.items()})

        def load_net() -> nn.Sequential:
            fresh = layers(options.megabytes)
            fresh.load_parameters(path)
            return fresh

        old = {name: np.ones_like(value) for name, value in arrays.items()}

        def copy_into(targets: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            for name, value in safetensors.numpy.load_file(path).items():
                targets[name][...] = value
            return targets

        touch_memory()
        ready = load_net()
        loading: dict[str, Callable[[], object]] = {
            "safetensors.numpy.load_file": lambda: safetensors.numpy.load_file(path),
            "safetensors, copied into new arrays": lambda: copy_into(
                {name: np.empty_like(value) for name, value in arrays.items()}
            ),
            "safetensors, copied over old arrays": lambda: copy_into(old),
            "glueball nd.load": lambda: nd.load(path),
            "glueball nd.load, .params": lambda: nd.load(params),
            "glueball load_parameters, new net": load_net,
            "glueball load_parameters, over old values": lambda: ready.load_parameters(path),
        }
        if importlib.util.find_spec("torch") is not None:
            torch_files = importlib.import_module("safetensors.torch")
            # Its tensors are views of the mapping; cloning makes it do what the others do.
            loading["safetensors.torch.load_file, cloned"] = lambda: {
                name: value.clone() for name, value in torch_files.load_file(path).items()
            }
        show(alternating(loading, options.rounds), "safetensors.numpy.load_file", options.megabytes)

        target = pathlib.Path(folder, "saved.safetensors")
        named = {name: nd.from_numpy(value) for name, value in arrays.items()}

        def theirs_synced() -> None:
            safetensors.numpy.save_file(arrays, target)
            descriptor = os.open(target, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

        saving: dict[str, Callable[[], object]] = {
            "safetensors.numpy.save_file, then fsync": theirs_synced,
            "glueball nd.save (atomic, with fsync)": lambda: nd.save(target, named),
            "safetensors.numpy.save_file, no fsync": lambda: safetensors.numpy.save_file(
                arrays, target
            ),
        }
        show(
            alternating(saving, max(1, options.rounds // 3)),
            "safetensors.numpy.save_file, then fsync",
            options.megabytes,
        )


if __name__ == "__main__":
    main()
