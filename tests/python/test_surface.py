"""Public modules show their public names and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import glueball
from glueball import np

PUBLIC = ["glueball"] + [
    module.name
    for module in pkgutil.walk_packages(glueball.__path__, "glueball.")
    if not any(part.startswith("_") for part in module.name.split("."))
]
PROGRAMS = {"glueball.demo"}  # run by `python -m`


@pytest.mark.parametrize("name", sorted(set(PUBLIC) - {"glueball.np"} - PROGRAMS))
def test_a_module_shows_what_it_lists(name):
    module = importlib.import_module(name)

    assert dir(module) == sorted(module.__all__)
    for each in module.__all__:
        assert hasattr(module, each)


@pytest.mark.parametrize("name", sorted(set(PUBLIC) - {"glueball"} - PROGRAMS))
def test_a_public_module_is_listed_by_the_one_above_it(name):
    above, _, last = name.rpartition(".")

    assert last in importlib.import_module(above).__all__


def test_numpys_names_are_shown_beside_ours_and_no_others():
    shown = set(dir(np))

    assert shown > set(np.__all__)
    assert "arctan2" in shown
    assert not shown & {"Any", "TYPE_CHECKING", "annotations", "functools", "missing", "wrap"}
    assert [name for name in shown if name.startswith("_")] == []


@pytest.mark.parametrize(
    "name", ["is_np_array", "is_np_shape", "np_array", "np_shape", "set_np_shape", "use_np", "use_np_array", "use_np_shape"]
)  # fmt: skip
def test_the_switches_of_numpys_mode_are_listed(name):
    assert name in glueball.__all__
    assert getattr(glueball, name) is getattr(glueball.util, name)


def test_what_is_left_out_is_not_read_until_it_is_asked_for():
    program = "import glueball, sys; print('tomllib' in sys.modules)"

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert run.stdout == "False\n"
