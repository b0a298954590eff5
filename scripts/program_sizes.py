#!/usr/bin/env python3
"""Print what a C++ program pays for glueball: the size of each program in examples/cpp, stripped.

Builds them in a temporary folder against the installed package, linked with ``--gc-sections``.

    python scripts/program_sizes.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import glueball

__all__ = ["program_sizes"]

EXAMPLES = Path(__file__).resolve().parents[1] / "examples/cpp"


def program_sizes(folder: Path) -> dict[str, int]:
    """Build the programs in `folder`, which need not exist; return their bytes by name."""
    package = Path(glueball.__file__).parent / "lib/cmake/glueball"
    subprocess.run(
        ["cmake", "-S", EXAMPLES, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
         "-DCMAKE_EXE_LINKER_FLAGS=-Wl,--gc-sections -s", f"-Dglueball_DIR={package}"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    subprocess.run(["cmake", "--build", folder], check=True, stdout=subprocess.DEVNULL)
    names = sorted(source.stem for source in EXAMPLES.glob("*.cpp"))
    programs = {name: folder / name for name in names}
    return {name: path.stat().st_size for name, path in programs.items() if path.exists()}


def main() -> int:
    """Run the command line."""
    with tempfile.TemporaryDirectory() as folder:
        for name, size in program_sizes(Path(folder) / "build").items():
            print(f"{name}: {size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
