"""Gluon's pair of files for a net that its program builds again: `Block.save` and `Block.load`.

``<prefix>-model.params`` holds the parameters by structural path. ``<prefix>-model.json`` holds the blocks as MXNet
1.9.1 writes them: an object for each block, inside that of its parent, under its class in lower case and a number
that counts all blocks in order; in it ``orig_name``, and in ``children`` the keys of the children by their names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball._disk import open_file, path_of, write_bytes
from glueball._reading import Fields, parse_json, reading
from glueball.base import ArgumentError
from glueball.gluon._files.loading import load_checked, read_named

if TYPE_CHECKING:
    import os

    from glueball.gluon import Block, Parameter
    from glueball.gluon.parameter import LoadReport

__all__ = ["load", "save"]

# Levels of blocks: what Python 3.11 reads. Later ones would write more.
_DEEPEST = 900


def save(net: Block, prefix: str | os.PathLike[str]) -> None:
    """Write both files, as `Block.save` says."""
    import json  # here, because it takes long to import

    file = path_of(prefix)
    root: dict[str, Any] = {}
    stack: list[tuple[Block, dict[str, Any], int]] = [(net, root, 1)]
    number = deepest = 0
    while stack:
        block, parent, level = stack.pop()
        deepest = max(deepest, level)
        record: dict[str, Any] = {"orig_name": block.name}
        if hasattr(block, "hybrid_forward"):
            record["hybridized"] = False  # there is no symbolic graph to restore
        record["children"] = {child.name: key for key, child in block._children.items()}
        parent[f"{type(block).__name__.lower()}{number}"] = record
        number += 1
        stack.extend((child, record, level + 1) for child in reversed(block._children.values()))
    try:
        text = json.dumps(root) if deepest <= _DEEPEST else None
    except RecursionError:
        text = None
    if text is None:
        message = (
            f"expected a net of some hundred levels at most to save as '{file}-model.json', found '{net.name}', "
            "which nests deeper; save its parameters alone: save_parameters(...)"
        )
        raise ArgumentError(message)
    net.save_parameters(f"{file}-model.params")
    write_bytes(f"{file}-model.json", text.encode())


def load(net: Block, prefix: str | os.PathLike[str]) -> LoadReport:
    """Read both files, as `Block.load` says."""
    file = path_of(prefix)
    structure, parameters = f"{file}-model.json", f"{file}-model.params"
    with reading(structure, "the blocks of a net as JSON", "save the net again"):
        with open_file(structure) as stream:
            root = parse_json(stream.read())
        targets = _targets(net, Fields(root, "the file"), structure)
    return load_checked(targets.items(), read_named(parameters), parameters)


def _targets(net: Block, root: Fields, file: str) -> dict[str, Parameter]:
    """Return the net's parameters by their paths in the file.

    Blocks are matched by class and order, so that a net whose attributes have other names is the same net.

    Raises
    ------
    AssertionError
        If the file describes another net.
    """
    targets: dict[str, Parameter] = {}
    kinds = list(root)
    if len(kinds) != 1:
        _refuse(file, f"{len(kinds)} nets", "one")
    # A block, the file's name and record of it, and its place in this net and in the file's.
    stack: list[tuple[Block, str, Fields, str, str]] = [
        (net, kinds[0], root.fields(kinds[0]), "", "")
    ]
    number = 0
    while stack:
        block, kind, record, own, stored = stack.pop()
        if kind != f"{type(block).__name__.lower()}{number}":
            _refuse(
                file,
                f"with '{kind}' at '{stored[:-1]}'",
                f"'{block.name}' ({type(block).__name__}) at '{own[:-1]}'",
            )
        number += 1
        targets.update(block._own_parameters(stored))
        # What else MXNet writes of a block is not an object.
        inside = {
            key: record.fields(key)
            for key in record
            if key != "children" and isinstance(record.any(key), dict)
        }
        children = list(block._children.items())
        if len(inside) != len(children):
            _refuse(
                file,
                f"with {len(inside)} blocks inside '{kind}' at '{stored[:-1]}'",
                f"{len(children)} inside '{block.name}' ({type(block).__name__}) at '{own[:-1]}'",
            )
        keys = []
        if "children" in record:
            names = record.fields("children")
            keys = [names.text(name) for name in names]
        if len(keys) != len(children):  # a child that stands in two places has one name
            keys = [key for key, _ in children]
        below = [
            (child, *there, f"{own}{key}.", f"{stored}{place}.")
            for (key, child), there, place in zip(children, inside.items(), keys, strict=True)
        ]
        stack.extend(reversed(below))
    return targets


def _refuse(file: str, expected: str, found: str) -> None:
    message = (
        f"expected the net that '{file}' describes, {expected}, found {found}; build it as it was when it was "
        "saved, or load what fits: load_parameters(..., allow_missing=True, ignore_extra=True)"
    )
    raise ArgumentError(message)
