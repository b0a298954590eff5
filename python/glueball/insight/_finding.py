"""One thing that is wrong with a net, in figures and in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Finding", "factor", "places", "share"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, how bad, why, and what would mend it.

    Attributes
    ----------
    kind : str
        One word: ``'vanishing'``, ``'symmetric'`` ...
    severity : {'mild', 'strong', 'severe'}
        'mild' trains slowly, 'strong' hardly, 'severe' not at all.
    where : tuple of str
        Paths of the layers or parameters, first one first.
    what, why, remedy : str
        Sentences.
    source : str
        The paper that says so; empty where none is needed.
    remedies : tuple of str
        What may be tried on a copy: initializers of `init.create`, ``'learning rate'``.
    figures : dict
        What the verdict rests on.
    """

    kind: str
    severity: str
    where: tuple[str, ...]
    what: str
    why: str
    remedy: str
    source: str
    remedies: tuple[str, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as a dict."""
        return asdict(self)


def places(paths: list[str] | tuple[str, ...]) -> str:
    """Return paths for a sentence: all of a few, else the first and how many more there are."""
    named = [f"'{each}'" if each else "the net itself" for each in paths]
    if len(named) > 3:
        return f"{named[0]} and {len(named) - 1} more"
    return " and ".join(named) if len(named) < 3 else f"{named[0]}, {named[1]} and {named[2]}"


def share(value: float) -> str:
    """Return a share in percent; never 100 % for less than all."""
    percent = f"{100 * value:.0f} %"
    return "over 99 %" if percent == "100 %" and value < 1 else percent


def factor(value: float) -> str:
    """Return a factor with three digits."""
    return f"{value:.3g}" if 1e-3 <= value < 1e4 or value == 0 else f"{value:.1e}"
