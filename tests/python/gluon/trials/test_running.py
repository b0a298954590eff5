"""Shapes of any block: what its own code says, found by a run that leaves everything as it was."""

from __future__ import annotations

import threading

import numpy as onp
import pytest

import glueball
from glueball import MXNetError, autograd, gluon, init, nd, np, npx
from glueball.gluon import nn


class Own(nn.Block):
    """Two branches that only this class's code joins."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.left = nn.Dense(5)
        self.right = nn.Dense(3)
        self.norm = nn.BatchNorm()
        self.drop = nn.Dropout(0.5)
        self.output = nn.Dense(2)
        self.calls = []

    def forward(self, x):
        self.calls.append(x.shape)
        noise = nd.random.normal(shape=(1,))
        joined = nd.concat(self.left(x), self.right(nd.abs(x)), dim=1)
        return self.output(self.drop(self.norm(joined + noise)))


class Hybrid(nn.HybridBlock):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.hidden = nn.Dense(4)
        self.scale = self.params.get("scale", shape=(0,), init="ones", allow_deferred_init=True)

    def hybrid_forward(self, F, x, scale):
        return F.elemwise_mul(self.hidden(x), F.LayerNorm(self.hidden(x), scale, scale))


class Chain(nn.HybridSequential):
    def hybrid_forward(self, F, x):
        for layer in self._children.values():
            x = F.relu(layer(x))
        return x


def chain():
    net = Chain()
    net.add(nn.Dense(4), nn.Dense(2))
    return net


def mixed():
    return nn.Sequential(nn.Dense(6), Own(), nn.Dense(1))


def side_by_side():
    branches = nn.Concurrent()
    branches.add(nn.Dense(3), Own())
    return nn.Sequential(branches, nn.Dense(1))


MAKERS = [Own, Hybrid, chain, mixed, side_by_side]


@pytest.mark.parametrize("given", [(None, 20), (7, 20), (-1, 20), "array"])
@pytest.mark.parametrize("make", MAKERS)
def test_shapes_are_those_of_a_forward(make, given):
    net, other = make(), make()
    net.initialize()
    other.initialize()
    other(nd.ones((7, 20)))

    net.infer_shape(nd.ones((7, 20)) if given == "array" else given)

    shapes = [each.shape for _, each in net._walk_parameters()]
    assert shapes == [each.shape for _, each in other._walk_parameters()]
    waits = given == "array"
    assert any(each._state == "deferred" for each in net.collect_params().values()) == waits
    net(nd.ones((7, 20)))


@pytest.mark.parametrize("make", MAKERS)
def test_shapes_before_initialize_make_it_immediate(make):
    net = make()

    net.infer_shape((None, 20))
    net.initialize()

    assert all(each._state == "initialized" for each in net.collect_params().values())


def test_values_statistics_randomness_hooks_and_attributes_stay():
    net = mixed()
    net.initialize()
    net(nd.ones((2, 20)))
    net.add(Own())
    net[3].initialize()
    called = []
    for block in (net, net[1], net[1].left, net[3]):
        block.register_forward_pre_hook(lambda *_: called.append("before"))
        block.register_forward_hook(lambda *_: called.append("after"))
    ready = [each for each in net.collect_params().values() if each._state == "initialized"]
    values = [each.data() for each in ready]
    before = [each.asnumpy().copy() for each in values]
    seen = list(net[1].calls)
    with autograd.record():
        net.infer_shape((None, 20))
        assert autograd.is_recording()
        assert autograd.is_training()

    assert not called
    assert net[1].calls == seen
    assert net[3].calls == []
    assert len(ready) > 5
    assert all(a.data() is b for a, b in zip(ready, values, strict=True))
    for array, old in zip(values, before, strict=True):
        onp.testing.assert_array_equal(array.asnumpy(), old)
    assert net[3].left.weight.data().shape == (5, 1)
    net(nd.ones((2, 20)))
    assert called.count("before") == called.count("after") == 4


def test_the_draws_after_it_are_those_without_it():
    drawn = []
    for asks in (False, True):
        glueball.random.seed(5)
        if asks:
            Own().infer_shape((None, 4))
        drawn.append(nd.random.uniform(shape=(3,)).asnumpy())

    onp.testing.assert_array_equal(*drawn)


def test_several_inputs_have_a_shape_each():
    class Two(nn.Block):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Dense(3), nn.Dense(3)

        def forward(self, x, y):
            return self.a(x) + self.b(y)

    net = Two()
    net.initialize()

    net.infer_shape((None, 4), (None, 6))

    assert (net.a.weight.data().shape, net.b.weight.data().shape) == ((3, 4), (3, 6))


def test_a_shape_of_an_unknown_axis_is_refused_and_nothing_set():
    class Turned(nn.Block):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.layer = nn.Dense(3)

        def forward(self, x):
            return self.layer(x.T)

    net = Turned(prefix="net_")

    with pytest.raises(
        ValueError, match=r"'layer\.weight' in 'net' .* on an unknown one; give that axis"
    ):
        net.infer_shape((None, 20))
    assert net.layer.weight.shape == (3, 0)

    net.infer_shape((7, 20))
    assert net.layer.weight.shape == (3, 7)


def test_shapes_that_do_not_fit_are_refused_and_nothing_set():
    net = nn.Sequential(nn.Lambda(lambda x: x + 1), nn.Dense(4, in_units=3), Own(), prefix="net_")
    net.initialize()

    with pytest.raises(MXNetError, match="found \\(2, 5\\)") as caught:
        net.infer_shape((None, 5))

    assert "while a copy of 'net' ran on zeros of shape (2, 5)" in caught.value.__notes__
    assert net[2].left.weight.shape == (5, 0)


def test_what_the_run_does_not_reach_is_named():
    class Partly(nn.Block):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.used, self.head = nn.Dense(3), nn.Dense(2)

        def forward(self, x):
            return self.head(x) if autograd.is_training() else self.used(x)

    net = Partly(prefix="net_")
    net.initialize()

    with pytest.warns(
        UserWarning, match=r"of 'net' to reach all .* shapes of 'head\.weight' unknown"
    ):
        net.infer_shape((None, 4))
    assert net.used.weight.data().shape == (3, 4)


def test_a_net_that_cannot_be_copied_is_refused():
    net = Own(prefix="net_")
    net.lock = threading.Lock()

    with pytest.raises(
        ValueError, match=r"expected a net that copy\.deepcopy copies.*'net'.*pickle"
    ):
        net.infer_shape((None, 4))


def test_initializers_are_not_asked_and_need_no_copy():
    class Uncopied(init.Initializer):
        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()
            self.asked = 0

        def _init_weight(self, _, array):
            self.asked += 1
            array[:] = 2

    own, default = Uncopied(), Uncopied()
    net = nn.Sequential(nn.Lambda(lambda x: x + 1), nn.Dense(3, weight_initializer=own), Own())
    net.initialize(default)

    net.infer_shape(nd.ones((2, 4)))
    assert (own.asked, default.asked) == (0, 0)

    net.infer_shape((None, 4))
    assert (own.asked, default.asked) == (1, 3)
    assert (net[2].output.weight.data().asnumpy() == 2).all()


def test_shared_layers_and_parameters_get_one_shape():
    shared = nn.Dense(8)

    class Twice(nn.Block):
        def __init__(self):
            super().__init__()
            self.first, self.again = shared, shared

        def forward(self, x):
            return self.again(self.first(x))

    net = Twice()
    net.initialize()
    net.infer_shape((None, 8))

    assert shared.weight.data().shape == (8, 8)
    assert net.first is net.again


def test_numpy_mode():
    class Net(nn.HybridBlock):
        def __init__(self):
            super().__init__()
            self.layer = nn.Dense(3)

        def forward(self, x):
            return np.sum(self.layer(x), axis=1)

    npx.set_np()
    try:
        net = Net()
        net.initialize()
        net.infer_shape((None, 4))
        assert net.layer.weight.data().shape == (3, 4)
    finally:
        npx.reset_np()


def test_a_constant_keeps_its_value_in_the_run():
    class Picks(nn.Block):
        def __init__(self):
            super().__init__()
            self.width = self.params.get_constant("width", [3])
            self.layer = nn.Dense(2)

        def forward(self, x):
            return self.layer(x[:, : int(self.width.data().asscalar())])

    net = Picks()
    net.initialize()
    net.infer_shape((None, 20))

    assert net.layer.weight.data().shape == (2, 3)
    assert isinstance(net.width, gluon.Constant)


def test_other_threads_draw_their_numbers_meanwhile():
    drew, goes_on = threading.Event(), threading.Event()

    class Waits(nn.Block):
        def __init__(self):
            super().__init__()
            self.layer = nn.Dense(2)

        def forward(self, x):
            nd.random.uniform(shape=(100,))
            drew.set()
            assert goes_on.wait(10)
            return self.layer(x)

    net = Waits()
    glueball.random.seed(8)
    asks = threading.Thread(target=lambda: net.infer_shape((2, 4)))
    asks.start()
    assert drew.wait(10)
    first = nd.random.uniform(shape=(5,)).asnumpy()
    goes_on.set()
    asks.join()
    second = nd.random.uniform(shape=(5,)).asnumpy()

    glueball.random.seed(8)
    onp.testing.assert_array_equal(first, nd.random.uniform(shape=(5,)).asnumpy())
    onp.testing.assert_array_equal(second, nd.random.uniform(shape=(5,)).asnumpy())
    assert net.layer.weight.shape == (2, 4)
