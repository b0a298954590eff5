"""SymbolBlock: nets that MXNet has written as a pair of files, read back and run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

from glueball import nd
from glueball._disk import open_file, path_of
from glueball._reading import Fields, parse_json, reading
from glueball._scope import surface
from glueball.base import ArgumentError, FileFormatError, OutsideScopeError, UnsupportedError
from glueball.gluon.block import HybridBlock

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from glueball.context import Context

__all__ = ["SymbolBlock"]

_MOST_NODES = 1_000_000


class _Node(NamedTuple):
    """An operation of a graph: what it is called, its settings, and (node, output) of each input."""

    op: str
    name: str
    settings: dict[str, Any]
    inputs: list[tuple[int, int]]


def _scalar(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda x, scalar=0.0, is_int=False: function(x, scalar)


def _output(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return what a loss of MXNet's symbols computes forward: its labels and its scaling do nothing there."""
    return lambda data, label=None, **scaling: function(data)


def _softmax_output(
    data: Any, label: Any = None, multi_output: bool = False, **scaling: Any
) -> Any:
    return nd.softmax(data, axis=1 if multi_output else -1)


# Functions of `nd` that graphs may name: none that reads or writes files.
_FUNCTIONS = frozenset(
    [
        "Activation",
        "BatchNorm",
        "BlockGrad",
        "Cast",
        "Concat",
        "Dropout",
        "Embedding",
        "Flatten",
        "FullyConnected",
        "GroupNorm",
        "InstanceNorm",
        "L2Normalization",
        "LayerNorm",
        "LeakyReLU",
        "Reshape",
        "SliceChannel",
        "SoftmaxActivation",
        "SwapAxis",
        "abs",
        "add_n",
        "batch_dot",
        "broadcast_add",
        "broadcast_axis",
        "broadcast_div",
        "broadcast_like",
        "broadcast_maximum",
        "broadcast_minimum",
        "broadcast_mul",
        "broadcast_power",
        "broadcast_sub",
        "broadcast_to",
        "cast",
        "clip",
        "concat",
        "dot",
        "elemwise_add",
        "elemwise_div",
        "elemwise_mul",
        "elemwise_sub",
        "erf",
        "exp",
        "expand_dims",
        "expm1",
        "flatten",
        "hard_sigmoid",
        "identity",
        "log",
        "log1p",
        "log_softmax",
        "max",
        "maximum",
        "mean",
        "min",
        "minimum",
        "negative",
        "norm",
        "one_hot",
        "ones_like",
        "pick",
        "power",
        "reciprocal",
        "relu",
        "reshape",
        "reshape_like",
        "rsqrt",
        "sigmoid",
        "slice",
        "slice_axis",
        "slice_like",
        "softmax",
        "softsign",
        "split",
        "sqrt",
        "square",
        "squeeze",
        "stack",
        "sum",
        "swapaxes",
        "take",
        "tanh",
        "tile",
        "transpose",
        "where",
        "zeros_like",
    ]
)
# Operations that `nd` does not have under their own names.
_OPERATIONS: dict[str, Callable[..., Any]] = {
    "_copy": nd.identity,
    "_plus_scalar": _scalar(lambda x, y: x + y), "_PlusScalar": _scalar(lambda x, y: x + y),
    "_minus_scalar": _scalar(lambda x, y: x - y), "_MinusScalar": _scalar(lambda x, y: x - y),
    "_rminus_scalar": _scalar(lambda x, y: y - x), "_RMinusScalar": _scalar(lambda x, y: y - x),
    "_mul_scalar": _scalar(lambda x, y: x * y), "_MulScalar": _scalar(lambda x, y: x * y),
    "_div_scalar": _scalar(lambda x, y: x / y), "_DivScalar": _scalar(lambda x, y: x / y),
    "_rdiv_scalar": _scalar(lambda x, y: y / x), "_RDivScalar": _scalar(lambda x, y: y / x),
    "_power_scalar": _scalar(lambda x, y: x**y), "_maximum_scalar": _scalar(nd.maximum),
    "_minimum_scalar": _scalar(nd.minimum), "_Plus": nd.elemwise_add, "_Minus": nd.elemwise_sub,
    "_Mul": nd.elemwise_mul, "_Div": nd.elemwise_div, "_plus": nd.elemwise_add, "_minus": nd.elemwise_sub,
    "_mul": nd.elemwise_mul, "_div": nd.elemwise_div, "_maximum": nd.maximum, "_minimum": nd.minimum,
    "SoftmaxOutput": _softmax_output, "Softmax": _softmax_output,
    "LinearRegressionOutput": _output(nd.identity), "MAERegressionOutput": _output(nd.identity),
    "LogisticRegressionOutput": _output(nd.sigmoid), "MakeLoss": _output(nd.identity),
}  # fmt: skip
# Settings that choose an implementation or count inputs, and change no number.
_IGNORED = {"cudnn_off", "num_args", "sparse_grad", "workspace"}
# Inputs after the first that are labels: nothing that a net computes forward depends on them.
_WITH_LABELS = (
    "SoftmaxOutput",
    "Softmax",
    "LinearRegressionOutput",
    "MAERegressionOutput",
    "LogisticRegressionOutput",
)


class SymbolBlock(HybridBlock):
    """A net that MXNet has written: `imports` makes it of its files.

    It runs each operation of the graph as the function of `nd` of that name, so it trains too, with gradients of all
    orders that these functions have. Parameters have the names of the files.

    Raises
    ------
    OutsideScopeError
        When it is constructed, of symbols, which are not here: call `imports`.
    """

    def __init__(self, outputs: Any, inputs: Any = None, params: Any = None) -> None:
        if not isinstance(outputs, _Graph):
            message = (
                f"expected the files of a net, found {outputs!r}, which is for symbolic graphs; use "
                "gluon.SymbolBlock.imports('net-symbol.json', ['data'], 'net-0000.params')"
            )
            raise OutsideScopeError(message)
        super().__init__(prefix="", params=params)
        self._graph = outputs

    @staticmethod
    def imports(
        symbol_file: str | os.PathLike[str],
        input_names: str | Sequence[str],
        param_file: str | os.PathLike[str] | None = None,
        ctx: Context | None = None,
        allow_missing: bool = False,
        ignore_extra: bool = False,
    ) -> SymbolBlock:
        """Read a net that MXNet's `export` has written.

        Parameters
        ----------
        symbol_file : str or path
            The graph: ``net-symbol.json``.
        input_names : str or sequence of str
            The variables of the graph that `forward` takes, in its order: ``["data"]``.
        param_file : str or path, optional
            The arrays: ``net-0000.params``. Without it parameters wait for `load_parameters` or `initialize`.
        ctx : Context, optional
            Where parameters are.
        allow_missing, ignore_extra : bool, default False
            Whether parameters may be left without an array, and arrays without a parameter.

        Returns
        -------
        SymbolBlock

        Raises
        ------
        FileNotFoundError
            If a file is not there.
        FileFormatError
            If a file is damaged, or of another kind.
        UnsupportedError
            If the graph has an operation that is not here; it names all.
        ValueError
            If an input is not a variable of the graph, or arrays do not fit.
        """
        file = path_of(symbol_file)
        names = [input_names] if isinstance(input_names, str) else list(input_names)
        with reading(file, "a graph as MXNet writes it", "export the net again"):
            with open_file(file) as stream:
                root = parse_json(stream.read())
            graph = _Graph(Fields(root, "the file"), names)
        block = SymbolBlock(graph)
        for name in graph.parameters:
            block.params.get(
                name,
                allow_deferred_init=True,
                grad_req="null" if name in graph.unlearned else "write",
            )
        if param_file is not None:
            block._take(path_of(param_file), ctx, allow_missing, ignore_extra)
        return block

    def _take(self, file: str, ctx: Any, allow_missing: bool, ignore_extra: bool) -> None:
        arrays = nd.load(file)
        if not isinstance(arrays, dict):
            message = f"expected arrays with names in '{file}', found a list; pass what MXNet's export wrote"
            raise FileFormatError(message)
        found = {
            name.removeprefix("arg:").removeprefix("aux:"): array for name, array in arrays.items()
        }
        missing = [name for name in self._graph.parameters if name not in found]
        extra = [name for name in found if name not in self._graph.parameters]
        if (missing and not allow_missing) or (extra and not ignore_extra):
            message = (
                f"expected an array for each parameter of the graph, and no others, in '{file}', found missing "
                f"{missing or 'none'}, and unknown {extra or 'none'}; pass its own file, or allow_missing=True, "
                "ignore_extra=True"
            )
            raise ArgumentError(message)
        for name in self._graph.parameters:
            if name in found:
                parameter = self.params.get(name)
                parameter.shape = found[name].shape
                parameter.initialize("zeros", ctx=ctx)
                parameter.set_data(found[name])

    def forward(self, x: Any, *args: Any) -> Any:
        """Run the graph.

        Parameters
        ----------
        x, *args : NDArray
            The inputs that `imports` was told, in their order.

        Returns
        -------
        NDArray, or list of NDArray
            The graph's outputs.
        """
        given = (x, *args)
        if len(given) != len(self._graph.inputs):
            message = (
                f"expected {len(self._graph.inputs)} inputs ({', '.join(self._graph.inputs)}), found {len(given)}; "
                "pass one for each"
            )
            raise ArgumentError(message)
        values: dict[str, Any] = dict(zip(self._graph.inputs, given, strict=True))
        values |= {name: self.params.get(name).data() for name in self._graph.parameters}
        return self._graph.run(values)


class _Graph:
    """The operations of a file, checked.

    Attributes
    ----------
    inputs, parameters : list of str
        Names of variables.
    unlearned : set of str
        Those parameters that are statistics.
    """

    def __init__(self, root: Fields, inputs: list[str]) -> None:
        self.inputs = inputs
        records = root.any("nodes")
        if not isinstance(records, list) or len(records) > _MOST_NODES:
            fault = "'nodes' that are not a list of some length"
            raise FileFormatError(fault)
        self._nodes = [self._node(Fields(each, f"node {i}"), i) for i, each in enumerate(records)]
        self._heads = _places(root.any("heads"), "'heads'", len(self._nodes))
        if not self._heads:
            fault = "no 'heads', so no output"
            raise FileFormatError(fault)
        variables = [node.name for node in self._nodes if node.op == "null"]
        unknown = [name for name in inputs if name not in variables]
        if unknown or not inputs:
            message = (
                f"expected variables of the graph as input_names, found {unknown or 'none'}; it has "
                f"{', '.join(map(repr, variables))}"
            )
            raise ArgumentError(message)
        self._check_operations()
        labels = self._only_labels()
        self.parameters = [
            name for name in dict.fromkeys(variables) if name not in inputs and name not in labels
        ]
        self.unlearned = {
            self._nodes[place].name
            for node in self._nodes
            if node.op == "BatchNorm"
            for place, _ in node.inputs[3:5]
        }

    @staticmethod
    def _node(record: Fields, number: int) -> _Node:
        op, name = record.text("op"), record.text("name")
        settings: dict[str, Any] = {}
        for key in ("attrs", "attr", "param"):  # of several versions of MXNet
            if key in record:
                given = record.fields(key)
                settings |= {
                    each: _value(given.text(each)) for each in given if not each.startswith("__")
                }
        inputs = _places(record.any("inputs"), f"'inputs' of node '{name}'", number)
        return _Node(op, name, {k: v for k, v in settings.items() if k not in _IGNORED}, inputs)

    def _check_operations(self) -> None:
        ops = {node.op for node in self._nodes if node.op != "null"}
        lacking = sorted(op for op in ops if _function(op) is None)
        if lacking:
            message = (
                f"expected a graph of operations that dense nets need, found {', '.join(lacking)}; this net needs "
                "another framework"
            )
            raise UnsupportedError(message)

    def _only_labels(self) -> set[str]:
        """Return the variables that nothing but losses take, as labels."""
        labels: set[str] = set()
        others: set[str] = set()
        for node in self._nodes:
            for i, (place, _) in enumerate(node.inputs):
                is_label = i > 0 and node.op in _WITH_LABELS
                (labels if is_label else others).add(self._nodes[place].name)
        return labels - others

    def run(self, values: dict[str, Any]) -> Any:
        """Return the outputs for values of all variables."""
        found: list[Any] = []
        for node in self._nodes:
            if node.op == "null":
                found.append(values.get(node.name))
                continue
            taken = [self._picked(found, place) for place in node.inputs]
            if node.op in _WITH_LABELS:
                taken = taken[:1]
            function: Any = _function(node.op)
            try:
                found.append(function(*taken, **node.settings))
            except TypeError as error:
                error.add_note(f"in '{node.name}' ({node.op}) of the graph")
                raise
        outputs = [self._picked(found, place) for place in self._heads]
        return outputs[0] if len(outputs) == 1 else outputs

    def _picked(self, found: list[Any], place: tuple[int, int]) -> Any:
        """Return one output of a node that has run."""
        node, output = place
        outputs = found[node] if isinstance(found[node], list) else [found[node]]
        if output >= len(outputs):
            name = self._nodes[node].name
            message = f"expected '{name}' of the graph to have an output {output}, found {len(outputs)}; export again"
            raise FileFormatError(message)
        return outputs[output]


def _function(op: str) -> Callable[..., Any] | None:
    return getattr(nd, op) if op in _FUNCTIONS else _OPERATIONS.get(op)


def _value(text: str) -> Any:
    """Return a setting, which files hold as text: a number, a tuple, True, None, or the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _places(given: Any, where: str, below: int) -> list[tuple[int, int]]:
    """Return pairs of a node's number, which has to be below a bound, and an output's."""
    fault = f"{where} that are not pairs of the numbers of earlier nodes and of outputs"
    if not isinstance(given, list):
        raise FileFormatError(fault)
    places = []
    for each in given:
        fits = isinstance(each, list) and len(each) in (2, 3) and all(type(n) is int for n in each)
        if not fits or not 0 <= each[0] < below or each[1] < 0:
            raise FileFormatError(fault)
        places.append((each[0], each[1]))
    return places


__getattr__, __dir__ = surface(__name__)
