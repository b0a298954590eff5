"""Names in error messages: those near a misspelt one, and lists of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["near_names", "quoted"]


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three of `known` that look like `name`, the most similar first."""
    import difflib  # here, because only a failing call needs it

    return difflib.get_close_matches(name, known, n=3)


def quoted(names: Iterable[str], most: int) -> str:
    """Return names in quotes, with commas; of more than `most` the first and the last ones."""
    listed = [f"'{name}'" for name in names]
    if len(listed) > most:
        listed[most // 2 : -(most // 2)] = ["..."]
    return ", ".join(listed)
