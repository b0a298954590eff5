"""Says where a C++ program finds glueball: ``python -m glueball --cmake-dir``, ``--include``, ``--lib``.

The package carries the headers, the static library and the CMake package, so an installed wheel is
enough to compile against::

    cmake -S . -B build -Dglueball_DIR="$(python -m glueball --cmake-dir)"
    c++ -std=c++17 program.cpp -I"$(python -m glueball --include)" "$(python -m glueball --lib)" -pthread
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import glueball

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

PACKAGE = Path(__file__).resolve().parent
PLACES = {
    "cmake-dir": (PACKAGE / "lib/cmake/glueball", "the folder of glueballConfig.cmake"),
    "include": (PACKAGE / "include", "the folder to give to the compiler's -I"),
    "lib": (PACKAGE / "lib/libglueball.a", "the static library"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was asked for, one path a line; the exit status is 1 where a path is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m glueball",
        description="Prints where C++ programs find glueball.",
        epilog="python -m glueball.demo trains a net on real data.",
    )
    parser.add_argument("--version", action="version", version=glueball.__version__)
    for option, (_, text) in PLACES.items():
        parser.add_argument(
            f"--{option}", dest="wanted", action="append_const", const=option, help=text
        )
    wanted = parser.parse_args(arguments).wanted
    if not wanted:
        parser.print_help()
        return 0
    for option in wanted:
        place = PLACES[option][0]
        if not place.exists():
            print(
                f"expected {PLACES[option][1]} in this installation, found no {place}; "
                "install glueball from a wheel (an editable installation has no C++ part)",
                file=sys.stderr,
            )
            return 1
        print(place)
    return 0


if __name__ == "__main__":
    sys.exit(main())
