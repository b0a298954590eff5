"""Batches, made here, in threads and in processes."""

from __future__ import annotations

import math
import multiprocessing
import operator
import os
import pickle
import subprocess
import sys
import time

import numpy as onp
import pytest

from glueball import nd, npx, random
from glueball import np as gnp
from glueball.gluon.data import ArrayDataset, DataLoader, SequentialSampler, SimpleDataset
from glueball.gluon.data._workers import WorkerError
from glueball.gluon.data.batchify import AsList

# From Python 3.12 on, forking a process that has OpenMP's threads warns.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture(params=["fork", "spawn"])
def start_method(request):
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(request.param, force=True)
    yield request.param
    multiprocessing.set_start_method(before, force=True)


@pytest.fixture
def fork():
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("fork", force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


def values(loader):
    return [batch.asnumpy().tolist() for batch in loader]


def draw(sample):
    """Transform a sample at random in three ways."""
    import random as python_random

    legacy = onp.random.rand()  # noqa: NPY002 - where transforms written for Gluon draw from
    return onp.array([nd.random.uniform().asscalar(), legacy, python_random.random()])


def multiply_large(sample):
    return nd.dot(nd.ones((300, 300)), nd.ones((300, 300)))[0, 0]


def test_batches_are_lists_of_arrays_and_can_be_had_again():
    x, y = nd.arange(10).reshape((5, 2)), nd.array([0, 1, 2, 3, 4], dtype="int32")
    loader = DataLoader(ArrayDataset(x, y), batch_size=2)

    for _ in range(2):
        batches = list(loader)
        assert len(batches) == len(loader) == 3
        assert all(type(batch) is list for batch in batches)
        assert [a.shape for a, _ in batches] == [(2, 2), (2, 2), (1, 2)]
        onp.testing.assert_array_equal(onp.concatenate([a for a, _ in batches]), x)
        assert [b.dtype for _, b in batches] == ["int32"] * 3


def test_one_array_gives_arrays():
    assert values(DataLoader(ArrayDataset([1, 2, 3]), 2)) == [[1, 2], [3]]
    assert values(DataLoader([1, 2, 3], 2)) == [[1, 2], [3]]


@pytest.mark.parametrize(
    ("last", "sizes"), [("keep", [3, 2]), ("discard", [3]), ("rollover", [3]), (None, [3, 2])]
)
def test_last_batch(last, sizes):
    loader = DataLoader(nd.ones((5, 1)), 3, last_batch=last)

    assert [len(batch) for batch in loader] == sizes


def test_batches_do_not_share_memory_with_the_set():
    x = nd.zeros((4, 2))
    for batch in DataLoader(ArrayDataset(x), 2):
        batch[:] = 1

    assert float(x.sum().asscalar()) == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data,
        lambda data: data.take(40),
        lambda data: data.filter(lambda sample: sample[1] % 3 == 0),
        lambda data: data.shard(3, 1).take(7),
    ],
    ids=["whole", "take", "filter", "shard"],
)
def test_rows_taken_at_once_are_those_taken_one_by_one(change):
    x = onp.random.default_rng(0).random((50, 3))
    data = change(ArrayDataset(nd.array(x), onp.arange(50)))
    one_by_one = data.transform(lambda *sample: sample)

    fast, slow = list(DataLoader(data, 8)), list(DataLoader(one_by_one, 8))

    assert len(fast) == len(slow) == -(-len(data) // 8)
    for a, b in zip(fast, slow, strict=True):
        assert type(a) is type(b) is list
        for ours, theirs in zip(a, b, strict=True):
            assert ours.dtype == theirs.dtype
            onp.testing.assert_array_equal(ours, theirs)


def test_a_set_without_a_length_needs_a_sampler():
    class Endless:
        def __getitem__(self, idx):
            return idx

    assert values(DataLoader(Endless(), 2, sampler=SequentialSampler(3))) == [[0, 1], [2]]
    with pytest.raises(TypeError, match="as dataset, found Endless"):
        DataLoader(Endless(), 2)


def test_an_array_is_a_set_of_its_rows():
    x = onp.arange(6, dtype="int32").reshape(3, 2)

    assert [batch.dtype for batch in DataLoader(x, 2)] == ["int32"] * 2
    assert (
        values(DataLoader(x, 2))
        == values(DataLoader(nd.array(x), 2))
        == [x[:2].tolist(), x[2:].tolist()]
    )
    assert values(DataLoader(nd.array([1, 2]), 2)) == [[[1], [2]]]  # as stacking its elements


def test_a_subclass_that_changes_samples_is_read_one_by_one():
    class Negative(ArrayDataset):
        def __getitem__(self, idx):
            return -super().__getitem__(idx)

    assert values(DataLoader(Negative(nd.array([1, 2])), 2)) == [[-1, -2]]


def test_shuffling_obeys_the_seed_and_keeps_samples_together():
    x = nd.arange(30)
    loader = DataLoader(ArrayDataset(x, 10 * x), 7, shuffle=True)

    def one_pass():
        batches = list(loader)
        for a, b in batches:
            onp.testing.assert_array_equal(10 * a.asnumpy(), b.asnumpy())
        return onp.concatenate([a.asnumpy() for a, _ in batches]).tolist()

    random.seed(3)
    first, second = one_pass(), one_pass()
    random.seed(3)

    assert one_pass() == first
    assert first != second
    assert sorted(first) == list(range(30))


def test_float64_stays_unless_float32_is_asked_for():
    data = ArrayDataset(onp.ones((2, 2)), onp.arange(2))

    x, y = next(iter(DataLoader(data, 2)))
    assert (x.dtype, y.dtype) == ("float64", "int64")
    x, y = next(iter(DataLoader(data, 2, float_dtype="float32")))
    assert (x.dtype, y.dtype) == ("float32", "int64")
    with pytest.raises(TypeError, match="expected a floating-point float_dtype, found int32"):
        DataLoader(data, 2, float_dtype="int32")


def test_numpy_mode_gives_its_own_arrays(fork):
    npx.set_np()
    try:
        kinds = {
            type(next(iter(DataLoader(ArrayDataset([1, 2]), 2, num_workers=n)))) for n in (0, 1)
        }
    finally:
        npx.reset_np()

    assert kinds == {gnp.ndarray}


def test_batch_sampler_and_sampler_give_the_indices():
    assert values(DataLoader([0, 10, 20], batch_sampler=[[2, 0], [1]])) == [[20, 0], [10]]
    assert values(DataLoader([0, 10, 20], 2, sampler=SequentialSampler(2, 1))) == [[10, 20]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "^batch_size must be specified unless batch_sampler is specified"),
        (
            {"batch_size": 1, "shuffle": True, "sampler": [0]},
            "^shuffle must not be specified if sampler is specified",
        ),
        (
            {"batch_size": 1, "batch_sampler": [[0]]},
            "^batch_size, shuffle, sampler and last_batch must not be specified if batch_sampler",
        ),
        ({"batch_size": 1, "last_batch": "foo"}, "^last_batch must be one of .* but got foo"),
        ({"batch_size": 0}, "found 0"),
        ({"batch_size": 1, "timeout": 0}, "expected a timeout above 0 s, found 0"),
        ({"batch_size": 1, "prefetch": -1}, "0 or more as prefetch, found -1"),
        ({"batch_size": 1, "num_workers": "2"}, "0 or more as num_workers, found '2'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DataLoader(**{"dataset": [1, 2], **settings})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batchify_fn": 3}, "as batchify_fn, found 3"),
        ({"dataset": 3}, "as dataset, found int; wrap arrays"),
        ({"dataset": iter([1])}, "as dataset, found list_iterator; wrap arrays"),
        ({"batch_size": 2.0}, "1 or more as batch_size, found 2.0"),
    ],
)
def test_settings_of_another_type_are_refused(settings, message):
    with pytest.raises(TypeError, match=message):
        DataLoader(**{"dataset": [1, 2], "batch_size": 1, **settings})


def test_index_beyond_the_set_is_an_index_error():
    with pytest.raises(IndexError):
        list(DataLoader(ArrayDataset(nd.ones((2, 2))), batch_sampler=[[0, 2]]))


def test_processes_give_the_same_batches_in_order(start_method):
    x = onp.arange(60.0).reshape(20, 3)
    data = ArrayDataset(x, onp.arange(20))
    loader = DataLoader(data, 3, num_workers=2)

    for _ in range(2):
        found = list(loader)
        assert len(found) == 7
        for (a, b), (c, d) in zip(found, DataLoader(data, 3), strict=True):
            assert isinstance(a, nd.NDArray)
            onp.testing.assert_array_equal(a, c)
            onp.testing.assert_array_equal(b, d)
            a[:] = 0  # a batch belongs to the program


def test_large_batches_and_many_of_them_do_not_block(fork):
    x = onp.zeros((64, 100_000), onp.float32)
    loader = DataLoader(ArrayDataset(x), 4, num_workers=2, prefetch=16)

    assert sum(len(batch) for batch in loader) == 64


def test_what_a_sample_raises_arrives_with_its_class_and_its_place(start_method):
    loader = DataLoader(SimpleDataset([4, 9, -1]).transform(math.sqrt), 1, num_workers=2)
    batches = iter(loader)
    assert next(batches).asnumpy().tolist() == [2]
    assert next(batches).asnumpy().tolist() == [3]

    with pytest.raises(ValueError, match=r"^(math domain error|expected a nonnegative input)") as e:
        next(batches)

    assert isinstance(e.value.__cause__, WorkerError)
    text = str(e.value.__cause__)
    assert text.startswith("in worker glueball-data-")
    assert "for the samples [2]" in text
    assert "Traceback" in text
    assert next(iter(loader)).asnumpy().tolist() == [2]  # the workers go on


def test_an_exception_that_cannot_travel_arrives_as_text(fork):
    class Strange(Exception):
        def __init__(self, a, b):
            super().__init__(f"{a} and {b}")

    def fail(sample):
        raise Strange(1, 2)

    with pytest.raises(WorkerError, match="(?s)in worker .*Strange: 1 and 2"):
        list(DataLoader(SimpleDataset([1]).transform(fail), 1, num_workers=1))


def test_a_worker_that_dies_is_named_with_its_status_and_replaced_in_the_next_pass(start_method):
    loader = DataLoader(SimpleDataset([3, 3]).transform(os._exit), 1, num_workers=1)

    for _ in range(2):
        with pytest.raises(
            RuntimeError, match=r"worker glueball-data-0 .* found that it died \(exit code 3\)"
        ):
            next(iter(loader))


def test_batches_before_the_one_that_killed_its_worker_still_come(fork):
    def kill(sample):
        if sample == 1:
            time.sleep(0.2)  # so that what was made before has been sent
            os.kill(os.getpid(), 9)
        return sample

    batches = iter(DataLoader(SimpleDataset([0, 1, 2]).transform(kill), 1, num_workers=2))

    assert next(batches).asnumpy().tolist() == [0]
    with pytest.raises(WorkerError, match="signal SIGKILL"):
        next(batches)


@pytest.mark.parametrize("threads", [False, True])
def test_a_batch_that_takes_too_long_is_given_up(fork, threads):
    loader = DataLoader(
        SimpleDataset([1.5]).transform(time.sleep),
        1,
        num_workers=1,
        timeout=0.1,
        thread_pool=threads,
    )

    with pytest.raises(TimeoutError, match=r"expected a batch within 0.1 s"):
        next(iter(loader))


def test_a_set_that_cannot_be_pickled_is_refused_where_that_is_needed():
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("spawn", force=True)
    loader = DataLoader(SimpleDataset([1]).transform(lambda x: x), 1, num_workers=1)
    try:
        with pytest.raises(WorkerError, match=r"can be pickled.*'spawn'.*thread_pool=True"):
            next(iter(loader))
    finally:
        multiprocessing.set_start_method(before, force=True)


def test_a_batch_that_cannot_be_pickled_is_said_to_be(fork):
    data = SimpleDataset([1]).transform(lambda x: lambda: x)

    with pytest.raises(WorkerError, match="expected a batch that can be pickled"):
        next(iter(DataLoader(data, 1, num_workers=1, batchify_fn=AsList())))


def test_random_transforms_follow_the_seed_and_not_the_worker(fork):
    data = SimpleDataset(list(range(6))).transform(draw)

    def passes(workers):
        random.seed(5)
        loader = DataLoader(data, 1, num_workers=workers)
        return [onp.concatenate([b.asnumpy() for b in loader]) for _ in range(2)]

    (first, second), (again, _) = passes(1), passes(2)

    onp.testing.assert_array_equal(first, again)
    assert len(onp.unique(first)) == 18  # no two batches, nor sources, draw alike
    assert not onp.isin(first, second).any()


def test_workers_compute_after_the_parent_has_used_its_threads(fork):
    multiply_large(None)
    loader = DataLoader(
        SimpleDataset([0, 1]).transform(multiply_large), 1, num_workers=2, timeout=60
    )

    assert values(loader) == [[[300]], [[300]]]


def test_fewer_than_no_workers_are_none():
    loader = DataLoader([1, 2], 2, num_workers=-1)

    assert values(loader) == [[1, 2]]
    assert loader._pool is None


def test_threads_give_the_same_batches():
    data = SimpleDataset([1, 2, 3]).transform(operator.neg)
    loader = DataLoader(data, 2, num_workers=2, thread_pool=True)

    assert values(loader) == values(loader) == [[-1, -2], [-3]]


def test_threads_raise_what_a_sample_raises():
    loader = DataLoader(
        SimpleDataset([1, 0]).transform(lambda x: 1 / x), 1, num_workers=1, thread_pool=True
    )

    with pytest.raises(ZeroDivisionError):
        list(loader)


def test_two_loops_over_one_loader_do_not_mix(fork):
    loader = DataLoader([1, 2, 3, 4], 1, num_workers=2)

    pairs = [(int(a.asscalar()), int(b.asscalar())) for a, b in zip(loader, loader, strict=True)]

    assert pairs == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_a_loop_that_stops_early_leaves_the_loader_usable(fork):
    loader = DataLoader([1, 2, 3, 4], 1, num_workers=2)
    for _ in loader:
        break

    assert values(loader) == [[1], [2], [3], [4]]


def test_workers_end_with_their_loader(fork):
    loader = DataLoader([1, 2], 1, num_workers=2)
    list(loader)
    processes = [worker.process for worker in loader._pool._workers]
    assert all(process.is_alive() for process in processes)

    del loader

    assert not any(process.is_alive() for process in processes)


def test_a_loader_can_be_pickled_while_it_has_workers(fork):
    loader = DataLoader(ArrayDataset([1, 2]), 1, num_workers=1)
    list(loader)

    assert values(pickle.loads(pickle.dumps(loader))) == [[1], [2]]


PROGRAM = """
import multiprocessing
import sys

import glueball

glueball.install_as_mxnet()

from mxnet import nd
from mxnet.gluon.data import ArrayDataset, DataLoader, Dataset


class Squares(Dataset):
    def __len__(self):
        return 5

    def __getitem__(self, idx):
        return nd.array([idx]) ** 2, idx


def main():
    multiprocessing.set_start_method(sys.argv[1])
    for data in (Squares(), ArrayDataset([0, 1, 4, 9, 16], range(5))):
        for x, y in DataLoader(data, 2, num_workers=2):
            print(x.asnumpy().ravel().tolist(), y.asnumpy().tolist())


if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_program_written_for_mxnet_uses_workers_however_they_start(tmp_path, method):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)

    run = subprocess.run(
        [sys.executable, program, method], capture_output=True, text=True, timeout=120, check=False
    )

    assert run.returncode == 0, run.stderr
    assert run.stdout.split("\n")[:3] == ["[0.0, 1.0] [0, 1]", "[4.0, 9.0] [2, 3]", "[16.0] [4]"]
    assert run.stdout.split("\n")[3:6] == ["[0, 1] [0, 1]", "[4, 9] [2, 3]", "[16] [4]"]


ORPHANS = """
import multiprocessing
import sys
import time

from glueball.gluon.data import DataLoader

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    loader = DataLoader([1, 2, 3], 1, num_workers=2)
    next(iter(loader))
    print(*[worker.process.pid for worker in loader._pool._workers], flush=True)
    time.sleep(60)
"""


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="asks Linux which processes there are")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_do_not_outlive_a_program_that_is_killed(tmp_path, method):
    program = tmp_path / "program.py"
    program.write_text(ORPHANS)
    with subprocess.Popen(
        [sys.executable, program, method], stdout=subprocess.PIPE, text=True
    ) as parent:
        workers = parent.stdout.readline().split()
        assert len(workers) == 2
        assert all(is_running(pid) for pid in workers)

        parent.kill()

    deadline = time.monotonic() + 20
    while any(is_running(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_running(pid) for pid in workers)
