"""What notebooks show of nets, parameters and arrays: the methods ``_repr_html_`` call these."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball.insight._arrays import Arrays, Entry, entry_of, look
from glueball.insight._html import bars, escape, snippet, table
from glueball.insight._statistics import sparkline
from glueball.insight._summary import is_told_by
from glueball.insight._table import number_text, shape_text

if TYPE_CHECKING:
    from glueball.gluon.block import Block
    from glueball.gluon.parameter import LoadReport, Parameter, ParameterDict

__all__ = [
    "array_html",
    "block_html",
    "load_report_html",
    "parameter_html",
    "parameters_html",
    "tree",
]

_OPEN = 24  # blocks of a net that is shown unfolded
_SHOWN = 400  # blocks that are shown at all
_DEEPEST = 30
_ROWS, _COLUMNS = 10, 8  # of a table of numbers
_CELLS = 32  # of a heat map, each way
_numbers = itertools.count(1)


def block_html(net: Block) -> str:
    """Return a net as a tree that folds: blocks, widths, parameters, ties, and what is not ready."""
    return snippet(tree(net))


def tree(net: Block) -> str:
    """Return the tree without its style."""
    arrays = look(net)
    entries = {each.name: each for each in arrays.entries}
    blocks = list(itertools.islice(net._walk_blocks(), _SHOWN + 1))
    shown = {prefix for prefix, _ in blocks[:_SHOWN]}
    mark = f"glueball-net-{next(_numbers)}-"

    def draw(prefix: str, block: Block, level: int) -> str:
        below = [
            (key, f"{prefix}{key}.", child)
            for key, child in block._children.items()
            if not is_told_by(block, child)
        ]
        can = [part for part in below if part[1] in shown] if level < _DEEPEST else []
        own = [entries[path] for path, _ in block._own_parameters(prefix)]
        head = _head(prefix, block, own, level)
        inner = "".join(_leaf(each, prefix, mark) for each in own)
        inner += "".join(draw(place, child, level + 1) for _, place, child in can)
        if len(can) < len(below):
            inner += f'<div class="dim">{len(below) - len(can)} more, not shown</div>'
        if not inner:
            return f'<div style="margin-left:1.1em">{head}</div>'
        is_open = " open" if level == 0 or (len(blocks) <= _OPEN and can) else ""
        return f'<details{is_open} style="margin-left:1.1em"><summary>{head}</summary>{inner}</details>'

    note = ""
    if arrays.is_sampled:
        note = (
            '<div class="dim">Figures of large parameters are of a sample of their elements.</div>'
        )
    return draw("", net, 0) + note


def _head(prefix: str, block: Block, own: list[Entry], level: int) -> str:
    key = prefix.removesuffix(".").rpartition(".")[2]
    name = f"<code>{escape(key)}</code> " if key else ""
    words = (
        type(block).__name__
        if block._children and "act" not in block.__dict__
        else _one_line(block)
    )
    if level == 0:
        words = f"{words} '{block.name}'"
    held = list({id(each): each for _, each in block._walk_parameters()}.values())
    sizes = [
        None if -1 in (each._lengths or (-1,)) else int(np.prod(each._lengths)) for each in held
    ]
    parts = [f"{name}<b>{escape(words)}</b>"]
    if held:
        size = sum(each or 0 for each in sizes)
        parts.append(
            f'<span class="dim">{size:,}{" + ?" if None in sizes else ""} parameters</span>'
        )
        states = dict.fromkeys(each._state for each in held)
        state = next((each for each in ("uninitialized", "deferred") if each in states), "ready")
        parts.append(f'<span class="tag">{_STATES[state]}</span>')
        if all(each.grad_req == "null" for each in held):
            parts.append('<span class="tag">frozen</span>')
    lost = sum(each.statistics.not_finite for each in own if each.statistics is not None)
    if lost:
        parts.append(f'<span class="bad">{lost:,} not finite</span>')
    return " ".join(parts)


_STATES = {
    "uninitialized": "not initialized",
    "deferred": "waiting for its shape",
    "ready": "ready",
}


def _one_line(block: Block) -> str:
    text = " ".join(repr(block).split())
    return text if len(text) <= 60 else type(block).__name__


def _leaf(each: Entry, prefix: str, mark: str) -> str:
    name = escape(each.name.removeprefix(prefix))
    shape = escape(shape_text(each.shape))
    words = [f"<code>{name}</code> {shape}"]
    said = each.statistics
    if each.tied:
        words.append(f'= <a href="#{escape(mark + each.tied)}">{escape(each.tied)}</a>')
    elif said is not None:
        words.append(f"mean {number_text(said.mean)} std {number_text(said.std)}")
        words.append(f'<span class="spark">{sparkline(each.counts)}</span>')
        if said.not_finite:
            words.append(f'<span class="bad">{said.not_finite:,} not finite</span>')
    if each.is_frozen:
        words.append('<span class="tag">frozen</span>')
    kind = ' class="dim"' if each.is_frozen else ""
    return f'<div id="{escape(mark + each.name)}"{kind} style="margin-left:1.1em">{" ".join(words)}</div>'


def parameters_html(parameters: ParameterDict) -> str:
    """Return a table of parameters that can be sorted."""
    arrays = look(parameters)
    return Arrays(f"Parameters {parameters.prefix}".strip(), arrays.entries)._repr_html_()


def load_report_html(report: LoadReport) -> str:
    """Return how many parameters were loaded, and lists of them and of the others that unfold."""
    parts = {
        "loaded": [
            f"{path} from {name}" if path != name else path for path, name in report.loaded.items()
        ],
        "missing": report.missing,
        "unexpected": report.unexpected,
        "mismatched": [
            f"{path}: expected {wanted}, found {found}"
            for path, (wanted, found) in report.mismatched.items()
        ],
    }
    body = ""
    for what, names in parts.items():
        if not names and what != "loaded":
            continue
        kind = "" if what == "loaded" else ' class="bad"'
        items = "".join(f"<div>{escape(name)}</div>" for name in names[:_SHOWN])
        if len(names) > _SHOWN:
            items += f'<div class="dim">{len(names) - _SHOWN} more, not shown</div>'
        is_open = "" if what == "loaded" else " open"
        body += f"<details{is_open}><summary{kind}>{len(names)} {what}</summary>{items}</details>"
    return snippet(body)


def parameter_html(parameter: Parameter) -> str:
    """Return what a parameter holds, with its histogram."""
    each = entry_of(parameter.name, parameter, bins=32)
    facts = [("shape", shape_text(each.shape)), ("dtype", each.dtype), ("state", each.state)]
    if each.initializer:
        facts.append(("initializer", each.initializer))
    if each.is_frozen:
        facts.append(("training", "leaves it alone (grad_req 'null')"))
    said, drawn = each.statistics, ""
    if said is not None:
        for name, value in (
            ("mean", said.mean),
            ("std", said.std),
            ("least", said.least),
            ("greatest", said.greatest),
        ):
            facts.append((name, number_text(value, 4)))
        if said.is_sampled:
            facts.append(("figures", f"of a sample of {said.seen:,} of {said.size:,} elements"))
        if each.counts.any():
            drawn = bars(each.counts, each.edges)
    rows = [([f'<span class="dim">{name}</span>', escape(text)], "") for name, text in facts]
    if said is not None and said.not_finite:
        rows.append(
            (
                [
                    '<span class="bad">not finite</span>',
                    f'<span class="bad">{said.not_finite:,}</span>',
                ],
                "",
            )
        )
    kind = escape(f"{type(parameter).__name__} {parameter.name}")
    return snippet(f"<b>{kind}</b>{table(['', ''], rows, [False, False])}{drawn}")


def array_html(array: Any) -> str | None:
    """Return an array's numbers as a table, shortened and with a heat map if it is large."""
    plain = np.asarray(array)
    title = f"{type(array).__name__} {shape_text(plain.shape)} {plain.dtype}"
    if plain.ndim == 0 or plain.size == 0:
        return snippet(f"<b>{escape(title)}</b> {escape(plain)}")
    matrix, note = plain, ""
    if plain.ndim == 1:
        matrix = plain[None, :]
    elif plain.ndim > 2:
        matrix = plain[(0,) * (plain.ndim - 2)]
        note = f'<div class="dim">shown: [{", ".join("0" * (plain.ndim - 2))}, :, :]</div>'
    rows, columns = (
        _ends(length, most) for length, most in zip(matrix.shape, (_ROWS, _COLUMNS), strict=True)
    )
    cells = [([_index(i), *(_number(matrix, i, j) for j in columns)], "") for i in rows]
    titles = ["", *("…" if j is None else str(j) for j in columns)]
    body = table(titles, cells, [True] * len(titles))
    if None in rows or None in columns or plain.ndim > 2:
        each = entry_of("", plain)
        said = each.statistics
        if said is not None:
            sampled = f" (of a sample of {said.seen:,})" if said.is_sampled else ""
            body += (
                f"<div>mean {number_text(said.mean)} std {number_text(said.std)} least {number_text(said.least)} "
                f'greatest {number_text(said.greatest)} <span class="spark">{sparkline(each.counts)}</span>{sampled}</div>'
            )
            if said.not_finite:
                body += f'<div class="bad">{said.not_finite:,} not finite</div>'
        body += _heat_map(matrix)
    return snippet(f"<b>{escape(title)}</b>{note}{body}")


def _ends(length: int, most: int) -> list[int | None]:
    """Return the positions to show, with None for those between that are left out."""
    if length <= most:
        return list(range(length))
    half = most // 2
    return [*range(half), None, *range(length - half, length)]


def _index(i: int | None) -> str:
    return '<span class="dim">…</span>' if i is None else f'<span class="dim">{i}</span>'


def _number(matrix: Any, i: int | None, j: int | None) -> str:
    if i is None or j is None:
        return "…"
    value = matrix[i, j]
    if matrix.dtype.kind == "f":
        text = number_text(float(value), 4)
        return text if np.isfinite(value) else f'<span class="bad">{text}</span>'
    return escape(value)


def _heat_map(matrix: Any) -> str:
    """Return a picture of a matrix: blue below zero, orange above, red what is not finite."""
    rows, columns = (np.linspace(0, n - 1, min(n, _CELLS)).astype(np.int64) for n in matrix.shape)
    some = matrix[np.ix_(rows, columns)].astype(np.float64)
    finite = np.isfinite(some)
    top = float(np.abs(some[finite]).max()) if finite.any() else 0.0
    side = 8
    drawn = []
    for (i, j), value in np.ndenumerate(some):
        if not finite[i, j]:
            fill = "#e00030"
        else:
            share = abs(value) / top if top else 0.0
            fill = f"rgba({'230,120,0' if value > 0 else '0,110,200'},{share:.2f})"
        drawn.append(
            f'<rect x="{j * side}" y="{i * side}" width="{side}" height="{side}" fill="{fill}"/>'
        )
    width, height = side * len(columns), side * len(rows)
    is_part = some.shape != matrix.shape
    words = f"heat map of {'some ' if is_part else ''}{len(rows)} rows and {len(columns)} columns"
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="{words}" '
        f'style="outline:1px solid currentColor">{"".join(drawn)}</svg>'
        f'<div class="dim">{words}: orange above zero, blue below, up to {number_text(top)}</div>'
    )
