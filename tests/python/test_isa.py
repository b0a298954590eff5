"""Every instruction set that this machine has computes the same: the same bits where values are drawn,
and within the suite's own bounds where they are summed.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import glueball

FOLDER = pathlib.Path(__file__).parent
AVAILABLE = glueball.show_config(mode="dicts")["instruction set"]["available"]
# This very run is on one of them.
OTHERS = [isa for isa in AVAILABLE if isa != glueball.instruction_set()]

# What kernels compute. The rest of the suite does not differ by instruction set.
NUMERIC = [
    "gluon/nn",
    "gluon/parameter/test_initialize.py",
    "gluon/parameter/test_initialize_streams.py",
    "gluon/plain",
    "gluon/test_bfloat16.py",
    "gluon/test_gradients.py",
    "gluon/test_loss.py",
    "gluon/test_losses.py",
    "gluon/test_losses_by_class.py",
    "gluon/test_trainer.py",
    "init",
    "nd/test_gradients.py",
    "nd/test_network_functions.py",
    "optimizer",
    "test_autograd.py",
    "test_corners.py",
    "test_model.py",
    "test_onnx.py",
    "test_parallel.py",
    "test_random.py",
    "test_random_reference.py",
    "test_second_order.py",
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


def test_what_is_numeric_exists():
    assert [name for name in NUMERIC if not (FOLDER / name).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize("isa", OTHERS)
def test_the_numeric_tests_pass_on_the_other_instruction_sets(isa):
    found = run(
        isa,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *(str(FOLDER / name) for name in NUMERIC),
    )

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


NET = """
import sys
import numpy as np
from glueball import nd, random, init
from glueball.gluon import nn
random.seed(1)
for dtype in ("float32", "float64"):
    net = nn.HybridSequential()
    for _ in range(4):
        net.add(nn.Dense(1024, activation="tanh", dtype=dtype))
    net.add(nn.Dense(10, dtype=dtype))
    net.initialize(init.Xavier())
    y = net(nd.random.normal(shape=(16, 784), dtype=dtype)).asnumpy()
    print(y.astype(np.float64).tobytes().hex())
"""


def test_outputs_differ_between_instruction_sets_within_the_bound_of_the_documents():
    found = []
    for isa in AVAILABLE:
        lines = run(isa, "-c", NET).stdout.split()
        found.append([np.frombuffer(bytes.fromhex(line)) for line in lines])
    for bound, outputs in zip((2e-6, 4e-15), zip(*found, strict=True), strict=True):
        largest = abs(outputs[0]).max()
        assert largest > 0
        for output in outputs[1:]:
            assert abs(output - outputs[0]).max() < bound * largest
