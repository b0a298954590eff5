"""From a net to an ONNX graph: a chain of layers, each written as its class declares."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glueball._core import __version__
from glueball._disk import write_bytes
from glueball.base import ArgumentError, DtypeError
from glueball.gluon._declaration import OnnxForm, declare_all, onnx_names
from glueball.onnx._external import write_beside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from glueball.gluon import Block

__all__ = ["Writer", "make_model", "save_model"]

# The first that has Gelu, Mish and LayerNormalization as operators, and the file version of its time.
_OPSET, _IR_VERSION = 20, 9
# Protocol buffers hold 2 GiB. Arrays beyond what leaves room for nodes go into a file beside the model, small ones
# apart: shapes of others follow from some of them.
_MOST_BYTES, _ROOM, _SMALL = 2**31 - 1, 2**26, 1024


class _Step(NamedTuple):
    """A layer, its place, and the shape of what it is given (-1: may vary)."""

    path: str
    layer: Any
    form: OnnxForm
    shape: tuple[int, ...]


class Writer:
    """The graph under construction: a chain of nodes, to which layers add theirs.

    Attributes
    ----------
    path : str
        The place of the layer that is written now.
    shape : tuple of int
        Of what it is given (-1: may vary).
    tensor : str
        The end of the chain.
    dtype : numpy.dtype
        Of the net.
    int64 : int
        ONNX's number for that type.
    """

    def __init__(self, onnx: Any, dtype: np.dtype[Any]) -> None:
        self.onnx = onnx
        self.dtype = dtype
        self.int64 = onnx.TensorProto.INT64
        self.path = ""
        self.shape: tuple[int, ...] = ()
        self.tensor = "input"
        self.nodes: list[Any] = []
        self.constants: list[tuple[str, np.ndarray[Any, Any]]] = []

    def constant(self, name: str, values: Any, dtype: Any = None) -> str:
        """Add an array of the layer, of the net's dtype if not of another, and return its full name."""
        array = np.ascontiguousarray(np.asarray(values, dtype or self.dtype))
        full_name = f"{self.path}.{name}"
        self.constants.append((full_name, array))
        return full_name

    def add(self, op_type: str, *inputs: str, part: str = "", **attributes: Any) -> str:
        """Add a node, whose output becomes the end, and return that.

        Parameters
        ----------
        op_type : str
            ONNX's name of the operation.
        *inputs : str
            Names of tensors; the end if there are none.
        part : str, optional
            What distinguishes the node from others of the layer.
        **attributes
            Of the node.
        """
        name = f"{self.path}.{part}" if part else self.path
        given, self.tensor = list(inputs) or [self.tensor], f"{name}/output"
        self.nodes.append(
            self.onnx.helper.make_node(op_type, given, [self.tensor], name, **attributes)
        )
        return self.tensor

    def add_child(self, name: str, layer: Block) -> None:
        """Add the nodes of a layer inside the one that is written now."""
        outer = self.path
        self.path = f"{outer}.{name}"
        self._add(layer)
        self.path = outer

    def add_step(self, step: _Step, *affine: Any) -> None:
        """Add the nodes of a layer of the chain; `affine` is what follows it, as part of it."""
        self.path, self.shape = step.path, step.shape
        self._add(step.layer, *affine)

    def _add(self, layer: Block, *affine: Any) -> None:
        form = _form_of(layer)
        if form is not None and form.write is not None:
            form.write(self, layer, *affine)


def make_model(
    onnx: Any, net: Block, input_shape: Sequence[int | None] | None, fold_batch_norm: bool
) -> tuple[Any, list[tuple[str, np.ndarray[Any, Any]]]]:
    """Return the model of a net, approved by the package's own checker, and arrays that it has no room for."""
    # What cannot be written is found before anything else.
    forms = [(path, leaf, _checked_form(path, leaf)) for path, leaf in _leaves(net)]
    leaves = [each for each in forms if each[2].write is not None]
    shape = _input_shape(net, leaves, input_shape)
    steps, output = _with_shapes(leaves, shape)
    graph = Writer(onnx, _dtype_of(net))
    is_folded = False
    for step, following in zip(steps, [*steps[1:], None], strict=False):
        if is_folded:  # it has become part of the step before
            is_folded = False
            continue
        affine = None
        if fold_batch_norm and following is not None and step.form.takes_affine(step.layer):
            affine = _affine_of(following)
        is_folded = affine is not None
        graph.add_step(step, *([affine] if is_folded else []))
    if not graph.nodes:
        graph.path = "nothing"
        graph.add("Identity")
    graph.nodes[-1].output[0] = "output"
    return _model_of(graph, net.name, shape, output)


def save_model(
    onnx: Any, model: Any, arrays: list[tuple[str, np.ndarray[Any, Any]]], path: str
) -> None:
    """Write a model to a file, and arrays beside it if there are any; whole or not at all."""
    if arrays:
        write_beside(onnx, model, arrays, path)
    else:
        write_bytes(path, model.SerializeToString())


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


def _form_of(block: Block) -> OnnxForm | None:
    """Return how a block is written, or None if it is not what its class declares."""
    declaration = block._declaration
    return declaration.onnx if declaration is not None and block._is_native() else None


def _checked_form(path: str, leaf: Block) -> OnnxForm:
    """Return how a block and what it consists of are written; refuse, by name, what ONNX cannot hold."""
    form = _form_of(leaf)
    inner = [_form_of(child) for child in leaf._children.values()]
    if form is not None and None not in inner and form.can_write(leaf):
        return form
    declare_all()
    message = (
        f"expected layers that ONNX has ({', '.join(sorted(onnx_names))}) in chains, found '{leaf.name}' "
        f"({type(leaf).__name__}) at '{path}'; export the part of the net without it, and do its work outside"
    )
    raise ArgumentError(message)


def _affine_of(step: _Step) -> Any:
    affine = step.form.affine
    return None if affine is None else affine(step.layer, len(step.shape))


def _input_shape(
    net: Block, leaves: list[tuple[str, Block, OnnxForm]], given: Sequence[int | None] | None
) -> tuple[int, ...]:
    if given is not None:
        return tuple(-1 if length is None else operator.index(length) for length in given)
    for _, leaf, _ in leaves:
        declaration: Any = leaf._declaration
        if declaration.takes_indices:  # of any shape
            break
        matrices = {each.name for each in declaration.arrays if each.is_matrix}
        for name, parameter in leaf._reg_params.items():
            width = parameter.data().shape[-1]
            if name in matrices or width > 1:  # one slope of a PReLU tells nothing
                return (-1, width)
    message = (
        f"expected the shape of the input of '{net.name}', which no layer knows, found none; pass "
        "input_shape, with None for a length that may vary: (None, 20)"
    )
    raise ArgumentError(message)


def _with_shapes(
    leaves: list[tuple[str, Block, OnnxForm]], shape: tuple[int, ...]
) -> tuple[list[_Step], tuple[int, ...]]:
    """Return the steps, and the shape of the output."""
    steps = []
    for path, leaf, form in leaves:
        steps.append(_Step(path, leaf, form, shape))
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


def _model_of(
    graph: Writer, name: str, shape: tuple[int, ...], output: tuple[int, ...]
) -> tuple[Any, list[tuple[str, np.ndarray[Any, Any]]]]:
    onnx, helper = graph.onnx, graph.onnx.helper
    kind = helper.np_dtype_to_tensor_dtype(graph.dtype)
    arrays = graph.constants
    fits = sum(array.nbytes for _, array in arrays) <= _MOST_BYTES - _ROOM
    beside = [] if fits else [each for each in arrays if each[1].nbytes >= _SMALL]
    inside = arrays if fits else [each for each in arrays if each[1].nbytes < _SMALL]
    # The checker takes models of 2 GiB and files: arrays beside are inputs until it has seen the rest.
    stand_ins = [
        helper.make_tensor_value_info(
            each, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
        )
        for each, array in beside
    ]
    made = helper.make_graph(
        graph.nodes,
        name,
        [helper.make_tensor_value_info("input", kind, _lengths(shape)), *stand_ins],
        [helper.make_tensor_value_info("output", kind, _lengths(output))],
        [onnx.numpy_helper.from_array(array, each) for each, array in inside],
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
            f"expected layers of up to 2 GiB beside their arrays for ONNX, found {size} bytes; glueball's own "
            "one-file model has no such limit: net.export('net.safetensors')"
        )
        raise ArgumentError(message)
    onnx.checker.check_model(model, full_check=True)
    del model.graph.input[1:]
    return model, beside


def _lengths(shape: tuple[int, ...]) -> list[int | str]:
    """Return the axes, those that may vary by name."""
    names = ["batch", *(f"axis_{axis}" for axis in range(1, len(shape)))]
    return [name if length == -1 else length for name, length in zip(names, shape, strict=False)]
