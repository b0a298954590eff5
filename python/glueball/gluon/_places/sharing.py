"""Parameters that stand in several places: how they come to, which do, and how that ends."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import Any

from glueball._suggest import quoted
from glueball.base import ArgumentError, GlueballTypeError, ShapeError
from glueball.gluon._places.copies import fresh_name
from glueball.gluon._places.paths import find, misspelt, places
from glueball.gluon._places.surgery import put
from glueball.gluon.block._block import Block
from glueball.gluon.parameter import Parameter, ParameterDict

__all__ = ["share", "tied", "untie"]


def share(root: Block, shared: Any, strict: bool) -> None:
    """Put parameters in place of a block's own, by path; all of them or, in an error, none."""
    given = _by_path(shared)
    mine = {path: (block, parameter) for path, block, parameter in places(root)}
    unknown = [path for path in given if path not in mine]
    if unknown and (strict or len(unknown) == len(given)):
        raise misspelt(root, unknown[0])
    if not given:
        message = (
            f"expected parameters for '{root.name}' to share, found none; pass other.collect_params(), or "
            '{"weight": other.weight}'
        )
        raise ArgumentError(message)
    chosen = [(path, *mine[path], given[path]) for path in given if path in mine]
    for path, _, old, new in chosen:
        _check(path, old, new)
    for _, block, old, new in chosen:
        if new is not old:
            if old.shape is not None:
                new.shape = old.shape
            _exchange(block, old, new)
    if unknown:
        warnings.warn(f"{misspelt(root, unknown[0])}", stacklevel=4)


def _by_path(shared: Any) -> dict[str, Parameter]:
    if isinstance(shared, Block):
        return dict(shared._walk_parameters())
    if isinstance(shared, ParameterDict):
        return {path: parameter for path, _, parameter in shared._places()}
    if not isinstance(shared, Mapping):
        message = (
            f"expected parameters to share, found {type(shared).__name__}; pass other.collect_params(), the "
            'other block, or {"weight": other.weight}'
        )
        raise GlueballTypeError(message)
    for path, each in shared.items():
        if not isinstance(each, Parameter):
            message = (
                f"expected a Parameter to share at '{path}', found {type(each).__name__}; pass other.weight, or "
                "copy values with set_data(...)"
            )
            raise GlueballTypeError(message)
    return dict(shared)


def _check(path: str, old: Parameter, new: Parameter) -> None:
    if not old._fits(new._lengths):
        message = (
            f"expected a Parameter of shape {old.shape} to share at '{path}', found '{new.name}' of {new.shape}; "
            "share one that fits"
        )
        raise ShapeError(message)
    if old.dtype != new.dtype:
        message = (
            f"expected a Parameter of {old.dtype} to share at '{path}', found '{new.name}' of {new.dtype}; "
            "cast one of them"
        )
        raise ArgumentError(message)


def _exchange(block: Block, old: Parameter, new: Parameter) -> None:
    """Put a parameter wherever a block holds another; its names for it stay, and so do paths."""
    for attribute, held in block._reg_params.items():
        if held is old:
            block._reg_params[attribute] = new
            if block.__dict__.get(attribute) is old:
                block.__dict__[attribute] = new
    held_by_name = block._params._params
    for name, held in held_by_name.items():
        if held is old:
            held_by_name[name] = new
    block._watch.changed()


def tied(root: Block) -> list[list[str]]:
    """Return the paths of each parameter that stands in several places."""
    paths: dict[int, list[str]] = {}
    for path, _, parameter in places(root):
        paths.setdefault(id(parameter), []).append(path)
    return [each for each in paths.values() if len(each) > 1]


class _Index:
    """What stands where in a net, found in one walk."""

    def __init__(self, root: Block) -> None:
        self.blocks: dict[str, Block] = {}
        self.owners: dict[str, tuple[Block, Parameter]] = {}
        self._standing: dict[int, list[str]] = {}
        for prefix, block in root._walk_blocks():
            self.blocks[prefix[:-1]] = block
            self._standing.setdefault(id(block), []).append(prefix[:-1])
            self.owners |= {path: (block, each) for path, each in block._own_parameters(prefix)}

    def standing(self, block: Block) -> list[str]:
        """Return the paths at which a block stands."""
        return self._standing[id(block)]

    def again(self) -> list[str]:
        """Return where blocks with parameters stand that stood before, and that no such block contains."""
        filled = {above for path in self.owners for above in _above(path)}
        found = {path for paths in self._standing.values() for path in paths[1:] if path in filled}
        return [path for path in found if found.isdisjoint(_above(path))]


def _above(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def untie(root: Block, paths: tuple[str, ...]) -> None:
    """Give places copies of their own, as `Block.untie` says."""
    groups = tied(root)
    for path in paths:
        _check_tied(root, path, groups)
    for path in paths:
        _untie_at(root, path)
    if paths:
        return
    for path in _Index(root).again():
        _untie_at(root, path)
    index = _Index(root)
    for group in tied(root):
        for path in group[1:]:
            _own(*index.owners[path])
    if not groups:
        if root._watch.is_in_several:
            message = (
                f"expected a block in one place to untie, found '{root.name}', which was put in several; untie it "
                "from its net, by its path there: net.untie('2')"
            )
            raise ArgumentError(message)
        _own_all(root)


def _check_tied(root: Block, path: str, groups: list[list[str]]) -> None:
    is_below = isinstance(find(root, path), Block)
    tied_paths = [each for group in groups for each in group]
    if path in tied_paths or (is_below and any(each.startswith(f"{path}.") for each in tied_paths)):
        return
    message = (
        f"expected a place in '{root.name}' that shares a Parameter, found '{path}', which shares none; those "
        f"that do are {groups or 'none'}"
    )
    raise ArgumentError(message)


def _untie_at(root: Block, path: str) -> None:
    """Give one place a copy of its own: of the parameter, or of a block that stands in others too."""
    index = _Index(root)
    if path in index.blocks:
        block = index.blocks[path]
        if len(index.standing(block)) == 1:
            _own_all(block)
            return
        above, _, key = path.rpartition(".")
        put(index.blocks[above], key, copy.deepcopy(block))
        return
    owner, parameter = index.owners[path]
    standing = index.standing(owner)
    if len(standing) > 1:
        at = next(each for each in standing if path.startswith(f"{each}."))
        message = (
            f"expected a place with a block of its own to untie '{path}', found '{owner.name}' in "
            f"{len(standing)} places, {quoted(standing, 6)}; untie the block there: untie('{at}')"
        )
        raise ArgumentError(message)
    _own(owner, parameter)


def _own_all(block: Block) -> None:
    """Make all parameters below a block copies of their own, one for each place."""
    for _, owner, parameter in tuple(places(block)):
        _own(owner, parameter)


def _own(owner: Block, parameter: Parameter) -> None:
    """Give a block a copy of a parameter, under a name after the block's."""
    twin = copy.deepcopy(parameter)
    local = next((key for key, each in owner._reg_params.items() if each is parameter), None)
    if local is None:
        local = parameter.name.removeprefix(owner._params.prefix)
    name = f"{owner._prefix}{local}"
    if name == parameter.name:
        name = f"{fresh_name(owner._prefix)}_{local}"
    twin._rename(name)
    _exchange(owner, parameter, twin)
