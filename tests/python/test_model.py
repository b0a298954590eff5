"""One-file models: a net goes into a file and comes back the same; anything else is refused."""

from __future__ import annotations

import os

import numpy as onp
import pytest
from hypothesis import given

import glueball
from glueball import _core, autograd, gluon, init, name, nd, npx
from glueball.base import ArgumentError, FileFormatError
from glueball.gluon import nn
from glueball.gluon._declaration import declare_all, declared
from model_files import architecture, dense, write
from random_nets import FUNCTIONS, KINDS, nets, normal, randomised

# Other work may share the machine.


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "net.safetensors")


@pytest.fixture(autouse=True)
def fresh_names():
    with name.NameManager():
        yield


def assert_same_bits(left, right):
    assert (left.shape, left.dtype) == (right.shape, right.dtype)
    assert left.asnumpy().tobytes() == right.asnumpy().tobytes()


def travelled(net, x, path):
    """Return the net as it comes out of a file, after a look at all that has to be equal."""
    x = nd.array(x, dtype=x.dtype)
    expected = net(x)

    net.export(path)
    again = glueball.load(path)

    assert_same_bits(again(x), expected)
    assert repr(again) == repr(net)
    assert (again.prefix, again.name) == (net.prefix, net.name)
    before, after = net.collect_params(), again.collect_params()
    assert list(after) == list(before)
    for key, parameter in after.items():
        assert_same_bits(parameter.data(), before[key].data())
        assert parameter.grad_req == before[key].grad_req
    return again


# Out and back


@given(made=nets(KINDS))
def test_random_nets_come_back_with_the_same_bits(made, tmp_path_factory):
    net, width = made
    x = normal(4, width)
    file = tmp_path_factory.mktemp("model") / "net.safetensors"

    travelled(randomised(net, x), x, str(file))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_activation_travels(function, path):
    x = normal(3, 4)
    net = nn.HybridSequential(nn.Activation(function), nn.Dense(2, activation=function))

    again = travelled(randomised(net, x), x, path)

    assert type(again[0]) is nn.Activation


@pytest.mark.parametrize(
    "layer",
    [
        nn.LeakyReLU(0.3),
        nn.ELU(0.7),
        nn.SELU(),
        nn.GELU(),
        nn.SiLU(),
        nn.Swish(1.7),
        nn.Identity(),
        nn.Flatten(),
        nn.Dropout(0.4),
        nn.Dropout(0.4, axes=(1, -1)),
        nn.Dense(3, use_bias=False, flatten=False),
        nn.PReLU(in_channels=0),
        nn.BatchNorm(axis=-1, momentum=0.8, epsilon=1e-3, scale=False),
        nn.BatchNorm(center=False, use_global_stats=True),
        nn.LayerNorm(axis=1, epsilon=1e-3, center=False),
        nn.InstanceNorm(axis=-1, scale=True),
        nn.InstanceNorm(),
        nn.GroupNorm(num_groups=2),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_every_layer_travels_alone_and_in_a_chain(layer, path):
    x = normal(3, 2, 4)
    randomised(layer, x)

    assert type(travelled(layer, x, path)) is type(layer)
    chain = nn.Sequential(nn.Sequential(layer))
    assert type(travelled(chain, x, path)[0][0]) is type(layer)


def test_axes_of_dropout_travel(path):
    net = nn.HybridSequential(nn.Dropout(0.5, axes=(1, -1)), nn.Dropout(0.25))
    net.export(path)

    again = glueball.load(path)

    assert repr(again) == repr(net)
    with open(path, "rb") as file:
        text = file.read().decode("latin-1")
    # Where no axes are given, none are written: older readers know nothing of them.
    assert text.count("axes") == 1


def test_float64_travels(path):
    x = normal(3, 4, dtype="float64")
    net = nn.HybridSequential(nn.Dense(5, activation="gelu", dtype="float64"))

    again = travelled(randomised(net, x), x, path)

    assert again[0].weight.dtype == onp.float64


def test_a_dense_layers_activation_may_have_a_parameter(path):
    layer = nn.Dense(4)
    layer.act = nn.LeakyReLU(0.25)
    x = normal(3, 2)
    randomised(layer, x)
    expected = layer(nd.array(x))

    layer.export(path)
    again = glueball.load(path)

    assert_same_bits(again(nd.array(x)), expected)
    assert repr(again) == "Dense(2 -> 4, LeakyReLU(0.25))"


def test_names_are_those_of_the_net_wherever_it_is_loaded(path):
    net = nn.HybridSequential(prefix="model_")
    with net.name_scope():
        net.add(nn.Dense(4, activation="relu"), nn.HybridSequential(nn.Dense(2)))
    net[1].add(nn.Dense(2, prefix="head_"))

    again = travelled(randomised(net, normal(1, 3)), normal(1, 3), path)

    assert list(again.collect_params())[-1] == "head_bias"
    assert again[0].name == "model_dense0"
    assert nn.Dense(1).name == "dense0"  # loading has used up no numbers


def test_a_net_loads_into_a_process_that_has_made_others(path):
    net = nn.HybridSequential(nn.Dense(2, in_units=3))
    net.initialize()
    net.export(path)

    first, second = glueball.load(path), glueball.load(path)

    assert first[0].weight is not second[0].weight
    assert first[0].weight.name == second[0].weight.name == net[0].weight.name


def test_children_taken_out_leave_no_gap_in_the_file(path):
    net = nn.HybridSequential(nn.Dense(3), nn.Dense(4), nn.Dense(2))
    del net._children["1"]
    x = nd.ones((1, 3))
    randomised(net, normal(1, 3))

    net.export(path)
    again = glueball.load(path)

    assert [key for key, _ in again._walk_parameters()][-1] == "1.bias"
    assert_same_bits(again(x), net(x))


def test_a_subclass_that_only_adds_layers_is_a_chain(path):
    class Net(nn.HybridSequential):
        def __init__(self):
            super().__init__()
            self.add(nn.Dense(3, in_units=2))

    net = Net()
    net.initialize()
    net.export(path)

    assert type(glueball.load(path)) is nn.HybridSequential


def test_an_empty_chain_travels(path):
    travelled(nn.HybridSequential(), normal(2, 3), path)


def test_hooks_stay_with_the_net(path):
    net = randomised(nn.HybridSequential(nn.Dense(2)), normal(1, 3))
    net[0].register_forward_hook(lambda *_: None)

    travelled(net, normal(1, 3), path)


def test_a_loaded_net_trains_on_bit_by_bit(path):
    def step(net):
        trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "wd": 0.1})
        with autograd.record():
            loss = (net(nd.array(x)) ** 2).sum()
        loss.backward()
        trainer.step(4)
        return [parameter.data().asnumpy() for parameter in net.collect_params().values()]

    x = normal(4, 3)
    net = randomised(nn.HybridSequential(nn.Dense(5, activation="tanh"), nn.Dense(2)), x)
    net.export(path)

    for ours, theirs in zip(step(glueball.load(path)), step(net), strict=True):
        onp.testing.assert_array_equal(ours, theirs)


def test_numpy_mode_travels(path):
    net = randomised(nn.HybridSequential(nn.Dense(2)), normal(1, 3))
    expected = net(nd.ones((1, 3))).asnumpy()
    net.export(path)

    npx.set_np()
    try:
        output = glueball.load(path)(glueball.np.ones((1, 3)))
    finally:
        npx.reset_np()

    onp.testing.assert_array_equal(onp.asarray(output), expected)


def test_the_same_net_gives_the_same_bytes(path, tmp_path):
    net = randomised(nn.HybridSequential(nn.Dense(2)), normal(1, 3))
    net.export(path)
    glueball.load(path).export(tmp_path / "again.safetensors")

    with open(path, "rb") as one, open(tmp_path / "again.safetensors", "rb") as two:
        assert one.read() == two.read()


# Ties


def test_tied_layers_are_stored_once_and_come_back_tied(path):
    first = nn.Dense(3, in_units=3)
    net = nn.HybridSequential(first, nn.Dense(3, in_units=3, params=first.params))

    again = travelled(randomised(net, normal(1, 3)), normal(1, 3), path)

    assert _core.ModelFile(os.fsencode(path)).places == {
        "0.weight": "0.weight",
        "0.bias": "0.bias",
        "1.weight": "0.weight",
        "1.bias": "0.bias",
    }
    assert again[1].weight is again[0].weight
    assert again[1].bias is again[0].bias
    assert again[1].name == "dense1"


def test_a_layer_used_twice_comes_back_as_two_that_are_tied(path):
    layer = nn.Dense(3, in_units=3, activation="tanh")
    net = nn.HybridSequential(layer, nn.Dense(3), layer)

    again = travelled(randomised(net, normal(1, 3)), normal(1, 3), path)

    assert again[2].weight is again[0].weight
    assert again[1].weight is not again[0].weight


def test_a_part_of_a_layer_may_be_tied(path):
    first = nn.Dense(3, in_units=3)
    second = nn.Dense(3, in_units=3, params=first.collect_params(".*weight"), use_bias=False)
    net = nn.HybridSequential(first, second)

    again = travelled(randomised(net, normal(1, 3)), normal(1, 3), path)

    assert again[1].weight is again[0].weight
    assert again[1].bias is None


def test_an_alias_may_come_before_what_it_names(path):
    model = architecture(dense(3, 3, "a_", use_bias=False), dense(3, 3, "b_", use_bias=False))
    write(path, model, {"1.weight": normal(3, 3)}, {"0.weight": "1.weight"})

    net = glueball.load(path)

    assert net[0].weight is net[1].weight
    assert net[0].weight.name == "a_weight"


def test_every_kind_that_the_core_knows_is_a_class_here_and_no_other():
    declare_all()

    assert set(declared) == set(_core.model_kinds())


def test_integers_may_be_written_as_floats(path):
    write(path, architecture(dense(2.0, 3.0)), {"0.weight": normal(2, 3), "0.bias": normal(2)})

    assert repr(glueball.load(path)[0]) == "Dense(3 -> 2, linear)"


def test_the_width_of_the_input_is_the_first_dense_layers(path):
    net = nn.HybridSequential(nn.Embedding(5, 4), nn.HybridSequential(nn.Dense(2), nn.Dense(3)))

    travelled(randomised(net, onp.zeros((2, 3))), onp.zeros((2, 3)), path)

    assert _core.ModelFile(os.fsencode(path)).architecture["in_units"] == 12


# What cannot be exported


class Custom(nn.HybridBlock):
    def hybrid_forward(self, F, x):
        return x + 1


class Twice(nn.Dense):
    def hybrid_forward(self, F, x, weight, bias):
        return 2 * super().hybrid_forward(F, x, weight, bias)


class Called(nn.Dense):
    def __call__(self, x):
        return super().__call__(x) + 1


class Scaled(nn.HybridSequential):
    def __init__(self):
        super().__init__()
        self.factor = self.params.get("factor", shape=(1,))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Custom(prefix="odd_"),
        lambda: Twice(2, in_units=2, prefix="odd_"),
        lambda: Called(2, in_units=2, prefix="odd_"),
        lambda: Scaled(),
        lambda: nn.HybridLambda("softmax", prefix="odd_"),
        lambda: nn.HybridConcurrent(prefix="odd_"),
    ],
    ids=["own block", "own forward", "own call", "own parameter", "function", "concurrent"],
)
def test_a_block_that_no_file_can_name_is_named_and_an_old_file_stays(make, path):
    layer = make()
    net = nn.HybridSequential(nn.Dense(2, in_units=2), nn.HybridSequential(layer))
    net.initialize()
    with open(path, "w") as file:
        file.write("old")

    kind = type(layer).__name__
    with pytest.raises(
        ArgumentError,
        match=rf"can name \(Seq.*found '{layer.name}' \({kind}\) at '1.0' of.*put its",
    ):
        net.export(path)

    with open(path) as file:
        assert file.read() == "old"
    assert os.listdir(os.path.dirname(path)) == ["net.safetensors"]


def test_an_activation_of_ones_own_inside_a_dense_layer_is_none_of_ours(path):
    layer = nn.Dense(2, in_units=2)
    layer.act = Custom()
    layer.initialize()

    with pytest.raises(ArgumentError, match=r"found 'dense0' \(Dense\)"):
        layer.export(path)


def test_a_setting_that_no_reader_takes_is_not_written(path):
    layer = nn.LeakyReLU(0.5)
    layer._alpha = -0.5

    with pytest.raises(FileFormatError, match="'alpha' of the net .LeakyReLU. to be from 0"):
        layer.export(path)
    assert not os.path.exists(path)


def test_a_net_without_values_says_so_in_gluons_words(path):
    net = nn.HybridSequential(nn.Dense(2))
    with pytest.raises(RuntimeError, match="has not been initialized. Note that"):
        net.export(path)
    net.initialize()
    with pytest.raises(gluon.parameter.DeferredInitializationError):
        net.export(path)
    assert not os.path.exists(path)


def test_mxnets_pair_of_files_is_refused_with_the_name_to_use(tmp_path):
    net = nn.HybridSequential(nn.Dense(2, in_units=2))
    net.initialize()

    with pytest.raises(
        ArgumentError, match=r"ends in .safetensors, found '.*mlp'.*mlp.safetensors'"
    ):
        net.export(str(tmp_path / "mlp"))
    with pytest.raises(ArgumentError, match=r"expected epoch 0.*'net-3.safetensors'"):
        net.export(str(tmp_path / "mlp.safetensors"), epoch=3)
    assert list(tmp_path.iterdir()) == []


def test_dtypes_names_and_depths_that_no_reader_takes_are_refused(path):
    mixed = nn.HybridSequential(nn.Dense(2, in_units=2), nn.Dense(2, in_units=2, dtype="float64"))
    mixed.initialize()
    with pytest.raises(
        ArgumentError, match="one dtype in .*found float32 and float64; cast the net"
    ):
        mixed.export(path)

    twins = nn.HybridSequential(*(nn.Dense(2, in_units=2, prefix="same_") for _ in range(2)))
    for layer in twins:
        layer.initialize()
    with pytest.raises(
        ArgumentError, match="different Parameters with the same name 'same_weight'"
    ):
        twins.export(path)

    net = nn.HybridSequential()
    for _ in range(24):
        net = nn.HybridSequential(net)
    with pytest.raises(ArgumentError, match="nested up to 24 deep, found more at '0.0"):
        net.export(path)
    net[0].export(path)
    assert repr(glueball.load(path)) == repr(net[0])


def test_a_folder_that_is_not_there_is_named(tmp_path):
    net = nn.HybridSequential(nn.Dense(2, in_units=2))
    net.initialize()

    with pytest.raises(FileNotFoundError, match="no_such"):
        net.export(str(tmp_path / "no_such" / "net.safetensors"))


def test_initializers_are_not_part_of_the_file(path):
    net = nn.HybridSequential(nn.Dense(2, in_units=2, weight_initializer=init.Constant(3)))
    net.initialize()
    net.export(path)

    again = glueball.load(path)
    again.initialize(init.Zero(), force_reinit=True)

    assert again[0].weight.data().asnumpy().tolist() == [[0, 0], [0, 0]]
