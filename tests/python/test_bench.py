"""Every bench runs: one that nobody runs rots. Their timings decide nothing here."""

import pathlib
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parents[2] / "bench" / "python"


@pytest.mark.parametrize(
    ("script", "arguments", "expected"),
    [
        ("bench_nets.py", ["--tiny", "--threads", "1"], "rl train step"),
        ("bench_growth.py", ["--layers", "20", "40", "--limit", "1000"], "initialize"),
        ("bench_import.py", ["--rounds", "1"], "glueball"),
    ],
)
def test_bench_runs_and_prints_its_cases(script, arguments, expected):
    run = subprocess.run(
        [sys.executable, str(FOLDER / script), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert expected in run.stdout
