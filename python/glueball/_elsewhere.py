"""What PyTorch, Keras and Paddle call things, for the messages of errors. Imported when one is shown."""

from __future__ import annotations

import functools
import os
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["argument_here", "name_here", "table"]


@functools.cache
def table() -> dict[str, dict[str, str]]:
    """Return _elsewhere.toml: what things are called here, by what they are asked of."""
    import tomllib  # here: only errors need it

    with open(os.path.splitext(__file__)[0] + ".toml", "rb") as file:
        return tomllib.load(file)


def argument_here(word: str, accepted: Iterable[str]) -> str | None:
    """Return what a function that accepts some arguments calls another system's one; None if it has none."""
    known = set(accepted)
    ours = table()["arguments"].get(word, "").split(", ")
    return next((each for each in ours if each in known), None)


def name_here(name: str, owner: Any) -> str | None:
    """Return what does here what another system's name of a module, or of an object, does."""
    if isinstance(owner, ModuleType):
        kinds = [owner.__name__]
    else:
        kinds = [each.__name__ for each in type(owner).__mro__]
    return next((found for kind in kinds if (found := table().get(kind, {}).get(name))), None)
