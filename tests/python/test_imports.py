"""Imports point one way: no module needs, at any time, one that needs it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import glueball

ROOT = Path(glueball.__file__).parent
MODULES = {
    ".".join(("glueball", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path
    for path in ROOT.rglob("*.py")
}
PACKAGES = {name for name, path in MODULES.items() if path.name == "__init__.py"}

# What `import glueball` brings, by package, over NumPy's modules. Each costs every program about 0.1 ms:
# what few programs need is to be imported when it is first named (`surface` in `_scope.py`).
BROUGHT = {
    "": "__future__ glueball threading",
    "glueball": (
        "_calls _core _number _numpy_mode _reading _scope _suggest _tape _walk autograd base "
        "context gluon init name nd"
    ),
    "glueball.gluon": "_checks _declaration _files _places _plain block nn parameter",
    "glueball.gluon._files": "stored_block",
    "glueball.gluon.block": (
        "_block _changing _class_changes _hooks _hybrid_block _naming _plan _structure _tree"
    ),
    "glueball.gluon.nn": "_activation _dense _native _sequential",
    "glueball.gluon.parameter": (
        "_constant _copying _foreign_words _gradient_sink _parameter _parameter_dict _settings"
    ),
    "glueball.init": "_base _check _constant _defaults _function _hooks _random _registry",
    "glueball.nd": (
        "_activation _creation _derivatives _elementwise _index _keys _layout _methods _ndarray "
        "_pairs _parts _product _record _recording _reduction _reshape_codes _shape _softmax "
        "_special _traced _ufuncs"
    ),
}


class Import(NamedTuple):
    module: str
    line: int
    is_late: bool


def names_type_checking(node):
    names = {getattr(each, "id", getattr(each, "attr", None)) for each in ast.walk(node)}
    return "TYPE_CHECKING" in names


def imports_of(module, source):
    """Each import of a module of ours, but for those that only type checkers see."""
    found = []

    def visit(node, is_late):
        if isinstance(node, ast.If) and names_type_checking(node.test):
            for each in node.orelse:
                visit(each, is_late)
            return
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: {node.lineno} is relative"
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            others = [a for a in node.names if f"{node.module}.{a.name}" not in MODULES]
            # The extension is a module, not a name of the package.
            others = [a for a in others if f"{node.module}.{a.name}" != "glueball._core"]
            names = [*submodules, *([node.module] if others else [])]
        else:
            names = []
            is_late = is_late or isinstance(
                node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
            )
        found.extend(Import(name, node.lineno, is_late) for name in names if name in MODULES)
        for each in ast.iter_child_nodes(node):
            visit(each, is_late)

    visit(ast.parse(source), False)
    return found


def packages_run_for(module, importer):
    """Return the packages whose __init__ an import of `module` runs first, unless they hold the importer."""
    parts = module.split(".")
    above = {".".join(parts[:end]) for end in range(1, len(parts))}
    return {each for each in above if not f"{importer}.".startswith(f"{each}.")}


IMPORTS = {name: imports_of(name, path.read_text()) for name, path in MODULES.items()}


def graph_of(imports):
    return {
        name: {
            target
            for each in found
            for target in {each.module, *packages_run_for(each.module, name)}
            if target != name
        }
        for name, found in imports.items()
    }


def circles(graph):
    """Return the sets of modules that reach each other: Tarjan, SIAM J. Comput. 1972."""
    number, low, stack, found = {}, {}, [], []

    def visit(node):
        number[node] = low[node] = len(number)
        stack.append(node)
        for each in sorted(graph[node]):
            if each not in number:
                visit(each)
                low[node] = min(low[node], low[each])
            elif each in stack:
                low[node] = min(low[node], number[each])
        if low[node] == number[node]:
            place = stack.index(node)
            if len(stack) - place > 1:
                found.append(set(stack[place:]))
            del stack[place:]

    for node in graph:
        if node not in number:
            visit(node)
    return found


def test_no_modules_import_each_other_not_even_inside_functions():
    assert circles(graph_of(IMPORTS)) == []


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_function_imports_a_module_of_ours(name):
    late = [f"{name}:{each.line} {each.module}" for each in IMPORTS[name] if each.is_late]

    assert late == []


def test_what_few_programs_need_is_not_imported_with_glueball():
    program = (
        "import numpy, sys; before = set(sys.modules); import glueball; "
        "print(*sorted(set(sys.modules) - before))"
    )

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert run.stdout.split() == sorted(
        f"{package}.{name}".lstrip(".")
        for package, names in BROUGHT.items()
        for name in names.split()
    )


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_imports_are_read():
    source = """
from typing import TYPE_CHECKING
import glueball.nd
from glueball import _core, gluon
from glueball.base import MXNetError
if TYPE_CHECKING:
    from glueball import io
else:
    from glueball import npx
def f():
    from glueball import metric
"""
    found = {(each.module, each.is_late) for each in imports_of("m", source)}

    assert found == {
        ("glueball.nd", False),
        ("glueball.gluon", False),
        ("glueball.base", False),
        ("glueball.npx", False),
        ("glueball.metric", True),
    }
    assert packages_run_for("glueball.gluon.nn._dense", "glueball.gluon.trainer") == {
        "glueball.gluon.nn"
    }
