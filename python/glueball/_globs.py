"""Globs of parameters' paths, and classes of layers: how both choose parameters, and what is said when they do not."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

from glueball._suggest import near_names, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["has_path", "near_paths"]


def has_path(pattern: str | type, path: str, block: Any) -> bool:
    """Whether a parameter at a path, of a block, is one that a glob or a class of layers means."""
    if isinstance(pattern, str):
        return fnmatch.fnmatchcase(path, pattern)
    return isinstance(block, pattern)


def near_paths(pattern: str, paths: Sequence[str]) -> str:
    """Say what a glob that means no parameter may have meant: ``"near it are '0.bias'"``."""
    if any(path.startswith(f"{pattern}.") for path in paths):
        return f"it is a block: write '{pattern}.*'"
    near = near_names(pattern, paths) or _alike_at_the_end(pattern, paths)
    if near:
        return f"near it are {quoted(near, 3)}"
    return f"there are {quoted(paths, 6)}" if paths else "it has no parameters"


def _alike_at_the_end(pattern: str, paths: Sequence[str]) -> list[str]:
    """Return the paths whose last part is near a glob's: of ``*.bais`` those of biases."""
    last_parts = {path: path.rpartition(".")[2] for path in paths}
    near = near_names(pattern.rpartition(".")[2], dict.fromkeys(last_parts.values()))
    return [path for path, last in last_parts.items() if last in near]
