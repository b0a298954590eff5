"""Parameters that learn or do not: by globs, by layer classes, by properties of blocks and parameters."""

from __future__ import annotations

import threading

import pytest

from glueball import autograd, nd
from glueball.gluon import Parameter, Trainer, nn


class Net(nn.Block):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Dense(4, in_units=3), nn.BatchNorm(in_channels=4))
        self.head = nn.Dense(2, in_units=4)

    def forward(self, x):
        return self.head(self.encoder(x))


def made():
    net = Net()
    net.initialize()
    return net


def learning(net):
    return [path for path, each in net.named_parameters() if each.grad_req != "null"]


ALL = [
    *("encoder.0.weight", "encoder.0.bias", "encoder.1.gamma", "encoder.1.beta"),
    *("head.weight", "head.bias"),
]


@pytest.mark.parametrize(
    ("which", "left"),
    [
        (("encoder.*",), ["head.weight", "head.bias"]),
        (("*.bias",), [path for path in ALL if "bias" not in path]),
        (("head.weight",), [path for path in ALL if path != "head.weight"]),
        (("encoder.[01].?eight",), [path for path in ALL if path != "encoder.0.weight"]),
        ((nn.Dense,), ["encoder.1.gamma", "encoder.1.beta"]),
        ((nn.Dense, "encoder.1.*"), []),
        ((), []),
    ],
)
def test_freeze_by_paths_and_classes(which, left):
    net = made()

    assert net.freeze(*which) is net
    assert learning(net) == left
    assert net.unfreeze(*which) is net
    assert learning(net) == ALL


@pytest.mark.parametrize("action", ["freeze", "unfreeze"])
@pytest.mark.parametrize(
    ("which", "near"),
    [
        ("encodr.*", "near it are 'encoder"),
        ("encoder", r"it is a block: write 'encoder\.\*'"),
        ("*.bais", "near it are"),
        ("dense0_*", "there are 'encoder"),
        (nn.Embedding, "parameters are of Dense, BatchNorm"),
        (nn.Sequential, "no such block has parameters of its own"),
    ],
)
def test_what_matches_nothing_is_an_error_and_changes_nothing(action, which, near):
    net = made()

    with pytest.raises(KeyError, match=f"to match a Parameter of 'net0'.*{near}"):
        getattr(net, action)("head.*", which)

    assert learning(net) == ALL
    getattr(net, action)("head.weight", which, strict=False)
    assert ("head.weight" in learning(net)) == (action == "unfreeze")


@pytest.mark.parametrize("which", [None, 3, ["*.bias"], nn.Dense(2)])
def test_what_is_neither_a_path_nor_a_class_is_refused(which):
    with pytest.raises(TypeError, match="expected paths or layer classes to freeze"):
        made().freeze(which)


def test_what_is_frozen_keeps_its_values_and_the_rest_learns():
    net = made().freeze("encoder.*")
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1})
    before = net.state_dict(copy=True)
    with autograd.record():
        loss = net(nd.random.normal(shape=(5, 3))).sum()
    loss.backward()
    trainer.step(1)

    changed = [
        path for path, array in net.state_dict().items()
        if (array.asnumpy() != before[path].asnumpy()).any()
    ]  # fmt: skip

    assert changed == [
        "encoder.1.running_mean",
        "encoder.1.running_var",
        "head.weight",
        "head.bias",
    ]


def test_a_trainer_that_was_made_before_passes_over_what_is_frozen():
    net = nn.Dense(1, in_units=1)
    net.initialize("ones")
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1})
    net.freeze("weight")
    with autograd.record():
        loss = net(nd.ones((1, 1)))
    loss.backward()
    trainer.step(1)

    assert net.weight.data().asnumpy() == [[1]]
    assert net.bias.data().asnumpy() == [-1]


def test_unfreezing_gives_back_what_grad_req_was():
    net = made()
    net.head.weight.grad_req = "add"

    net.freeze().unfreeze()

    assert net.head.weight.grad_req == "add"
    assert net.head.bias.grad_req == "write"
    assert net.encoder[1].running_mean.grad_req == "null"


def test_running_values_cannot_learn():
    net = made()

    with pytest.raises(ValueError, match="was made with differentiable=False"):
        net.unfreeze("*.running_*")
    with pytest.raises(ValueError, match="can learn"):
        net.encoder[1].running_mean.requires_grad = True


def test_freezing_before_shapes_are_known_holds_afterwards():
    net = nn.Sequential(nn.Dense(3), nn.Dense(2))

    net.freeze("0.*")
    net.initialize()
    net(nd.ones((1, 5)))

    assert learning(net) == ["1.weight", "1.bias"]


def test_a_tied_parameter_is_frozen_wherever_it_stands():
    first = nn.Dense(3, in_units=3)
    net = nn.Sequential(first, nn.Dense(3, in_units=3, params=first.params))

    net.freeze("1.*")

    assert not first.trainable
    assert not net.trainable


def test_a_shared_layer_is_frozen_by_any_of_its_paths():
    shared = nn.Dense(3, in_units=3)
    net = nn.Sequential(shared, nn.Flatten(), shared)

    net.freeze("2.weight")

    assert learning(net) == ["0.bias"]


def test_freezing_inside_record_leaves_what_is_recorded_by_then_computable():
    net = nn.Sequential(nn.Dense(2, in_units=2), nn.Dense(1, in_units=2))
    net.initialize()
    x = nd.ones((1, 2))

    with autograd.record():
        hidden = net[0](x)
        net.freeze("1.*")
        loss = net[1](hidden).sum()
    loss.backward()

    assert net[0].weight.has_grad
    assert not net[1].weight.has_grad


@pytest.mark.parametrize(
    ("word", "learns"), [("trainable", True), ("requires_grad", True), ("stop_gradient", False)]
)
def test_blocks_have_a_property(word, learns):
    net = made()

    setattr(net.encoder, word, not learns)

    assert learning(net) == ["head.weight", "head.bias"]
    assert getattr(net.encoder, word) is not learns
    assert getattr(net, word) is learns
    setattr(net, word, learns)
    assert learning(net) == ALL


def test_what_is_added_to_a_frozen_block_is_frozen_too():
    net = nn.Sequential(nn.Dense(2, in_units=2))
    net.trainable = False

    net.add(nn.Dense(2, in_units=2))
    net[0].extra = Parameter("extra", shape=(2,))

    assert learning(net) == []
    net.trainable = True
    net.add(nn.Dense(2, in_units=2))
    assert len(learning(net)) == 7


def test_an_empty_block_can_be_frozen_before_it_is_filled():
    net = nn.Sequential()
    net.trainable = False
    assert net.trainable is False

    net.add(nn.Dense(1, in_units=1))

    assert net.trainable is False


@pytest.mark.parametrize("value", [None, 2, "False", [True]])
@pytest.mark.parametrize("word", ["trainable", "requires_grad", "stop_gradient"])
def test_other_values_are_refused(word, value):
    net = made()

    with pytest.raises(TypeError, match="expected True or False"):
        setattr(net.head.weight, word, value)
    with pytest.raises(TypeError, match="expected True or False"):
        setattr(net, word, value)
    assert learning(net) == ALL


def test_parameters_have_properties():
    weight = made().head.weight

    weight.requires_grad = False
    assert (weight.grad_req, weight.stop_gradient, weight.trainable) == ("null", True, False)
    weight.stop_gradient = False
    assert (weight.grad_req, weight.requires_grad) == ("write", True)
    weight.trainable = False
    assert weight.grad_req == "null"
    assert weight.requires_grad_() is weight
    assert weight.grad_req == "write"


def test_letting_learn_what_learns_keeps_its_gradient():
    net = made()
    with autograd.record():
        loss = net.head(nd.ones((1, 4))).sum()
    loss.backward()

    net.requires_grad_(True)

    assert net.head.weight.grad().asnumpy().tolist() == [[1] * 4] * 2


def test_other_threads_run_the_net_while_it_is_frozen():
    net = made()
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
    for _ in range(100):
        net.freeze("encoder.*").unfreeze("encoder.0.*", nn.BatchNorm)
    done.set()
    thread.join()

    assert wrong == []
    assert learning(net) == ALL
