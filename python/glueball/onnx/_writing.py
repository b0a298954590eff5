"""From a net to an ONNX graph: one writer for each kind of layer."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball._core import __version__
from glueball._disk import write_bytes
from glueball.base import ArgumentError, DtypeError
from glueball.gluon import nn
from glueball.gluon.nn.activation import NativeActivation
from glueball.nd._record import result_axis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from glueball.gluon import Block

__all__ = ["make_model", "save_model"]

# The first that has Gelu, Mish and LayerNormalization as operators, and the file version of its time.
_OPSET, _IR_VERSION = 20, 9
_MOST_BYTES = 2**31 - 1  # of a protocol buffer

# Elementwise functions by the name of the one operator that computes them.
_OPERATORS = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softrelu": "Softplus",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "gelu": "Gelu",
    "mish": "Mish",
    "selu": "Selu",
    "leaky_relu": "LeakyRelu",
    "elu": "Elu",
}
_USUAL_ALPHA = {"leaky_relu": 0.01, "elu": 1.0}
_NAMED_FUNCTIONS = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}


@dataclass(frozen=True)
class _Step:
    """A layer, where it stands, and the shape of what it is given (-1: may vary)."""

    path: str
    layer: Any
    shape: tuple[int, ...]


class _Graph:
    """The graph under construction: a chain of nodes, whose end is `tensor`."""

    def __init__(self, onnx: Any, dtype: np.dtype[Any]) -> None:
        self.onnx = onnx
        self.dtype = dtype
        self.tensor = "input"
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, values: Any, dtype: Any = None) -> str:
        """Add an array, of the net's dtype if not of another, and return its name."""
        array = np.ascontiguousarray(np.asarray(values, dtype or self.dtype))
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def add(self, kind: str, *inputs: str, name: str, **attributes: Any) -> str:
        """Add a node, whose output becomes the end."""
        self.tensor = f"{name}/output"
        self.nodes.append(
            self.onnx.helper.make_node(kind, list(inputs), [self.tensor], name, **attributes)
        )
        return self.tensor


def make_model(
    onnx: Any, net: Block, input_shape: Sequence[int | None] | None, fold_batch_norm: bool
) -> Any:
    """Return the model of a net, approved by the package's own checker."""
    leaves = [(path, leaf) for path, leaf in _leaves(net) if not _does_nothing(leaf)]
    for path, leaf in leaves:
        _writer_of(path, leaf)  # what cannot be written is found before anything else
    shape = _input_shape(net, leaves, input_shape)
    steps, output = _with_shapes(leaves, shape)
    graph = _Graph(onnx, _dtype_of(net))
    is_folded = False
    for step, following in zip(steps, [*steps[1:], None], strict=False):
        if is_folded:  # it has become part of the step before
            is_folded = False
        elif fold_batch_norm and following is not None and _folds(step.layer, following):
            _write_dense(graph, step, following.layer)
            is_folded = True
        else:
            _writer_of(step.path, step.layer)(graph, step)
    if not graph.nodes:
        graph.add("Identity", graph.tensor, name="nothing")
    graph.nodes[-1].output[0] = "output"
    return _model_of(graph, net.name, shape, output)


def save_model(model: Any, path: str) -> None:
    """Write a model to a file, whole or not at all."""
    write_bytes(path, model.SerializeToString())


# ---- the chain ------------------------------------------------------------------------------


def _leaves(net: Block) -> Iterator[tuple[str, Block]]:
    """Yield (structural path, block): chains opened up, everything else as it is."""
    stack: list[tuple[str, Block]] = [("", net)]
    while stack:
        path, block = stack.pop()
        if block._is_chain and block._is_native():
            prefix = f"{path}." if path else ""
            stack.extend((prefix + key, child) for key, child in reversed(block._children.items()))
        else:
            yield path or block.name, block


def _does_nothing(leaf: Block) -> bool:
    return isinstance(leaf, nn.Dropout | nn.Identity) and leaf._is_native()


def _input_shape(
    net: Block, leaves: list[tuple[str, Block]], given: Sequence[int | None] | None
) -> tuple[int, ...]:
    if given is not None:
        return tuple(-1 if length is None else operator.index(length) for length in given)
    for _, leaf in leaves:
        if isinstance(leaf, nn.Embedding):  # takes indices, of any shape
            break
        for parameter in leaf._reg_params.values():
            width = parameter.data().shape[-1]
            if isinstance(leaf, nn.Dense) or width > 1:  # one slope of a PReLU tells nothing
                return (-1, width)
    message = (
        f"expected the shape of the input of '{net.name}', which no layer tells, found none; pass "
        "input_shape, with None for a length that may vary: (None, 20)"
    )
    raise ArgumentError(message)


def _with_shapes(
    leaves: list[tuple[str, Block]], shape: tuple[int, ...]
) -> tuple[list[_Step], tuple[int, ...]]:
    """Return the steps, and the shape of the output."""
    steps = []
    for path, leaf in leaves:
        steps.append(_Step(path, leaf, shape))
        if not isinstance(leaf, nn.Lambda | nn.HybridLambda):  # these keep it
            shape = leaf._infer_output(shape)
    return steps, shape


def _dtype_of(net: Block) -> np.dtype[Any]:
    found = {parameter.dtype for _, parameter in net._walk_parameters()}
    if len(found) > 1:
        message = (
            f"expected parameters of one dtype in '{net.name}', found {', '.join(map(str, found))}; cast "
            "the net, with cast('float32')"
        )
        raise DtypeError(message)
    return found.pop() if found else np.dtype(np.float32)


def _model_of(graph: _Graph, name: str, shape: tuple[int, ...], output: tuple[int, ...]) -> Any:
    onnx, helper = graph.onnx, graph.onnx.helper
    kind = helper.np_dtype_to_tensor_dtype(graph.dtype)
    made = helper.make_graph(
        graph.nodes,
        name,
        [helper.make_tensor_value_info("input", kind, _lengths(shape))],
        [helper.make_tensor_value_info("output", kind, _lengths(output))],
        graph.constants,
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="glueball",
        producer_version=__version__,
    )
    size = model.ByteSize()
    if size > _MOST_BYTES:
        message = (
            f"expected a net of up to 2 GiB for ONNX, found {size} bytes; glueball's own one-file model "
            "has no such limit: net.export('net.safetensors')"
        )
        raise ArgumentError(message)
    onnx.checker.check_model(model, full_check=True)
    return model


def _lengths(shape: tuple[int, ...]) -> list[int | str]:
    """Return the axes, those that may vary by name."""
    names = ["batch", *(f"axis_{axis}" for axis in range(1, len(shape)))]
    return [name if length == -1 else length for name, length in zip(names, shape, strict=False)]


# ---- the layers -----------------------------------------------------------------------------


def _folds(layer: Block, following: _Step) -> bool:
    """Whether `following` is a BatchNorm over the outputs of `layer`, a dense layer that is linear."""
    norm = following.layer
    if not (isinstance(layer, nn.Dense) and isinstance(norm, nn.BatchNorm) and layer.act is None):
        return False
    rank = len(following.shape)
    return result_axis(norm._axis, rank, norm.name) == rank - 1


def _write_dense(graph: _Graph, step: _Step, norm: nn.BatchNorm | None = None) -> None:
    """Write a dense layer, and `norm` behind it as part of its weight and bias."""
    layer, path, rank = step.layer, step.path, len(step.shape)
    weight = np.array(layer.weight.data())
    bias = None if layer.bias is None else np.array(layer.bias.data())
    if norm is not None:
        gamma, beta, mean, variance = _statistics(norm)
        # In float64, so that the rounding to the net's dtype is the only one.
        scale = gamma / np.sqrt(variance + norm._epsilon)
        bias = ((0.0 if bias is None else bias) - mean) * scale + beta
        weight = weight * scale[:, None]
    if layer._flatten and rank != 2:
        graph.add("Flatten", graph.tensor, name=f"{path}.flatten", axis=1)
        rank = 2
    added = [] if bias is None else [graph.constant(f"{path}.bias", bias)]
    if rank == 2:
        matrix = graph.constant(f"{path}.weight", weight)
        graph.add("Gemm", graph.tensor, matrix, *added, name=path, transB=1)
    else:  # Gemm takes matrices only
        matrix = graph.constant(f"{path}.weight", weight.T)
        graph.add("MatMul", graph.tensor, matrix, name=path)
        if added:
            graph.add("Add", graph.tensor, *added, name=f"{path}.add")
    if layer.act is not None:
        _write_function(graph, f"{path}.act", *layer.act.function())


def _write_activation(graph: _Graph, step: _Step) -> None:
    _write_function(graph, step.path, *step.layer.function())


def _write_function(graph: _Graph, path: str, function: str, alpha: float | None) -> None:
    x = graph.tensor
    if function in _OPERATORS:
        alpha = _USUAL_ALPHA.get(function) if alpha is None else alpha
        attributes = {} if alpha is None else {"alpha": alpha}
        graph.add(_OPERATORS[function], x, name=path, **attributes)
    elif function in ("silu", "swish"):
        if alpha not in (None, 1.0):
            graph.add("Mul", x, graph.constant(f"{path}.beta", alpha), name=f"{path}.scaled")
        gate = graph.add("Sigmoid", graph.tensor, name=f"{path}.gate")
        graph.add("Mul", x, gate, name=path)
    elif function == "log_sigmoid":  # -log(1 + e^-x)
        graph.add("Neg", x, name=f"{path}.minus")
        graph.add("Softplus", graph.tensor, name=f"{path}.softplus")
        graph.add("Neg", graph.tensor, name=path)
    else:
        assert function == "identity"


def _write_flatten(graph: _Graph, step: _Step) -> None:
    graph.add("Flatten", graph.tensor, name=step.path, axis=1)


def _write_batch_norm(graph: _Graph, step: _Step) -> None:
    norm, rank = step.layer, len(step.shape)
    if rank < 2 or result_axis(norm._axis, rank, norm.name) != 1:
        _refuse_axis(step, "BatchNorm", "axis 1")
    names = ("gamma", "beta", "running_mean", "running_var")
    arrays = zip(names, _statistics(norm), strict=True)
    constants = [graph.constant(f"{step.path}.{name}", array) for name, array in arrays]
    settings = {"epsilon": norm._epsilon, "momentum": norm._momentum}
    graph.add("BatchNormalization", graph.tensor, *constants, name=step.path, **settings)


def _write_layer_norm(graph: _Graph, step: _Step) -> None:
    norm, rank = step.layer, len(step.shape)
    if result_axis(norm._axis, rank, norm.name) != rank - 1:
        _refuse_axis(step, "LayerNorm", "the last axis")
    _write_affine(graph, step, "LayerNormalization", axis=-1)


def _write_instance_norm(graph: _Graph, step: _Step) -> None:
    norm, rank = step.layer, len(step.shape)
    if result_axis(norm._axis, rank, norm.name) != 1:
        _refuse_axis(step, "InstanceNorm", "axis 1")
    _write_affine(graph, step, "InstanceNormalization")


def _write_group_norm(graph: _Graph, step: _Step) -> None:
    # An instance's normalization, the groups taken for its channels. GroupNormalization is in ONNX
    # Runtime for opset 21 only, and for float32.
    norm, path, x = step.layer, step.path, graph.tensor
    groups, channels = norm._num_groups, step.shape[1]
    shape = graph.add("Shape", x, name=f"{path}.shape")
    grouped = graph.constant(f"{path}.grouped", (0, groups, -1), np.int64)
    graph.add("Reshape", x, grouped, name=f"{path}.in_groups")
    plain = [
        graph.constant(f"{path}.{name}", np.full(groups, value))
        for name, value in (("one", 1), ("zero", 0))
    ]
    epsilon = norm._epsilon
    graph.add("InstanceNormalization", graph.tensor, *plain, name=f"{path}.norm", epsilon=epsilon)
    graph.add("Reshape", graph.tensor, shape, name=f"{path}.in_channels")
    for kind, name in (("Mul", "gamma"), ("Add", "beta")):
        values = np.reshape(getattr(norm, name).data(), (channels, *(1,) * (len(step.shape) - 2)))
        graph.add(
            kind, graph.tensor, graph.constant(f"{path}.{name}", values), name=f"{path}.{kind}"
        )


def _write_embedding(graph: _Graph, step: _Step) -> None:
    # Indices are of the net's dtype, as everything that comes in.
    integers = graph.onnx.TensorProto.INT64
    graph.add("Cast", graph.tensor, name=f"{step.path}.indices", to=integers)
    weight = graph.constant(f"{step.path}.weight", step.layer.weight.data())
    graph.add("Gather", weight, graph.tensor, name=step.path, axis=0)


def _write_affine(graph: _Graph, step: _Step, kind: str, **settings: Any) -> None:
    norm = step.layer
    constants = [
        graph.constant(f"{step.path}.{name}", getattr(norm, name).data())
        for name in ("gamma", "beta")
    ]
    graph.add(kind, graph.tensor, *constants, name=step.path, epsilon=norm._epsilon, **settings)


def _write_prelu(graph: _Graph, step: _Step) -> None:
    slopes = np.array(step.layer.alpha.data())
    if slopes.size > 1:  # of the channels on axis 1; ONNX would take the last axis
        slopes = slopes.reshape(-1, *(1,) * (len(step.shape) - 2))
    graph.add("PRelu", graph.tensor, graph.constant(f"{step.path}.alpha", slopes), name=step.path)


def _write_softmax(graph: _Graph, step: _Step) -> None:
    graph.add(_NAMED_FUNCTIONS[step.layer._func_name], graph.tensor, name=step.path, axis=-1)


def _statistics(norm: nn.BatchNorm) -> tuple[Any, ...]:
    """Return gamma, beta, mean and variance as the layer uses them, in float64."""
    gamma, *others = (
        np.asarray(each.data(), np.float64)
        for each in (norm.gamma, norm.beta, norm.running_mean, norm.running_var)
    )
    return gamma if norm._scale else np.ones_like(gamma), *others


def _refuse_axis(step: _Step, kind: str, axis: str) -> None:
    message = (
        f"expected {kind} over {axis} at '{step.path}', which is what ONNX has, found axis "
        f"{step.layer._axis} of an input of shape {step.shape}; export the net without it"
    )
    raise ArgumentError(message)


_WRITERS: dict[type[Block] | None, Callable[[_Graph, _Step], None]] = {
    nn.BatchNorm: _write_batch_norm,
    nn.Embedding: _write_embedding,
    nn.Flatten: _write_flatten,
    nn.GroupNorm: _write_group_norm,
    nn.InstanceNorm: _write_instance_norm,
    nn.LayerNorm: _write_layer_norm,
    nn.PReLU: _write_prelu,
}


def _writer_of(path: str, leaf: Block) -> Callable[[_Graph, _Step], None]:
    """Return what writes a block.

    Raises
    ------
    ValueError
        If nothing does; names the block.
    """
    if isinstance(leaf, nn.Lambda | nn.HybridLambda):
        if leaf._is_named and leaf._func_name in _NAMED_FUNCTIONS:
            return _write_softmax
    elif leaf._is_native():
        if isinstance(leaf, nn.Dense) and (leaf.act is None or _is_function(leaf.act)):
            return _write_dense
        if isinstance(leaf, NativeActivation):
            return _write_activation
        if leaf._native_class in _WRITERS:
            return _WRITERS[leaf._native_class]
    message = (
        f"expected layers that ONNX has (Dense, activations, Flatten, Dropout, Embedding, BatchNorm, "
        f"LayerNorm, GroupNorm, InstanceNorm, PReLU, Identity, HybridLambda('softmax') and 'log_softmax') in chains, found "
        f"'{leaf.name}' ({type(leaf).__name__}) at '{path}'; export the part of the net without it, and "
        "do its work outside"
    )
    raise ArgumentError(message)


def _is_function(act: Block) -> bool:
    return isinstance(act, NativeActivation) and act._is_native()
