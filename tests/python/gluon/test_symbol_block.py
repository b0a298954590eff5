"""Graphs in MXNet's format, written here by hand, give what their formulas say, and damaged ones an error."""

from __future__ import annotations

import json
import random as py_random

import numpy as onp
import pytest

from glueball import autograd, gluon, nd
from glueball.base import FileFormatError, MXNetError, OutsideScopeError, UnsupportedError
from glueball.gluon import SymbolBlock, nn

RNG = onp.random.default_rng(5)


class Graph:
    """Writes the two files as MXNet 1.9.1 does."""

    def __init__(self):
        self.nodes, self.arrays = [], {}

    def variable(self, name, array=None, kind="arg"):
        if array is not None:
            self.arrays[f"{kind}:{name}"] = nd.array(array, dtype="float32")
        self.nodes.append({"op": "null", "name": name, "inputs": []})
        return len(self.nodes) - 1

    def op(self, op, name, inputs, **attrs):
        node = {
            "op": op,
            "name": name,
            "inputs": [[i, 0, 0] if isinstance(i, int) else [*i, 0] for i in inputs],
        }
        if attrs:
            node["attrs"] = {key: str(value) for key, value in attrs.items()}
        self.nodes.append(node)
        return len(self.nodes) - 1

    def write(self, folder, *heads):
        text = {
            "nodes": self.nodes,
            "arg_nodes": [i for i, node in enumerate(self.nodes) if node["op"] == "null"],
            "node_row_ptr": list(range(len(self.nodes) + 1)),
            "heads": [[each, 0, 0] for each in heads],
            "attrs": {"mxnet_version": ["int", 10901]},
        }
        symbol, params = folder / "net-symbol.json", folder / "net-0000.params"
        symbol.write_text(json.dumps(text, indent=2))
        nd.save(str(params), self.arrays)
        return symbol, params


def weights(*shape):
    return RNG.normal(size=shape).astype("float32")


def mlp(folder):
    """A graph as `HybridSequential(Dense relu, BatchNorm, Dropout, Dense).export` writes it."""
    graph = Graph()
    x = graph.variable("data")
    w0, b0 = (
        graph.variable("dense0_weight", weights(5, 4)),
        graph.variable("dense0_bias", weights(5)),
    )
    h = graph.op(
        "FullyConnected", "dense0_fwd", [x, w0, b0], flatten=True, no_bias=False, num_hidden=5
    )
    h = graph.op("Activation", "dense0_relu_fwd", [h], act_type="relu")
    scale = [
        graph.variable(f"batchnorm0_{name}", onp.abs(weights(5)) + 0.5)
        for name in ("gamma", "beta")
    ]
    moving = [
        graph.variable(f"batchnorm0_running_{name}", onp.abs(weights(5)) + 0.5, kind="aux")
        for name in ("mean", "var")
    ]
    h = graph.op(
        "BatchNorm", "batchnorm0_fwd", [h, *scale, *moving],
        axis=1, eps=1e-05, fix_gamma=False, momentum=0.9, use_global_stats=False,
    )  # fmt: skip
    h = graph.op("Dropout", "dropout0_fwd", [h], axes="()", p=0.5, cudnn_off="False")
    w1, b1 = (
        graph.variable("dense1_weight", weights(3, 5)),
        graph.variable("dense1_bias", weights(3)),
    )
    h = graph.op(
        "FullyConnected", "dense1_fwd", [h, w1, b1], flatten=True, no_bias=False, num_hidden=3
    )
    return graph, *graph.write(folder, h)


def test_a_net_gives_what_its_arrays_say(tmp_path):
    graph, symbol, params = mlp(tmp_path)
    a = {
        name.partition(":")[2]: array.asnumpy().astype("float64")
        for name, array in graph.arrays.items()
    }
    x = weights(6, 4)

    net = SymbolBlock.imports(str(symbol), ["data"], str(params))

    hidden = onp.maximum(x @ a["dense0_weight"].T + a["dense0_bias"], 0)
    hidden = (hidden - a["batchnorm0_running_mean"]) / onp.sqrt(a["batchnorm0_running_var"] + 1e-5)
    hidden = hidden * a["batchnorm0_gamma"] + a["batchnorm0_beta"]
    wanted = hidden @ a["dense1_weight"].T + a["dense1_bias"]
    onp.testing.assert_allclose(net(nd.array(x)).asnumpy(), wanted, rtol=2e-5, atol=1e-5)
    assert sorted(net.collect_params()) == sorted(a)
    assert net.collect_params()["batchnorm0_running_mean"].grad_req == "null"


def test_it_trains_as_the_net_of_layers_does(tmp_path):
    graph, symbol, params = mlp(tmp_path)
    for node in graph.nodes:
        if node["op"] == "Dropout":
            node["attrs"]["p"] = "0.0"
    symbol, params = graph.write(tmp_path, len(graph.nodes) - 1)
    ours = nn.HybridSequential(
        nn.Dense(5, activation="relu"), nn.BatchNorm(epsilon=1e-5), nn.Dense(3)
    )
    ours.initialize()
    ours.infer_shape((None, 4))
    for path, name in {
        "0": "dense0", "1": "batchnorm0", "2": "dense1",
    }.items():  # fmt: skip
        for key, array in graph.arrays.items():
            if f":{name}_" in key:
                ours[f"{path}.{key.partition('_')[2]}"].set_data(array)
    theirs = SymbolBlock.imports(symbol, "data", params)
    x, y = nd.array(weights(8, 4)), nd.array([0, 1, 2, 0, 1, 2, 0, 1])

    losses = []
    for net in (ours, theirs):
        trainer = gluon.Trainer(
            net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9}
        )
        losses.append([])
        for _ in range(10):
            with autograd.record():
                loss = gluon.loss.SoftmaxCELoss()(net(x), y)
            loss.backward()
            trainer.step(8)
            losses[-1].append(float(loss.mean().asscalar()))

    assert losses[0][-1] < 0.5 * losses[0][0]
    onp.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    onp.testing.assert_allclose(theirs(x).asnumpy(), ours(x).asnumpy(), rtol=1e-3, atol=1e-4)


def test_operations_of_dense_nets_give_their_formulas(tmp_path):
    graph = Graph()
    x, index = graph.variable("data"), graph.variable("index")
    table = weights(7, 6)
    e = graph.op("Embedding", "embedding0_fwd", [index, graph.variable("embedding0_weight", table)], input_dim=7, output_dim=6, dtype="float32", sparse_grad=False)  # fmt: skip
    gamma, beta = weights(6), weights(6)
    n = graph.op("LayerNorm", "layernorm0_fwd", [e, graph.variable("g", gamma), graph.variable("b", beta)], axis=-1, eps=1e-5)  # fmt: skip
    r = graph.op("Reshape", "reshape0", [x], shape="(-1, 6)")
    s = graph.op("elemwise_add", "_plus0", [n, r])
    s = graph.op("_mul_scalar", "_mulscalar0", [s], scalar=0.5)
    s = graph.op("_rminus_scalar", "_rminusscalar0", [s], scalar="1")
    leaky = graph.op("LeakyReLU", "leaky0_fwd", [s], act_type="leaky", slope=0.1)
    both = graph.op("Concat", "concat0", [leaky, s], dim=1, num_args=2)
    parts = graph.op("SliceChannel", "split0", [both], num_outputs=2, axis=1)
    product = graph.op("broadcast_mul", "broadcast_mul0", [(parts, 0), (parts, 1)])
    label = graph.variable("softmax_label")
    out = graph.op("SoftmaxOutput", "softmax", [product, label], grad_scale=1.0)
    symbol, params = graph.write(tmp_path, out, s)
    net = SymbolBlock.imports(symbol, ["data", "index"], params)

    data, rows = weights(3, 2, 3), onp.array([6, 0, 3])
    got, got_s = net(nd.array(data), nd.array(rows))

    taken = table[rows].astype("float64")
    norm = (taken - taken.mean(1, keepdims=True)) / onp.sqrt(
        taken.var(1, keepdims=True) + 1e-5
    ) * gamma + beta
    s_wanted = 1 - 0.5 * (norm + data.reshape(3, 6))
    scores = onp.where(s_wanted > 0, s_wanted, 0.1 * s_wanted) * s_wanted
    exps = onp.exp(scores - scores.max(1, keepdims=True))
    onp.testing.assert_allclose(got_s.asnumpy(), s_wanted, rtol=1e-5, atol=1e-5)
    onp.testing.assert_allclose(
        got.asnumpy(), exps / exps.sum(1, keepdims=True), rtol=1e-4, atol=1e-6
    )
    assert "softmax_label" not in net.collect_params()


def test_what_does_not_fit_is_told(tmp_path):
    graph, symbol, params = mlp(tmp_path)
    with pytest.raises(
        MXNetError, match=r"as input_names, found \['x'\]; it has 'data', 'dense0_weight'"
    ):
        SymbolBlock.imports(symbol, ["x"], params)
    with pytest.raises(FileNotFoundError, match="correct the path"):
        SymbolBlock.imports(tmp_path / "none.json", ["data"], params)
    some = {key: value for key, value in graph.arrays.items() if "dense1_bias" not in key} | {
        "arg:more": nd.ones(2)
    }
    nd.save(str(tmp_path / "some.params"), some)
    with pytest.raises(MXNetError, match=r"missing \['dense1_bias'\], and unknown \['more'\]"):
        SymbolBlock.imports(symbol, ["data"], tmp_path / "some.params")
    net = SymbolBlock.imports(
        symbol, ["data"], tmp_path / "some.params", allow_missing=True, ignore_extra=True
    )
    with pytest.raises(MXNetError, match="dense1_bias"):
        net(nd.ones((2, 4)))
    net = SymbolBlock.imports(symbol, ["data"], params)
    with pytest.raises(MXNetError, match=r"expected 1 inputs \(data\), found 2"):
        net(nd.ones((2, 4)), nd.ones((2, 4)))
    with pytest.raises(OutsideScopeError, match=r"SymbolBlock\.imports"):
        SymbolBlock([], [])


@pytest.mark.parametrize("op", ["Convolution", "save", "load", "waitall", "__class__", "random"])
def test_an_operation_that_is_not_here_is_named(op, tmp_path):
    graph = Graph()
    out = graph.op(op, "x", [graph.variable("data")], fname=tmp_path / "written")
    symbol, _ = graph.write(tmp_path, out)

    with pytest.raises(UnsupportedError, match=f"found {op}; this net"):
        SymbolBlock.imports(symbol, ["data"])
    assert not (tmp_path / "written").exists()


def test_damaged_graphs_are_errors_of_the_file(tmp_path):
    _, symbol, params = mlp(tmp_path)
    text = symbol.read_text()
    root = json.loads(text)
    py_random.seed(1)
    seen = 0

    def places(value, path=()):
        yield path
        items = (
            value.items()
            if isinstance(value, dict)
            else enumerate(value)
            if isinstance(value, list)
            else ()
        )
        for key, each in items:
            yield from places(each, (*path, key))

    for path in list(places(root)):
        for wrong in (None, -1, 10**30, "x", [], {}, [[0, 9, 0]], 1.5):
            changed = json.loads(text)
            target = changed
            for key in path[:-1]:
                target = target[key]
            if path:
                target[path[-1]] = wrong
            else:
                changed = wrong
            symbol.write_text(json.dumps(changed))
            try:
                SymbolBlock.imports(symbol, ["data"], params)(nd.ones((2, 4)))
            except MXNetError:
                seen += 1
    assert seen > 300
    for cut in range(0, len(text), 97):
        symbol.write_text(text[:cut])
        with pytest.raises(FileFormatError, match=r"net-symbol\.json"):
            SymbolBlock.imports(symbol, ["data"], params)
