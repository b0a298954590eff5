"""Values of parameters: histograms, and heat maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from glueball.base import ArgumentError, GlueballTypeError
from glueball.gluon.block import Block
from glueball.gluon.parameter import Parameter, ParameterDict
from glueball.insight._statistics import describe, histogram
from glueball.insight._table import number_text, shorten
from glueball.plot._axes import BLUE, GREY, grid_of, new_axes

__all__ = ["parameters", "weights"]

_MOST = 32  # histograms in a picture
_CELLS = 256  # of a heat map, each way


def parameters(net: Any, axes: Any = None, bins: int = 30) -> list[Any]:
    """Draw a histogram of each parameter's values.

    Parameters
    ----------
    net : Block or ParameterDict
        Whose parameters; of more than 32 those that are spread evenly over the net.
    axes : sequence of Axes, optional
        One for each.
    bins : int, default 30
        How many bars.

    Returns
    -------
    list of Axes
        In the order of the net. Frozen parameters are grey; what is not finite is said in the title.

    Raises
    ------
    TypeError
        If it has no parameters, or there are fewer axes than parameters.
    """
    if not isinstance(net, Block | ParameterDict):
        message = (
            f"expected a net or its parameters to draw, found {type(net).__name__}; pass a Block"
        )
        raise GlueballTypeError(message)
    walked = net._walk_parameters() if isinstance(net, Block) else net.items()
    named = list({id(each): (name, each) for name, each in reversed(list(walked))}.values())[::-1]
    if len(named) > _MOST:
        places = np.linspace(0, len(named) - 1, _MOST).astype(int)
        named = [named[i] for i in places]
    drawn = grid_of(len(named), axes)
    for ax, (name, parameter) in zip(drawn, named, strict=True):
        _histogram(ax, name, parameter, bins)
    return drawn


def _histogram(ax: Any, name: str, parameter: Parameter, bins: int) -> None:
    ax.set_title(shorten(name, 18), fontsize="small")
    ax.tick_params(labelsize="x-small")
    ax.set_yticks([])
    ax.locator_params(axis="x", nbins=3)
    if parameter._state != "initialized":
        ax.text(
            0.5,
            0.5,
            "no values yet",
            ha="center",
            va="center",
            transform=ax.transAxes,
            fontsize="small",
        )
        ax.set_xticks([])
        return
    values = np.asarray(parameter.data())
    counts, edges = histogram(values, bins)
    colour = GREY if parameter.grad_req == "null" else BLUE
    ax.bar(edges[:-1], counts, np.diff(edges), align="edge", color=colour)
    said = describe(values)
    words = f"std {number_text(said.std, 2)}"
    if said.not_finite:
        words = f"{said.not_finite} not finite"
    ax.set_xlabel(words, fontsize="x-small")


def weights(parameter: Any, ax: Any = None) -> Any:
    """Draw a parameter's or an array's values as a heat map: blue below zero, red above, black what is not finite.

    Parameters
    ----------
    parameter : Parameter or array_like
        Of one axis or more; axes after the first are drawn as one. Of more than 256 rows or columns those that
        are spread evenly.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        With a scale of colours beside it.

    Raises
    ------
    ValueError
        If there are no elements, or no axes.
    RuntimeError
        If the parameter has no values.
    """
    name, array = "", parameter
    if isinstance(parameter, Parameter):
        name, array = parameter.name, parameter.data()
    plain = np.asarray(array)
    if plain.ndim == 0 or plain.size == 0 or plain.dtype.kind not in "biuf":
        message = (
            f"expected numbers to draw, found an array of shape {plain.shape} and dtype {plain.dtype}; pass a "
            "parameter or an array of floats"
        )
        raise ArgumentError(message)
    matrix = plain.reshape(plain.shape[0], -1) if plain.ndim > 1 else plain.reshape(1, -1)
    rows, columns = (np.linspace(0, n - 1, min(n, _CELLS)).astype(int) for n in matrix.shape)
    some = matrix[np.ix_(rows, columns)].astype(np.float64)
    finite = np.abs(some[np.isfinite(some)])
    top = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    ax = new_axes(ax)
    ax.set_facecolor("black")
    image = ax.imshow(
        np.ma.masked_invalid(some), cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto", interpolation="nearest",
        extent=(-0.5, matrix.shape[1] - 0.5, matrix.shape[0] - 0.5, -0.5),
    )  # fmt: skip
    ax.set_title(f"{shorten(name, 40) or 'values'} {plain.shape}")
    ax.set_xlabel("input" if plain.ndim > 1 else "element")
    ax.set_ylabel("unit" if plain.ndim > 1 else "")
    if plain.ndim == 1:
        ax.set_yticks([])
    ax.figure.colorbar(image, ax=ax, label="value")
    return ax
