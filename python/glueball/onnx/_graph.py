"""An ONNX graph to look things up in: what makes a tensor, what is constant, which shape is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.base import MXNetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Graph"]


_OWN_DOMAINS = ("", "ai.onnx")
# Operators that computed something else before the seventh operator set, where broadcasting became NumPy's.
_CHANGED_IN_7 = frozenset(("Add", "Div", "Gemm", "Mul", "PRelu", "Sub"))


def _identity(node: Any, opset: int) -> str:
    """Return what an operator is called: its name alone is ONNX's, of the present meaning."""
    if node.domain not in _OWN_DOMAINS:
        return f"{node.domain}.{node.op_type}"
    is_old = opset < 7 and node.op_type in _CHANGED_IN_7
    # Moments for each element of a channel, which version 9 has no more.
    is_old |= any(each.name == "spatial" and each.i == 0 for each in node.attribute)
    return f"{node.op_type} of opset {opset}" if is_old else str(node.op_type)


class Graph:
    """One input, outputs, and the nodes in between; `arrays` are constants that are not in the model.

    A node's ``op_type`` is the operator's name in ONNX's own domain; of an operator of another domain, or
    of a version that computed something else, it is a name that no rule has.

    Attributes
    ----------
    path : str
        The file, for messages.
    input : str
        Name of the input tensor.
    outputs : list of str
        Names of the output tensors.
    dtype : numpy.dtype
        Of the outputs, and of what is computed on the way.
    takes_indices : bool
        Whether the input is integers, which an embedding looks up.

    Raises
    ------
    MXNetError
        If there are more inputs than one, or layers do not compute in the dtype.
    """

    def __init__(
        self, onnx: Any, model: Any, arrays: dict[str, np.ndarray[Any, Any]], path: str
    ) -> None:
        self.path = path
        self._onnx = onnx
        graph = model.graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._indices = (onnx.TensorProto.INT64, onnx.TensorProto.INT32)
        self._arrays = dict(arrays)
        self.opset = next(
            (each.version for each in model.opset_import if each.domain in _OWN_DOMAINS), 1
        )
        for node in graph.node:
            node.op_type = _identity(node, self.opset)
        self._producers = {name: node for node in graph.node for name in node.output if name}
        inputs = [
            each
            for each in graph.input
            if each.name not in self._constants and each.name not in arrays
        ]
        if len(inputs) != 1 or not graph.output:
            message = (
                f"expected a model of one input, and one output or more, in '{path}', found the inputs "
                f"{[each.name for each in inputs]} and the outputs {[each.name for each in graph.output]}; "
                "export the chain from one tensor to the other"
            )
            raise MXNetError(message)
        self.input, self.outputs = inputs[0].name, [each.name for each in graph.output]
        self.takes_indices = inputs[0].type.tensor_type.elem_type in self._indices
        self.dtype = self._dtype_of(graph.output[0] if self.takes_indices else inputs[0])
        self._types = {
            each.name: each.type.tensor_type.elem_type
            for each in (*graph.input, *graph.value_info, *graph.output)
        }
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
        # to the runtime to transpose a stored array.
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
        """Whether a Cast makes integers."""
        return self.attributes(node).get("to") in self._indices

    def keeps_type(self, node: Any) -> bool:
        """Whether a Cast makes of its input what it is already."""
        return bool(self.attributes(node).get("to") == self._types.get(node.input[0]))

    def attributes(self, node: Any) -> dict[str, Any]:
        """Return a node's attributes by name, without those that say what the operator does anyway."""
        read = self._onnx.helper.get_attribute_value
        usual = self._defaults(node.op_type)
        given = {each.name: read(each) for each in node.attribute}
        return {name: value for name, value in given.items() if usual.get(name) != value}

    def _defaults(self, op_type: str) -> dict[str, Any]:
        """Return the values of attributes that an operator has by itself, in the model's version."""
        try:
            schema = self._onnx.defs.get_schema(op_type, self.opset, "")
        except self._onnx.defs.SchemaError:
            return {}
        read, undefined = self._onnx.helper.get_attribute_value, self._onnx.AttributeProto.UNDEFINED
        return {
            name: read(each.default_value)
            for name, each in schema.attributes.items()
            if each.default_value.type != undefined
        }

    def vectors(self, names: Iterable[str]) -> list[np.ndarray[Any, Any]] | None:
        """Return the arrays of vectors that never change, or None if not all are that."""
        arrays = [self.constant(name) for name in names]
        vectors = [array for array in arrays if array is not None and array.ndim == 1]
        return vectors if len(vectors) == len(arrays) else None

    def both_ways(self, node: Any) -> Iterator[tuple[str, str]]:
        """Yield the inputs of a node that does not care about their order, in both orders; none of None."""
        if node is not None:
            first, second = node.input
            yield first, second
            yield second, first

    def factors(self, node: Any) -> Iterator[tuple[float, str, str]]:
        """Yield each way to read a product as number * tensor * tensor."""
        for a, b in self.both_ways(node):
            yield 1.0, a, b
            for c, d in self.both_ways(self.producer(b, "Mul")):
                for number, x, gate in ((a, c, d), (c, a, d), (c, d, a)):
                    factor = self.number(number)
                    if factor is not None:
                        yield factor, x, gate

    def multiple(self, tensor: str, x: str) -> float | None:
        """Return k if a tensor is k x."""
        if tensor == x:
            return 1.0
        node = self.producer(tensor, "Mul", "Div")
        if node is None:
            return None
        if node.op_type == "Div":
            divisor = self.number(node.input[1])
            return 1.0 / divisor if node.input[0] == x and divisor else None
        ways = self.both_ways(node)
        return next((self.number(number) for value, number in ways if value == x), None)

    def short(self, value: float) -> float:
        """Return the number that was meant: attributes are float32, in which 0.01 is 0.00999999977."""
        return float(str(np.float32(value)))


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
