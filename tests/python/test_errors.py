"""Every error of ours is an MXNetError: no file makes one of Python's own classes."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

import pytest

import glueball
from glueball import base

ROOT = Path(glueball.__file__).parent
FILES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py"))
BUILT_IN = {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, Exception)
}
# What Python's protocols, or the purpose of a function, ask for: (file, function, class).
ALLOWED = {
    ("io.py", "next", "StopIteration"),  # the end of an iterator
    ("test_utils.py", "assert_almost_equal", "AssertionError"),  # a test's verdict, not a mistake
    ("test_utils.py", "assert_exception", "AssertionError"),
}


def made(file):
    """Yield (function, class, line) where a file makes or raises an error of Python's own."""

    def walk(node, function):
        if isinstance(node, ast.FunctionDef):
            function = node.name
        found = node.func if isinstance(node, ast.Call) else getattr(node, "exc", None)
        if isinstance(found, ast.Name) and found.id in BUILT_IN:
            yield function, found.id, node.lineno
        for child in ast.iter_child_nodes(node):
            yield from walk(child, function)

    yield from walk(ast.parse((ROOT / file).read_text(encoding="utf8")), "")


def is_allowed(file, function, name, line):
    if name == "AttributeError":  # what `hasattr` and `getattr` wait for
        return function in ("__getattr__", "missing")
    if name == "NotImplementedError":  # bare: a hook of a class that users do not derive from
        source = (ROOT / file).read_text(encoding="utf8").splitlines()[line - 1]
        return source.strip() == "raise NotImplementedError"
    return (file, function, name) in ALLOWED


@pytest.mark.parametrize("file", FILES)
def test_no_file_makes_errors_of_pythons_own(file):
    found = [f"{file}:{line}: {name} in {function}" for function, name, line in made(file)
             if not is_allowed(file, function, name, line)]  # fmt: skip

    assert found == []


def test_the_walk_finds_what_it_looks_for(tmp_path):
    source = tmp_path / "wrong.py"
    source.write_text(
        "def f():\n    if 1:\n        raise KeyError\ndef g():\n    return ValueError('x')\n"
    )

    assert list(made(source)) == [("f", "KeyError", 3), ("g", "ValueError", 5)]


@pytest.mark.parametrize("name", base.__all__)
def test_every_class_of_errors_is_an_mxnet_error(name):
    if not name.endswith("Warning"):
        assert issubclass(getattr(base, name), base.MXNetError)
