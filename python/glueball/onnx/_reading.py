"""From an ONNX graph to a net, walking from the output to the input, one rule a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._disk import open_file
from glueball._reading import reading
from glueball.base import MXNetError
from glueball.gluon import nn
from glueball.gluon._declaration import declare_all, onnx_last_rules, onnx_rules
from glueball.onnx._external import read_external, take_external
from glueball.onnx._graph import Graph
from glueball.onnx._heads import Heads

if TYPE_CHECKING:
    from typing import TypeAlias

    from glueball.gluon import Block
    from glueball.gluon._declaration import Found

    # A tensor, and the layer that makes it.
    Link: TypeAlias = tuple[str, type[Block], Found]

__all__ = ["read_net"]


def read_net(onnx: Any, path: str) -> nn.HybridSequential:
    """Return the net that a file holds."""
    declare_all()
    # Protobuf's, the checker's and the helpers' errors have no common base.
    with reading(path, "an ONNX model", "export it again"):
        graph = Graph(onnx, *_checked_model(onnx, path), path)
        chains = [_chain_to(graph, tensor) for tensor in graph.outputs]
        for chain in chains:
            _check_indices(graph, [link[1:] for link in chain])
        net = nn.HybridSequential()
        with net.name_scope():
            if len(chains) == 1:
                net.add(*_layers(graph, chains[0]))
            else:
                net.add(*_trunk_and_heads(graph, chains))
        return net


def _chain_to(graph: Graph, tensor: str) -> list[Link]:
    """Return the layers from the input to a tensor."""
    chain: list[Link] = []
    while tensor != graph.input:
        kind, found = _layer_before(graph, tensor)
        if found.settings is not None:
            chain.append((tensor, kind, found))
        tensor = found.source
    return chain[::-1]


def _layers(graph: Graph, chain: list[Link]) -> list[Block]:
    return [_make(kind, found, graph) for kind, found in _absorbed([link[1:] for link in chain])]


def _trunk_and_heads(graph: Graph, chains: list[list[Link]]) -> list[Block]:
    """Return the layers that all outputs share, and after them one with a chain for each output."""
    shared = 0
    for links in zip(*chains, strict=False):
        if len({link[0] for link in links}) > 1:
            break
        shared += 1
    rest = [link[0] for chain in chains for link in chain[shared:]]
    twice = next((tensor for tensor in rest if rest.count(tensor) > 1), None)
    if twice is not None:
        message = (
            f"expected outputs of '{graph.path}' that part at one place, found that only some of "
            f"{graph.outputs} share '{twice}'; export them as models of their own"
        )
        raise MXNetError(message)
    heads = Heads()
    for chain in chains:
        head = nn.HybridSequential()
        head.add(*_layers(graph, chain[shared:]) or [nn.Identity()])
        heads.add(head)
    return [*_layers(graph, chains[0][:shared]), heads]


def _checked_model(onnx: Any, path: str) -> tuple[Any, dict[str, np.ndarray[Any, Any]]]:
    """Return a model, and its arrays that are in other files."""
    with open_file(path) as file:
        model = onnx.load_model_from_string(file.read())
    external = take_external(onnx, model)
    arrays = read_external(onnx, model, external, path)
    onnx.checker.check_model(model)
    if model.functions:  # the model's own, which may be called as ONNX's operators are
        model = onnx.inliner.inline_local_functions(model)
    return onnx.shape_inference.infer_shapes(model, data_prop=True), arrays


def _layer_before(graph: Graph, tensor: str) -> tuple[type[Block], Found]:
    """Return the layer whose output a tensor is, and its class."""
    node = graph.producer(tensor)
    if node is None:
        message = (
            f"expected a chain from the input '{graph.input}' to the output {' and '.join(map(repr, graph.outputs))} in "
            f"'{graph.path}', found that it begins at '{tensor}', which does not depend on the input; "
            "export the part that follows the input"
        )
        raise MXNetError(message)
    for kind, rule in (
        *onnx_rules.get(node.op_type, ()),
        *onnx_last_rules.get(node.op_type, ()),
    ):
        found = rule(graph, node)
        if found is not None:
            return kind, found
    known = node.op_type in onnx_rules or node.op_type in onnx_last_rules
    what = (
        f"node '{node.name}' of op type {node.op_type} with the inputs {list(node.input)} in a form that no "
        "dense layer has"
        if known
        else f"node '{node.name}' of op type {node.op_type}"
    )
    message = (
        f"expected nodes of a chain of dense layers in '{graph.path}', found {what}; supported are "
        f"{', '.join(sorted({*onnx_rules, *onnx_last_rules}))}, each on the output of the one before and constants"
    )
    raise MXNetError(message)


def _check_indices(graph: Graph, chain: list[tuple[type[Block], Found]]) -> None:
    """Refuse an input of integers that goes elsewhere than into an embedding."""
    first = chain[0][0] if chain else None
    if graph.takes_indices and not (
        first and first._declaration and first._declaration.takes_indices
    ):
        message = (
            f"expected that the integers of the input '{graph.input}' in '{graph.path}' are looked up "
            f"in an embedding (Gather), found {first.__name__ if first else 'nothing'} as the first "
            "layer; export the model with an input of float32"
        )
        raise MXNetError(message)


def _absorbed(chain: list[tuple[type[Block], Found]]) -> list[tuple[type[Block], Found]]:
    """Make layers part of those before them where these say so: they run as one."""
    shorter: list[tuple[type[Block], Found]] = []
    for kind, found in chain:
        absorb = _absorb_of(shorter[-1][0]) if shorter else None
        if absorb is None or not absorb(shorter[-1][1], kind, found):
            shorter.append((kind, found))
    return shorter


def _absorb_of(kind: type[Block]) -> Any:
    declaration: Any = kind._declaration
    return declaration.onnx.absorb


def _make(kind: type[Block], found: Found, graph: Graph) -> Block:
    try:
        layer = kind(**(found.settings or {}))
        layer.cast(graph.dtype)
        for name, values in found.arrays.items():
            layer._reg_params[name]._load_data(np.asarray(values), None)
    except MXNetError as error:
        message = (
            f"expected settings and arrays of a {kind.__name__} after '{found.source}' in '{graph.path}', "
            f"found others: {error}"
        )
        raise MXNetError(message) from error
    return layer
