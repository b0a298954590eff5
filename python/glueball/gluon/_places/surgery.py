"""Children replaced, put between others, and taken out, of nets that other threads may be running."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball.base import ArgumentError, GlueballIndexError, GlueballTypeError
from glueball.gluon._places.paths import find_block, misspelt
from glueball.gluon.block._structure import Children

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glueball.gluon.block import Block

__all__ = ["add_named", "insert", "number_of", "put", "remove", "replace"]


def replace(root: Block, path: str, block: Block) -> Block:
    """Put a block in place of another, and return that."""
    old = find_block(root, path)
    if old is root:
        message = (
            f"expected a path below '{root.name}' to put a block at, found {path!r}, which is the block itself; "
            "use the new block in its place"
        )
        raise ArgumentError(message)
    for prefix, parent in root._walk_blocks():
        for key, child in tuple(parent._children.items()):
            if f"{prefix}{key}" == path and child is old:
                put(parent, key, block)
                return old  # type: ignore[no-any-return]
    raise misspelt(root, path)  # another thread was faster


def put(parent: Block, key: str, block: Block) -> None:
    """Put a block in place of the child of a name, and of the attribute that holds that."""
    old = parent._children[key]
    parent._accept(block)
    if parent.__dict__.get(key) is old:
        parent.__dict__[key] = block
    parent._children[key] = block


def add_named(parent: Block, name: str, block: Block) -> None:
    """Make a block a child of a name that is free; an attribute, where the block shows those."""
    if not isinstance(name, str):
        message = (
            f"expected a str as name of a child of '{parent.name}', found {name!r} of type "
            f"{type(name).__name__}; pass (name, block)"
        )
        raise GlueballTypeError(message)
    if not name or "." in name:
        message = (
            f"expected a name without dots for a child of '{parent.name}', found '{name}'; dots stand "
            "between the names of a path"
        )
        raise ArgumentError(message)
    is_taken = name in parent._children
    if not is_taken and not parent._is_chain and name.isidentifier():
        is_taken = hasattr(parent, name)
    if is_taken:
        message = (
            f"expected a name that '{parent.name}' does not have yet for a child, found '{name}'; use "
            f"replace('{name}', block), or another name"
        )
        raise ArgumentError(message)
    parent._accept(block)
    if parent._is_chain or not name.isidentifier():
        parent.register_child(block, name)
    else:
        setattr(parent, name, block)


def number_of(chain: Block, key: Any) -> int:
    """Return a child's number, counted from the front; refuse what is not one."""
    count = len(chain._children)
    try:
        number = range(count)[key]
    except IndexError:
        message = (
            f"expected a number from {-count} to {count - 1} for a child of '{chain.name}', found {key}; "
            f"it has {count} children"
        )
        raise GlueballIndexError(message) from None
    except TypeError:
        message = (
            f"expected the number of a child of '{chain.name}', found {key!r} of type {type(key).__name__}; "
            "pass an int, or use replace(path, block)"
        )
        raise GlueballTypeError(message) from None
    if not isinstance(number, int):
        message = f"expected the number of one child of '{chain.name}', found the slice {key!r}; set them one by one"
        raise GlueballTypeError(message)
    return number


def insert(chain: Block, place: int, blocks: Iterable[Block]) -> None:
    """Put blocks before the child of a number."""
    new = list(blocks)
    for block in new:
        chain._accept(block)
    items: list[tuple[str | None, Block]] = list(chain._children.items())
    items[place:place] = [(None, block) for block in new]
    _rearrange(chain, items)


def remove(chain: Block, key: int | slice) -> list[Block]:
    """Take children out, and return them."""
    items: list[tuple[str | None, Block]] = list(chain._children.items())
    numbers = range(len(items))[key] if isinstance(key, slice) else [number_of(chain, key)]
    gone = set(numbers)
    out = [items[number] for number in numbers]
    _rearrange(chain, [item for number, item in enumerate(items) if number not in gone])
    for name, block in out:
        if name is not None and chain.__dict__.get(name) is block:
            del chain.__dict__[name]
    return [block for _, block in out]


def _rearrange(chain: Block, items: list[tuple[str | None, Block]]) -> None:
    """Give a chain these children at once: a thread that runs it sees the old ones or the new ones.

    Numbers become those of the places; names stay.
    """
    children = Children(chain._watch)
    for number, (key, block) in enumerate(items):
        name = str(number) if key is None or key.isdecimal() else key
        if key is None:
            children[name] = block
        else:
            children.keep(name, block)
    chain.__dict__["_children"] = children
    chain._watch.changed()
