"""How a signal goes through the layers, and its gradient back: what `insight.diagnose` measures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.base import ArgumentError, GlueballTypeError
from glueball.init._compare import Comparison
from glueball.insight._diagnosis import diagnose
from glueball.insight._report import Report
from glueball.insight._table import shorten
from glueball.plot._axes import BLUE, COLOURS, DARK, ORANGE, check_net, name_ticks, new_axes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueball.insight._collecting import Measurement

__all__ = ["activations", "compare", "gradients", "signal"]

_MARKERS = "osD^vP"


def _measured(net: Any, *data: Any) -> Measurement:
    if isinstance(net, Report):
        return net.measurement
    check_net(net)
    found: Measurement = diagnose(net, *data).measurement
    if found.state == "uninitialized":
        message = f"expected '{net.name}' to be initialized, found that it is not; call net.initialize() before it is drawn"
        raise ArgumentError(message)
    return found


def activations(net: Any, x: Any = None, ax: Any = None) -> Any:
    """Draw what each layer gives for a batch: mean, one standard deviation each way, least and greatest.

    Parameters
    ----------
    net : Block or Report
        An initialized net, or what `glueball.diagnose` returned for one.
    x : NDArray
        A batch for a net.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        Layers from left to right.

    Raises
    ------
    MXNetError
        If the net is not initialized, or `x` does not fit.
    """
    layers = _measured(net, x).layers
    ax = new_axes(ax)
    figures = [each.after for each in layers]
    places = np.arange(len(layers))
    mean, std, low, high = (
        np.array([getattr(each, name) for each in figures])
        for name in ("mean", "std", "least", "greatest")
    )
    ax.vlines(places, low, high, color=DARK, linewidth=1, label="least to greatest")
    ax.bar(places, 2 * std, 0.6, mean - std, color=BLUE, alpha=0.6, label="mean ± std")
    ax.plot(places, mean, "_", color=ORANGE, markersize=8, label="mean")
    ax.margins(y=0.2)  # room for the words
    _finish(ax, layers, "Activations", "value", columns=3)
    return ax


def signal(net: Any, x: Any = None, y: Any = None, loss: Any = None, ax: Any = None) -> Any:
    """Draw the signal's size before each activation, and its gradient's, on a logarithmic scale.

    A net that trains well has two level lines: each layer neither shrinks nor grows what goes through it.

    Parameters
    ----------
    net : Block or Report
        An initialized net, or what `glueball.diagnose` returned for one.
    x, y, loss
        For a net: as for `glueball.diagnose`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        Layers from left to right.

    Raises
    ------
    MXNetError
        If the net is not initialized, or `x` does not fit.
    """
    found = _measured(net, x, y, loss)
    ax = new_axes(ax)
    for name, way, fit, figures, colour, marker in (
        ("signal", "a layer", found.forward, [each.spread for each in found.layers], BLUE, "o"),
        (
            "gradient", "a layer back", found.backward,
            [each.gradient for each in found.layers], ORANGE, "s",
        ),
    ):  # fmt: skip
        factor = "" if fit is None else f": x {fit.factor:.3g} {way}"
        _line(ax, figures, colour, marker, f"{name}{factor}")
    _finish(ax, found.layers, "Signal and gradient before activations", "root mean square")
    return ax


def gradients(net: Any, x: Any = None, y: Any = None, loss: Any = None, ax: Any = None) -> Any:
    """Draw the root mean square of each parameter's gradient, beside that of its values.

    Parameters
    ----------
    net : Block or Report
        An initialized net, or what `glueball.diagnose` returned for one with labels.
    x, y, loss
        For a net: as for `glueball.diagnose`. Gradients of parameters need `y` or `loss`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        Parameters from left to right.

    Raises
    ------
    MXNetError
        If the net is not initialized, `x` does not fit, or there is nothing to differentiate.
    """
    found = _measured(net, x, y, loss)
    if not any(each.gradient is not None for each in found.weights):
        message = f"expected labels or a loss for gradients of '{found.name}', found none; pass y, or loss"
        raise ArgumentError(message)
    ax = new_axes(ax)
    _line(ax, [each.size for each in found.weights], BLUE, "o", "values")
    _line(ax, [each.gradient for each in found.weights], ORANGE, "s", "gradient")
    _finish(ax, found.weights, "Gradients of parameters", "root mean square")
    return ax


def compare(reports: Mapping[str, Report] | Comparison, ax: Any = None) -> Any:
    """Draw the signal's size through the layers of several nets on one scale.

    Parameters
    ----------
    reports : Comparison or mapping of str to Report
        What `init.compare` returned, or by name what `glueball.diagnose` did.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        A line for each.

    Raises
    ------
    TypeError
        If these are not reports by name.
    """
    if isinstance(reports, Comparison):
        reports = dict(zip(reports.names, reports.reports, strict=True))
    if not isinstance(reports, dict) or not all(isinstance(r, Report) for r in reports.values()):
        message = (
            f"expected a dict of reports by name, found {type(reports).__name__}; pass "
            "{'xavier': glueball.diagnose(net, x)}"
        )
        raise GlueballTypeError(message)
    ax = new_axes(ax)
    layers: Sequence[Any] = ()
    for i, (name, report) in enumerate(reports.items()):
        found = report.measurement.layers
        layers = found if len(found) > len(layers) else layers
        colour, marker = COLOURS[i % len(COLOURS)], _MARKERS[i % len(_MARKERS)]
        _line(ax, [each.spread for each in found], colour, marker, shorten(name, 30))
    _finish(ax, layers, "Signal before activations", "root mean square")
    return ax


def _line(ax: Any, figures: Sequence[float | None], colour: str, marker: str, label: str) -> None:
    values = [math.nan if each is None or not each > 0 else each for each in figures]
    ax.semilogy(
        range(len(values)), values, marker, linestyle="-", color=colour, markersize=4, label=label
    )


def _finish(ax: Any, rows: Sequence[Any], title: str, unit: str, columns: int = 1) -> None:
    ax.set_title(title)
    ax.set_ylabel(unit)
    ax.set_xlabel("layer" if rows and hasattr(rows[0], "type") else "parameter")
    lost = [i for i, each in enumerate(rows) if each.not_finite]
    if lost:
        ax.plot(
            lost,
            [0.02] * len(lost),
            "x",
            color="#C9252D",
            transform=ax.get_xaxis_transform(),
            label="not finite",
        )
    name_ticks(ax, [each.path for each in rows])
    ax.grid(axis="y", alpha=0.3)
    if rows:
        ax.legend(fontsize="small", ncols=columns, loc="best" if columns == 1 else "upper center")
    else:
        ax.text(0.5, 0.5, "no layers", ha="center", va="center", transform=ax.transAxes)
