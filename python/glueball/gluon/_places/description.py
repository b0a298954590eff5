"""A parameter in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from glueball.gluon.parameter import Parameter

__all__ = ["Description", "describe"]


class Description(str):
    """A text of several lines that shows itself as it is printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def describe(parameter: Parameter) -> Description:
    """Return where a parameter is, its values, their mean and spread, and whether it learns."""
    place = "" if parameter._path is None else f" at '{parameter._path}'"
    lines = [f"{parameter}{place}"]
    if parameter._is_initialized:
        values = parameter._data(np.ndarray)
        with np.printoptions(threshold=20, edgeitems=2, precision=4, linewidth=100):
            lines.append(str(values))
        finite = values[np.isfinite(values)].astype(np.float64)
        if finite.size:
            lines.append(
                f"mean {finite.mean():.4g}, standard deviation {finite.std():.4g}, from {finite.min():.4g} "
                f"to {finite.max():.4g}"
            )
        if finite.size < values.size:
            lines.append(f"{values.size - finite.size} of {values.size} are not finite")
    elif parameter._state == "deferred":
        lines.append("waits for its shape: no values yet")
    else:
        lines.append("not initialized: no values yet")
    learns = "learns" if parameter._grad_req != "null" else "does not learn"
    gradient = "" if parameter._grad_req == "null" else (
        ", a gradient was computed" if parameter._grad_was_computed else ", no gradient computed"
    )  # fmt: skip
    lines.append(f"{learns} (grad_req='{parameter._grad_req}'){gradient}")
    return Description("\n".join(lines))
