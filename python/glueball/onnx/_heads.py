"""What follows the layers that several outputs share."""

from __future__ import annotations

from typing import Any

from glueball.gluon import nn

__all__ = ["Heads"]


class Heads(nn.HybridSequential):
    """Give one input to all children, and return the list of their outputs: actor and critic."""

    def forward(self, x: Any, *args: Any) -> Any:
        """Return the children's outputs."""
        return [child(x, *args) for child in self._children.values()]
