"""What a step of a Trainer would do, found on copies."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core

if TYPE_CHECKING:
    from glueball.gluon import Trainer

__all__ = ["updates"]


def updates(trainer: Trainer, gradients: dict[int, Any], batch: int) -> dict[int, Any]:
    """Return what one step would add to each parameter.

    Parameters
    ----------
    trainer : Trainer
        Is copied, with its parameters and their states, and left alone.
    gradients : dict
        By the ``id`` of a parameter. One without an entry stays as it is.
    batch : int
        What `Trainer.step` is given.

    Returns
    -------
    dict
        Arrays, by the ``id`` of the parameter.
    """
    twin = copy.deepcopy(trainer)
    pass_ = _core.BackwardPass()
    for original, parameter in zip(trainer._params, twin._params, strict=True):
        if id(original) in gradients:
            parameter.zero_grad()
            parameter._accumulate_grad(gradients[id(original)], pass_)
    twin.step(batch, ignore_stale_grad=True)
    return {
        id(original): np.asarray(parameter.data()) - np.asarray(original.data())
        for original, parameter in zip(trainer._params, twin._params, strict=True)
        if id(original) in gradients
    }
