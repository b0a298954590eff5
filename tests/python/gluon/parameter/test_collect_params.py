"""`params` and `collect_params`: which parameters a block has, and in which order."""

from __future__ import annotations

import re

import pytest

from glueball import cpu, gluon, nd
from glueball.gluon import nn


def small_net(prefix="net_"):
    net = nn.Sequential(prefix=prefix)
    with net.name_scope():
        net.add(nn.Dense(4, activation="relu", in_units=5), nn.Dense(2, in_units=4))
    return net


def names(params):
    return list(params.keys())


ALL = ["net_dense0_weight", "net_dense0_bias", "net_dense1_weight", "net_dense1_bias"]


def test_params_holds_a_blocks_own_parameters_and_is_always_the_same_object():
    net = small_net()

    assert str(net.params) == "net_ (\n\n)"
    assert names(net[0].params) == ["net_dense0_weight", "net_dense0_bias"]
    assert net.params is net.params


def test_collect_params_lists_own_parameters_then_each_childs_in_order():
    net = small_net()
    net.params.get("made_last", shape=(1,))

    assert names(net.collect_params()) == ["net_made_last", *ALL]


def test_collect_params_gives_a_new_dict_that_can_grow_without_the_net():
    net = small_net()
    first = net.collect_params()
    first.get("more", shape=(1,))

    assert "net_more" in first
    assert names(net.collect_params()) == ALL
    assert first.prefix == "net_"


def test_collected_parameters_are_the_layers_own_objects():
    net = small_net()

    assert net.collect_params()["net_dense0_weight"] is net[0].weight
    assert net[0].params.get("weight") is net[0].weight


def test_nested_blocks_are_reached_by_index():
    inner = nn.Sequential(prefix="inner_")
    with inner.name_scope():
        inner.add(nn.Dense(3), nn.Dense(2))
    net = nn.Sequential(prefix="outer_")
    net.add(inner, nn.Dense(1, prefix="last_"))
    net.initialize()
    net(nd.ones((1, 4)))

    assert net[0][1].bias.name == "inner_dense1_bias"
    assert net[0][1].bias.data().shape == (2,)
    assert names(net.collect_params(".*bias")) == [
        "inner_dense0_bias",
        "inner_dense1_bias",
        "last_bias",
    ]


def test_a_layer_added_twice_is_listed_once_and_shown_twice():
    layer = nn.Dense(3, in_units=3, prefix="tied_")
    net = nn.Sequential()
    net.add(layer, layer)

    assert len(net) == 2
    assert names(net.collect_params()) == ["tied_weight", "tied_bias"]
    assert str(net).count("Dense(3 -> 3, linear)") == 2


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (".*weight", [ALL[0], ALL[2]]),
        ("net_dense0", ALL[:2]),
        ("dense0", []),
        ("net_dense1_b|net_dense0_w", [ALL[0], ALL[3]]),
        (".*b", [ALL[1], ALL[3]]),
        ("", ALL),
        ("nothing_of_that_name", []),
    ],
)
def test_select_is_matched_from_the_start_of_the_full_name(select, expected):
    assert names(small_net().collect_params(select)) == expected


def test_a_pattern_that_is_not_a_regular_expression_is_refused():
    with pytest.raises(re.error, match="unterminated subpattern"):
        small_net().collect_params("(weight")


def test_different_parameters_of_one_name_are_found_when_collected():
    net = nn.Sequential()
    net.add(nn.Dense(2, prefix="same_"), nn.Dense(2, prefix="same_"))

    with pytest.raises(
        AssertionError,
        match="Cannot update self with other because they have different Parameters with the same "
        "name 'same_weight'",
    ):
        net.collect_params()

    assert names(net[1].collect_params()) == ["same_weight", "same_bias"]


def test_a_parameter_assigned_directly_is_collected_and_initialized():
    class Scale(nn.Block):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.factor = gluon.Parameter("factor", shape=(1,), init="ones")

        def forward(self, x):
            return x * self.factor.data()

    block = Scale()
    block.initialize()

    assert names(block.collect_params()) == ["factor"]
    assert block(nd.array([3.0])).asscalar() == 3


def test_a_parameter_attribute_is_not_overridden():
    layer = nn.Dense(2)
    kept = layer.weight

    with pytest.raises(
        AssertionError,
        match="Overriding Parameter attribute weight is not allowed. If you want to share parameters "
        "between blocks, please set 'params' at Block construction instead.",
    ):
        layer.weight = gluon.Parameter("other", shape=(2, 3))

    assert layer.weight is kept


@pytest.mark.parametrize(
    "container",
    [
        lambda layer: [layer],
        lambda layer: (layer,),
        lambda layer: {"a": layer},
        lambda layer: [[layer]],
    ],
    ids=["list", "tuple", "dict", "nested"],
)
def test_blocks_in_plain_containers_are_not_collected_and_that_is_said(container):
    class Net(nn.Block):
        def __init__(self):
            super().__init__()
            self.layers = container(nn.Dense(1))

    net = Net()

    message = (
        '"Net.layers" is an unregistered container with Blocks. Note that Blocks inside the list, '
        "tuple or dict will not be registered automatically."
    )
    with pytest.warns(UserWarning, match=message) as caught:
        assert names(net.collect_params()) == []
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="Net.layers"):
        net.initialize()


def test_blocks_in_a_container_that_are_children_as_well_need_no_warning():
    class Net(nn.Block):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Dense(1, prefix="a_")]
            self.register_child(self.layers[0])

    assert names(Net().collect_params()) == ["a_weight", "a_bias"]


def test_children_written_straight_into_the_dict_of_children_are_collected():
    class Chain(nn.Block):
        def add(self, block):
            self._children[block.name] = block

        def forward(self, x):
            for block in self._children.values():
                x = block(x)
            return x

    net = Chain()
    net.add(nn.Dense(3, prefix="a_"))
    net.add(nn.Dense(2, prefix="b_"))
    net.initialize()

    assert net(nd.ones((1, 4))).shape == (1, 2)
    assert names(net.collect_params()) == ["a_weight", "a_bias", "b_weight", "b_bias"]


def test_a_net_deeper_than_pythons_recursion_is_collected():
    net = nn.Sequential()
    net.add(nn.Dense(1, in_units=1))
    for _ in range(2000):
        outer = nn.Sequential()
        outer.add(net)
        net = outer

    assert len(net.collect_params()) == 2


@pytest.mark.parametrize(
    "use",
    [
        lambda selected: selected.setattr("lr_mult", 0),
        lambda selected: selected.initialize(),
        lambda selected: selected.zero_grad(),
        lambda selected: selected.reset_ctx(cpu()),
    ],
    ids=["setattr", "initialize", "zero_grad", "reset_ctx"],
)
def test_using_a_selection_that_matched_nothing_warns_and_says_how_to_select_by_path(use):
    selected = small_net().collect_params(r"0\..*")

    with pytest.warns(
        UserWarning, match=r"expected '0\\\.\.\*' to match .*by='path' selects by paths"
    ):
        use(selected)
    with pytest.warns(UserWarning, match="names have counters, as dense0_weight"):
        use(small_net().collect_params("weigth"))


def test_selections_and_nets_without_parameters_that_nobody_uses_say_nothing(recwarn):
    assert len(small_net().collect_params("weigth")) == 0
    nn.Sequential().collect_params().initialize()
    nn.Flatten().initialize()

    assert list(recwarn) == []


def test_a_selection_by_path_reaches_its_parameters():
    net = small_net()

    net.collect_params(r"0\..*", by="path").setattr("lr_mult", 0)

    assert [each.lr_mult for each in net.collect_params().values()] == [0, 0, 1, 1]
