"""Optimizers under the name of the module that MXNet has for them: `mx.optimizer.contrib`."""

from glueball.optimizer.adaptive import GroupAdaGrad

__all__ = ["GroupAdaGrad"]
