"""What `diagnose` returns: figures as rows, what is wrong in words, and both as text of 80 columns."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

from glueball.insight._finding import factor, share
from glueball.insight._html import escape, snippet
from glueball.insight._page import page, write_page
from glueball.insight._report_html import sections_of
from glueball.insight._statistics import sparkline
from glueball.insight._table import lay_out

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from glueball.insight._collecting import Measurement
    from glueball.insight._finding import Finding
    from glueball.insight._measuring import Fit
    from glueball.insight._mending import Trial

__all__ = ["Report", "bars", "number"]

_WIDTH = 80
_SHOWN = 24  # rows of a table of layers; the first and the last half of a longer one


class Report:
    """What was found in a net.

    Attributes
    ----------
    findings : list of Finding
        What is wrong, causes first; empty for a healthy net.
    measurement : Measurement
        All figures, as attributes.
    trials : list of Trial
        What remedies did to a copy, with ``mend=True``.

    Examples
    --------
    >>> import glueball
    >>> from glueball import init, nd
    >>> from glueball.gluon import nn
    >>> net = nn.Sequential(*[nn.Dense(64, activation="tanh", in_units=64) for _ in range(10)])
    >>> net.initialize(init.Normal(0.01))
    >>> report = glueball.diagnose(net, nd.random.normal(shape=(32, 64)))
    >>> report.is_healthy, [finding.kind for finding in report.findings]
    (False, ['vanishing'])
    """

    def __init__(
        self, measurement: Measurement, findings: list[Finding], trials: list[Trial]
    ) -> None:
        self.measurement = measurement
        self.findings = findings
        self.trials = trials

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A dict of figures for each layer that ran, in order.

        Among them ``path``, ``type``, ``function``, ``mean`` and ``std`` before the activation and ``mean_out``
        and ``std_out`` after it, ``spread`` (root mean square), ``gradient``, ``dead``, ``saturated``, ``rank``,
        ``twins``, ``not_finite``.
        """
        return [
            {
                "path": each.path,
                "type": each.type,
                "function": each.function,
                "width": each.width,
                "mean": each.before.mean,
                "std": each.before.std,
                "mean_out": each.after.mean,
                "std_out": each.after.std,
                "spread": each.spread,
                "gradient": each.gradient,
                "dead": each.dead,
                "saturated": each.saturated,
                "rank": each.rank,
                "likeness": each.likeness,
                "twins": each.twins,
                "not_finite": each.not_finite,
            }
            for each in self.measurement.layers
        ]

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """A dict of figures for each parameter: ``path``, ``mean``, ``std``, ``gradient``, ``update``, ``ratio``."""
        return [
            {
                "path": each.path,
                "mean": each.values.mean,
                "std": each.values.std,
                "size": each.size,
                "gradient": each.gradient,
                "update": each.update,
                "ratio": each.ratio,
                "not_finite": each.not_finite,
            }
            for each in self.measurement.weights
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dicts, lists, strings and numbers, None for NaN, so that it can be JSON."""
        found = self.measurement
        plain: dict[str, Any] = _plain(
            {
                "net": found.name,
                "state": found.state,
                "samples": found.samples,
                "loss": found.loss,
                "loss_name": found.loss_name,
                "learning_rate": found.learning_rate,
                "forward": _fit(found.forward),
                "backward": _fit(found.backward),
                "expected": found.expected,
                "findings": [each.to_dict() for each in self.findings],
                "layers": self.rows,
                "parameters": self.parameters,
                "trials": [each.to_dict() for each in self.trials],
            }
        )
        return plain

    def __repr__(self) -> str:
        kinds = ", ".join(each.kind for each in self.findings) or "healthy"
        return f"<Report of {self.measurement.name}: {kinds}>"

    def _repr_html_(self) -> str:
        parts = [
            f"<details open><summary><b>{name}</b></summary>{body}</details>"
            for name, body in sections_of(self)
        ]
        return snippet(f"<div>{escape(self._heading())}</div>{''.join(parts)}")

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write the report as one page: offline, without a script, with tables that can be sorted.

        Parameters
        ----------
        path : str or path
            The file, written whole or not at all.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        title = " ".join(self._heading().split())
        write_page(path, page(title, sections_of(self)))

    def __str__(self) -> str:
        parts = [self._heading(), *map(_said, self.findings)]
        if self.measurement.layers:
            parts.append(self._growth())
            parts.append(self._table())
        if any(each.ratio is not None for each in self.measurement.weights):
            parts.append(self._ratios())
        if self.trials:
            parts.append(self._trials())
        return "\n\n".join(part for part in parts if part)

    def _heading(self) -> str:
        found = self.measurement
        said = [f"{found.samples} samples"] if found.samples else []
        if found.loss is not None:
            said.append(f"{found.loss_name} {found.loss:.4g}")
        elif found.loss_name:
            said.append(f"{found.loss_name} in place of a loss")
        if found.state == "waiting":
            said.append("on a copy, since the net waits for its first data")
        counts = "nothing is wrong" if self.is_healthy else _counted(self.findings)
        return _wrapped(f"{found.name}: {counts}" + (f" ({', '.join(said)})" if said else ""))

    def _growth(self) -> str:
        lines = []
        for name, fit, figures in (
            ("signal", self.measurement.forward, [x.spread for x in self.measurement.weighted]),
            (
                "gradient",
                self.measurement.backward,
                [x.gradient or 0.0 for x in self.measurement.weighted],
            ),
        ):
            if fit is not None:
                way = "a layer" if name == "signal" else "a layer backward"
                lines.append(f"{name:<9}{bars(figures)}  x {factor(fit.factor)} {way}")
        return "\n".join(lines)

    def _table(self) -> str:
        layers = self.measurement.layers
        half = _SHOWN // 2
        shown = layers if len(layers) <= _SHOWN else [*layers[:half], None, *layers[-half:]]
        head = ("layer", "type", "mean", "spread", "gradient", "off", "rank")
        rows: list[Sequence[str]] = []
        for each in shown:
            if each is None:
                rows.append((f"... {len(layers) - 2 * half} more", *[""] * (len(head) - 1)))
                continue
            off = [
                f"{share(value)} {word}"
                for value, word in ((each.dead, "dead"), (each.saturated, "flat"))
                if value is not None
            ]
            if each.twins:
                off.append(f"{share(each.twins)} equal")
            if each.not_finite:
                off.append(f"{each.not_finite} NaN")
            rows.append(
                (
                    each.path or "(net)",
                    each.type,
                    number(each.before.mean),
                    number(each.spread),
                    number(each.gradient),
                    ", ".join(off),
                    "" if math.isnan(each.rank) else f"{each.rank:.1f}",
                )
            )
        return lay_out(head, rows)

    def _ratios(self) -> str:
        weights = [each for each in self.measurement.weights if each.ratio is not None]
        weights.sort(key=lambda each: -(each.ratio or 0.0))
        rows = [
            (each.path, number(each.size), number(each.gradient), number(each.ratio))
            for each in weights[:5]
        ]
        text = lay_out(("parameter", "size", "gradient", "update / weight"), rows)
        more = len(weights) - len(rows)
        return text + (f"\n... {more} more" if more > 0 else "")

    def _trials(self) -> str:
        rows = [
            (
                each.remedy,
                number(each.forward),
                number(each.backward),
                number(each.loss),
                ", ".join(each.left) or "nothing",
            )
            for each in self.trials
        ]
        head = ("measured on a copy", "signal", "gradient", "loss", "still wrong")
        return lay_out(head, rows)


def _fit(fit: Fit | None) -> dict[str, float] | None:
    if fit is None:
        return None
    return {"factor": fit.factor, "total": fit.total, "error": fit.error, "layers": fit.layers}


def _counted(findings: list[Finding]) -> str:
    kinds = ", ".join(each.kind for each in findings)
    return f"{len(findings)} problem{'s' * (len(findings) > 1)}: {kinds}"


def _said(finding: Finding) -> str:
    lines = [
        _wrapped(f"{finding.kind.upper()} ({finding.severity}). {finding.what}"),
        _wrapped(f"Why: {finding.why}", "  "),
        _wrapped(f"Mend: {finding.remedy}", "  "),
    ]
    if finding.source:
        lines.append(_wrapped(f"See: {finding.source}.", "  "))
    return "\n".join(lines)


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent or "  ",
        break_on_hyphens=False,
    )


def number(value: float | None) -> str:
    """Return a figure for a table, with two digits; empty for None and NaN."""
    if value is None or math.isnan(value):
        return ""
    return f"{value:.2g}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.0e}"


def bars(figures: Sequence[float], limit: int = 40) -> str:
    """Return a bar for each of positive figures, by its logarithm, over at least four powers of ten."""
    if len(figures) > limit:
        figures = [figures[round(i * (len(figures) - 1) / (limit - 1))] for i in range(limit)]
    logs = [math.log10(each) if 0 < each < math.inf else math.nan for each in figures]
    finite = [each for each in logs if math.isfinite(each)]
    if not finite:
        return " " * len(figures)
    top, bottom = max(finite), min(finite)
    middle, half = (top + bottom) / 2, max(2.0, (top - bottom) / 2)
    # A bar of 0 below, and one of full height above, so that all lines have one scale.
    low = middle - half
    return sparkline([*((each - low) / (2 * half) * 7 for each in logs), 7.0])[:-1]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
