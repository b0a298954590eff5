"""What is found out about a net without changing it: late, since most programs do not ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueball._scope import surface

if TYPE_CHECKING:
    from glueball.gluon._trials import explaining, running

__all__ = ["explaining", "running"]

__getattr__, __dir__ = surface(__name__, modules=("explaining", "running"))
