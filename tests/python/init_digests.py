"""Prints, as JSON, digests of what every initializer and random function gives.

`GLUEBALL_ISA` is read once in a process, so test_isa.py runs this once for each instruction set.
"""

import hashlib
import json
import sys

import numpy as np

import glueball
from glueball import init, nd
from glueball.gluon import nn
from init.test_bits import CASES
from init_filling import SEED, fill


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def of_initializers():
    return {
        f"{initializer!r} {shape} {dtype}": digest(fill(initializer, shape, dtype=dtype))
        for initializer, shape in CASES
        for dtype in ("float32", "float64")
    }


def of_random_functions():
    glueball.random.seed(SEED)
    draws = {
        "uniform": nd.random.uniform(-1, 3, shape=(100, 1001)),
        "normal": nd.random.normal(2, 5, shape=(100, 1001)),
        "randint": nd.random.randint(0, 1000, shape=(100, 1001)),
        "shuffle": nd.random.shuffle(nd.arange(1000)),
    }
    return {f"nd.random.{name}": digest(values) for name, values in draws.items()}


def of_a_net():
    glueball.random.seed(SEED)
    net = nn.Sequential()
    net.add(nn.Dense(300, activation="relu"), nn.Dense(10))
    net.initialize(init.Xavier())
    net(nd.ones((1, 700)))
    return {f"net {i}": digest(each.weight.data()) for i, each in enumerate(net)}


if __name__ == "__main__":
    digests = of_initializers() | of_random_functions() | of_a_net()
    json.dump({"instruction set": glueball.instruction_set(), "digests": digests}, sys.stdout)
