"""Normalisations: each takes a mean away, divides by a deviation, then scales and shifts by channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from glueball import _tape
from glueball.base import ArgumentError, ShapeError
from glueball.gluon.block import HybridBlock
from glueball.gluon.nn._checks import check_count, check_number
from glueball.nd._record import check_same_dtype, finish, raw, result_axis

if TYPE_CHECKING:
    import numpy.typing as npt

    from glueball.gluon.parameter import Parameter, ParameterDict

    Plain: TypeAlias = npt.NDArray[Any]

__all__ = ["BatchNorm", "GroupNorm", "InstanceNorm", "LayerNorm"]


def _mean(values: Plain, over: tuple[int, ...]) -> Plain:
    # Summed in float64: along the leading axis NumPy adds one by one, and float32 would lose digits.
    mean: Plain = values.mean(axis=over, keepdims=True, dtype=np.float64)
    return mean.astype(values.dtype)


def _moments(values: Plain, over: tuple[int, ...]) -> tuple[Plain, Plain]:
    """Return mean and biased variance, with the axes they were taken over kept at length 1."""
    mean = _mean(values, over)
    return mean, _mean(np.square(values - mean), over)


class _Normalisation(HybridBlock):
    """What all four have: gamma and beta of shape (channels,), which wait for the first input."""

    # Names of the parameters that have one element for each channel.
    _by_channel: ClassVar[tuple[str, ...]] = ("gamma", "beta")

    def __init__(
        self,
        axis: int,
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
        self._axis = axis
        self._epsilon = epsilon
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

    def _infer_steps(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        channels = shape[result_axis(self._axis, len(shape), self.name)]
        if channels != -1:
            self._check_channels(channels)
            for name in self._by_channel:
                getattr(self, name).shape = (channels,)
        return shape

    def _check_channels(self, channels: int) -> None:
        """Refuse a number of channels that the layer cannot take."""

    def _place(self, x: Plain, gamma: Plain) -> int:
        """Return the axis of the channels, after checking the input against the parameters."""
        axis = result_axis(self._axis, x.ndim, self.name)
        check_same_dtype(x, gamma, self.name)
        if x.shape[axis] != gamma.size:
            message = (
                f"expected {gamma.size} channels on axis {self._axis} of the input of '{self.name}', "
                f"found the shape {x.shape}; pass data like that of the first batch, or make the "
                "layer anew"
            )
            raise ShapeError(message)
        self._check_channels(x.shape[axis])
        return axis

    def _normalised(
        self,
        inputs: tuple[Any, Any, Any],
        axis: int,
        rows: Plain,
        over: tuple[int, ...],
        moments: tuple[Plain, Plain],
        *,
        fixed_moments: bool = False,
        unit_scale: bool = False,
    ) -> Any:
        """Return (rows - mean) / sqrt(variance + epsilon) * gamma + beta, recorded as one node.

        Parameters
        ----------
        inputs : tuple of NDArray
            The data, gamma and beta.
        axis : int
            The data's axis of channels.
        rows : numpy.ndarray
            The data, in a shape in which the moments belong to the axes `over`.
        over : tuple of int
            See `rows`.
        moments : tuple of numpy.ndarray
            Mean and variance, which broadcast against `rows`.
        fixed_moments : bool
            Whether they are constants; else gradients flow through them.
        unit_scale : bool
            Whether 1 stands in for gamma.
        """
        data, gamma, beta = inputs
        x = raw(data)
        wide = [-1 if i == axis else 1 for i in range(x.ndim)]
        others = tuple(i for i in range(x.ndim) if i != axis)
        # Of gamma a copy: an update between forward and backward shall not change the derivative.
        scale = np.ones_like(raw(gamma)) if unit_scale else raw(gamma).copy()
        mean, variance = moments
        deviation = np.sqrt(variance + x.dtype.type(self._epsilon))
        unit = (rows - mean) / deviation

        def backward(g: Plain, _: Any) -> tuple[Plain, Plain, Plain]:
            h = (g * scale.reshape(wide)).reshape(rows.shape)
            if not fixed_moments:
                # Ioffe and Szegedy (2015), section 3, with the sums over a batch written as means.
                h = h - _mean(h, over) - unit * _mean(h * unit, over)
            by_gamma = (g * unit.reshape(x.shape)).sum(axis=others)
            return (h / deviation).reshape(x.shape), by_gamma, g.sum(axis=others)

        value = unit.reshape(x.shape) * scale.reshape(wide) + raw(beta).reshape(wide)
        return finish(value, inputs, backward, type(self).__name__)

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

    _by_channel = ("gamma", "beta", "running_mean", "running_var")

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
        self._momentum = momentum
        self._scale = bool(scale)
        self._use_global_stats = bool(use_global_stats)
        self.running_mean = self._make("running_mean", in_channels, running_mean_initializer, False)
        self.running_var = self._make(
            "running_var", in_channels, running_variance_initializer, False
        )

    def hybrid_forward(
        self, F: Any, x: Any, gamma: Any, beta: Any, running_mean: Any, running_var: Any
    ) -> Any:
        """Normalise `x`; in training also move the running values.

        Parameters
        ----------
        F : module
            Not needed here.
        x : NDArray
            Channels on the layer's axis.
        gamma, beta, running_mean, running_var : NDArray
            Shape (channels,).

        Raises
        ------
        MXNetError
            If dtype or number of channels do not fit, or a batch to learn from is empty; the running
            values are as before then.
        """
        data = raw(x)
        axis = self._place(data, raw(gamma))
        over = tuple(i for i in range(data.ndim) if i != axis)
        means, variances = raw(running_mean), raw(running_var)
        learns = _tape.state.training and not self._use_global_stats
        if learns:
            if data.size == 0:
                message = (
                    f"expected at least one sample to take the mean of in '{self.name}', found an "
                    f"input of shape {data.shape}; leave empty batches out"
                )
                raise ShapeError(message)
            mean, variance = _moments(data, over)
        else:
            wide = [-1 if i == axis else 1 for i in range(data.ndim)]
            # Copies: the running values may move before backward.
            mean, variance = means.reshape(wide).copy(), variances.reshape(wide).copy()
        output = self._normalised(
            (x, gamma, beta),
            axis,
            data,
            over,
            (mean, variance),
            fixed_moments=not learns,
            unit_scale=not self._scale,
        )
        if learns:
            for running, batch in ((means, mean), (variances, variance)):
                running *= self._momentum
                running += (1 - self._momentum) * batch.reshape(-1)
        return output

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
    center, scale : bool, default True
        Whether beta and gamma are learned.
    beta_initializer, gamma_initializer : str, Initializer or callable
        Fill beta (``'zeros'``) and gamma (``'ones'``).
    in_channels : int, default 0
        Length of the axis; 0: inferred from the first input.
    prefix, params
        As for `Block`.

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
        self._center, self._scale = bool(center), bool(scale)

    def hybrid_forward(self, F: Any, x: Any, gamma: Any, beta: Any) -> Any:
        """Normalise `x` with gamma and beta, of the length of the axis.

        Raises
        ------
        MXNetError
            If dtype or length of the axis do not fit.
        """
        data = raw(x)
        axis = self._place(data, raw(gamma))
        return self._normalised((x, gamma, beta), axis, data, (axis,), _moments(data, (axis,)))

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
    center : bool, default True
        Whether beta is learned.
    scale : bool, default False
        Whether gamma is learned.
    beta_initializer, gamma_initializer : str, Initializer or callable
        Fill beta (``'zeros'``) and gamma (``'ones'``).
    in_channels : int, default 0
        Number of channels; 0: inferred from the first input.
    prefix, params
        As for `Block`.

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

    def hybrid_forward(self, F: Any, x: Any, gamma: Any, beta: Any) -> Any:
        """Normalise `x`, of shape (batch, channels, ...), with gamma and beta of shape (channels,).

        Raises
        ------
        MXNetError
            If dtype or number of channels do not fit, or nothing is left to take the mean over.
        """
        data = raw(x)
        axis = self._place(data, raw(gamma))
        over = tuple(i for i in range(1, data.ndim) if i != axis)
        if not over or axis == 0:
            message = (
                f"expected an input with an axis besides batch and channels (axis {self._axis}) for "
                f"'{self.name}', found the shape {data.shape}; nn.LayerNorm normalises over features"
            )
            raise ShapeError(message)
        return self._normalised((x, gamma, beta), axis, data, over, _moments(data, over))


class GroupNorm(_Normalisation):
    """Normalise each sample over groups of neighbouring channels, and all axes behind them.

    Parameters
    ----------
    num_groups : int, default 1
        Into how many groups the channels, on axis 1, are divided.
    epsilon : float, default 1e-5
        Added to the (biased) variance.
    center, scale : bool, default True
        Whether beta and gamma are learned.
    beta_initializer, gamma_initializer : str, Initializer or callable
        Fill beta (``'zeros'``) and gamma (``'ones'``).
    in_channels : int, default 0
        Number of channels; 0: inferred from the first input.
    prefix, params
        As for `Block`.

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
        self.__dict__["_num_groups"] = groups
        if check_count("in_channels of GroupNorm", in_channels, least=0) % groups:
            self._refuse_channels(in_channels)
        super().__init__(
            1,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            in_channels,
            prefix,
            params,
        )
        self._center, self._scale = bool(center), bool(scale)

    def _check_channels(self, channels: int) -> None:
        if channels % self._num_groups:
            self._refuse_channels(channels)

    def _refuse_channels(self, channels: int) -> None:
        message = (
            f"expected a number of channels that {self._num_groups} groups can share equally in "
            f"GroupNorm, found {channels}; choose a num_groups that divides it"
        )
        raise ArgumentError(message)

    def hybrid_forward(self, F: Any, x: Any, gamma: Any, beta: Any) -> Any:
        """Normalise `x`, of shape (batch, channels, ...), with gamma and beta of shape (channels,).

        Raises
        ------
        MXNetError
            If dtype or number of channels do not fit.
        """
        data = raw(x)
        axis = self._place(data, raw(gamma))
        share = int(np.prod(data.shape[1:])) // self._num_groups
        rows = data.reshape(len(data), self._num_groups, share)
        return self._normalised((x, gamma, beta), axis, rows, (2,), _moments(rows, (2,)))

    def _settings(self) -> dict[str, Any]:
        return {
            "eps": self._epsilon,
            "num_groups": self._num_groups,
            "center": self._center,
            "scale": self._scale,
            "in_channels": self._channels(),
        }


for _layer in (BatchNorm, LayerNorm, InstanceNorm, GroupNorm):
    _layer._native_class = _layer  # its forward, left alone, keeps the input's shape
