"""`Block.save` and `Block.load`: the pair of files that MXNet 1.9.1 has for a net."""

from __future__ import annotations

import json
import os
import pathlib

import numpy as onp
import pytest

from glueball import init, nd
from glueball.base import ArgumentError, FileFormatError
from glueball.gluon import nn


class Net(nn.HybridBlock):
    def __init__(self, *, names=("body", "head"), width=4, **kwargs):
        super().__init__(**kwargs)
        first, second = names
        with self.name_scope():
            setattr(self, first, nn.HybridSequential())
            getattr(self, first).add(nn.Dense(width, activation="relu"), nn.Dropout(0.5))
            setattr(self, second, nn.Dense(2))
        self.places = names

    def hybrid_forward(self, F, x):
        first, second = (getattr(self, name) for name in self.places)
        return second(first(x))


X = nd.array(onp.random.default_rng(1).normal(size=(3, 5)))


def ready(net):
    net.initialize(init.Normal(1))
    return net, net(X).asnumpy()


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path / "mlp")


def test_a_saved_net_is_read_into_one_that_was_built_alike(prefix):
    net, expected = ready(Net())
    net.save(prefix)
    assert sorted(os.listdir(os.path.dirname(prefix))) == ["mlp-model.json", "mlp-model.params"]

    again = Net()
    again.load(prefix)  # deferred: nothing was initialized

    onp.testing.assert_array_equal(again(X).asnumpy(), expected)
    again.load_parameters(f"{prefix}-model.params")  # which is save_parameters' file


def test_the_file_of_blocks_is_laid_out_as_mxnets(prefix):
    net, _ = ready(Net(prefix="net_"))
    net.save(prefix)

    with open(f"{prefix}-model.json") as file:
        found = json.load(file)

    assert found == {
        "net0": {
            "orig_name": "net",
            "hybridized": False,
            "children": {"net_hybridsequential0": "body", "net_dense1": "head"},
            "hybridsequential1": {
                "orig_name": "net_hybridsequential0",
                "hybridized": False,
                "children": {"net_dense0": "0", "net_dropout0": "1"},
                "dense2": {
                    "orig_name": "net_dense0",
                    "hybridized": False,
                    "children": {"net_dense0_relu": "act"},
                    "activation3": {
                        "orig_name": "net_dense0_relu",
                        "hybridized": False,
                        "children": {},
                    },
                },
                "dropout4": {"orig_name": "net_dropout0", "hybridized": False, "children": {}},
            },
            "dense5": {"orig_name": "net_dense1", "hybridized": False, "children": {}},
        }
    }


def test_what_mxnet_adds_for_hybridized_nets_is_left_aside(prefix):
    net, expected = ready(Net())
    net.save(prefix)
    with open(f"{prefix}-model.json") as file:
        blocks = json.load(file)
    blocks["net0"].update(
        hybridized=True, in_format=[0], out_format=0, inputs=["{}"], symbol='{"nodes": []}'
    )
    with open(f"{prefix}-model.json", "w") as file:
        json.dump(blocks, file)

    again = Net()
    again.load(prefix)

    onp.testing.assert_array_equal(again(X).asnumpy(), expected)


def test_attributes_may_have_other_names(prefix):
    net, expected = ready(Net())
    net.save(prefix)

    again = Net(names=("encoder", "output"))
    again.load(prefix)

    onp.testing.assert_array_equal(again(X).asnumpy(), expected)


def test_tied_layers_and_a_layer_that_stands_twice_come_back(prefix):
    def make():
        net = nn.Sequential()
        first = nn.Dense(5, in_units=5)
        net.add(first, nn.Dense(5, in_units=5, params=first.params), first)
        return net

    net, expected = ready(make())
    net.save(prefix)

    again = make()
    again.load(prefix)

    onp.testing.assert_array_equal(again(X).asnumpy(), expected)
    assert again[0].weight is again[1].weight


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: nn.HybridSequential(), r"with 'net0' at '', found 'hybridseq.*\(HybridSequential\) at ''"),
        (lambda: nn.Sequential(Net()), r"with 'net0' at '', found"),
        (lambda: with_child(Net(), nn.Flatten()), r"with 2 blocks inside 'net0' at '', found 3 inside"),
        (lambda: with_layer(nn.Dense(2)), r"with 'dropout4' at 'body.1', found '.*dense.*\(Dense\) at 'body.1'"),
        (lambda: with_layer(nn.Flatten()), r"with 'dropout4' at 'body.1', found '.*flatten"),
    ],
    ids=["another class", "nested", "one more", "another layer", "another one"],
)  # fmt: skip
def test_another_net_is_refused_at_the_first_difference_and_stays_as_it_was(make, what, prefix):
    ready(Net())[0].save(prefix)
    net = make()

    with pytest.raises(AssertionError, match=rf"mlp-model.json' describes, {what}"):
        net.load(prefix)

    assert all(p._state == "uninitialized" for p in net.collect_params().values())


def with_child(net, child):
    net.more = child
    return net


def with_layer(layer):
    net = Net()
    net.body._children["1"] = layer
    return net


def test_another_shape_is_refused_as_load_parameters_does(prefix):
    ready(Net(width=4))[0].save(prefix)
    net, before = ready(Net(width=6))

    with pytest.raises(AssertionError, match="shape incompatible"):
        net.load(prefix)

    onp.testing.assert_array_equal(net(X).asnumpy(), before)


def test_a_net_without_values_writes_neither_file(prefix):
    with pytest.raises(RuntimeError, match="has not been initialized"):
        Net().save(prefix)

    assert os.listdir(os.path.dirname(prefix)) == []


@pytest.mark.parametrize(
    "contents", [b"", b"{", b"[]", b'{"net0": 1}', b"\xff", b"{" * 100000 + b'"a":']
)
def test_a_damaged_file_of_blocks_is_named(contents, prefix):
    net, before = ready(Net())
    net.save(prefix)
    with open(f"{prefix}-model.json", "wb") as file:
        file.write(contents)

    with pytest.raises((FileFormatError, ArgumentError), match=r"mlp-model\.json"):
        net.load(prefix)

    onp.testing.assert_array_equal(net(X).asnumpy(), before)


def test_files_that_are_missing_are_os_errors(prefix):
    with pytest.raises(FileNotFoundError, match=r"mlp-model\.json"):
        Net().load(prefix)
    ready(Net())[0].save(prefix)
    os.remove(f"{prefix}-model.params")
    with pytest.raises(FileNotFoundError, match=r"mlp-model\.params"):
        Net().load(prefix)


def test_a_net_too_deep_for_json_says_so(prefix):
    net = nn.Sequential()
    for _ in range(900):
        net = nn.Sequential(net)
    with pytest.raises(ValueError, match="expected a net of some hundred levels at most"):
        net.save(prefix)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda root: root.update(net0=[]), "'net0' of the file is a list, not an object"),
        (
            lambda root: root["net0"].update(children=3),
            "'children' of 'net0' of .* is 3, not an obj",
        ),
        (lambda root: root["net0"]["children"].update(net_dense0=None), "is null, not a text"),
        (
            lambda root: root["net0"]["children"].update(net_dense0=2**70),
            "is 1180591620717411303424, not a text",
        ),
        (lambda root: root["net0"]["children"].update(net_dense0="\ud800"), "not text that UTF-8"),
    ],
    ids=["no record", "no children", "no key", "a number as key", "half a pair"],
)
def test_a_record_of_another_form_is_named_and_nothing_is_loaded(change, fault, prefix):
    ready(Net())[0].save(prefix)
    file = pathlib.Path(f"{prefix}-model.json")
    root = json.loads(file.read_bytes())
    change(root)
    file.write_text(json.dumps(root), "utf-8")
    net, before = ready(Net())

    with pytest.raises(
        FileFormatError, match=rf"blocks of a net as JSON in '.*mlp-model.json', found .*{fault}"
    ):
        net.load(prefix)

    onp.testing.assert_array_equal(net(X).asnumpy(), before)
