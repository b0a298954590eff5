"""glueball: Gluon's parameter model without MXNet, for small dense nets on CPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueball import autograd, base, context, gluon, init, name, nd
from glueball._core import (
    __version__,
    instruction_set,
    num_threads,
    set_num_threads,
    set_threading_layer,
    threading_layer,
)
from glueball._scope import surface
from glueball.base import MXNetError
from glueball.context import Context, cpu, cpu_pinned, current_context, gpu, num_gpus

if TYPE_CHECKING:
    from glueball import (
        insight,
        interop,
        io,
        kvstore,
        lr_scheduler,
        metric,
        np,
        npx,
        onnx,
        optimizer,
        plot,
        random,
        sklearn,
        test_utils,
        util,
    )
    from glueball import kvstore as kv
    from glueball import random as rnd
    from glueball._config import show_config
    from glueball._mxnet_alias import install_as_mxnet
    from glueball.gluon._files.model import load_model as load
    from glueball.insight import diagnose
    from glueball.util import (
        is_np_array,
        is_np_shape,
        np_array,
        np_shape,
        set_np_shape,
        use_np,
        use_np_array,
        use_np_shape,
    )

threading_layer()  # refuses a GLUEBALL_THREADS that names none, here and not in the first large loop

initializer = init
ndarray = nd

__all__ = [
    "Context",
    "MXNetError",
    "__version__",
    "autograd",
    "base",
    "context",
    "cpu",
    "cpu_pinned",
    "current_context",
    "diagnose",
    "gluon",
    "gpu",
    "init",
    "initializer",
    "insight",
    "install_as_mxnet",
    "instruction_set",
    "interop",
    "io",
    "is_np_array",
    "is_np_shape",
    "kv",
    "kvstore",
    "load",
    "lr_scheduler",
    "metric",
    "name",
    "nd",
    "ndarray",
    "np",
    "np_array",
    "np_shape",
    "npx",
    "num_gpus",
    "num_threads",
    "onnx",
    "optimizer",
    "plot",
    "random",
    "rnd",
    "set_np_shape",
    "set_num_threads",
    "set_threading_layer",
    "show_config",
    "sklearn",
    "test_utils",
    "threading_layer",
    "use_np",
    "use_np_array",
    "use_np_shape",
    "util",
]

# What a program that only runs a net never needs is imported when it is first named.
__getattr__, __dir__ = surface(
    __name__,
    modules=(
        "insight",
        "interop",
        "io",
        "kv=kvstore",
        "kvstore",
        "lr_scheduler",
        "metric",
        "np",
        "npx",
        "onnx",
        "optimizer",
        "plot",
        "random",
        "rnd=random",
        "sklearn",
        "test_utils",
        "util",
    ),
    names={
        "_config": "show_config",
        "_mxnet_alias": "install_as_mxnet",
        "gluon._files.model": "load=load_model",
        "util": (
            "is_np_array is_np_shape np_array np_shape set_np_shape use_np use_np_array use_np_shape"
        ),
        "insight": "diagnose",
    },
)
