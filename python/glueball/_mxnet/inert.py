"""Classes of other fields that programs only name: in annotations, bases, tests of a type and defaults."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from glueball._scope import outside
from glueball.base import OutsideScopeAttributeError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["StandIn", "inert_modules"]

# By module: what it is for, and its classes.
_MODULES = {
    "symbol": ("symbolic graphs", "Symbol"),
    "operator": ("operators written in Python", "CustomOp CustomOpProp NDArrayOp NumpyOp PythonOp"),
    "gluon.rnn": (
        "recurrent nets",
        """BidirectionalCell DropoutCell GRU GRUCell HybridRecurrentCell HybridSequentialRNNCell LSTM LSTMCell
        ModifierCell RNN RNNCell RecurrentCell ResidualCell SequentialRNNCell ZoneoutCell""",
    ),
    "gluon.contrib.rnn": (
        "recurrent nets",
        "Conv1DGRUCell Conv1DLSTMCell Conv1DRNNCell LSTMPCell VariationalDropoutCell dynamic_unroll",
    ),
}


class StandIn:
    """Base of the classes that can be named, and not be used."""

    _field = ""

    @classmethod
    def _reason(cls) -> str:
        """Return what is said where one is used."""
        place = f"{cls.__module__.partition('.')[2]}.{cls.__name__}".lstrip(".")
        return str(outside(place, cls._field))


class _InertModule(ModuleType):
    """A module of classes that can be named and not be used; another name is an error that says why."""

    def __init__(self, name: str, field: str, names: list[str]) -> None:
        super().__init__(f"mxnet.{name}", f"What MXNet has for {field}.")
        self._field = field
        self.__all__ = names
        for each in names:
            setattr(self, each, _inert_class(f"{name}.{each}", field))

    def __getattr__(self, name: str) -> Any:
        full_name = f"{self.__name__.partition('.')[2]}.{name}"
        raise OutsideScopeAttributeError(str(outside(full_name, vars(self).get("_field", ""))))


def _inert_class(full_name: str, field: str) -> type:
    def refuse(cls: type, *_: Any, **__: Any) -> Any:
        raise outside(full_name, field)

    module, _, name = full_name.rpartition(".")
    return type(
        name,
        (StandIn,),
        {
            "_field": field,
            "__module__": f"mxnet.{module}",
            "__doc__": f"For {field}: can be named, and not be used.",
            "__new__": refuse,
        },
    )


def inert_modules() -> Iterator[tuple[str, ModuleType]]:
    """Yield each of them, by its name below ``mxnet``."""
    for name, (field, names) in _MODULES.items():
        module = _InertModule(name, field, names.split())
        if name == "operator":
            vars(module)["register"] = _register
        yield name, sys.modules.get(f"mxnet.{name}", module)


def _register(name: str) -> Any:
    """Return a decorator that leaves a class as it is: ``nd.Custom``, which would call it, is not here."""
    del name
    return lambda kind: kind
