"""Standing in for MXNet: ``from mxnet import nd, gluon`` gives glueball."""

from __future__ import annotations

import functools
import importlib
import sys
from typing import TYPE_CHECKING

from glueball._mxnet import PARTS, add_parts, root
from glueball.base import PackageError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["install_as_mxnet"]

_HERE = __name__.partition(".")[0]
# Modules that are otherwise imported when they are first used.
_LATE = (
    f"{_HERE}.gluon.data",
    f"{_HERE}.gluon.data.vision",
    f"{_HERE}.gluon.contrib.estimator",
    f"{_HERE}.interop",
    f"{_HERE}.io",
    f"{_HERE}.lr_scheduler",
    f"{_HERE}.metric",
    f"{_HERE}.np",
    f"{_HERE}.npx",
    f"{_HERE}.onnx",
    f"{_HERE}.random",
    f"{_HERE}.test_utils",
    f"{_HERE}.util",
    *(f"{_HERE}._mxnet.{part}" for part in PARTS),
)
# Where MXNet has what we have elsewhere: modules that programs import by these names...
_MODULES = {
    "gluon.contrib.data.sampler": "gluon.data.sampler",
    "gluon.contrib.nn.basic_layers": "gluon.contrib.nn",
    "gluon.nn.activations": "gluon.nn",
    "gluon.nn.basic_layers": "gluon.nn",
    "initializer": "init",
    "io.io": "io",
    "ndarray": "nd",
    "ndarray.ndarray": "nd",
    "ndarray.op": "nd",
    "ndarray.random": "nd.random",
    "numpy": "np",
    "numpy.linalg": "np.linalg",
    "numpy.random": "np.random",
    "numpy_extension": "npx",
    "numpy_extension.random": "npx.random",
    "optimizer.optimizer": "optimizer",
    "rnd": "random",
}
# ... and classes, by the beginning of our module's name.
_PLACES = {
    "gluon.block._": "gluon.block",
    "gluon.parameter._": "gluon.parameter",
    "gluon.contrib.estimator._": "gluon.contrib.estimator.event_handler",
    "gluon.loss.": "gluon.loss",
    "gluon.nn._activation": "gluon.nn.activations",
    "gluon.nn._concurrent": "gluon.contrib.nn.basic_layers",
    "gluon.nn._identity": "gluon.contrib.nn.basic_layers",
    "gluon.nn._prelu": "gluon.nn.activations",
    "gluon.nn.": "gluon.nn.basic_layers",
    "init.": "initializer",
    "io": "io.io",
    "metric.": "metric",
    **{f"_mxnet.{part}": part for part in PARTS},
    "nd._ndarray": "ndarray.ndarray",
    "np._ndarray": "numpy",
    "optimizer.": "optimizer.optimizer",
}


def install_as_mxnet() -> None:
    """Make ``import mxnet``, and imports of its modules, give glueball's.

    Classes then also say that they are of ``mxnet``, as programs that print types expect, and
    ``mxnet.__version__`` is '1.9.1', which programs compare. Called twice, it does nothing more.

    Raises
    ------
    ImportError
        If the real MXNet has been imported in this process already.

    Examples
    --------
    The first two lines of a program, and the rest as it was::

        import glueball

        glueball.install_as_mxnet()

        from mxnet import autograd, gluon, init, nd
        from mxnet.gluon import nn
    """
    present = sys.modules.get("mxnet")
    ours = sys.modules[_HERE]
    if present is not None and getattr(present, "__file__", None) != ours.__file__:
        message = (
            "expected that mxnet has not been imported yet, found "
            f"{getattr(present, '__file__', present)}; call install_as_mxnet() before any import of it"
        )
        raise PackageError(message)
    for name in _LATE:
        importlib.import_module(name)
    if present is None:
        sys.modules["mxnet"] = root(ours)
    # Looking at a module's names may import more of them.
    new: list[ModuleType] = []
    while found := [
        name
        for name in sys.modules
        if (name == _HERE or name.startswith(_HERE + ".")) and _alias(name) not in sys.modules
    ]:
        for name in found:
            sys.modules[_alias(name)] = sys.modules[name]
            new.append(sys.modules[name])
            _public_classes(sys.modules[name])
    for name, place in _MODULES.items():
        module = functools.reduce(getattr, place.split("."), ours)
        sys.modules[f"mxnet.{name}"] = module
        parent, _, last = name.rpartition(".")
        # `from mxnet.gluon.nn import basic_layers` looks for an attribute.
        setattr(sys.modules[f"mxnet.{parent}" if parent else "mxnet"], last, module)
    if present is None:
        add_parts(sys.modules["mxnet"])
    for module in new:
        for each in _public_classes(module):
            each.__module__ = _mxnet_place(each)


def _alias(name: str) -> str:
    return "mxnet" + name[len(_HERE) :]


def _public_classes(module: ModuleType) -> set[type]:
    """Return the classes of ours that a module lists, and that are not renamed yet."""
    values = [getattr(module, name, None) for name in getattr(module, "__all__", ())]
    return {
        each
        for each in values
        if isinstance(each, type) and each.__module__.partition(".")[0] == _HERE
    }


def _mxnet_place(kind: type) -> str:
    """Return the module of MXNet that a class is said to be of; pickles look for it there."""
    place = kind.__module__[len(_HERE) + 1 :]
    # One idea is one file here, which MXNet kept together.
    for ours, theirs in _PLACES.items():
        there = sys.modules[f"mxnet.{theirs}"]
        if place.startswith(ours) and getattr(there, kind.__qualname__, None) is kind:
            return f"mxnet.{theirs}"
    return _alias(kind.__module__)
