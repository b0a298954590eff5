"""Snippets of HTML for notebooks: no script, nothing from elsewhere, readable without their style too."""

from __future__ import annotations

import html
import itertools
import math
from typing import TYPE_CHECKING, Any

from glueball.insight._table import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueball.insight._table import Column

__all__ = ["STYLE", "bars", "escape", "named", "snippet", "sortable", "table"]

# Colours are those of the notebook's theme, whatever it is, but for pictures and warnings. The class stands twice
# so that a notebook's own rules for tables come second.
STYLE = """
.glueball{font:13px/1.45 system-ui,sans-serif;color:inherit;max-width:100%;overflow-x:auto}
.glueball.glueball table,.glueball.glueball thead,.glueball.glueball tr{border:none;background:none}
.glueball.glueball table{border-collapse:collapse;margin:.3em 0;font-variant-numeric:tabular-nums}
.glueball.glueball th,.glueball.glueball td{padding:.15em .7em;text-align:left;white-space:nowrap;background:none;color:inherit}
.glueball.glueball thead th{border-bottom:1px solid currentColor;font-weight:600}
.glueball.glueball th.n,.glueball.glueball td.n{text-align:right}
.glueball.glueball code{font:12px/1.4 ui-monospace,monospace;background:none;color:inherit;padding:0;white-space:pre-wrap;overflow-wrap:anywhere}
.glueball.glueball td code{white-space:pre}
.glueball.glueball details{margin-left:1.1em}
.glueball.glueball summary{cursor:pointer;margin-left:-1.1em}
.glueball.glueball summary:focus-visible,.glueball label:focus-within{outline:2px solid #4593c9}
.glueball.glueball .dim{opacity:.6}
.glueball.glueball .bad{color:#c9252d;font-weight:600}
.glueball.glueball .tag{border:1px solid currentColor;border-radius:3px;padding:0 .35em;font-size:11px;opacity:.75}
.glueball.glueball .spark{letter-spacing:0;color:#2f7fb5;font-family:monospace}
.glueball.glueball svg{color:#2f7fb5;display:block;max-width:100%;height:auto}
.glueball.glueball svg text{fill:currentColor}
.glueball.glueball .sort{margin:.2em 0;font-size:12px}
.glueball.glueball .sort label{margin-right:.8em;cursor:pointer}
.glueball.glueball .sorted{display:grid;width:max-content;grid-auto-rows:auto}
.glueball.glueball .sorted thead,.glueball .sorted tbody,.glueball .sorted tr{display:grid;grid-column:1/-1;grid-template-columns:subgrid}
@media (prefers-color-scheme:dark){.glueball.glueball .bad{color:#ff7b72}.glueball.glueball svg,.glueball.glueball .spark{color:#6cb6eb}}
body[data-jp-theme-light=false] .glueball.glueball .bad,.vscode-dark .glueball.glueball .bad{color:#ff7b72}
"""
_numbers = itertools.count(1)


def escape(text: Any) -> str:
    """Return text as HTML shows it."""
    return html.escape(str(text))


def named(name: str, indent: float = 0.0) -> str:
    """Return a name as a table's cell shows it: a long one without its middle, which a tooltip has."""
    short = shorten(name, 48)
    title = "" if short == name else f' title="{escape(name)}"'
    style = f' style="padding-left:{indent:.1f}em"' if indent else ""
    return f"<code{title}{style}>{escape(short)}</code>"


def snippet(body: str) -> str:
    """Return a body with its style: all that one output of a notebook needs."""
    return f'<div class="glueball"><style>{STYLE}</style>{body}</div>'


def table(
    titles: Sequence[str], rows: Sequence[tuple[Sequence[str], str]], right: Sequence[bool]
) -> str:
    """Return a table of (cells that are HTML, class of the row)."""
    return f"<table>{_parts(titles, rows, right)}</table>"


def tabular(columns: Sequence[Column], rows: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
    """Return a table of text with lines below it, with its style."""
    cells = [
        (
            [
                named(text) if column.shrinks else escape(text)
                for column, text in zip(columns, row, strict=True)
            ],
            "",
        )
        for row in rows
    ]
    below = "".join(f'<div class="dim">{escape(note)}</div>' for note in notes)
    body = table([column.title for column in columns], cells, [column.right for column in columns])
    return snippet(body + below)


def sortable(
    titles: Sequence[str],
    rows: Sequence[tuple[Sequence[str], str]],
    right: Sequence[bool],
    keys: Mapping[str, Sequence[Any]],
) -> str:
    """Return a table with buttons above it that sort it, without a script.

    Parameters
    ----------
    titles, rows, right
        As for `table`.
    keys : dict of str to sequence
        What rows are sorted by; numbers of a key come with the greatest first, and NaN last.
    """
    if len(rows) < 2:
        return table(titles, rows, right)
    this = f"glueball-{next(_numbers)}"
    orders = [_ranks(values) for values in keys.values()]
    styles = [
        ";".join(f"--o{key}:{order[i]}" for key, order in enumerate(orders))
        for i in range(len(rows))
    ]
    buttons, rules = [], []
    for key, name in enumerate(("as in the net", *keys)):
        checked = " checked" if key == 0 else ""
        buttons.append(
            f'<label><input type="radio" name="{this}" id="{this}-{key}"{checked}> {escape(name)}</label>'
        )
        if key:
            rules.append(f"#{this}:has(#{this}-{key}:checked) tbody tr{{order:var(--o{key - 1})}}")
    columns = f"grid-template-columns:repeat({len(titles)},max-content)"
    return (
        f'<div id="{this}"><style>{"".join(rules)}</style>'
        f'<div class="sort" role="radiogroup" aria-label="order">Sort: {"".join(buttons)}</div>'
        f'<table class="sorted" style="{columns}">{_parts(titles, rows, right, styles)}</table></div>'
    )


def _ranks(values: Sequence[Any]) -> list[int]:
    def key(i: int) -> Any:
        value = values[i]
        if isinstance(value, str):
            return value
        return math.inf if value is None or math.isnan(value) else -value

    ranks = [0] * len(values)
    for rank, i in enumerate(sorted(range(len(values)), key=key)):
        ranks[i] = rank
    return ranks


def _parts(
    titles: Sequence[str],
    rows: Sequence[tuple[Sequence[str], str]],
    right: Sequence[bool],
    styles: Sequence[str] | None = None,
) -> str:
    sides = [' class="n"' if each else "" for each in right]
    head = (
        ""
        if not any(titles)
        else "".join(f"<th{side}>{escape(t)}</th>" for t, side in zip(titles, sides, strict=True))
    )
    lines = []
    for i, (cells, kind) in enumerate(rows):
        line = "".join(f"<td{side}>{cell}</td>" for cell, side in zip(cells, sides, strict=True))
        style = f' style="{styles[i]}"' if styles else ""
        lines.append(f"<tr{f' class={kind}' if kind else ''}{style}>{line}</tr>")
    head = head and f"<thead><tr>{head}</tr></thead>"
    return f"{head}<tbody>{''.join(lines)}</tbody>"


def bars(counts: Sequence[int], edges: Sequence[float], width: int = 320, height: int = 90) -> str:
    """Return a histogram as SVG, with the ends of its range, and each bar's range as a tooltip."""
    top = max(1, *(int(each) for each in counts))
    step = width / len(counts)
    drawn = []
    for i, count in enumerate(counts):
        tall = height * int(count) / top
        drawn.append(
            f'<rect x="{i * step:.1f}" y="{height - tall:.1f}" width="{step - 1:.1f}" height="{tall:.1f}" '
            f'fill="currentColor"><title>{edges[i]:.4g} to {edges[i + 1]:.4g}: {int(count)}</title></rect>'
        )
    words = (
        f'<text x="0" y="{height + 14}" font-size="11">{edges[0]:.3g}</text>'
        f'<text x="{width}" y="{height + 14}" font-size="11" text-anchor="end">{edges[-1]:.3g}</text>'
    )
    return (
        f'<svg width="{width}" height="{height + 18}" viewBox="0 0 {width} {height + 18}" role="img" '
        f'aria-label="histogram from {edges[0]:.3g} to {edges[-1]:.3g}">{"".join(drawn)}{words}</svg>'
    )
