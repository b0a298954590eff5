"""`Block.explain`: what fills each parameter, who says so, and what comes of it."""

from __future__ import annotations

import json
import math

import numpy as onp
import pytest

from glueball import gluon, init, nd
from glueball.gluon import nn


def make(**settings):
    return nn.Sequential(nn.Dense(256, **settings), nn.BatchNorm(), nn.Dense(10))


class Biased(init.Initializer):
    def _init_weight(self, _, array):
        array[:] = 2

    def _init_bias(self, _, array):
        array[:] = onp.arange(array.size)


# Who says so


@pytest.mark.parametrize(
    ("settings", "given", "path", "initializer", "origin"),
    [
        ({}, None, "0.weight", "Uniform(scale=0.07)", "global default"),
        ({}, "normal", "0.weight", "Normal(sigma=0.01)", "default"),
        ({}, "normal", "0.bias", "Zero()", "layer"),
        ({"weight_initializer": "ones"}, "normal", "0.weight", "One()", "layer"),
        ({"bias_initializer": None}, "normal", "0.bias", "Normal._init_bias", "default"),
        ({}, init.Rules({"*.bias": "ones"}), "0.bias", "One()", "rule '*.bias'"),
        ({}, init.Rules({nn.BatchNorm: "ones"}), "1.beta", "One._init_beta", "rule BatchNorm"),
        ({}, init.Rules({"2.*": "ones"}, default="normal"), "0.weight", "Normal(sigma=0.01)", "default"),
        ({}, init.Rules({"2.*": "ones"}), "0.weight", "Uniform(scale=0.07)", "global default"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("when", ["before", "waiting", "after"])
def test_the_initializer_and_who_says_so(settings, given, path, initializer, origin, when):
    net = make(**settings)
    if when == "before":
        row = net.explain(given)[path]
    else:
        net.initialize(given)
        if when == "after":
            net.infer_shape((None, 20))
        row = net.explain()[path]

    assert (row.initializer, row.origin) == (initializer, origin)


def test_set_default_is_named_while_it_holds():
    with init.set_default(weight="he_normal", bias=init.Constant(0.1)):
        rows = make().explain()

        assert rows["0.weight"].origin == rows["0.bias"].origin == "set_default()"
        assert rows["1.gamma"].origin == "layer"


@pytest.mark.parametrize(
    ("fill", "initializer", "origin"),
    [
        (lambda weight: weight.initialize("ones", force_reinit=True), "One()", "initialize()"),
        (lambda weight: init.normal_(weight, 0, 2), "Normal(sigma=2.0, mean=0.0)", "in place"),
        (lambda weight: weight.set_data(nd.ones((3, 4))), "", "data"),
    ],
)
def test_a_parameter_filled_alone(fill, initializer, origin):
    net = nn.Sequential(nn.Dense(3, in_units=4))
    net.initialize("xavier")

    fill(net[0].weight)

    row = net.explain()["0.weight"]
    assert (row.origin, row.initializer.split("(")[0]) == (origin, initializer.split("(")[0])


def test_loaded_values_are_no_initializers(tmp_path):
    net = nn.Sequential(nn.Dense(3, in_units=4))
    net.initialize("xavier")
    net.save_parameters(tmp_path / "net.params")
    other = nn.Sequential(nn.Dense(3))
    other.initialize("ones")
    other.load_parameters(tmp_path / "net.params")

    row = other.explain()["0.weight"]

    assert (row.initializer, row.origin, row.expected_sd) == ("", "data", None)
    assert row.sd == pytest.approx(net[0].weight.data().asnumpy().std())


# What comes of it


def test_moments_expected_and_found():
    net = make()
    net.initialize(init.Xavier())
    net.infer_shape((None, 20))

    row = net.explain()["0.weight"]

    values = net[0].weight.data().asnumpy().astype("float64")
    assert row.expected_mean == 0
    assert row.expected_sd == pytest.approx(math.sqrt(2 / (256 + 20)))
    assert (row.mean, row.sd) == pytest.approx((values.mean(), values.std()))
    assert not row.is_measured
    assert row.sd == pytest.approx(row.expected_sd, rel=0.05)


def test_the_users_own_initializer_is_measured_for_each_kind():
    net = nn.Sequential(nn.Dense(3, in_units=2, bias_initializer=None))

    rows = net.explain(Biased())

    assert rows["0.weight"].expected_mean == 2
    assert rows["0.weight"].is_measured
    assert rows["0.bias"].initializer == "Biased._init_bias"
    assert (rows["0.bias"].expected_mean, rows["0.bias"].is_measured) == (1, True)
    assert not rows["0.bias"].note
    assert "~1 ±0.816" in str(rows)


def test_an_own_initializer_fills_by_its_hook():
    rows = nn.Sequential(nn.Dense(3, in_units=2, bias_initializer=Biased())).explain()

    assert (rows["0.bias"].initializer, rows["0.bias"].origin) == ("Biased._init_bias", "layer")
    assert rows["0.bias"].expected_mean == 1


def test_an_init_bias_that_is_not_asked_is_said():
    net = nn.Sequential(nn.Dense(3, in_units=2))

    rows = net.explain(Biased())

    assert rows["0.bias"].initializer == "Zero()"
    assert rows["0.bias"].note == (
        "Biased._init_bias is not asked, since the parameter has its own initializer; pass "
        "bias_initializer=None to its layer"
    )
    assert "0.bias: Biased._init_bias is not asked" in str(rows)


def test_what_does_not_fit_a_shape_is_said():
    rows = nn.Sequential(nn.Dense(3, in_units=2)).explain(init.Rules({"0.bias": "xavier"}))

    assert rows["0.bias"].expected_sd is None
    assert "0.bias" in rows["0.bias"].note or "bias" in rows["0.bias"].note


# Nothing changes


@pytest.mark.parametrize("initialized", [False, True])
def test_shapes_are_found_and_nothing_changes(initialized):
    net = make()
    if initialized:
        net.initialize("xavier")
    before = [(each.shape, each._state, each.init) for each in net.collect_params().values()]
    first = nd.random.uniform(shape=(1,))
    assert first.size == 1

    rows = net.explain(None if initialized else "xavier", shape=(None, 20))

    assert rows["2.weight"].shape == (10, 256)
    assert rows["2.weight"].expected_sd == pytest.approx(math.sqrt(2 / 266))
    assert rows["2.weight"].sd is None
    assert before == [
        (each.shape, each._state, each.init) for each in net.collect_params().values()
    ]


def test_the_random_state_stays():
    import glueball

    drawn = []
    for asks in (False, True):
        glueball.random.seed(3)
        net = make()
        if asks:
            net.explain(lambda shape: nd.random.normal(shape=shape), shape=(None, 5))
        net.initialize()
        net.infer_shape((None, 5))
        drawn.append((net[0].weight.data().asnumpy(), nd.random.uniform(shape=(2,)).asnumpy()))

    for a, b in zip(*drawn, strict=True):
        onp.testing.assert_array_equal(a, b)


def test_a_rule_that_matches_nothing_is_an_error_here_too():
    with pytest.raises(
        ValueError, match=r"'0\.wieght' to match a parameter, found none; near it are"
    ):
        make().explain(init.Rules({"0.wieght": "ones"}))


# The table


def test_the_table_fits_80_columns_and_has_a_line_for_each_parameter():
    net = nn.Sequential(prefix="a_net_of_a_very_long_name_")
    net.a_layer_with_a_long_name_as_they_come = nn.Dense(1000, in_units=10)
    net.initialize(init.Zero())
    rows = net.explain(init.Rules({"*.weight": init.TruncatedNormal(0.0123, 1.5, -3, 3)}))

    lines = str(rows).splitlines()

    assert max(map(len, lines)) <= 80
    assert len(lines) == 2 + len(rows)
    assert lines[0].split() == ["Parameter", "Shape", "Initializer", "From", "Expected", "Actual"]
    assert repr(rows) == str(rows)


def test_to_dict_is_plain():
    net = nn.Sequential(nn.Dense(3, in_units=2))
    net.initialize("ones")

    found = json.loads(json.dumps(net.explain().to_dict()))

    assert found["0.weight"] == {
        "path": "0.weight", "paths": ["0.weight"], "shape": [3, 2], "initializer": "One()",
        "origin": "default", "expected_mean": 1.0, "expected_sd": 0.0, "is_measured": False,
        "mean": 1.0, "sd": 0.0, "note": "",
    }  # fmt: skip


def test_a_shared_parameter_is_one_row_of_all_its_places():
    shared = nn.Dense(4, in_units=4)
    net = nn.Sequential(shared, nn.Dense(2, in_units=4), shared)

    rows = net.explain()

    assert [row.path for row in rows] == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert rows["2.bias"] is rows["0.bias"]
    assert "0.weight is 2.weight" in str(rows)
    with pytest.raises(KeyError):
        rows["3.weight"]


def test_a_net_without_parameters():
    assert str(nn.Flatten().explain()).split()[0] == "Parameter"
    assert nn.Flatten().explain().to_dict() == {}


def test_constants_are_explained():
    class Net(nn.Block):
        def __init__(self):
            super().__init__()
            self.scale = self.params.get_constant("scale", [1.0, 3.0])

    net = Net()
    net.initialize()

    row = net.explain()["scale"]
    assert isinstance(net.scale, gluon.Constant)
    assert (row.origin, row.expected_mean, row.mean, row.sd) == ("layer", 2, 2, 1)
