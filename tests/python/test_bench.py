"""Every bench runs: one that nobody runs rots. Their timings decide nothing here."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def run(module, *arguments):
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def native():
    """The build folder that scripts/test leaves: its C++ benches are run, and none is built here."""
    programs = sorted((ROOT / "build").glob("cp*/bench/cpp/glueball_bench"))
    assert programs, (
        "expected the C++ benches in build/cp*, found none; run scripts/test, or configure with "
        "-DGLUEBALL_BENCHES=ON"
    )
    return programs[-1].parents[2]


def test_the_suite_measures_each_section_and_writes_what_it_found(tmp_path, native):
    found = run(
        "bench", "--quick", "--native", native, "--peers", "numpy", "--threads", 1,
        "--json", tmp_path / "found.json", "--png", tmp_path / "found.png",
    )  # fmt: skip

    assert found.returncode == 0, found.stderr
    for title in ("1 thread (median)", "from C++ (median)", "startup", "growth"):
        assert title in found.stdout
    written = json.loads((tmp_path / "found.json").read_text())
    cases = {row["case"]: row for row in written["rows"]}
    assert set(cases["tiny train step"]["timings"]) == {"glueball", "numpy"}
    assert cases["tiny forward"]["ratio"] == pytest.approx(
        cases["tiny forward"]["timings"]["numpy"]["median"]
        / cases["tiny forward"]["timings"]["glueball"]["median"]
    )
    assert {each["case"] for each in written["cpp"]} == {"tiny forward", "tiny train step"}
    assert set(written["cpp"][0]["timings"]) == {"glueball", "Eigen"}
    assert written["limits"]["1"]["flops"] > 1e6
    assert (tmp_path / "found.png").read_bytes().startswith(b"\x89PNG")


def test_the_fills_are_timed_on_pages_in_use_and_on_new_ones():
    found = run(
        "bench.fills", "--elements", 4096, "--threads", 1, "--rounds", 1, "--largest", 256
    )  # fmt: skip

    assert found.returncode == 0, found.stderr
    for fill in ("uniform", "normal", "truncated normal", "constant"):
        assert f"{fill}, reused" in found.stdout
        assert f"{fill}, fresh" in found.stdout
    assert "orthogonal 256 x 256" in found.stdout
