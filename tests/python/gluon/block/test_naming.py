"""Names of blocks and parameters."""

from __future__ import annotations

import threading

import pytest

from glueball import gluon, name, nd
from glueball.gluon import nn


class Two(nn.Block):
    """One child made outside the scope, one inside."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.outside = nn.Dense(2)
        with self.name_scope():
            self.inside = nn.Dense(2)


@pytest.mark.parametrize(
    ("prefix", "block_name", "weight_name"),
    [("enc_", "enc", "enc_weight"), ("enc", "enc", "encweight"), ("", "", "weight")],
)
def test_a_given_prefix_stands_as_it_is_before_parameters_names(prefix, block_name, weight_name):
    layer = nn.Dense(3, prefix=prefix)

    assert layer.prefix == prefix
    assert layer.name == block_name
    assert layer.weight.name == weight_name


def test_only_one_underscore_is_taken_off_the_prefix():
    assert nn.Dense(1, prefix="a__").name == "a_"


def test_each_class_counts_its_names_from_zero():
    class Encoder(nn.Block):
        pass

    made = [
        nn.Dense(3),
        nn.Dense(3),
        nn.Sequential(),
        nn.HybridSequential(),
        Encoder(),
        gluon.loss.L2Loss(),
        nn.Dense(3),
    ]

    assert [block.name for block in made] == [
        "dense0",
        "dense1",
        "sequential0",
        "hybridsequential0",
        "encoder0",
        "l2loss0",
        "dense2",
    ]
    assert made[1].prefix == "dense1_"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: nn.Activation("relu"), "relu0"),
        (lambda: nn.Activation("tanh"), "tanh0"),
        (nn.Flatten, "flatten0"),
        (lambda: nn.Dropout(0.5), "dropout0"),
        (lambda: nn.Lambda("relu"), "lambda0"),
        (lambda: nn.HybridLambda("relu"), "hybridlambda0"),
        (lambda: nn.LeakyReLU(0.1), "leakyrelu0"),
    ],
)
def test_layers_without_parameters_are_named_by_class_or_function(make, expected):
    assert make().name == expected


def test_a_constructor_that_fails_late_has_used_up_its_number():
    shared = nn.Dense(4)
    with pytest.raises(AssertionError):
        nn.Dense(5, params=shared.params)

    assert nn.Dense(1).name == "dense2"


def test_every_thread_counts_on_its_own():
    nn.Dense(1)
    found = []
    thread = threading.Thread(target=lambda: found.append(nn.Dense(1).name))
    thread.start()
    thread.join()

    assert found == ["dense0"]
    assert nn.Dense(1).name == "dense1"


def test_a_name_manager_starts_a_fresh_table_and_gives_the_old_one_back():
    nn.Dense(1)
    with name.NameManager():
        assert nn.Dense(1).name == "dense0"

    assert nn.Dense(1).name == "dense1"


def test_prefix_stands_before_automatic_names_outside_scopes():
    with name.Prefix("left_"):
        outside = nn.Dense(1)
        net = Two(prefix="net_")

    assert outside.name == "left_dense0"
    assert net.outside.name == "left_dense1"
    assert net.inside.name == "net_dense0"


def test_managers_nest_and_an_exception_closes_them():
    nn.Dense(1)
    with pytest.raises(KeyError), name.NameManager(), name.Prefix("p_"):
        raise KeyError
    assert nn.Dense(1).name == "dense1"


def test_a_scope_names_children_after_the_blocks_prefix():
    net = Two(prefix="net_")

    assert net.inside.name == "net_dense0"
    assert net.inside.weight.name == "net_dense0_weight"
    assert net.outside.name == "dense0"


def test_a_prefix_given_inside_a_scope_is_put_after_the_blocks():
    net = nn.Sequential(prefix="net_")
    with net.name_scope():
        layer = nn.Dense(1, prefix="x_")

    assert layer.name == "net_x"
    assert layer.weight.name == "net_x_weight"


def test_a_scope_opened_again_goes_on_counting():
    net = nn.Sequential(prefix="zz_")
    names = []
    for _ in range(2):
        with net.name_scope():
            names.append(nn.Dense(1).name)

    assert names == ["zz_dense0", "zz_dense1"]


def test_the_scope_of_an_empty_prefix_names_nothing():
    nn.Dense(1)
    net = nn.Sequential(prefix="")
    with net.name_scope():
        layer = nn.Dense(1)

    assert layer.name == "dense1"


def test_only_the_innermost_scope_names():
    class Net(nn.Block):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.a = nn.Dense(2)
            with self.name_scope():
                self.b = nn.Dense(2)
                self.c = nn.Dense(2)
                self.filled_in_its_own = nn.Sequential()
                with self.filled_in_its_own.name_scope():
                    self.filled_in_its_own.add(nn.Dense(1))
                self.filled_in_the_nets = nn.Sequential()
                self.filled_in_the_nets.add(nn.Dense(1))

    net = Net()

    assert net.name == "net0"
    assert [net.a.name, net.b.name, net.c.name] == ["dense0", "net0_dense0", "net0_dense1"]
    assert net.filled_in_its_own.name == "net0_sequential0"
    assert net.filled_in_its_own[0].name == "net0_sequential0_dense0"
    assert net.filled_in_the_nets.name == "net0_sequential1"
    assert net.filled_in_the_nets[0].name == "net0_dense2"


def test_after_a_scope_names_are_global_again_even_after_an_error():
    net = nn.Sequential(prefix="net_")
    with pytest.raises(KeyError), net.name_scope():
        raise KeyError

    assert nn.Dense(1).name == "dense0"


def test_a_scope_is_of_its_thread_only():
    net = nn.Sequential(prefix="net_")
    found = []
    with net.name_scope():
        thread = threading.Thread(target=lambda: found.append(nn.Dense(1).name))
        thread.start()
        thread.join()

    assert found == ["dense0"]


def test_layers_added_outside_a_scope_have_global_names():
    net = nn.Sequential()
    net.add(nn.Dense(2, in_units=3))

    assert str(net.collect_params()).splitlines() == [
        "sequential0_ (",
        "  Parameter dense0_weight (shape=(2, 3), dtype=float32)",
        "  Parameter dense0_bias (shape=(2,), dtype=float32)",
        ")",
    ]


def test_a_parameters_name_stays_when_its_layer_is_added_elsewhere():
    layer = nn.Dense(2)
    for prefix in ("one_", "two_"):
        net = nn.Sequential(prefix=prefix)
        with net.name_scope():
            net.add(layer)

    assert layer.weight.name == "dense0_weight"


def test_a_thousand_layers_are_named_in_order_and_run():
    net = nn.Sequential(prefix="net_")
    with net.name_scope():
        for _ in range(1000):
            net.add(nn.Dense(1, in_units=1))

    assert net[999].weight.name == "net_dense999_weight"
    assert len(net.collect_params()) == 2000
    net.initialize()
    assert net(nd.ones((1, 1))).shape == (1, 1)
