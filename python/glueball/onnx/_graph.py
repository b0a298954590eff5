"""An ONNX graph to look things up in: who makes a tensor, what is constant, which shape is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.base import MXNetError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Graph", "both_ways"]


class Graph:
    """One input, one output, and the nodes in between.

    Attributes
    ----------
    path : str
        The file, for messages.
    input, output : str
        Names of the two tensors.
    dtype : numpy.dtype
        Of the output, and of what is computed on the way.
    takes_indices : bool
        Whether the input is whole numbers, which an embedding looks up.

    Raises
    ------
    MXNetError
        If there are more inputs or outputs than one, or the dtype is none that layers compute in.
    """

    def __init__(self, onnx: Any, model: Any, path: str) -> None:
        self.path = path
        self._onnx = onnx
        graph = model.graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._indices = (onnx.TensorProto.INT64, onnx.TensorProto.INT32)
        self._arrays: dict[str, np.ndarray[Any, Any]] = {}
        self._producers = {name: node for node in graph.node for name in node.output if name}
        inputs = [each for each in graph.input if each.name not in self._constants]
        if len(inputs) != 1 or len(graph.output) != 1:
            message = (
                f"expected a model of one input and one output in '{path}', found the inputs "
                f"{[each.name for each in inputs]} and the outputs {[each.name for each in graph.output]}; "
                "export the chain from one tensor to the other"
            )
            raise MXNetError(message)
        self.input, self.output = inputs[0].name, graph.output[0].name
        self.takes_indices = inputs[0].type.tensor_type.elem_type in self._indices
        self.dtype = self._dtype_of(graph.output[0] if self.takes_indices else inputs[0])
        self.opset = next(
            (each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 1
        )
        self._shapes = {
            each.name: [
                axis.dim_value if axis.HasField("dim_value") else -1
                for axis in each.type.tensor_type.shape.dim
            ]
            for each in (*graph.input, *graph.value_info, *graph.output)
            if each.type.tensor_type.HasField("shape")
        }

    def _dtype_of(self, value: Any) -> np.dtype[Any]:
        kind = value.type.tensor_type.elem_type
        types = self._onnx.TensorProto
        if kind not in (types.FLOAT, types.DOUBLE):
            message = (
                f"expected an input and an output of float32 or float64 in '{self.path}', or an input of "
                f"int64 or int32 for an embedding, found '{value.name}' of {types.DataType.Name(kind)}; "
                "convert the model"
            )
            raise MXNetError(message)
        return np.dtype(np.float32 if kind == types.FLOAT else np.float64)

    def producer(self, tensor: str, *kinds: str) -> Any:
        """Return the node that makes a tensor, if its op type is one of `kinds` (or there are none)."""
        node = self._producers.get(tensor)
        return node if node is not None and (not kinds or node.op_type in kinds) else None

    def constant(self, tensor: str) -> np.ndarray[Any, Any] | None:
        """Return the array that a tensor always is, or None if it is computed."""
        # Exporters store equal arrays once, and give them further names by Identity nodes; some leave it
        # to whoever runs the file to turn a stored array.
        turns = []
        while (node := self.producer(tensor, *_TURNS)) is not None:
            turns.append(node)
            tensor = node.input[0]
        array = self._stored(tensor)
        for node in reversed(turns):
            lengths = self._stored(node.input[1]) if len(node.input) > 1 else None
            if array is None or (len(node.input) > 1 and lengths is None):
                return None
            try:
                array = _TURNS[node.op_type](array, self.attributes(node), lengths)
            except (TypeError, ValueError):  # of NumPy, about axes that the array does not have
                return None
        return array

    def _stored(self, tensor: str) -> np.ndarray[Any, Any] | None:
        if tensor not in self._arrays:
            stored = self._constants.get(tensor)
            node = self.producer(tensor, "Constant")
            if stored is not None:
                self._arrays[tensor] = self._onnx.numpy_helper.to_array(stored)
            elif node is not None and node.attribute[0].name.startswith("value"):
                value = self._onnx.helper.get_attribute_value(node.attribute[0])
                is_tensor = node.attribute[0].name == "value"
                self._arrays[tensor] = (
                    self._onnx.numpy_helper.to_array(value) if is_tensor else np.asarray(value)
                )
            else:
                return None
        return self._arrays[tensor]

    def number(self, tensor: str) -> float | None:
        """Return the number that a tensor always is, or None."""
        array = self.constant(tensor)
        return float(array.reshape(())) if array is not None and array.size == 1 else None

    def shape(self, tensor: str) -> list[int] | None:
        """Return a tensor's shape as far as it is known (-1), or None if not even the rank is."""
        return self._shapes.get(tensor)

    def rank(self, tensor: str) -> int | None:
        """Return how many axes a tensor has, if that is known."""
        shape = self.shape(tensor)
        return None if shape is None else len(shape)

    def is_to_indices(self, node: Any) -> bool:
        """Whether a Cast makes whole numbers."""
        return self.attributes(node).get("to") in self._indices

    def attributes(self, node: Any) -> dict[str, Any]:
        """Return a node's attributes by name."""
        read = self._onnx.helper.get_attribute_value
        return {each.name: read(each) for each in node.attribute}


def both_ways(node: Any) -> Iterator[tuple[str, str]]:
    """Yield the inputs of a node that does not care about their order, in both orders."""
    first, second = node.input
    yield first, second
    yield second, first


def _unsqueeze(
    array: np.ndarray[Any, Any], settings: dict[str, Any], axes: np.ndarray[Any, Any] | None
) -> np.ndarray[Any, Any]:
    # An attribute until opset 13.
    return np.expand_dims(array, tuple(settings["axes"] if axes is None else axes.tolist()))


# Nodes that only give an array another name or shape: what they make of (array, attributes, second input).
_TURNS: dict[str, Any] = {
    "Identity": lambda array, settings, _: array,
    "Transpose": lambda array, settings, _: np.transpose(array, settings.get("perm")),
    "Unsqueeze": _unsqueeze,
}
