"""Which work starts threads."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import glueball
from glueball import autograd, gluon, nd
from glueball.gluon import nn

glueball.set_num_threads(2)


def threads():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("Threads"))


def run(*sizes, batch):
    net = nn.Sequential()
    for units in sizes[1:]:
        net.add(nn.Dense(units, activation="relu"))
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "adam")
    x, y = nd.ones((batch, sizes[0])), nd.zeros((batch,))
    net(x)
    with autograd.record():
        loss = gluon.loss.SoftmaxCrossEntropyLoss()(net(x), y)
    loss.backward()
    trainer.step(batch)


before = threads()
run(4, 64, 64, 2, batch=1)
run(20, 256, 10, batch=2)
small = threads() - before
run(784, 256, 10, batch=256)
print(small, threads() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_small_nets_run_and_train_without_waking_a_thread_and_large_ones_start_one():
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )

    assert run.stdout.split() == ["0", "1"]
