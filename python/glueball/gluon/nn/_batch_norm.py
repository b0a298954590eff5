"""Normalisation over the batch, with statistics that are kept for inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core, nd
from glueball.gluon._checks import check_integer, check_number
from glueball.gluon._declaration import ArrayNames, Found, LayerDeclaration, OnnxForm
from glueball.gluon.nn._normalisation import AFFINE, Normalisation, check_onnx_axis
from glueball.nd._record import result_axis

if TYPE_CHECKING:
    from glueball.gluon._declaration import Affine
    from glueball.gluon.block import Block
    from glueball.gluon.parameter import ParameterDict
    from glueball.onnx._graph import Graph
    from glueball.onnx._writing import Writer

__all__ = ["BatchNorm"]

_NAMES = ("gamma", "beta", "running_mean", "running_var")
_GAMMA, _BETA = AFFINE


def _statistics(layer: BatchNorm) -> tuple[Any, ...]:
    """Return gamma, beta, mean and variance as the layer uses them, in float64."""
    gamma, *others = (np.asarray(getattr(layer, name).data(), np.float64) for name in _NAMES)
    return gamma if layer._scale else np.ones_like(gamma), *others


def _affine(layer: BatchNorm, rank: int) -> Affine | None:
    if result_axis(layer._axis, rank, layer.name) != rank - 1:
        return None
    gamma, beta, mean, variance = _statistics(layer)
    scale = gamma / np.sqrt(variance + layer._epsilon)
    return scale, beta - mean * scale


def _to_onnx(graph: Writer, layer: BatchNorm) -> None:
    check_onnx_axis(graph, layer, 1, "axis 1")
    arrays = map(graph.constant, _NAMES, _statistics(layer))
    settings: Any = {"epsilon": layer._epsilon, "momentum": layer._momentum}
    graph.add("BatchNormalization", graph.tensor, *arrays, **settings)


def _from_onnx(graph: Graph, node: Any) -> Found | None:
    settings = graph.attributes(node)
    vectors = graph.vectors(node.input[1:5])
    if vectors is None or settings.get("training_mode", 0):
        return None
    made_with = {
        "epsilon": graph.short(settings.get("epsilon", 1e-5)),
        "momentum": graph.short(settings.get("momentum", 0.9)),
        "in_channels": vectors[0].size,
    }
    return Found(node.input[0], made_with, dict(zip(_NAMES, vectors, strict=True)))


def _arithmetic(graph: Graph, node: Any) -> Found | None:
    """Return the arithmetic of a tensor and constants of its last axis, as statistics that stay.

    So observations are normalised: minus their mean, divided by their deviation.
    """
    shape, kind = graph.shape(node.input[0]), node.op_type
    for place, (value, other) in enumerate(graph.both_ways(node)):
        constant, shape = graph.constant(other), graph.shape(value)
        if constant is None or not shape or len(shape) < 2 or shape[-1] == -1:
            continue
        is_vector = constant.size == (constant.shape[-1] if constant.ndim else 1)
        if not is_vector or constant.ndim > len(shape) or constant.size not in (1, shape[-1]):
            continue
        if kind == "Div" and place == 1:  # a constant divided by a tensor
            continue
        number = np.broadcast_to(constant.reshape(-1), shape[-1:])
        gamma, beta, mean, variance = (np.full(shape[-1:], v, number.dtype) for v in (1, 0, 0, 1))
        if kind == "Sub" and place == 0:
            mean = number
        elif kind in ("Add", "Sub"):
            gamma, beta = (gamma if kind == "Add" else -gamma), number
        else:
            gamma = (
                number if kind == "Mul" else (1 / number.astype(np.float64)).astype(number.dtype)
            )
        settings = {"axis": -1, "epsilon": 0.0, "use_global_stats": True, "in_channels": shape[-1]}
        arrays = dict(zip(_NAMES, (gamma, beta, mean, variance), strict=True))
        return Found(value, settings, arrays)
    return None


class BatchNorm(Normalisation):
    """Normalise each channel over the batch: (x - mean) / sqrt(variance + epsilon) gamma + beta.

    In training (`autograd.is_training()`) mean and biased variance are the batch's, over all axes but
    `axis`, and every forward moves the running ones, without being recorded:
    ``running = momentum * running + (1 - momentum) * batch``. Otherwise the running ones are used.

    Parameters
    ----------
    axis : int, default 1
        Axis of the channels.
    momentum : float, default 0.9
        How much of the running values stays at a step, from 0 to 1.
    epsilon : float, default 1e-5
        Added to the variance.
    center : bool, default True
        Whether beta is learned.
    scale : bool, default True
        Whether gamma is learned; 1 stands in for it if not.
    use_global_stats : bool, default False
        Use the running values in training too, and leave them as they are.
    beta_initializer, gamma_initializer : str, Initializer or callable
        Fill beta (``'zeros'``) and gamma (``'ones'``).
    running_mean_initializer, running_variance_initializer : str, Initializer or callable
        Fill the running values (``'zeros'`` and ``'ones'``).
    in_channels : int, default 0
        Number of channels; 0: inferred from the first input.
    prefix, params
        As for `Block`.

    Attributes
    ----------
    gamma, beta, running_mean, running_var : Parameter
        Each of shape (channels,). The running values have no gradient, and are saved and loaded as all
        parameters are.

    Raises
    ------
    ValueError
        If `momentum` is not between 0 and 1, `epsilon` negative, or an initializer unknown.

    References
    ----------
    S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", ICML 2015.

    Examples
    --------
    >>> from glueball import autograd, nd
    >>> from glueball.gluon import nn
    >>> layer = nn.BatchNorm()
    >>> layer.initialize()
    >>> with autograd.record():
    ...     y = layer(nd.array([[1, 2], [3, 6]]))
    >>> layer.running_mean.data()
    <BLANKLINE>
    [0.2 0.4]
    <NDArray 2 @cpu(0)>
    """

    _declaration = LayerDeclaration(
        "BatchNorm",
        lambda layer: layer._written("axis", "momentum", "use_global_stats"),
        arrays=(
            ArrayNames(**vars(_GAMMA) | {"is_ignored": lambda layer: not layer._scale}),
            _BETA,
            ArrayNames("running_mean", "running_mean", "moving_mean", ("_mean", "mean")),
            ArrayNames("running_var", "running_var", "moving_variance", ("_variance", "var")),
        ),
        onnx=OnnxForm(
            _to_onnx,
            rules={"BatchNormalization": _from_onnx},
            last_rules=dict.fromkeys(("Add", "Div", "Mul", "Sub"), _arithmetic),
            affine=_affine,
        ),
    )

    def __init__(
        self,
        axis: int = 1,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        center: bool = True,
        scale: bool = True,
        use_global_stats: bool = False,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        running_mean_initializer: Any = "zeros",
        running_variance_initializer: Any = "ones",
        in_channels: int = 0,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        momentum = check_number("momentum of BatchNorm", momentum, least=0, most=1)
        super().__init__(
            epsilon, center, scale, beta_initializer, gamma_initializer, in_channels, prefix, params
        )
        self._axis = check_integer("axis", axis)
        self._momentum = momentum
        self._use_global_stats = bool(use_global_stats)
        self.running_mean = self._make("running_mean", in_channels, running_mean_initializer, False)
        self.running_var = self._make(
            "running_var", in_channels, running_variance_initializer, False
        )

    def _pieces(self) -> list[_core.Layer | Block]:
        return [
            _core.BatchNorm(
                self.name,
                self.gamma,
                self.beta,
                self.running_mean,
                self.running_var,
                self._axis,
                self._momentum,
                self._epsilon,
                self._scale,
                self._use_global_stats,
            )
        ]

    def _from_functions(self, x: Any) -> Any:
        arrays = {key: parameter.data() for key, parameter in self._reg_params.items()}
        # Copies: the recorded forward has moved the running values already.
        running = {key: arrays[key].copy() for key in ("running_mean", "running_var")}
        return self.hybrid_forward(nd, x, **arrays | running)

    def hybrid_forward(
        self, F: Any, x: Any, gamma: Any, beta: Any, running_mean: Any, running_var: Any
    ) -> Any:
        """Normalise `x` with the arrays given, for subclasses that change what goes in.

        Parameters
        ----------
        F : module
            Not needed here.
        x : NDArray
            Channels on the layer's axis.
        gamma, beta, running_mean, running_var : NDArray
            Shape (channels,); in training the last two are written.
        """
        return nd.BatchNorm(
            x,
            gamma,
            beta,
            running_mean,
            running_var,
            eps=self._epsilon,
            momentum=self._momentum,
            fix_gamma=not self._scale,
            use_global_stats=self._use_global_stats,
            axis=self._axis,
        )

    def _settings(self) -> dict[str, Any]:
        return {
            "axis": self._axis,
            "eps": self._epsilon,
            "momentum": self._momentum,
            "fix_gamma": not self._scale,
            "use_global_stats": self._use_global_stats,
            "in_channels": self._channels() or None,
        }
