"""What a call that loads returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball._scope import later

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["LoadReport"]

_html = later("insight._notebook:load_report_html")


class LoadReport:
    """What was loaded, and what was not.

    Attributes
    ----------
    loaded : dict of str to str
        Path of each parameter that got values (its first one; the full name where names were asked for) to the
        name of the array.
    missing : list of str
        Parameters that got none, and keep what they had.
    unexpected : list of str
        Names of arrays that no parameter took.
    mismatched : dict of str to tuple
        Paths of parameters that got none because shapes differ, to their shape and the array's.
    """

    __slots__ = ("loaded", "mismatched", "missing", "unexpected")

    def __init__(
        self,
        loaded: dict[str, str],
        missing: Iterable[str] = (),
        unexpected: Iterable[str] = (),
        mismatched: dict[str, tuple[Any, tuple[int, ...]]] | None = None,
    ) -> None:
        self.loaded = loaded
        self.missing = list(missing)
        self.unexpected = list(unexpected)
        self.mismatched = mismatched or {}

    @property
    def missing_keys(self) -> list[str]:
        """PyTorch's word for `missing`."""
        return self.missing

    @property
    def unexpected_keys(self) -> list[str]:
        """PyTorch's word for `unexpected`."""
        return self.unexpected

    def __iter__(self) -> Iterator[Any]:
        return iter((self.loaded, self.missing, self.unexpected, self.mismatched))

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, LoadReport) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"LoadReport(loaded={self.loaded}, missing={self.missing}, unexpected={self.unexpected}, "
            f"mismatched={self.mismatched})"
        )

    def _repr_html_(self) -> str:
        """Return what notebooks show: counts, and lists that unfold."""
        html: str = _html(self)
        return html

    def __str__(self) -> str:
        lines = [f"{len(self.loaded)} loaded"]
        lines += _counted("missing", self.missing)
        lines += _counted("unexpected", self.unexpected)
        lines += _counted(
            "mismatched",
            [
                f"{path}: expected {wanted}, found {found}"
                for path, (wanted, found) in self.mismatched.items()
            ],
        )
        return "\n".join(lines)


_SHOWN = 10


def _counted(what: str, names: list[str]) -> list[str]:
    """Return how many there are, and the first of them; nothing of none."""
    if not names:
        return []
    more = [f"  ... and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return [f"{len(names)} {what}", *(f"  {name}" for name in names[:_SHOWN]), *more]
