"""Blocks: nets, and parts of nets. Their public place; each class has a file of its own."""

from __future__ import annotations

from glueball._scope import surface
from glueball.gluon.block._block import Block
from glueball.gluon.block._hybrid_block import HybridBlock

__all__ = ["Block", "HybridBlock"]

__getattr__, __dir__ = surface(__name__)
