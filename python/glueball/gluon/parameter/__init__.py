"""Parameters, constants and dicts of them, under the name of Gluon's module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueball._scope import surface
from glueball.base import DeferredInitializationError
from glueball.gluon.parameter._constant import Constant
from glueball.gluon.parameter._parameter import Parameter
from glueball.gluon.parameter._parameter_dict import ParameterDict
from glueball.nd import NDArray

if TYPE_CHECKING:
    from glueball.gluon.parameter._load_report import LoadReport

__all__ = [
    "Constant", "DeferredInitializationError", "LoadReport", "Parameter", "ParameterDict", "tensor_types",
]  # fmt: skip

tensor_types = (NDArray,)

__getattr__, __dir__ = surface(__name__, names={"_load_report": "LoadReport"})
