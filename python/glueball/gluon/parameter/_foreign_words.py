"""The words of PyTorch, Keras, Paddle and NumPy for what a parameter is and does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from glueball import _tape
from glueball.base import ArgumentError, DeferredInitializationError, GlueballTypeError
from glueball.gluon import _places

if TYPE_CHECKING:
    from glueball.gluon._places.description import Description
    from glueball.nd import NDArray

__all__ = ["ForeignWords"]


class ForeignWords:
    """The part of `Parameter` that answers to other systems' words; each is one line over Gluon's."""

    if TYPE_CHECKING:
        name: Any
        shape: Any
        dtype: Any
        grad_req: Any
        _path: str | None
        _grad_req: str
        _former_req: str
        _differentiable: bool
        _is_initialized: bool
        _state: str
        _lengths: Any
        _origin: str
        _grad_was_computed: bool

        def data(self) -> NDArray: ...
        def set_data(self, data: Any) -> None: ...
        def _data(self, type: Any) -> Any: ...

    @property
    def path(self) -> str | None:
        """Where it stands, ``'0.weight'``, seen from the block that was last asked for it by paths; None before."""
        return self._path

    @property
    def requires_grad(self) -> bool:
        """PyTorch's word: whether it learns, which is that `grad_req` is not ``'null'``.

        Set to True, it has the `grad_req` again that it had before; ``'write'`` if none was noted.
        """
        return self._grad_req != "null"

    @requires_grad.setter
    def requires_grad(self, value: Any) -> None:
        if not isinstance(value, bool | int) or value not in (0, 1):
            message = (
                f"expected True or False for whether Parameter '{self.name}' learns, found {value!r} of type "
                f"{type(value).__name__}; pass one of them"
            )
            raise GlueballTypeError(message)
        if value and not self._differentiable:
            message = (
                f"expected a Parameter that can learn, found '{self.name}', which was made with "
                "differentiable=False; leave it, or make another"
            )
            raise ArgumentError(message)
        self._set_learns(bool(value))

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set `requires_grad`, and return the parameter: PyTorch's word."""
        self.requires_grad = requires_grad
        return self

    @property
    def trainable(self) -> bool:
        """Keras's word: as `requires_grad`."""
        return self._grad_req != "null"

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.requires_grad = value

    @property
    def stop_gradient(self) -> bool:
        """Paddle's word: the contrary of `requires_grad`."""
        return self._grad_req == "null"

    @stop_gradient.setter
    def stop_gradient(self, value: Any) -> None:
        is_flag = isinstance(value, bool | int) and value in (0, 1)
        self.requires_grad = not value if is_flag else value  # which refuses it

    def _set_learns(self, learns: bool) -> None:
        present = self._grad_req
        if learns == (present != "null"):
            return  # a new gradient would be one of zeros
        if learns:
            self.grad_req = self._former_req
        else:
            self.__dict__["_former_req"] = present
            self.grad_req = "null"

    @property
    def has_grad(self) -> bool:
        """Whether a backward computed the gradient since it was made, or last set to zero."""
        return self._grad_req != "null" and self._grad_was_computed

    def set_value(self, value: Any) -> None:
        """Set the data: Paddle's word for `set_data`."""
        self.set_data(value)

    def assign(self, value: Any) -> Self:
        """Set the data, and return the parameter: Keras's word for `set_data`."""
        self.set_data(value)
        return self

    def numpy(self) -> np.ndarray[Any, Any]:
        """Return a copy of the values as a NumPy array; ``numpy.asarray(parameter)`` gives the values themselves.

        Raises
        ------
        RuntimeError
            As `data`.
        """
        return self.data().asnumpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if _tape.state.recording:
            message = (
                f"expected an array within autograd.record(), found Parameter '{self.name}', whose gradient NumPy "
                "would lose; write data() for its array, or numpy() for its values alone"
            )
            raise GlueballTypeError(message)
        values = self.data().view(np.ndarray)
        return np.array(values, dtype=dtype, copy=copy)

    @property
    def size(self) -> int:
        """How many elements there are.

        Raises
        ------
        RuntimeError
            (As `DeferredInitializationError`) if the shape is not known yet.
        """
        lengths = self._lengths
        if lengths is None or -1 in lengths:
            message = (
                f"expected Parameter '{self.name}' to know its shape, found {self.shape}; run the net on data, or "
                "net.infer_shape((None, 20))"
            )
            raise DeferredInitializationError(message)
        return math.prod(lengths)

    def describe(self) -> Description:
        """Return a few lines on the parameter: where it is, its values, their mean and spread, and its gradient.

        Examples
        --------
        >>> from glueball import gluon, nd
        >>> weight = gluon.Parameter("weight", shape=(2, 2))
        >>> weight.set_data(nd.array([[1, 2], [3, 4]]))
        >>> weight.describe()
        Parameter weight (shape=(2, 2), dtype=float32)
        [[1. 2.]
         [3. 4.]]
        mean 2.5, standard deviation 1.118, from 1 to 4
        learns (grad_req='write'), no gradient computed
        """
        return _places.description.describe(self)  # type: ignore[arg-type]
