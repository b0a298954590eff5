"""Trainer: applies an optimizer to a net's parameters."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from glueball import _core
from glueball import optimizer as optimizers
from glueball._scope import later, surface
from glueball.base import ArgumentError, GlueballTypeError, StaleGradientError, ZeroBatchError
from glueball.gluon._places.attributes import refuse_setting
from glueball.gluon._trainer_states import check_states, save_states
from glueball.gluon.parameter import Parameter, ParameterDict

if TYPE_CHECKING:
    import os

    from glueball.optimizer import Optimizer

__all__ = ["Trainer"]

# One process has one array for each gradient, and nothing to sum: Gluon makes no store there either.
_LOCAL_STORES = (
    None,
    "device",
    "local",
    "local_allreduce_cpu",
    "local_allreduce_device",
    "local_update_cpu",
    "nccl",
)
_connect = later("kvstore._training:connect")


class Trainer:
    """Applies an optimizer to parameters.

    Any thread may call any of its methods at any time: steps, saving and loading of states, and copies
    of one Trainer come one after the other (``docs/threads.md``).

    Parameters
    ----------
    params : ParameterDict, dict or list of Parameter
        What to train: ``net.collect_params()``. A dict is taken in the order of its sorted names.
    optimizer : str or Optimizer
        Its name, or the object.
    optimizer_params : dict, optional
        The optimizer's settings, when it is given by name: ``{'learning_rate': 0.1}``.
    kvstore : str, KVStoreBase or None, default 'device'
        Where gradients are summed. ``'local'``, ``'device'`` and their kin: in one process there is nothing to
        sum. ``'dist_sync'`` or ``'horovod'``: over the ranks that ``mpiexec`` started; `batch_size` of `step` is
        then the samples on all ranks together (``docs/many-machines.md``). Or what `kvstore.create` returned.
    compression_params : dict, optional
        Has no meaning in one process, and is refused with a store of several.
    update_on_kvstore : bool, optional
        True makes `step` the only way to update a store of several ranks, as with MXNet's servers. In one
        process it changes nothing.

    Raises
    ------
    ValueError
        If `params` is something else or empty, or the optimizer or `kvstore` is unknown.
    RuntimeError
        If a parameter was never initialized. (One that waits for its shape is fine.)
    OutsideScopeError
        If `kvstore` is one that glueball leaves out, ``'dist_async'``; the message says what to use.
    RanksError
        If ranks have other parameters, other values of them or another optimizer than the rest, or one does
        not come in time.

    Examples
    --------
    >>> from glueball import autograd, gluon, nd
    >>> from glueball.gluon import nn
    >>> net = nn.Dense(1, in_units=2)
    >>> net.initialize()
    >>> trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    >>> with autograd.record():
    ...     loss = net(nd.ones((4, 2))) ** 2
    >>> loss.backward()
    >>> trainer.step(batch_size=4)
    """

    def __init__(
        self,
        params: Any,
        optimizer: str | Optimizer,
        optimizer_params: dict[str, Any] | None = None,
        kvstore: Any = "device",
        compression_params: Any = None,
        update_on_kvstore: bool | None = None,
    ) -> None:
        self._params = _parameter_list(params)
        for parameter in self._params:
            parameter.list_ctx()  # raises for one that was never initialized
        if isinstance(optimizer, optimizers.Optimizer) and optimizer_params:
            message = (
                "optimizer_params must be None if optimizer is an instance of Optimizer instead of "
                "str. Found both; give the settings to the optimizer"
            )
            raise ArgumentError(message)
        if not isinstance(optimizer_params, Mapping | None):
            message = (
                f"expected a dict of settings as optimizer_params, found {optimizer_params!r}; pass "
                "{'learning_rate': 0.1} or the like"
            )
            raise GlueballTypeError(message)
        if not isinstance(update_on_kvstore, bool | None):
            message = f"expected True, False or None as update_on_kvstore, found {update_on_kvstore!r}; leave it out"
            raise GlueballTypeError(message)
        self._optimizer = optimizers.create(optimizer, **(optimizer_params or {}))
        self._scale = self._optimizer.rescale_grad
        self._lock = threading.RLock()
        self._attach()
        self._kvstore_params = {
            "kvstore": kvstore,
            "update_on_kvstore": update_on_kvstore,
            "compression_params": compression_params,
        }
        self._init_kvstore()

    def _init_kvstore(self) -> None:
        """Decide here, and not in each step, whether there are gradients to sum."""
        self._kvstore: Any = None
        self._update_on_kvstore = False
        self._ranks: Any = None
        given = self._kvstore_params
        if not isinstance(given["kvstore"], str | None) or given["kvstore"] not in _LOCAL_STORES:
            optimizer = self._optimizer
            settings = f"{type(optimizer).__name__} of learning rate {optimizer.learning_rate}, wd {optimizer.wd}"
            self._kvstore, self._update_on_kvstore, self._ranks = _connect(
                given["kvstore"], given["update_on_kvstore"], given["compression_params"],
                self._params, settings,
            )  # fmt: skip

    def __setattr__(self, attribute: str, value: Any) -> None:
        """Set an attribute.

        Raises
        ------
        AttributeError
            If it is one that cannot be set, or nearly the name of one that is there, which would do nothing.
        """
        if attribute[:1] != "_" and attribute not in self.__dict__:
            cls = type(self)
            if isinstance(getattr(cls, attribute, None), property) or not hasattr(cls, attribute):
                refuse_setting(self, attribute)
        object.__setattr__(self, attribute, value)

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer."""
        return self._optimizer

    @property
    def learning_rate(self) -> float:
        """The learning rate now."""
        return self._optimizer.learning_rate

    def set_learning_rate(self, lr: float) -> None:
        """Change the learning rate, from the next step on."""
        self._optimizer.set_learning_rate(lr)

    def step(self, batch_size: float, ignore_stale_grad: bool = False) -> None:
        """Update every parameter once, by its gradient divided by `batch_size`.

        Parameters
        ----------
        batch_size : float
            Samples that the gradient is a sum over, or the sum of their weights.
        ignore_stale_grad : bool, default False
            Leave parameters alone whose gradient no backward has written since the last step.

        Raises
        ------
        UserWarning
            (As `StaleGradientError`) if there are such and they are not to be ignored; nothing is
            updated then.
        RuntimeError
            (As `DeferredInitializationError`) if a parameter waits for its shape: no forward used it.
        ZeroDivisionError
            If `batch_size` is 0.
        TypeError
            If `batch_size` is not a number.
        ValueError
            If `batch_size` is NaN.
        """
        self._allreduce_grads()
        self._update(batch_size, ignore_stale_grad)

    def allreduce_grads(self) -> None:
        """Sum gradients over ranks: nothing to do in one process. `update` then makes the step.

        Raises
        ------
        AssertionError
            If the Trainer was made with ``update_on_kvstore=True``, and there are ranks.
        RanksError
            If a rank's gradient is not finite, or a rank does not come in time, has ended or raised.
        """
        self._refuse_on_kvstore("allreduce_grads()")
        self._allreduce_grads()

    def _allreduce_grads(self) -> None:
        """Sum over ranks, where there are any. Subclasses with ways of their own, as Horovod's, override this."""
        if self._ranks is not None:
            self._ranks.sum()

    def hold_slice(self, place: int) -> None:
        """Keep the gradients of one slice of the batch; the next step sums all slices in a fixed order.

        For a kvstore made with ``reproducible=True``: where each slice's samples are the same, weights get the
        same bits on any number of ranks (``docs/many-machines.md``). Call it after the backward of each slice.

        Parameters
        ----------
        place : int
            Which slice of the whole batch, from 0, whatever the rank.

        Raises
        ------
        ValueError
            If the kvstore is another one, or the slice is held already.
        """
        if self._ranks is None or not hasattr(self._ranks, "hold"):
            message = (
                "expected a kvstore made with reproducible=True to hold slices, found "
                f"kvstore={self._kvstore_params['kvstore']!r}; use kvstore.create('dist_sync', "
                "reproducible=True), with one rank too"
            )
            raise ArgumentError(message)
        self._ranks.hold(place)

    def _refuse_on_kvstore(self, method: str) -> None:
        if self._update_on_kvstore:
            message = (
                f"{method} when parameters are updated on kvstore is not supported: expected step() only, "
                "found update_on_kvstore=True; set it to False when creating the trainer"
            )
            raise ArgumentError(message)

    def update(self, batch_size: float, ignore_stale_grad: bool = False) -> None:
        """As `step`, without `allreduce_grads`."""
        self._refuse_on_kvstore("update()")
        self._update(batch_size, ignore_stale_grad)

    def _update(self, batch_size: float, ignore_stale_grad: bool) -> None:
        # A private function: calls of public ones with wrong arguments are explained (`_calls`), and
        # Python 3.11 does not inline the calls of a function that somebody watches: 50 to 80 ns each.
        try:
            scale = self._scale / batch_size
        except ZeroDivisionError:
            message = "expected 1 sample or more as batch_size, found 0; pass the batch's length"
            raise ZeroBatchError(message) from None
        except TypeError:
            message = (
                f"expected a number as batch_size, found {batch_size!r} of type "
                f"{type(batch_size).__name__}; pass the batch's length"
            )
            raise GlueballTypeError(message) from None
        if scale != scale:  # noqa: PLR0124 - NaN, which would reach every weight
            message = (
                f"expected a number as batch_size, found {batch_size}; pass the batch's length"
            )
            raise ArgumentError(message)
        lock = self._lock
        lock.acquire()  # `with` takes 80 ns more, which is a hundredth of a small net's step
        try:
            self._optimizer.rescale_grad = scale
            stale = self._optimizer._update_parameters(
                self._params, self._native, ignore_stale_grad
            )
        finally:
            lock.release()
        if stale is not None:
            self._refuse_deferred()
            raise StaleGradientError(_stale_message(self._params[stale]))

    def save_states(self, fname: str | os.PathLike[str]) -> None:
        """Write what the optimizer keeps for the parameters, such as momentum, and counts of updates.

        The parameters themselves are not written: `Block.save_parameters` does that.

        Parameters
        ----------
        fname : str or path
            The file, in NumPy's ``.npz`` format, without pickled objects. Written at once or not at all.

        Raises
        ------
        TypeError
            If an optimizer of your own keeps something else than arrays, numbers, None, and lists, tuples
            and dicts of them.
        """
        with self._lock:
            save_states(fname, self._optimizer, self._params)

    def load_states(self, fname: str | os.PathLike[str]) -> None:
        """Go on from what `save_states` wrote: steps are then, bit by bit, as if nothing had happened.

        States follow the order of the parameters. Settings of this Trainer's optimizer stay as they are; only
        a learning rate that was never given comes from the file.

        Parameters
        ----------
        fname : str or path
            A file of `save_states`.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is not such a file, is another optimizer's, or of other parameters; nothing changes then.
        """
        with self._lock:
            check_states(fname, self._optimizer, self._params)()

    def __getstate__(self) -> dict[str, Any]:
        optimizer = self._optimizer
        kept = {
            name: value
            for name, value in self.__dict__.items()
            if name not in {"_native", "_lock", "_kvstore", "_ranks"}
        }
        with self._lock:
            kept["_saved"] = [optimizer.get_state(i, each) for i, each in enumerate(self._params)]
        return kept

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()
        self._attach()
        for index, saved in enumerate(self.__dict__.pop("_saved")):
            self._optimizer.set_state(index, self._params[index], saved)
        self._init_kvstore()

    def _attach(self) -> None:
        """Make the parameters known to the optimizer and to the core."""
        self._optimizer.param_dict = dict(enumerate(self._params))
        self._native = _core.ParameterList(self._params)

    def _refuse_deferred(self) -> None:
        """Say of a net that has not run at all what it waits for, not that its gradients are old."""
        for parameter in self._params:
            if parameter._state == "deferred":
                parameter.data()  # raises


def _stale_message(parameter: Parameter) -> str:
    return (
        f"Gradient of Parameter `{parameter.name}` on context {parameter.list_ctx()[0]} has not been "
        "updated by backward since last `step`. This could mean a bug in your model that made it only "
        "use a subset of the Parameters (Blocks) for this iteration. If you are intentionally only "
        "using a subset, call step with ignore_stale_grad=True to suppress this warning and skip "
        "updating of Parameters with stale gradient"
    )


def _parameter_list(params: Any) -> list[Parameter]:
    if isinstance(params, ParameterDict | dict):
        found = [params[name] for name in sorted(params)]
    elif isinstance(params, list | tuple | Iterator):  # net.parameters() is one
        found = list(params)
    else:
        message = (
            "First argument must be a list or dict of Parameters, got "
            f"{type(params)}. Pass net.collect_params()."
        )
        raise ArgumentError(message)
    for each in found:
        if not isinstance(each, Parameter):
            message = (
                f"First argument must be a list or dict of Parameters, got list of {type(each)}. "
                "Pass net.collect_params()."
            )
            raise ArgumentError(message)
    if not found:
        message = (
            "expected at least one Parameter to train, found none; did you mean "
            "net.collect_params()? (net.params holds the block's own parameters only.)"
        )
        raise ArgumentError(message)
    return found


__getattr__, __dir__ = surface(__name__)
