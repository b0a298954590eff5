"""`init.lsuv_`: the variance of what comes out of each layer is 1 on the data that it was given."""

from __future__ import annotations

import json

import numpy as onp
import pytest

import glueball
from glueball import autograd, init, nd
from glueball.gluon import nn
from glueball.init._lsuv import LsuvReport


def data(samples=200, width=20):
    glueball.random.seed(4)
    return nd.random.normal(3, 5, shape=(samples, width))


def deep(activation="relu", **settings):
    layers = [nn.Dense(40, activation=activation, **settings) for _ in range(6)]
    return nn.Sequential(*layers, nn.Dense(3, **settings))


def variances(net, x):
    """Computed by NumPy: of each layer before its activation."""
    activations = {"relu": lambda z: onp.maximum(z, 0), "tanh": onp.tanh}
    values, found = x.asnumpy().astype("float64"), []
    for layer in net:
        values = values @ layer.weight.data().asnumpy().T + layer.bias.data().asnumpy()
        found.append(values.var())
        if layer.act is not None:
            values = activations[layer.act._act_type](values)
    return found


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("bias", ["zeros", init.Normal(0.3)])
@pytest.mark.parametrize("tol", [0.02, 0.001])
def test_what_comes_out_of_each_layer_has_variance_1(activation, bias, tol):
    net, x = deep(activation, bias_initializer=bias), data()

    report = init.lsuv_(net, x, tol)

    found = variances(net, x)
    assert len(report) == 7
    assert all(row.converged for row in report.rows)
    assert onp.abs(onp.array(found) - 1).max() <= tol + 1e-5
    onp.testing.assert_allclose([row.variance for row in report.rows], found, rtol=1e-4)
    assert [row.path for row in report.rows] == [f"{n}.weight" for n in range(7)]


def test_weights_are_orthogonal_by_a_factor():
    net = deep()

    report = init.lsuv_(net, data())

    weight = net[1].weight.data().asnumpy().astype("float64")
    scale = report.rows[1].scale
    onp.testing.assert_allclose(weight @ weight.T, scale**2 * onp.eye(40), atol=1e-5 * scale**2)


def test_weights_that_are_to_stay_as_drawn_are_only_scaled():
    net = deep()
    net.initialize("xavier")
    x = data()
    net(x)
    before = net[2].weight.data().asnumpy().copy()

    report = init.lsuv_(net, x, orthogonal=False)

    row = report.rows[2]
    onp.testing.assert_allclose(net[2].weight.data().asnumpy(), before * row.scale, rtol=1e-5)
    assert row.steps == 1


def test_the_report():
    net, x = deep(), data()
    net.initialize(init.Normal(0.01))
    net(x)

    report = init.lsuv_(net, x)

    assert isinstance(report, LsuvReport)
    assert report.rows[0].before < 1e-1
    assert json.loads(json.dumps(report.to_dict()))["0.weight"]["steps"] == 1
    lines = str(report).splitlines()
    assert lines[0].split() == ["Weight", "Before", "Variance", "Scale", "Steps", "Converged"]
    assert len(lines) == 2 + 7
    assert max(map(len, lines)) <= 80
    assert net.explain()["0.weight"].origin == "lsuv_()"


def test_a_users_block_is_scaled_by_what_its_forward_gives():
    class Own(nn.HybridBlock):
        def __init__(self):
            super().__init__()
            self.weight = self.params.get("weight", shape=(7, 20))

        def hybrid_forward(self, F, x, weight):
            return F.dot(x, weight, transpose_b=True)

    class Net(nn.Block):
        def __init__(self):
            super().__init__()
            self.last = nn.Dense(3)
            self.own = Own()

        def forward(self, x):
            return self.last(self.own(x))

    net, x = Net(), data()

    report = init.lsuv_(net, x)

    assert [row.path for row in report.rows] == ["own.weight", "last.weight"]
    assert net.own(x).asnumpy().var() == pytest.approx(1, abs=0.02)
    assert net(x).asnumpy().var() == pytest.approx(1, abs=0.02)


def test_hooks_statistics_and_recording_stay():
    net = nn.Sequential(nn.Dense(5), nn.BatchNorm(), nn.Embedding(4, 2), nn.Dropout(0.5))
    net = nn.Sequential(net[0], net[1], net[3], nn.Dense(2))
    x = data()
    called = []
    net[0].register_forward_hook(lambda *_: called.append(1))
    net.initialize()
    net(x)
    mean = net[1].running_mean.data().asnumpy().copy()

    with autograd.record():
        init.lsuv_(net, x)

    onp.testing.assert_array_equal(net[1].running_mean.data().asnumpy(), mean)
    assert len(net[0]._forward_pre_hooks) == 0
    assert len(net[0]._forward_hooks) == 1


def test_a_shared_layer_is_scaled_once():
    shared = nn.Dense(20, activation="relu", in_units=20)
    net = nn.Sequential(shared, shared, nn.Dense(1))

    report = init.lsuv_(net, data())

    assert [row.path for row in report.rows] == ["0.weight", "2.weight"]


def test_frozen_weights_stay_and_are_told():
    net, x = deep(), data()
    net.initialize()
    net(x)
    net[1].weight.grad_req = "null"
    before = net[1].weight.data().asnumpy().copy()

    with pytest.warns(
        init.InitializerWarning, match=r"within 0\.02 of 1, found others after 1\.weight;"
    ):
        report = init.lsuv_(net, x)

    onp.testing.assert_array_equal(net[1].weight.data().asnumpy(), before)
    assert not report.rows[1].converged
    assert report.rows[2].converged


def test_outputs_that_are_all_equal_are_told():
    net = nn.Sequential(nn.Dense(3))

    with pytest.warns(init.InitializerWarning, match="found others after 0.weight"):
        report = init.lsuv_(net, nd.zeros((4, 5)))

    assert (report.rows[0].steps, report.rows[0].variance) == (0, 0)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda net: init.lsuv_(net, (None, 20)), TypeError, "arrays of numbers"),
        (lambda net: init.lsuv_(net, data(), tol=0), ValueError, "tol of lsuv_"),
        (lambda net: init.lsuv_(net, data(), max_iter=0), ValueError, "max_iter of lsuv_"),
    ],
)
def test_wrong_arguments_are_refused_and_nothing_initialized(call, error, match):
    net = deep()
    with pytest.raises(error, match=match):
        call(net)
    assert net[0].weight._state == "uninitialized"


def test_plain_numpy_is_a_batch_too():
    batch = onp.random.default_rng(0).normal(size=(64, 5))
    reports = []
    for x in (batch, batch.tolist(), nd.array(batch)):
        glueball.random.seed(3)
        net = nn.Sequential(nn.Dense(8, activation="relu"), nn.Dense(3))
        reports.append(init.lsuv_(net, x).to_dict())
    assert reports[0] == reports[1] == reports[2]
    with pytest.raises(TypeError, match="expected arrays of numbers"):
        init.lsuv_(net, "abc")
