"""What is done with blocks and parameters by their places in a net: late, since many programs do none of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueball._scope import surface

if TYPE_CHECKING:
    from glueball.gluon._places import (
        attributes,
        copies,
        description,
        freezing,
        paths,
        sharing,
        state,
        surgery,
    )

__all__ = [
    "attributes",
    "copies",
    "description",
    "freezing",
    "paths",
    "sharing",
    "state",
    "surgery",
]

__getattr__, __dir__ = surface(__name__, modules=tuple(__all__))
