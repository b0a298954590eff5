"""Looking changes nothing, and works for nets of every build."""

from __future__ import annotations

import pickle
import random
import sys
import threading
from pathlib import Path

import numpy as onp
import pytest

import glueball
from glueball import autograd, gluon, init, nd, np, npx
from glueball.gluon import nn

sys.path.insert(0, str(Path(__file__).parent))
import nets

LOSS = gluon.loss.SoftmaxCrossEntropyLoss()


def noisy():
    """A net that moves everything that a forward can move: running statistics and three random generators."""
    net = nn.Sequential(
        nn.Dense(32, activation="relu"), nn.BatchNorm(), nn.Dropout(0.5),
        nn.Lambda(lambda x: x * (1 + 0.01 * onp.random.rand())),  # noqa: NPY002
        nn.Lambda(lambda x: x * (1 + 0.01 * random.random())),
        nn.Lambda(lambda x: x + nd.random.normal(shape=x.shape)), nn.Dense(10),
    )  # fmt: skip
    net.initialize(init.Xavier())
    return net


def state_of(net, trainer=None):
    """Everything of a net that a program can see, as bytes."""
    parts = [pickle.dumps([random.getstate(), onp.random.get_state()])]  # noqa: NPY002
    for path, p in net._walk_parameters():
        parts.append((path, p._state, p.grad_req, p.shape, p._generation))
        if p._state == "initialized":
            parts.append(p.data().asnumpy().tobytes())
            if p.grad_req != "null":
                parts.append(p.grad().asnumpy().tobytes())
    parts.append(glueball._core.default_generator().position)
    for _, block in net._walk_blocks():
        parts.append((len(block._forward_hooks), len(block._forward_pre_hooks)))
    if trainer is not None:
        optimizer = trainer.optimizer
        parts.append((optimizer.num_update, trainer.learning_rate))
        states = [optimizer.get_state(i, p) for i, p in enumerate(trainer._params)]
        parts.append(pickle.dumps(states))
    parts.append((autograd.is_recording(), autograd.is_training()))
    return parts


@pytest.mark.parametrize("mend", [False, True])
def test_looking_changes_nothing_bit_for_bit(mend):
    net = noisy()
    x, y = nets.data()
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 5})
    for _ in range(2):
        with autograd.record():
            loss = LOSS(net(x), y)
        loss.backward()
        trainer.step(64)
    with autograd.record():
        loss = LOSS(net(x), y)
    loss.backward()
    before, inputs = state_of(net, trainer), x.asnumpy()

    report = glueball.diagnose(net, x, y, LOSS, trainer, mend=mend)

    assert "learning rate" in [each.kind for each in report.findings]
    assert state_of(net, trainer) == before
    assert x.grad is None
    onp.testing.assert_array_equal(x.asnumpy(), inputs)
    trainer.step(64)  # the gradients are still those that no step has used


def test_a_training_run_is_the_same_with_and_without_a_look():
    ends = []
    for look in (False, True):
        glueball.random.seed(3)
        random.seed(3)
        onp.random.seed(3)  # noqa: NPY002
        net = noisy()
        x, y = nets.data()
        if look:
            glueball.diagnose(net, x, y, mend=True)
        net(x)
        trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
        for _ in range(4):
            if look:
                glueball.diagnose(net, x, y, LOSS, trainer)
            with autograd.record():
                loss = LOSS(net(x), y)
            loss.backward()
            trainer.step(64)
        ends.append([p.data().asnumpy() for _, p in net._walk_parameters()])

    for plain, looked in zip(*ends, strict=True):
        onp.testing.assert_array_equal(plain, looked)


def test_a_net_that_waits_for_data_goes_on_waiting_and_gets_the_values_that_were_seen():
    net = nets.dense(16, 10)
    net.initialize("xavier")
    x, y = nets.data()
    before = state_of(net)

    report = glueball.diagnose(net, x, y)

    assert state_of(net) == before
    assert report.measurement.state == "waiting"
    net(x)
    for row, (path, p) in zip(report.parameters, net._walk_parameters(), strict=True):
        assert row["path"] == path
        assert row["mean"] == pytest.approx(float(p.data().asnumpy().mean()), abs=1e-9)


def test_a_net_without_values_is_told_to_initialize():
    report = glueball.diagnose(nets.dense(16, 10), nets.data()[0])

    assert [each.kind for each in report.findings] == ["uninitialized"]
    assert "net.initialize()" in str(report)
    assert report.rows == []


def test_an_error_of_the_net_is_passed_on_and_leaves_nothing_behind():
    class Broken(nn.Block):
        def forward(self, x):
            raise ValueError("broken")

    net = nn.Sequential(nn.BatchNorm(in_channels=nets.WIDTH), nn.Dropout(0.5), Broken())
    net.initialize()
    before = state_of(net)

    with pytest.raises(ValueError, match="broken"):
        glueball.diagnose(net, nets.data()[0])

    assert state_of(net) == before


def paths(report):
    return [row["path"] for row in report.rows]


def test_shared_layers_are_looked_at_in_each_call():
    shared = nn.Dense(nets.WIDTH, activation="tanh", in_units=nets.WIDTH)
    net = nn.Sequential(shared, shared, nn.Dense(10))
    net.initialize(init.Xavier())

    assert paths(glueball.diagnose(net, *nets.data())) == ["0", "1", "2"]

    class Twice(nn.Block):
        def __init__(self):
            super().__init__()
            self.layer = shared

        def forward(self, x):
            return self.layer(self.layer(x))

    report = glueball.diagnose(Twice(), nets.data()[0])
    assert paths(report) == ["layer", "layer (call 2)"]
    assert len(report.parameters) == 2


def test_blocks_of_python_are_looked_into():
    net = nets.initialized(nets.Functions(depth=3), init.Normal(0.001))

    report = glueball.diagnose(net, *nets.data())

    assert paths(report) == ["layers.0", "layers.1", "layers.2", "head"]
    assert [row["function"] for row in report.rows] == [None, None, None, None]
    assert [each.kind for each in report.findings] == ["vanishing"]


def test_a_blocks_own_activation_function_is_seen_in_what_it_gives():
    class Layer(nn.Block):
        def __init__(self):
            super().__init__()
            self.inner = nn.Dense(32, in_units=nets.WIDTH)

        def forward(self, x):
            return nd.tanh(self.inner(x))

    net = nn.Sequential(Layer(), nn.Dense(10))
    net.initialize(init.Normal(1))

    report = glueball.diagnose(net, *nets.data())

    assert paths(report) == ["0.inner", "0", "1"]
    assert report.findings[0].kind == "saturated"
    assert report.findings[0].where == ("0",)


def test_activations_are_seen_before_and_after():
    net = nn.Sequential(nn.Dense(32, activation="relu", in_units=nets.WIDTH), nn.Dense(10))
    net.initialize(init.Normal(0.1))
    x, y = nets.data()
    z = x.asnumpy() @ net[0].weight.data().asnumpy().T

    row = glueball.diagnose(net, x, y).rows[0]

    assert row["mean"] == pytest.approx(float(z.mean()), abs=1e-5)
    assert row["std"] == pytest.approx(float(z.std()), rel=1e-4)
    assert row["mean_out"] == pytest.approx(float(onp.maximum(z, 0).mean()), rel=1e-4)
    assert row["spread"] == pytest.approx(float(onp.sqrt((z**2).mean())), rel=1e-4)
    assert (row["type"], row["function"], row["width"]) == ("Dense", "relu", 32)


def test_gradients_of_activations_and_parameters_are_those_of_training():
    net = nets.deep("tanh", "xavier", depth=2)
    x, y = nets.data()
    seen = []
    with net[1].act.register_forward_pre_hook(lambda b, i: seen.append(i[0])), autograd.record():
        loss = LOSS(net(x), y)
    (slope,) = autograd.grad(loss, seen[0], retain_graph=True)
    loss.backward()

    report = glueball.diagnose(net, x, y, LOSS)

    def size(array):
        return float(onp.sqrt((array.asnumpy().astype("float64") ** 2).mean()))

    assert report.rows[1]["gradient"] == pytest.approx(size(slope), rel=1e-5)
    found = {row["path"]: row["gradient"] for row in report.parameters}
    assert found["1.weight"] == pytest.approx(size(net[1].weight.grad()) / 64, rel=1e-5)


def test_nets_of_one_layer_of_none_and_of_200():
    x, y = nets.data()
    one = nn.Dense(10, in_units=nets.WIDTH)
    one.initialize()
    assert paths(glueball.diagnose(one, x, y)) == [""]
    assert glueball.diagnose(nn.Sequential(), x).rows == []
    assert str(glueball.diagnose(nn.Sequential(), x)).startswith("Sequential: nothing is wrong")

    report = glueball.diagnose(nets.deep("tanh", init.Normal(0.01), depth=200), x, y)
    assert report.findings[0].kind == "vanishing"
    assert len(report.rows) == 201
    text = str(report)
    assert "... 177 more" in text
    assert max(map(len, text.splitlines())) <= 80


def test_embeddings_several_inputs_and_several_outputs():
    class Pair(nn.Block):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(50, 16)
            self.numbers = nn.Dense(16, in_units=4)

        def forward(self, words, numbers):
            return self.words(words), self.numbers(numbers)

    net = nets.initialized(Pair())
    words, numbers = nd.array(onp.arange(30), dtype="int32"), nd.ones((30, 4))

    report = glueball.diagnose(net, [words, numbers])

    assert paths(report) == ["words", "numbers"]
    assert report.is_healthy
    assert all(row["gradient"] > 0 for row in report.rows)


@pytest.mark.parametrize(
    "convert", [lambda x: x.asnumpy(), lambda x: x.asnumpy().astype("float64")]
)
def test_plain_arrays_are_taken_in_the_nets_precision(convert):
    net = nets.deep("tanh", "xavier", depth=2)
    x, y = nets.data()

    assert glueball.diagnose(net, convert(x), y.asnumpy()).rows == glueball.diagnose(net, x, y).rows


def test_nets_of_float64_and_of_numpys_mode():
    net = nets.deep("tanh", "xavier", depth=2)
    net.cast("float64")
    x, y = nets.data()
    assert glueball.diagnose(net, x.asnumpy(), y.asnumpy()).is_healthy

    npx.set_np()
    try:
        net = nets.deep("tanh", "xavier", depth=2)
        report = glueball.diagnose(net, np.array(x.asnumpy()), np.array(y.asnumpy()))
        assert report.is_healthy
        assert all(row["gradient"] > 0 for row in report.rows)
    finally:
        npx.reset_np()


def test_frozen_and_unused_parameters_have_no_gradient():
    net = nn.Sequential(nn.Dense(16, in_units=nets.WIDTH), nn.Dense(10, in_units=16))
    net.initialize("xavier")
    net[0].weight.grad_req = "null"

    report = glueball.diagnose(net, *nets.data())

    found = {row["path"]: row["gradient"] for row in report.parameters}
    assert found["0.weight"] is None
    assert found["0.bias"] > 0
    net.collect_params().setattr("grad_req", "null")
    assert glueball.diagnose(net, nets.data()[0]).is_healthy


def test_a_loss_of_one_number_is_not_divided_by_the_batch():
    net = nets.deep("tanh", "xavier", depth=2)
    x, y = nets.data()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})

    whole = glueball.diagnose(net, x, y, LOSS, trainer).parameters
    mean = glueball.diagnose(net, x, y, lambda a, b: LOSS(a, b).mean(), trainer).parameters

    for a, b in zip(whole, mean, strict=True):
        assert a["gradient"] == pytest.approx(b["gradient"], rel=1e-4)
        if a["ratio"] is not None:
            assert a["ratio"] == pytest.approx(b["ratio"], rel=1e-2)


def test_other_threads_may_run_the_net_meanwhile():
    net = nets.deep("tanh", "xavier", depth=4)
    x, y = nets.data()
    alone = glueball.diagnose(net, x, y).rows
    done = threading.Event()

    def run():
        while not done.is_set():
            net(x)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        reports = [glueball.diagnose(net, x, y).rows for _ in range(5)]
    finally:
        done.set()
        thread.join()

    assert all(rows == alone for rows in reports)
