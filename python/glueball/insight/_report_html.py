"""A report as HTML: findings in words, the signal as a picture, layers and parameters as tables that can be sorted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueball.insight._html import escape, named, sortable, table
from glueball.insight._table import number_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.insight._report import Report

__all__ = ["sections_of"]

_LAYER = {
    "mean": "mean", "std": "std", "spread": "spread", "gradient": "gradient", "dead": "dead",
    "saturated": "saturated", "rank": "rank",
}  # fmt: skip
_PARAMETER = {
    "mean": "mean",
    "std": "std",
    "gradient": "gradient",
    "update": "update",
    "ratio": "update / weight",
}
_LINES = (("spread", "signal", "#2f7fb5"), ("gradient", "gradient", "#d98200"))


def sections_of(report: Report) -> list[tuple[str, str]]:
    """Return headings and bodies of what a report says, without what it has nothing of."""
    said = "".join(map(_finding, report.findings)) or "<p>Nothing is wrong.</p>"
    sections = [("Findings", said)]
    layers = report.rows
    if layers:
        sections.append(("Signal and gradient", _growth(layers)))
        sections.append(("Layers", _rows(layers, _LAYER, "type")))
    if report.parameters:
        sections.append(("Parameters", _rows(report.parameters, _PARAMETER)))
    if report.trials:
        rows = [
            (
                [escape(each.remedy), *map(_number, (each.forward, each.backward, each.loss)),
                 escape(", ".join(each.left) or "nothing")],
                "",
            )
            for each in report.trials
        ]  # fmt: skip
        titles = ["remedy", "signal", "gradient", "loss", "still wrong"]
        sections.append(
            ("Measured on a copy", table(titles, rows, [False, True, True, True, False]))
        )
    return sections


def _finding(finding: Any) -> str:
    kind = "bad" if finding.severity == "severe" else ""
    parts = [
        (
            f'<p><b class="{kind}">{escape(finding.kind)}</b> <span class="tag">{escape(finding.severity)}</span> '
            f"{escape(finding.what)}"
        ),
        f"<b>Why:</b> {escape(finding.why)}",
        f"<b>Mend:</b> {escape(finding.remedy)}",
    ]
    if finding.source:
        parts.append(f'<span class="dim">{escape(finding.source)}</span>')
    return "<br>".join(parts) + "</p>"


def _rows(rows: Sequence[dict[str, Any]], figures: dict[str, str], *words: str) -> str:
    cells = []
    figures = {
        figure: title
        for figure, title in figures.items()
        if any(_number(row[figure]) for row in rows)
    }
    for row in rows:
        line = [named(row["path"] or "(net)"), *(escape(row[word]) for word in words)]
        line += [_number(row[figure]) for figure in figures]
        lost = row["not_finite"]
        line.append(f'<span class="bad">{lost:,} not finite</span>' if lost else "")
        cells.append((line, ""))
    titles = ["path", *words, *figures.values(), ""]
    right = [False] * (1 + len(words)) + [True] * len(figures) + [False]
    keys: dict[str, list[Any]] = {"path": [row["path"] for row in rows]}
    keys |= {title: [row[figure] for row in rows] for figure, title in figures.items()}
    return sortable(titles, cells, right, keys)


def _number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else number_text(value)


def _growth(layers: Sequence[dict[str, Any]], width: int = 640, height: int = 200) -> str:
    """Return lines of the signal and its gradient through the layers, on a logarithmic scale."""
    logs = {
        key: [math.log10(v) if (v := row[key]) and 0 < v < math.inf else None for row in layers]
        for key, _, _ in _LINES
    }
    finite = [each for values in logs.values() for each in values if each is not None]
    if not finite:
        return '<p class="dim">No figures: nothing that is finite went through.</p>'
    low, high = math.floor(min(finite)), math.ceil(max(finite) + 1e-9)
    high = max(high, low + 1)
    left, step = 44.0, (width - 60) / max(1, len(layers) - 1)

    def at(i: int, value: float) -> tuple[float, float]:
        return left + i * step, 10 + (high - value) / (high - low) * height

    drawn, keys = [], []
    spacing = max(1, (high - low) // 5)
    for power in range(low, high + 1, spacing):
        y = at(0, power)[1]
        drawn.append(
            f'<line x1="{left}" x2="{width - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" opacity=".2"/>'
            f'<text x="{left - 6}" y="{y + 4:.1f}" font-size="11" text-anchor="end">1e{power}</text>'
        )
    for key, name, colour in _LINES:
        points = [(i, value) for i, value in enumerate(logs[key]) if value is not None]
        if not points:
            continue
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*each) for each in points))
        drawn.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )
        for i, value in points:
            x, y = at(i, value)
            told = escape(f"{layers[i]['path'] or '(net)'}: {name} {number_text(10**value)}")
            drawn.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"><title>{told}</title></circle>'
            )
        keys.append(f'<span style="color:{colour}">●</span> {name}')
    return (
        f"<div>{' '.join(keys)}, root mean square before each activation, first layer left</div>"
        f'<svg width="{width}" height="{height + 20}" viewBox="0 0 {width} {height + 20}" role="img" '
        f'aria-label="signal and gradient of {len(layers)} layers">{"".join(drawn)}</svg>'
    )
