"""Summing the gradients of a net over ranks."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core
from glueball.base import ArgumentError, RanksError

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
    gradient, one for all of them, and one that is 1 where any is not finite. So a parameter that a rank did not use
    counts as a gradient of 0 there, and every rank knows whether any has used it.

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
        # Of the slices that this rank holds until the step: sums of complete subtrees, by level and place.
        self._held: list[dict[tuple[int, int], np.ndarray]] = []
        self._places: set[tuple[int, int]] = set()
        self._not_finite: list[tuple[str, str]] = []
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
            If a gradient is not finite, a rank is missing, or the slices do not make a whole.
        """
        if self._groups is None:
            self._prepare()
        self._step += 1
        if self._reproducible:
            self._sum_slices()
            return
        for group in self._current_groups():
            group.pack()
            self._ranks.sum(group.array)
            self._finish(group, self._ranks.size)

    def hold(self, place: int) -> None:
        """Keep the gradients of one slice of the batch for the next sum.

        The sum is a binary tree over all slices: 0 with 1, 2 with 3, then their sums. So its bits depend on how
        the batch is sliced, and not on which rank holds which slice.

        Parameters
        ----------
        place : int
            Which of the batch's slices, from 0, whatever the rank.
        """
        if not self._reproducible:
            message = (
                "expected a kvstore made with reproducible=True to hold slices, found one without; use "
                "kvstore.create('dist_sync', reproducible=True)"
            )
            raise ArgumentError(message)
        if place < 0:
            message = f"expected the number of a slice from 0 on, found {place!r}; count the slices"
            raise ArgumentError(message)
        if self._groups is None:
            self._prepare()
        if (0, place) in self._places:
            message = f"expected each slice once in a step, found {place} again; step first"
            raise ArgumentError(message)
        self._places.add((0, place))
        groups = self._current_groups()
        self._held = self._held or [{} for _ in groups]
        for group, held in zip(groups, self._held, strict=True):
            group.pack()
            if not group.is_finite():
                self._not_finite.extend(group.not_finite())
            key, part = (0, place), group.array.copy()
            while (key[0], key[1] ^ 1) in held:
                other = held.pop((key[0], key[1] ^ 1))
                # Addition of two numbers commutes bit by bit: which of the two came first does not matter.
                part += other
                key = (key[0] + 1, key[1] >> 1)
            held[key] = part
        for each in self._parameters:
            if each.grad_req != "null":
                each._mark_stale()

    def _sum_slices(self) -> None:
        keys = self._ranks.gather_objects(list(self._held[0]) if self._held else [])
        if not any(keys):
            # Nobody slices: what a rank has is a slice.
            self.hold(self._ranks.rank)
            keys = [[(0, rank)] for rank in range(self._ranks.size)]
        held, self._held = self._held, []
        self._places.clear()
        count = _count_of_slices(keys)
        counts = [len(each) for each in keys]
        flat = [key for each in keys for key in each]
        for place, group in enumerate(self._current_groups()):
            rows = np.empty((counts[self._ranks.rank], group.array.size), group.array.dtype)
            for row, part in zip(rows, held[place].values() if held else (), strict=True):
                row[...] = part
            parts = self._ranks.gather_rows(rows, counts)
            group.array[...] = _sum_of_tree(dict(zip(flat, parts, strict=True)), count)
            self._finish(group, None)

    def _finish(self, group: _Group, count: int | None) -> None:
        if not group.is_finite():
            self._name_what_is_not_finite(group)
        group.unpack(count)

    def _current_groups(self) -> list[_Group]:
        """Return the groups, made again where somebody froze a parameter, or trains one that was frozen."""
        assert self._groups is not None
        for place, group in enumerate(self._groups):
            if group.is_outdated():
                self._groups[place] = _Group(group.parameters, group.dtype)
        return self._groups

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
        mine = self._not_finite or group.not_finite()
        self._not_finite = []
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
        self.array = np.empty(self._size + len(sizes) + 2, dtype)
        self._flags = self.array[self._size :]
        slices = [
            self.array[start:stop].reshape(each.shape)
            for each, start, stop in zip(self._trained, stops[:-1], stops[1:], strict=True)
        ]
        self._pairs = list(zip(self._trained, slices, strict=True))

    def is_outdated(self) -> bool:
        """Return whether somebody froze a parameter, or trains one that was frozen."""
        return [each.grad_req for each in self.parameters] != self._kinds

    def not_finite(self) -> list[tuple[str, str]]:
        """Return the names of those whose gradient is not finite on this rank, and what was found."""
        return [
            (each.name, "NaN" if np.isnan(gradient).any() else "an infinity")
            for each in self._trained
            if each._grad_is_fresh and not np.isfinite(gradient := each._grad(np.ndarray)).all()
        ]

    def pack(self) -> None:
        """Copy the gradients into the array, 0 for those that no backward has written, and the flags."""
        _core.gather_gradients(self._list, self.array)

    def is_finite(self) -> bool:
        """Return whether every gradient that was summed was finite."""
        return bool(self._flags[-1] == 0)

    def unpack(self, count: int | None) -> None:
        """Copy the sums into the gradients; say of those that any of `count` ranks has used that they are new."""
        _core.scatter_gradients(self._list, self.array)
        if count is None or self._flags[-2] != count:
            for (each, source), used in zip(self._pairs, self._flags[:-2].tolist(), strict=True):
                if used and not each._grad_is_fresh:
                    each._set_grad(source)  # now it is as new as where a backward wrote it


def _count_of_slices(keys: list[list[tuple[int, int]]]) -> int:
    """Return how many slices there are; raise unless the ranks hold 0 to the last, each once."""
    spans = sorted(
        (place << level, (place + 1) << level, rank)
        for rank, each in enumerate(keys)
        for level, place in each
    )
    end = 0
    for start, stop, rank in spans:
        if start != end:
            found = f"none from {end} to {start - 1}" if start > end else f"{start} twice"
            message = (
                f"expected each slice of the batch on one rank, found {found} (rank {rank} goes on with "
                f"{start}); number the slices from 0 over all ranks"
            )
            raise RanksError(message)
        end = stop
    return end


def _sum_of_tree(parts: dict[tuple[int, int], np.ndarray], count: int) -> np.ndarray:
    """Return the sum of neighbours, of their sums, and so on; the last of an odd number moves up."""
    level = 0
    while count > 1:
        for left in range(0, count - 1, 2):
            if (level, left) in parts:
                pair = parts.pop((level, left)) + parts.pop((level, left + 1))
                parts[level + 1, left >> 1] = pair
        if count % 2:
            # A complete subtree there is where one rank holds all of it.
            last = parts.pop((level, count - 1), None)
            if last is not None:
                parts[level + 1, (count - 1) >> 1] = last
        count = (count + 1) >> 1
        level += 1
    return parts[level, 0]


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
