"""Summing the gradients of a net over ranks."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core
from glueball.base import RanksError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueball.gluon.parameter import Parameter
    from glueball.kvstore._ranks import Ranks

__all__ = ["GradientSum"]

# What is compared of a parameter: its name, its kind, what its kind is made of, and a digest of its values.
Entry = tuple[str, str, str, bytes]
_NOTHING: Entry = ("nothing", "", "", b"")


class GradientSum:
    """Sums the gradients of parameters over ranks, as one array for each dtype.

    Behind the gradients, the array has a number for each parameter, 1 where this rank's last backward wrote the
    gradient, and one for all of them. So a parameter that a rank did not use counts as a gradient of 0 there, and
    every rank knows whether any has used it.

    Parameters
    ----------
    parameters : sequence of Parameter
        Whose gradients; what stands there twice counts once.
    settings : str
        What else has to be the same on every rank.
    ranks : Ranks
        The ranks.
    reproducible : bool
        Whether to add in a fixed order: a binary tree over the slices of the batch, see `hold`.
    """

    def __init__(
        self, parameters: Sequence[Parameter], settings: str, ranks: Ranks, reproducible: bool
    ) -> None:
        self._parameters = list(dict.fromkeys(parameters))
        self._settings = settings
        self._ranks = ranks
        self._reproducible = reproducible
        self._groups: list[_Group] | None = None
        self._step = 0
        self._compare(waiting=True)
        if all(each._is_initialized for each in self._parameters):
            self._prepare()

    def _prepare(self) -> None:
        """Compare values, and allot memory, once shapes are known."""
        for each in self._parameters:
            each.data()  # raises for one that waits for its shape
        self._compare(waiting=False)
        self._groups = [
            _Group([each for each in self._parameters if each.dtype == dtype], dtype)
            for dtype in sorted({each.dtype for each in self._parameters}, key=str)
        ]

    def sum(self) -> None:
        """Put the sum over all ranks into every gradient.

        Raises
        ------
        DeferredInitializationError
            If a parameter waits for its shape.
        RanksError
            If a gradient is not finite, or a rank is missing.
        """
        if self._groups is None:
            self._prepare()
        self._step += 1
        ranks = self._ranks
        for group in self._groups or ():
            if group.is_outdated():
                group = self._renew(group)
            total = group.pack()
            if self._reproducible:
                total[:] = self.add_in_order(ranks.gather(total))
            else:
                ranks.sum(total)
            if not math.isfinite(group.some_sum()):
                self._name_what_is_not_finite(group)
            group.unpack(ranks.size)

    def _renew(self, group: _Group) -> _Group:
        assert self._groups is not None
        renewed = _Group(group.parameters, group.dtype)
        self._groups[self._groups.index(group)] = renewed
        return renewed

    @staticmethod
    def add_in_order(parts: np.ndarray) -> np.ndarray:
        """Return the sum over the first axis, always in the same order: neighbours, then their sums, ..."""
        while len(parts) > 1:
            pairs = parts[0 : len(parts) - 1 : 2] + parts[1::2]
            parts = np.concatenate([pairs, parts[-1:]]) if len(parts) % 2 else pairs
        total: np.ndarray = parts[0]
        return total

    def _name_what_is_not_finite(self, group: _Group) -> None:
        """Raise, on every rank, if any rank's own gradient is not finite."""
        mine = [
            (each.name, "NaN" if np.isnan(gradient).any() else "an infinity")
            for each, gradient in group.gradients()
            if not np.isfinite(gradient).all()
        ]
        everyones = self._ranks.gather_objects(mine[:1])
        found = [
            f"{what} in that of '{name}' on rank {rank}"
            for rank, each in enumerate(everyones)
            for name, what in each
        ]
        if found:
            message = (
                f"expected finite gradients on every rank in step {self._step}, found {', '.join(found)}; "
                "nothing was updated: see that rank's data, or lower the learning rate"
            )
            raise RanksError(message)

    def _compare(self, waiting: bool) -> None:
        """Raise on every rank if any has other parameters: names, shapes, dtypes, or bits of values."""
        entries: list[Entry] = [("the optimizer", self._settings, "settings", b"")]
        for each in self._parameters:
            known = not waiting and each._is_initialized
            values = np.ascontiguousarray(each._data(np.ndarray)) if known else None
            bits = b"" if values is None else hashlib.blake2b(values.data, digest_size=8).digest()
            kind = f"{each.shape} {each.dtype} {each.grad_req} {each.lr_mult} {each.wd_mult}"
            entries.append((f"'{each.name}'", kind, "shape, dtype, grad_req or multipliers", bits))
        digest = hashlib.blake2b(repr(entries).encode(), digest_size=8).digest()
        if self._ranks.all_equal(int.from_bytes(digest, "little")):
            return
        everyones = self._ranks.gather_objects(entries)
        raise RanksError(_first_difference(everyones))


class _Group:
    """The gradients of one dtype, and the array that they are summed in."""

    def __init__(self, parameters: list[Parameter], dtype: Any) -> None:
        self.parameters = parameters
        self.dtype = dtype
        self._kinds = [each.grad_req for each in parameters]
        self._trained = [each for each in parameters if each.grad_req != "null"]
        self._list = _core.ParameterList(self._trained)
        sizes = [math.prod(each.shape or ()) for each in self._trained]
        stops = np.cumsum([0, *sizes]).tolist()
        self._size = stops[-1]
        self._array = np.empty(self._size + len(sizes) + 1, dtype)
        self._values = self._array[: self._size]
        self._flags = self._array[self._size :]
        self._slices = [
            self._array[start:stop].reshape(each.shape)
            for each, start, stop in zip(self._trained, stops[:-1], stops[1:], strict=True)
        ]

    def is_outdated(self) -> bool:
        """Return whether somebody froze a parameter, or trains one that was frozen."""
        return [each.grad_req for each in self.parameters] != self._kinds

    def gradients(self) -> list[tuple[Parameter, np.ndarray]]:
        """Return each parameter with its gradient."""
        return [(each, each._grad(np.ndarray)) for each in self._trained]

    def pack(self) -> np.ndarray:
        """Copy the gradients into the array, 0 for those that no backward has written."""
        for each, target in zip(self._trained, self._slices, strict=True):
            target[...] = each._grad(np.ndarray)
        self._flags.fill(1)
        if _core.first_stale(self._list) != -1:
            for place, (each, target) in enumerate(zip(self._trained, self._slices, strict=True)):
                if not each._grad_is_fresh:
                    target.fill(0)
                    self._flags[place] = self._flags[-1] = 0
        return self._array

    def some_sum(self) -> float:
        """Return a number that is not finite if any gradient in the array is not."""
        if self._size < 8192:
            return float(self._values @ self._values)
        with np.errstate(all="ignore"):
            return float(self._values.sum())

    def unpack(self, size: int) -> None:
        """Copy the sums into the gradients."""
        for each, source in zip(self._trained, self._slices, strict=True):
            each._grad(np.ndarray)[...] = source
        if self._flags[-1] != size:
            for each, used in zip(self._trained, self._flags[:-1].tolist(), strict=True):
                if used:
                    each._mark_written()


def _first_difference(everyones: list[list[Entry]]) -> str:
    """Say where the lists of several ranks first differ, and which ranks do."""
    seen = "lists that do not differ; report this"
    for place in range(max(map(len, everyones))):
        found = [each[place] if place < len(each) else _NOTHING for each in everyones]
        names, kinds, words, bits = zip(*found, strict=True)
        if len(set(names)) > 1:
            usual, others = _odd_ones(names)
            seen = f"{usual} and, in its place, {names[others[0]]} {_on(others)}; give every rank the same net"
        elif len(set(kinds)) > 1:
            usual, others = _odd_ones(kinds)
            seen = (
                f"other {words[0]} of {names[0]} {_on(others)}: {kinds[others[0]]} and not {usual}; give "
                "every rank the same"
            )
        elif len(set(bits)) > 1:
            _, others = _odd_ones(bits)
            seen = (
                f"other values of {names[0]} {_on(others)}; seed every rank alike before initialize(), or "
                "call broadcast_parameters(params) of the kvstore first"
            )
        else:
            continue
        break
    return f"expected the same parameters on all {len(everyones)} ranks, found {seen}"


def _odd_ones(values: Sequence[Any]) -> tuple[Any, list[int]]:
    """Return what most ranks have, and the ranks that have something else."""
    usual = max(values, key=values.count)
    return usual, [rank for rank, value in enumerate(values) if value != usual]


def _on(ranks: list[int]) -> str:
    return f"on rank{'s' * (len(ranks) > 1)} {', '.join(map(str, ranks))}"
