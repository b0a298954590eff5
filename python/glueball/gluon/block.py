"""Blocks: nets, and parts of nets. Their public place; each class has a file of its own."""

from __future__ import annotations

from typing import Any

from glueball._scope import missing
from glueball.gluon._block import Block
from glueball.gluon._hybrid_block import HybridBlock

__all__ = ["Block", "HybridBlock"]


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
