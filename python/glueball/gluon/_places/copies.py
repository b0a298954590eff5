"""Deep copies of blocks, and new names for one that is put beside its original."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from glueball import name as names

if TYPE_CHECKING:
    from glueball.gluon.block import Block
    from glueball.gluon.parameter import Parameter

__all__ = ["copied", "fresh_name", "rename"]

# In the memo of a deep copy while a block is copied that others are part of.
_COPYING = "a block that is being copied"


def copied(block: Block, memo: dict[Any, Any]) -> Block:
    """Return a deep copy of a block; note one that is not a part of another that is copied."""
    twin = type(block).__new__(type(block))
    memo[id(block)] = twin
    is_whole = _COPYING not in memo
    memo[_COPYING] = True
    try:
        twin.__setstate__(copy.deepcopy(block.__getstate__(), memo))
    finally:
        if is_whole:
            del memo[_COPYING]
    if is_whole:
        twin.__dict__["_copied"] = True  # named as its original, until it is put into a net
    return twin


def fresh_name(former: str) -> str:
    """Return an automatic name for what was called so: ``dense3`` for ``dense0`` and for ``net_dense0``."""
    hint = former.removesuffix("_").rstrip("0123456789").rpartition("_")[2] or "copy"
    return names.current().get(None, hint)


def rename(root: Block) -> None:
    """Give a block, all below it, and their parameters new names: each after its parent where it was."""
    prefixes: dict[str, str] = {}
    seen: set[int] = set()
    renamed: set[int] = set()
    for _, block in root._walk_blocks():
        if id(block) in seen:
            continue
        seen.add(id(block))
        former = block._prefix
        if former and former not in prefixes:
            above = _longest(former, prefixes)
            prefixes[former] = (
                f"{fresh_name(former)}_"
                if above is None
                else prefixes[above] + former[len(above) :]
            )
        block.__dict__["_prefix"] = prefixes.get(former, former)
        _rename_parameters(block, prefixes, renamed)
        block._watch.changed()  # plans name their layers in messages


def _rename_parameters(block: Block, prefixes: dict[str, str], renamed: set[int]) -> None:
    params = block._params
    params._prefix = _renamed(params._prefix, prefixes)
    held: dict[str, Parameter] = {}
    for name, parameter in params._params.items():
        if id(parameter) not in renamed:
            renamed.add(id(parameter))
            parameter._rename(_renamed(parameter.name, prefixes))
        held[_renamed(name, prefixes)] = parameter
    params._params = held
    for parameter in block._reg_params.values():
        if id(parameter) not in renamed:
            renamed.add(id(parameter))
            parameter._rename(_renamed(parameter.name, prefixes))


def _renamed(name: str, prefixes: dict[str, str]) -> str:
    above = _longest(name, prefixes)
    return name if above is None else prefixes[above] + name[len(above) :]


def _longest(name: str, prefixes: dict[str, str]) -> str | None:
    """Return the longest of some prefixes that a name begins with: their ends are the underscores in it."""
    end = len(name)
    while (end := name.rfind("_", 0, end)) != -1:
        if name[: end + 1] in prefixes:
            return name[: end + 1]
    return None
