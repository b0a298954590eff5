"""What `mx.model` has: arrays of a net in one file, by epoch."""

from __future__ import annotations

from typing import Any, NamedTuple

from glueball import nd
from glueball.base import FileFormatError

__all__ = ["BatchEndParam", "load_checkpoint", "load_params", "save_checkpoint"]


class BatchEndParam(NamedTuple):
    """What a callback is told after a batch."""

    epoch: int
    nbatch: int
    eval_metric: Any
    locals: Any


def save_checkpoint(
    prefix: str,
    epoch: int,
    symbol: Any,
    arg_params: dict[str, Any],
    aux_params: dict[str, Any],
    remove_amp_cast: bool = True,
) -> None:
    """Write arrays to ``prefix-0001.params``, and the symbol, if it has a ``save``, to ``prefix-symbol.json``.

    Parameters
    ----------
    prefix : str
        Path that the names begin with.
    epoch : int
        The number in the name.
    symbol : object or None
        The net.
    arg_params, aux_params : dict of str to NDArray
        What is learned, and what is not.
    remove_amp_cast : bool
        Ignored.
    """
    del remove_amp_cast
    if symbol is not None:
        symbol.save(f"{prefix}-symbol.json")
    arrays = {f"arg:{name}": array for name, array in arg_params.items()}
    arrays |= {f"aux:{name}": array for name, array in aux_params.items()}
    nd.save(f"{prefix}-{epoch:04d}.params", arrays)


def load_params(prefix: str, epoch: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what `save_checkpoint` wrote: learned arrays, and others, by name.

    Raises
    ------
    MXNetError
        If the file has arrays of another kind.
    """
    path = f"{prefix}-{epoch:04d}.params"
    found: dict[str, dict[str, Any]] = {"arg": {}, "aux": {}}
    arrays = nd.load(path)
    for key, array in (arrays if isinstance(arrays, dict) else {}).items():
        kind, _, name = key.partition(":")
        if kind not in found or not name:
            message = (
                f"expected names that begin with 'arg:' or 'aux:' in '{path}', found '{key}'; read it with "
                "nd.load(), or net.load_parameters()"
            )
            raise FileFormatError(message)
        found[kind][name] = array
    return found["arg"], found["aux"]


def load_checkpoint(prefix: str, epoch: int) -> tuple[None, dict[str, Any], dict[str, Any]]:
    """As `load_params`, after None in the symbol's place: `gluon.SymbolBlock.imports` reads nets."""
    return None, *load_params(prefix, epoch)
