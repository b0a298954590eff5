"""Optimizers under the name of the module that MXNet has for them: `mx.optimizer.contrib`."""

from glueball._scope import surface
from glueball.optimizer._adaptive import GroupAdaGrad

__all__ = ["GroupAdaGrad"]

__getattr__, __dir__ = surface(__name__)
