"""Vectors for numbered things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball import _core, nd
from glueball.base import ArgumentError
from glueball.gluon.nn._checks import check_count
from glueball.gluon.nn._native import NativeLayer

if TYPE_CHECKING:
    from glueball.gluon.block import Block
    from glueball.gluon.parameter import ParameterDict

__all__ = ["Embedding"]


class Embedding(NativeLayer):
    """Look up a learned vector for each index.

    Takes whole numbers of any shape, as integers or floats, and returns an array of that shape with an
    axis of length `output_dim` behind it.

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
        If a dimension is no integer.

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
        """Return the rows of `weight` whose numbers are in `x`, for subclasses.

        Raises
        ------
        IndexError
            If a number is negative, or there are not so many rows.
        TypeError
            If one is not whole.
        """
        return nd.Embedding(x, weight)

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"{kind}({self._input_dim} -> {self._output_dim}, {self.weight.dtype})"


Embedding._native_class = Embedding
