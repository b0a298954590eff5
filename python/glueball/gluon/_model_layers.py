"""How each layer stands in a one-file model: ``docs/model-format.md``, and `cpp/src/model_layers.cpp`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueball.gluon import nn
from glueball.gluon.nn.activation import NativeActivation

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.gluon import Block

    Settings = dict[str, Any]

__all__ = ["CHAINS", "LayerKind", "kind_of", "make_layer", "names_of_kinds"]

# Classes of chains, by what files call them; subclasses that only add layers are their class.
CHAINS: dict[str, type[Block]] = {
    "Sequential": nn.Sequential,
    "HybridSequential": nn.HybridSequential,
}
# What Dense is followed by, where files give its activation a parameter.
_WITH_PARAMETER: dict[str, Callable[..., Block]] = {
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "silu": nn.Swish,
    "swish": nn.Swish,
}
_USUAL_PARAMETER = {"leaky_relu": 0.01, "elu": 1.0, "silu": 1.0, "swish": 1.0}


@dataclass(frozen=True)
class LayerKind:
    """A class of layers that files know.

    Attributes
    ----------
    name : str
        What files call it.
    write : callable
        Returns a layer's settings.
    make : callable
        Makes the layer of its settings, and of ``prefix`` and ``params``.
    """

    name: str
    write: Callable[[Any], Settings]
    make: Callable[..., Block]


def kind_of(block: Block) -> LayerKind | None:
    """Return the kind of a layer, or None if it computes what files cannot say."""
    native = block._native_class
    does_as_its_class = (
        native is not None and block._is_native() and type(block).__call__ is native.__call__
    )
    kind = _BY_CLASS.get(native) if does_as_its_class else None
    # An activation with code of its own is nothing that files have.
    if isinstance(block, nn.Dense) and block.act is not None and _function_of(block.act) is None:
        return None
    return kind


def make_layer(kind: str, settings: Settings, **names: Any) -> Block:
    """Make the layer that a checked file describes."""
    return _BY_NAME[kind].make(**settings, **names)


def names_of_kinds() -> str:
    """Return every kind, for messages."""
    return ", ".join([*CHAINS, *_BY_NAME])


# ---- the layers -----------------------------------------------------------------------------


def _function_of(act: Block) -> tuple[str, float | None] | None:
    """Return the name of an activation's function, and its parameter if it is not the usual one."""
    if not (isinstance(act, NativeActivation) and act._is_native()):
        return None
    name, parameter = act.function()
    return name, None if parameter == _USUAL_PARAMETER.get(name) else parameter


def _write_dense(layer: nn.Dense) -> Settings:
    settings: Settings = {
        "units": layer._units,
        "in_units": layer.weight.data().shape[1],
        "use_bias": layer.bias is not None,
        "flatten": bool(layer._flatten),
        "activation": None,
    }
    function = None if layer.act is None else _function_of(layer.act)
    if function is not None:
        settings["activation"], parameter = function
        if parameter is not None:
            settings["alpha"] = parameter
    return settings


def _make_dense(**settings: Any) -> Block:
    parameter = settings.pop("alpha", None)
    if parameter is None:
        return nn.Dense(**settings)
    function = settings.pop("activation")
    layer = nn.Dense(**settings)
    with layer.name_scope():
        layer.act = _WITH_PARAMETER[function](parameter, prefix=f"{function}_")  # type: ignore[assignment]
    return layer


def _make_activation(function: str, **names: Any) -> Block:
    return nn.Activation(function, **names)


def _write_dropout(layer: nn.Dropout) -> Settings:
    settings: Settings = {"rate": layer._rate}
    return settings | {"axes": list(layer._axes)} if layer._axes else settings


def _nothing(layer: Block) -> Settings:
    return {}


def _write_norm(layer: Any) -> Settings:
    return {
        "epsilon": layer._epsilon,
        "center": layer._center,
        "scale": layer._scale,
        "in_channels": layer.gamma.data().size,
    }


def _write_batch_norm(layer: nn.BatchNorm) -> Settings:
    return _write_norm(layer) | {
        "axis": layer._axis,
        "momentum": layer._momentum,
        "use_global_stats": layer._use_global_stats,
    }


def _write_axis_norm(layer: nn.LayerNorm) -> Settings:
    return _write_norm(layer) | {"axis": layer._axis}


def _write_group_norm(layer: nn.GroupNorm) -> Settings:
    return _write_norm(layer) | {"num_groups": layer._num_groups}


def _write_embedding(layer: nn.Embedding) -> Settings:
    return {"input_dim": layer._input_dim, "output_dim": layer._output_dim}


def _write_prelu(layer: nn.PReLU) -> Settings:
    return {"in_channels": layer.alpha.data().size}


_BY_CLASS: dict[type[Block] | None, LayerKind] = {
    nn.Activation: LayerKind(
        "Activation", lambda layer: {"function": layer._act_type}, _make_activation
    ),
    nn.BatchNorm: LayerKind("BatchNorm", _write_batch_norm, nn.BatchNorm),
    nn.Dense: LayerKind("Dense", _write_dense, _make_dense),
    nn.Dropout: LayerKind("Dropout", _write_dropout, nn.Dropout),
    nn.ELU: LayerKind("ELU", lambda layer: {"alpha": layer._alpha}, nn.ELU),
    nn.Embedding: LayerKind("Embedding", _write_embedding, nn.Embedding),
    nn.Flatten: LayerKind("Flatten", _nothing, nn.Flatten),
    nn.GELU: LayerKind("GELU", _nothing, nn.GELU),
    nn.GroupNorm: LayerKind("GroupNorm", _write_group_norm, nn.GroupNorm),
    nn.Identity: LayerKind("Identity", _nothing, nn.Identity),
    nn.InstanceNorm: LayerKind("InstanceNorm", _write_axis_norm, nn.InstanceNorm),
    nn.LayerNorm: LayerKind("LayerNorm", _write_axis_norm, nn.LayerNorm),
    nn.LeakyReLU: LayerKind("LeakyReLU", lambda layer: {"alpha": layer._alpha}, nn.LeakyReLU),
    nn.PReLU: LayerKind("PReLU", _write_prelu, nn.PReLU),
    nn.SELU: LayerKind("SELU", _nothing, nn.SELU),
    nn.SiLU: LayerKind("SiLU", _nothing, nn.SiLU),
    nn.Swish: LayerKind("Swish", lambda layer: {"beta": layer._beta}, nn.Swish),
}
_BY_NAME = {kind.name: kind for kind in _BY_CLASS.values()}
