"""Key-value stores by MXNet 1.9.1's rules: expected values are sums done by hand."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

import glueball as mx
from glueball import _core, kvstore, nd
from glueball.base import GlueballTypeError, OutsideScopeError, PackageError, UnsupportedError
from glueball.gluon import Trainer, nn
from mpi_ranks import needs_mpi, run


def test_kv_is_kvstore():
    assert mx.kv is kvstore


@pytest.mark.parametrize("name", ["local", "device", "LOCAL", "local_allreduce_cpu"])
def test_one_process_is_rank_0_of_1(name):
    store = kvstore.create(name)

    assert (store.rank, store.num_workers, store.type) == (0, 1, name.lower())
    assert isinstance(store, kvstore.KVStore)
    assert store.is_capable("optimizer")
    store.barrier()


def test_a_push_takes_the_place_of_what_was_there_and_lists_are_summed():
    store = kvstore.create()
    store.init([3, "w"], [nd.ones((2, 2)), nd.zeros(3)])

    store.push(3, [nd.ones((2, 2)) * 2, nd.ones((2, 2)) * 5])
    outs = [nd.zeros((2, 2)), nd.zeros((2, 2))]
    store.pull([3, "w"], out=[outs, nd.zeros(3)])

    assert [each.asnumpy().tolist() for each in outs] == [[[7, 7], [7, 7]]] * 2


def test_what_is_pulled_or_inited_is_a_copy():
    store, first, out = kvstore.create(), nd.ones(2), nd.zeros(2)
    store.init(0, first)
    first[:] = 9
    store.pull(0, out=out)
    out[:] = 8
    store.pull(0, out=first)

    assert first.asnumpy().tolist() == [1, 1]


def test_pushpull_writes_into_the_value_where_no_out_is_given():
    store, value = kvstore.create(), nd.array([1, 2])
    store.broadcast("a", value, out=nd.zeros(2))

    store.pushpull("a", [value, value])

    assert value.asnumpy().tolist() == [2, 4]


def test_an_optimizer_takes_pushes_as_gradients():
    store, out = kvstore.create(), nd.zeros(2)
    store.init(0, nd.array([1, 2]))
    store.set_optimizer(mx.optimizer.SGD(learning_rate=0.5, rescale_grad=0.5))

    store.push(0, [nd.ones(2), nd.ones(2) * 3])
    store.pull(0, out=out)

    assert out.asnumpy().tolist() == [0, 1]  # 1 - 0.5 * 0.5 * (1 + 3)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda s: s.init(0, nd.ones(2)), ValueError, "found 0, which has one .duplicate init"),
        (lambda s: s.push(1, nd.ones(2)), ValueError, "that init gave a value, found 1; call init"),
        (lambda s: s.pull(0), ValueError, "expected an NDArray, or a list of NDArrays, found None"),
        (lambda s: s.push(0, nd.ones(3)), ValueError, r"shape \(2,\) for key 0, found \(3,\)"),
        (lambda s: s.pull(0, out=nd.ones(3)), ValueError, r"shape \(2,\) for key 0, found \(3,\)"),
        (lambda s: s.push([0, 1], [nd.ones(2)]), ValueError, "for each of 2 keys, found 1"),
        (lambda s: s.is_capable("speed"), ValueError, "'optimizer', found 'speed'"),
        (lambda s: s.set_optimizer("sgd"), ValueError, "expected an Optimizer"),
    ],
)
def test_wrong_calls_say_what_was_expected_and_change_nothing(wrong, error, message):
    store, out = kvstore.create(), nd.zeros(2)
    store.init(0, nd.ones(2))

    with pytest.raises(error, match=message):
        wrong(store)

    store.pull(0, out=out)
    assert out.asnumpy().tolist() == [1, 1]


@pytest.mark.parametrize("name", ["dist_async", "nccl", "byteps", "p3"])
def test_stores_that_are_left_out_say_what_to_use(name):
    with pytest.raises(OutsideScopeError, match=f"found '{name}'; use .*'dist_sync'"):
        kvstore.create(name)


def test_other_names_and_settings_are_refused():
    with pytest.raises(ValueError, match="'dist_sync'.*found 'remote'; choose one"):
        kvstore.create("remote")
    with pytest.raises(ValueError, match="with a store of several ranks, found 'local'"):
        kvstore.create("local", reproducible=True)


class Doubling(kvstore.KVStoreBase):
    """As if two ranks had the same gradient."""

    type = "doubling"
    rank, num_workers = 0, 2

    def broadcast(self, key, value, out, priority=0):
        for each in out:
            each[:] = value

    def pushpull(self, key, value, out=None, priority=0):
        for each in out:
            each *= 2


def test_a_trainer_sums_through_a_store_of_the_users_own(monkeypatch):
    monkeypatch.setattr(kvstore.KVStoreBase, "kv_registry", {})
    kvstore.KVStoreBase.register(Doubling)
    net = nn.Dense(1, in_units=2, use_bias=False)
    net.initialize("ones")
    trainer = Trainer(net.collect_params(), "sgd", {"learning_rate": 1}, kvstore="doubling")
    with mx.autograd.record():
        loss = net(nd.array([[1, 2]]))
    loss.backward()

    trainer.step(4)

    assert net.weight.data().asnumpy().tolist() == [[0.5, 0]]  # 1 - 2 * (1, 2) / 4
    with pytest.raises(ValueError, match="Cannot set update_on_kvstore=True"):
        Trainer(net.collect_params(), "sgd", kvstore="doubling", update_on_kvstore=True)
    with pytest.raises(UnsupportedError, match="that defines set_optimizer, found Doubling"):
        kvstore.create("doubling").set_optimizer(None)


def test_only_subclasses_are_registered():
    with pytest.raises(GlueballTypeError, match="expected a subclass of KVStoreBase, found"):
        kvstore.KVStoreBase.register(dict)


def test_without_mpi4py_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)

    with pytest.raises(PackageError, match=r"pip install glueball\[mpi\] mpich"):
        kvstore.create("dist_sync")


def test_local_training_does_not_import_mpi4py():
    program = (
        "import sys, glueball as mx; from glueball.gluon import nn; net = nn.Dense(1, in_units=1); "
        "net.initialize(); mx.gluon.Trainer(net.collect_params(), 'sgd'); "
        "print('glueball.kvstore' in sys.modules); mx.kv.create('local'); print('mpi4py' in sys.modules)"
    )

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert run.stdout.split() == ["False", "False"]


RANKS = """
import numpy as np, pickle
import glueball as mx
from glueball import gluon, kvstore, nd
from glueball.gluon import nn
for reproducible in (False, True):
    store = kvstore.create("DIST_SYNC", reproducible=reproducible)
    rank, size = store.rank, store.num_workers
    out = nd.zeros(2)
    store.broadcast("b", nd.array([rank + 5, 1]), out=out)
    assert out.asnumpy().tolist() == [5, 1], out
    store.push("b", [nd.array([rank, 1]), nd.array([rank, 1])])
    store.pull("b", out=out)
    assert out.asnumpy().tolist() == [size * (size - 1), 2 * size], out
    store.set_optimizer(mx.optimizer.SGD(learning_rate=1, rescale_grad=1 / size))
    store.push("b", nd.ones(2))
    store.pull("b", out=out)
    assert out.asnumpy().tolist() == [size * (size - 1) - 1, 2 * size - 1], out
    store.barrier()
    assert store.total(rank + 0.5) == size * size / 2

# Other seeds, made equal by hand; parameters that one rank does not use; float64 beside float32.
mx.random.seed(rank)
net = nn.Dense(1, in_units=2)
other = nn.Dense(1, in_units=2)
unused = nn.Dense(1, in_units=2)
for each in (net, other, unused):
    each.initialize(mx.init.Uniform())
other.cast("float64")
params = [p for each in (net, other, unused) for p in each.collect_params().values()]
store.broadcast_parameters(params)
before = [p.data().asnumpy().copy() for p in params]
for reproducible in (False, True):
    trainer = gluon.Trainer(params, "sgd", {"learning_rate": 1.0},
                            kvstore=kvstore.create("dist_sync", reproducible=reproducible))
    with mx.autograd.record():
        loss = net(nd.ones((1, 2)) * (rank + 1))
        if rank == 1:
            loss = loss + other(nd.ones((1, 2), dtype="float64")).astype("float32")
    loss.backward()
    trainer.allreduce_grads()
    try:
        trainer.update(1)
        raise SystemExit("the unused net was not noticed")
    except UserWarning as error:
        assert unused.bias.name in str(error) or unused.weight.name in str(error)
    assert net.weight.grad().asnumpy().tolist() == [[size * (size + 1) / 2] * 2]
    assert other.weight.grad().asnumpy().tolist() == [[1, 1]], other.weight.grad()
    trainer.update(2, ignore_stale_grad=True)
    now = [p.data().asnumpy() for p in params]
    np.testing.assert_allclose(now[0], before[0] - size * (size + 1) / 4, rtol=1e-5)
    np.testing.assert_allclose(now[2], before[2] - 0.5, rtol=1e-12)
    assert (now[4] == before[4]).all()
    before = [each.copy() for each in now]

# A copy of a Trainer trains on; update_on_kvstore allows step only; horovod runs no optimizer.
copied = pickle.loads(pickle.dumps(trainer))
assert copied._kvstore.num_workers == size and copied._kvstore.reproducible
served = gluon.Trainer(params, "sgd", kvstore="dist_device_sync", update_on_kvstore=True)
assert served._update_on_kvstore and served._kvstore.type == "dist_device_sync"
for method in (served.allreduce_grads, lambda: served.update(1)):
    try:
        method()
        raise SystemExit("not refused")
    except AssertionError as error:
        assert "when parameters are updated on kvstore is not supported" in str(error)
for refused in (
    lambda: gluon.Trainer(params, "sgd", kvstore="horovod", update_on_kvstore=True),
    lambda: gluon.Trainer(params, "sgd", kvstore="dist_sync", compression_params={"type": "2bit"}),
    lambda: served.hold_slice(0),
    lambda: copied.hold_slice(-1),
    lambda: kvstore.create("dist_sync", timeout=-1),
    lambda: store.broadcast_parameters(params, root=size),
):
    try:
        refused()
        raise SystemExit("not refused")
    except mx.base.MXNetError as error:
        assert "expected" in str(error)
print("right")
"""


@needs_mpi
@pytest.mark.parametrize("count", [2, 3])
def test_ranks_sum_broadcast_and_skip_what_nobody_uses(count):
    assert run(count, RANKS) == ["right"] * count


@needs_mpi
def test_one_rank_needs_no_mpiexec():
    assert importlib.util.find_spec("mpi4py") is not None
    store = (
        'import glueball as mx; s = mx.kv.create("horovod"); print(s.rank, s.num_workers, s.type)'
    )

    run = subprocess.run([sys.executable, "-c", store], capture_output=True, text=True, check=True)

    assert run.stdout.split() == ["0", "1", "horovod"]


@needs_mpi
def test_slices_have_to_make_a_whole():
    program = """
        import glueball as mx
        from glueball.gluon import nn
        store = mx.kv.create("dist_sync", reproducible=True)
        net = nn.Dense(1, in_units=2)
        net.initialize("ones")
        trainer = mx.gluon.Trainer(net.collect_params(), "sgd", kvstore=store)
        for places, words in (((0, 0), "0 twice"), ((0, 2), "none from 1 to 1"), ((1, 2), "none from 0 to 0")):
            with mx.autograd.record():
                loss = net(mx.nd.ones((1, 2)))
            loss.backward()
            trainer.hold_slice(places[store.rank])
            try:
                trainer.step(2)
                raise SystemExit("not refused")
            except mx.base.RanksError as error:
                assert words in str(error), error
        print("right")
    """

    assert run(2, program) == ["right"] * 2


def test_gathered_gradients_are_refused_by_an_array_that_does_not_fit():
    net = nn.Dense(1, in_units=2)
    net.initialize("ones")
    gradients = _core.ParameterList(list(net.collect_params().values()))

    with pytest.raises(ValueError, match="array of 7 numbers for these gradients, found 6"):
        _core.gather_gradients(gradients, np.zeros(6, "float32"))
    with pytest.raises(TypeError, match="another one of '.*weight'"):
        _core.scatter_gradients(gradients, np.zeros(7))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3.0, 0.0])
def test_gathered_gradients_say_what_is_fresh_and_finite(dtype, value):
    net = nn.Dense(1, in_units=2)
    net.initialize("ones")
    net.cast(dtype)
    with mx.autograd.record():
        loss = net(nd.array([[value, 1]], dtype=dtype))
    net.bias.grad_req = "null"
    loss.backward()
    gradients, array = _core.ParameterList([net.weight]), np.full(5, 7, dtype)

    _core.gather_gradients(gradients, array)

    np.testing.assert_array_equal(array, [value, 1, 1, 1, 0 if np.isfinite(value) else 1])
    trainer = Trainer([net.weight], "sgd", {"learning_rate": 0.0})
    trainer.step(1)
    _core.gather_gradients(gradients, array)
    assert array.tolist() == [0, 0, 0, 0, 0]
    _core.scatter_gradients(gradients, np.arange(5, dtype=dtype))
    assert net.weight.grad().asnumpy().tolist() == [[0, 1]]
