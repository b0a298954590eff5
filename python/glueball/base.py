"""Errors that glueball raises, under the classes that Gluon's users already catch.

Every class is an `MXNetError`, hence a `RuntimeError`. Where Gluon raised another built-in class for the
same mistake (`ValueError`, `AssertionError`, `TypeError`, `IndexError`), ours is of that class as well.
"""

from __future__ import annotations

from glueball import _core

__all__ = [
    "ArgumentError",
    "ArrayNotFoundError",
    "DeferredInitializationError",
    "DtypeError",
    "FileAccessError",
    "FileFormatError",
    "FilePermissionError",
    "FolderError",
    "GlueballIndexError",
    "GlueballTypeError",
    "InitializerWarning",
    "MXNetError",
    "MissingFileError",
    "NoGradientError",
    "OutsideScopeError",
    "ParameterNotFoundError",
    "ShapeError",
    "StaleGradientError",
    "UninitializedError",
]


class MXNetError(RuntimeError):
    """Base of every error that glueball itself raises, and the class of bad data given to a layer."""


class ArgumentError(MXNetError, ValueError, AssertionError):
    """A setting, name or choice is not one that the function can take."""


class ShapeError(MXNetError, ValueError, AssertionError):
    """A shape does not fit what is already known."""


class OutsideScopeError(MXNetError, NotImplementedError, ImportError):
    """A part of MXNet that glueball leaves out was named.

    An ImportError too, so that programs which try an import, and do without, go on.
    """


class GlueballTypeError(MXNetError, TypeError):
    """An object of a class that the function does not take."""


class DtypeError(GlueballTypeError):
    """An element type that the function does not compute with."""


class GlueballIndexError(MXNetError, IndexError):
    """A label or an index lies outside its range."""


class UninitializedError(MXNetError, AssertionError):
    """A parameter was used before `initialize()`.

    An AssertionError too, which Gluon raises when data is set.
    """


class DeferredInitializationError(MXNetError):
    """A parameter was used after `initialize()`, but before its shape was known."""


class NoGradientError(MXNetError):
    """A gradient was asked of a parameter whose `grad_req` is ``'null'``."""


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


class FileFormatError(MXNetError, ValueError):
    """A file is damaged, of another kind, or holds what it should not."""


class FileAccessError(OSError, MXNetError):
    """The system does not let us open, read or write a file; `errno` says why."""

    # OSError would put the errno in front and the file's name, which the message has, behind.
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


_core.register_errors(
    Error=MXNetError,
    InputError=MXNetError,
    ArgumentError=ArgumentError,
    ShapeError=ShapeError,
    DtypeError=DtypeError,
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
