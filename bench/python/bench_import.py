"""What `import glueball` adds to `import numpy`, in fresh processes.

python bench/python/bench_import.py [--rounds 15]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

PROGRAM = """
import time
started = time.perf_counter()
import numpy
after_numpy = time.perf_counter()
import glueball
print(after_numpy - started, time.perf_counter() - after_numpy)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    pairs = []
    for _ in range(options.rounds + 1):
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
        )
        pairs.append([float(part) * 1e3 for part in run.stdout.split()])
    numpy_ms, glueball_ms = zip(*pairs[1:], strict=True)  # the first fills the disk's cache
    for name, times in (("numpy", numpy_ms), ("glueball", glueball_ms)):
        print(
            f"{name:<9}{statistics.median(times):7.1f} ms "
            f"({min(times):.1f} to {max(times):.1f}), median of {options.rounds}"
        )


if __name__ == "__main__":
    main()
