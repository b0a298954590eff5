"""Errors that glueball raises, under the classes that Gluon's users already catch.

Every class is an `MXNetError`, hence a `RuntimeError`. Where Gluon raised another built-in class for the
same mistake (`ValueError`, `AssertionError`, `TypeError`, `IndexError`), ours is of that class as well.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING

from glueball import _core

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ArgumentError", "ArrayNotFoundError", "DeferredInitializationError", "DtypeError",
    "FileAccessError", "FileFormatError", "FilePermissionError", "FolderError",
    "GlueballAttributeError", "GlueballIndexError", "GlueballTypeError", "InitializerWarning",
    "MXNetError", "MissingFileError", "NoGradientError", "NoSuchNameError", "NumbersError", "OutsideScopeAttributeError",
    "OutsideScopeError", "OutsideScopeImportError", "PackageError", "ParameterNotFoundError", "PatternError",
    "PrecisionWarning", "RanksError", "ScheduledRateError", "ShapeError", "StaleGradientError", "TrainingWarning",
    "UninitializedError",
    "UnknownChoiceError", "UnsupportedError", "ZeroBatchError",
]  # fmt: skip


def _near_argument(word: str, accepted: Iterable[str]) -> str:
    """Return ``'; did you mean ...?'`` for another system's word, or else as `_near_word`."""
    ours = import_module("glueball._elsewhere").argument_here(word, accepted)
    return f"; did you mean '{ours}'?" if ours else _near_word(word, accepted)


def _near_word(word: str, words: Iterable[str]) -> str:
    """Return ``'; did you mean ...?'`` for the most similar of some words, or nothing if none is."""
    import difflib  # here: only errors need it

    near = difflib.get_close_matches(word, [each for each in words if each[:1] != "_"], n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


class MXNetError(RuntimeError):
    """Base of every error that glueball itself raises, and the class of bad data given to a layer."""


class ArgumentError(MXNetError, ValueError, AssertionError):
    """A setting, name or choice is not one that the function can take."""


class ShapeError(MXNetError, ValueError, AssertionError):
    """A shape does not fit what is already known."""


class UnsupportedError(MXNetError, NotImplementedError):
    """The object cannot do this, or its class does not define how."""


class UnknownChoiceError(ArgumentError, KeyError):
    """A word is not among those that a setting can be."""

    # KeyError would show the repr of the message, quotes and all.
    __str__ = Exception.__str__


class OutsideScopeError(UnsupportedError):
    """A part of MXNet that glueball leaves out was named."""


class OutsideScopeAttributeError(AttributeError, OutsideScopeError):
    """A part that glueball leaves out was looked up: `hasattr` says no, `getattr` takes its default."""


class OutsideScopeImportError(ImportError, OutsideScopeError):
    """A part that glueball leaves out was imported; programs that try, and do without, go on."""


class NoSuchNameError(ModuleNotFoundError, MXNetError):
    """A name or a module that glueball does not have was imported."""


class GlueballTypeError(MXNetError, TypeError):
    """An object of a class that the function does not take."""


class DtypeError(GlueballTypeError):
    """An element type that the function does not compute with."""


class GlueballAttributeError(AttributeError, MXNetError):
    """An attribute that is not there, or cannot be set."""

    def __str__(self) -> str:
        text = Exception.__str__(self)
        if self.obj is None or not isinstance(self.name, str):
            return text
        # When it is shown: `hasattr` asks often.
        ours = import_module("glueball._elsewhere").name_here(self.name, self.obj)
        return text + (f"; here it is {ours}" if ours else _near_word(self.name, dir(self.obj)))


class NumbersError(GlueballTypeError, ArgumentError):
    """Something else than numbers, or numbers that make no array: a TypeError and a ValueError, as with NumPy."""


class PatternError(ArgumentError, re.error):
    """A text is not a regular expression."""

    __str__ = Exception.__str__


class ZeroBatchError(ArgumentError, ZeroDivisionError):
    """A batch has no samples to take the mean over."""


class GlueballIndexError(MXNetError, IndexError):
    """A label or an index lies outside its range."""


class UninitializedError(MXNetError, AssertionError):
    """A parameter was used before `initialize()`.

    An AssertionError too, which Gluon raises when data is set.
    """


class DeferredInitializationError(MXNetError):
    """A parameter was used after `initialize()`, but before its shape was known."""


class NoGradientError(MXNetError):
    """A gradient was requested from a parameter whose `grad_req` is ``'null'``."""


class ParameterNotFoundError(MXNetError, KeyError):
    """No parameter has the name that was asked for."""

    # KeyError would show the repr of the message, quotes and all.
    __str__ = Exception.__str__


class ArrayNotFoundError(MXNetError, KeyError):
    """No array has the name that was asked for."""

    __str__ = Exception.__str__


class StaleGradientError(MXNetError, UserWarning):
    """A Trainer was asked to step, but no backward has written a gradient since the last step.

    Gluon raises a UserWarning here; so this is one too.
    """


class ScheduledRateError(MXNetError, UserWarning):
    """The learning rate was set while a scheduler rules it: a UserWarning that is raised, as in Gluon."""


class PackageError(ImportError, MXNetError):
    """Another package is missing, or in the way."""


class RanksError(MXNetError):
    """Ranks that train together differ, or one of them is missing."""


class FileFormatError(MXNetError, ValueError):
    """A file is damaged, of another kind, or holds what it should not."""


class FileAccessError(OSError, MXNetError):
    """The system does not let us open, read or write a file; `errno` says why."""

    # OSError would add the errno, and the file's name, which the message has.
    def __str__(self) -> str:
        return str(self.strerror)


class MissingFileError(FileAccessError, FileNotFoundError):
    """There is no such file, or no folder to make it in."""


class FilePermissionError(FileAccessError, PermissionError):
    """A file, or its folder, may not be read or written by this user."""


class FolderError(FileAccessError, IsADirectoryError):
    """There is a folder where a file should be."""


class InitializerWarning(UserWarning):
    """An initializer defines a hook that the net's own settings keep from being called."""


class PrecisionWarning(UserWarning):
    """Numbers were rounded on their way into a net that computes in another dtype."""


class TrainingWarning(UserWarning):
    """A `gluon.Monitor` has seen that training goes wrong."""


_core.register_errors(
    Error=MXNetError,
    InputError=MXNetError,
    ArgumentError=ArgumentError,
    ShapeError=ShapeError,
    DtypeError=DtypeError,
    TypeError=GlueballTypeError,
    IndexError=GlueballIndexError,
    FileAccessError=FileAccessError,
    FileFormatError=FileFormatError,
    FilePermissionError=FilePermissionError,
    FolderError=FolderError,
    MissingFileError=MissingFileError,
    UninitializedError=UninitializedError,
    DeferredInitializationError=DeferredInitializationError,
    NoGradientError=NoGradientError,
)


def __dir__() -> list[str]:
    return __all__
