"""Pictures of nets, drawn with matplotlib: ``pip install 'glueball[plot]'``.

Each function takes axes to draw on, makes a figure of the usual size if there are none, and returns them.
"""

from __future__ import annotations

from glueball._scope import surface
from glueball.plot._parameters import parameters, weights
from glueball.plot._signal import activations, compare, gradients, signal
from glueball.plot._structure import structure
from glueball.plot._training import training

__all__ = [
    "activations",
    "compare",
    "gradients",
    "parameters",
    "signal",
    "structure",
    "training",
    "weights",
]

__getattr__, __dir__ = surface(__name__)
