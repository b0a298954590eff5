"""What training keeps in memory: the net's own arrays, and little beside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from glueball import _core

PROGRAM = """
import sys

from glueball import autograd, gluon, init, nd
from glueball.gluon import nn


def status(field):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def train(sizes, batch):
    net = nn.Sequential()
    for units in sizes[1:-1]:
        net.add(nn.Dense(units, activation="relu"))
    net.add(nn.Dense(sizes[-1]))
    net.initialize(init.Xavier())
    loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(
        net.collect_params(), "sgd", {"learning_rate": 0.01, "momentum": 0.9}
    )
    x, y = nd.ones((batch, sizes[0])), nd.zeros((batch,))
    for _ in range(3):
        with autograd.record():
            loss = loss_function(net(x), y)
        loss.backward()
        trainer.step(batch)


train([4, 8, 8, 3], 2)  # what modules and threads take
before = status("VmRSS")
train([int(size) for size in sys.argv[2:]], int(sys.argv[1]))
print(status("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_training_takes_little_more_than_parameters_gradients_momentum_and_activations():
    sizes, batch = [1024, 4096, 4096, 1000], 256
    parameters = sum(width * units + units for width, units in pairwise(sizes))
    activations = batch * (sum(sizes) + sizes[-1])  # the softmax is kept beside the scores
    needed = 4 * (3 * parameters + activations)

    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(batch), *map(str, sizes)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert needed * 0.9 < int(run.stdout) < needed * 1.2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep to RLIMIT_AS")
@pytest.mark.parametrize("layer", _core.threading_layers())
def test_memory_that_runs_out_is_a_memory_error_on_two_threads(layer: str) -> None:
    limits = [str(n << 10) for n in (0, 256, 1024, 3072, 10240, 12288, 16384)]
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("memory_limits.py"), *limits],
        env={**os.environ, "GLUEBALL_THREADS": layer},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    raised = json.loads(done.stdout)
    assert all(raised[name] > 0 for name in ("forward", "step", "initialize")), raised
