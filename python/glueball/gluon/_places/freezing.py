"""Which parameters of a net learn: by paths, by classes of layers, or all of a block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball._globs import has_path
from glueball.base import ArgumentError, GlueballTypeError
from glueball.gluon._places.paths import as_patterns, places, unmatched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glueball.gluon.block import Block
    from glueball.gluon.parameter import Parameter

__all__ = ["is_trainable", "set_learning", "set_trainable"]


def set_learning(root: Block, given: Iterable[Any], learns: bool, strict: bool) -> None:
    """Let the parameters that globs and classes mean learn, or not; all of them, or in an error none."""
    what = "unfreeze" if learns else "freeze"
    patterns = as_patterns(given, what)
    if not patterns:
        if learns:
            _unflag(root)
        _apply([parameter for _, _, parameter in places(root)], learns)
        return
    chosen: list[Parameter] = []
    everything = list(places(root))
    for pattern in patterns:
        found = [each for path, block, each in everything if has_path(pattern, path, block)]
        if strict and not found:
            raise unmatched(root, pattern)
        if strict and learns and not any(each._differentiable for each in found):
            shown = repr(pattern) if isinstance(pattern, str) else pattern.__name__
            message = (
                f"expected {shown} to match a Parameter that can learn, found '{found[0].name}' only, which "
                "was made with differentiable=False; leave it out"
            )
            raise ArgumentError(message)
        chosen += found
    _apply(chosen, learns)


def _apply(parameters: Iterable[Parameter], learns: bool) -> None:
    for parameter in parameters:
        if parameter._differentiable:
            parameter._set_learns(learns)


def set_trainable(root: Block, value: Any, meaning: bool = True) -> None:
    """Let a block learn or not, with what is below it and what will be added.

    It learns if the value is `meaning`.
    """
    if not isinstance(value, bool | int) or value not in (0, 1):
        message = (
            f"expected True or False for whether '{root.name}' learns, found {value!r} of type "
            f"{type(value).__name__}; pass one of them"
        )
        raise GlueballTypeError(message)
    learns = bool(value) is meaning
    if learns:
        _unflag(root)
    else:
        for _, block in root._walk_blocks():
            block.__dict__["_frozen"] = True
    _apply([parameter for _, _, parameter in places(root)], learns)


def _unflag(root: Block) -> None:
    for _, block in root._walk_blocks():
        block.__dict__.pop("_frozen", None)


def is_trainable(root: Block) -> bool:
    """Whether anything below a block learns; without parameters, whether what is added will."""
    found = [parameter for _, _, parameter in places(root) if parameter._differentiable]
    if not found:
        return "_frozen" not in root.__dict__
    return any(parameter._grad_req != "null" for parameter in found)
