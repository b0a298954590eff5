"""What a layer's class says of itself, beside what it computes. Nothing else lists layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, dataclass_transform

from glueball._scope import import_rest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from glueball.gluon.block import Block
    from glueball.gluon.parameter import Parameter
    from glueball.onnx._graph import Graph

    Affine: TypeAlias = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
    Rule: TypeAlias = Callable[[Graph, Any], "Found | None"]

__all__ = [
    "ArrayNames", "Found", "LayerDeclaration", "OnnxForm", "class_of", "declare_all", "declared",
    "onnx_last_rules", "onnx_names", "onnx_rules",
]  # fmt: skip

_LAYERS = "glueball.gluon.nn"

# The class of each kind that model files have.
declared: dict[str, type[Block]] = {}
# By op type, the classes that a node may belong to, each with the rule that decides.
onnx_rules: dict[str, list[tuple[type[Block], Rule]]] = {}
# The same, for nodes that no other class has taken for a part of it.
onnx_last_rules: dict[str, list[tuple[type[Block], Rule]]] = {}
# What ONNX files can hold, for messages.
onnx_names: list[str] = []


def declare_all() -> None:
    """Have the layers declare themselves that no program has named yet."""
    if import_rest(_LAYERS):
        # As if all had been imported in order: the first rule that finds its layer wins.
        for op_type, rules in onnx_rules.items():
            onnx_rules[op_type] = sorted(rules, key=lambda rule: rule[0].__module__)


def class_of(kind: str) -> type[Block]:
    """Return the class of a kind of layer that model files have."""
    if kind not in declared:
        declare_all()
    return declared[kind]


@dataclass_transform()
class _Record:
    """What has fields, by place or name. Not dataclasses or named tuples, which cost an import a millisecond."""

    def __init__(self, *values: Any, **named: Any) -> None:
        fields = type(self).__annotations__
        defaults = {name: value for name, value in vars(type(self)).items() if name in fields}
        self.__dict__.update(defaults | dict(zip(fields, values, strict=False)) | named)


class ArrayNames(_Record):
    """What one parameter of a layer is called elsewhere, and how it is stored there."""

    name: str
    """What it is called here."""
    torch: str
    keras: str
    others: tuple[str, ...] = ()
    """Further names: Paddle's, and those of Flax and Haiku."""
    is_matrix: bool = False
    """Whether some store it as (units, in_units) and some as (in_units, units)."""
    unlearned: float | None = None
    """What replaces it elsewhere when the layer does not learn it; such layers store none."""
    is_ignored: Callable[[Any], bool] = lambda layer: False
    """Whether a layer computes with 1 whatever the parameter holds."""

    def accepted(self) -> tuple[str, ...]:
        """Return every name that the parameter may have in what is loaded."""
        return (self.name, self.torch, self.keras, *self.others)

    def is_left_out(self, parameter: Parameter) -> bool:
        """Whether layers like this one store no array for the parameter elsewhere."""
        return self.unlearned is not None and not parameter._differentiable


class Found(_Record):
    """A layer that a rule has found in an ONNX graph."""

    source: str
    """The tensor that it is applied to."""
    settings: dict[str, Any] | None
    """What it is made with; None: it does nothing, and none is made."""
    arrays: Mapping[str, np.ndarray[Any, Any]] = {}
    """Its parameters' values, by name."""


class OnnxForm(_Record):
    """How a layer is written to ONNX and read from it: functions of the graph that they are given."""

    write: Callable[..., None] | None = None
    """``write(writer, layer)`` adds the layer's nodes; None: it does nothing when a net predicts."""
    can_write: Callable[[Any], bool] = lambda layer: True
    """Whether ONNX has what a layer was made to compute."""
    only: str = ""
    """What of the class that is, for messages."""
    rules: Mapping[str, Rule] = {}
    """By op type of a layer's last node: ``rule(graph, node)`` returns what it found, or None."""
    last_rules: Mapping[str, Rule] = {}
    """The same, asked after all other classes' rules."""
    affine: Callable[[Any, int], Affine | None] | None = None
    """``affine(layer, rank)`` returns scale and shift of the last axis, in float64, if these are all that
    the layer does to an input of so many axes."""
    takes_affine: Callable[[Any], bool] = lambda layer: False
    """Whether ``write(writer, layer, affine)`` writes what follows the layer as part of it."""
    absorb: Callable[[Found, type[Block], Found], bool] | None = None
    """``absorb(found, kind, following)`` makes the layer that follows part of this one, if it can be."""


class LayerDeclaration(_Record):
    """A layer's entry wherever a list of layers would stand otherwise.

    It is the class attribute ``_declaration`` of a class whose `forward` does what its ``_pieces`` say. Subclasses
    that leave `forward` alone are taken for that class.
    """

    kind: str | None = None
    """What model files call the layer (``docs/model-format.md``); None: they cannot hold it."""
    write: Callable[[Any], dict[str, Any] | None] = lambda layer: {}
    """Returns a layer's settings for a model file; None if the layer computes what no file can say."""
    read: Callable[..., Block] | None = None
    """Makes the layer of its settings, ``prefix`` and ``params``; None: the class does."""
    arrays: tuple[ArrayNames, ...] = ()
    """The parameters elsewhere, in the order in which Keras lists a layer's weights."""
    onnx: OnnxForm | None = None
    """None: ONNX files cannot hold the layer."""
    takes_indices: bool = False
    """Whether integers of any dtype go in."""

    def __set_name__(self, owner: type[Block], name: str) -> None:
        if not owner.__module__.startswith(f"{_LAYERS}."):
            declare_all()  # the library's own come first
        owner._native_class = owner
        methods = ("forward", "hybrid_forward", "__call__")
        owner._native_methods = {key: getattr(owner, key) for key in methods if hasattr(owner, key)}
        if self.kind is not None:
            declared.setdefault(self.kind, owner)  # later classes are written as this one
        if self.onnx is not None:
            onnx_names.append(owner.__name__ + self.onnx.only)
            for rules, known in (
                (self.onnx.rules, onnx_rules),
                (self.onnx.last_rules, onnx_last_rules),
            ):
                for op_type, rule in rules.items():
                    known.setdefault(op_type, []).append((owner, rule))
