"""Blocks called with plain arrays, which many programs never do: imported when one does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueball._scope import surface

if TYPE_CHECKING:
    from glueball.gluon._plain import calls, prediction

__all__ = ["calls", "prediction"]

__getattr__, __dir__ = surface(__name__, modules=("calls", "prediction"))
