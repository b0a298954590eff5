"""Every instruction set that this machine has computes the same: the same bits where values are drawn,
and within the suite's own bounds where they are summed.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

import glueball

FOLDER = pathlib.Path(__file__).parent
AVAILABLE = glueball.show_config(mode="dicts")["instruction set"]["available"]
# This very run is on one of them.
OTHERS = [isa for isa in AVAILABLE if isa != glueball.instruction_set()]

# Without numbers from kernels: what starts programs, workers and packages, and what reads documents.
LEFT_OUT = [
    "test_bench.py",
    "test_compatibility.py",
    "test_config.py",
    "test_demo.py",
    "test_docstrings.py",
    "test_documents.py",
    "test_examples.py",
    "test_isa.py",
    "test_mxnet_alias.py",
    "test_packaging.py",
    "test_readme.py",
    "test_scope.py",
    "test_tape.py",
    "gluon/contrib",
    "gluon/data",
]


def run(isa, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"GLUEBALL_ISA": isa, "PYTHONPATH": str(FOLDER)},
        capture_output=True,
        text=True,
        check=False,
        cwd=FOLDER.parents[1],
    )


def test_what_is_left_out_exists():
    assert [name for name in LEFT_OUT if not (FOLDER / name).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize("isa", OTHERS)
def test_the_numeric_tests_pass_on_the_other_instruction_sets(isa):
    left_out = [f"--ignore={FOLDER / name}" for name in LEFT_OUT]

    found = run(isa, "-m", "pytest", "-q", "-p", "no:cacheprovider", *left_out, str(FOLDER))

    assert found.returncode == 0, found.stdout[-5000:]


def test_initialization_gives_equal_bits_on_all_instruction_sets():
    found = {}
    for isa in AVAILABLE:
        child = run(isa, str(FOLDER / "init_digests.py"))
        assert child.returncode == 0, child.stderr
        answer = json.loads(child.stdout)
        assert answer["instruction set"] == isa
        found[isa] = answer["digests"]

    first = found[AVAILABLE[0]]
    assert len(first) > 60
    for isa in AVAILABLE[1:]:
        differing = [name for name in first if found[isa][name] != first[name]]
        assert not differing, f"{isa} differs from {AVAILABLE[0]}"
