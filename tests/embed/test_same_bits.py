"""A C++ program and Python compute the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from projects import FOLDER, WARNINGS, glueball_option, run

import glueball
from glueball import init, nd
from glueball.gluon import nn


def bits(array):
    return np.asarray(array, np.float32).ravel().view(np.uint32)


@pytest.mark.parametrize("rows", [1, 64])
def test_the_same_seed_and_input_give_the_same_weights_and_outputs(rows, compiler, tmp_path):
    program = tmp_path / "same_bits"
    run(compiler, "-std=c++17", *WARNINGS.split(), FOLDER / "same_bits.cpp", "-o", program,
        f"-I{glueball_option('--include')}", glueball_option("--lib"), "-fopenmp")  # fmt: skip
    inputs = np.random.default_rng(3).normal(size=(rows, 20)).astype(np.float32)
    glueball.random.seed(11)
    net = nn.Sequential()
    net.add(nn.Dense(33, activation="tanh"), nn.Dense(7))
    net.initialize(init.Xavier())
    outputs = net(nd.array(inputs))

    printed = run(program, input="\n".join(f"{x:.9g}" for x in inputs.ravel()))

    expected = [bits(p.data()) for p in net.collect_params().values()] + [bits(outputs)]
    found = np.array([int(line, 16) for line in printed.split()], np.uint32)
    np.testing.assert_array_equal(found, np.concatenate(expected))
