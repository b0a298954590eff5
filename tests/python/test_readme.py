"""What the README shows works as it stands there."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pytest

README = pathlib.Path(__file__).parents[2] / "README.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf8"), re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS, ids=[f"program {i}" for i in range(len(PROGRAMS))])
def test_program_in_the_readme_runs(program, tmp_path):
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr


def test_readme_names_only_files_that_exist():
    text = README.read_text(encoding="utf8")
    named = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]

    assert len(named) > 5
    assert [link for link in named if not (README.parent / link).exists()] == []
