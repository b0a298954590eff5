"""Initializers as nets use them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from glueball import gluon, init, nd, random
from glueball.base import InitializerWarning
from glueball.gluon import nn


class Biased(init.Initializer):
    def _init_weight(self, name, arr):
        arr[:] = 1

    def _init_bias(self, name, arr):
        arr[:] = 2


def net_of(*layers):
    net = nn.Sequential()
    net.add(*layers)
    return net


def values(parameter):
    return np.asarray(parameter.data())


def test_a_dense_layers_weight_is_uniform_and_its_bias_zero_when_nothing_is_said():
    random.seed(1)
    net = net_of(nn.Dense(200, in_units=300))
    net.initialize()

    weight = values(net[0].weight)
    assert 0.0699 < weight.max() < 0.07
    assert -0.07 <= weight.min() < -0.0699
    assert weight.std() == pytest.approx(0.07 / np.sqrt(3), rel=0.01)
    np.testing.assert_array_equal(values(net[0].bias), np.zeros(200))


def test_a_layers_own_initializers_win_over_the_nets():
    net = net_of(nn.Dense(2, in_units=3, weight_initializer="zeros", bias_initializer="ones"))
    net.initialize(init.Constant(5))

    np.testing.assert_array_equal(values(net[0].weight), np.zeros((2, 3)))
    np.testing.assert_array_equal(values(net[0].bias), np.ones(2))


def test_a_hook_for_biases_that_have_zeros_of_their_own_is_not_asked_and_that_is_said():
    net = net_of(nn.Dense(2, in_units=3), nn.Dense(1, in_units=2))

    with pytest.warns(InitializerWarning, match="bias_initializer=None") as caught:
        net.initialize(Biased())

    assert len(caught) == 1
    assert caught[0].filename == __file__
    for layer in net:
        assert layer.bias.name in str(caught[0].message)
        assert (values(layer.weight) == 1).all()
        assert (values(layer.bias) == 0).all()


@pytest.mark.parametrize(
    ("initializer", "bias"), [(Biased(), 2), (init.Constant(5), 0), ("ones", 0)]
)
def test_a_bias_without_initializer_asks_the_nets_hook(initializer, bias):
    net = net_of(nn.Dense(2, in_units=3, bias_initializer=None))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.initialize(initializer)

    np.testing.assert_array_equal(values(net[0].bias), [bias, bias])


def test_xavier_leaves_such_a_bias_to_its_hook():
    net = net_of(nn.Dense(2, in_units=3, bias_initializer=None))
    net.initialize(init.Xavier())

    np.testing.assert_array_equal(values(net[0].bias), [0, 0])


def test_xavier_for_a_bias_is_refused_and_the_net_stays_usable():
    net = net_of(nn.Dense(2, in_units=3, bias_initializer="xavier"))

    with pytest.raises(
        ValueError, match=r"Xavier initializer cannot be applied to vector \w+_bias"
    ):
        net.initialize()

    net[0].bias.initialize(init="ones")
    np.testing.assert_array_equal(values(net[0].bias), [1, 1])


# The last layer's bias has an initializer of its own, which is said.
@pytest.mark.filterwarnings("ignore::glueball.base.InitializerWarning")
def test_mixed_initializes_a_net():
    net = net_of(
        nn.Dense(2, in_units=3, bias_initializer=None), nn.Dense(1, in_units=2, prefix="last_")
    )
    net.initialize(
        init.Mixed(["last_weight", "bias", ".*"], ["ones", init.Constant(3), "zeros"]),
        force_reinit=True,
    )

    np.testing.assert_array_equal(values(net[0].weight), np.zeros((2, 3)))
    np.testing.assert_array_equal(values(net[0].bias), [3, 3])
    np.testing.assert_array_equal(values(net[1].weight), np.ones((1, 2)))
    np.testing.assert_array_equal(values(net[1].bias), [0])


def test_load_initializes_a_net_from_another():
    made = net_of(nn.Dense(2, in_units=3, prefix="a_"), nn.Dense(1, in_units=2, prefix="b_"))
    made.initialize(init.Normal(1.0))
    made[0].bias.set_data(nd.array([7, 8]))
    held = {f"arg:{name}": parameter.data() for name, parameter in made[0].collect_params().items()}

    net = net_of(nn.Dense(2, in_units=3, prefix="a_"), nn.Dense(1, prefix="b_"))
    net.initialize(init.Load(held, default_init=init.One()))
    net(nd.zeros((1, 3)))

    np.testing.assert_array_equal(values(net[0].weight), values(made[0].weight))
    np.testing.assert_array_equal(values(net[0].bias), [7, 8])
    np.testing.assert_array_equal(values(net[1].weight), np.ones((1, 2)))


@pytest.mark.parametrize(
    "initializer",
    [
        lambda shape: np.arange(6).reshape(shape),
        lambda desc, array: array.__setitem__(slice(None), np.arange(6).reshape(2, 3)),
    ],
    ids=["of the shape", "in place"],
)
def test_a_function_initializes_a_net_when_the_shape_is_known(initializer):
    net = net_of(nn.Dense(2))
    net.initialize(initializer)
    net(nd.zeros((1, 3)))

    np.testing.assert_array_equal(values(net[0].weight), [[0, 1, 2], [3, 4, 5]])


def test_an_unknown_name_is_found_when_the_layer_is_made():
    with pytest.raises(AssertionError, match="nosuch is not registered"):
        nn.Dense(2, bias_initializer="nosuch")
    with pytest.raises(AssertionError, match="nosuch is not registered"):
        gluon.Parameter("p", shape=(1,)).initialize(init="nosuch")


def test_defaults_reach_layers_made_while_they_hold():
    with init.set_default(weight=init.Constant(3), bias=init.Constant(4)):
        layer = nn.Dense(2, in_units=3)
        given = nn.Dense(2, in_units=3, weight_initializer="ones", bias_initializer="ones")
    after = nn.Dense(2, in_units=3)
    for each in (layer, given, after):
        each.initialize(init.Constant(5))

    assert [
        (values(each.weight)[0, 0], values(each.bias)[0]) for each in (layer, given, after)
    ] == [
        (3, 4),
        (1, 1),
        (5, 0),
    ]


def test_a_layer_more_changes_no_other_layers_weights():
    def weights(*layers):
        random.seed(5)
        net = net_of(*layers)
        net.initialize(init.Xavier())
        return [values(layer.weight) for layer in net]

    two = weights(nn.Dense(4, in_units=3), nn.Dense(2, in_units=4))
    three = weights(nn.Dense(4, in_units=3), nn.Dense(2, in_units=4), nn.Dense(2, in_units=2))

    for before, after in zip(two, three, strict=False):
        np.testing.assert_array_equal(before, after)
    assert not np.array_equal(three[1].ravel()[:4], three[2].ravel())


def test_verbose_logs_each_parameter(caplog):
    net = net_of(nn.Dense(2, prefix="d_"))

    with caplog.at_level("INFO", "glueball.init"):
        net.initialize(init.One(), verbose=True)
        net(nd.zeros((1, 3)))

    assert caplog.messages == [
        "Initialized d_bias as Zero(): 0.0",
        "Initialized d_weight as weight: 1.0",
    ]
