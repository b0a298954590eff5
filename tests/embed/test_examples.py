"""The programs in examples/cpp compile against an installed copy, outside the source tree, and do what they say."""

from __future__ import annotations

import re
import shutil
import sys

import numpy as onp
import pytest
from projects import COMPILERS, ROOT, build, glueball_option, run

from glueball import autograd, gluon, nd
from glueball.gluon import nn

pytest.importorskip("sklearn")


@pytest.fixture(scope="module", params=COMPILERS)
def programs(request, tmp_path_factory):
    """Return the folder of the built programs, outside the repository."""
    project = tmp_path_factory.mktemp("examples") / "cpp"
    shutil.copytree(ROOT / "examples/cpp", project)
    return build(project, request.param, "-DCMAKE_BUILD_TYPE=Release",
                 f"-Dglueball_DIR={glueball_option('--cmake-dir')}")  # fmt: skip


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Return a folder with train.csv and test.csv."""
    folder = tmp_path_factory.mktemp("digits")
    run(sys.executable, ROOT / "examples/cpp/make_digits.py", folder)
    return folder


def numbers(printed):
    """Return the number at each line's end by the words before it."""
    return {m[1]: float(m[2]) for m in re.finditer(r"^(.*): (-?[\d.]+)$", printed, re.MULTILINE)}


def test_a_net_trains_on_a_data_file(programs, digits, tmp_path):
    printed = run(programs / "train", digits / "train.csv", digits / "test.csv",
                  tmp_path / "digits.safetensors", "20")  # fmt: skip

    assert numbers(printed)["test accuracy"] > 0.96
    assert "1437 samples, 9610 parameters" in printed


def test_a_saved_model_is_served_row_by_row(programs, digits, tmp_path):
    model = tmp_path / "digits.safetensors"
    run(programs / "train", digits / "train.csv", digits / "test.csv", model, "10")
    lines = (digits / "test.csv").read_text(encoding="ascii").splitlines()
    rows, labels = zip(*(line.rsplit(",", 1) for line in lines), strict=True)

    answers = run(programs / "serve", model, input="\n".join(rows)).splitlines()

    assert len(answers) == len(rows)
    right = [answer.split(",")[0] == label for answer, label in zip(answers, labels, strict=True)]
    assert sum(right) / len(right) > 0.95
    scores = [float(score) for score in answers[0].split(",")[1:]]
    assert int(answers[0].split(",")[0]) == scores.index(max(scores))


def test_a_model_trained_in_python_is_served_with_the_same_bits(programs, digits, tmp_path):
    data = onp.loadtxt(digits / "train.csv", delimiter=",", dtype="float32")
    x, labels = data[:, :-1], data[:, -1].astype("int64")
    net = nn.HybridSequential(
        nn.Dense(32, activation="tanh"), nn.BatchNorm(), nn.Dense(10, activation="softrelu")
    )
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    for _ in range(10):
        with autograd.record():
            error = loss(net(nd.array(x)), nd.array(labels))
        error.backward()
        trainer.step(len(x))
    net.export(tmp_path / "digits.safetensors")
    lines = (digits / "test.csv").read_text(encoding="ascii").splitlines()[:100]
    rows = [line.rsplit(",", 1)[0] for line in lines]

    answers = run(programs / "serve", tmp_path / "digits.safetensors", input="\n".join(rows))

    # Row by row, as it serves. Nine digits are enough to tell any two numbers of float32 apart.
    served = onp.loadtxt(answers.splitlines(), delimiter=",", dtype="float64")[:, 1:]
    expected = [
        net(nd.array([[float(number) for number in row.split(",")]])).asnumpy()[0] for row in rows
    ]
    assert served.astype("float32").tobytes() == onp.stack(expected).tobytes()


def test_a_wrong_row_is_answered_with_an_error_and_the_next_one_served(programs, digits, tmp_path):
    model = tmp_path / "digits.safetensors"
    run(programs / "train", digits / "test.csv", digits / "test.csv", model, "1")
    right = ",".join(["0.5"] * 64)

    printed = run(programs / "serve", model, input=f"0.5,0.25\nfive\n{right}\n").splitlines()

    assert printed.count("error") == 2
    assert any("found (1, 2)" in line for line in printed)
    assert any("expected numbers separated by commas" in line for line in printed)
    assert any(line.count(",") == 10 for line in printed)


def test_a_file_that_is_not_a_model_is_named(programs, tmp_path):
    path = tmp_path / "wrong.safetensors"
    path.write_bytes(b"not a model")

    assert "wrong.safetensors" in run(programs / "serve", path, fails=True)


def test_a_data_file_with_a_fault_is_named(programs, tmp_path):
    data = tmp_path / "data.csv"
    data.write_text("0.5,0.25,1\n0.5,1\n")

    printed = run(programs / "train", data, data, tmp_path / "out.safetensors", fails=True)

    assert "expected rows of 3 numbers, found line 2, '0.5,1'" in printed
    assert "expected a data file" in run(
        programs / "train", "nowhere.csv", data, "out.safetensors", fails=True
    )


def test_initializers_of_ones_own(programs):
    printed = run(programs / "custom_initializer")
    found = numbers(printed)

    assert found["variance times fan-in"] == pytest.approx(1.0, abs=0.03)
    # log 3, and the entropy of 900, 90 and 10 in 1000.
    assert found["first loss with biases of 0"] == pytest.approx(1.0986, abs=2e-3)
    assert found["first loss with LogPrior"] == pytest.approx(0.3576, abs=2e-3)
    assert "expected one element for each of 3 classes in 'dense0_bias', found (2,)" in printed


def test_a_control_loop_allocates_nothing_and_shows_its_worst_step(programs):
    printed = run(programs / "control_loop", "20000")

    assert numbers(printed)["allocations in 20000 steps"] == 0
    worst = int(re.search(r"^worst: (\d+) ns$", printed, re.MULTILINE)[1])
    buckets = [
        (int(low), int(high), int(steps))
        for low, high, steps in re.findall(r"(\d+) ns to +(\d+) ns: +(\d+) steps", printed)
    ]
    assert sum(steps for _, _, steps in buckets) == 20000
    assert buckets[-1][0] <= worst <= buckets[-1][1]


def test_the_allocations_of_a_program_are_counted(programs, tmp_path):
    # What the control loop's count would be worth if it counted nothing.
    source = tmp_path / "count.cpp"
    source.write_text(
        '#include "count_allocations.h"\n#include <cstdio>\n#include <cstdlib>\n#include <vector>\n'
        "int main() {\n"
        "  const auto before = allocations();\n"
        "  std::vector<int>* volatile vector = new std::vector<int>(100);\n"
        "  void* volatile block = std::aligned_alloc(64, 640);\n"
        '  std::printf("%d\\n", static_cast<int>(allocations() - before));\n'
        "  std::free(block);\n"
        "  delete vector;\n"
        "}\n"
    )
    folder = ROOT / "examples/cpp"

    run("g++", "-std=c++17", f"-I{folder}", source, folder / "count_allocations.cpp", "-o",
        tmp_path / "count")  # fmt: skip

    assert run(tmp_path / "count").strip() == "3"
