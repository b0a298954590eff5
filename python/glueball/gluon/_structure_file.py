"""Gluon's pair of files for a net that is built anew by its program: `Block.save` and `Block.load`.

``<prefix>-model.params`` holds the parameters by structural path. ``<prefix>-model.json`` holds the blocks as MXNet
1.9.1 writes them: an object for each block, inside that of its parent, under its class in lower case and a number
that counts all blocks in order; in it ``orig_name``, and in ``children`` the keys of the children by their names.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from glueball._disk import check_file, path_of, write_bytes
from glueball.base import ArgumentError, FileFormatError
from glueball.gluon import HybridBlock
from glueball.gluon.loading import load_checked, read_named

if TYPE_CHECKING:
    import os

    from glueball.gluon import Block, Parameter

__all__ = ["load", "save"]


def save(net: Block, prefix: str | os.PathLike[str]) -> None:
    """Write both files, as `Block.save` says."""
    file = path_of(prefix)
    root: dict[str, Any] = {}
    stack: list[tuple[Block, dict[str, Any]]] = [(net, root)]
    number = 0
    while stack:
        block, parent = stack.pop()
        record: dict[str, Any] = {"orig_name": block.name}
        if isinstance(block, HybridBlock):
            record["hybridized"] = False  # there is no symbolic graph to restore
        record["children"] = {child.name: key for key, child in block._children.items()}
        parent[f"{type(block).__name__.lower()}{number}"] = record
        number += 1
        stack.extend((child, record) for child in reversed(block._children.values()))
    try:
        text = json.dumps(root)
    except RecursionError:
        message = (
            f"expected a net of some hundred levels at most to save as '{file}-model.json', found '{net.name}', "
            "which nests deeper; save its parameters alone: save_parameters(...)"
        )
        raise ArgumentError(message) from None
    net.save_parameters(f"{file}-model.params")
    write_bytes(f"{file}-model.json", text.encode())


def load(net: Block, prefix: str | os.PathLike[str]) -> None:
    """Read both files, as `Block.load` says."""
    file = path_of(prefix)
    targets = _targets(net, _read(f"{file}-model.json"), f"{file}-model.json")
    parameters = f"{file}-model.params"
    load_checked(
        targets,
        read_named(parameters),
        parameters,
        ctx=None,
        allow_missing=False,
        ignore_extra=False,
        cast_dtype=False,
        dtype_source="current",
    )


def _read(file: str) -> dict[str, Any]:
    check_file(file)
    with open(file, "rb") as stream:
        contents = stream.read()
    try:
        root = json.loads(contents)
    except (ValueError, RecursionError) as error:
        message = f"expected the blocks of a net as JSON in '{file}', found a file that is none ({error}); save the net anew"
        raise FileFormatError(message) from error
    if not isinstance(root, dict) or not all(isinstance(each, dict) for each in root.values()):
        message = (
            f"expected an object for the net in '{file}', found another value; save the net anew"
        )
        raise FileFormatError(message)
    return root


def _targets(net: Block, root: dict[str, Any], file: str) -> dict[str, Parameter]:
    """Return the net's parameters by their paths in the file.

    Blocks are matched by class and order, so that a net whose attributes have other names is the same net.

    Raises
    ------
    AssertionError
        If the file describes another net.
    """
    targets: dict[str, Parameter] = {}
    if len(root) != 1:
        _refuse(file, f"{len(root)} nets", "one")
    # A block, the file's name and record of it, and its place in this net and in the file's.
    stack: list[tuple[Block, str, Any, str, str]] = [(net, *next(iter(root.items())), "", "")]
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
        inside = {
            key: value
            for key, value in record.items()
            if isinstance(value, dict) and key != "children"
        }
        children = list(block._children.items())
        if len(inside) != len(children):
            _refuse(
                file,
                f"with {len(inside)} blocks inside '{kind}' at '{stored[:-1]}'",
                f"{len(children)} inside '{block.name}' ({type(block).__name__}) at '{own[:-1]}'",
            )
        names = record.get("children")
        keys = list(names.values()) if isinstance(names, dict) else []
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
