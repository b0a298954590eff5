"""What older interpreters are told, and how the extension is built for a second one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from projects import ROOT

# The backend below is not ours to ask.
OLD = "import sys, scikit_build_core.build; sys.version_info = (3, 10, 13, 'final', 0); sys.version = '3.10.13 (main)'; "


@pytest.mark.parametrize("module", ["vendor_eigen", "glueball_build"])
def test_builds_by_an_older_python_say_which_is_required(module):
    done = subprocess.run(
        [sys.executable, "-c", f"{OLD}sys.path.insert(0, 'third_party'); import {module}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("glueball requires Python >= 3.11, found 3.10.13 (")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("script", ["scripts/test", "scripts/demo", "scripts/fuzz", ".ci/run"])
@pytest.mark.parametrize("place", ["PYTHON", "GLUEBALL_VENV"])
def test_scripts_given_an_older_python_say_which_is_required(script, place, tmp_path):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && {{ echo Python 3.10.13; exit; }}\n'
        f'[ "$1" = -c ] && exec {sys.executable} -c "{OLD}$2"\nexit 3\n'
    )
    python.chmod(0o755)
    given = {"PYTHON": str(python), "GLUEBALL_VENV": str(tmp_path / "none")}
    if place == "GLUEBALL_VENV":
        given = {"GLUEBALL_VENV": str(tmp_path)}

    done = subprocess.run(
        [ROOT / script], env=os.environ | given, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    found = f"error: glueball requires Python >= 3.11, found Python 3.10.13 ({python});"
    assert done.stderr.startswith(found)
    assert not (tmp_path / "none").exists()


def test_an_environment_is_not_taken_for_that_of_another_interpreter(tmp_path):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    newer = "import sys; sys.version_info = (3, 99, 0, 'final', 0); "
    python.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && {{ echo Python 3.99.0; exit; }}\n'
        f'exec {sys.executable} -c "{newer}$2"\n'
    )
    python.chmod(0o755)
    given = {"PYTHON": sys.executable, "GLUEBALL_VENV": str(tmp_path)}

    done = subprocess.run(
        [ROOT / "scripts/demo"], env=os.environ | given, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert f"expected {tmp_path} to be of {sys.executable}, found Python 3.99.0;" in done.stderr
