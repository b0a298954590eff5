"""What programs for data look for here: the sampler is that of `gluon.data`."""

from __future__ import annotations

from typing import Any

from glueball._scope import missing
from glueball.gluon.data import sampler
from glueball.gluon.data.sampler import IntervalSampler

__all__ = ["IntervalSampler", "sampler"]


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
