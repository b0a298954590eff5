"""Dense nets to ONNX files, for other runtimes, and back. Needs the `onnx` package: ``glueball[onnx]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueball._disk import path_of
from glueball._scope import surface
from glueball.onnx._packages import import_onnx
from glueball.onnx._reading import read_net
from glueball.onnx._writing import make_model, save_model

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from glueball.gluon import Block
    from glueball.gluon.nn import HybridSequential

__all__ = ["export", "load"]


def export(
    net: Block,
    path: str | os.PathLike[str],
    input_shape: Sequence[int | None] | None = None,
    *,
    fold_batch_norm: bool = True,
) -> None:
    """Write a net to an ONNX file: what it computes when it predicts, in opset 20.

    The graph's input is called ``input``, its output ``output``; parameters keep their structural paths as
    names. Dropout is left out.

    Parameters
    ----------
    net : Block
        A layer, or chains of layers: `Dense`, activations, `Flatten`, `Dropout`, `Embedding`,
        `BatchNorm`, `LayerNorm`, `GroupNorm`, `InstanceNorm`, `PReLU`, `Identity`, and
        ``HybridLambda("softmax")`` or ``HybridLambda("log_softmax")``.
    path : str or path
        Of the file, which is written whole or not at all. Of a net of nearly 2 GiB or more, which such a file
        cannot hold, the arrays go into another beside it, called after the path and their contents:
        ``net.onnx.0123456789abcdef.data``. Both go together; one that an earlier export made is removed.
    input_shape : sequence of int or None, optional
        Of the input, None for a length that may vary: ``(None, 28, 28)``. Without it
        ``(None, width of the first layer that has one)``.
    fold_batch_norm : bool, default True
        Make a `BatchNorm` that follows a linear `Dense` part of that layer's weight and bias: one layer
        less to run, the outputs differ by rounding.

    Raises
    ------
    ImportError
        If the `onnx` package is missing.
    ValueError
        If a block cannot be written, which is named; or if the input's shape is needed, or does not fit.
    RuntimeError
        If a parameter has no values yet. Nothing is written then.

    Examples
    --------
    >>> import onnxruntime, tempfile
    >>> from glueball import nd, onnx
    >>> from glueball.gluon import nn
    >>> net = nn.HybridSequential(
    ...     nn.Dense(4, activation="relu", in_units=3), nn.Dense(2, in_units=4)
    ... )
    >>> net.initialize()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     onnx.export(net, folder + "/net.onnx")
    ...     session = onnxruntime.InferenceSession(folder + "/net.onnx")
    >>> session.run(None, {"input": nd.ones((5, 3)).asnumpy()})[0].shape
    (5, 2)
    """
    onnx = import_onnx()
    save_model(onnx, *make_model(onnx, net, input_shape, fold_batch_norm), path_of(path))


def load(path: str | os.PathLike[str]) -> HybridSequential:
    """Make a net of an ONNX file that holds a dense chain.

    Parameters
    ----------
    path : str or path
        A model, whose arrays may be in other files of its folder, with one input and one output of float32 or float64, and between them one chain of dense
        layers (``Gemm``, ``MatMul`` with or without ``Add``), activations, ``Softmax``,
        ``BatchNormalization`` and the like: all that `export` writes. ``docs/interop.md`` lists it. Of
        int64 or int32 the input may be where an embedding (``Gather``) comes first.

    Returns
    -------
    HybridSequential
        The net, initialized: it computes what the model does, and can be trained on.

    Raises
    ------
    ImportError
        If the `onnx` package is missing.
    FileNotFoundError
        If there is no such file.
    MXNetError
        If the file is damaged, or no such chain; names the node, its op type and what is supported.
    """
    return read_net(import_onnx(), path_of(path))


__getattr__, __dir__ = surface(__name__)
