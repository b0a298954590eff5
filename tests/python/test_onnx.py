"""ONNX: what is written runs elsewhere to the same outputs, and what is read computes what it did."""

from __future__ import annotations

import errno
import os
import pathlib
import re

import numpy as onp
import onnx as onnx_package
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from glueball import MXNetError, _core, autograd, nd, onnx, random
from glueball.base import ArgumentError, DtypeError, FileAccessError
from glueball.gluon import nn
from glueball.onnx import _writing
from onnx_files import assert_alike, run_elsewhere
from random_nets import FUNCTIONS, KINDS, nets, normal, randomised


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "net.onnx")


def assert_travels(net, x, path, shape=None, **options):
    """Check that the file is valid, and that ONNX Runtime and glueball get the net's outputs from it."""
    expected = net(nd.array(x, dtype=x.dtype)).asnumpy()

    onnx.export(net, path, shape, **options)

    onnx_package.checker.check_model(path, full_check=True)
    assert_alike(run_elsewhere(path, x), expected)
    again = onnx.load(path)
    assert_alike(again(nd.array(x, dtype=x.dtype)).asnumpy(), expected)
    return again


# Out and back


# By class: what makes it, and an input that it takes; None for what has no place in a chain of ONNX nodes.
EVERY_LAYER = {
    nn.Activation: ([nn.Activation(each) for each in FUNCTIONS], (3, 4)),
    nn.BatchNorm: ([nn.BatchNorm(), nn.BatchNorm(scale=False)], (3, 4)),
    nn.Block: None,
    nn.Concurrent: None,
    nn.Dense: ([nn.Dense(5), nn.Dense(5, flatten=False, activation="tanh")], (3, 4, 2)),
    nn.Dropout: ([nn.Dropout(0.3)], (3, 4)),
    nn.ELU: ([nn.ELU(0.7)], (3, 4)),
    nn.Embedding: ([nn.Embedding(5, 2)], (3, 4)),
    nn.Flatten: ([nn.Flatten()], (3, 4, 2)),
    nn.GELU: ([nn.GELU()], (3, 4)),
    nn.GroupNorm: ([nn.GroupNorm(), nn.GroupNorm(2, center=False)], (3, 4, 5)),
    nn.HybridBlock: None,
    nn.HybridConcurrent: None,
    nn.HybridLambda: ([nn.HybridLambda("softmax"), nn.HybridLambda("log_softmax")], (3, 4)),
    nn.HybridSequential: (
        [nn.HybridSequential(nn.Dense(2), nn.HybridSequential(nn.SiLU()))],
        (3, 4),
    ),
    nn.Identity: ([nn.Identity()], (3, 4)),
    nn.InstanceNorm: ([nn.InstanceNorm(), nn.InstanceNorm(scale=True)], (3, 4, 5)),
    nn.Lambda: ([nn.Lambda("softmax")], (3, 4)),
    nn.LayerNorm: ([nn.LayerNorm(), nn.LayerNorm(center=False)], (3, 4)),
    nn.LeakyReLU: ([nn.LeakyReLU(0.3)], (3, 4)),
    nn.PReLU: ([nn.PReLU(), nn.PReLU(in_channels=4)], (3, 4)),
    nn.SELU: ([nn.SELU()], (3, 4)),
    nn.Sequential: ([nn.Sequential(nn.Dense(2))], (3, 4)),
    nn.SiLU: ([nn.SiLU()], (3, 4)),
    nn.Swish: ([nn.Swish(1.7), nn.Swish()], (3, 4)),
}


def layers_of_nn():
    named = (getattr(nn, name) for name in nn.__all__)
    return {each for each in named if isinstance(each, type) and issubclass(each, nn.Block)}


def test_the_list_of_layers_is_complete():
    assert set(EVERY_LAYER) == layers_of_nn()


@pytest.mark.parametrize("kind", sorted(EVERY_LAYER, key=lambda kind: kind.__name__))
def test_every_layer_that_is_written_is_read(kind, path):
    if EVERY_LAYER[kind] is None:
        with pytest.raises(ArgumentError, match=rf"found .*\({kind.__name__}\)"):
            onnx.export(kind(), path, (None, 4))
        return
    layers, shape = EVERY_LAYER[kind]
    x = onp.abs(onp.round(normal(*shape))) if kind is nn.Embedding else normal(*shape)
    for layer in layers:
        net = nn.HybridSequential() if isinstance(layer, nn.HybridBlock) else nn.Sequential()
        net.register_child(layer)

        again = assert_travels(randomised(net, x), x, path, (None, *shape[1:]))

        kept = {name: parameter.shape for name, parameter in net._walk_parameters()}
        assert sum(map(onp.prod, kept.values())) <= sum(
            onp.prod(parameter.shape) for _, parameter in again._walk_parameters()
        )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_activation_travels(function, path):
    x = onp.concatenate([normal(3, 4), onp.array([[-30, -1, 0, 30]], "float32")])
    net = randomised(
        nn.HybridSequential(nn.Activation(function), nn.Dense(2, activation=function)), x
    )

    assert_travels(net, x, path)


@pytest.mark.parametrize(
    "layer",
    [
        nn.LeakyReLU(0.3),
        nn.ELU(0.7),
        nn.SELU(),
        nn.GELU(),
        nn.SiLU(),
        nn.Swish(1.7),
        nn.PReLU(),
        nn.PReLU(in_channels=4),
        nn.Identity(),
        nn.Dropout(0.4),
        nn.Dropout(0.4, axes=(1,)),
        nn.HybridLambda("softmax"),
        nn.HybridLambda("log_softmax"),
        nn.BatchNorm(epsilon=1e-3),
        nn.BatchNorm(scale=False),
        nn.BatchNorm(axis=-1),
        nn.LayerNorm(),
        nn.LayerNorm(center=False),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_every_layer_travels(layer, path):
    x = normal(3, 4)
    net = nn.HybridSequential(layer, nn.Dense(4, activation="tanh"), nn.Dense(3))

    assert_travels(randomised(net, x), x, path, (None, 4))


@pytest.mark.parametrize("shape", [(3, 2, 4), (3, 5, 2, 4)])
@pytest.mark.parametrize(
    "layer",
    [
        nn.Dense(5, activation="relu"),
        nn.Dense(5, flatten=False),
        nn.Dense(5, flatten=False, use_bias=False, activation="gelu"),
        nn.Flatten(),
        nn.PReLU(in_channels=0),
        nn.LayerNorm(),
        nn.InstanceNorm(scale=True),
        nn.BatchNorm(),
        nn.HybridLambda("softmax"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_inputs_of_more_axes_travel(layer, shape, path):
    x = normal(*shape)
    net = nn.HybridSequential()
    net.register_child(type(layer)(**_settings(layer)))

    assert_travels(randomised(net, x), x, path, (None, *shape[1:]))


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_norms_travel(groups, path):
    x = normal(3, 6, 5, 2)
    net = nn.HybridSequential(nn.GroupNorm(groups, epsilon=1e-3), nn.GroupNorm(groups, scale=False))

    assert_travels(randomised(net, x), x, path, (None, 6, None, 2))


def test_an_embedding_travels_and_needs_the_shape_of_the_indices(path):
    x = onp.array([[0, 4, 2], [1, 1, 3]], "float32")
    net = randomised(nn.HybridSequential(nn.Embedding(5, 4), nn.Dense(3)), x)

    assert_travels(net, x, path, (None, 3))
    with pytest.raises(ArgumentError, match="expected the shape of the input"):
        onnx.export(net, path)


def _settings(layer):
    """Make each case a layer of its own: shapes, once inferred, stay."""
    if isinstance(layer, nn.Dense):
        return {
            "units": layer._units,
            "flatten": layer._flatten,
            "use_bias": layer.bias is not None,
            "activation": layer.act and layer.act._act_type,
        }
    if isinstance(layer, nn.HybridLambda):
        return {"function": layer._func_name}
    return {nn.PReLU: {"in_channels": 0}, nn.InstanceNorm: {"scale": True}}.get(type(layer), {})


def test_one_axis_is_a_batch_of_single_numbers(path):
    x = normal(5)
    net = randomised(nn.HybridSequential(nn.Dense(3, in_units=1)), x)

    assert_travels(net, x, path, (None,))


@given(made=nets(KINDS), folds=st.booleans())
def test_random_nets_travel(made, folds, tmp_path_factory):
    net, width = made
    x = normal(4, width)
    file = tmp_path_factory.mktemp("onnx") / "net.onnx"

    assert_travels(randomised(net, x), x, str(file), (None, width), fold_batch_norm=folds)


def test_float64_travels_to_the_digits_of_the_files_settings(path):
    x = normal(3, 4, dtype="float64")
    net = nn.HybridSequential(
        nn.Dense(5, activation="tanh", dtype="float64"),
        nn.LayerNorm(),
        nn.Dense(2, dtype="float64"),
    )
    net.cast("float64")
    randomised(net, x)
    expected = net(nd.array(x, dtype="float64")).asnumpy()

    onnx.export(net, path)

    (found,) = ReferenceEvaluator(path).run(None, {"input": x})
    # The file's epsilon is a float32: of 1e-5 it has seven digits.
    assert_alike(found, expected, 1e-10)
    again = onnx.load(path)
    assert again[0].weight.dtype == onp.float64
    assert_alike(again(nd.array(x, dtype="float64")).asnumpy(), expected, 1e-12)


# What the file says


def test_the_batch_size_may_vary_and_names_are_structural_paths(path):
    net = nn.HybridSequential(nn.Dense(4, activation="relu", in_units=3), nn.Dense(2, in_units=4))
    net.initialize()

    onnx.export(net, path)

    model = onnx_package.load(path)
    (given_input,) = model.graph.input
    assert given_input.type.tensor_type.shape.dim[0].dim_param == "batch"
    assert [node.op_type for node in model.graph.node] == ["Gemm", "Relu", "Gemm"]
    assert {each.name for each in model.graph.initializer} == {
        path for path, _ in net._walk_parameters()
    }
    assert model.producer_name == "glueball"
    for batch in (1, 7):
        assert run_elsewhere(path, normal(batch, 3)).shape == (batch, 2)


def test_a_batch_norm_becomes_part_of_the_linear_layer_before_it(path):
    x = normal(6, 3)
    net = nn.HybridSequential(
        nn.Dense(4, use_bias=False), nn.BatchNorm(), nn.BatchNorm(), nn.Dense(2, activation="tanh"),
        nn.BatchNorm(),
    )  # fmt: skip
    randomised(net, x)

    assert_travels(net, x, path)

    kinds = [node.op_type for node in onnx_package.load(path).graph.node]
    assert kinds == ["Gemm", "BatchNormalization", "Gemm", "Tanh", "BatchNormalization"]
    assert_travels(net, x, path, fold_batch_norm=False)
    kinds = [node.op_type for node in onnx_package.load(path).graph.node]
    assert kinds.count("BatchNormalization") == 3


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else(path, monkeypatch):
    net = randomised(nn.HybridSequential(nn.Dense(2, in_units=3)), normal(1, 3))
    onnx.export(net, path)
    before = pathlib.Path(path).read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_core.AtomicFile, "commit", full)
    with pytest.raises(FileAccessError, match="No space left on device.*free some space"):
        onnx.export(net, path)

    assert pathlib.Path(path).read_bytes() == before
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]


# Nets that one file cannot hold


@pytest.fixture
def small_files(monkeypatch):
    """Let a model have room for nothing but small arrays."""
    monkeypatch.setattr(_writing, "_MOST_BYTES", _writing._ROOM + 3000)
    monkeypatch.setattr(_writing, "_SMALL", 100)


def large(width=40):
    x = normal(5, 3)
    layers = [nn.Dense(width, activation="relu", in_units=3), nn.Dense(width), nn.Dense(2)]
    return randomised(nn.HybridSequential(*layers), x), x


@pytest.mark.usefixtures("small_files")
def test_arrays_that_have_no_room_travel_in_a_file_beside(path):
    net, x = large()

    assert_travels(net, x, path)

    model = onnx_package.load(path, load_external_data=False)
    (data,) = set(os.listdir(os.path.dirname(path))) - {os.path.basename(path)}
    assert re.fullmatch(re.escape(os.path.basename(path)) + r"\.[0-9a-f]{16}\.data", data)
    beside = [each for each in model.graph.initializer if each.data_location == each.EXTERNAL]
    assert {each.name for each in beside} == {
        "0.weight",
        "0.bias",
        "1.weight",
        "1.bias",
        "2.weight",
    }
    for tensor in beside:
        place = {each.key: each.value for each in tensor.external_data}
        assert place["location"] == data
        assert int(place["offset"]) % 4096 == 0
    assert [each.name for each in model.graph.input] == ["input"]
    onnx_package.checker.check_model(path, full_check=True)


@pytest.mark.usefixtures("small_files")
def test_a_new_export_takes_the_place_of_both_files(path):
    folder = pathlib.Path(path).parent
    onnx.export(large()[0], path)
    first = set(os.listdir(folder))
    (folder / "net.onnx.0123456789abcdef.data.mine").touch()

    net, x = large(41)
    onnx.export(net, path)

    second = set(os.listdir(folder)) - {"net.onnx.0123456789abcdef.data.mine"}
    assert len(second) == len(first) == 2
    assert second != first
    assert_alike(onnx.load(path)(nd.array(x)).asnumpy(), net(nd.array(x)).asnumpy())
    onnx.export(net, path)
    assert set(os.listdir(folder)) - {"net.onnx.0123456789abcdef.data.mine"} == second


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("commits", [0, 1])
@pytest.mark.parametrize("again", [False, True])
def test_when_either_file_cannot_be_written_the_old_pair_stays(path, commits, again, monkeypatch):
    folder = pathlib.Path(path).parent
    net, _ = large()
    onnx.export(net, path)
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    commit, left = _core.AtomicFile.commit, [commits]

    def full(file):
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1
        commit(file)

    monkeypatch.setattr(_core.AtomicFile, "commit", full)
    with pytest.raises(FileAccessError, match="No space left on device"):
        onnx.export(net if again else large(41)[0], path)

    assert {each.name: each.read_bytes() for each in folder.iterdir()} == before


def test_what_the_net_computes_when_it_trains_is_not_exported(path):
    x = normal(6, 3)
    net = randomised(nn.HybridSequential(nn.Dropout(0.5), nn.BatchNorm()), x)
    expected = net(nd.array(x)).asnumpy()

    with autograd.train_mode():
        onnx.export(net, path)

    assert_alike(run_elsewhere(path, x), expected)


def test_the_net_is_as_it_was(path):
    net = randomised(nn.HybridSequential(nn.Dense(4), nn.BatchNorm()), normal(2, 3))
    before = {name: p.data().asnumpy().copy() for name, p in net.collect_params().items()}

    onnx.export(net, path)

    for name, parameter in net.collect_params().items():
        onp.testing.assert_array_equal(parameter.data().asnumpy(), before[name])


def test_a_loaded_net_is_ready_to_train_on(path):
    random.seed(0)
    net = randomised(nn.HybridSequential(nn.Dense(4, activation="relu"), nn.Dense(2)), normal(2, 3))
    onnx.export(net, path)

    again = onnx.load(path)
    with autograd.record():
        loss = again(nd.ones((2, 3))).sum()
    loss.backward()

    assert repr(again[0]) == "Dense(3 -> 4, Activation(relu))"
    assert again[1].bias.grad().asnumpy().tolist() == [2, 2]


# What cannot be written


class Custom(nn.HybridBlock):
    def hybrid_forward(self, F, x):
        return x + 1


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (Custom(prefix="mine_"), r"'mine' \(Custom\) at '1.0'"),
        (nn.HybridLambda(lambda F, x: x), r"\(HybridLambda\) at '1.0'"),
        (nn.HybridLambda("cumsum"), r"\(HybridLambda\) at '1.0'"),
        (nn.HybridConcurrent(), r"\(HybridConcurrent\) at '1.0'"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_block_that_cannot_be_written_is_named_and_no_file_is_left(layer, named, path):
    net = nn.HybridSequential(nn.Dense(3, in_units=3), nn.HybridSequential(layer))
    net.initialize()

    with pytest.raises(
        ArgumentError, match=rf"expected layers that ONNX has.*found .*{named}; export"
    ):
        onnx.export(net, path)
    assert not os.path.exists(path)


def test_a_layer_whose_forward_was_replaced_is_none_of_ours(path):
    class Twice(nn.Dense):
        def hybrid_forward(self, F, x, weight, bias):
            return 2 * super().hybrid_forward(F, x, weight, bias)

    net = Twice(3, in_units=3)
    net.initialize()

    with pytest.raises(ArgumentError, match=r"\(Twice\)"):
        onnx.export(net, path)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.BatchNorm(axis=-1), (2, 3, 4), "expected BatchNorm over axis 1 at '0'.*found axis -1"),
        (nn.LayerNorm(axis=1), (2, 3, 4), "expected LayerNorm over the last axis at '0'"),
        (nn.InstanceNorm(axis=2), (2, 3, 4), "expected InstanceNorm over axis 1 at '0'"),
    ],
)
def test_axes_that_onnx_does_not_have_are_refused(layer, shape, message, path):
    net = randomised(nn.HybridSequential(layer), normal(*shape))

    with pytest.raises(ArgumentError, match=message):
        onnx.export(net, path, shape)


def test_the_inputs_shape_is_asked_for_where_no_layer_tells_it(path):
    net = nn.HybridSequential(nn.Activation("relu"))

    with pytest.raises(ArgumentError, match=r"expected the shape of the input.*pass input_shape"):
        onnx.export(net, path)
    onnx.export(net, path, (None, 3))
    assert run_elsewhere(path, -onp.ones((1, 3), "float32")).tolist() == [[0, 0, 0]]


def test_an_input_that_does_not_fit_is_refused(path):
    net = nn.HybridSequential(nn.Dense(2, in_units=3))
    net.initialize()

    with pytest.raises(MXNetError, match=r"\(batch, 3\) for 'dense"):
        onnx.export(net, path, (None, 4))


def test_a_net_without_values_is_refused_and_an_old_file_stays(path):
    with open(path, "w") as file:
        file.write("old")

    for shape in (None, (None, 3)):
        with pytest.raises(RuntimeError, match="has not been initialized"):
            onnx.export(nn.HybridSequential(nn.Dense(2)), path, shape)

    with open(path) as file:
        assert file.read() == "old"
    assert os.listdir(os.path.dirname(path)) == ["net.onnx"]


def test_parameters_of_two_dtypes_are_refused(path):
    net = nn.HybridSequential(nn.Dense(2, in_units=3), nn.Dense(2, in_units=2, dtype="float64"))
    net.initialize()

    with pytest.raises(
        DtypeError, match=r"one dtype in .*found float\d\d, float\d\d; cast the net"
    ):
        onnx.export(net, path)
