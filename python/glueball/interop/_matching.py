"""Which array of another library goes into which parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.base import ArgumentError, GlueballTypeError
from glueball.gluon._declaration import ArrayNames
from glueball.gluon.parameter import LoadReport
from glueball.interop._arrays import Layer, describe

if TYPE_CHECKING:
    from glueball.gluon import Block, Parameter

__all__ = [
    "COUNTERS", "Assignment", "Target", "assign", "check_layout", "match", "once", "pair_up",
    "targets_in",
]  # fmt: skip

# Counts of batches, which only training elsewhere reads.
COUNTERS = frozenset({"num_batches_tracked"})
_LAYOUTS = {"out_in": "(units, in_units)", "in_out": "(in_units, units)"}


class Target:
    """A block of the net that has parameters of its own, at one place of the net.

    Attributes
    ----------
    path : str
        Structural path: ``'encoder.0'``.
    block : Block
        The block.
    parameters : list of (ArrayNames, Parameter)
        Its own parameters, in Keras's order.
    """

    def __init__(self, path: str, block: Block) -> None:
        self.path = path
        self.block = block
        own = dict(block._own_parameters(""))
        known = () if block._declaration is None else block._declaration.arrays
        named = {each.name for each in known}
        # What no class declares, as a user's own block, has one name everywhere and is never transposed.
        others = (ArrayNames(name, name, name) for name in own if name not in named)
        self.parameters = [(each, own[each.name]) for each in (*known, *others) if each.name in own]

    def name_of(self, entry: ArrayNames) -> str:
        """Return a parameter's structural path."""
        return f"{self.path}.{entry.name}" if self.path else entry.name


class Assignment:
    """An array that fits a parameter, named as it was given, and ready to be copied."""

    def __init__(
        self, parameter: Parameter, values: np.ndarray[Any, Any], source: str, path: str
    ) -> None:
        self.parameter = parameter
        self.values = values
        self.source = source
        self.path = path


def check_layout(layout: str | None) -> None:
    """Refuse what is not a layout of matrices."""
    if layout is not None and layout not in _LAYOUTS:
        message = (
            f"expected layout 'out_in' or 'in_out', found {layout!r}; 'out_in' is (units, in_units), "
            "as in PyTorch, 'in_out' is (in_units, units), as in Keras, Paddle and JAX"
        )
        raise ArgumentError(message)


def targets_in(net: Block) -> list[Target]:
    """Return what of a net has parameters, in order; a block used twice stands there twice."""
    found = (Target(prefix.removesuffix("."), block) for prefix, block in net._walk_blocks())
    return [target for target in found if target.parameters]


def once(targets: list[Target]) -> list[Target]:
    """Return each block at its first place only."""
    first: dict[int, Target] = {}
    for target in targets:
        first.setdefault(id(target.block), target)
    return list(first.values())


def pair_up(
    layers: list[Layer], targets: list[Target], mapping: Mapping[str, str] | None
) -> list[tuple[Layer, Target]]:
    """Return which layer elsewhere belongs to which of the net.

    By `mapping` if there is one; else by path, if all agree; else by order.

    Raises
    ------
    ValueError
        If `mapping` names what is not there, or the numbers of layers differ.
    TypeError
        If `mapping` is not a mapping.
    """
    by_path = {target.path: target for target in targets}
    if mapping is not None:
        return _pairs_by_mapping(layers, by_path, mapping)
    named = [(layer, by_path[layer.path]) for layer in layers if layer.path in by_path]
    reached = {id(target.block) for _, target in named}
    if len(named) == len(layers) and all(id(each.block) in reached for each in targets):
        return named
    unique = once(targets)
    for candidates in (targets, unique):
        if len(candidates) == len(layers):
            return list(zip(layers, candidates, strict=True))
    message = (
        f"expected arrays of as many layers as the net has with parameters, {len(unique)}, found "
        f"{len(layers)}: {describe(layers)}, for the net's {_describe_targets(targets)}; say what belongs "
        "together in mapping={'their layer': 'path in the net'}"
    )
    raise ArgumentError(message)


def _pairs_by_mapping(
    layers: list[Layer], by_path: Mapping[str, Target], mapping: Mapping[str, str]
) -> list[tuple[Layer, Target]]:
    if not isinstance(mapping, Mapping):
        message = (
            f"expected a dict from their layers to the net's paths as mapping, found "
            f"{type(mapping).__name__}; pass {{'encoder.0': '0'}}"
        )
        raise GlueballTypeError(message)
    by_name = {layer.path: layer for layer in layers}
    for what, names, known in (
        ("layers of the arrays", mapping.keys(), by_name),
        ("layers of the net with parameters", mapping.values(), by_path),
    ):
        unknown = [name for name in names if name not in known]
        if unknown:
            message = (
                f"expected the names of {what} in mapping, found {', '.join(map(repr, unknown))}; choose "
                f"of {', '.join(map(repr, known))}"
            )
            raise ArgumentError(message)
    return [(by_name[theirs], by_path[ours]) for theirs, ours in mapping.items()]


def match(
    pairs: list[tuple[Layer, Target]], targets: list[Target], layout: str | None, net: str
) -> list[Assignment]:
    """Return an array for every parameter of the net; refuse with the names of all that does not fit."""
    assignments: list[Assignment] = []
    misfits: list[str] = []
    for layer, target in pairs:
        _match_layer(layer, target, layout, assignments, misfits)
    reached = {id(each.parameter) for each in assignments}
    paired = {id(target.block) for _, target in pairs}
    misfits += [
        f"the net's '{target.name_of(entry)}' {parameter.shape} gets nothing"
        for target in targets
        for entry, parameter in target.parameters
        if id(target.block) not in paired and id(parameter) not in reached
    ]
    values_of: dict[int, Assignment] = {}
    for each in assignments:
        first = values_of.setdefault(id(each.parameter), each)
        if not np.array_equal(first.values, each.values, equal_nan=True):
            misfits.append(
                f"'{first.source}' and '{each.source}' differ, for one parameter, '{first.path}', that is "
                f"also '{each.path}'"
            )
    if misfits:
        message = (
            f"expected arrays for each parameter of '{net}', found {len(misfits)} that do not fit: "
            f"{'; '.join(misfits)}; change the net, or say what belongs together in mapping="
        )
        raise ArgumentError(message)
    return list(values_of.values())


def assign(assignments: list[Assignment]) -> LoadReport:
    """Copy every array, and report from where each parameter, by path, has its values."""
    for each in assignments:
        each.parameter._load_data(each.values, None)
    return LoadReport({each.path: each.source for each in assignments})


def _match_layer(
    layer: Layer,
    target: Target,
    layout: str | None,
    assignments: list[Assignment],
    misfits: list[str],
) -> None:
    """Add what fits to `assignments`, and descriptions of what does not to `misfits`."""
    rest = {local: array for local, array in layer.arrays.items() if local not in COUNTERS}
    left_out: list[tuple[ArrayNames, Parameter]] = []
    channels: tuple[int, ...] | None = None
    for entry, parameter in target.parameters:
        path = target.name_of(entry)
        local = next((name for name in entry.accepted() if name in rest), None)
        if local is None and entry.is_left_out(parameter):
            left_out.append((entry, parameter))
        elif local is None:
            misfits.append(f"the net's '{path}' {parameter.shape} gets nothing from '{layer.path}'")
        else:
            source, array = layer.names[local], rest.pop(local)
            fault = _misfit(array, entry, parameter, layout) or _unused(array, entry, target)
            if fault:
                misfits.append(
                    f"'{source}' {array.shape} for the net's '{path}' {parameter.shape} {fault}"
                )
                continue
            if _is_turned(array, entry, parameter, layout):
                array = array.T
            channels = array.shape
            assignments.append(Assignment(parameter, _converted(array, parameter), source, path))
    for entry, parameter in left_out:
        shape = parameter._lengths or ()
        shape = channels if -1 in shape else shape
        if shape is not None:  # else its layer has no arrays at all, and it waits for data
            values = np.full(shape, entry.unlearned, parameter.dtype)
            source = f"{entry.unlearned:g}"
            assignments.append(Assignment(parameter, values, source, target.name_of(entry)))
    misfits += [
        f"'{layer.names[local]}' {array.shape} has no place in '{target.path}' "
        f"({type(target.block).__name__})"
        for local, array in rest.items()
    ]


def _misfit(
    array: np.ndarray[Any, Any], entry: ArrayNames, parameter: Parameter, layout: str | None
) -> str:
    """Return why an array does not fit a parameter, or nothing."""
    straight = array.size > 0 and parameter._fits(array.shape)
    turned = entry.is_matrix and array.size > 0 and parameter._fits(array.shape[::-1])
    if layout is None and straight and turned:
        return (
            "fits either way round; pass layout='out_in' if it is (units, in_units), as in PyTorch, "
            "'in_out' if it is (in_units, units), as in Keras, Paddle and JAX"
        )
    fits = {None: straight or turned, "out_in": straight, "in_out": turned}
    if not (fits[layout] if entry.is_matrix else straight):
        if straight or turned:
            other = "in_out" if layout == "out_in" else "out_in"
            return f"fits only transposed: pass layout='{other}'"
        return "differs in shape"
    with np.errstate(over="raise"):
        try:
            _converted(array, parameter)
        except FloatingPointError:
            return f"has values beyond {parameter.dtype}"
    return ""


def _is_turned(
    array: np.ndarray[Any, Any], entry: ArrayNames, parameter: Parameter, layout: str | None
) -> bool:
    if not entry.is_matrix:
        return False
    return layout == "in_out" or (layout is None and not parameter._fits(array.shape))


def _converted(array: np.ndarray[Any, Any], parameter: Parameter) -> np.ndarray[Any, Any]:
    return array.astype(parameter.dtype)


def _unused(array: np.ndarray[Any, Any], entry: ArrayNames, target: Target) -> str:
    """Return why the layer would ignore values, or nothing."""
    if entry.is_ignored(target.block) and not np.all(array == 1):
        return "is not 1, and the layer was made with scale=False, which takes 1 for it"
    return ""


def _describe_targets(targets: list[Target]) -> str:
    return ", ".join(
        f"'{target.name_of(entry)}' {parameter.shape}"
        for target in targets
        for entry, parameter in target.parameters
    )
