"""An early word where training goes wrong, by what a `gluon.Monitor` sees at one step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueball.insight._finding import factor, places, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glueball.gluon import Parameter

__all__ = ["early_words"]

_RATIO, _ZEROS = 0.1, 0.98

Row = dict[str, Any]


def early_words(rows: list[Row], parameters: Mapping[str, Parameter]) -> Iterator[tuple[str, str]]:
    """Yield the kind of each thing that is wrong, and a sentence.

    Parameters
    ----------
    rows : list of dict
        Those of one look, `gluon.Monitor.rows`.
    parameters : mapping
        The parameters by path.
    """
    step = rows[0]["step"]
    lost = [row for row in rows if row["not_finite"] or not math.isfinite(row.get("gradient", 0))]
    if lost:
        first = next((row for row in lost if row["not_finite"]), lost[0])
        where = "" if first["not_finite"] else "the gradient of "
        yield "not finite", f"step {step}: NaN or infinity in {where}{places([first['path']])}"
        return
    shares = [(_share(row, parameters), row) for row in rows if "ratio" in row]
    worst, row = max(shares, key=lambda pair: pair[0], default=(0.0, {}))
    if worst > _RATIO:
        said = (
            f"step {step}: the update of {places([row['path']])} is {factor(worst)} times the weight's size, where "
            "0.001 is usual; lower the learning rate"
        )
        yield "learning rate", said
    hidden = [row for row in rows if row["kind"] == "activation"][:-1]
    off = next((row for row in hidden if row["zeros"] > _ZEROS), None)
    if off is not None:
        said = (
            f"step {step}: {share(off['zeros'])} of what {places([off['path']])} gives is 0, and learns nothing; "
            "lower the learning rate, or use a leaky activation"
        )
        yield "dead", said
    slopes = [row["gradient"] for row in rows if "gradient" in row]
    if slopes and not any(slopes):
        yield "no gradient", f"step {step}: all gradients are 0, and nothing learns"


def _share(row: Row, parameters: Mapping[str, Parameter]) -> float:
    """Return the update by the weight's size; by what it would be where it begins near 0, and 0 for a vector."""
    shape = parameters[row["path"]].shape or ()
    if len(shape) < 2:
        return 0.0
    size = row["update"] / row["ratio"] if row["ratio"] else 0.0
    return float(row["update"] / max(size, 0.3 / math.sqrt(math.prod(shape[1:])), 1e-300))
