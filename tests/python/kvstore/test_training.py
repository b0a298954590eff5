"""Ranks train as one process does with their batches together."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mpi_ranks import needs_mpi, run

pytestmark = needs_mpi

# Prints the loss of the whole batch in each step. Without ranks it takes the batch at once.
CURVE = """
import json, sys
import numpy as np
from glueball import autograd, gluon, init, nd, random
from glueball.gluon import nn
name, settings, steps, store = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
random.seed(3)
net = nn.HybridSequential()
net.add(nn.Dense(16, activation="tanh", in_units=4), nn.Dense(2, in_units=16))
net.initialize(init.Xavier())
trainer = gluon.Trainer(net.collect_params(), name, settings, kvstore=store)
rank, size = (trainer._kvstore.rank, trainer._kvstore.num_workers) if trainer._kvstore else (0, 1)
rows = np.random.default_rng(5)
x = rows.standard_normal((30, 4)).astype("float32")
y = np.sin(x[:, :2]) + 0.1 * x[:, 2:]
loss = gluon.loss.L2Loss()
mine = slice(rank * 30 // size, (rank + 1) * 30 // size)
a, b, x, y = nd.array(x[mine]), nd.array(y[mine]), nd.array(x), nd.array(y)
curve = []
for step in range(steps):
    with autograd.record():
        value = loss(net(a), b)
    value.backward()
    trainer.step(30)
    curve.append(float(loss(net(x), y).mean().asscalar()))
if rank == 0:
    print(json.dumps(curve))
"""
OPTIMIZERS = {
    "sgd": {"learning_rate": 0.2, "momentum": 0.9},
    "adam": {"learning_rate": 0.01},
    "lamb": {"learning_rate": 0.01},
}


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_ranks_give_the_losses_of_one_process(name, count):
    settings = json.dumps(OPTIMIZERS[name])

    (alone,) = run(1, CURVE, name, settings, "200", "local")
    (together,) = run(count, CURVE, name, settings, "200", "dist_sync")

    alone, together = json.loads(alone), json.loads(together)
    assert alone[-1] < 0.2 * alone[0]  # it learns, so that equal curves say something
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


# As CURVE, in slices of 5 samples; prints the weights' bits.
SLICES = """
import sys, hashlib
import numpy as np
from glueball import autograd, gluon, init, kvstore, nd, random
from glueball.gluon import nn
name, slices = sys.argv[1], int(sys.argv[2])
random.seed(3)
net = nn.HybridSequential()
net.add(nn.Dense(16, activation="tanh", in_units=4), nn.Dense(2, in_units=16))
net.initialize(init.Xavier())
store = kvstore.create("dist_sync", reproducible=True)
trainer = gluon.Trainer(net.collect_params(), name, {"learning_rate": 0.01}, kvstore=store)
rank, size = store.rank, store.num_workers
rows = np.random.default_rng(5)
x = rows.standard_normal((slices * 5, 4)).astype("float32")
y = np.sin(x[:, :2]).astype("float32")
loss = gluon.loss.L2Loss()
for step in range(200):
    for place in range(rank * slices // size, (rank + 1) * slices // size):
        part = slice(5 * place, 5 * place + 5)
        with autograd.record():
            value = loss(net(nd.array(x[part])), nd.array(y[part]))
        value.backward()
        trainer.hold_slice(place)
    trainer.step(slices * 5)
bits = b"".join(p.data().asnumpy().tobytes() for p in net.collect_params().values())
print(hashlib.sha256(bits).hexdigest(), float(loss(net(nd.array(x)), nd.array(y)).mean().asscalar()))
"""


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_reproducible_sums_give_the_same_bits_on_any_number_of_ranks(name):
    found = {
        (slices, count): run(count, SLICES, name, str(slices))
        for slices, counts in {7: (1, 2, 3), 2: (1, 3)}.items()
        for count in counts
    }

    for (slices, _), lines in found.items():
        assert set(lines) == set(found[slices, 1])
        assert 0 < float(lines[0].split()[1]) < 0.5


# Three epochs of uneven batches from a loader; stops and goes on where it is told to. Prints the last loss.
EPOCHS = """
import sys, os
import numpy as np
from glueball import autograd, gluon, init, nd, random
from glueball.gluon import nn
begin, end, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
random.seed(3)
net = nn.HybridSequential()
net.add(nn.Dense(16, activation="tanh"), nn.Dense(2))  # shapes are found in the first forward
net.initialize(init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01}, kvstore="dist_sync")
rank, size = trainer._kvstore.rank, trainer._kvstore.num_workers
rows = np.random.default_rng(5)
x = rows.standard_normal((31, 4)).astype("float32")
y = np.sin(x[:, :2]).astype("float32")
data, loss = gluon.data.ArrayDataset(x, y), gluon.loss.L2Loss()
sampler = gluon.data.SplitBatchSampler(31, 8, size, rank)  # the last batch of an epoch has 7 samples
states, values = os.path.join(folder, "states"), os.path.join(folder, "net.params")
if begin:
    net(nd.array(x[:1]))
    net.load_parameters(values)
    trainer.load_states(states)
    sampler.epoch, sampler.start = divmod(begin, 4)
count = begin
while count < end:
    sizes = sampler.sizes()
    for (a, b), samples in zip(gluon.data.DataLoader(data, batch_sampler=sampler), sizes):
        if count == end:
            break
        with autograd.record():
            value = loss(net(a), b)
        value.backward()
        trainer.step(samples)
        count += 1
if rank == 0:
    net.save_parameters(values)
    trainer.save_states(states)
    bits = b"".join(p.data().asnumpy().tobytes() for p in net.collect_params().values())
    print(float(loss(net(nd.array(x)), nd.array(y)).mean().asscalar()), bits.hex())
"""


def epochs(count, begin, end, folder):
    (line,) = run(count, EPOCHS, str(begin), str(end), str(folder))
    loss, bits = line.split()
    return float(loss), bits


def test_training_goes_on_bit_for_bit_on_as_many_ranks_and_closely_on_others(tmp_path):
    alone = epochs(1, 0, 12, tmp_path)
    whole = epochs(2, 0, 12, tmp_path)
    epochs(2, 0, 6, tmp_path)
    again = epochs(2, 6, 12, tmp_path)
    epochs(2, 0, 6, tmp_path)
    on_three = epochs(3, 6, 12, tmp_path)

    assert again == whole
    assert abs(whole[0] - alone[0]) < 1e-6  # uneven batches are weighted by samples
    assert abs(on_three[0] - alone[0]) < 1e-6
