"""What a rule finds: a layer, and the tensor that it is applied to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.gluon import Block
    from glueball.onnx._graph import Graph

    Rule = Callable[[Graph, Any], "Found | None"]

__all__ = ["Found", "short"]


@dataclass
class Found:
    """A layer.

    Attributes
    ----------
    source : str
        The tensor that it is applied to.
    kind : type or None
        Its class; None if it does nothing.
    settings : dict
        What it is made with.
    arrays : dict
        Its parameters' values, by name.
    """

    source: str
    kind: type[Block] | None
    settings: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)


def short(value: float) -> float:
    """Return the number that was meant: attributes are float32, in which 0.01 is 0.00999999977."""
    return float(str(np.float32(value)))
