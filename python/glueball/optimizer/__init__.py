"""Optimizers: how parameters change by their gradients.

Built-in rules run natively, over all parameters in one call. A rule of your own is a subclass of
`Optimizer` that defines `create_state` and `update`, registered with `register`.
"""

from __future__ import annotations

from glueball._scope import surface
from glueball.optimizer import contrib, optimizer
from glueball.optimizer._adaptive import AdaDelta, AdaGrad, Ftrl, GroupAdaGrad, RMSProp
from glueball.optimizer._descent import DCASGD, NAG, SGD, Signum, ccSGD
from glueball.optimizer._langevin import SGLD
from glueball.optimizer._layerwise import LAMB, LARS, LBSGD
from glueball.optimizer._moments import FTML, Adam, Adamax, AdamW, Nadam
from glueball.optimizer._updater import Updater, get_updater
from glueball.optimizer.optimizer import Optimizer, create, register

__all__ = [
    "DCASGD", "FTML", "LAMB", "LARS", "LBSGD", "NAG", "SGD", "SGLD", "AdaDelta", "AdaGrad", "Adam",
    "AdamW", "Adamax", "Ftrl", "GroupAdaGrad", "Nadam", "Optimizer", "RMSProp", "Signum",
    "Updater", "ccSGD", "contrib", "create", "get_updater", "optimizer", "register",
]  # fmt: skip


__getattr__, __dir__ = surface(__name__)
