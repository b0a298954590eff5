"""The programs in examples/python run, without a warning, and learn as well as they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

FOLDER = Path(__file__).parents[2] / "examples" / "python"


def run(name):
    """Return what a program prints, as a dict of the numbers at lines' ends by the words before them."""
    result = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore:This process (pid=:DeprecationWarning",
            FOLDER / name,
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    numbers = {}
    for line in result.stdout.splitlines():
        match = re.fullmatch(r"(.*): (-?[\d.]+)", line)
        if match:
            numbers.setdefault(match[1], []).append(float(match[2]))
    return numbers, result.stdout


@pytest.mark.parametrize(
    ("name", "accuracy"),
    [
        ("softmax_regression.py", 0.93),
        ("mlp.py", 0.96),
        ("dropout.py", 0.94),
        ("custom_layers.py", 0.94),
        ("custom_blocks.py", 0.9),
        ("estimator.py", 0.93),
    ],
)
def test_classifier_reaches_its_accuracy_on_samples_it_has_not_seen(name, accuracy):
    numbers, _ = run(name)

    assert min(numbers["test accuracy"]) >= accuracy


def test_linear_regression_comes_near_to_least_squares():
    numbers, _ = run("linear_regression.py")

    best, found = numbers["R2 of least squares"][0], numbers["R2 of the net"][0]
    assert best - 0.02 <= found <= best


def test_weight_decay_lowers_the_error_on_other_patients():
    numbers, _ = run("weight_decay.py")

    without, decayed = numbers["test loss"]
    assert decayed < 0.6 * without
    norm, decayed_norm = numbers["norm of the weights"]
    assert decayed_norm < norm / 2
    # And it costs accuracy on those that were learned from.
    assert numbers["train loss"][0] < numbers["train loss"][1]


def test_k_fold_validation_foretells_the_error_of_the_test():
    numbers, printed = run("house_prices.py")

    test, mean = numbers["test log rmse"][0], numbers["log rmse of the mean"][0]
    assert test < 0.9 * mean
    assert abs(test - numbers["validated log rmse"][0]) < 0.1
    assert len(re.findall(r"^fold \d, train rmse", printed, re.MULTILINE)) == 15


def test_control_flow_halves_until_the_norm_is_below_one():
    numbers, printed = run("custom_blocks.py")

    assert numbers["times halved"][0] >= 1
    assert 0.5 <= numbers["norm of the loop's output"][0] <= 1
    assert "constant unchanged: True" in printed


def test_every_example_is_tested():
    here = Path(__file__).read_text(encoding="utf8")

    assert [each.name for each in FOLDER.glob("*.py") if f'"{each.name}"' not in here] == []
