"""Rules by place and by layer, Mixed's warnings, and Load by path."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import glueball as mx
from glueball import init
from glueball.base import ArgumentError, InitializerWarning, ShapeError
from glueball.gluon import nn


def make(**settings):
    net = nn.Sequential()
    net.add(
        nn.Dense(3, in_units=4, **settings), nn.Dense(3, in_units=3), nn.BatchNorm(in_channels=3)
    )
    return net


def values(net):
    return {path: each.data().asnumpy() for path, each in net._walk_parameters()}


class Mine(init.Initializer):
    def _init_weight(self, name, arr):
        arr[:] = 5

    def _init_bias(self, name, arr):
        arr[:] = 6


def test_the_first_rule_that_matches_wins_and_beats_the_layer():
    net = make(weight_initializer="zeros")
    net.initialize(
        init.Rules({"0.weight": init.One(), "*.bias": init.Constant(0.5), nn.Dense: "zeros", "*.gamma": init.Constant(2)})
    )  # fmt: skip
    found = values(net)

    assert np.all(found["0.weight"] == 1)
    assert np.all(found["0.bias"] == 0.5)
    assert np.all(found["1.weight"] == 0)
    assert np.all(found["1.bias"] == 0.5)
    assert np.all(found["2.gamma"] == 2)
    assert np.all(found["2.running_var"] == 1)


def test_a_class_and_a_star_reach_each_parameter_by_its_kind():
    net = make(bias_initializer="ones")
    net.initialize(init.Rules({"0.*": Mine(), nn.Dense: "he_normal"}))
    found = values(net)

    assert np.all(found["0.weight"] == 5)
    assert np.all(found["0.bias"] == 6)
    assert np.all(found["1.bias"] == 0)
    assert len(np.unique(found["1.weight"])) == 9


@pytest.mark.parametrize("collect", [False, True])
def test_rules_hold_for_shapes_that_come_later_and_for_collected_parameters(collect):
    net = nn.Sequential()
    net.add(nn.Dense(3), nn.Dense(2))
    rules = init.Rules({"1.weight": "ones", nn.Dense: Mine()})
    (net.collect_params() if collect else net).initialize(rules)
    net.infer_shape((None, 4))

    assert np.all(net[1].weight.data().asnumpy() == 1)
    assert np.all(net[0].bias.data().asnumpy() == 6)


def test_a_shared_parameter_is_reached_by_any_of_its_paths():
    first = nn.Dense(4, in_units=4)
    net = nn.Sequential()
    net.add(first, nn.Dense(4, in_units=4, params=first.params), first)
    net.initialize(init.Rules({"1.weight": "ones", "2.bias": "ones"}, default="zeros"))

    assert np.all(first.weight.data().asnumpy() == 1)
    assert np.all(first.bias.data().asnumpy() == 1)


def test_defaults_fill_what_no_rule_matches():
    net = make()
    net.initialize(init.Rules({"0.weight": "ones"}, default=init.Constant(3)))

    assert np.all(values(net)["1.weight"] == 3)
    assert np.all(values(net)["1.bias"] == 0)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("0.wieght", r"'0.wieght'.*near it are '0.weight'"),
        ("*.bais", r"near it are .*'0\.bias'"),
        ("xyz", "there are '0.weight'"),
        (nn.Embedding, "Embedding"),
        ("0", r"it is a block: write '0\.\*'"),
    ],
)
def test_a_rule_that_matches_nothing_is_an_error_and_nothing_is_initialized(rule, text):
    net = make()
    with pytest.raises(ArgumentError, match=text):
        net.initialize(init.Rules({rule: "ones"}))

    assert net[0].weight._state == "uninitialized"
    net.initialize(init.Rules({rule: "ones"}, default="zeros", strict=False))
    assert np.all(values(net)["0.weight"] == 0)


def test_a_rule_that_is_left_nothing_is_an_error():
    with pytest.raises(ArgumentError, match="put it before them"):
        make().initialize(init.Rules({"*": "zeros", "0.weight": "ones"}))


@pytest.mark.parametrize("rules", [["0.weight"], {3: "ones"}])
def test_rules_for_something_else_are_refused(rules):
    with pytest.raises(TypeError, match="Rules"):
        init.Rules(rules)


def test_rules_are_shown_written_and_read():
    rules = init.Rules({"*.bias": init.One()}, default="zeros")

    assert init.create(rules.dumps()).dumps() == rules.dumps()


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (
            "0.weight",
            r"'0.weight' is the path of '0.weight', and is found in the name of '1.weight'",
        ),
        ("encoder", r"'encoder' is found in no name.*init\.Rules"),
    ],
)
def test_mixed_warns_of_patterns_that_mean_something_else(pattern, text):
    net = nn.Sequential()
    net.add(nn.Dense(1, in_units=1, prefix="a_"), nn.Dense(1, in_units=1, prefix="dense10_"))
    with pytest.warns(InitializerWarning, match=text):
        net.initialize(init.Mixed([pattern, ".*"], ["ones", "zeros"]))

    reached = float(net[1].weight.data().asnumpy()[0, 0])
    assert reached == (1 if pattern == "0.weight" else 0)


def test_mixed_says_nothing_of_patterns_that_mean_what_they_say():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make().initialize(init.Mixed(["weight", ".*"], ["ones", "zeros"]))


def saved(tmp_path, net):
    file = str(tmp_path / "net.params")
    net.save_parameters(file)
    return file


@pytest.mark.parametrize("by", ["auto", "path"])
def test_load_reads_what_save_parameters_writes(tmp_path, by):
    net = make()
    net.initialize("normal")
    net[0].bias.set_data(np.arange(3))
    other = make()
    other.initialize(init.Load(saved(tmp_path, net), by=by))

    for path, array in values(net).items():
        assert np.array_equal(values(other)[path], array)


def test_load_into_a_net_that_waits_for_its_shapes(tmp_path):
    net = make()
    net.initialize("normal")
    other = nn.Sequential()
    other.add(nn.Dense(3), nn.Dense(3), nn.BatchNorm())
    other.initialize(init.Load(saved(tmp_path, net)))
    other.infer_shape((None, 4))

    assert np.array_equal(other[0].weight.data(), net[0].weight.data())


def test_load_by_name_is_mxnets(tmp_path):
    net = make()
    held = {each.name: np.full(each.shape, 2.0) for each in net.collect_params().values()}
    net.initialize(init.Load(held, by="name"))

    assert all(np.all(array == 2) for array in values(net).values())


def held_of(net, **changes):
    return {path: np.ones(each.shape) for path, each in net._walk_parameters()} | changes


@pytest.mark.parametrize(
    ("settings", "change", "text"),
    [
        ({}, {"0.wieght": np.ones(1)}, r"none for '0.wieght'; the net has '0.weight'"),
        ({"by": "name"}, {}, "correct by="),
        ({"default_init": "zeros", "by": "name"}, {}, "correct by="),
    ],
)
def test_what_is_held_and_not_used_is_an_error(settings, change, text):
    net = make()
    with pytest.raises(ArgumentError, match=text):
        net.initialize(init.Load(held_of(net, **change), **settings))
    net.initialize(
        init.Load(held_of(net, **change), **{"default_init": "zeros", **settings}, strict=False)
    )

    assert np.all(values(net)["0.weight"] == (0 if settings else 1))


def test_what_is_not_held_is_an_error_without_a_default():
    net = make()
    held = held_of(net)
    del held["0.bias"]
    with pytest.raises(ArgumentError, match=r"Cannot Initialize .*bias \('0.bias'\)"):
        net.initialize(init.Load(held))
    net.initialize(init.Load(held, default_init="zeros"))

    assert np.all(values(net)["0.bias"] == 0)


def test_wrong_shapes_and_words_are_refused_before_anything_is_filled():
    net = make()
    with pytest.raises(ShapeError, match=r"Shape mismatch, target \(3,\) vs loaded \(9,\)"):
        net.initialize(init.Load(held_of(net, **{"1.bias": np.ones(9)})))
    assert net[0].weight._state == "uninitialized"
    with pytest.raises(ArgumentError, match="by='auto'"):
        init.Load({}, by="place")


def test_shared_parameters_need_equal_arrays():
    layer = nn.Dense(2, in_units=2)
    net = nn.Sequential()
    net.add(layer, layer)
    held = held_of(net)
    net.initialize(init.Load(held))
    with pytest.raises(mx.MXNetError, match="equal arrays for shared"):
        net.initialize(init.Load({**held, "1.bias": np.zeros(2)}), force_reinit=True)
