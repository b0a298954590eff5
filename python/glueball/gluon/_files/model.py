"""One-file models: a `.safetensors` file of parameters whose metadata say which layers they belong to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NoReturn

from glueball import _core, context
from glueball._disk import path_of
from glueball._reading import reading
from glueball.base import ArgumentError, FileFormatError, MXNetError
from glueball.gluon._declaration import class_of
from glueball.gluon.parameter import ParameterDict

if TYPE_CHECKING:
    from glueball.gluon import Block, Parameter

__all__ = ["export_model", "load_model"]


def export_model(net: Block, path: str | os.PathLike[str]) -> None:
    """Write a net to a one-file model, as `Block.export` says."""
    import json  # here, because it takes long to import

    file = path_of(path)
    if not file.endswith(".safetensors"):
        if file.endswith(".onnx"):
            message = f"expected a path that ends in .safetensors, found {file!r}; use glueball.onnx.export(net, {file!r})"
            raise ArgumentError(message)
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
    text = json.dumps(root, separators=(",", ":"))
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
    name = path_of(path)
    with reading(name, "a model", "export it again"):
        file = _core.ModelFile(os.fsencode(name))
        architecture = file.architecture
        reader = _Reader(file.places)
        try:
            net = reader.make(architecture["net"], "")
        except MXNetError as error:
            fault = f"layers that Python's classes refuse: {error}"
            raise FileFormatError(fault) from error
        net.cast(architecture["dtype"])
        file.assign(reader.parameters)
    for parameter in reader.parameters.values():
        parameter._contexts = [context.current_context()]
    return net


class _Writer:
    """Describes a net, layer by layer, and notes the places of its parameters.

    Attributes
    ----------
    paths_of : dict of Parameter to list of str
        Every place of each parameter. Places count layers, whatever the keys of children are.
    """

    def __init__(self, net: Block) -> None:
        self._net = net
        self.paths_of: dict[Parameter, list[str]] = {}

    def describe(self, block: Block, path: str, nesting: int) -> dict[str, Any]:
        """Return the record of a block and all below it."""
        if block._is_chain and block._is_native():
            return self._describe_chain(block, path, nesting)
        native, declaration = block._native_class, block._declaration
        if (
            native is None
            or declaration is None
            or declaration.kind is None
            or not block._is_native()
            or type(block).__call__ is not native.__call__
        ):
            self._refuse(block, path)
        settings = declaration.write(block)
        if settings is None:
            self._refuse(block, path)
        record: dict[str, Any] = {"kind": declaration.kind, "prefix": block.prefix}
        if block.params.prefix != block.prefix:
            record["parameters"] = block.params.prefix
        for local, parameter in block._own_parameters(""):
            parameter.data()  # says, in Gluon's words, if it has no values yet
            self.paths_of.setdefault(parameter, []).append(f"{path}.{local}" if path else local)
        return record | settings

    def _describe_chain(self, chain: Block, path: str, nesting: int) -> dict[str, Any]:
        if nesting == _core.max_model_nesting:
            message = (
                f"expected chains nested up to {nesting} deep, found more at '{path}'; add their "
                "layers to fewer chains"
            )
            raise ArgumentError(message)
        if chain._reg_params or len(chain.params):
            self._refuse(chain, path)
        prefix = f"{path}." if path else ""
        layers = [
            self.describe(child, f"{prefix}{place}", nesting + 1)
            for place, child in enumerate(chain._children.values())
        ]
        declaration: Any = chain._declaration
        return {"kind": declaration.kind, "prefix": chain.prefix, "layers": layers}

    def _refuse(self, block: Block, path: str) -> NoReturn:
        message = (
            f"expected blocks whose code a file can name ({', '.join(_core.model_kinds())}), found '{block.name}' "
            f"({type(block).__name__}) at '{path}' of '{self._net.name}'; put its layers into a "
            "HybridSequential, or save the parameters with save_parameters() and build the net again"
        )
        raise ArgumentError(message)


class _Reader:
    """Makes the blocks that an architecture describes, which the core has checked.

    Attributes
    ----------
    parameters : dict of str to Parameter
        By the names of their arrays in the file.
    """

    def __init__(self, places: dict[str, str]) -> None:
        self.parameters: dict[str, Parameter] = {}
        # By layer and local name, the name of the array.
        self._arrays: dict[str, dict[str, str]] = {}
        for place, stored in places.items():
            layer, _, local = place.rpartition(".")
            self._arrays.setdefault(layer, {})[local] = stored

    def make(self, record: dict[str, Any], path: str) -> Block:
        """Make a block, and all below it, from its record; `path` is its place: ``0.1``, empty for the net."""
        kind, prefix = record.pop("kind"), record.pop("prefix")
        native: Any = class_of(kind)
        if native._is_chain:
            chain: Any = native(prefix=prefix)
            for place, each in enumerate(record["layers"]):
                chain.add(self.make(each, f"{path}.{place}" if path else str(place)))
            return chain  # type: ignore[no-any-return]
        params = ParameterDict(record.pop("parameters", prefix))
        arrays = self._arrays.get(path, {})
        for local, stored in arrays.items():
            if stored in self.parameters:  # made by a layer before, under another name perhaps
                params.update({params.prefix + local: self.parameters[stored]})
        make = native._declaration.read or native
        layer: Block = make(**record, prefix=prefix, params=params)
        for local, parameter in layer._own_parameters(""):
            self.parameters.setdefault(arrays[local], parameter)
        return layer
