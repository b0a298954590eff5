"""A net's state, kept while it is looked at."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from glueball import _core

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueball.gluon import Block

__all__ = ["preserved"]


@contextmanager
def preserved(net: Block) -> Iterator[None]:
    """Run a body and put back what running `net` moves: running statistics, and random numbers.

    Of random numbers, glueball's own, NumPy's and Python's, since blocks of a user's own may draw from any.
    """
    others = random.getstate(), np.random.get_state()  # noqa: NPY002 - the one that programs share
    # What no gradient changes, a forward in training may: BatchNorm's running mean and variance.
    kept = [
        (parameter, np.array(parameter.data(), subok=False))
        for _, parameter in net._walk_parameters()
        if parameter.grad_req == "null" and parameter._is_initialized
    ]
    try:
        with _core.DrawsApart():  # other threads go on drawing theirs
            yield
    finally:
        for parameter, values in kept:
            now = np.asarray(parameter.data())
            if now.tobytes() != values.tobytes():
                parameter.set_data(values)
        random.setstate(others[0])
        np.random.set_state(others[1])  # noqa: NPY002
