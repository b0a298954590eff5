"""The fully connected layer."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core, nd
from glueball import init as initializers
from glueball.base import GlueballTypeError
from glueball.gluon._checks import FixedSetting, check_count
from glueball.gluon._declaration import ArrayNames, Found, LayerDeclaration, OnnxForm, class_of
from glueball.gluon.block import Block
from glueball.gluon.nn._activation import Activation, NativeActivation, check_activation
from glueball.gluon.nn._native import NativeLayer

if TYPE_CHECKING:
    from glueball.gluon._declaration import Affine
    from glueball.onnx._graph import Graph
    from glueball.onnx._writing import Writer

    Array = np.ndarray[Any, Any]

__all__ = ["Dense"]


# Activations whose parameter files give, where it is not the usual one: the kind of layer that has it.
_WITH_PARAMETER = {
    "leaky_relu": ("LeakyReLU", 0.01),
    "elu": ("ELU", 1.0),
    "silu": ("Swish", 1.0),
    "swish": ("Swish", 1.0),
}


def _write(layer: Dense) -> dict[str, Any] | None:
    settings: dict[str, Any] = {
        "units": layer._units,
        "in_units": layer.weight.data().shape[1],
        "use_bias": layer.bias is not None,
        "flatten": bool(layer._flatten),
        "activation": None,
    }
    act = layer.act
    if act is None:
        return settings
    if not (isinstance(act, NativeActivation) and act._is_native()):
        return None
    name, alpha = act.function()
    settings["activation"] = name
    if alpha is not None and alpha != _WITH_PARAMETER[name][1]:
        settings["alpha"] = alpha
    return settings


def _read(alpha: float | None = None, **settings: Any) -> Dense:
    if alpha is None:
        return Dense(**settings)
    function = settings.pop("activation")
    layer = Dense(**settings)
    with layer.name_scope():
        kind: Any = class_of(_WITH_PARAMETER[function][0])
        layer.act = kind(alpha, prefix=f"{function}_")
    return layer


def _to_onnx(graph: Writer, layer: Dense, affine: Affine | None = None) -> None:
    """Write the layer, and `affine` after it as part of its weight and bias."""
    rank = len(graph.shape)
    weight = np.array(layer.weight.data())
    bias = None if layer.bias is None else np.array(layer.bias.data())
    if affine is not None:
        scale, shift = affine  # in float64, so that the rounding to the net's dtype is the only one
        bias = shift if bias is None else bias * scale + shift
        weight = weight * scale[:, None]
    if layer._flatten and rank != 2:
        graph.add("Flatten", part="flatten", axis=1)
        rank = 2
    added = [] if bias is None else [graph.constant("bias", bias)]
    if rank == 2:
        matrix = graph.constant("weight", weight)
        graph.add("Gemm", graph.tensor, matrix, *added, transB=1)
    else:  # Gemm takes matrices only
        graph.add("MatMul", graph.tensor, graph.constant("weight", weight.T))
        if added:
            graph.add("Add", graph.tensor, *added, part="add")
    if layer.act is not None:
        graph.add_child("act", layer.act)


def _found(source: str, weight: Array, bias: Array | None, **settings: Any) -> Found | None:
    """Return a dense layer of a weight (units, in_units) and a bias that broadcasts to (units,)."""
    if weight.ndim != 2 or weight.size == 0:
        return None
    units, in_units = weight.shape
    arrays = {"weight": weight}
    if bias is not None:
        if bias.size not in (1, units) or bias.shape not in ((), (bias.size,), (1, bias.size)):
            return None
        arrays["bias"] = np.broadcast_to(bias.reshape(-1), (units,))
    settings |= {"units": units, "in_units": in_units, "use_bias": bias is not None}
    return Found(source, settings, arrays)


def _gemm(graph: Graph, node: Any) -> Found | None:
    settings = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0} | graph.attributes(node)
    weight = graph.constant(node.input[1])
    has_bias = len(node.input) > 2 and node.input[2] != ""
    bias = graph.constant(node.input[2]) if has_bias else None
    if weight is None or settings["transA"] or (has_bias and bias is None):
        return None
    weight = (weight if settings["transB"] else weight.T) * weight.dtype.type(settings["alpha"])
    if bias is not None:
        bias = bias * bias.dtype.type(settings["beta"])
    return _found(node.input[0], weight, bias)


def _matmul(graph: Graph, node: Any, bias: Array | None = None) -> Found | None:
    weight = graph.constant(node.input[1])
    return None if weight is None else _found(node.input[0], weight.T, bias, flatten=False)


def _add(graph: Graph, node: Any) -> Found | None:
    for product, constant in graph.both_ways(node):
        bias, before = graph.constant(constant), graph.producer(product, "MatMul")
        if bias is not None and before is not None:
            return _matmul(graph, before, bias)
    return None


def _absorb(found: Found, kind: type[Block], following: Found) -> bool:
    """Take an activation that follows into the layer: they run as one."""
    settings: Any = found.settings
    if kind is not Activation or "activation" in settings:
        return False
    settings |= following.settings
    return True


class Dense(NativeLayer):
    """Compute activation(x W^T + b).

    Takes an input of shape (batch, in_units), or of any other whose elements per sample number in_units;
    returns (batch, units). With ``flatten=False`` only the last axis is replaced.

    Parameters
    ----------
    units : int
        Width of the output.
    activation : str, optional
        Name of an elementwise function, as `Activation` takes it; linear if None.
    use_bias : bool, default True
        Whether there is a bias.
    flatten : bool, default True
        True: an input of any rank is taken as (batch, everything else); one of rank 1, of length n, as n
        samples of width 1. False: the layer is applied to the last axis.
    dtype : str or numpy.dtype, default 'float32'
        Of parameters, input and output: ``float32`` or ``float64``.
    weight_initializer : str, Initializer or callable, optional
        Fills the weight; the net's initializer does if None.
    bias_initializer : str, Initializer or callable, default 'zeros'
        Fills the bias; None leaves it to the net's initializer, through its ``_init_bias``.
    in_units : int, default 0
        Width of the input; 0: inferred from the first input.

    Attributes
    ----------
    weight : Parameter
        Shape (units, in_units).
    bias : Parameter or None
        Shape (units,).

    Raises
    ------
    ValueError
        If `units` is not positive, or the activation or an initializer is unknown.
    TypeError
        If `units` is not an integer.

    Examples
    --------
    >>> from glueball import nd
    >>> from glueball.gluon import nn
    >>> layer = nn.Dense(2, activation="relu")
    >>> layer
    Dense(None -> 2, Activation(relu))
    >>> layer.initialize()
    >>> layer(nd.ones((4, 3))).shape
    (4, 2)
    >>> layer
    Dense(3 -> 2, Activation(relu))
    """

    _declaration = LayerDeclaration(
        "Dense",
        _write,
        _read,
        arrays=(
            ArrayNames("weight", "weight", "kernel", ("w",), is_matrix=True),
            ArrayNames("bias", "bias", "bias", ("b",)),
        ),
        onnx=OnnxForm(
            _to_onnx,
            can_write=lambda layer: isinstance(layer.act, NativeActivation | None),
            rules={"Add": _add, "Gemm": _gemm, "MatMul": _matmul},
            takes_affine=lambda layer: layer.act is None,
            absorb=_absorb,
        ),
    )
    act: Block | None
    _units = FixedSetting()

    def __init__(
        self,
        units: int,
        activation: str | None = None,
        use_bias: bool = True,
        flatten: bool = True,
        dtype: Any = "float32",
        weight_initializer: Any = None,
        bias_initializer: Any = "zeros",
        in_units: int = 0,
        **kwargs: Any,
    ) -> None:
        check_count("units of Dense", units, least=1)
        check_count("in_units of Dense", in_units, least=0)
        if activation is not None:
            check_activation(activation)
        for initializer in (weight_initializer, bias_initializer):
            if initializer is not None:
                initializers.create(
                    initializer
                )  # a misspelt name is found here, not at initialize()
        super().__init__(**kwargs)
        self._units = operator.index(units)
        self._flatten = flatten
        if weight_initializer is None:
            weight_initializer = initializers.default_weight()
        if isinstance(bias_initializer, str) and bias_initializer == "zeros":
            bias_initializer = initializers.default_bias() or bias_initializer
        self.weight = self.params.get(
            "weight",
            shape=(units, in_units),
            init=weight_initializer,
            dtype=dtype,
            allow_deferred_init=True,
        )
        self.bias = (
            self.params.get(
                "bias", shape=(units,), init=bias_initializer, dtype=dtype, allow_deferred_init=True
            )
            if use_bias
            else None
        )
        if activation is None:
            self.act = None
        else:
            with self.name_scope():
                self.act = Activation(activation, prefix=activation + "_")

    def __setattr__(self, attribute: str, value: Any) -> None:
        if attribute == "act" and not isinstance(value, Block | None):
            message = (
                f"expected a block or None as act of '{self.name}', found {value!r}; pass nn.Activation('relu') or "
                "the like"
            )
            raise GlueballTypeError(message)
        super().__setattr__(attribute, value)

    def _pieces(self) -> list[_core.Layer | Block]:
        act = self.act
        fused, name, alpha = False, None, None
        if isinstance(act, NativeActivation) and act._is_plain():
            fused = True
            name, alpha = act.function()
        bias: Any = self.bias  # the core takes None, which its generated stub does not say
        native = _core.Dense(self.name, self.weight, bias, name, alpha, self._flatten)
        return [native] if fused or act is None else [native, act]

    def hybrid_forward(self, F: Any, x: Any, weight: Any, bias: Any = None) -> Any:
        """Compute the layer from array functions, for subclasses that change what goes in.

        Parameters
        ----------
        F : module
            Not needed here.
        x : NDArray
            Shape (batch, in_units), or any whose elements per sample, or (``flatten=False``) whose last
            axis, number in_units.
        weight : NDArray
            Shape (units, in_units).
        bias : NDArray, optional
            Shape (units,).

        Returns
        -------
        NDArray
            Shape (batch, units), or x's with the last axis replaced (``flatten=False``).
        """
        output = nd.FullyConnected(x, weight, bias, flatten=self._flatten)
        return output if self.act is None else self.act(output)

    def __repr__(self) -> str:
        # In Gluon's words an unknown width is None; in NumPy mode it is -1.
        units, in_units = self.weight.shape or (None, None)
        act = self.act if self.act is not None else "linear"
        return f"{type(self).__name__}({in_units or None} -> {units}, {act})"
