"""A look into nets: how signals and gradients go through them, and what is wrong where they do not.

`glueball.diagnose` is the way in; docs/insight.md has examples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueball._scope import surface
from glueball.insight._collecting import Measurement
from glueball.insight._diagnosis import diagnose
from glueball.insight._finding import Finding
from glueball.insight._report import Report

if TYPE_CHECKING:
    from glueball.insight._arrays import Arrays, look
    from glueball.insight._summary import Summary

__all__ = ["Arrays", "Finding", "Measurement", "Report", "Summary", "diagnose", "look"]

__getattr__, __dir__ = surface(__name__, names={"_arrays": "Arrays look", "_summary": "Summary"})
