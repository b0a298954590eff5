"""What importing costs beyond `import numpy`, and how large each peer's wheel is.

python -m bench.startup [--rounds 15]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import zlib
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.peers import OURS, PEERS
from bench.tables import Table, duration

PROGRAM = """
import time
started = time.perf_counter()
import numpy
after_numpy = time.perf_counter()
import {module}
print(after_numpy - started, time.perf_counter() - after_numpy)
"""


def import_seconds(module: str, rounds: int) -> tuple[list[float], list[float]]:
    """Return seconds of `import numpy`, and of `import module` after it, in fresh processes."""
    pairs = []
    for _ in range(rounds + 1):
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(module=module)],
            capture_output=True,
            text=True,
            check=True,
        )
        pairs.append([float(part) for part in run.stdout.split()])
    numpy, ours = zip(*pairs[1:], strict=True)  # the first one fills the disk's cache
    return list(numpy), list(ours)


def wheel_bytes(distribution: str) -> int:
    """Return the size of an installed distribution, compressed as a wheel is.

    Wheels are not kept after installation; what is in them is, and deflating it again gives their
    size but for a directory of some kilobytes.
    """
    size = 0
    for file in metadata.distribution(distribution).files or []:
        path = Path(str(file.locate()))
        if path.suffix == ".pyc" or not path.is_file():
            continue
        compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                size += len(compressor.compress(chunk))
        size += len(compressor.flush())
    return size


def measure(keys: list[str], rounds: int) -> dict[str, dict[str, Any]]:
    """Return medians of import times (seconds) and sizes (bytes), by competitor."""
    found: dict[str, dict[str, Any]] = {}
    for key in keys:
        entry = PEERS[key]
        if any(PEERS[other].modules[0] == entry.modules[0] for other in found):
            continue  # variants of one package
        numpy, ours = import_seconds(entry.modules[0], rounds)
        found[key] = {
            "package": " + ".join(entry.distributions),
            "import": statistics.median(ours if entry.modules[0] != "numpy" else numpy),
            "fastest": min(ours if entry.modules[0] != "numpy" else numpy),
            "wheel": sum(map(wheel_bytes, entry.distributions)),
        }
    return found


def table(found: dict[str, dict[str, Any]]) -> Table:
    """Return the findings as a table."""
    made = Table("startup", ["package", "import after numpy", "fastest", "wheel"])
    for key, each in found.items():
        shown = [duration(each["import"]), duration(each["fastest"])]
        made.rows.append([each["package"], *shown, f"{each['wheel'] / 1e6:.3g} MB"])
        if key == "numpy":
            made.notes.append("NumPy's own row is `import numpy` in a fresh interpreter.")
    made.notes.append(
        "Wheels without what they depend on, compressed again from what is installed."
    )
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    options = parser.parse_args()
    keys = [key for key in dict.fromkeys([OURS, *options.peers]) if not PEERS[key].missing()]
    table(measure(keys, options.rounds)).show(Console())


if __name__ == "__main__":
    main()
