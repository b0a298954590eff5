"""Blocks and parameters by their paths: listed, looked up, selected, and what a wrong path is told."""

from __future__ import annotations

import collections
import sys
import threading

import pytest

from glueball import autograd, nd
from glueball.gluon import Parameter, nn


class Net(nn.Block):
    """An encoder of two layers, and a head."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.encoder = nn.Sequential(nn.Dense(4, in_units=3), nn.Dense(4, in_units=4))
        self.head = nn.Dense(2, in_units=4)

    def forward(self, x):
        return self.head(self.encoder(x))


PATHS = [
    *("encoder.0.weight", "encoder.0.bias", "encoder.1.weight", "encoder.1.bias"),
    *("head.weight", "head.bias"),
]


def shared_layer():
    shared = nn.Dense(3, in_units=3)
    return nn.Sequential(nn.Dense(3, in_units=2), shared, nn.Flatten(), shared)


def test_paths_are_those_of_files(tmp_path):
    net = Net()
    net.initialize()
    net.save_parameters(str(tmp_path / "net.params"))

    assert [path for path, _ in net.named_parameters()] == PATHS
    assert sorted(nd.load(str(tmp_path / "net.params"))) == sorted(PATHS)


def test_children_are_what_is_right_below_a_block():
    net = Net()

    assert list(net.children()) == [net.encoder, net.head]
    assert list(net.named_children()) == [("encoder", net.encoder), ("head", net.head)]


def test_modules_are_all_blocks_parents_first():
    net = Net()

    assert list(net.modules()) == [net, net.encoder, net.encoder[0], net.encoder[1], net.head]
    paths = [path for path, _ in net.named_modules()]
    assert paths == ["", "encoder", "encoder.0", "encoder.1", "head"]


def test_a_shared_layer_is_listed_once_unless_every_place_is_asked_for():
    net = shared_layer()

    assert len(list(net.children())) == 3
    assert [name for name, _ in net.named_children()] == ["0", "1", "2"]
    assert [name for name, _ in net.named_children(unique=False)] == ["0", "1", "2", "3"]
    assert [path for path, _ in net.named_modules()] == ["", "0", "1", "2"]
    assert [path for path, _ in net.named_modules(unique=False)] == ["", "0", "1", "2", "3"]
    assert [path for path, _ in net.named_parameters()] == [
        *("0.weight", "0.bias", "1.weight", "1.bias"),
    ]
    assert [path for path, _ in net.named_parameters(unique=False)][4:] == ["3.weight", "3.bias"]
    assert len(list(net.parameters())) == 4


def test_a_tied_parameter_is_listed_once_unless_every_place_is_asked_for():
    first = nn.Dense(3, in_units=3)
    net = nn.Sequential(first, nn.Dense(3, in_units=3, params=first.params))

    assert [path for path, _ in net.named_parameters()] == ["0.weight", "0.bias"]
    assert len(list(net.named_parameters(unique=False))) == 4
    assert net.get("1.weight") is first.weight


def test_parameters_are_listed_before_shapes_are_known():
    net = nn.Sequential(nn.Dense(3), nn.Dense(2))

    assert [path for path, _ in net.named_parameters()][:2] == ["0.weight", "0.bias"]
    assert net["0.weight"].shape == (3, 0)


@pytest.mark.parametrize("look_up", [Net.get, Net.__getitem__])
def test_a_path_leads_to_a_block_or_a_parameter(look_up):
    net = Net()

    assert look_up(net, "encoder.1.bias") is net.encoder[1].bias
    assert look_up(net, "encoder.1") is net.encoder[1]
    assert look_up(net, "head") is net.head
    assert look_up(net, "") is net


def test_a_sequential_takes_numbers_and_paths():
    net = nn.Sequential(nn.Dense(3, in_units=2))

    assert net["0.weight"] is net[0].weight
    assert net["0"] is net[0]


def test_names_with_spaces_and_dots_are_found():
    net = nn.Sequential()
    net.register_child(nn.Sequential(nn.Dense(1, in_units=1)), "block 0")
    net.register_child(nn.Dense(1, in_units=1), "a.b")
    net.register_child(nn.Sequential(nn.Dense(1, in_units=1)), "a")

    assert net["block 0.0.bias"] is net[0][0].bias
    assert net["a.b.weight"] is net[1].weight
    assert net["a.0.weight"] is net[2][0].weight


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("encoder.1.bais", "'encoder.1.bias'"),
        ("encodr.1", "'encoder.1'"),
        ("heads", "'head'"),
        ("encoder.7.weight", "'encoder.1.weight'"),
    ],
)
def test_a_wrong_path_names_near_ones(path, near):
    with pytest.raises(KeyError) as caught:
        Net()[path]

    assert f"found '{path}'; did you mean" in str(caught.value)
    assert near in str(caught.value)


def test_a_name_in_place_of_a_path_is_told_the_path():
    net = Net()

    with pytest.raises(KeyError, match="it is a name, and the path is 'encoder.1.weight'"):
        net.get(net.encoder[1].weight.name)


@pytest.mark.parametrize("path", [None, 0, ("head",), b"head"])
def test_what_is_not_a_str_is_not_a_path(path):
    with pytest.raises(TypeError, match="expected a path in"):
        Net().get(path)


def test_a_parameter_knows_the_path_that_it_was_last_asked_by():
    net = Net()
    bias = net.encoder[1].bias
    assert bias.path is None
    assert repr(bias) == "Parameter dense1_bias (shape=(4,), dtype=float32)"

    list(net.named_parameters())
    assert bias.path == "encoder.1.bias"
    assert repr(bias).endswith("(shape=(4,), dtype=float32, path='encoder.1.bias')")
    list(net.encoder.parameters())
    assert bias.path == "1.bias"
    net["encoder.1.bias"]
    assert bias.path == "encoder.1.bias"


def test_gluons_transcripts_print_no_path():
    net = Net()
    list(net.named_parameters())

    assert "path" not in str(net.collect_params())
    assert "path" not in str(net.head.weight)


def test_selection_by_path():
    net = Net()

    selected = net.collect_params(r"encoder\.0\..*", by="path")

    assert list(selected.values()) == [net.encoder[0].weight, net.encoder[0].bias]


def test_selection_by_a_path_that_is_not_there_is_an_error_with_near_ones():
    with pytest.raises(
        KeyError, match=r"expected 'encodr\.0\.weight' to match .*encoder\.0\.weight"
    ):
        Net().collect_params("encodr.0.weight", by="path")


def test_selection_knows_two_kinds():
    with pytest.raises(ValueError, match="expected by='name' or by='path'"):
        Net().collect_params("x", by="paths")


def test_users_attributes_may_have_these_names():
    class Own(nn.Block):
        def __init__(self):
            super().__init__()
            self.children = [1, 2]
            self.weights = self.params.get("weights", shape=(2,))
            self.get = "mine"
            self.path = "x"

        def forward(self, x):
            return x

    net = nn.Sequential(Own())

    assert net[0].children == [1, 2]
    assert isinstance(net[0].weights, Parameter)
    assert [path for path, _ in net.named_parameters()] == ["0.weights"]
    assert net["0.weights"] is net[0].weights


def test_listing_inside_record_records_nothing():
    net = Net()
    net.initialize()
    x = nd.ones((2, 3))

    with autograd.record():
        list(net.named_parameters())
        y = net(x).sum()
        net["head.weight"]
    y.backward()

    assert net.head.weight.has_grad


def test_other_threads_run_the_net_while_it_is_listed():
    net = Net()
    net.initialize()
    x = nd.ones((2, 3))
    expected = net(x).asnumpy()
    wrong = []
    done = threading.Event()

    def run():
        while not done.is_set():
            if (net(x).asnumpy() != expected).any():
                wrong.append(1)

    thread = threading.Thread(target=run)
    thread.start()
    for _ in range(200):
        assert [path for path, _ in net.named_parameters()] == PATHS
        assert net["head.bias"] is net.head.bias
    done.set()
    thread.join()

    assert wrong == []


def calls_of(action, net):
    """Count the Python functions, and steps of generators, that an action runs."""
    count = collections.Counter()

    def note(frame, event, _):
        count[event] += 1

    sys.setprofile(note)
    try:
        action(net)
    finally:
        sys.setprofile(None)
    return count.total()


@pytest.mark.parametrize(
    "action",
    [
        lambda net: list(net.named_parameters()),
        lambda net: list(net.named_modules()),
        lambda net: net.tied(),
        lambda net: net.freeze("*.weight"),
        lambda net: net.state_dict(),
        lambda net: net.collect_params(".*", by="path"),
    ],
    ids=["named_parameters", "named_modules", "tied", "freeze", "state_dict", "collect_params"],
)
def test_ten_times_the_layers_cost_ten_times_the_calls(action):
    def net_of(count):
        net = nn.Sequential(*(nn.Dense(1, in_units=1) for _ in range(count)))
        net.initialize()
        return net

    small, large = (calls_of(action, net) for net in (net_of(40), net_of(400)))

    assert large < 10.5 * small


def test_a_look_up_costs_no_more_in_a_larger_net():
    small, large = (
        nn.Sequential(*(nn.Dense(1, in_units=1) for _ in range(count))) for count in (40, 400)
    )

    costs = [calls_of(lambda net: net.get("7.weight"), net) for net in (small, large)]

    assert costs[0] == costs[1]
