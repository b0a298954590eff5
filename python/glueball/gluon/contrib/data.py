"""What programs for data look for here: the sampler is that of `gluon.data`."""

from __future__ import annotations

from glueball._scope import surface
from glueball.gluon.data import sampler
from glueball.gluon.data.sampler import IntervalSampler

__all__ = ["IntervalSampler", "sampler"]


__getattr__, __dir__ = surface(__name__)
