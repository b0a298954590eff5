"""Normalisation of each sample over one axis, or of each channel of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball import _core, nd
from glueball.gluon._checks import check_integer
from glueball.gluon._declaration import LayerDeclaration, OnnxForm
from glueball.gluon.nn._normalisation import (
    AFFINE,
    Normalisation,
    affine_from_onnx,
    affine_to_onnx,
    check_onnx_axis,
)

if TYPE_CHECKING:
    from glueball.gluon.block import Block
    from glueball.gluon.parameter import ParameterDict
    from glueball.onnx._writing import Writer

__all__ = ["InstanceNorm", "LayerNorm"]


def _layer_to_onnx(graph: Writer, layer: LayerNorm) -> None:
    check_onnx_axis(graph, layer, -1, "the last axis")
    affine_to_onnx(graph, layer, "LayerNormalization", axis=-1)


def _instance_to_onnx(graph: Writer, layer: InstanceNorm) -> None:
    check_onnx_axis(graph, layer, 1, "axis 1")
    affine_to_onnx(graph, layer, "InstanceNormalization")


class LayerNorm(Normalisation):
    """Normalise each sample over one axis: (x - mean) / sqrt(variance + epsilon) gamma + beta.

    Parameters
    ----------
    axis : int, default -1
        The axis.
    epsilon : float, default 1e-5
        Added to the (biased) variance.
    center, scale, beta_initializer, gamma_initializer, prefix, params
        As for `BatchNorm`.
    in_channels : int, default 0
        Length of the axis; 0: inferred from the first input.

    Attributes
    ----------
    gamma, beta : Parameter
        Each of shape (length of the axis,).

    Raises
    ------
    ValueError
        If `epsilon` is negative, or an initializer unknown.

    References
    ----------
    J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer normalization", arXiv:1607.06450, 2016.
    """

    _declaration = LayerDeclaration(
        "LayerNorm",
        lambda layer: layer._written("axis"),
        arrays=AFFINE,
        onnx=OnnxForm(_layer_to_onnx, rules={"LayerNormalization": affine_from_onnx(-1)}),
    )

    def __init__(
        self,
        axis: int = -1,
        epsilon: float = 1e-5,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        in_channels: int = 0,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        super().__init__(
            epsilon, center, scale, beta_initializer, gamma_initializer, in_channels, prefix, params
        )
        self._axis = check_integer("axis", axis)

    def _pieces(self) -> list[_core.Layer | Block]:
        return [_core.LayerNorm(self.name, self.gamma, self.beta, self._axis, self._epsilon)]

    def hybrid_forward(self, F: Any, x: Any, gamma: Any, beta: Any) -> Any:
        """Normalise `x` with `gamma` and `beta`, of the length of the axis, for subclasses."""
        return nd.LayerNorm(x, gamma, beta, axis=self._axis, eps=self._epsilon)

    def _settings(self) -> dict[str, Any]:
        return {
            "eps": self._epsilon,
            "axis": self._axis,
            "center": self._center,
            "scale": self._scale,
            "in_channels": self._channels(),
        }


class InstanceNorm(LayerNorm):
    """Normalise each channel of each sample over all axes but the first and `axis`.

    Parameters
    ----------
    axis : int, default 1
        Axis of the channels.
    epsilon : float, default 1e-5
        Added to the (biased) variance.
    center, beta_initializer, gamma_initializer, in_channels, prefix, params
        As for `BatchNorm`.
    scale : bool, default False
        Whether gamma is learned.

    Attributes
    ----------
    gamma, beta : Parameter
        Each of shape (channels,).

    Raises
    ------
    ValueError
        If `epsilon` is negative, or an initializer unknown.

    References
    ----------
    D. Ulyanov, A. Vedaldi, V. Lempitsky, "Instance normalization: the missing ingredient for fast
    stylization", arXiv:1607.08022, 2016.
    """

    _declaration = LayerDeclaration(
        "InstanceNorm",
        lambda layer: layer._written("axis"),
        arrays=AFFINE,
        onnx=OnnxForm(_instance_to_onnx, rules={"InstanceNormalization": affine_from_onnx(1)}),
    )

    def __init__(
        self,
        axis: int = 1,
        epsilon: float = 1e-5,
        center: bool = True,
        scale: bool = False,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        in_channels: int = 0,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            in_channels,
            prefix,
            params,
        )

    def _pieces(self) -> list[_core.Layer | Block]:
        return [_core.InstanceNorm(self.name, self.gamma, self.beta, self._axis, self._epsilon)]

    def hybrid_forward(self, F: Any, x: Any, gamma: Any, beta: Any) -> Any:
        """Normalise `x`, of shape (batch, channels, ...), with `gamma` and `beta`, for subclasses."""
        return nd.InstanceNorm(x, gamma, beta, eps=self._epsilon, axis=self._axis)
