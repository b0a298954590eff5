"""Constants: parameters whose values are given and stay."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import init as initializers
from glueball import nd
from glueball.base import ArgumentError
from glueball.gluon.parameter._parameter import Parameter
from glueball.gluon.parameter._settings import to_numbers

if TYPE_CHECKING:
    from glueball.context import Context

__all__ = ["Constant"]


class Constant(Parameter):
    """A parameter whose value is given and stays: no gradient, no update.

    Parameters
    ----------
    name : str
        Full name.
    value : array_like
        NDArrays keep their dtype, everything else becomes float32.

    Examples
    --------
    >>> from glueball import gluon
    >>> constant = gluon.Constant("scale", [[1, 2]])
    >>> constant
    Constant scale (shape=(1, 2), dtype=float32)
    """

    value: Any = None

    def __init__(self, name: str, value: Any) -> None:
        array = to_numbers(value, f"value of Constant '{name}'")
        keeps_dtype = isinstance(value, nd.NDArray) and array.dtype == np.float64
        dtype = np.float64 if keeps_dtype else np.float32
        self.value = np.array(array, dtype=dtype)
        super().__init__(
            name,
            grad_req="null",
            shape=None,
            dtype=dtype,
            init=initializers.Constant(self.value),
            differentiable=False,
        )
        self._set_shape(self.value.shape)

    @property
    def grad_req(self) -> str:
        """Always ``'null'``."""
        return "null"

    @grad_req.setter
    def grad_req(self, grad_req: str) -> None:
        if grad_req != "null":
            warnings.warn(
                f'Constant parameter "{self.name}" does not support grad_req other than "null", '
                f'and new value "{grad_req}" is ignored.',
                stacklevel=2,
            )

    def _own_initializer(self, init: Any) -> Any:
        if init is not None:
            self._refuse("initialize it with an initializer of its own")
        return super()._own_initializer(init)

    def set_data(self, data: Any) -> None:
        """Refuse: a constant keeps its value.

        Raises
        ------
        ValueError
            Unless `data` equals the value.
        """
        if not np.array_equal(np.asarray(data), self.value):
            self._refuse("set its data")

    def _refuse(self, what: str) -> None:
        message = (
            f"expected Constant '{self.name}' to keep its value, found an attempt to {what}; "
            "use a Parameter with grad_req='null' for a value that changes"
        )
        raise ArgumentError(message)

    def __reduce__(self) -> tuple[Any, ...]:
        settings = (self._dtype_name, self._is_initialized, self._contexts)
        return _rebuild_constant, (self.name, self.value, *settings)

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        rebuild, arguments = self.__reduce__()
        copied: Parameter = rebuild(*arguments)
        memo[id(self)] = copied
        return copied


def _rebuild_constant(
    name: str, value: np.ndarray, dtype: str, initialized: bool, contexts: list[Context]
) -> Constant:
    constant = Constant(name, nd.array(value, dtype=value.dtype))
    constant._cast(dtype)
    if initialized:
        constant._set_data(value, True)
    constant._contexts = contexts
    return constant
