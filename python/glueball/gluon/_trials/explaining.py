"""The table of `Block.explain`: what fills each parameter, who says so, and what comes of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glueball import init as initializers
from glueball._core import DrawsApart
from glueball.base import MXNetError
from glueball.gluon._trials.running import shapes_below
from glueball.init._base import InitDesc
from glueball.init._hooks import defines
from glueball.init._rules import OfKind
from glueball.insight._table import Column, Tabular

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.gluon.block import Block
    from glueball.gluon.parameter import Parameter
    from glueball.init import Initializer

    Shape = tuple[int, ...]

__all__ = ["Explanation", "ParameterRow", "explain"]


class ParameterRow(NamedTuple):
    """What is known of one parameter's values.

    Attributes
    ----------
    path, paths : str, tuple of str
        Its first place, and all of them: a shared parameter has several.
    shape : tuple of int or None
        With 0 for axes that are not known.
    initializer : str
        What fills it, as it is made, or the hook of it that does: ``'Uniform._init_bias'``. ``''`` for values
        that were set or loaded without one.
    origin : str
        Who says so: ``'layer'``, ``"rule '*.bias'"``, ``'default'`` (what `initialize` was given), ``'global default'``
        (nothing was said), ``'set_default()'``, ``'data'`` or the call that filled this parameter alone.
    expected_mean, expected_sd : float or None
        Of the initializer, for this shape; None where shape or initializer are not known.
    is_measured : bool
        Whether those are of one draw, since the initializer is the user's own.
    mean, sd : float or None
        Of the values that it has.
    note : str
        What a reader may not expect.
    """

    path: str
    paths: tuple[str, ...]
    shape: Shape | None
    initializer: str
    origin: str
    expected_mean: float | None
    expected_sd: float | None
    is_measured: bool
    mean: float | None
    sd: float | None
    note: str


class Explanation(Tabular):
    """The rows of `Block.explain`; ``str`` gives a table as wide as the terminal, at least 80 columns."""

    def __init__(self, rows: list[ParameterRow]) -> None:
        self.rows = tuple(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __getitem__(self, path: str) -> ParameterRow:
        """Return the row of the parameter at a path.

        Raises
        ------
        KeyError
            If there is none.
        """
        return {path: row for row in self.rows for path in row.paths}[path]

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the rows by path, as dicts of plain values."""
        return {row.path: {**row._asdict(), "paths": list(row.paths)} for row in self.rows}

    def _table(self) -> tuple[Sequence[Column], Sequence[Sequence[str]], Sequence[str]]:
        rows = [
            (
                row.path,
                "?" if row.shape is None else str(row.shape).replace(" ", ""),
                _cut(row.initializer) or "-",
                row.origin,
                _moments(row.expected_mean, row.expected_sd, "~" if row.is_measured else ""),
                _moments(row.mean, row.sd, ""),
            )
            for row in self.rows
        ]
        notes = [f"{row.path}: {row.note}" for row in self.rows if row.note]
        notes += [f"{row.path} is {', '.join(row.paths[1:])}" for row in self.rows if row.paths[1:]]
        if any("._init_" in row.initializer for row in self.rows):
            notes.append(
                "A default fills weights, and others by its _init_bias, _init_gamma ...: 0, 1 ..."
            )
        return _COLUMNS, rows, [part for note in notes for part in _wrapped(note)]


_WIDTH = 80
_COLUMNS = [
    Column("Parameter", shrinks=True, least=24), Column("Shape", shrinks=True), Column("Initializer", shrinks=True, least=13),
    Column("From", shrinks=True), Column("Expected"), Column("Actual"),
]  # fmt: skip


def _cut(text: str, most: int = 14) -> str:
    return text if len(text) <= most else text.partition("(")[0]


def explain(net: Block, init: Any, shape: Any) -> Explanation:
    """Return the explanation of a net; `Block.explain` says what of."""
    parameters = net.collect_params()
    default = initializers.create("uniform" if init is None else init)
    choices = parameters._choices(default, is_given=init is not None)
    places: dict[int, tuple[Parameter, list[str]]] = {}
    for path, parameter in net._walk_parameters():
        places.setdefault(id(parameter), (parameter, []))[1].append(path)
    shapes = {} if shape is None else shapes_below(net, [shape])
    rows = []
    for parameter, paths in places.values():
        lengths = parameter._lengths
        if lengths is None or -1 in lengths:
            lengths = shapes.get(paths[0], lengths)
        if init is None and parameter._state != "uninitialized":
            own, fallback = parameter._given or (None, None)
            origin = parameter._origin or "data"
        else:
            choice = choices(parameter)
            own, fallback, origin = choice.own, choice.default, choice.origin
            if own is None and parameter.init is not None:
                own, origin = initializers.create(parameter.init), "layer"
                if parameter.init in (initializers.default_weight(), initializers.default_bias()):
                    origin = "set_default()"
        rows.append(_row(parameter, tuple(paths), lengths, own, fallback, origin))
    return Explanation(rows)


def _row(
    parameter: Parameter,
    paths: tuple[str, ...],
    lengths: Shape | None,
    own: Initializer | None,
    fallback: Initializer | None,
    origin: str,
) -> ParameterRow:
    note = ""
    kind = _kind(parameter.name)
    if own is not None and fallback is not None and defines(fallback, kind):
        note = (
            f"{type(fallback).__name__}.{kind} is not asked, since the parameter has its own initializer; "
            f"pass {kind.removeprefix('_init_')}_initializer=None to its layer"
        )
    if isinstance(own, OfKind):
        fallback, own = own._kwargs["initializer"], None
    asked = fallback if own is None else own
    text, mean, sd, measured = "", None, None, False
    if asked is not None:
        hook = kind if own is None or defines(own, kind) else ""
        text = f"{type(asked).__name__}.{hook}" if hook else repr(asked)
        if lengths is not None and -1 not in lengths:
            measured = asked._is_measured if not hook else defines(asked, hook)
            try:
                mean, variance = _expected(asked, hook, parameter.name, lengths)
                sd = math.sqrt(variance)
            except MXNetError as error:
                note = str(error)
    actual = actual_sd = None
    if parameter._is_initialized:
        values = np.asarray(parameter._data(np.ndarray))
        actual = float(values.mean(dtype=np.float64))
        actual_sd = float(values.std(dtype=np.float64))
    shown = None if lengths is None else tuple(0 if each == -1 else each for each in lengths)
    return ParameterRow(
        paths[0], paths, shown, text, origin, mean, sd, measured, actual, actual_sd, note,
    )  # fmt: skip


def _kind(name: str) -> str:
    """Return the hook by which a default fills a parameter of a name; ``''`` for weights."""
    for hook, endings in _ENDINGS.items():
        if name.endswith(endings):
            return hook
    return ""


# As `Initializer` says it.
_ENDINGS = {
    "_init_bias": ("bias",),
    "_init_gamma": ("gamma",),
    "_init_beta": ("beta",),
    "_init_zero": ("running_mean", "moving_mean", "moving_avg", "moving_inv_var", "min"),
    "_init_one": ("running_var", "moving_var", "max"),
}


def _expected(asked: Initializer, hook: str, name: str, shape: Shape) -> tuple[float, float]:
    if not hook:
        return asked._moments(name, shape)
    if not defines(asked, hook):
        return (1.0 if hook in ("_init_gamma", "_init_one") else 0.0), 0.0
    values = np.empty(shape)
    with DrawsApart():
        asked(InitDesc(name), values)
    return float(values.mean()), float(values.var())


def _moments(mean: float | None, sd: float | None, mark: str) -> str:
    if mean is None or sd is None:
        return "-"
    return f"{mark}{mean:.3g}" if sd == 0 else f"{mark}{mean:.2g} ±{sd:.3g}"


def _wrapped(text: str) -> list[str]:
    import textwrap  # here, because only a printed table needs it

    return textwrap.wrap(text, _WIDTH, subsequent_indent="  ")
