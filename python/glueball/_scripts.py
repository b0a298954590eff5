"""Programs written for MXNet: running them, and finding what of MXNet they use that is not here."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from glueball._mxnet import StandIn
from glueball._mxnet_alias import install_as_mxnet
from glueball.base import MXNetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Lack", "check", "lacks_of", "run"]

_ROOT = "mxnet"


def run(script: str, arguments: Sequence[str] = ()) -> int:
    """Run a script as ``python script arguments`` would, with glueball as mxnet.

    Returns
    -------
    int
        1 if it raised, after its traceback; else 0. What it passes to `sys.exit` leaves as SystemExit.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    source = Path(script).read_bytes()
    install_as_mxnet()
    main = ModuleType("__main__")
    main.__dict__.update(__file__=script, __builtins__=__builtins__, __cached__=None)
    sys.modules["__main__"] = main
    sys.argv = [script, *arguments]
    sys.path[0] = str(Path(script).resolve().parent)
    try:
        exec(compile(source, script, "exec"), main.__dict__)  # noqa: S102 - that is what was asked for
    except Exception as error:  # noqa: BLE001 - whatever the script raises is shown
        # Without the frame of this function; a SyntaxError of the script has no other.
        below = error.__traceback__.tb_next if error.__traceback__ is not None else None
        traceback.print_exception(type(error), error, below)
        return 1
    return 0


class Lack(NamedTuple):
    """A name of MXNet's in a program that is not here.

    Attributes
    ----------
    line : int
        Where it stands first.
    name : str
        With its module: ``mxnet.gluon.nn.Conv2D``; ``''`` for a file that is not Python 3.
    reason : str
        What is said of it.
    """

    line: int
    name: str
    reason: str


def check(paths: Sequence[str]) -> int:
    """Print what of MXNet programs use that is not here, by file and line.

    Parameters
    ----------
    paths : sequence of str
        Files, and folders whose ``.py`` files are all looked at.

    Returns
    -------
    int
        1 if anything lacks, or no program uses MXNet; else 0.

    Raises
    ------
    OSError
        If a path is not there.
    """
    files = [file for path in paths for file in _files(Path(path))]
    used = lacking = 0
    for file in files:
        names, lacks = lacks_of(file.read_bytes())
        used += len(names)
        lacking += len(lacks)
        for lack in lacks:
            what = f"{lack.name}: {lack.reason}" if lack.name else lack.reason
            print(f"{file}:{lack.line}: {what}")  # noqa: T201 - what is asked for
    where = f"{len(files)} file{'s' * (len(files) != 1)}"
    if used == lacking == 0:
        print(f"expected programs that import mxnet, found none in {where}")  # noqa: T201
        return 1
    found = "all of them" if not lacking else f"{used - lacking} of them"
    print(f"{where}: {used} names of mxnet; glueball has {found}")  # noqa: T201
    return int(lacking > 0)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.rglob("*.py"))
    path.stat()  # raises where it is not
    return [path]


def lacks_of(source: str | bytes) -> tuple[list[str], list[Lack]]:
    """Return MXNet's names that a program uses, and those of them that are not here, in the order of lines."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return [], [Lack(error.lineno or 1, "", f"is not Python 3: {error.msg}")]
    install_as_mxnet()
    places: dict[str, int] = {}
    for name, line in sorted(_names(tree), key=lambda each: each[1]):
        places.setdefault(name, line)
    lacks: dict[str, Lack] = {}
    used = []
    for name, line in places.items():
        there, reason = _look_up(name)
        if there not in lacks and not any(there.startswith(f"{each}.") for each in lacks):
            used.append(there)
            if reason is not None:
                lacks[there] = Lack(line, there, reason)
    return list(dict.fromkeys(used)), list(lacks.values())


def _names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each name of MXNet's with its line: ``mxnet.nd.zeros`` of ``nd.zeros(3)``."""
    bound: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                if each.name.partition(".")[0] == _ROOT:
                    bound[each.asname or _ROOT] = each.name if each.asname else _ROOT
                    yield each.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == _ROOT:
            for each in node.names:
                name = f"{node.module}.{each.name}" if each.name != "*" else str(node.module)
                bound[each.asname or each.name] = name
                yield name, node.lineno
    inside: set[ast.AST] = set()  # parts of chains: ast.walk comes to the whole ones first
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node not in inside:
            parts, inner = [node.attr], node.value
            while isinstance(inner, ast.Attribute):
                inside.add(inner)
                parts.append(inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name) and inner.id in bound:
                yield ".".join([bound[inner.id], *reversed(parts)]), node.lineno


def _briefly(reason: str) -> str:
    """Return what a part of MXNet is for, if glueball leaves it out on purpose; else what is said of the name."""
    found = re.search(r"which is for (.*?);", reason)
    return f"is for {found[1]}, which glueball leaves out" if found else reason


def _look_up(name: str) -> tuple[str, str | None]:
    """Return a name as far as it is a module's or a class's, and why it is not here, or None."""
    thing: Any = sys.modules[_ROOT]
    path = _ROOT
    for part in name.split(".")[1:]:
        path += f".{part}"
        try:
            thing = getattr(thing, part)
        except (AttributeError, MXNetError) as error:
            try:
                thing = importlib.import_module(path)
            except ImportError:
                return path, _briefly(str(error))
        if isinstance(thing, type) and issubclass(thing, StandIn):
            return path, _briefly(thing._reason())
        if not isinstance(thing, ModuleType):
            break  # what an object has is seen when it runs
    return path, None
