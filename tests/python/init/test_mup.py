"""`init.mup_` by table 3 of arXiv 2203.03466."""

from __future__ import annotations

import json
import math

import numpy as onp
import pytest

from glueball import init
from glueball.gluon import nn


def make(width, inputs=20, initializer="he_normal", **settings):
    net = nn.Sequential(
        nn.Dense(width, activation="relu", in_units=inputs, **settings),
        nn.LayerNorm(in_channels=width),
        nn.Dense(2 * width, activation="relu", in_units=width, **settings),
        nn.Dense(3, in_units=2 * width, **settings),
    )
    net.initialize(initializer)
    return net


def spread(parameter):
    return float(parameter.data().asnumpy().astype("float64").std())


@pytest.mark.parametrize("initializer", ["he_normal", "xavier", "normal", "lecun_normal"])
@pytest.mark.parametrize(
    ("optimizer", "rates"),
    [
        ("adam", {"0.weight": 1, "2.weight": 1 / 4, "3.weight": 1 / 4, "0.bias": 1, "1.gamma": 1, "3.bias": 1}),
        ("sgd", {"0.weight": 4, "2.weight": 1, "3.weight": 1 / 4, "0.bias": 4, "1.gamma": 4, "3.bias": 1}),
    ],
)  # fmt: skip
def test_spreads_and_rates_are_the_papers(initializer, optimizer, rates):
    base, net = make(64, initializer=initializer), make(256, initializer=initializer)
    expected = {path: row.expected_sd for path, row in ((p, base.explain()[p]) for p in rates)}

    report = init.mup_(net, base, optimizer)

    found = {row.path: row for row in report.rows}
    parameters = dict(net._walk_parameters())
    factors = {"0.weight": 1, "2.weight": 1 / math.sqrt(4), "3.weight": 1 / 4}
    for path, factor in factors.items():
        assert found[path].sd == pytest.approx(expected[path] * factor)
        assert spread(parameters[path]) == pytest.approx(expected[path] * factor, rel=0.06)
    for path, rate in rates.items():
        assert parameters[path].lr_mult == found[path].lr_mult == rate
    roles = [found[f"{n}.weight"].role for n in (0, 2, 3)]
    assert roles == ["input", "hidden", "output"]


def test_a_net_as_wide_as_the_base_stays_as_it_is():
    base, net = make(64), make(64)
    before = [each.data().asnumpy().copy() for _, each in net._walk_parameters()]

    report = init.mup_(net, base)

    for old, (_, each) in zip(before, net._walk_parameters(), strict=True):
        onp.testing.assert_allclose(each.data().asnumpy(), old, rtol=1e-6)
        assert each.lr_mult == 1
    assert {row.role for row in report.rows} == {"fixed", "vector"}


def test_twice_is_once_and_a_bases_own_rates_count():
    base, net = make(64), make(256)
    base[0].bias.lr_mult = 2
    base[3].weight.lr_mult = 0.5

    init.mup_(net, base)
    before = net[2].weight.data().asnumpy().copy()
    init.mup_(net, base)

    onp.testing.assert_allclose(net[2].weight.data().asnumpy(), before, rtol=0.03)
    assert net[0].bias.lr_mult == 2
    assert net[3].weight.lr_mult == 0.125


def test_embeddings_are_inputs_and_zeros_stay():
    def small(width):
        net = nn.Sequential(
            nn.Embedding(11, width), nn.Dense(3, in_units=width, weight_initializer="zeros")
        )
        net.initialize(init.Normal(1))
        return net

    net = small(128)

    report = init.mup_(net, small(32), "sgd")

    rows = {row.path: row for row in report.rows}
    assert (rows["0.weight"].role, rows["0.weight"].lr_mult, rows["0.weight"].sd) == ("input", 4, 1)
    assert (rows["1.weight"].role, rows["1.weight"].lr_mult, rows["1.weight"].sd) == (
        "output",
        0.25,
        0,
    )
    assert spread(net[1].weight) == 0


def test_the_report_and_what_explain_says():
    net = make(256)
    report = init.mup_(net, make(64))

    assert json.loads(json.dumps(report.to_dict()))["2.weight"]["fan_in"] == 4
    lines = str(report).splitlines()
    assert lines[0].split() == [
        "Parameter",
        "Role",
        "Fan-in",
        "Fan-out",
        "Before",
        "Spread",
        "lr_mult",
    ]
    assert len(lines) == 2 + len(report)
    assert max(map(len, lines)) <= 80
    assert net.explain()["3.weight"].origin == "mup_()"


def uninitialized():
    return nn.Sequential(nn.Dense(3, in_units=2))


@pytest.mark.parametrize(
    ("net", "base", "settings", "match"),
    [
        (make(8), make(4), {"optimizer": "adamw"}, "expected optimizer 'adam' or 'sgd'"),
        (make(8), make(4, use_bias=False), {}, "base of the same parameters .*'0.bias'"),
        (uninitialized(), uninitialized(), {}, r"expected values in '0\.weight'.*call initialize\(\)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_nothing_changes(net, base, settings, match):
    with pytest.raises(ValueError, match=match):
        init.mup_(net, base, **settings)
    assert all(each.lr_mult == 1 for _, each in net._walk_parameters())
