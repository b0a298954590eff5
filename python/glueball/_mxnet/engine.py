"""What `mx.engine` has. Every operation runs when it is called, so that there is nothing to bundle."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["bulk", "set_bulk_size"]


def set_bulk_size(size: int) -> int:
    """Do nothing, and return 0, the size before."""
    del size
    return 0


@contextlib.contextmanager
def bulk(size: int) -> Iterator[None]:
    """Do nothing around a ``with`` block."""
    del size
    yield
