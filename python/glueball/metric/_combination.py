"""Metrics of other things: of several metrics, of a function, of losses; and `create`, which makes all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from glueball._reading import parse_json
from glueball._suggest import near_names
from glueball.base import (
    ArgumentError,
    DtypeError,
    FileFormatError,
    GlueballIndexError,
    GlueballTypeError,
    UnsupportedError,
)
from glueball.metric._base import (
    REGISTRY,
    EvalMetric,
    alias,
    check_label_shapes,
    numbers,
    register,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["CompositeEvalMetric", "CustomMetric", "Loss", "create", "np"]


@register
@alias("composite")
class CompositeEvalMetric(EvalMetric):
    """Several metrics of the same labels and predictions.

    Parameters
    ----------
    metrics : list, optional
        What `create` takes: metrics, names, functions.
    name : str, default 'composite'
        Its own name.
    output_names, label_names : list of str, optional
        Which entries `update_dict` takes.

    Examples
    --------
    >>> from glueball import metric, nd
    >>> both = metric.CompositeEvalMetric(["acc", "f1"])
    >>> both.update(nd.array([1, 0]), nd.array([1, 1]))
    >>> both.get()
    (['accuracy', 'f1'], [0.5, 0.6666666666666666])
    """

    _has_global_stats = True

    def __init__(
        self,
        metrics: Sequence[Any] | None = None,
        name: str = "composite",
        output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
    ) -> None:
        if metrics is not None and (isinstance(metrics, str) or not isinstance(metrics, Iterable)):
            message = f"expected a list of metrics, found {metrics!r}; pass [{metrics!r}], or names in a list"
            raise GlueballTypeError(message)
        self.metrics: list[EvalMetric] = [create(each) for each in metrics or ()]
        super().__init__(name, output_names, label_names)

    def add(self, metric: Any) -> None:
        """Add a metric: anything that `create` takes."""
        self.metrics.append(create(metric))

    def get_metric(self, index: int) -> EvalMetric:
        """Return a metric by its number.

        Raises
        ------
        ValueError
            If there is none. (It is also an IndexError.)
        """
        try:
            return self.metrics[index]
        except IndexError:
            message = (
                f"Metric index {index} is out of range 0 and {len(self.metrics)}: expected a number "
                f"of one of '{self.name}', found {index}; add() metrics first"
            )
            raise _MetricIndexError(message) from None

    def update_dict(self, label: Mapping[str, Any], pred: Mapping[str, Any]) -> None:
        """Count a batch whose labels and predictions have names, in every metric."""
        if self.label_names is not None:
            label = {key: value for key, value in label.items() if key in self.label_names}
        if self.output_names is not None:
            pred = {key: value for key, value in pred.items() if key in self.output_names}
        for metric in self.metrics:
            metric.update_dict(label, pred)

    def update(self, labels: Any, preds: Any) -> None:
        """Count a batch in every metric; where one refuses it, those before have counted it."""
        for metric in self.metrics:
            metric.update(labels, preds)

    def reset(self) -> None:
        """Forget everything, in every metric."""
        super().reset()
        for metric in self.metrics:
            metric.reset()

    def reset_local(self) -> None:
        """Reset the value of `get` in every metric."""
        super().reset_local()
        for metric in self.metrics:
            metric.reset_local()

    def get(self) -> tuple[list[str], list[float]]:
        """Return the names and the values."""
        return _unzipped([pair for each in self.metrics for pair in each.get_name_value()])

    def get_global(self) -> tuple[list[str], list[float]]:
        """Return the names, and the values since the last `reset`."""
        return _unzipped([pair for each in self.metrics for pair in each.get_global_name_value()])

    def get_config(self) -> dict[str, Any]:
        """Return the settings, of which `create` makes the same metric."""
        return {**super().get_config(), "metrics": [each.get_config() for each in self.metrics]}


class _MetricIndexError(GlueballIndexError, ValueError):
    """No metric has that number; Gluon's ValueError, and what Python calls it."""


def _unzipped(both: list[tuple[str, float]]) -> tuple[list[str], list[float]]:
    return [name for name, _ in both], [value for _, value in both]


@register
class CustomMetric(EvalMetric):
    """A metric of a function of NumPy arrays.

    Parameters
    ----------
    feval : callable
        ``feval(label, pred)`` gives the value of two NumPy arrays, and the metric is the mean; or a pair
        of what to add to the total and to the count.
    name : str, optional
        What `get` calls the value; the function's name, or ``custom(<lambda>)``, by default.
    allow_extra_outputs : bool, default False
        Whether there may be more predictions than labels, or fewer.
    output_names, label_names : list of str, optional
        Which entries `update_dict` takes.

    Raises
    ------
    TypeError
        If `feval` is not callable.

    Examples
    --------
    >>> from glueball import metric, nd
    >>> largest = metric.CustomMetric(lambda label, pred: abs(label - pred).max())
    >>> largest.update(nd.array([1, 2]), nd.array([1, 5]))
    >>> largest.get()
    ('custom(<lambda>)', 3.0)
    """

    _has_global_stats = True

    def __init__(
        self,
        feval: Callable[[Any, Any], Any],
        name: str | None = None,
        allow_extra_outputs: bool = False,
        output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
    ) -> None:
        if not callable(feval):
            message = (
                f"expected a function of label and pred as feval, found {type(feval).__name__}; pass "
                "one"
            )
            raise DtypeError(message)
        if name is None:
            name = getattr(feval, "__name__", type(feval).__name__)
            if "<" in name:
                name = f"custom({name})"
        super().__init__(name, output_names, label_names)
        self._feval = feval
        self._allow_extra_outputs = allow_extra_outputs

    def update(self, labels: Any, preds: Any) -> None:
        """Count a batch: call the function for each pair of arrays.

        Raises
        ------
        ValueError
            If there are more labels than predictions, or fewer, unless `allow_extra_outputs`.
        TypeError
            If they are not numbers.
        """
        if not self._allow_extra_outputs:
            labels, preds = check_label_shapes(labels, preds, wrap=True)
        labels = labels if isinstance(labels, list | tuple) else [labels]
        preds = preds if isinstance(preds, list | tuple) else [preds]
        total, count = 0.0, 0
        for label, pred in zip(labels, preds, strict=False):
            found = self._feval(
                numbers(label, f"labels of metric '{self.name}'"),
                numbers(pred, f"predictions of '{self.name}'"),
            )
            more, several = found if isinstance(found, tuple) else (found, 1)
            total += float(more)
            count += int(several)
        self._add(total, count)

    def get_config(self) -> dict[str, Any]:
        """Refuse: a function has no settings.

        Raises
        ------
        NotImplementedError
            Always.
        """
        message = "CustomMetric cannot be serialized"
        raise UnsupportedError(message)


@register
class Loss(EvalMetric):
    """The mean of all values of a loss; labels do not count.

    Parameters
    ----------
    name, output_names, label_names
        As for `EvalMetric`; called 'loss' by default.

    Examples
    --------
    >>> from glueball import metric, nd
    >>> loss = metric.Loss()
    >>> loss.update(None, nd.array([1, 2, 6]))
    >>> loss.get()
    ('loss', 3.0)
    """

    _has_global_stats = True

    def __init__(
        self,
        name: str = "loss",
        output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(name, output_names, label_names)

    def update(self, _: Any, preds: Any) -> None:
        """Count a batch of values of a loss.

        Raises
        ------
        TypeError
            If they are not numbers.
        """
        arrays = [
            numbers(each, f"values of metric '{self.name}'")
            for each in (preds if isinstance(preds, list | tuple) else [preds])
        ]
        total = float(sum(each.sum(dtype=float) for each in arrays))
        count = sum(each.size for each in arrays)
        self._add(total, count)


def np(
    numpy_feval: Callable[[Any, Any], Any],
    name: str | None = None,
    allow_extra_outputs: bool = False,
) -> CustomMetric:
    """Make a metric of a function of NumPy arrays; as `CustomMetric`.

    Raises
    ------
    TypeError
        If `numpy_feval` is not callable.

    Examples
    --------
    >>> from glueball import metric
    >>> def bias(label, pred):
    ...     return (pred - label).mean()
    >>> metric.np(bias).name
    'bias'
    """
    return CustomMetric(numpy_feval, name, allow_extra_outputs)


def create(metric: Any, *args: Any, **kwargs: Any) -> EvalMetric:
    """Return a metric by name, of a function, or of several of these.

    Parameters
    ----------
    metric : str, callable, list, dict or EvalMetric
        A registered name in any case; what `get_config` gives, or its JSON, or that of a list of name
        and settings; a function for `CustomMetric`; a list for `CompositeEvalMetric`; or a metric, which is returned.
    *args, **kwargs
        Settings of the metric.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> from glueball import metric
    >>> str(metric.create("acc"))
    "EvalMetric: {'accuracy': nan}"
    """
    if isinstance(metric, EvalMetric):
        return metric
    if isinstance(metric, list | tuple):
        composite = CompositeEvalMetric()
        for each in metric:
            composite.add(create(each, *args, **kwargs))
        return composite
    if isinstance(metric, str) and metric.startswith(("{", "[")):
        try:
            return create(_config_of(metric), *args, **kwargs)
        except RecursionError as error:
            message = (
                f"expected the JSON of a metric, found {metric[:1000]!r} ({error}); correct it"
            )
            raise ArgumentError(message) from None
    if isinstance(metric, dict):
        settings = {**metric, **kwargs}
        if "metric" not in settings:
            message = (
                "expected the name under 'metric' of a metric's config, found "
                f"{', '.join(map(repr, settings)) or 'nothing'}; pass what get_config() gives"
            )
            raise ArgumentError(message)
        return create(settings.pop("metric"), *args, **settings)
    if isinstance(metric, type) and issubclass(metric, EvalMetric):
        return metric(*args, **kwargs)
    if callable(metric):
        return CustomMetric(metric, *args, **kwargs)
    found = REGISTRY.get(str(metric).lower())
    if found is None:
        near = near_names(str(metric).lower(), REGISTRY) or sorted(REGISTRY)
        message = (
            f"Cannot find metric {metric}. Expected a registered name, a function or a list of these, "
            f"found {metric!r}; did you mean {' or '.join(map(repr, near))}?"
        )
        raise ArgumentError(message)
    return found(*args, **kwargs)


def _config_of(text: str) -> dict[str, Any]:
    """Return the config in a JSON text, as a dict where it is a list of name and settings."""
    try:
        config = parse_json(text)
        fault = "another list"
    except FileFormatError as error:
        config, fault = [], str(error)
    if isinstance(config, dict):
        return config
    if len(config) in (1, 2) and all(isinstance(each, dict) for each in config[1:]):
        return {"metric": config[0], **dict(*config[1:])}
    message = (
        f'expected JSON of a metric such as \'["topkaccuracy", {{"top_k": 2}}]\', found {text[:1000]!r} '
        f"({fault}); correct it, or write what get_config() gives"
    )
    raise ArgumentError(message)
