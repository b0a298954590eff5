"""What show_config tells is so."""

import importlib.metadata
import os
import pathlib
import platform
import subprocess
import sys

import numpy as np
import pytest

import glueball

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def _threads():
    before = glueball.num_threads()
    yield
    glueball.set_num_threads(before)


def test_printing_returns_nothing_and_says_what_the_dictionary_says(capsys):
    assert glueball.show_config() is None

    printed = capsys.readouterr().out
    config = glueball.show_config(mode="dicts")
    isa, layer = config.pop("instruction set"), config.pop("threading layer")
    for value in (*config.values(), isa["in use"], *isa["available"], *layer["available"]):
        assert str(value) in printed


def test_the_dictionary_prints_nothing(capsys):
    glueball.show_config(mode="dicts")

    assert capsys.readouterr().out == ""


def test_versions_are_those_of_what_is_loaded():
    config = glueball.show_config(mode="dicts")

    assert config["version"] == importlib.metadata.version("glueball")
    assert config["NumPy"] == np.__version__
    assert config["Python"] == platform.python_version()


def test_eigen_is_the_pinned_one_when_that_is_vendored():
    header = ROOT / "third_party" / "eigen" / "Eigen" / "Version"
    if not header.exists():  # built with an Eigen from elsewhere
        assert int(glueball.show_config(mode="dicts")["Eigen"].split(".")[0]) >= 5
        return

    assert f'"{glueball.show_config(mode="dicts")["Eigen"]}"' in header.read_text(encoding="utf-8")


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("count", [1, 3])
def test_threads_are_those_that_were_set(count, capsys):
    glueball.set_num_threads(count)

    glueball.show_config()
    assert glueball.show_config(mode="dicts")["threads"] == count
    assert f"{count} on {glueball.threading_layer()} (" in capsys.readouterr().out


def test_the_openmp_runtime_is_a_file_that_the_process_has_loaded():
    layer = glueball.show_config(mode="dicts")["threading layer"]

    assert layer["in use"] == glueball.threading_layer()
    if "openmp" in layer["available"] and sys.platform == "linux":
        loaded = pathlib.Path("/proc/self/maps").read_text()
        assert os.path.realpath(layer["OpenMP"]) in loaded


def test_each_available_instruction_set_can_be_put_in_use():
    available = glueball.show_config(mode="dicts")["instruction set"]["available"]

    found = [
        subprocess.run(
            [sys.executable, "-c", "import glueball; print(glueball.instruction_set())"],
            env=os.environ | {"GLUEBALL_ISA": isa},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for isa in available
    ]

    assert found == available


def test_an_unknown_mode_is_refused():
    with pytest.raises(
        ValueError, match=r"expected mode 'stdout' or 'dicts', found 'yaml'; choose"
    ):
        glueball.show_config(mode="yaml")
