"""Sharing: several layers, or several nets, with the same parameters."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from glueball import autograd, gluon, init, nd
from glueball.base import MXNetError
from glueball.gluon import nn


class Recorder(init.Initializer):
    def __init__(self):
        super().__init__()
        self.filled = []

    def _init_weight(self, name, arr):
        self.filled.append(str(name))
        nd.random.uniform(-1, 1, out=arr)


def net_of(*layers):
    net = nn.Sequential()
    net.add(*layers)
    return net


def tied_net():
    """Two layers with one weight and bias, and an output layer."""
    first = nn.Dense(4, activation="relu", prefix="tied_")
    return net_of(first, nn.Dense(4, activation="relu", params=first.params), nn.Dense(1))


def test_the_sharing_layer_has_a_name_of_its_own_and_the_others_parameters():
    first = nn.Dense(4, in_units=4)
    second = nn.Dense(4, in_units=4, params=first.params)

    assert (first.name, second.name, second.prefix) == ("dense0", "dense1", "dense1_")
    assert second.weight is first.weight
    assert second.bias is first.bias
    assert second.weight.name == "dense0_weight"
    assert second.params.prefix == "dense0_"
    assert list(second.params) == ["dense0_weight", "dense0_bias"]


def test_in_a_scope_the_shared_layer_leaves_a_gap_in_the_parameters_names():
    net = nn.Sequential(prefix="net_")
    with net.name_scope():
        shared = nn.Dense(4, in_units=4)
        net.add(shared, nn.Dense(4, in_units=4, params=shared.params), nn.Dense(2, in_units=4))

    assert [layer.name for layer in net] == ["net_dense0", "net_dense1", "net_dense2"]
    assert list(net.collect_params(".*weight")) == ["net_dense0_weight", "net_dense2_weight"]


def test_one_storage_is_shared():
    net = tied_net()
    net.initialize()
    net(nd.ones((1, 4)))

    assert net[0].weight.data() is net[1].weight.data()
    net[0].weight.data()[0, 0] = 100
    assert net[1].weight.data()[0, 0].asscalar() == 100


@pytest.mark.parametrize("in_units", [0, 4], ids=["deferred", "at once"])
def test_a_shared_parameter_is_initialized_once(in_units):
    first = nn.Dense(4, in_units=in_units, bias_initializer=None)
    second = nn.Dense(4, in_units=in_units, bias_initializer=None, params=first.params)
    net = net_of(first, second)
    recorder = Recorder()
    net.initialize(recorder)
    before = nd.ones((2, 4))
    net(before)
    net(before)

    assert recorder.filled == ["dense0_weight"]


def test_an_unknown_width_takes_the_known_one_whichever_layer_has_it():
    unknown = nn.Dense(4)
    known = nn.Dense(4, in_units=7, params=unknown.params)
    assert unknown.weight.shape == known.weight.shape == (4, 7)

    first = nn.Dense(4, in_units=7)
    assert nn.Dense(4, params=first.params).weight.shape == (4, 7)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"units": 5}, r"attribute 'shape': desired '\(5, 0\)' vs stored '\(4, 3\)'"),
        ({"in_units": 5}, r"attribute 'shape': desired '\(4, 5\)' vs stored '\(4, 3\)'"),
        ({"dtype": "float64"}, "attribute 'dtype': desired 'float64' vs stored 'float32'"),
        ({"bias_initializer": "ones"}, "attribute 'init': desired 'ones' vs stored 'zeros'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_layers_that_disagree_cannot_share_and_the_first_is_unharmed(settings, message):
    first = nn.Dense(4, in_units=3, prefix="first_")

    with pytest.raises(AssertionError, match=f"Cannot retrieve Parameter 'first_.*{message}"):
        nn.Dense(**{"units": 4, "params": first.params, **settings})

    first.initialize("ones")
    assert first(nd.ones((1, 3))).asnumpy().tolist() == [[3] * 4]


def test_an_initializer_given_second_is_taken_over_where_the_first_had_none():
    first = nn.Dense(4, in_units=3)
    nn.Dense(4, weight_initializer="ones", params=first.params)
    first.initialize("zeros")

    assert (first.weight.data().asnumpy() == 1).all()


def test_a_failed_sharing_takes_nothing_over():
    first = nn.Dense(4)

    with pytest.raises(AssertionError, match="attribute 'dtype'"):
        nn.Dense(4, in_units=9, weight_initializer="ones", dtype="float64", params=first.params)

    assert first.weight.shape == (4, 0)
    assert first.weight.init is None


def test_what_the_first_lacks_the_second_makes_for_itself_under_the_firsts_prefix():
    first = nn.Dense(4, in_units=3, use_bias=False)
    second = nn.Dense(4, in_units=3, params=first.params)

    assert second.weight is first.weight
    assert second.bias.name == "dense0_bias"
    assert list(first.params) == ["dense0_weight"]


def test_a_layer_that_needs_less_takes_just_that():
    first = nn.Dense(4, in_units=3)
    second = nn.Dense(4, in_units=3, use_bias=False, params=first.params)

    assert list(second.collect_params()) == ["dense0_weight"]
    assert second.bias is None


@pytest.mark.parametrize("wrong", [{}, [], "dense0_"], ids=["dict", "list", "str"])
def test_params_has_to_be_a_parameter_dict(wrong):
    with pytest.raises(TypeError) as caught:
        nn.Dense(3, params=wrong)

    assert str(caught.value) == (
        f"expected a ParameterDict as params, found {type(wrong).__name__}; pass other_block.params "
        "or other_block.collect_params()"
    )


def test_tied_layers_whose_data_have_two_widths_are_refused_by_name():
    net = tied_net()
    net.initialize("ones")

    with pytest.raises(MXNetError) as caught:
        net(nd.ones((2, 3)))
    assert str(caught.value) == (
        "expected input of shape (batch, 3) for 'dense0', found (2, 4); pass 3 features, or make a "
        "new layer for 4 (its weight tied_weight is (4, 3))"
    )


class Scoped(nn.Block):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.hidden = nn.Dense(3, activation="relu")
            self.inner = nn.Sequential()
            with self.inner.name_scope():
                self.inner.add(nn.Dense(2))

    def forward(self, x):
        return self.inner(self.hidden(x))


class HalfScoped(nn.Block):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.outside = nn.Dense(3)
        with self.name_scope():
            self.inside = nn.Dense(3)


def test_a_whole_net_is_shared_by_the_names_in_its_scopes():
    first = Scoped(prefix="a_")
    second = Scoped(prefix="b_", params=first.collect_params())
    first.initialize()

    x = nd.ones((2, 4))
    np.testing.assert_array_equal(first(x).asnumpy(), second(x).asnumpy())
    assert second.hidden.weight is first.hidden.weight
    assert second.inner[0].bias is first.inner[0].bias
    assert list(second.collect_params()) == list(first.collect_params())


def test_parameters_given_to_a_net_that_does_not_use_them_are_named_once():
    first = HalfScoped(prefix="a_")
    second = HalfScoped(prefix="b_", params=first.collect_params())
    assert second.inside.weight is first.inside.weight
    assert second.outside.weight is not first.outside.weight

    with pytest.warns(UserWarning) as caught:
        second.initialize()
    assert len(caught) == 1
    assert str(caught[0].message) == (
        "expected 'b' to use every Parameter that params= gave it, found unused 'dense0_weight', "
        "'dense0_bias'; make its children inside name_scope(), in the other net's order, or give "
        "collect_params(select) of what it is to share"
    )

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second.collect_params()


def test_a_net_that_is_given_what_it_uses_warns_of_nothing():
    first = HalfScoped(prefix="a_")
    second = HalfScoped(prefix="b_", params=first.collect_params("a_.*"))
    second.initialize()

    assert list(second.collect_params("a_.*")) == ["a_dense0_weight", "a_dense0_bias"]


def test_one_layer_twice_is_initialized_once_and_computed_twice():
    layer = nn.Dense(3, use_bias=False)
    net = net_of(layer, layer)
    recorder = Recorder()
    net.initialize(recorder)
    x = nd.array([[1, -2, 3]])
    found = net(x).asnumpy()

    weight = layer.weight.data().asnumpy().astype("float64")
    assert recorder.filled == ["dense0_weight"]
    np.testing.assert_allclose(found, x.asnumpy() @ weight.T @ weight.T, rtol=1e-5)


def relu_chain_gradient(weight, bias, x):
    """Return the gradient of sum(relu(relu(x W' + b) W' + b)) for W and b, by the chain rule."""
    first = x @ weight.T + bias
    hidden = np.maximum(first, 0)
    second = hidden @ weight.T + bias
    head = (second > 0).astype(float)
    back = (head @ weight) * (first > 0)
    return head.T @ hidden + back.T @ x, head.sum(0) + back.sum(0)


@pytest.mark.parametrize("way", ["params", "one layer twice", "two nets"])
def test_gradients_of_every_use_are_summed(way):
    first = nn.Dense(3, activation="relu", in_units=3, dtype="float64")
    first.initialize(init.Uniform(1.0))
    first.bias.set_data([0.1, -0.2, 0.3])
    if way == "params":
        net = net_of(
            first, nn.Dense(3, activation="relu", in_units=3, dtype="float64", params=first.params)
        )
    elif way == "one layer twice":
        net = net_of(first, first)
    else:
        chains = net_of(first), net_of(first)
        net = nn.Lambda(lambda x: chains[1](chains[0](x)))
    x = nd.random.normal(shape=(5, 3), dtype="float64")

    for _ in range(2):  # 'write': the second backward does not add to the first
        with autograd.record():
            loss = net(x).sum()
        loss.backward()

    by_weight, by_bias = relu_chain_gradient(
        first.weight.data().asnumpy(), first.bias.data().asnumpy(), x.asnumpy()
    )
    np.testing.assert_allclose(first.weight.grad().asnumpy(), by_weight, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(first.bias.grad().asnumpy(), by_bias, rtol=1e-12, atol=1e-12)


def test_a_trainer_updates_a_shared_parameter_once():
    layer = nn.Dense(1, in_units=1, use_bias=False)
    net = net_of(layer, nn.Dense(1, in_units=1, use_bias=False, params=layer.params))
    net.initialize(init.Constant(3))
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.25})
    with autograd.record():
        loss = net(nd.array([[2]]))  # w^2 x, whose derivative is 2 w x
    loss.backward()
    trainer.step(1)

    assert loss.asscalar() == 18
    assert layer.weight.data().asscalar() == 3 - 0.25 * 12


def test_shared_parameters_are_freed_with_their_layers():
    import gc
    import weakref

    net = tied_net()
    net.initialize()
    with autograd.record():
        loss = net(nd.ones((1, 4)))
    loss.backward()
    watched = [weakref.ref(parameter) for parameter in net.collect_params().values()]
    del net, loss
    gc.collect()

    assert [each() for each in watched] == [None] * 4
