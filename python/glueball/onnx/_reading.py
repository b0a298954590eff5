"""From an ONNX graph to a net, walking from the output to the input, one rule a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._disk import check_file
from glueball.base import MXNetError
from glueball.gluon import nn
from glueball.onnx._graph import Graph
from glueball.onnx._rules import RULES

if TYPE_CHECKING:
    from glueball.gluon import Block
    from glueball.onnx._found import Found

__all__ = ["read_net"]


def read_net(onnx: Any, path: str) -> nn.HybridSequential:
    """Return the net that a file holds."""
    graph = Graph(onnx, _checked_model(onnx, path), path)
    chain: list[Found] = []
    tensor = graph.output
    while tensor != graph.input:
        found = _layer_before(graph, tensor)
        chain.append(found)
        tensor = found.source
    _check_indices(graph, chain)
    net = nn.HybridSequential()
    with net.name_scope():
        for found in _with_activations_inside(chain[::-1]):
            if found.kind is not None:
                net.add(_make(found.kind, found, graph))
    return net


def _checked_model(onnx: Any, path: str) -> Any:
    check_file(path)
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # protobuf's and the checker's classes have no common base
        message = f"expected an ONNX model in '{path}', found {_first_line(error)}; export it anew"
        raise MXNetError(message) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _layer_before(graph: Graph, tensor: str) -> Found:
    """Return the layer whose output a tensor is."""
    node = graph.producer(tensor)
    if node is None:
        message = (
            f"expected a chain from the input '{graph.input}' to the output '{graph.output}' in "
            f"'{graph.path}', found that it begins at '{tensor}', which does not depend on the input; "
            "export the part behind the input"
        )
        raise MXNetError(message)
    for rule in RULES.get(node.op_type, ()):
        found = rule(graph, node)
        if found is not None:
            return found
    known = node.op_type in RULES
    what = (
        f"node '{node.name}' of op type {node.op_type} with the inputs {list(node.input)} in a form that no "
        "dense layer has"
        if known
        else f"node '{node.name}' of op type {node.op_type}"
    )
    message = (
        f"expected nodes of a chain of dense layers in '{graph.path}', found {what}; supported are "
        f"{', '.join(sorted(RULES))}, each on the output of the one before and constants"
    )
    raise MXNetError(message)


def _check_indices(graph: Graph, chain: list[Found]) -> None:
    """Refuse an input of whole numbers that goes elsewhere than into an embedding."""
    kinds = [found.kind for found in reversed(chain) if found.kind is not None]
    if graph.takes_indices and kinds[:1] != [nn.Embedding]:
        message = (
            f"expected that the whole numbers of the input '{graph.input}' in '{graph.path}' are looked up "
            f"in an embedding (Gather), found {kinds[0].__name__ if kinds else 'nothing'} as the first "
            "layer; export the model with an input of float32"
        )
        raise MXNetError(message)


def _with_activations_inside(chain: list[Found]) -> list[Found]:
    """Make activations that follow a dense layer part of it: they run as one."""
    shorter: list[Found] = []
    for found in chain:
        last = shorter[-1] if shorter else None
        if (
            last is not None
            and last.kind is nn.Dense
            and found.kind is nn.Activation
            and "activation" not in last.settings
        ):
            last.settings["activation"] = found.settings["activation"]
        else:
            shorter.append(found)
    return shorter


def _make(kind: type[Block], found: Found, graph: Graph) -> Block:
    try:
        layer = kind(**found.settings)
        layer.cast(graph.dtype)
        for name, values in found.arrays.items():
            layer._reg_params[name]._load_data(np.asarray(values), None)
    except MXNetError as error:
        message = (
            f"expected settings and arrays of a {kind.__name__} behind '{found.source}' in '{graph.path}', "
            f"found others: {error}"
        )
        raise MXNetError(message) from error
    return layer
