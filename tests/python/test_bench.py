"""Every bench runs: one that nobody runs rots. Their timings decide nothing here."""

from __future__ import annotations

import importlib
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import scipy.special

import mpi_ranks
from glueball import _core
from mpi_ranks import needs_mpi

ROOT = pathlib.Path(__file__).parents[2]


def run(*arguments):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def native():
    """Return the build folder of scripts/test: its C++ benches are run, and none is built here."""
    programs = sorted((ROOT / "build").glob("cp*/bench/cpp/glueball_bench"))
    assert programs, (
        "expected the C++ benches in build/cp*, found none; run scripts/test, or configure with "
        "-DGLUEBALL_BENCHES=ON"
    )
    return programs[-1].parents[2]


def test_the_suite_measures_each_section_and_writes_what_it_found(tmp_path, native):
    found = run(
        "-m", "bench", "--quick", "--native", native, "--peers", "numpy", "--threads", 1,
        "--json", tmp_path / "found.json", "--png", tmp_path / "found.png",
    )  # fmt: skip

    assert found.returncode == 0, found.stderr
    for title in ("1 thread (median)", "from C++ (median)", "startup", "growth", "shared"):
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
    assert {each["beside"] for each in written["shared"]} == {0, 1, 2}
    assert {each["layer"] for each in written["shared"]} == set(_core.threading_layers())
    assert written["limits"]["1"]["flops"] > 1e6
    assert (tmp_path / "found.png").read_bytes().startswith(b"\x89PNG")


def test_the_fills_are_timed_on_pages_in_use_and_on_new_ones():
    found = run(
        "-m", "bench.fills", "--elements", 4096, "--threads", 1, "--rounds", 1, "--largest", 256
    )  # fmt: skip

    assert found.returncode == 0, found.stderr
    for fill in ("uniform", "normal", "truncated normal", "constant"):
        assert f"{fill}, reused" in found.stdout
        assert f"{fill}, fresh" in found.stdout
    assert "orthogonal 256 x 256" in found.stdout


def test_what_is_not_installed_is_left_out_and_named(native):
    hide = (
        "import importlib.util, runpy, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'onnxruntime' else find(name)\n"
        "runpy.run_module('bench', run_name='__main__')\n"
    )
    found = run(
        "-c", hide, "--quick", "--sections", "cases", "--cases", "forward", "--threads", 1,
        "--peers", "numpy", "onnxruntime", "--native", native, "--markdown",
    )  # fmt: skip

    assert found.returncode == 0, found.stderr
    assert "Left out: ONNX Runtime, not installed (onnxruntime" in found.stdout
    assert "| tiny forward |" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-m", "bench.layers", "--layers", 20, 40, "--limit", 1000], 0),
        (["-m", "bench.layers", "--layers", 20, 40, "--limit", 0], 1),
    ],
)
def test_growth_beyond_the_limit_is_a_failure(arguments, expected):
    found = run(*arguments)

    assert found.returncode == expected, found.stderr
    assert "initialize" in found.stdout


def test_startup_runs_alone():
    found = run("-m", "bench.startup", "--rounds", 1, "--peers")

    assert found.returncode == 0, found.stderr
    assert "glueball" in found.stdout


def test_small_nets_run_on_joblib():
    pytest.importorskip("joblib")
    found = run("-m", "bench.small_nets", "--nets", 60, "--steps", 3)

    assert found.returncode == 0, found.stderr
    assert "1 worker(s): " in found.stdout


@needs_mpi
def test_ranks_are_timed_beside_mpis_own_sum():
    program = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('bench.mpi', run_name='__main__')"
    options = ("--seconds", "0.01", "--nets", "small")

    lines = mpi_ranks.run(2, program, str(ROOT), *options)

    assert [line for line in lines if line.startswith("small ")] != []
    assert [line for line in lines if line.startswith("Model: ")] != []


class TestReference:
    """Whoever disagrees with it is not timed, so it had better be right."""

    @pytest.fixture(autouse=True)
    def _modules(self, monkeypatch):
        monkeypatch.syspath_prepend(str(ROOT))
        self.cases = importlib.import_module("bench.cases")
        self.reference = importlib.import_module("bench.reference")

    def test_gradients_are_those_of_the_mean_cross_entropy(self):
        net = self.cases.Net((3, 5, 4, 2), 6)
        layers = [(w.astype(float), b.astype(float)) for w, b in net.layers]
        x = net.x.astype(float)

        def loss():
            logits = self.reference.activations(layers, x)[-1]
            return -scipy.special.log_softmax(logits, axis=1)[range(6), net.labels].mean()

        for layer, found in zip(
            layers, self.reference.gradients(layers, x, net.labels), strict=True
        ):
            for array, gradient in zip(layer, found, strict=True):
                for place in np.ndindex(array.shape):
                    kept, slopes = array[place], []
                    for step in (1e-6, -1e-6):
                        array[place] = kept + step
                        slopes.append(loss())
                    array[place] = kept
                    assert (slopes[0] - slopes[1]) / 2e-6 == pytest.approx(
                        gradient[place], rel=1e-5, abs=1e-8
                    )

    def test_float32_passes_and_half_the_digits_do_not(self):
        net = self.cases.NETS["mid"]
        right = self.reference.forward(net)

        single = self.reference.activations(net.layers, net.x)[-1]
        self.reference.check([single], [right])
        with pytest.raises(ValueError, match="within 0.0001 of the float64 reference"):
            self.reference.check([right.astype(np.float16)], [right])

    def test_another_shape_does_not_pass(self):
        with pytest.raises(ValueError, match=r"of shape \(2, 3\), found \(3, 2\)"):
            self.reference.check([np.zeros((3, 2))], [np.zeros((2, 3))])

    def test_operations_are_two_for_each_multiply_add(self):
        net = self.cases.Net((3, 5, 2), 7)

        assert net.flops(training=False) == 2 * 7 * (3 * 5 + 5 * 2)
        # Weight gradients of both layers; the input's of the second only.
        assert net.flops(training=True) == 3 * 2 * 7 * (3 * 5 + 5 * 2) - 2 * 7 * 3 * 5


def test_thresholds_are_measured_on_both_sides():
    found = run("-m", "bench.thresholds", "--quick")

    assert found.returncode == 0, found.stderr
    assert found.stdout.count("| 1 x 256 x 256 |") == 2


def test_thresholds_are_the_librarys():
    thresholds = importlib.import_module("bench.thresholds")
    source = (ROOT / "cpp" / "src" / "nn" / "product.cpp").read_text()

    for line in (
        f"multiply_adds_per_us = {thresholds.MULTIPLY_ADDS_PER_US:.0e}".replace("e+0", "e"),
        f"elements_per_us = {thresholds.ELEMENTS_PER_US:.0e}".replace("e+0", "e"),
        f"least_parallel_us = {thresholds.LEAST_PARALLEL_US}",
    ):
        assert line in source


def test_files_are_loaded_and_saved_beside_the_safetensors_package():
    found = run("-m", "bench.bench_files", "--megabytes", 2, "--rounds", 1)

    assert found.returncode == 0, found.stderr
    assert "glueball nd.load" in found.stdout


def test_a_monitors_cost_is_told():
    found = run("-m", "bench.monitor", "--runs", 1, "--batch", 8)

    assert found.returncode == 0, found.stderr
    assert "a monitor takes" in found.stdout
