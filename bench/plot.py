"""The ratios as a picture: one group of bars a case, one bar a peer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from bench.peers import OURS, PEERS

if TYPE_CHECKING:
    from pathlib import Path

    from bench.results import Row


def ratios(rows: list[Row], statistic: str, title: str, path: Path) -> None:
    """Draw each peer's time over glueball's, on a logarithmic axis; 1 is glueball."""
    rows = [row for row in rows if OURS in row.timings and len(row.timings) > 1]
    keys = [key for key in PEERS if key != OURS and any(key in row.timings for row in rows)]
    colors = mpl.colormaps["tab10"].colors
    figure = Figure(figsize=(9, 1.5 + 0.55 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    height = 0.8 / max(len(keys), 1)
    for place, key in enumerate(keys):
        found = [(i, row) for i, row in enumerate(rows) if key in row.timings]
        axes.barh(
            [i + (place - (len(keys) - 1) / 2) * height for i, _ in found],
            # From 1, so that a bar's side says who is ahead and its length by how much.
            [row.seconds(key, statistic) / row.seconds(OURS, statistic) - 1 for _, row in found],
            height,
            left=1,
            label=PEERS[key].title,
            color=colors[place],
        )
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.set_yticks(range(len(rows)), [row.case.name for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)  # the first case on top
    axes.set_xlabel("time as a multiple of glueball's (bars to the right: glueball is faster)")
    axes.set_title(title)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, dpi=150)
