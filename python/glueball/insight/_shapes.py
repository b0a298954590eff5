"""What goes into the blocks of a net and what comes out: from shapes alone, or from one run of a copy."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glueball import autograd
from glueball.base import ArgumentError, GlueballTypeError, MXNetError
from glueball.gluon._checks import array_type
from glueball.gluon.parameter import Constant, Parameter

if TYPE_CHECKING:
    from glueball.gluon.block import Block

__all__ = ["Shapes", "shapes_known", "shapes_of_run", "stand_ins"]


class Shapes(NamedTuple):
    """What was found: by path of a block (``0.``) what goes in and comes out, and parameters' axes, -1: unknown."""

    blocks: dict[str, tuple[Any, Any]]
    parameters: dict[str, tuple[int, ...] | None]


_BATCH = 3  # of stand-ins for an unknown batch size; first axes of this length are taken for it


def stand_ins(shape: Any, net: Block) -> list[Any]:
    """Return arrays of zeros for the shape of an input, or a list of shapes; unknown axes are a batch."""
    shapes = shape if isinstance(shape, list) else [shape]
    dtype = next((each.dtype for _, each in net._walk_parameters()), np.dtype("float32"))
    made = []
    for each in shapes:
        try:
            lengths = tuple(each)
            axes = tuple(_BATCH if axis in (None, -1, 0) else int(axis) for axis in lengths)
            fits = all(axis in (None, -1, 0) or int(axis) == axis > 0 for axis in lengths)
        except (TypeError, ValueError):
            fits = False
        if not fits or isinstance(each, str):
            message = (
                f"expected the shape of an input as shape, found {each!r}; pass a tuple of integers, None for an "
                "unknown batch size: shape=(None, 20), and a list of them for several inputs"
            )
            raise GlueballTypeError(message)
        made.append(np.zeros(axes, dtype).view(array_type()))
    return made


def shapes_of_run(net: Block, inputs: Any, batch_is_known: bool) -> Shapes:
    """Run a copy of the net, and return what goes into each block and comes out.

    The copy shares values; parameters without any, and those that wait for a shape, are zeros in it. So nothing
    of the net changes.
    """
    runs = _copy(net)
    calls: dict[int, list[tuple[Any, Any]]] = {}

    def note(block: Block, given: Any, output: Any) -> None:
        source = given[0] if len(given) == 1 else list(given)
        pair = (_shape(source, batch_is_known), _shape(output, batch_is_known))
        calls.setdefault(id(block), []).append(pair)

    places = list(net._walk_blocks()) if runs is net else list(runs._walk_blocks())
    handles = [
        block.register_forward_hook(note) for block in {id(b): b for _, b in places}.values()
    ]
    try:
        with autograd.pause(train_mode=False):
            runs(*inputs)
    finally:
        for handle in handles:
            handle.detach()
    seen: dict[str, tuple[Any, Any]] = {}
    for prefix, block in places:
        of_block = calls.get(id(block), [])
        if of_block:  # a block at several places has a call for each, if the net runs it so
            seen[prefix] = of_block.pop(0) if len(of_block) > 1 else of_block[0]
    return Shapes(seen, _axes(runs))


def _axes(net: Block) -> dict[str, tuple[int, ...] | None]:
    return {path: parameter._lengths for path, parameter in net._walk_parameters()}


def _copy(net: Block) -> Block:
    memo: dict[int, Any] = {}
    for _, parameter in net._walk_parameters():
        if parameter._state == "initialized" or isinstance(parameter, Constant):
            memo[id(parameter)] = parameter
        elif id(parameter) not in memo:
            blank = Parameter(
                parameter.name,
                "null",
                parameter._lengths,
                parameter._dtype_name,
                allow_deferred_init=True,
            )
            blank.initialize("zeros", call=0)  # counts no call: values to come stay as they are
            memo[id(parameter)] = blank
    try:
        runs: Block = copy.deepcopy(net, memo)
    except Exception as error:
        if any(memo[id(each)] is not each for _, each in net._walk_parameters()):
            message = (
                f"expected '{net.name}' to be initialized, or that it can be copied to find its shapes, found "
                f"that copy.deepcopy refuses it ({error}); initialize it and pass a batch of data through it"
            )
            raise ArgumentError(message) from error
        return net
    for _, block in runs._walk_blocks():
        block._forward_hooks.clear()
        block._forward_pre_hooks.clear()
    return runs


def _shape(value: Any, batch_is_known: bool) -> Any:
    if isinstance(value, tuple | list):
        return [_shape(each, batch_is_known) for each in value]
    shape = getattr(value, "shape", None)
    if shape is None:
        return type(value).__name__
    lengths = tuple(int(each) for each in shape)
    if not batch_is_known and lengths[:1] == (_BATCH,):
        return (None, *lengths[1:])
    return lengths


def shapes_known(net: Block) -> Shapes:
    """Return what can be said of shapes without data: it follows from the widths of layers.

    Blocks of Python's say nothing of what comes out of them, nor of the order in which they run their children.
    """
    try:
        copied = _copy(net)
    except ArgumentError:
        return Shapes({}, _axes(net))
    seen: dict[str, tuple[Any, Any]] = {}
    _follow(copied, "", None, seen)
    return Shapes(seen, _axes(copied))


def _follow(block: Block, path: str, shape: Any, seen: dict[str, tuple[Any, Any]]) -> Any:
    """Note the shapes of a block that gets `shape` (None: unknown), and of those below; return its output's."""
    children = [(f"{path}{key}.", child) for key, child in block._children.items()]
    output = None
    if block._is_native() and block._is_chain:
        first: Any = None
        output = shape
        for place, child in children:
            output = _follow(child, place, output, seen)
            first = first or seen[place][0]
        shape = shape or first
    elif block._is_native() and block._native_class is not None and not _is_dense(block):
        for place, child in children:
            _follow(child, place, shape, seen)
        output = _inferred(block, shape)
    elif _is_dense(block) and block._is_native():
        dense: Any = block
        units, in_units = dense.weight._lengths or (-1, -1)
        if shape is None and in_units != -1:
            shape = (-1, in_units)
        output = _inferred(block, shape)
        if output is None and dense._flatten:
            output = (-1, units)
        for place, child in children:
            _follow(child, place, output, seen)
    else:
        for place, child in children:
            _follow(child, place, None, seen)
    seen[path] = (_with_none(shape), _with_none(output))
    return output


def _is_dense(block: Block) -> bool:
    return block._declaration is not None and block._declaration.kind == "Dense"


def _inferred(block: Block, shape: Any) -> Any:
    if shape is None:
        return None
    try:
        return block._infer_output(shape)
    except MXNetError:  # what does not fit is said when it is run
        return None


def _with_none(shape: Any) -> Any:
    return None if shape is None else tuple(None if axis == -1 else axis for axis in shape)
