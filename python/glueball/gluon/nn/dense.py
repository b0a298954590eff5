"""The fully connected layer."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from glueball import _core, nd
from glueball import init as initializers
from glueball.gluon.nn._checks import check_count
from glueball.gluon.nn._native import NativeLayer
from glueball.gluon.nn.activation import Activation, NativeActivation, check_activation

if TYPE_CHECKING:
    from glueball.gluon.block import Block

__all__ = ["Dense"]


class Dense(NativeLayer):
    """Compute activation(x W^T + b).

    Takes an input of shape (batch, in_units), or of any other whose elements per sample number in_units;
    returns (batch, units). With ``flatten=False`` only the last axis is replaced.

    Parameters
    ----------
    units : int
        Width of the output.
    activation : str, optional
        Name of an elementwise function, as `Activation` takes it; linear if None.
    use_bias : bool, default True
        Whether there is a bias.
    flatten : bool, default True
        True: an input of any rank is taken as (batch, everything else); one of rank 1, of length n, as n
        samples of width 1. False: the layer is applied to the last axis.
    dtype : str or numpy.dtype, default 'float32'
        Of parameters, input and output: ``float32`` or ``float64``.
    weight_initializer : str, Initializer or callable, optional
        Fills the weight; the net's initializer does if None.
    bias_initializer : str, Initializer or callable, default 'zeros'
        Fills the bias; None leaves it to the net's initializer, through its ``_init_bias``.
    in_units : int, default 0
        Width of the input; 0: inferred from the first input.

    Attributes
    ----------
    weight : Parameter
        Shape (units, in_units).
    bias : Parameter or None
        Shape (units,).

    Raises
    ------
    ValueError
        If `units` is not positive, or the activation or an initializer is unknown.
    TypeError
        If `units` is no integer.

    Examples
    --------
    >>> from glueball import nd
    >>> from glueball.gluon import nn
    >>> layer = nn.Dense(2, activation="relu")
    >>> layer
    Dense(None -> 2, Activation(relu))
    >>> layer.initialize()
    >>> layer(nd.ones((4, 3))).shape
    (4, 2)
    >>> layer
    Dense(3 -> 2, Activation(relu))
    """

    def __init__(
        self,
        units: int,
        activation: str | None = None,
        use_bias: bool = True,
        flatten: bool = True,
        dtype: Any = "float32",
        weight_initializer: Any = None,
        bias_initializer: Any = "zeros",
        in_units: int = 0,
        **kwargs: Any,
    ) -> None:
        check_count("units of Dense", units, least=1)
        check_count("in_units of Dense", in_units, least=0)
        if activation is not None:
            check_activation(activation)
        for initializer in (weight_initializer, bias_initializer):
            if initializer is not None:
                initializers.create(
                    initializer
                )  # a misspelt name is found here, not at initialize()
        super().__init__(**kwargs)
        self._units = operator.index(units)
        self._flatten = flatten
        if weight_initializer is None:
            weight_initializer = initializers.default_weight()
        if bias_initializer == "zeros":
            bias_initializer = initializers.default_bias() or bias_initializer
        self.weight = self.params.get(
            "weight",
            shape=(units, in_units),
            init=weight_initializer,
            dtype=dtype,
            allow_deferred_init=True,
        )
        self.bias = (
            self.params.get(
                "bias", shape=(units,), init=bias_initializer, dtype=dtype, allow_deferred_init=True
            )
            if use_bias
            else None
        )
        if activation is None:
            self.act = None
        else:
            with self.name_scope():
                self.act = Activation(activation, prefix=activation + "_")

    def _pieces(self) -> list[_core.Layer | Block]:
        act = self.act
        fused, name, alpha = False, None, None
        if isinstance(act, NativeActivation) and act._is_plain():
            fused = True
            name, alpha = act.function()
        bias: Any = self.bias  # the core takes None, which its generated stub does not say
        native = _core.Dense(self.name, self.weight, bias, name, alpha, self._flatten)
        if act is not None:
            act.__dict__["_planned"] = True  # a hook on it changes how this layer runs
        return [native] if fused or act is None else [native, act]

    def hybrid_forward(self, F: Any, x: Any, weight: Any, bias: Any = None) -> Any:
        """Compute the layer from array functions, for subclasses that change what goes in.

        Parameters
        ----------
        F : module
            Not needed here.
        x : NDArray
            Shape (batch, in_units), or any whose elements per sample, or (``flatten=False``) whose last
            axis, number in_units.
        weight : NDArray
            Shape (units, in_units).
        bias : NDArray, optional
            Shape (units,).

        Returns
        -------
        NDArray
            Shape (batch, units), or x's with the last axis replaced (``flatten=False``).
        """
        output = nd.FullyConnected(x, weight, bias, flatten=self._flatten)
        return output if self.act is None else self.act(output)

    def __repr__(self) -> str:
        # In Gluon's words an unknown width is None; in NumPy mode it is -1.
        units, in_units = self.weight.shape or (None, None)
        act = self.act if self.act is not None else "linear"
        return f"{type(self).__name__}({in_units or None} -> {units}, {act})"


Dense._native_class = Dense
