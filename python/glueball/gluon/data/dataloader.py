"""DataLoader: batches of a data set, made here or ahead of time by workers."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from glueball import _core
from glueball._scope import surface
from glueball.base import ArgumentError, DtypeError, GlueballTypeError
from glueball.gluon.data._workers import ProcessPool, ThreadPool
from glueball.gluon.data.batchify import cast_floats, default_batchify_fn, in_mode, wrap_rows
from glueball.gluon.data.dataset import rows_of
from glueball.gluon.data.sampler import BatchSampler, RandomSampler, SequentialSampler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


__all__ = ["DataLoader", "default_batchify_fn", "default_mp_batchify_fn"]

_counting = threading.Lock()

default_mp_batchify_fn = default_batchify_fn  # how batches travel is the loader's business


class _Maker:
    """Makes a batch of samples' indices; a class, so that it can be sent to worker processes."""

    def __init__(self, dataset: Any, batchify: Callable[[list[Any]], Any] | None, dtype: Any):
        self._dataset = dataset
        self._batchify = batchify
        self._dtype = dtype

    def __call__(self, indices: Any) -> Any:
        if self._batchify is None:
            rows = rows_of(self._dataset, indices)
            if rows is not None:
                batch = wrap_rows(rows)
            else:
                batch = default_batchify_fn([self._dataset[i] for i in indices])
        else:
            batch = self._batchify([self._dataset[i] for i in indices])
        return batch if self._dtype is None else cast_floats(batch, self._dtype)


def _whole(batch_size: Any) -> Any:
    """Return a batch size; an error if it is an array, as in ``DataLoader(x, y)``."""
    if hasattr(batch_size, "__len__") and not isinstance(batch_size, str):
        message = (
            f"expected an integer as batch_size, found {type(batch_size).__name__} of {len(batch_size)}; put data "
            "and labels into one set: DataLoader(ArrayDataset(x, y), batch_size=...)"
        )
        raise GlueballTypeError(message)
    return batch_size


class DataLoader:
    """Gives the samples of a data set in batches, again each time it is iterated.

    A set of plain arrays is cut into batches at once, by index; other sets are read sample by sample.
    Shuffling follows `random.seed`. With `num_workers`, batches are made ahead of time by processes,
    which keep running from one pass to the next; each batch then has random numbers of its own, which follow
    `random.seed` too, and not which worker made it.

    Parameters
    ----------
    dataset : Dataset or sequence
        The samples.
    batch_size : int, optional
        Samples in a batch; needed unless `batch_sampler` is given.
    shuffle : bool, default False
        Whether the order is drawn again for each pass.
    sampler : Sampler, optional
        What gives the order instead.
    last_batch : {'keep', 'discard', 'rollover'}, default 'keep'
        What becomes of a last batch that is not full: see `BatchSampler`.
    batch_sampler : iterable of lists of int, optional
        What gives the indices of each batch, instead of all four above.
    batchify_fn : callable, optional
        Makes a batch of a list of samples; by default `default_batchify_fn`.
    num_workers : int, default 0
        Processes, or threads, that make batches; 0 makes each when it is asked for.
    pin_memory, pin_device_id
        For Gluon's scripts: there is no other device.
    prefetch : int, optional
        Batches made ahead of time, with workers: by default two for each.
    thread_pool : bool, default False
        Whether workers are threads: for sets that cannot be pickled, or that wait for files.
    timeout : float, default 120
        Seconds that a worker may take for a batch.
    auto_reload : bool, default False
        For Gluon's scripts.
    float_dtype : dtype, optional
        What floating-point arrays are converted to: ``'float32'`` lets float32 nets take sets made of
        NumPy's float64. By default dtypes stay. (Not in Gluon.)

    Raises
    ------
    ValueError
        If settings contradict each other, or one is none.
    TypeError
        If the samples cannot be reached by index, or a setting is of another type.

    Examples
    --------
    >>> from glueball import nd
    >>> from glueball.gluon.data import ArrayDataset
    >>> loader = DataLoader(ArrayDataset(nd.ones((5, 2)), nd.arange(5)), batch_size=2)
    >>> [(x.shape, y.asnumpy().tolist()) for x, y in loader]
    [((2, 2), [0.0, 1.0]), ((2, 2), [2.0, 3.0]), ((1, 2), [4.0])]
    """

    _pool: ProcessPool | ThreadPool | None = None

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = None,
        shuffle: bool = False,
        sampler: Any = None,
        last_batch: str | None = None,
        batch_sampler: Any = None,
        batchify_fn: Callable[[list[Any]], Any] | None = None,
        num_workers: int = 0,
        pin_memory: bool = False,
        pin_device_id: int = 0,
        prefetch: int | None = None,
        thread_pool: bool = False,
        timeout: float = 120,
        auto_reload: bool = False,
        *,
        float_dtype: Any = None,
    ) -> None:
        del pin_memory, pin_device_id, auto_reload
        ordered = sampler is not None or batch_sampler is not None
        if not hasattr(dataset, "__getitem__") or not (ordered or hasattr(dataset, "__len__")):
            message = (
                f"expected a Dataset, an array or a list as dataset, found {type(dataset).__name__}; wrap "
                "arrays: ArrayDataset(data, labels)"
            )
            raise GlueballTypeError(message)
        if batchify_fn is not None and not callable(batchify_fn):
            message = (
                f"expected a function of a list of samples as batchify_fn, found {batchify_fn!r}; pass "
                "batchify.Stack(), batchify.Pad()"
            )
            raise GlueballTypeError(message)
        _check_count("num_workers", num_workers)
        _check_count("prefetch", prefetch or 0, least=0)
        self._batches = _batch_sampler(
            dataset, _whole(batch_size), shuffle, sampler, last_batch, batch_sampler
        )
        self._dataset = dataset
        own = None if batchify_fn is default_batchify_fn else batchify_fn
        self._make = _Maker(dataset, own, _float_dtype(float_dtype))
        self._num_workers = max(0, num_workers)  # below 0 is 0, as in Gluon
        self._prefetch = 2 * self._num_workers if prefetch is None else prefetch
        self._threads = thread_pool
        self._timeout = timeout
        self._passes = 0
        if not timeout > 0:
            message = f"expected a timeout above 0 s, found {timeout}; the default is 120"
            raise ArgumentError(message)

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Any]:
        if self._num_workers:
            return self._from_workers()
        return map(self._make, self._batches)

    def _from_workers(self) -> Iterator[Any]:
        """Keep workers busy with the batches to come, and give out those that are ready, in order."""
        pool = self._workers()
        with _counting:
            key = (_core.default_generator().seed, self._passes)
            self._passes += 1
        waiting: deque[Any] = deque()
        number = 0
        try:
            for indices in self._batches:
                seed = np.random.SeedSequence([*key, number]).generate_state(1, np.uint64)
                waiting.append(pool.submit(indices, int(seed[0])))
                number += 1
                if len(waiting) > self._prefetch:
                    yield in_mode(pool.result(waiting.popleft(), self._timeout))
            while waiting:
                yield in_mode(pool.result(waiting.popleft(), self._timeout))
        finally:
            pool.forget(list(waiting))

    def _workers(self) -> ProcessPool | ThreadPool:
        if self._pool is None or not self._pool.usable():
            kind = ThreadPool if self._threads else ProcessPool
            self._pool = kind(self._make, self._num_workers)
        return self._pool

    def __getstate__(self) -> dict[str, Any]:
        # Workers belong to the process that started them.
        return {name: value for name, value in self.__dict__.items() if name != "_pool"}


def _batch_sampler(
    dataset: Any,
    batch_size: int | None,
    shuffle: bool,
    sampler: Any,
    last_batch: str | None,
    batch_sampler: Any,
) -> Any:
    if batch_sampler is not None:
        if batch_size is not None or shuffle or sampler is not None or last_batch is not None:
            message = (
                "batch_size, shuffle, sampler and last_batch must not be specified if batch_sampler is "
                "specified. Leave them out"
            )
            raise ArgumentError(message)
        return batch_sampler
    if batch_size is None:
        message = (
            "batch_size must be specified unless batch_sampler is specified. Pass the number of samples "
            "in a batch"
        )
        raise ArgumentError(message)
    if sampler is None:
        sampler = RandomSampler(len(dataset)) if shuffle else SequentialSampler(len(dataset))
    elif shuffle:
        message = "shuffle must not be specified if sampler is specified. Leave one of them out"
        raise ArgumentError(message)
    if not hasattr(sampler, "__iter__"):
        message = (
            f"expected a sampler that gives indices, found {sampler!r}; pass a gluon.data.Sampler"
        )
        raise GlueballTypeError(message)
    return BatchSampler(sampler, batch_size, last_batch or "keep")


def _check_count(name: str, value: Any, least: int | None = None) -> None:
    if not isinstance(value, int | np.integer) or (least is not None and value < least):
        message = f"expected an integer of 0 or more as {name}, found {value!r}; correct it"
        raise ArgumentError(message)


def _float_dtype(dtype: Any) -> np.dtype[Any] | None:
    if dtype is None:
        return None
    kind: np.dtype[Any] = np.dtype(dtype)
    if kind.kind != "f":
        message = (
            f"expected a floating-point float_dtype, found {dtype}; integer arrays stay as they are"
        )
        raise DtypeError(message)
    return kind


__getattr__, __dir__ = surface(__name__)
