"""glueball: Gluon's parameter model without MXNet, for small dense nets on CPUs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from glueball import autograd, context, gluon, init, name, nd, np, npx, optimizer, random
from glueball._config import show_config
from glueball._core import __version__, instruction_set, num_threads, set_num_threads
from glueball._scope import missing
from glueball.base import MXNetError
from glueball.context import Context, cpu, current_context, gpu, num_gpus
from glueball.mxnet_alias import install_as_mxnet

if TYPE_CHECKING:
    from glueball import interop, lr_scheduler, metric, onnx, util
    from glueball.gluon._model import load_model as load

initializer = init
ndarray = nd

__all__ = [
    "Context",
    "MXNetError",
    "__version__",
    "autograd",
    "context",
    "cpu",
    "current_context",
    "gluon",
    "gpu",
    "init",
    "initializer",
    "install_as_mxnet",
    "instruction_set",
    "interop",
    "load",
    "lr_scheduler",
    "metric",
    "name",
    "nd",
    "ndarray",
    "np",
    "npx",
    "num_gpus",
    "num_threads",
    "onnx",
    "optimizer",
    "random",
    "set_num_threads",
    "show_config",
    "util",
]


def __getattr__(name: str) -> Any:
    # What a program that only runs a net never needs is imported when it is first named.
    if name in ("interop", "lr_scheduler", "metric", "onnx", "util"):
        return importlib.import_module(f"{__name__}.{name}")
    if name == "load":
        return importlib.import_module(f"{__name__}.gluon._model").load_model
    raise missing(__name__, name)
