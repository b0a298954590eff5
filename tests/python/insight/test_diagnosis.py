"""Known cases: what is wrong with a net is called by its name, and a healthy net gets no warning."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as onp
import pytest

import glueball
from glueball import autograd, gluon, init, nd
from glueball.base import MXNetError
from glueball.gluon import nn

sys.path.insert(0, str(Path(__file__).parent))
import nets

MSRA = init.MSRAPrelu(factor_type="in", slope=0)


def kinds(report):
    return [each.kind for each in report.findings]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("function", "initializer", "forward", "backward"),
    [
        # sqrt(n) sigma while tanh is the identity.
        ("tanh", init.Normal(0.01), 0.01 * math.sqrt(nets.WIDTH), 0.01 * math.sqrt(nets.WIDTH)),
        # Half the variance is lost by relu, and n Var[w] = 1 with Xavier.
        ("relu", "xavier", math.sqrt(0.5), math.sqrt(0.5)),
        ("relu", MSRA, 1.0, 1.0),
    ],
)
def test_factors_per_layer_are_within_a_tenth_of_theory(
    function, initializer, forward, backward, seed
):
    glueball.random.seed(seed)
    net = nets.deep(function, initializer)
    x, y = nets.data(128, seed=seed)

    found = glueball.diagnose(net, x, y).measurement

    assert found.forward.factor == pytest.approx(forward, rel=0.1)
    assert found.backward.factor == pytest.approx(backward, rel=0.1)
    assert found.expected == pytest.approx(forward, rel=0.1)


@pytest.mark.parametrize(
    ("function", "initializer", "expected"),
    [
        ("tanh", init.Normal(0.01), ["vanishing"]),
        ("tanh", "xavier", []),
        ("relu", "xavier", ["vanishing"]),
        ("relu", MSRA, []),
        ("relu", init.Normal(1.0), ["exploding"]),
    ],
)
def test_deep_nets_are_judged_by_how_their_signal_grows(function, initializer, expected):
    x, y = nets.data()

    assert kinds(glueball.diagnose(nets.deep(function, initializer), x, y)) == expected


def test_weights_of_spread_1_saturate_tanh():
    x, y = nets.data()

    report = glueball.diagnose(nets.deep("tanh", init.Normal(1.0)), x, y)

    (finding,) = [each for each in report.findings if each.kind == "saturated"]
    # z has a spread of sqrt(n), and |tanh z| > sqrt(0.95) for |z| > 2.18.
    theory = math.erfc(2.18 / math.sqrt(nets.WIDTH) / math.sqrt(2))
    assert finding.figures["share"] == pytest.approx(theory, rel=0.05)
    assert len(finding.where) == 20
    assert "vanishing" not in kinds(report)


@pytest.mark.parametrize("value", [0, 0.01, 0.5])
@pytest.mark.parametrize("function", ["relu", "tanh", "sigmoid"])
def test_a_constant_initialization_is_called_symmetric(value, function):
    net = nets.deep(function, init.Constant(value), depth=3)
    x, y = nets.data()

    report = glueball.diagnose(net, x, y)

    assert report.findings[0].kind == "symmetric"
    assert report.findings[0].where == ("0", "1", "2")
    assert "All 128 units of '0' are equal" in report.findings[0].what


def test_dropout_does_not_hide_symmetry():
    net = nn.Sequential(nn.Dense(32, activation="relu"), nn.Dropout(0.5), nn.Dense(10))
    net.initialize(init.Constant(0.1))

    assert "symmetric" in kinds(glueball.diagnose(net, *nets.data()))


def test_some_equal_units_are_counted():
    net = nn.Sequential(nn.Dense(40, activation="tanh", in_units=nets.WIDTH), nn.Dense(10))
    net.initialize()
    x, y = nets.data()
    net(x)
    for weight, axis in ((net[0].weight, 0), (net[1].weight, 1)):
        values = weight.data().asnumpy()
        half = onp.take(values, range(20), axis)
        weight.set_data(onp.concatenate([half, half], axis))

    (finding,) = glueball.diagnose(net, x, y).findings

    assert finding.kind == "symmetric"
    assert "The 40 units of '0' are copies of 20" in finding.what


def test_a_learning_rate_of_10_is_named_and_a_better_one_advised():
    net = nets.deep("tanh", "xavier", depth=3)
    x, y = nets.data()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 10})

    report = glueball.diagnose(net, x, y, trainer=trainer)

    (finding,) = report.findings
    assert finding.kind == "learning rate"
    assert "The learning rate of 10 is too large" in str(report)
    trainer.set_learning_rate(float(f"{finding.figures['advice']:.1g}"))
    assert glueball.diagnose(net, x, y, trainer=trainer).is_healthy


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lamb"])
def test_the_ratio_of_update_to_weight_is_that_of_the_next_step(optimizer):
    net = nets.deep("tanh", "xavier", depth=2)
    x, y = nets.data()
    trainer = gluon.Trainer(net.collect_params(), optimizer, {"learning_rate": 0.01})
    loss = gluon.loss.SoftmaxCrossEntropyLoss()

    def step():
        with autograd.record():
            value = loss(net(x), y)
        value.backward()
        trainer.step(len(x))

    step()
    step()
    report = glueball.diagnose(net, x, y, loss, trainer)
    before = net[0].weight.data().asnumpy()
    step()
    change = net[0].weight.data().asnumpy() - before

    expected = math.sqrt((change**2).mean() / (before**2).mean())
    found = {row["path"]: row["ratio"] for row in report.parameters}
    assert found["0.weight"] == pytest.approx(expected, rel=1e-5)


def test_nan_in_the_data_is_found_at_the_input():
    x, y = nets.data()
    x[3, 5] = math.nan

    (finding,) = glueball.diagnose(nets.deep("relu", MSRA), x, y).findings

    assert (finding.kind, finding.where) == ("not finite", ("input",))
    assert "1 number." in finding.what


def test_nan_is_blamed_on_the_first_place_where_it_arises():
    x, y = nets.data()
    net = nets.deep("relu", MSRA)
    net[7].weight.data()[2, 3] = math.inf
    (finding,) = glueball.diagnose(net, x, y).findings
    assert finding.where == ("7.weight",)

    net = nn.Sequential(
        nn.Dense(8, in_units=nets.WIDTH), nn.Lambda(lambda x: nd.log(x)), nn.Dense(10, in_units=8)
    )
    net.initialize()
    (finding,) = glueball.diagnose(net, x, y).findings
    assert finding.where == ("1",)

    net = nn.Sequential(nn.Dense(10, in_units=nets.WIDTH), nn.Lambda(lambda x: nd.sqrt(nd.relu(x))))
    net.initialize()
    (finding,) = glueball.diagnose(net, x, y).findings
    assert finding.where == ("0",)
    assert "gradient" in finding.what

    net = nn.Dense(10, in_units=nets.WIDTH)
    net.initialize()
    (finding,) = glueball.diagnose(net, x, y, loss=lambda out, y: nd.log(out - 100)).findings
    assert finding.where == ("loss",)


def test_units_that_are_off_for_all_samples_are_dead():
    net = nn.Sequential(nn.Dense(64, activation="relu", in_units=nets.WIDTH), nn.Dense(10))
    net.initialize()
    x, y = nets.data()
    net(x)
    net[0].bias.data()[:50] = -100

    report = glueball.diagnose(net, x, y)

    assert kinds(report) == ["dead"]
    assert report.findings[0].figures["share"] == 50 / 64


def test_saturated_and_dead_outputs_of_the_last_layer_are_left_alone():
    net = nn.Dense(1, activation="sigmoid", in_units=nets.WIDTH)
    net.initialize(init.Normal(5))
    x, _ = nets.data()
    y = (net(x) > 0.5).astype("float32")

    assert glueball.diagnose(net, x, y).is_healthy


def test_samples_that_come_out_alike_are_a_collapse():
    net = nn.Sequential(
        nn.Dense(32, activation="tanh"), nn.Dense(32, activation="tanh"), nn.Dense(10)
    )
    net.initialize()
    x, y = nets.data()
    net(x)
    weight = net[0].weight.data()
    weight[:] = onp.outer(onp.linspace(-1, 1, 32), weight.asnumpy()[0])

    assert "rank collapse" in kinds(glueball.diagnose(net, x, y))


def test_data_far_from_spread_1_is_named():
    x, y = nets.data()
    net = nets.initialized(nets.dense(64, 64, 10), init.KaimingNormal())

    assert kinds(glueball.diagnose(net, 127 + 60 * x, y)) == ["large input"]


@pytest.mark.parametrize("name", nets.HEALTHY)
@pytest.mark.parametrize(("optimizer", "rate"), [("sgd", 0.05), ("adam", 0.001)])
def test_a_healthy_net_gets_no_warning(name, optimizer, rate):
    net = nets.HEALTHY[name]()
    x, y = nets.data()
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(net.collect_params(), optimizer, {"learning_rate": rate})

    for _ in range(3):
        report = glueball.diagnose(net, x, y, loss, trainer)
        assert report.is_healthy, str(report)
        assert "nothing is wrong" in str(report)
        for _ in range(5):
            with autograd.record():
                value = loss(net(x), y)
            value.backward()
            trainer.step(len(x))


def test_remedies_are_measured_on_a_copy():
    net = nets.deep("relu", init.Constant(0.01), depth=5)
    x, y = nets.data()
    before = net[0].weight.data().asnumpy()

    report = glueball.diagnose(net, x, y, mend=True)

    best = report.trials[0]
    assert best.remedy == "initialize('kaimingnormal')"
    assert best.left == ()
    assert best.forward == pytest.approx(1, rel=0.2)
    assert "measured on a copy" in str(report)
    onp.testing.assert_array_equal(net[0].weight.data().asnumpy(), before)
    # What was promised is what the user then gets.
    net.initialize("kaimingnormal", force_reinit=True)
    assert glueball.diagnose(net, x, y).is_healthy


def test_a_lower_learning_rate_is_measured_on_a_copy():
    net = nets.deep("tanh", "xavier", depth=3)
    x, y = nets.data()
    schedule = glueball.lr_scheduler.FactorScheduler(10, base_lr=10)
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"lr_scheduler": schedule})

    report = glueball.diagnose(net, x, y, trainer=trainer, mend=True)

    as_it_is, lower = report.trials
    assert lower.loss < report.measurement.loss < as_it_is.loss
    assert lower.left == ()
    assert trainer.learning_rate == 10


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x, y: glueball.diagnose(3, x), "expected a Block as net, found 3"),
        (lambda x, y: glueball.diagnose(nn.Dense(1), "a"), "expected arrays of numbers"),
        (lambda x, y: glueball.diagnose(nn.Dense(10), x, y, loss=3), "expected a loss that is called"),
        (lambda x, y: glueball.diagnose(nn.Dense(10), x, trainer=3), "expected a gluon.Trainer"),
        (lambda x, y: glueball.diagnose(nn.Dense(10), x, y[:7]), "expected labels that say which"),
        (lambda x, y: glueball.diagnose(nn.Dense(10), x, y, loss=lambda a, b: 3), "returns an array"),
    ],
)  # fmt: skip
def test_what_can_not_be_diagnosed_is_refused(call, said, monkeypatch):
    x, y = nets.data()
    original = glueball.diagnose

    def ready(net, *args, **kwargs):
        if isinstance(net, nn.Block):
            net.initialize()
        return original(net, *args, **kwargs)

    monkeypatch.setattr(glueball, "diagnose", ready)
    with pytest.raises(MXNetError, match=said):
        call(x, y)
