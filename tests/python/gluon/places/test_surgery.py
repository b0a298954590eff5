"""Children exchanged, put between others and taken out; nets of lists and dicts."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as onp
import pytest

from glueball import autograd, nd
from glueball.gluon import Trainer, nn

both = pytest.mark.parametrize("kind", [nn.Sequential, nn.HybridSequential])


class Net(nn.Block):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Dense(4, in_units=3), nn.Dense(4, in_units=4))
        self.head = nn.Dense(2, in_units=4)

    def forward(self, x):
        return self.head(self.encoder(x))


def scaling(factor):
    """A layer of one unit that multiplies by a factor."""
    layer = nn.Dense(1, in_units=1, use_bias=False)
    layer.initialize()
    layer.weight.set_data([[factor]])
    return layer


def result(net):
    """What a net of such layers makes of 1."""
    return net(nd.ones((1, 1))).asscalar()


@both
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda net: net.__setitem__(-1, scaling(7)), 2 * 3 * 7),
        (lambda net: net.__setitem__(0, scaling(7)), 7 * 3 * 5),
        (lambda net: net.insert(0, scaling(7)), 7 * 2 * 3 * 5),
        (lambda net: net.insert(-1, scaling(7)), 2 * 3 * 7 * 5),
        (lambda net: net.insert(99, scaling(7)), 2 * 3 * 5 * 7),
        (lambda net: net.append(scaling(7)), 2 * 3 * 5 * 7),
        (lambda net: net.extend([scaling(7), scaling(1)]), 2 * 3 * 5 * 7),
        (lambda net: net.pop(), 2 * 3),
        (lambda net: net.pop(0), 3 * 5),
        (lambda net: net.__delitem__(1), 2 * 5),
        (lambda net: net.__delitem__(slice(1, None)), 2),
        (lambda net: net.replace("1", scaling(7)), 2 * 7 * 5),
    ],
)
def test_a_net_that_has_run_computes_what_it_is_now(kind, change, expected):
    net = kind(scaling(2), scaling(3), scaling(5))
    assert result(net) == 30

    change(net)

    assert result(net) == expected
    paths = [path for path, _ in net.named_parameters()]
    assert paths == [f"{number}.weight" for number in range(len(net))]


def test_the_change_is_seen_by_nets_above():
    inner = nn.Sequential(scaling(2))
    net = nn.Sequential(inner, scaling(3))
    assert result(net) == 6

    inner[0] = scaling(5)

    assert result(net) == 15


def test_pop_returns_what_it_takes_out():
    layers = [scaling(2), scaling(3)]
    net = nn.Sequential(*layers)

    assert net.pop() is layers[1]
    assert list(net) == layers[:1]


def test_replace_reaches_any_depth_and_returns_what_stood_there():
    net = Net()
    net.initialize()
    net(nd.ones((1, 3)))
    old, new = net.encoder[1], nn.Dense(4, in_units=4, activation="relu")
    new.initialize("ones")

    assert net.replace("encoder.1", new) is old
    assert net.encoder[1] is new
    head = nn.Dense(5, in_units=4)
    head.initialize()
    net.replace("head", head)
    assert net.head is head
    assert net["head"] is head
    assert net(nd.ones((1, 3))).shape == (1, 5)


def test_replace_exchanges_one_place_of_a_shared_layer():
    shared = scaling(2)
    net = nn.Sequential(shared, shared)

    net.replace("1", scaling(5))

    assert result(net) == 10
    assert net[0] is shared


@pytest.mark.parametrize("path", ["encoder.7", "encodr.1", "decoder"])
def test_replace_at_a_path_that_is_not_there_names_near_ones(path):
    with pytest.raises(KeyError, match=f"found '{path}'; (did you mean|it has)"):
        Net().replace(path, nn.Dense(1))


@pytest.mark.parametrize(
    "change",
    [
        lambda net: net.encoder.__setitem__(0, "dense"),
        lambda net: net.encoder.insert(0, None),
        lambda net: net.replace("head", nn.Dense),
        lambda net: net.encoder.append(3),
        lambda net: net.encoder.extend([nn.Dense]),
        lambda net: net.add_module("tail", 3),
    ],
)
def test_what_is_not_a_block_is_refused_and_nothing_changes(change):
    net = Net()
    before = list(net.modules())

    with pytest.raises(TypeError, match="expected a Block as child"):
        change(net)

    assert list(net.modules()) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda net: net.__setitem__(2, nn.Dense(1)),
        lambda net: net.__setitem__(-3, nn.Dense(1)),
        lambda net: net.__delitem__(2),
        lambda net: net.pop(2),
        lambda net: nn.Sequential().pop(),
    ],
)
def test_numbers_that_are_not_there_are_refused(change):
    with pytest.raises(IndexError, match="for a child of"):
        change(Net().encoder)


def test_a_net_is_not_put_into_itself():
    net = Net()

    with pytest.raises(ValueError, match="does not contain its parent"):
        net.encoder[0] = net
    with pytest.raises(ValueError, match="does not contain its parent"):
        net.encoder.insert(0, net)

    assert len(net.encoder) == 2


def test_hybrid_nets_stay_hybrid():
    net = nn.HybridSequential(nn.Dense(1))

    with pytest.raises(ValueError, match="Children of HybridBlock must also be HybridBlock"):
        net[0] = nn.Sequential()
    with pytest.raises(ValueError, match="Children of HybridBlock must also be HybridBlock"):
        net.insert(0, nn.Sequential())


def test_names_stay_where_children_have_some():
    net = nn.Sequential(OrderedDict(first=scaling(2), second=scaling(3)))

    net.insert(1, scaling(5))
    net.append(scaling(7))
    net[0] = scaling(1)

    assert [name for name, _ in net.named_children()] == ["first", "1", "second", "3"]
    assert result(net) == 5 * 3 * 7


@both
def test_nets_are_made_of_lists_and_ordered_dicts(kind):
    layers = [scaling(2), scaling(3)]

    assert list(kind(layers)) == list(kind(tuple(layers))) == layers
    named = kind(OrderedDict(first=layers[0], second=layers[1]))
    assert [path for path, _ in named.named_parameters()] == ["first.weight", "second.weight"]
    assert named["first"] is layers[0]
    assert result(named) == 6
    assert len(kind([])) == len(kind({})) == 0
    with pytest.raises(TypeError, match="expected a Block as child"):
        kind([nn.Dense(1), 3])
    with pytest.raises(TypeError, match="expected a Block as child"):
        kind({"first": 3})


@pytest.mark.parametrize("word", ["add_module", "add_sublayer"])
def test_add_module_makes_an_attribute_or_a_named_child(word):
    net, chain, layer = Net(), nn.Sequential(), nn.Dense(1)

    assert getattr(net, word)("tail", layer) is (layer if word == "add_sublayer" else None)
    getattr(chain, word)("block 0", layer)

    assert net.tail is net["tail"] is layer
    assert [name for name, _ in chain.named_children()] == ["block 0"]
    assert "(tail)" in repr(net)


@pytest.mark.parametrize("name", ["head", "forward", "encoder.2", ""])
def test_add_module_refuses_names_that_are_taken_or_have_dots(name):
    net = Net()

    with pytest.raises(ValueError, match="expected a name"):
        net.add_module(name, nn.Dense(1))

    assert len(list(net.children())) == 2


def test_slices_share_parameters_and_keep_names():
    net = nn.Sequential(OrderedDict(first=scaling(2), second=scaling(3), third=scaling(5)))

    part = net[1:]

    assert [name for name, _ in part.named_children()] == ["second", "third"]
    part["second.weight"].data = [[7]]
    assert result(net) == 2 * 7 * 5


def test_a_trainer_made_after_trains_what_is_there():
    net = nn.Sequential(scaling(2), scaling(3))
    net[1] = scaling(5)
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1})
    with autograd.record():
        loss = net(nd.ones((1, 1)))
    loss.backward()
    trainer.step(1)

    assert [array.item() for array in net.get_weights()] == [2 - 5, 5 - 2]


def test_shapes_are_inferred_after_a_change():
    net = nn.Sequential(nn.Dense(4), nn.Dense(3))
    net.initialize()

    net.insert(1, nn.Dense(6))
    net.initialize(missing_only=True)
    net.infer_shape((None, 5))

    assert [each.shape for each in net.parameters()][::2] == [(4, 5), (6, 4), (3, 6)]


def test_changes_inside_record_leave_what_was_recorded():
    net = nn.Sequential(scaling(2), scaling(3))
    first = net[0].weight
    with autograd.record():
        loss = net(nd.ones((1, 1)))
        net[1] = scaling(7)
    loss.backward()

    assert first.grad().asscalar() == 3
    assert result(net) == 14


def test_other_threads_see_the_net_as_it_was_or_as_it_is():
    net = nn.Sequential(scaling(2), scaling(3))
    x = nd.ones((1, 1))
    seen, errors = set(), []
    done = threading.Event()

    def run():
        while not done.is_set():
            try:
                seen.add(net(x).asscalar())
            except Exception as error:  # noqa: BLE001 - what any thread meets fails the test
                errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    for turn in range(100):
        net[1] = scaling(5 if turn % 2 else 3)
        net.insert(1, scaling(7))
        net.pop(1)
    done.set()
    thread.join()

    assert errors == []
    assert seen <= {6.0, 10.0, 42.0, 70.0}


def test_a_frozen_net_freezes_what_is_put_in():
    net = nn.Sequential(scaling(2), scaling(3))
    net.trainable = False

    net[0] = scaling(5)
    net.insert(0, scaling(7))

    assert net.trainable_weights == []


def test_what_was_exchanged_is_saved_and_loaded(tmp_path):
    net = Net()
    net.initialize()
    net.encoder.insert(1, nn.Activation("relu"))
    net.save_parameters(str(tmp_path / "net.params"))
    other = Net()
    other.encoder.insert(1, nn.Activation("relu"))

    other.load_parameters(str(tmp_path / "net.params"))

    x = nd.ones((1, 3))
    onp.testing.assert_array_equal(net(x).asnumpy(), other(x).asnumpy())
