"""Names of blocks: automatic ones, and those inside a `name_scope`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from glueball import name as names
from glueball.base import GlueballTypeError
from glueball.gluon.parameter import ParameterDict

if TYPE_CHECKING:
    from typing import Self

    from glueball.gluon.block._block import Block

__all__ = ["NameScope", "make_names"]


class _OpenScope(threading.local):
    """The innermost `name_scope()` that is open in each thread."""

    block: Block | None = None


_open_scope = _OpenScope()


class NameScope:
    """Blocks made inside are named from the owner's counters, after the owner's prefix."""

    def __init__(self, owner: Block) -> None:
        self._owner = owner
        self._outer: list[Block | None] = []

    def __enter__(self) -> Self:
        self._outer.append(_open_scope.block)
        # A block with an empty prefix opens nothing: its children get global names.
        if self._owner.prefix:
            _open_scope.block = self._owner
        return self

    def __exit__(self, *exc: object) -> None:
        _open_scope.block = self._outer.pop()


def make_names(
    prefix: str | None, params: ParameterDict | None, hint: str
) -> tuple[str, ParameterDict]:
    """Return a new block's prefix, and its dict of parameters; other types are a TypeError."""
    if prefix is not None and not isinstance(prefix, str):
        message = (
            f"expected a str as prefix of a block, found {prefix!r} of type {type(prefix).__name__}; "
            "pass a name such as 'net_', or None for an automatic one"
        )
        raise GlueballTypeError(message)
    if params is not None and not isinstance(params, ParameterDict):
        message = (
            f"expected a ParameterDict as params, found {type(params).__name__}; pass "
            "other_block.params or other_block.collect_params()"
        )
        raise GlueballTypeError(message)
    scope = _open_scope.block
    if scope is None:
        if prefix is None:
            prefix = names.current().get(None, hint) + "_"
        inherited = None
        own_prefix = prefix
    else:
        if prefix is None:
            number = scope._counters.get(hint, 0)
            scope._counters[hint] = number + 1
            prefix = f"{hint}{number}_"
        own_prefix = scope.params.prefix + prefix
        prefix = scope.prefix + prefix
        inherited = scope.params._shared
    if params is not None:
        return prefix, ParameterDict(params.prefix, params)
    return prefix, ParameterDict(own_prefix, inherited)
