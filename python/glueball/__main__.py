"""Looks into files, ``python -m glueball inspect net.safetensors``, and says where C++ programs find glueball.

``inspect FILE`` prints what a file of parameters or of a net holds, and ``diff A B`` in what two differ; either with
``--html PAGE`` writes a page. ``--cmake-dir``, ``--include`` and ``--lib`` print places.

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
from glueball._scope import later

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

PACKAGE = Path(__file__).resolve().parent
PLACES = {
    "cmake-dir": (PACKAGE / "lib/cmake/glueball", "the folder of glueballConfig.cmake"),
    "include": (PACKAGE / "include", "the folder to give to the compiler's -I"),
    "lib": (PACKAGE / "lib/libglueball.a", "the static library"),
}
KINDS = ".safetensors, .params, .npz or .onnx"
COMMANDS = {
    "inspect": (later("insight._commands:inspect"), ["file"], f"shows what a file holds ({KINDS})"),
    "diff": (
        later("insight._commands:diff"),
        ["a", "b"],
        f"shows in what two files differ ({KINDS}); exit status 1 if they do",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked for.

    The exit status is 0; 1 where a path is missing, or files differ; 2 where a file cannot be read.
    """
    parser = argparse.ArgumentParser(
        prog="python -m glueball",
        description="Looks into files of parameters and nets, and prints where C++ programs find glueball.",
        epilog="python -m glueball.demo trains a net on real data.",
    )
    parser.add_argument("--version", action="version", version=glueball.__version__)
    for option, (_, text) in PLACES.items():
        parser.add_argument(
            f"--{option}", dest="wanted", action="append_const", const=option, help=text
        )
    commands = parser.add_subparsers(dest="command", title="commands", metavar="")
    for name, (_, files, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text.capitalize() + ".")
        for file in files:
            command.add_argument(file, metavar=file.upper(), help="a file of the kinds named above")
        command.add_argument("--html", metavar="PAGE", help="write this page in place of printing")
    asked = parser.parse_args(arguments)
    if asked.command is not None:
        function, files, _ = COMMANDS[asked.command]
        try:
            status: int = function(*(getattr(asked, file) for file in files), html=asked.html)
        except (glueball.MXNetError, OSError) as error:
            print(error, file=sys.stderr)
            return 2
        return status
    wanted = asked.wanted
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
