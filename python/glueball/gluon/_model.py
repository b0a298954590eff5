"""One-file models: a `.safetensors` file of parameters whose metadata say which layers they belong to."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NoReturn

from glueball import _core, context
from glueball._disk import path_of
from glueball.base import ArgumentError
from glueball.gluon._model_layers import CHAINS, kind_of, make_layer, names_of_kinds
from glueball.gluon.parameter_dict import ParameterDict

if TYPE_CHECKING:
    from glueball.gluon import Block, Parameter

__all__ = ["export_model", "load_model"]

_KEY = "glueball.model"
_VERSION = 1
_MAX_NESTING = 24  # as in cpp/src/model.cpp


def export_model(net: Block, path: str | os.PathLike[str]) -> None:
    """Write a net to a one-file model, as `Block.export` says."""
    file = path_of(path)
    if not file.endswith(".safetensors"):
        message = (
            f"expected a path that ends in .safetensors, found {file!r}; glueball writes one file, "
            f"{file + '.safetensors'!r}, which glueball.load() reads (MXNet's pair of -symbol.json and "
            ".params files holds a symbolic graph)"
        )
        raise ArgumentError(message)
    net.collect_params()  # refuses parameters of one name, which nobody could tell apart later
    writer = _Writer(net)
    root = writer.describe(net, "", 0)
    dtypes = {parameter._dtype_name for parameter in writer.paths_of}
    if len(dtypes) > 1:
        message = (
            f"expected parameters of one dtype in '{net.name}', found {' and '.join(sorted(dtypes))}; cast "
            "the net, with cast('float32')"
        )
        raise ArgumentError(message)
    architecture = {
        "format": _KEY,
        "version": _VERSION,
        "dtype": dtypes.pop() if dtypes else "float32",
        "in_units": writer.in_units,
        "net": root,
    }
    text = json.dumps(architecture, separators=(",", ":"))
    arrays = {paths[0]: parameter.data() for parameter, paths in writer.paths_of.items()}
    aliases = {alias: paths[0] for paths in writer.paths_of.values() for alias in paths[1:]}
    _core.write_model(os.fsencode(file), arrays, aliases, text)


def load_model(path: str | os.PathLike[str]) -> Block:
    """Make the net of a one-file model: what `Block.export` or C++'s ``save_model`` wrote.

    Names, ties of parameters and classes of layers are those of the net that was written. Everything is
    checked before memory is taken for parameters.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    Block
        The net, initialized and ready to call; of the class that was written, as `HybridSequential`.

    Raises
    ------
    OSError
        If the file cannot be read.
    FileFormatError
        If it is damaged, holds no model, or one of a version or with a layer that is not known here;
        names the file and the fault.

    Examples
    --------
    >>> import tempfile
    >>> import glueball
    >>> from glueball import nd
    >>> from glueball.gluon import nn
    >>> net = nn.HybridSequential(
    ...     nn.Dense(4, activation="relu", in_units=3), nn.Dense(2, in_units=4)
    ... )
    >>> net.initialize()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     net.export(folder + "/net.safetensors")
    ...     again = glueball.load(folder + "/net.safetensors")
    >>> again
    HybridSequential(
      (0): Dense(3 -> 4, Activation(relu))
      (1): Dense(4 -> 2, linear)
    )
    >>> x = nd.ones((1, 3))
    >>> bool((again(x) == net(x)).asnumpy().all())
    True
    """
    file = _core.ModelFile(os.fsencode(path_of(path)))
    architecture = json.loads(file.architecture)
    reader = _Reader(file.aliases)
    net = reader.make(architecture["net"], "")
    net.cast(architecture["dtype"])
    file.assign(reader.parameters)
    for parameter in reader.parameters.values():
        parameter._contexts = [context.current_context()]
    return net


class _Writer:
    """Describes a net, layer by layer, and notes where its parameters stand.

    Attributes
    ----------
    paths_of : dict of Parameter to list of str
        Every place of each parameter. Places count layers, whatever the keys of children are.
    in_units : int or None
        Width of the input of the first dense layer.
    """

    def __init__(self, net: Block) -> None:
        self._net = net
        self.paths_of: dict[Parameter, list[str]] = {}
        self.in_units: int | None = None

    def describe(self, block: Block, path: str, nesting: int) -> dict[str, Any]:
        """Return the record of a block and all below it."""
        if block._is_chain and block._is_native():
            return self._describe_chain(block, path, nesting)
        kind = kind_of(block)
        if kind is None:
            self._refuse(block, path)
        settings = kind.write(block)
        if self.in_units is None:
            self.in_units = settings.get("in_units")
        record: dict[str, Any] = {"kind": kind.name, "prefix": block.prefix}
        if block.params.prefix != block.prefix:
            record["parameters"] = block.params.prefix
        for local, parameter in block._own_parameters(""):
            parameter.data()  # says, in Gluon's words, if it has no values yet
            self.paths_of.setdefault(parameter, []).append(f"{path}.{local}" if path else local)
        return record | settings

    def _describe_chain(self, chain: Block, path: str, nesting: int) -> dict[str, Any]:
        if nesting == _MAX_NESTING:
            message = (
                f"expected chains nested up to {_MAX_NESTING} deep, found more at '{path}'; add their "
                "layers to fewer chains"
            )
            raise ArgumentError(message)
        if chain._reg_params or len(chain.params):
            self._refuse(chain, path)
        prefix = f"{path}." if path else ""
        name = "HybridSequential" if isinstance(chain, CHAINS["HybridSequential"]) else "Sequential"
        layers = [
            self.describe(child, f"{prefix}{place}", nesting + 1)
            for place, child in enumerate(chain._children.values())
        ]
        return {"kind": name, "prefix": chain.prefix, "layers": layers}

    def _refuse(self, block: Block, path: str) -> NoReturn:
        message = (
            f"expected blocks whose code a file can name ({names_of_kinds()}), found '{block.name}' "
            f"({type(block).__name__}) at '{path}' of '{self._net.name}'; put its layers into a "
            "HybridSequential, or save the parameters with save_parameters() and build the net anew"
        )
        raise ArgumentError(message)


class _Reader:
    """Makes the blocks that a checked architecture describes.

    Attributes
    ----------
    parameters : dict of str to Parameter
        By the names of their arrays in the file.
    """

    def __init__(self, aliases: dict[str, str]) -> None:
        self._aliases = aliases
        self.parameters: dict[str, Parameter] = {}
        # By layer and local name, the stored name of each parameter that stands in several places.
        self._tied: dict[str, dict[str, str]] = {}
        for alias, stored in aliases.items():
            for place in (alias, stored):
                local = place.rpartition(".")[2]
                self._tied.setdefault(place.removesuffix(local), {})[local] = stored

    def make(self, record: dict[str, Any], path: str) -> Block:
        """Make a block and all below it; `path` ends with a dot, unless it is empty."""
        settings = dict(record)
        kind, prefix = settings.pop("kind"), settings.pop("prefix")
        if kind in CHAINS:
            chain: Any = CHAINS[kind](prefix=prefix)
            for place, each in enumerate(settings["layers"]):
                chain.add(self.make(each, f"{path}{place}."))
            return chain  # type: ignore[no-any-return]
        params = ParameterDict(settings.pop("parameters", prefix))
        for local, stored in self._tied.get(path, {}).items():
            if stored in self.parameters:  # made by a layer before, under another name perhaps
                params.update({params.prefix + local: self.parameters[stored]})
        layer = make_layer(kind, settings, prefix=prefix, params=params)
        for local, parameter in layer._own_parameters(""):
            name = path + local
            self.parameters.setdefault(self._aliases.get(name, name), parameter)
        return layer
