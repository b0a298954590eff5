"""NumPy mode's switch, and the functions of nets that NumPy does not have: `mx.npx`."""

from __future__ import annotations

import functools
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from glueball import _core, nd
from glueball import np as np_mode
from glueball._numpy_mode import Mode, is_np_array, is_np_shape
from glueball._scope import surface
from glueball.base import ArgumentError
from glueball.context import Context, cpu, cpu_pinned, current_context, gpu, num_gpus
from glueball.nd._files import load_as
from glueball.nd._ndarray import NDArray
from glueball.nd._ufuncs import mixing_error
from glueball.np import ndarray
from glueball.npx import _shape
from glueball.random import seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueball.npx import random

__all__ = [
    "Context", "activation", "arange_like", "batch_dot", "batch_flatten", "batch_norm", "cast",
    "cpu", "cpu_pinned", "current_context", "dropout", "embedding", "erf", "erfinv", "from_dlpack",
    "from_numpy", "fully_connected", "gamma", "gammaln", "gather_nd", "gelu", "gpu", "group_norm",
    "instance_norm", "is_np_array", "is_np_shape", "layer_norm", "leaky_relu", "load",
    "log_softmax", "nonzero", "num_gpus", "one_hot", "pick", "random", "relu", "reset_np",
    "reshape", "reshape_like", "save", "seed", "sequence_mask", "set_np", "shape_array", "sigmoid",
    "silu", "slice", "smooth_l1", "softmax", "to_dlpack_for_read", "to_dlpack_for_write", "topk",
    "use_np", "waitall",
]  # fmt: skip

_lock = threading.Lock()


def set_np(shape: bool = True, array: bool = True, dtype: bool = False) -> None:
    """Switch NumPy mode on: layers and parameters make and take `np.ndarray`.

    The mode counts when arrays are made; initialized parameters keep their class.

    Parameters
    ----------
    shape : bool, default True
        NumPy's shapes; must be on when `array` is.
    array : bool, default True
        NumPy's arrays.
    dtype : bool, default False
        For Gluon's scripts; new arrays are float32 in any case.

    Raises
    ------
    ArgumentError
        When `array` is on and `shape` is off.
    """
    import logging  # here, because importing it takes as long as all of this module

    del dtype
    log = logging.getLogger("glueball")
    if array and not shape:
        msg = (
            "NumPy Shape semantics are required in using NumPy array semantics: expected shape=True with "
            "array=True, found shape=False; switch both on, or both off"
        )
        raise ArgumentError(msg)
    with _lock:
        if shape and not Mode.shape:
            log.info("NumPy-shape semantics has been activated in your code.")
        if array and not Mode.array:
            log.info("NumPy array semantics has been activated in your code.")
        Mode.shape, Mode.array = bool(shape), bool(array)
        _core.set_default_array_type(ndarray if array else NDArray)


def reset_np() -> None:
    """Switch NumPy mode off."""
    set_np(shape=False, array=False)


def use_np(func: Any) -> Any:
    """Run a function, or the methods of a class, in NumPy mode: a decorator."""
    if isinstance(func, type):
        for name, method in list(vars(func).items()):
            if callable(method) and (name in ("__init__", "__call__") or not name.startswith("__")):
                setattr(func, name, use_np(method))
        return func

    @functools.wraps(func)
    def switched(*args: Any, **kwargs: Any) -> Any:
        before = Mode.shape, Mode.array
        set_np()
        try:
            return func(*args, **kwargs)
        finally:
            set_np(*before)

    return switched


def _numpy_only(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return a function of `nd` that refuses legacy arrays, and makes `np.ndarray` of everything else."""

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(a, NDArray) and a._least_ndim for a in (*args, *kwargs.values())):
            operator = f"npx.{name}"
            raise mixing_error(operator)
        return function(*args, **kwargs)

    checked.__name__ = name
    return checked


activation = _numpy_only(nd.Activation, "activation")
arange_like = _numpy_only(_shape.arange_like, "arange_like")
batch_dot = _numpy_only(nd.batch_dot, "batch_dot")
batch_flatten = _numpy_only(nd.flatten, "batch_flatten")
batch_norm = _numpy_only(nd.BatchNorm, "batch_norm")
cast = _numpy_only(nd.cast, "cast")
dropout = _numpy_only(nd.Dropout, "dropout")
embedding = _numpy_only(nd.Embedding, "embedding")
erf = _numpy_only(nd.erf, "erf")
erfinv = _numpy_only(nd.erfinv, "erfinv")
fully_connected = _numpy_only(nd.FullyConnected, "fully_connected")
gamma = _numpy_only(nd.gamma, "gamma")
gammaln = _numpy_only(nd.gammaln, "gammaln")
gather_nd = _numpy_only(nd.gather_nd, "gather_nd")
gelu = _numpy_only(nd.gelu, "gelu")
group_norm = _numpy_only(nd.GroupNorm, "group_norm")
instance_norm = _numpy_only(nd.InstanceNorm, "instance_norm")
layer_norm = _numpy_only(nd.LayerNorm, "layer_norm")
leaky_relu = _numpy_only(nd.LeakyReLU, "leaky_relu")
log_softmax = _numpy_only(nd.log_softmax, "log_softmax")
nonzero = _numpy_only(_shape.nonzero, "nonzero")
one_hot = _numpy_only(nd.one_hot, "one_hot")
pick = _numpy_only(nd.pick, "pick")
relu = _numpy_only(nd.relu, "relu")
reshape = _numpy_only(_shape.reshape, "reshape")
reshape_like = _numpy_only(nd.reshape_like, "reshape_like")
sequence_mask = _numpy_only(nd.SequenceMask, "sequence_mask")
shape_array = _numpy_only(nd.shape_array, "shape_array")
sigmoid = _numpy_only(nd.sigmoid, "sigmoid")
silu = _numpy_only(nd.silu, "silu")
slice = _numpy_only(nd.slice, "slice")
smooth_l1 = _numpy_only(nd.smooth_l1, "smooth_l1")
softmax = _numpy_only(nd.softmax, "softmax")
topk = _numpy_only(nd.topk, "topk")


def save(file: Any, arr: Any) -> None:
    """Write arrays to a file; as `nd.save`."""
    nd.save(file, arr)


def load(file: Any) -> Any:
    """Read the arrays of a file, as `nd.load`, as `np.ndarray`: a list or a dict, as they were saved."""
    return load_as(file, ndarray)


def from_dlpack(dlpack: Any) -> ndarray:
    """As `nd.from_dlpack`, an `np.ndarray`."""
    return nd.from_dlpack(dlpack).as_np_ndarray()  # type: ignore[no-any-return]


def from_numpy(array: Any, zero_copy: bool = True) -> ndarray:
    """As `nd.from_numpy`, an `np.ndarray`."""
    return nd.from_numpy(array, zero_copy).as_np_ndarray()  # type: ignore[no-any-return]


to_dlpack_for_read = nd.to_dlpack_for_read
to_dlpack_for_write = nd.to_dlpack_for_write


def waitall() -> None:
    """Do nothing: results are there when a function returns."""


Mode.functions = SimpleNamespace(np=np_mode, npx=sys.modules[__name__])

# Many programs never draw.
__getattr__, __dir__ = surface(__name__, modules=("random",))
