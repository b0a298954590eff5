"""Vectors for numbered things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball import _core, nd
from glueball.base import ArgumentError
from glueball.gluon._checks import FixedSetting, check_count
from glueball.gluon._declaration import ArrayNames, Found, LayerDeclaration, OnnxForm
from glueball.gluon.nn._native import NativeLayer

if TYPE_CHECKING:
    from glueball.gluon.block import Block
    from glueball.gluon.parameter import ParameterDict
    from glueball.onnx._graph import Graph
    from glueball.onnx._writing import Writer

__all__ = ["Embedding"]


def _to_onnx(graph: Writer, layer: Embedding) -> None:
    # Indices are of the net's dtype, as everything that comes in.
    graph.add("Cast", part="indices", to=graph.int64)
    graph.add("Gather", graph.constant("weight", layer.weight.data()), graph.tensor, axis=0)


def _from_onnx(graph: Graph, node: Any) -> Found | None:
    weight, source = graph.constant(node.input[0]), node.input[1]
    if weight is None or weight.ndim != 2 or graph.attributes(node).get("axis", 0) not in (0, -2):
        return None
    while (cast := graph.producer(source, "Cast")) is not None and graph.is_to_indices(cast):
        source = cast.input[0]
    rows, columns = weight.shape
    return Found(source, {"input_dim": rows, "output_dim": columns}, {"weight": weight})


class Embedding(NativeLayer):
    """Look up a learned vector for each index.

    Takes integers of any shape, also as floats, and returns an array of that shape with one more axis at
    the end, of length `output_dim`.

    Parameters
    ----------
    input_dim : int
        How many vectors there are: indices run from 0 to ``input_dim - 1``.
    output_dim : int
        Length of each.
    dtype : str or numpy.dtype, default 'float32'
        Of the vectors: ``float32`` or ``float64``.
    weight_initializer : str, Initializer or callable, optional
        Fills the weight; the net's initializer does if None.
    sparse_grad : bool, default False
        Only False: gradients are dense arrays.
    prefix, params
        As for `Block`.

    Attributes
    ----------
    weight : Parameter
        Shape (input_dim, output_dim).

    Raises
    ------
    ValueError
        If a dimension is not positive, the initializer unknown, or `sparse_grad` True.
    TypeError
        If a dimension is not an integer.

    Examples
    --------
    >>> from glueball import nd
    >>> from glueball.gluon import nn
    >>> layer = nn.Embedding(3, 4)
    >>> layer
    Embedding(3 -> 4, float32)
    >>> layer.initialize()
    >>> layer(nd.array([[0, 2, 2, 1, 0]])).shape
    (1, 5, 4)
    """

    _input_dim = FixedSetting()
    _output_dim = FixedSetting()
    _declaration = LayerDeclaration(
        "Embedding",
        lambda layer: {"input_dim": layer._input_dim, "output_dim": layer._output_dim},
        arrays=(ArrayNames("weight", "weight", "embeddings", ("embedding",)),),
        onnx=OnnxForm(_to_onnx, rules={"Gather": _from_onnx}),
        takes_indices=True,
    )

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        dtype: Any = "float32",
        weight_initializer: Any = None,
        sparse_grad: bool = False,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        rows = check_count("input_dim of Embedding", input_dim, least=1)
        columns = check_count("output_dim of Embedding", output_dim, least=1)
        if sparse_grad:
            message = (
                "expected sparse_grad=False for Embedding, found True: glueball has dense arrays "
                "only; leave it out, the gradients are the same numbers"
            )
            raise ArgumentError(message)
        super().__init__(prefix=prefix, params=params)
        self._input_dim, self._output_dim = rows, columns
        self.weight = self.params.get(
            "weight",
            shape=(rows, columns),
            init=weight_initializer,
            dtype=dtype,
            allow_deferred_init=True,
        )

    def _pieces(self) -> list[_core.Layer | Block]:
        return [_core.Embedding(self.name, self.weight)]

    def hybrid_forward(self, F: Any, x: Any, weight: Any) -> Any:
        """Return the rows of `weight` that `x` numbers, for subclasses.

        Raises
        ------
        IndexError
            If a number is negative, or not below the number of rows.
        TypeError
            If one is not an integer.
        """
        return nd.Embedding(x, weight)

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"{kind}({self._input_dim} -> {self._output_dim}, {self.weight.dtype})"
