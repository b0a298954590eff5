"""What stands at a path of a net, and which paths are near one that is misspelt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball._globs import near_paths
from glueball._suggest import near_names, quoted
from glueball.base import GlueballTypeError, ParameterNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from glueball.gluon.block import Block
    from glueball.gluon.parameter import Parameter

__all__ = ["as_patterns", "find", "find_block", "misspelt", "places", "unmatched"]


def places(root: Block) -> Iterator[tuple[str, Block, Parameter]]:
    """Yield (path, the block whose own it is, parameter) of every place, blocks before their children."""
    for prefix, block in root._walk_blocks():
        for path, parameter in block._own_parameters(prefix):
            yield path, block, parameter


def find(root: Block, path: str) -> Block | Parameter:
    """Return the block or parameter at a path; a KeyError names near ones."""
    if not isinstance(path, str):
        message = (
            f"expected a path in '{root.name}', such as '0.weight', found {path!r} of type "
            f"{type(path).__name__}; pass a str"
        )
        raise GlueballTypeError(message)
    found = _search(root, path)
    if found is None:
        raise misspelt(root, path)
    if "_children" not in found.__dict__:
        found.__dict__["_path"] = path
    return found


def find_block(root: Block, path: str) -> Block:
    """Return the block at a path; a TypeError if it is a parameter's."""
    found: Any = find(root, path)
    if "_children" not in found.__dict__:
        message = (
            f"expected the path of a block in '{root.name}', found '{path}', which is a Parameter; use its "
            "set_data(...), or share_parameters({path: parameter})"
        )
        raise GlueballTypeError(message)
    return found  # type: ignore[no-any-return]


def _search(root: Block, path: str) -> Block | Parameter | None:
    """Look along the path: iteratively, since nets may nest deeper than Python recurses."""
    stack: list[tuple[Block, str, bool]] = [(root, path, False)]
    while stack:
        block, rest, has_dots = stack.pop()
        if not rest:
            return block
        children = block._children
        if has_dots:
            keys = [key for key in children if "." in key and rest.startswith(f"{key}.")]
            stack.extend((children[key], rest[len(key) + 1 :], False) for key in keys)
            continue
        for local, parameter in block._own_parameters(""):
            if local == rest:
                return parameter
        if rest in children:
            return children[rest]  # type: ignore[no-any-return]
        # Gluon lets names have dots: where nothing else is found, all children are looked through.
        stack.append((block, rest, True))
        head, _, below = rest.partition(".")
        if below and head in children:
            stack.append((children[head], below, False))
    return None


def misspelt(root: Block, path: str) -> ParameterNotFoundError:
    """Return the error for a path at which there is nothing."""
    blocks = [prefix[:-1] for prefix, _ in root._walk_blocks()][1:]
    all_places = [(each, parameter) for each, _, parameter in places(root)]
    named = next((each for each, parameter in all_places if parameter.name == path), None)
    paths = [*blocks, *(each for each, _ in all_places)]
    near = near_names(path, paths)
    if named is not None:
        hint = f"it is a name, and the path is '{named}'"
    elif near:
        hint = f"did you mean {' or '.join(map(repr, near))}?"
    else:
        hint = f"it has {quoted(paths, 8)}" if paths else "it has neither blocks nor parameters"
    return ParameterNotFoundError(
        f"expected the path of a block or a Parameter in '{root.name}', found '{path}'; {hint}"
    )


def unmatched(root: Block, pattern: str | type) -> ParameterNotFoundError:
    """Return the error for a glob or a class that no parameter is meant by."""
    paths = [path for path, _, _ in places(root)]
    if not isinstance(pattern, str):
        shown = pattern.__name__
        has_any = any(isinstance(block, pattern) for _, block in root._walk_blocks())
        kinds = dict.fromkeys(type(block).__name__ for _, block, _ in places(root))
        hint = (
            "no such block has parameters of its own" if has_any
            else f"parameters are of {', '.join(kinds)}" if kinds else "it has no parameters"
        )  # fmt: skip
    else:
        shown = repr(pattern)
        hint = near_paths(pattern, paths)
    return ParameterNotFoundError(
        f"expected {shown} to match a Parameter of '{root.name}', found none; {hint}"
    )


def as_patterns(given: Iterable[Any], what: str) -> tuple[str | type, ...]:
    """Return globs and classes of layers; refuse everything else."""
    patterns = tuple(given)
    for each in patterns:
        if not isinstance(each, str | type):
            message = (
                f"expected paths or layer classes to {what}, found {each!r} of type {type(each).__name__}; "
                f'write "0.*", "*.bias" or nn.Dense, or call {what}() of a block itself'
            )
            raise GlueballTypeError(message)
    return patterns
