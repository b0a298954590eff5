"""Normalisation of each sample over groups of channels; in ONNX it is up to six nodes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core, nd
from glueball.base import ArgumentError
from glueball.gluon._checks import check_count
from glueball.gluon._declaration import Found, LayerDeclaration, OnnxForm
from glueball.gluon.nn._normalisation import AFFINE, Normalisation

if TYPE_CHECKING:
    from glueball.gluon.block import Block
    from glueball.gluon.parameter import ParameterDict
    from glueball.onnx._graph import Graph
    from glueball.onnx._writing import Writer

__all__ = ["GroupNorm"]


def _to_onnx(graph: Writer, layer: GroupNorm) -> None:
    # An instance's normalization, the groups taken for its channels. GroupNormalization is in ONNX
    # Runtime for opset 21 only, and for float32.
    groups, x = layer._num_groups, graph.tensor
    shape = graph.add("Shape", part="shape")
    grouped = graph.constant("grouped", (0, groups, -1), np.int64)
    graph.add("Reshape", x, grouped, part="in_groups")
    plain = [graph.constant("one", np.ones(groups)), graph.constant("zero", np.zeros(groups))]
    graph.add("InstanceNormalization", graph.tensor, *plain, part="norm", epsilon=layer._epsilon)
    graph.add("Reshape", graph.tensor, shape, part="in_channels")
    lengths = (graph.shape[1], *(1,) * (len(graph.shape) - 2))
    for op_type, name in (("Mul", "gamma"), ("Add", "beta")):
        values = np.reshape(getattr(layer, name).data(), lengths)
        graph.add(op_type, graph.tensor, graph.constant(name, values), part=op_type)


def _from_group_node(graph: Graph, node: Any) -> Found | None:
    """Return what a GroupNormalization is: of opset 21, since the checker passes no older one."""
    settings = graph.attributes(node)
    vectors = graph.vectors(node.input[1:3])
    if vectors is None:
        return None
    return _groups(
        graph, node.input[0], settings["num_groups"], settings.get("epsilon", 1e-5), *vectors
    )


def _from_instances(graph: Graph, node: Any) -> Found | None:
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
    shape, vectors = graph.shape(source), graph.vectors(norm.input[1:3])
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
    return _groups(graph, source, groups, epsilon, inner * gamma, outer * gamma + beta)


def _groups(
    graph: Graph,
    source: str,
    groups: int,
    epsilon: float,
    gamma: np.ndarray[Any, Any],
    beta: np.ndarray[Any, Any],
) -> Found:
    settings = {"num_groups": groups, "epsilon": graph.short(epsilon), "in_channels": gamma.size}
    return Found(source, settings, {"gamma": gamma, "beta": beta})


def _without_constant(
    graph: Graph, tensor: str, kind: str
) -> tuple[np.ndarray[Any, Any] | None, str]:
    """Return the constant that an Add or Mul joins to a tensor, and that tensor; None if it is neither."""
    for value, constant in graph.both_ways(graph.producer(tensor, kind)):
        array = graph.constant(constant)
        if array is not None:
            return array, value
    return None, tensor


def _by_channel(
    array: np.ndarray[Any, Any] | None, usual: int, rank: int
) -> np.ndarray[Any, Any] | None:
    """Return the vector that an array, broadcast to `rank` axes, is along axis 1; None if it is not one.

    Without an array it is one number, the usual one.
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
        return bool(node.input[0] == source and not graph.attributes(node))
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


class GroupNorm(Normalisation):
    """Normalise each sample over groups of neighbouring channels, and all axes after them.

    Parameters
    ----------
    num_groups : int, default 1
        Into how many groups the channels, on axis 1, are divided.
    epsilon : float, default 1e-5
        Added to the (biased) variance.
    center, scale, beta_initializer, gamma_initializer, in_channels, prefix, params
        As for `BatchNorm`.

    Attributes
    ----------
    gamma, beta : Parameter
        Each of shape (channels,).

    Raises
    ------
    ValueError
        If `num_groups` does not divide the channels, `epsilon` is negative, or an initializer unknown.

    References
    ----------
    Y. Wu, K. He, "Group normalization", ECCV 2018.
    """

    _declaration = LayerDeclaration(
        "GroupNorm",
        lambda layer: layer._written("num_groups"),
        arrays=AFFINE,
        onnx=OnnxForm(
            _to_onnx,
            rules={
                "Add": _from_instances,
                "GroupNormalization": _from_group_node,
                "Mul": _from_instances,
                "Reshape": _from_instances,
            },
        ),
    )

    def __init__(
        self,
        num_groups: int = 1,
        epsilon: float = 1e-5,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        in_channels: int = 0,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        groups = check_count("num_groups of GroupNorm", num_groups, least=1)
        if check_count("in_channels of GroupNorm", in_channels, least=0) % groups:
            message = (
                f"expected a number of channels that {groups} groups can share equally in GroupNorm, "
                f"found {in_channels}; choose a num_groups that divides it"
            )
            raise ArgumentError(message)
        super().__init__(
            epsilon, center, scale, beta_initializer, gamma_initializer, in_channels, prefix, params
        )
        self._num_groups = groups

    def _pieces(self) -> list[_core.Layer | Block]:
        return [_core.GroupNorm(self.name, self.gamma, self.beta, self._num_groups, self._epsilon)]

    def hybrid_forward(self, F: Any, x: Any, gamma: Any, beta: Any) -> Any:
        """Normalise `x`, of shape (batch, channels, ...), with `gamma` and `beta`, for subclasses."""
        return nd.GroupNorm(x, gamma, beta, num_groups=self._num_groups, eps=self._epsilon)

    def _settings(self) -> dict[str, Any]:
        return {
            "eps": self._epsilon,
            "num_groups": self._num_groups,
            "center": self._center,
            "scale": self._scale,
            "in_channels": self._channels(),
        }
