"""Optimizers whose rule is in the C++ core, which updates all parameters in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from glueball import _core, nd
from glueball.base import FileFormatError, ShapeError
from glueball.optimizer.optimizer import Optimizer, finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.gluon.parameter import Parameter

__all__ = ["Hyperparameter", "NativeOptimizer"]


class Hyperparameter:
    """A number of a rule, kept by the core; may be read and set, and is checked when set."""

    def __init__(self, kind: type[float | bool] = float) -> None:
        self._kind = kind

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, optimizer: NativeOptimizer | None, owner: type | None = None) -> Any:
        return self if optimizer is None else self._kind(optimizer._native.get(self._name))

    def __set__(self, optimizer: NativeOptimizer, value: float) -> None:
        optimizer._native.set(self._name, finite(self._name, value))


class NativeOptimizer(Optimizer):
    """Base of the rules that the core knows.

    Parameters
    ----------
    settings : dict
        As `Optimizer` takes them.
    **hyperparameters : float or None
        What the rule has beyond rates; None leaves the default.
    """

    rule: ClassVar[str]

    def __init__(self, settings: dict[str, Any], **hyperparameters: Any) -> None:
        super().__init__(**settings)
        given = {
            name: finite(name, value)
            for name, value in hyperparameters.items()
            if value is not None
        }
        self._native = _core.Optimizer(self.rule, given, self.begin_num_update)
        self._carries: dict[int, float] = {}

    def create_state(self, index: int, weight: nd.NDArray) -> Any:
        """Return what `update` needs for one array: None, an array, or a tuple of them."""
        arrays = tuple(self._native.make_arrays(np.asarray(weight)))
        if len(arrays) > 1:
            return arrays
        return arrays[0] if arrays else None

    def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Update one array in place, or each of several: for those who keep weights and states themselves.

        Parameters
        ----------
        index : int or list of int
            Which, for counts and multipliers.
        weight, grad : NDArray or list of NDArray
            What is updated, and by what.
        state : object, or list of them
            What `create_state` returned.
        """
        if isinstance(index, list | tuple):
            for each in zip(index, weight, grad, state, strict=True):
                self.update(*each)
            return
        arrays = [] if state is None else [state] if isinstance(state, np.ndarray) else list(state)
        self._update_count(index)
        self._carries[index] = self._native.update_array(
            weight,
            grad,
            arrays,
            self._index_update_count[index],
            self._carries.get(index, 1.0),
            self._get_lr(index),
            self._get_wd(index),
            self.rescale_grad,
            self.clip_gradient or 0.0,
            self.idx2name.get(index, ""),
        )

    def _update_parameters(
        self, parameters: Sequence[Parameter], native: _core.ParameterList, ignore_stale: bool
    ) -> int | None:
        """Update every parameter that has a gradient, in one native call."""
        rate = self.lr
        before = self.num_update
        if self.lr_scheduler is not None:  # which uses the number of this update
            self.num_update = max(before, self._native.next_count(native, ignore_stale))
            try:
                rate = self.learning_rate
            except BaseException:
                self.num_update = before
                raise
        count = _core.update_parameters(
            self._native,
            native,
            rate,
            self.wd,
            self.rescale_grad,
            self.clip_gradient or 0.0,
            ignore_stale,
        )
        if count < 0:
            self.num_update = before
            return -1 - count
        if count > self.num_update:  # noqa: PLR1730 - max() takes 50 ns more
            self.num_update = count
        return None

    def get_state(self, index: int, parameter: Parameter) -> dict[str, Any]:
        """Return count and arrays of one parameter, for a file."""
        count, carry, arrays = self._native.state(parameter)
        return {"count": count, "carry": carry, "state": arrays}

    def _check_state(
        self, parameter: Parameter, saved: dict[str, Any], lengths: Sequence[int] | None
    ) -> None:
        arrays = saved.get("state")
        if not isinstance(arrays, list) or "carry" not in saved:
            fault = f"no list of arrays, or no 'carry', for Parameter '{parameter.name}'"
            raise FileFormatError(fault)
        shape = None if lengths is None else tuple(lengths)
        for array in arrays:
            if not isinstance(array, np.ndarray) or array.dtype not in (np.float32, np.float64):
                fault = f"a state of Parameter '{parameter.name}' that is not an array of float32 or float64"
                raise FileFormatError(fault)
            if array.shape != shape:
                message = (
                    f"expected a state of the shape of Parameter '{parameter.name}', {shape}, found "
                    f"{array.shape}; load the states that were saved with this net"
                )
                raise ShapeError(message)
        if len(arrays) > _core.max_states:
            fault = f"{len(arrays)} arrays of states for Parameter '{parameter.name}'"
            raise FileFormatError(fault)

    def set_state(self, index: int, parameter: Parameter, saved: dict[str, Any]) -> None:
        """Take what `get_state` returned."""
        self._native.set_state(parameter, saved["count"], saved["carry"], saved["state"])

    def __getstate__(self) -> dict[str, Any]:
        # The arrays belong to parameters, which a copy does not have: those are the Trainer's to save.
        return {**super().__getstate__(), "_native": self._native.hyperparameters()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._native = _core.Optimizer(self.rule, state["_native"], self.num_update)
