"""Modules and classes that only programs written for MXNet name: there once glueball stands in for it."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from glueball._mxnet.inert import StandIn, inert_modules
from glueball._mxnet.nesting import flatten, regroup

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["PARTS", "VERSION", "StandIn", "add_parts", "root"]

VERSION = "1.9.1"
PARTS = ("callback", "engine", "libinfo", "model", "profiler", "runtime")
# By module, what MXNet's own modules import, and programs and libraries take from there.
_IMPORTED = {
    "autograd": "NDArray=nd.NDArray",
    "gluon.block": "SymbolBlock=gluon.SymbolBlock NDArray=nd.NDArray Parameter=gluon.Parameter ParameterDict=gluon.ParameterDict ndarray=nd",
    "gluon.loss": "HybridBlock=gluon.HybridBlock ndarray=nd",
    "gluon.parameter": "Context=Context ndarray=nd",
    "gluon.utils": "ndarray=nd",
    "initializer": "NDArray=nd.NDArray ndarray=nd",
    "metric": "ndarray=nd",
    "test_utils": "mx= np=numpy nd=nd Context=Context current_context=current_context",
}
# What `from module import *` brings besides.
_STARRED = {"autograd": "NDArray", "test_utils": "mx np nd Context current_context"}


def root(ours: ModuleType) -> ModuleType:
    """Return the module `mxnet`: all that glueball shows, under MXNet's version."""

    class Root(type(ours)):  # type: ignore[misc]
        def __getattr__(self, name: str) -> Any:
            return getattr(ours, name)

        def __dir__(self) -> list[str]:
            return sorted({*dir(ours), *vars(self)})

    module = Root(ours.__name__, ours.__doc__)
    module.__dict__.update({key: it for key, it in vars(ours).items() if key != "__getattr__"})
    module.__dict__["__version__"] = VERSION
    return module


def add_parts(mxnet: ModuleType) -> None:
    """Enter what is only MXNet's below `mxnet`."""
    for name in PARTS:
        part = importlib.import_module(f"{__name__}.{name}")
        sys.modules[f"mxnet.{name}"] = part
        setattr(mxnet, name, part)
    for name, module in inert_modules():
        sys.modules[f"mxnet.{name}"] = module
        parent, _, last = name.rpartition(".")
        setattr(sys.modules[f"mxnet.{parent}" if parent else "mxnet"], last, module)
    symbol = sys.modules["mxnet.symbol"]
    sys.modules["mxnet.sym"] = mxnet.sym = symbol  # type: ignore[attr-defined]
    for place in ("gluon.block", "gluon.parameter", "autograd"):
        setattr(sys.modules[f"mxnet.{place}"], "Symbol", symbol.Symbol)  # noqa: B010 - of a module
    for place in ("gluon.block", "gluon.parameter"):
        setattr(sys.modules[f"mxnet.{place}"], "symbol", symbol)  # noqa: B010
    sys.modules["mxnet.gluon.block"].__dict__.update(_flatten=flatten, _regroup=regroup)
    for place, names in _IMPORTED.items():
        module = sys.modules[f"mxnet.{place}"]
        for entry in names.split():
            name, _, source = entry.partition("=")
            if name not in vars(module):
                setattr(module, name, _found(mxnet, source))
    for place, starred in _STARRED.items():
        shown: Any = sys.modules[f"mxnet.{place}"]
        shown.__all__ = list(dict.fromkeys([*shown.__all__, *starred.split()]))


def _found(mxnet: Any, source: str) -> Any:
    if source == "numpy":
        return importlib.import_module("numpy")
    for part in source.split(".") if source else ():
        mxnet = getattr(mxnet, part)
    return mxnet
