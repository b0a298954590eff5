"""glueball: Gluon's parameter model without MXNet, for small dense nets on CPUs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from glueball import autograd, context, gluon, init, name, nd, np, npx, optimizer, random
from glueball._config import show_config
from glueball._core import __version__, instruction_set, num_threads, set_num_threads
from glueball._scope import missing
from glueball.base import MXNetError
from glueball.context import Context, cpu, cpu_pinned, current_context, gpu, num_gpus
from glueball.mxnet_alias import install_as_mxnet

if TYPE_CHECKING:
    from glueball import interop, io, lr_scheduler, metric, onnx, test_utils, util
    from glueball.gluon._model import load_model as load

initializer = init
ndarray = nd
rnd = random

# What a program that only runs a net never needs is imported when it is first named.
_LATE = ("interop", "io", "lr_scheduler", "metric", "onnx", "test_utils", "util")
_SWITCHES = (
    "is_np_array",
    "is_np_shape",
    "np_array",
    "np_shape",
    "set_np_shape",
    "use_np",
    "use_np_array",
    "use_np_shape",
)

__all__ = [
    "Context",
    "MXNetError",
    "__version__",
    "autograd",
    "context",
    "cpu",
    "cpu_pinned",
    "current_context",
    "gluon",
    "gpu",
    "init",
    "initializer",
    "install_as_mxnet",
    "instruction_set",
    "interop",
    "io",
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
    "rnd",
    "set_num_threads",
    "show_config",
    "test_utils",
    "util",
]


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _SWITCHES:
        return getattr(importlib.import_module(f"{__name__}.util"), name)
    if name == "load":
        return importlib.import_module(f"{__name__}.gluon._model").load_model
    raise missing(__name__, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE, *_SWITCHES, "load"})
