"""Parameters, constants and dicts of them, under the name of Gluon's module."""

from glueball.base import DeferredInitializationError
from glueball.gluon._parameter import Parameter
from glueball.gluon.constant import Constant
from glueball.gluon.parameter_dict import ParameterDict
from glueball.nd import NDArray

__all__ = [
    "Constant",
    "DeferredInitializationError",
    "Parameter",
    "ParameterDict",
    "tensor_types",
]

tensor_types = (NDArray,)
