"""A C++ program and Python give the same bits for the same file and input, and read each other's files."""

from __future__ import annotations

import json
import struct

import numpy as onp
import pytest
from hypothesis import HealthCheck, given, settings
from projects import FOLDER, glueball_option, run

import glueball
from glueball import nd
from glueball.gluon import nn
from model_files import write
from random_nets import KINDS, nets, normal, randomised


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """run_model.cpp, compiled against the headers and the library that the wheel carries."""
    path = tmp_path_factory.mktemp("program") / "run_model"
    run("g++", "-std=c++17", FOLDER / "run_model.cpp", f"-I{glueball_option('--include')}",
        glueball_option("--lib"), "-fopenmp", "-o", path)  # fmt: skip
    return path


def read_array(path, dtype):
    """Read the only array of a .safetensors file, by the format's description."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        (entry,) = (value for key, value in json.loads(file.read(length)).items() if key[0] != "_")
        return onp.frombuffer(file.read(), dtype).reshape(entry["shape"])


def run_both(net, x, program, folder):
    """Return (Python's output, C++'s output, the file that C++ wrote)."""
    files = [folder / f"{name}.safetensors" for name in ("net", "x", "y", "again")]
    net.export(files[0])
    write(files[1], None, {"x": x})

    run(program, *files)

    python = net(nd.array(x, dtype=x.dtype)).asnumpy()
    return python, read_array(files[2], x.dtype), files[3]


def assert_same_bits(left, right):
    assert (left.shape, left.dtype) == (right.shape, right.dtype)
    assert left.tobytes() == right.tobytes()


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(made=nets(KINDS))
def test_random_nets_give_the_same_bits_in_both(made, program, tmp_path_factory):
    net, width = made
    x = normal(5, width)

    python, cpp, again = run_both(randomised(net, x), x, program, tmp_path_factory.mktemp("model"))

    assert_same_bits(cpp, python)
    assert_same_bits(glueball.load(again)(nd.array(x)).asnumpy(), python)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_net_of_some_size_gives_the_same_bits_in_both(dtype, program, tmp_path):
    shared = nn.Dense(300, activation="relu", dtype=dtype)
    net = nn.HybridSequential(nn.Dense(300, activation="tanh", dtype=dtype), shared, shared)
    net.add(nn.Dense(10, dtype=dtype))
    x = normal(33, 784, dtype=dtype)

    python, cpp, again = run_both(randomised(net, x), x, program, tmp_path)

    assert_same_bits(cpp, python)
    reread = glueball.load(again)
    assert reread[1].weight is reread[2].weight
    assert list(reread.collect_params()) == list(net.collect_params())


def test_the_program_says_what_is_wrong_with_a_file(program, tmp_path):
    path = tmp_path / "net.safetensors"
    write(path, "{}", {"x": normal(2, 3)})

    printed = run(program, path, path, path, path, fails=True)

    assert "expected 'format' in the architecture" in printed
    assert "net.safetensors" in printed
