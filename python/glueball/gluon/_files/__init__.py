"""What blocks write to files, and read from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueball._scope import surface

if TYPE_CHECKING:
    from glueball.gluon._files import loading, model, structure_file

__all__ = ["loading", "model", "structure_file"]

__getattr__, __dir__ = surface(__name__, modules=("loading", "model", "structure_file"))
