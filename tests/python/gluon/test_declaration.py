"""A layer that a file of its own declares is exported, loaded, named and differentiated like all others."""

from __future__ import annotations

import subprocess
import sys

import numpy as onp
import pytest

import glueball
from glueball import _core, autograd, interop, nd
from glueball.base import ArgumentError
from glueball.gluon import _declaration, nn
from glueball.gluon._declaration import ArrayNames, Found, LayerDeclaration, OnnxForm
from glueball.gluon.nn._native import NativeLayer


@pytest.fixture(autouse=True)
def registries_as_before():
    _declaration.declare_all()
    registries = _declaration.declared, _declaration.onnx_names, _declaration.onnx_rules
    before = [dict(each) if isinstance(each, dict) else list(each) for each in registries]
    rules = {op_type: list(each) for op_type, each in _declaration.onnx_rules.items()}
    yield
    for each, kept in zip(registries, [*before[:2], rules], strict=True):
        each.clear()
        each.extend(kept) if isinstance(each, list) else each.update(kept)


def make_projection():
    """A layer of the core: x W^T, whose array another library calls "matrix"."""

    class Projection(NativeLayer):
        _declaration = LayerDeclaration(
            "Dense",
            lambda layer: {
                "units": layer.weight.shape[0],
                "in_units": layer.weight.shape[1],
                "use_bias": False,
                "flatten": True,
                "activation": None,
            },
            arrays=(ArrayNames("weight", "matrix", "kernel", is_matrix=True),),
            onnx=OnnxForm(
                lambda graph, layer: graph.add(
                    "Gemm", graph.tensor, graph.constant("w", layer.weight.data()), transB=1
                )
            ),
        )

        def __init__(self, units, in_units, **kwargs):
            super().__init__(**kwargs)
            self.weight = self.params.get("weight", shape=(units, in_units))

        def _pieces(self):
            return [_core.Dense(self.name, self.weight, None, None, None, True)]

        def hybrid_forward(self, F, x, weight):
            return nd.FullyConnected(x, weight, None)

    return Projection


def make_hard_swish():
    """A layer of array functions: x min(max(x / 6 + 1 / 2, 0), 1)."""

    class HardSwish(nn.HybridBlock):
        _declaration = LayerDeclaration(
            onnx=OnnxForm(
                lambda graph, layer: graph.add("HardSwish"),
                rules={"HardSwish": lambda graph, node: Found(node.input[0], {})},
            )
        )

        def hybrid_forward(self, F, x):
            return x * F.clip(x / 6 + 0.5, 0, 1)

        def _infer_output(self, shape):
            return shape

    return HardSwish


def projection_net():
    net = nn.HybridSequential(make_projection()(4, 3), nn.Dense(2, in_units=4))
    net.initialize()
    return net


X = nd.array(onp.random.default_rng(1).normal(size=(5, 3)))


def test_it_is_written_to_a_model_file_as_the_kind_it_declares(tmp_path):
    net = projection_net()

    net.export(tmp_path / "net.safetensors")
    again = glueball.load(tmp_path / "net.safetensors")

    assert type(again[0]) is nn.Dense
    onp.testing.assert_array_equal(again(X).asnumpy(), net(X).asnumpy())


def test_one_that_declares_no_kind_is_refused_by_model_files(tmp_path):
    net = nn.HybridSequential(make_hard_swish()())

    with pytest.raises(ArgumentError, match=r"found '.*' \(HardSwish\) at '0'"):
        net.export(tmp_path / "net.safetensors")


def test_its_arrays_travel_under_the_names_it_declares():
    net = projection_net()
    theirs = {name: onp.ones_like(array) for name, array in interop.to_torch(net).items()}

    assert interop.load_torch(net, theirs).loaded["0.weight"] == "0.matrix"

    assert (net[0].weight.data().asnumpy() == 1).all()
    assert [array.shape for array in interop.to_keras(net)] == [(3, 4), (4, 2), (2,)]


def test_it_is_written_to_onnx_and_read_as_it_declares(tmp_path):
    onnx = pytest.importorskip("onnx")
    net = nn.HybridSequential(make_projection()(4, 3), make_hard_swish()(), nn.Dense(2))
    net.initialize()
    expected = net(X).asnumpy()

    glueball.onnx.export(net, tmp_path / "net.onnx")
    again = glueball.onnx.load(tmp_path / "net.onnx")

    nodes = [node.op_type for node in onnx.load(tmp_path / "net.onnx").graph.node]
    assert nodes == ["Gemm", "HardSwish", "Gemm"]
    assert [type(layer).__name__ for layer in again] == ["Dense", "HardSwish", "Dense"]
    onp.testing.assert_allclose(again(X).asnumpy(), expected, rtol=1e-5)


def test_messages_about_onnx_name_it(tmp_path):
    pytest.importorskip("onnx")
    make_hard_swish()

    with pytest.raises(ArgumentError, match=r"layers that ONNX has \(.*HardSwish.*found .*Concur"):
        glueball.onnx.export(nn.Concurrent(), tmp_path / "net.onnx", (None, 3))


@pytest.mark.parametrize("training", [True, False])
def test_it_is_differentiated_twice(training):
    net = nn.HybridSequential(make_projection()(4, 3), make_hard_swish()())
    net.initialize()
    net.cast("float64")
    w = net[0].weight.data().asnumpy()
    x = X.astype("float64")
    x.attach_grad()

    with autograd.record(train_mode=training):
        y = net(x)
        (slope,) = autograd.grad(y, [x], create_graph=True, retain_graph=True)
        total = (slope * slope).sum()
    total.backward()

    # With h(z) = z^2 / 6 + z / 2 inside (-3, 3): dx = h'(z) W, and the gradient of its square is 2 dx W^T h'' W.
    z = x.asnumpy() @ w.T
    assert (abs(z) < 3).all()
    dx = (z / 3 + 0.5) @ w
    onp.testing.assert_allclose(slope.asnumpy(), dx, rtol=1e-12)
    onp.testing.assert_allclose(x.grad.asnumpy(), 2 * (dx @ w.T / 3) @ w, rtol=1e-12)


def test_subclass_that_computes_something_else_is_not_taken_for_it(tmp_path):
    class Doubled(make_projection()):
        def forward(self, x):
            return 2 * super().forward(x)

    net = nn.HybridSequential(Doubled(4, 3))
    net.initialize()

    with pytest.raises(ArgumentError, match=r"\(Doubled\)"):
        net.export(tmp_path / "net.safetensors")
    with pytest.raises(ArgumentError, match=r"\(Doubled\)"):
        glueball.onnx.export(net, tmp_path / "net.onnx")


def test_layers_need_no_onnx_package_and_no_part_of_ours_for_it():
    program = (
        "import sys, glueball; from glueball.gluon import nn; nn.Dense(2);"
        "print([name for name in sys.modules if 'onnx' in name])"
    )

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert run.stdout == "[]\n"
