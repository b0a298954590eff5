"""Initializers of one net side by side: how signals and gradients go through it with each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball.base import ArgumentError, GlueballTypeError
from glueball.gluon import Block
from glueball.init._lsuv import lsuv_
from glueball.init._registry import create
from glueball.init._scaling import MSRAPrelu
from glueball.insight._collecting import as_inputs
from glueball.insight._diagnosis import diagnose
from glueball.insight._html import escape, named, snippet, table
from glueball.insight._report import bars, number
from glueball.insight._table import lay_out

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueball.insight._report import Report

__all__ = ["Comparison", "compare"]


class Comparison:
    """What `compare` found; ``str`` is a table with a row for each initializer.

    Attributes
    ----------
    names : list of str
        The initializers, as they were given.
    reports : list of Report
        What `glueball.diagnose` says of the net with each.
    """

    def __init__(self, names: list[str], reports: list[Report]) -> None:
        self.names = names
        self.reports = reports

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A dict for each initializer.

        Its ``initializer``; factors per layer of signal and gradient, ``forward`` and ``backward``, and what
        theory expects forward, ``expected``, all None where they are not known; the largest shares of ``dead`` and
        ``saturated``; the ``loss``; and kinds of ``findings``.
        """
        return [
            self._row(name, report) for name, report in zip(self.names, self.reports, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the rows, and the reports as dicts, so that they can be JSON."""
        return {"rows": self.rows, "reports": [each.to_dict() for each in self.reports]}

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.names)}>"

    def __str__(self) -> str:
        return lay_out(*self._table())

    def _repr_html_(self) -> str:
        head, rows = self._table()
        cells = [([named(row[0]), *map(escape, row[1:])], "") for row in rows]
        return snippet(table(head, cells, [0 < i < 5 for i in range(len(head))]))

    def _table(self) -> tuple[Sequence[str], list[Sequence[str]]]:
        rows: list[Sequence[str]] = [
            (
                row["initializer"],
                number(row["forward"]),
                number(row["expected"]),
                number(row["backward"]),
                number(row["loss"]),
                bars([each.spread for each in report.measurement.weighted], 10),
                ", ".join(row["findings"]) or "nothing",
            )
            for row, report in zip(self.rows, self.reports, strict=True)
        ]
        head = ("initializer", "signal", "theory", "gradient", "loss", "by layer", "wrong")
        return head, rows

    @staticmethod
    def _row(name: str, report: Report) -> dict[str, Any]:
        found = report.measurement
        forward, backward = found.forward, found.backward
        return {
            "initializer": name,
            "forward": None if forward is None else forward.factor,
            "expected": found.expected,
            "backward": None if backward is None else backward.factor,
            "dead": max((each.dead or 0.0 for each in found.layers), default=0.0),
            "saturated": max((each.saturated or 0.0 for each in found.layers), default=0.0),
            "loss": found.loss,
            "findings": [each.kind for each in report.findings],
        }


def compare(
    make_net: Callable[[], Block],
    x: Any,
    initializers: Sequence[Any] = ("xavier", "msra", "orthogonal", "lsuv"),
    y: Any = None,
    loss: Any = None,
) -> Comparison:
    """Look into a net with several initializers: ``glueball.diagnose`` of a new net for each.

    Parameters
    ----------
    make_net : callable
        Returns a new net, the same each time; what it says itself of a layer's initializer stays.
    x : array, or list or tuple of arrays
        A batch.
    initializers : sequence
        As `Block.initialize` takes them, by name or as objects. Besides, ``'msra'`` is He's for relu,
        ``MSRAPrelu("in", 0)``, and ``'lsuv'`` is `lsuv_`, which takes one array as `x`.
    y, loss : optional
        As for `glueball.diagnose`.

    Returns
    -------
    Comparison
        Print it.

    Raises
    ------
    TypeError
        If `make_net` does not return a Block.
    ValueError
        If there are no initializers, or one of them is unknown.

    Examples
    --------
    >>> from glueball import init, nd, random
    >>> from glueball.gluon import nn
    >>> random.seed(0)
    >>> def make():
    ...     return nn.Sequential(*[nn.Dense(128, activation="relu") for _ in range(10)])
    >>> found = init.compare(make, nd.random.normal(shape=(64, 128)), ["xavier", "msra"])
    >>> [round(row["expected"], 1) for row in found.rows]
    [0.7, 1.0]
    """
    names = [each if isinstance(each, str) else repr(each) for each in initializers]
    if not names:
        message = (
            'expected initializers to compare, found none; pass ["xavier", "msra"] or the like'
        )
        raise ArgumentError(message)
    chosen = [
        _chosen(each) for each in initializers
    ]  # a misspelt name is found before anything runs
    reports = []
    for each in chosen:
        made: Any = make_net
        net = made() if callable(made) and not isinstance(made, Block) else None
        if not isinstance(net, Block):
            message = f"expected a function that returns a new net, found {make_net!r}; pass lambda: nn.Sequential(...)"
            raise GlueballTypeError(message)
        net.initialize(None if each is lsuv_ else each, force_reinit=True)
        if each is lsuv_:
            lsuv_(net, *as_inputs(net, x))
        reports.append(diagnose(net, x, y, loss))
    return Comparison(names, reports)


def _chosen(initializer: Any) -> Any:
    if isinstance(initializer, str) and initializer.lower() in ("lsuv", "msra"):
        return lsuv_ if initializer.lower() == "lsuv" else MSRAPrelu(factor_type="in", slope=0)
    return create(initializer)
