"""Normalisations: each takes a mean away, divides by a deviation, then scales and shifts by channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball import _core, nd
from glueball.base import ArgumentError
from glueball.gluon.nn._checks import check_count, check_number
from glueball.gluon.nn._native import NativeLayer

if TYPE_CHECKING:
    from glueball.gluon.block import Block
    from glueball.gluon.parameter import Parameter, ParameterDict

__all__ = ["BatchNorm", "GroupNorm", "InstanceNorm", "LayerNorm"]


class _Normalisation(NativeLayer):
    """What all four have: gamma and beta of shape (channels,), which wait for the first input."""

    def __init__(
        self,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        in_channels: int,
        prefix: str | None,
        params: ParameterDict | None,
    ) -> None:
        kind = type(self).__name__
        epsilon = check_number(f"epsilon of {kind}", epsilon, least=0)
        in_channels = check_count(f"in_channels of {kind}", in_channels, least=0)
        super().__init__(prefix=prefix, params=params)
        self._epsilon = epsilon
        self._center, self._scale = bool(center), bool(scale)
        self.gamma = self._make("gamma", in_channels, gamma_initializer, scale)
        self.beta = self._make("beta", in_channels, beta_initializer, center)

    def _make(self, name: str, in_channels: int, init: Any, learned: bool) -> Parameter:
        return self.params.get(
            name,
            grad_req="write" if learned else "null",
            shape=(in_channels,),
            init=init,
            allow_deferred_init=True,
            differentiable=learned,
        )

    def _settings(self) -> dict[str, Any]:
        """Return what the repr shows, in Gluon's order and words."""
        raise NotImplementedError

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={value}" for key, value in self._settings().items())
        return f"{type(self).__name__}({settings})"

    def _channels(self) -> int:
        shape = self.gamma.shape
        return 0 if shape is None else shape[0]


class BatchNorm(_Normalisation):
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
        self._axis = axis
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


class LayerNorm(_Normalisation):
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
        self._axis = axis

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


class GroupNorm(_Normalisation):
    """Normalise each sample over groups of neighbouring channels, and all axes behind them.

    Parameters
    ----------
    num_groups : int, default 1
        Into how many groups the channels, on axis 1, are divided.
    epsilon : float, default 1e-5
        Added to the (biased) variance.
    center, scale, beta_initializer, gamma_initializer, in_channels, prefix, params
        As for `BatchNorm`.

    Attributes
    ----------
    gamma, beta : Parameter
        Each of shape (channels,).

    Raises
    ------
    ValueError
        If `num_groups` does not divide the channels, `epsilon` is negative, or an initializer unknown.

    References
    ----------
    Y. Wu, K. He, "Group normalization", ECCV 2018.
    """

    def __init__(
        self,
        num_groups: int = 1,
        epsilon: float = 1e-5,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        in_channels: int = 0,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        groups = check_count("num_groups of GroupNorm", num_groups, least=1)
        if check_count("in_channels of GroupNorm", in_channels, least=0) % groups:
            message = (
                f"expected a number of channels that {groups} groups can share equally in GroupNorm, "
                f"found {in_channels}; choose a num_groups that divides it"
            )
            raise ArgumentError(message)
        super().__init__(
            epsilon, center, scale, beta_initializer, gamma_initializer, in_channels, prefix, params
        )
        self._num_groups = groups

    def _pieces(self) -> list[_core.Layer | Block]:
        return [_core.GroupNorm(self.name, self.gamma, self.beta, self._num_groups, self._epsilon)]

    def hybrid_forward(self, F: Any, x: Any, gamma: Any, beta: Any) -> Any:
        """Normalise `x`, of shape (batch, channels, ...), with `gamma` and `beta`, for subclasses."""
        return nd.GroupNorm(x, gamma, beta, num_groups=self._num_groups, eps=self._epsilon)

    def _settings(self) -> dict[str, Any]:
        return {
            "eps": self._epsilon,
            "num_groups": self._num_groups,
            "center": self._center,
            "scale": self._scale,
            "in_channels": self._channels(),
        }


for _layer in (BatchNorm, LayerNorm, InstanceNorm, GroupNorm):
    _layer._native_class = _layer
