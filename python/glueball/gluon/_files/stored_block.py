"""What a block writes to files, and reads from them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from glueball import nd
from glueball.base import ArgumentError
from glueball.gluon import _files

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from glueball.context import Context
    from glueball.gluon.parameter import LoadReport, Parameter

__all__ = ["StoredBlock"]


class StoredBlock:
    """The part of `Block` that deals with files."""

    if TYPE_CHECKING:

        @property
        def name(self) -> str: ...
        @property
        def prefix(self) -> str: ...
        def _walk_parameters(self) -> Iterator[tuple[str, Parameter]]: ...

    def save_parameters(self, filename: str, deduplicate: bool = False) -> None:
        """Write every parameter under its structural path: ``0.weight``, ``encoder.1.bias``.

        Parameters
        ----------
        filename : str
            ``.safetensors`` and ``.npz`` say what the file becomes, everything else becomes
            MXNet's ``.params``.
        deduplicate : bool, default False
            Write a shared parameter once, under its first path, and forget the others. (A
            ``.safetensors`` file holds it once anyway, and its other paths as names of it.)

        Raises
        ------
        RuntimeError
            If a parameter has no values yet; nothing is written then.
        OSError
            If writing fails; an old file is untouched then.
        """
        arrays = {}
        written: set[int] = set()
        for path, parameter in self._walk_parameters():
            if deduplicate and id(parameter) in written:
                continue
            written.add(id(parameter))
            arrays[path] = parameter.data()
        nd.save(filename, arrays)

    def load_parameters(
        self,
        filename: str,
        ctx: Context | list[Context] | None = None,
        allow_missing: bool = False,
        ignore_extra: bool = False,
        cast_dtype: bool = False,
        dtype_source: str = "current",
    ) -> LoadReport:
        """Read parameters by structural path, or by full name. Nothing is initialized first.

        Everything is checked before anything is changed. Unknown shapes become known; initialized
        parameters keep their arrays, so that views of them see the new values.

        Parameters
        ----------
        filename : str
            A file that `save_parameters` or `ParameterDict.save` wrote, here or in MXNet; of any
            kind, whatever its name.
        ctx : Context or list of Context, optional
            Where to.
        allow_missing : bool, default False
            Leave parameters alone that the file does not have.
        ignore_extra : bool, default False
            Skip what the net does not have.
        cast_dtype : bool, default False
            Convert where dtypes differ.
        dtype_source : {'current', 'saved'}, default 'current'
            Whose dtype wins then.

        Returns
        -------
        LoadReport
            What was loaded, and what was not.

        Raises
        ------
        AssertionError
            If a name is missing, or a shape or dtype does not fit.
        ValueError
            If the file has a name that the net has not, or is damaged or of another kind.
        OSError
            If the file cannot be opened.
        """
        return _files.loading.load_file(
            self._walk_parameters(),
            filename,
            prefix=self.prefix,
            ctx=ctx,
            allow_missing=allow_missing,
            ignore_extra=ignore_extra,
            cast_dtype=cast_dtype,
            dtype_source=dtype_source,
        )

    def export(
        self, path: str | os.PathLike[str], epoch: int = 0, remove_amp_cast: bool = True
    ) -> None:
        """Write the whole net, layers and parameters, to one file, which `glueball.load` reads, and C++.

        Parameters
        ----------
        path : str or path
            Ends in ``.safetensors``. It is written whole or not at all.
        epoch : int, default 0
            Only 0. Gluon makes it part of a file's name; put it into `path`.
        remove_amp_cast : bool
            For Gluon's scripts: there are no such casts.

        Raises
        ------
        ValueError
            For another ending or epoch; if a block computes something that a file cannot name, as with
            code of your own: the message names it and says what to do.
        RuntimeError
            If a parameter has no values yet.
        OSError
            If the file cannot be written.
        """
        del remove_amp_cast
        if epoch != 0:
            message = (
                f"expected epoch 0 for export, found {epoch!r}; put the number into the name: "
                f"net.export('net-{epoch}.safetensors')"
            )
            raise ArgumentError(message)
        _files.model.export_model(self, path)  # type: ignore[arg-type]

    def save_params(self, filename: str) -> None:
        """Write parameters: the old name of `save_parameters`."""
        warnings.warn(
            "save_params is deprecated. Please use save_parameters.",
            DeprecationWarning,
            stacklevel=2,
        )
        self.save_parameters(filename)

    def load_params(
        self,
        filename: str,
        ctx: Any = None,
        allow_missing: bool = False,
        ignore_extra: bool = False,
        **settings: Any,
    ) -> LoadReport:
        """Read parameters: the old name of `load_parameters`."""
        warnings.warn(
            "load_params is deprecated. Please use load_parameters.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.load_parameters(filename, ctx, allow_missing, ignore_extra, **settings)

    def save(self, prefix: str | os.PathLike[str]) -> None:
        """Write ``<prefix>-model.json``, which blocks there are, and ``<prefix>-model.params``, their parameters.

        `load` reads them, here and in MXNet, into a net that the program has built as it was. `export` writes
        one file, from which the net itself is made.

        Raises
        ------
        RuntimeError
            If a parameter has no values yet; nothing is written then.
        OSError
            If writing fails.
        """
        _files.structure_file.save(self, prefix)  # type: ignore[arg-type]

    def load(self, prefix: str | os.PathLike[str]) -> LoadReport:
        """Read what `save` wrote, here or in MXNet, into a net of the same blocks. Nothing is initialized first.

        Blocks are matched by class and order: attributes may have other names. Everything is checked before
        anything is changed.

        Raises
        ------
        AssertionError
            If the files describe another net, or a shape or dtype does not fit.
        ValueError
            If a file is damaged.
        OSError
            If one cannot be opened.
        """
        return _files.structure_file.load(self, prefix)  # type: ignore[arg-type]
