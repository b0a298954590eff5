"""glueball: Gluon's parameter model without MXNet, for small dense nets on CPUs."""

from glueball import autograd, context, gluon, init, metric, name, nd, np, npx, optimizer, random
from glueball._core import __version__, instruction_set, num_threads, set_num_threads
from glueball.base import MXNetError
from glueball.context import Context, cpu, current_context, gpu, num_gpus
from glueball.mxnet_alias import install_as_mxnet

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
    "metric",
    "name",
    "nd",
    "ndarray",
    "np",
    "npx",
    "num_gpus",
    "num_threads",
    "optimizer",
    "random",
    "set_num_threads",
]
