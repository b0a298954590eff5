"""Which nodes make which normalisation; GroupNorm is up to six of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.gluon import nn
from glueball.onnx._found import Found, short
from glueball.onnx._graph import both_ways

if TYPE_CHECKING:
    from glueball.gluon import Block
    from glueball.onnx._found import Rule
    from glueball.onnx._graph import Graph

__all__ = ["affine_norm", "batch_norm", "group_norm", "groups_as_instances"]


def _constants(graph: Graph, names: list[str]) -> list[np.ndarray[Any, Any]] | None:
    """Return the arrays of vectors that never change, or None if not all are that."""
    arrays = [graph.constant(name) for name in names]
    vectors = [array for array in arrays if array is not None and array.ndim == 1]
    return vectors if len(vectors) == len(names) else None


def batch_norm(graph: Graph, node: Any) -> Found | None:
    settings = graph.attributes(node)
    vectors = _constants(graph, list(node.input[1:5]))
    if vectors is None or settings.get("training_mode", 0):
        return None
    names = ("gamma", "beta", "running_mean", "running_var")
    made_with = {
        "epsilon": short(settings.get("epsilon", 1e-5)),
        "momentum": short(settings.get("momentum", 0.9)),
        "in_channels": vectors[0].size,
    }
    return Found(node.input[0], nn.BatchNorm, made_with, dict(zip(names, vectors, strict=True)))


def affine_norm(kind: type[Block], axis: int) -> Rule:
    def rule(graph: Graph, node: Any) -> Found | None:
        settings = graph.attributes(node)
        rank = graph.rank(node.input[0])
        given = settings.get("axis", axis)
        vectors = _constants(graph, [name for name in node.input[1:] if name])
        is_ours = given == axis or (rank is not None and given == rank + axis)
        if vectors is None or not is_ours:
            return None
        made_with = {
            "axis": axis,
            "epsilon": short(settings.get("epsilon", 1e-5)),
            "center": len(vectors) == 2,
            "scale": True,
            "in_channels": vectors[0].size,
        }
        arrays = dict(zip(("gamma", "beta"), [*vectors, np.zeros_like(vectors[0])], strict=False))
        return Found(node.input[0], kind, made_with, arrays)

    return rule


def group_norm(graph: Graph, node: Any) -> Found | None:
    """Return what a GroupNormalization is: of opset 21, since the checker passes no older one."""
    settings = graph.attributes(node)
    vectors = _constants(graph, list(node.input[1:3]))
    if vectors is None:
        return None
    return _groups(node.input[0], settings["num_groups"], settings.get("epsilon", 1e-5), *vectors)


def groups_as_instances(graph: Graph, node: Any) -> Found | None:
    """Return the GroupNorm whose last node is `node`, written with the operators of opset 6.

    That is a Reshape to (batch, groups, rest), InstanceNormalization, Reshape to the shape before, Mul
    and Add; the last two are left out by some where nothing is learned.
    """
    shift, tensor = _without_constant(graph, node.output[0], "Add")
    scale, tensor = _without_constant(graph, tensor, "Mul")
    back = graph.producer(tensor, "Reshape")
    norm = graph.producer(back.input[0], "InstanceNormalization") if back is not None else None
    into = graph.producer(norm.input[0], "Reshape") if norm is not None else None
    if norm is None or into is None:
        return None
    source = into.input[0]
    shape, vectors = graph.shape(source), _constants(graph, list(norm.input[1:3]))
    if shape is None or len(shape) < 2 or vectors is None:
        return None
    groups = vectors[0].size
    gamma, beta = _by_channel(scale, 1, len(shape)), _by_channel(shift, 0, len(shape))
    if (
        gamma is None
        or beta is None
        or not _is_grouping(graph.constant(into.input[1]), shape, groups)
        or not _is_shape_of(graph, back.input[1], source)
    ):
        return None
    # Arrays of one element broadcast, and tell nothing.
    lengths = {shape[1]} - {-1} | {gamma.size, beta.size} - {1}
    if len(lengths) != 1:
        return None
    (channels,) = lengths
    if channels % groups or vectors[1].size != groups:
        return None
    inner, outer = (np.repeat(vector, channels // groups) for vector in vectors)
    epsilon = graph.attributes(norm).get("epsilon", 1e-5)
    return _groups(source, groups, epsilon, inner * gamma, outer * gamma + beta)


def _groups(
    source: str,
    groups: int,
    epsilon: float,
    gamma: np.ndarray[Any, Any],
    beta: np.ndarray[Any, Any],
) -> Found:
    settings = {"num_groups": groups, "epsilon": short(epsilon), "in_channels": gamma.size}
    return Found(source, nn.GroupNorm, settings, {"gamma": gamma, "beta": beta})


def _without_constant(
    graph: Graph, tensor: str, kind: str
) -> tuple[np.ndarray[Any, Any] | None, str]:
    """Return the constant that an Add or Mul joins to a tensor, and that tensor; None if it is neither."""
    node = graph.producer(tensor, kind)
    for value, constant in both_ways(node) if node is not None else ():
        array = graph.constant(constant)
        if array is not None:
            return array, value
    return None, tensor


def _by_channel(
    array: np.ndarray[Any, Any] | None, usual: int, rank: int
) -> np.ndarray[Any, Any] | None:
    """Return the vector that an array, broadcast to `rank` axes, is along axis 1; None if it is none.

    No array stands for one number, the usual one.
    """
    if array is None:
        return np.full(1, usual, np.float32)
    aligned = (1,) * (rank - array.ndim) + array.shape
    return array.reshape(-1) if len(aligned) == rank and aligned[1] == array.size else None


def _is_grouping(wanted: np.ndarray[Any, Any] | None, shape: list[int], groups: int) -> bool:
    """Whether a Reshape to `wanted` makes (batch, groups, rest) of a tensor."""
    if wanted is None or wanted.shape != (3,) or groups < 1 or wanted[1] != groups:
        return False
    batch, rest = int(wanted[0]), int(wanted[2])
    length = math.prod(shape[1:]) // groups if -1 not in shape[1:] else None
    keeps_batch = batch == 0 or batch == shape[0] != -1
    return (keeps_batch and rest in (-1, length)) or (batch == -1 and rest == length)


def _is_shape_of(graph: Graph, tensor: str, source: str) -> bool:
    """Whether a Reshape of a tensor that was (batch, groups, rest) gives it the shape of `source` again."""
    node, wanted = graph.producer(tensor, "Shape"), graph.constant(tensor)
    if node is not None:
        return bool(node.input[0] == source and not node.attribute)
    shape = graph.shape(source)
    if wanted is None or shape is None or wanted.shape != (len(shape),):
        return False
    # A 0 copies the length at its place, which only the batch's still is; one -1 is what is left over.
    open_lengths = [
        int(length)
        for axis, (length, known) in enumerate(zip(wanted, shape, strict=True))
        if not (length == known != -1 or (axis == 0 and length == 0))
    ]
    return open_lengths in ([], [-1])
