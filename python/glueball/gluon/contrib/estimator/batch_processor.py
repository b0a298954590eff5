"""What an Estimator does with one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueball import autograd
from glueball._scope import surface
from glueball.base import ArgumentError
from glueball.gluon.utils import split_and_load

if TYPE_CHECKING:
    from glueball.gluon.contrib.estimator.estimator import Estimator

__all__ = ["BatchProcessor"]


class BatchProcessor:
    """Runs the net on a batch of data and labels. A subclass can take other batches, or other steps.

    Both methods return lists with one entry, since Gluon has one for each device.
    """

    def _get_data_and_label(self, batch: Any, ctx: Any, batch_axis: int = 0) -> tuple[Any, Any]:
        """Return lists of data and of labels, with a part for each context; subclasses use it."""
        data, label = _parts(batch)
        return split_and_load(data, ctx, batch_axis), split_and_load(label, ctx, batch_axis)

    def fit_batch(self, estimator: Estimator, train_batch: Any, batch_axis: int = 0) -> Any:
        """Run forward and backward.

        Parameters
        ----------
        estimator : Estimator
            Whose net and loss.
        train_batch : sequence of NDArray
            Data and labels.
        batch_axis : int, default 0
            The axis that counts samples.

        Returns
        -------
        tuple of list of NDArray
            Data, labels, predictions and losses.

        Raises
        ------
        ValueError
            If the batch is something else.
        """
        del batch_axis
        data, label = _parts(train_batch)
        with autograd.record():
            pred = estimator.net(data)
            loss = estimator.loss(pred, label)
        loss.backward()
        return [data], [label], [pred], [loss]

    def evaluate_batch(self, estimator: Estimator, val_batch: Any, batch_axis: int = 0) -> Any:
        """Run forward, with the net and the loss for evaluation; all else is as for `fit_batch`."""
        del batch_axis
        data, label = _parts(val_batch)
        pred = estimator.val_net(data)
        return [data], [label], [pred], [estimator.val_loss(pred, label)]


def _parts(batch: Any) -> tuple[Any, Any]:
    if not isinstance(batch, list | tuple) or len(batch) != 2:
        count = f" of {len(batch)}" if isinstance(batch, list | tuple) else ""
        message = (
            f"expected batches of data and labels, found a {type(batch).__name__}{count}; use a DataLoader "
            "over ArrayDataset(data, labels), or a batch_processor of your own"
        )
        raise ArgumentError(message)
    return batch[0], batch[1]


__getattr__, __dir__ = surface(__name__)
