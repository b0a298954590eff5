"""Names near a misspelt one, for error messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["near_names"]


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three of `known` that look like `name`, the most similar first."""
    import difflib  # here, because only a failing call needs it

    return difflib.get_close_matches(name, known, n=3)
