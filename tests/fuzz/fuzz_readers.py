"""Fuzzes the readers of files that are written in Python; scripts/fuzz runs it.

    python tests/fuzz/fuzz_readers.py READER CORPUS [libFuzzer's options]

READER is one of tests/python/readers.py, by the end of a file's name: `adam.states`, `net.onnx`. CORPUS is a folder,
to which what reaches new code is added. Atheris guides by coverage of glueball's Python code, and half of the inputs
are damaged inside of what their format holds (tests/python/mutations.py). Where there is no Atheris, inputs are
damaged at random, from a fixed seed, until `-max_total_time` is over.

An error of another class than MXNetError, one that does not name the file, or one after which the net, Trainer or
Estimator is not as it was, ends the run.
"""

from __future__ import annotations

import contextlib
import pathlib
import sys
import tempfile
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "python"))

try:
    import atheris
except ImportError:
    atheris = None

import numpy as np

# Modules that are imported late are imported by a first reading.
instrumented = ["glueball", "readers", "zipfile"]
with atheris.instrument_imports(include=instrumented) if atheris else contextlib.nullcontext():
    import readers
    from glueball.base import MXNetError

    name, corpus = sys.argv[1], pathlib.Path(sys.argv[2])
    reader = readers.READERS[name]
    folder = tempfile.TemporaryDirectory(
        dir="/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None
    )
    path = pathlib.Path(folder.name, name)
    reader.write(path)
    seed = path.read_bytes()
    reader.read(reader.target(), path)

from mutations import damaged  # which is not looked into

warnings.simplefilter("ignore")


ready: list = []  # what is read into, and its state: as long as it is not changed


def check(content: bytes) -> None:
    """Read a file of that content: nothing but an error of ours may come of it, and then nothing is changed."""
    path.write_bytes(content)
    if not ready:
        target = reader.target()
        ready.extend([target, reader.state(target)])
    target, before = ready
    try:
        reader.read(target, path)
        ready.clear()
        return
    except MXNetError as error:
        fault = str(error)
    if reader.state(target) != before:
        message = f"expected nothing changed, found other values after {fault}"
        raise AssertionError(message)
    if reader.names_file and str(path.with_suffix("")) not in fault:
        message = f"expected an error that names the file, found {fault}"
        raise AssertionError(message)


def mutate(content: bytes, most: int, number: int) -> bytes:
    """Return the content damaged as its format allows, or as libFuzzer does it."""
    rng = np.random.default_rng(number)
    if rng.random() < 0.5:
        return atheris.Mutate(content, most)
    with contextlib.suppress(Exception):  # where the content is not a file of its kind any more
        return damaged(rng, name, content)[:most]
    return damaged(rng, name, seed)[:most]


def run_plain(seconds: float) -> None:
    """Damage the seed in ways of a fixed order."""
    rng = np.random.default_rng(0)
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        content = damaged(rng, name, seed)
        try:
            check(content)
        except BaseException:
            prefix = next(
                (each[17:] for each in sys.argv if each.startswith("-artifact_prefix=")), ""
            )
            pathlib.Path(f"{prefix}plain-{count}").write_bytes(content)
            raise
        count += 1
    sys.stdout.write(f"stat::number_of_executed_units: {count}\n")


def main() -> None:
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "seed-0").write_bytes(seed)
    options = sys.argv[3:]
    if atheris is None:
        times = [each.partition("=")[2] for each in options if each.startswith("-max_total_time=")]
        run_plain(float(times[-1]) if times else 10)
        return
    atheris.Setup([sys.argv[0], *options, str(corpus)], check, custom_mutator=mutate)
    atheris.Fuzz()


main()
