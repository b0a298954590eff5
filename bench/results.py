"""What a run found, as tables of timings and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.peers import OURS, PEERS
from bench.tables import Table, duration

if TYPE_CHECKING:
    from bench.cases import Case
    from bench.limits import Limits
    from bench.race import Timing


@dataclass
class Row:
    """One case at one number of threads, or at each competitor's best."""

    case: Case
    timings: dict[str, Timing]
    limit: float | None  # seconds

    def seconds(self, key: str, statistic: str) -> float:
        found: float = getattr(self.timings[key], statistic)
        return found

    def best_peer(self, statistic: str) -> str | None:
        """Return the fastest competitor that is not glueball."""
        peers = [key for key in self.timings if key != OURS]
        return min(peers, key=lambda key: self.seconds(key, statistic), default=None)

    def ratio(self, statistic: str) -> float | None:
        """Return the best peer's time over glueball's: above 1, glueball is ahead."""
        best = self.best_peer(statistic)
        if best is None or OURS not in self.timings:
            return None
        return self.seconds(best, statistic) / self.seconds(OURS, statistic)


@dataclass
class Results:
    """Everything that one run measured."""

    machine: dict[str, Any]
    absent: dict[str, str]  # competitor: what it lacks
    versions: dict[str, str] = field(default_factory=dict)
    limits: dict[int, Limits] = field(default_factory=dict)  # by threads
    rows: dict[int, list[Row]] = field(default_factory=dict)  # by threads
    failures: list[str] = field(default_factory=list)  # what competitors failed to do
    extra: dict[str, Any] = field(default_factory=dict)  # tables of other questions

    def best_rows(self, statistic: str = "median") -> list[Row]:
        """Return each competitor at whichever number of threads suits it best."""
        limit = self.limits[max(self.limits)] if self.limits else None
        best: dict[str, Row] = {}
        for rows in self.rows.values():
            for row in rows:
                merged = best.setdefault(row.case.name, Row(row.case, {}, None))
                merged.limit = limit.seconds(row.case) if limit else None
                for key, timing in row.timings.items():
                    if key not in merged.timings or row.seconds(key, statistic) < merged.seconds(
                        key, statistic
                    ):
                        merged.timings[key] = timing
        return list(best.values())

    def tables(self, statistic: str = "median") -> list[Table]:
        """Return a table for each number of threads, and one of each competitor's best."""
        made = [
            self._table(rows, f"{threads} thread{'s' * (threads > 1)}", statistic)
            for threads, rows in sorted(self.rows.items())
        ]
        if len(self.rows) > 1:
            made.append(
                self._table(
                    self.best_rows(statistic), "each at its best number of threads", statistic
                )
            )
        made[-1].notes += self._notes()
        return made

    def _table(self, rows: list[Row], title: str, statistic: str) -> Table:
        keys = [key for key in PEERS if any(key in row.timings for row in rows)]
        columns = ["case", *(PEERS[key].title for key in keys), "best peer / glueball", "of limit"]
        table = Table(f"{title} ({statistic})", columns)
        for row in rows:
            ratio = row.ratio(statistic)
            share = None
            if row.limit is not None and OURS in row.timings:
                share = row.limit / row.seconds(OURS, statistic)
            table.rows.append(
                [
                    row.case.name,
                    *(_cell(row, key, statistic) for key in keys),
                    "" if ratio is None else f"{ratio:.2f}",
                    "" if share is None else f"{share:.0%}",
                ]
            )
        return table

    def _notes(self) -> list[str]:
        notes = [
            "; ".join(f"{name}: {value}" for name, value in self.machine.items()) + ".",
            "Versions: "
            + ", ".join(f"{name} {value}" for name, value in self.versions.items())
            + ".",
            (
                "Times a call, over rounds in which every competitor had its turn, each in a process "
                "of its own; after medians half the distance between quartiles."
            ),
        ]
        for threads, limit in sorted(self.limits.items()):
            notes.append(
                f"Limits, {threads} thread{'s' * (threads > 1)}: {limit.flops / 1e9:.0f} GFLOP/s, "
                f"read {limit.read / 1e9:.1f} GB/s, write {limit.write / 1e9:.1f} GB/s, "
                f"empty call {limit.call * 1e9:.0f} ns."
            )
        notes += [
            f"Left out: {PEERS[key].title}, not installed ({lacks})."
            for key, lacks in self.absent.items()
        ]
        notes += [f"Failed: {each}" for each in self.failures]
        return notes

    def as_dict(self) -> dict[str, Any]:
        """Return it all, for JSON; seconds throughout."""
        return {
            "machine": self.machine,
            "versions": self.versions,
            "absent": self.absent,
            "failures": self.failures,
            "limits": {str(n): each.as_dict() for n, each in self.limits.items()},
            "rows": [
                {
                    "case": row.case.name,
                    "threads": threads,
                    "limit": row.limit,
                    "timings": {key: each.as_dict() for key, each in row.timings.items()},
                    "best_peer": row.best_peer("median"),
                    "ratio": row.ratio("median"),
                }
                for threads, rows in self.rows.items()
                for row in rows
            ],
            **self.extra,
        }


def _cell(row: Row, key: str, statistic: str) -> str:
    timing = row.timings.get(key)
    if timing is None:
        return ""
    seconds = row.seconds(key, statistic)
    if row.case.kind == "fill":
        value = f"{row.case.size / seconds / 1e9:.3g} G/s"
    else:
        value = duration(seconds)
    if statistic != "median" or timing.rounds == 1:
        return value
    return f"{value} ±{(timing.upper - timing.lower) / 2 / timing.median:.0%}"
