"""What files say, looked at before it is used: JSON by type, and what goes wrong by the file's name."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, TypeVar

from glueball.base import FileAccessError, FileFormatError, MXNetError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Fields", "in_file", "parse_json", "reading"]

_Error = TypeVar("_Error", bound=MXNetError)


@contextlib.contextmanager
def reading(path: str, expected: str, advice: str) -> Iterator[None]:
    """Name a file, what it should be and what to do in every error of what reads it.

    Inside, a FileFormatError says the fault alone. What other libraries raise is taken for a fault of the file: of
    damaged files they raise whatever they come upon.

    Raises
    ------
    FileFormatError
        For a fault.
    MXNetError
        Of its own class, for what does not fit the program.
    """
    try:
        yield
    except (FileAccessError, MemoryError):
        raise
    except MXNetError as error:
        if not isinstance(error, FileFormatError):
            named = in_file(error, path)
            if named is error:
                raise
            raise named from error
        if _names(error, path):
            raise
        raise _damaged(path, expected, advice, str(error)) from error
    except Exception as error:
        lines = str(error).strip().splitlines()
        is_plain = isinstance(error, KeyError | AttributeError) or not lines
        fault = f"{type(error).__name__}: {lines[0]}" if lines and is_plain else "".join(lines[:1])
        raise _damaged(path, expected, advice, fault or type(error).__name__) from error


def in_file(error: _Error, path: str) -> _Error:
    """Return an error of the same class whose message names the file; itself, if it does."""
    return error if _names(error, path) else type(error)(f"{error} (In file '{path}'.)")


def _names(error: Exception, path: str) -> bool:
    return path in str(error) or repr(path) in str(error)


def _damaged(path: str, expected: str, advice: str, fault: str) -> FileFormatError:
    return FileFormatError(f"expected {expected} in {path!r}, found {fault}; {advice}")


def parse_json(contents: str | bytes) -> Any:
    """Return what a JSON text says; a FileFormatError with the fault if it is none, or nests too deep."""
    import json  # here, because it takes long to import

    try:
        return json.loads(contents)
    except (ValueError, RecursionError) as error:
        fault = str(error)
        raise FileFormatError(fault) from error


class Fields:
    """An object of JSON, whose members are handed out by type.

    A member that is missing, of another type or out of range is a FileFormatError that says where it stands.
    """

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise _another(where, "an object", value)
        self._members = value
        self._where = where

    def __contains__(self, key: str) -> bool:
        return key in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def any(self, key: str) -> Any:
        """Return a member, whatever it is."""
        if key not in self._members:
            fault = f"{self._where} without '{key}'"
            raise FileFormatError(fault)
        return self._members[key]

    def fields(self, key: str) -> Fields:
        """Return an object."""
        return Fields(self.any(key), f"'{key}' of {self._where}")

    def text(self, key: str) -> str:
        """Return a text."""
        value = self.any(key)
        if not isinstance(value, str):
            raise self._wrong(key, "a text", value)
        try:
            value.encode()
        except UnicodeEncodeError as error:  # JSON can escape half of a pair
            fault = f"'{key}' of {self._where} is not text that UTF-8 can write"
            raise FileFormatError(fault) from error
        return value

    def integer(self, key: str, low: int, high: int) -> int:
        """Return an integer from `low` to `high`."""
        value = self.any(key)
        if not _is_integer(value, low, high):
            raise self._wrong(key, f"an integer from {low} to {high}", value)
        return int(value)

    def number(self, key: str) -> float:
        """Return a finite number."""
        value = self.any(key)
        try:
            number = float(value) if _is_number(value) else math.nan
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self._wrong(key, "a finite number", value)
        return number

    def items(self, key: str) -> list[Any]:
        """Return a list."""
        value = self.any(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list", value)
        return value

    def lengths(self, key: str) -> list[int] | None:
        """Return the lengths of a shape, -1 or 0 where one is not known; None if not even the rank is."""
        value = self.any(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(_is_integer(n, -1, 2**63 - 1) for n in value):
            raise self._wrong(key, "lengths", value)
        return value

    def _wrong(self, key: str, expected: str, value: Any) -> FileFormatError:
        return _another(f"'{key}' of {self._where}", expected, value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _another(where: str, expected: str, value: Any) -> FileFormatError:
    # Neither a nest of lists nor a number of 5000 digits lets itself be shown.
    kind = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}.get(
        type(value)
    )
    if kind is None:
        is_short = not isinstance(value, int) or abs(value) < 10**30
        kind = "null" if value is None else str(value) if is_short else "a number beyond 10^30"
    return FileFormatError(f"{where} is {kind}, not {expected}")
