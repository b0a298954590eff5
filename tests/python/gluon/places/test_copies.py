"""Deep copies beside their originals: names differ, nothing is shared."""

from __future__ import annotations

import copy

import numpy as onp
import pytest

from glueball import nd
from glueball.gluon import Trainer, nn


def dense():
    layer = nn.Dense(3, in_units=3, activation="relu")
    layer.initialize()
    return layer


def names(net):
    return [each.name for each in net.collect_params().values()]


def test_a_copy_of_a_layer_beside_it_has_names_and_values_of_its_own():
    layer = dense()

    net = nn.Sequential(layer, copy.deepcopy(layer))

    assert names(net) == ["dense0_weight", "dense0_bias", "dense1_weight", "dense1_bias"]
    assert net.tied() == []
    onp.testing.assert_array_equal(net[0].weight.numpy(), net[1].weight.numpy())
    net[0].weight.data()[:] = 7
    assert (net[1].weight.numpy() != 7).all()
    Trainer(net.collect_params(), "sgd")


def test_copies_in_attributes_and_of_whole_nets():
    class Net(nn.Block):
        def __init__(self):
            super().__init__()
            self.one = nn.Sequential(dense(), dense())
            self.two = copy.deepcopy(self.one)
            self.three = copy.deepcopy(self.two)

        def forward(self, x):
            return self.three(self.two(self.one(x)))

    net = Net()

    assert len(set(names(net))) == 12
    assert net.tied() == []
    assert net(nd.ones((1, 3))).shape == (1, 3)


def test_a_copy_that_stands_alone_is_called_as_its_original():
    layer = dense()
    twin = copy.deepcopy(layer)

    assert twin.weight.name == layer.weight.name
    assert twin.name == layer.name


def test_what_a_net_ties_its_copy_ties():
    shared = dense()
    net = nn.Sequential(shared, shared, nn.Dense(3, in_units=3, params=shared.params))

    twin = copy.deepcopy(net)
    both = nn.Sequential(net, twin)

    assert twin.tied() == net.tied() != []
    assert len(both.tied()) == 4
    assert len(set(names(both))) == 4


def test_a_copy_of_what_waits_for_its_shape():
    layer = nn.Dense(3)
    layer.initialize()

    net = nn.Sequential(layer, copy.deepcopy(layer))
    net(nd.ones((1, 5)))

    assert [each.shape for each in net.parameters()][::2] == [(3, 5), (3, 3)]


@pytest.mark.parametrize("prefix", ["enc_", ""])
def test_a_copy_of_what_was_named_by_hand(prefix):
    layer = nn.Dense(3, in_units=3, prefix=prefix)
    layer.initialize()
    twin = copy.deepcopy(layer)

    if prefix:
        assert len(set(names(nn.Sequential(layer, twin)))) == 4
    else:  # without a prefix there is none to exchange
        assert twin.weight is not layer.weight


def test_a_copy_in_a_net_is_saved_and_loaded_by_name_and_by_path(tmp_path):
    layer = dense()
    net = nn.Sequential(layer, copy.deepcopy(layer))
    net[1].weight.set_data(onp.eye(3))
    net.save_parameters(str(tmp_path / "by_path"))
    net.collect_params().save(str(tmp_path / "by_name"))
    net[1].weight.set_data(onp.zeros((3, 3)))

    net.load_parameters(str(tmp_path / "by_path"))
    assert net[1].weight.numpy().tolist() == onp.eye(3).tolist()
    net[1].weight.set_data(onp.zeros((3, 3)))
    net.collect_params().load(str(tmp_path / "by_name"))
    assert net[1].weight.numpy().tolist() == onp.eye(3).tolist()
