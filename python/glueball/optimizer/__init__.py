"""Optimizers: how parameters change by their gradients.

Built-in rules run natively, over all parameters in one call. A rule of your own is a subclass of
`Optimizer` that defines `create_state` and `update`, registered with `register`.
"""

from __future__ import annotations

from typing import Any

from glueball._scope import missing
from glueball.optimizer import contrib
from glueball.optimizer.adaptive import AdaDelta, AdaGrad, Ftrl, GroupAdaGrad, RMSProp
from glueball.optimizer.descent import DCASGD, NAG, SGD, Signum, ccSGD
from glueball.optimizer.langevin import SGLD
from glueball.optimizer.layerwise import LAMB, LARS, LBSGD
from glueball.optimizer.moments import FTML, Adam, Adamax, AdamW, Nadam
from glueball.optimizer.optimizer import Optimizer, create, register
from glueball.optimizer.updater import Updater, get_updater

__all__ = [
    "DCASGD",
    "FTML",
    "LAMB",
    "LARS",
    "LBSGD",
    "NAG",
    "SGD",
    "SGLD",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "GroupAdaGrad",
    "Nadam",
    "Optimizer",
    "RMSProp",
    "Signum",
    "Updater",
    "ccSGD",
    "contrib",
    "create",
    "get_updater",
    "register",
]


def __getattr__(name: str) -> Any:
    raise missing(__name__, name)
