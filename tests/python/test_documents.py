"""The documents' own scripts print what they print with MXNet 1.9.1.

They are not part of this repository: they are looked for in a folder `shared/gluon` beside the checkout, or in the one
that the environment variable GLUEBALL_DOCUMENTS names, and each runs in a process of its own, because names count
from the start of the process.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("GLUEBALL_DOCUMENTS") or ROOT.parent / "shared" / "gluon")
CELLS = FOLDER / "cells"
SCRIPTS = sorted(CELLS.glob("*.py"))

pytestmark = pytest.mark.documents

CHILD = """
import runpy, sys
import glueball
glueball.install_as_mxnet()
import mxnet
mxnet.random.seed(0)
path = sys.argv[1]
sys.argv = [path]
runpy.run_path(path, run_name="__main__")
"""


def compare():
    """Return the folder's own comparison, which knows what is random."""
    spec = importlib.util.spec_from_file_location("compare", FOLDER / "compare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.same


@pytest.mark.skipif(not SCRIPTS, reason=f"no documents in {os.path.relpath(CELLS, ROOT)}")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_documents_script_prints_its_transcript(script):
    expected = script.with_suffix(".expected.txt").read_text(encoding="utf8")

    run = subprocess.run(
        [sys.executable, "-u", "-c", CHILD, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=CELLS,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=120,
        check=False,
    )

    printed = run.stdout.decode("utf8", "replace")
    assert run.returncode == 0, printed
    assert compare()(expected, printed) is None


@pytest.mark.skipif(not SCRIPTS, reason=f"no documents in {os.path.relpath(CELLS, ROOT)}")
def test_the_comparison_finds_a_difference():
    expected = SCRIPTS[0].with_suffix(".expected.txt").read_text(encoding="utf8")

    assert compare()(expected, expected + "one line more\n") is not None
    assert compare()(expected, expected.replace("weight", "wait", 1)) is not None
