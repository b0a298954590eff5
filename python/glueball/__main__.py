"""Looks into files, runs programs written for MXNet, and says where C++ programs find glueball.

``run SCRIPT ARGUMENTS`` runs a program with glueball as ``mxnet``, and ``check PATHS`` says what of MXNet programs use
that is not here.
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
INSIGHT = {
    "inspect": (later("insight._commands:inspect"), ["file"], f"shows what a file holds ({KINDS})"),
    "diff": (
        later("insight._commands:diff"),
        ["a", "b"],
        f"shows in what two files differ ({KINDS}); exit status 1 if they do",
    ),
}
RUN = "runs a program written for MXNet: import mxnet gives glueball"
CHECK = "lists what of MXNet programs use that glueball does not have; exit status 1 if anything"
_run = later("_scripts:run")
_check = later("_scripts:check")


def _do(asked: argparse.Namespace) -> int:
    if asked.command == "run":
        status: int = _run(asked.script, asked.arguments)
    elif asked.command == "check":
        status = _check(asked.paths)
    else:
        function, files, _ = INSIGHT[asked.command]
        status = function(*(getattr(asked, file) for file in files), html=asked.html)
    return status


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
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    for name, (_, files, text) in INSIGHT.items():
        command = commands.add_parser(name, help=text, description=text.capitalize() + ".")
        for file in files:
            command.add_argument(file, metavar=file.upper(), help="a file of the kinds named above")
        command.add_argument("--html", metavar="PAGE", help="write this page in place of printing")
    run = commands.add_parser("run", help=RUN, description=RUN.capitalize() + ".")
    run.add_argument("script", metavar="SCRIPT", help="a Python file")
    run.add_argument(
        "arguments", nargs=argparse.REMAINDER, metavar="...", help="what it gets as sys.argv[1:]"
    )
    check = commands.add_parser("check", help=CHECK, description=CHECK.capitalize() + ".")
    check.add_argument(
        "paths", nargs="+", metavar="PATH", help="a Python file, or a folder of them"
    )
    asked = parser.parse_args(arguments)
    if asked.command is not None:
        try:
            status = _do(asked)
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
