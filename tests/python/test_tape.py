"""The graph: order, memory, depth, threads."""

from __future__ import annotations

import gc
import resource
import sys
import threading
import weakref

import numpy as onp
import pytest

from glueball import _core, _tape, autograd, gluon, init, nd
from glueball.base import MXNetError
from glueball.gluon import nn


def leaf(values):
    x = nd.array(values)
    x.attach_grad()
    return x


def test_a_node_is_younger_than_its_parents():
    x = leaf([1])

    with autograd.record():
        y = x * 2
        z = y + x

    assert x._node.number < y._node.number < z._node.number
    assert z._node.parents == (y._node, x._node)


def test_gradients_of_all_paths_are_summed_in_creation_order():
    x = leaf([2])

    with autograd.record():
        a = x * 3
        b = a * x  # 3 x^2
        c = a + b  # 3 x + 3 x^2
        y = c * b  # 9 x^3 + 9 x^4
    y.backward()

    assert x.grad.asscalar() == 27 * 2**2 + 36 * 2**3


def test_nothing_is_recorded_outside_record_or_without_a_leaf():
    x, plain = leaf([1]), nd.array([1])

    y = x * 2
    with autograd.record():
        z = plain * 2
        with autograd.pause():
            w = x * 2

    assert y._node is z._node is w._node is None


def test_graph_goes_when_its_last_output_goes_without_the_collector():
    x = leaf(onp.ones(10))
    gc.disable()
    try:
        with autograd.record():
            y = (x * 2).exp().sum()
        node = y._node.parents[0]
        alive = weakref.ref(node._backward)
        del node

        assert alive() is not None
        del y
        assert alive() is None
    finally:
        gc.enable()


def test_backward_drops_what_was_saved_also_while_the_output_lives():
    x = leaf(onp.ones(10))
    with autograd.record():
        middle = x * 2
        y = middle.exp()
    alive = weakref.ref(y._node._backward)

    y.backward()

    assert alive() is None
    assert y._node.freed
    assert y._node.parents == ()


def test_ten_thousand_recorded_steps_leave_memory_flat():
    x = leaf(onp.ones(100))

    def step():
        with autograd.record():
            y = ((x * 2 + 1) ** 2).sum()
        y.backward()

    for _ in range(100):
        step()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(10_000):
        step()
    gc.collect()

    # A leak of one object in a step would be 10,000 blocks.
    assert sys.getallocatedblocks() - before < 500


@pytest.mark.parametrize("use", ["backward", "drop", "retain and drop"])
def test_graph_of_100000_nodes_does_not_overflow_the_stack(use):
    x = leaf([1.0])
    y = x
    with autograd.record():
        for _ in range(100_000):
            result = nd.NDArray(1, onp.float32)
            _tape.attach(result, (y,), lambda grad, pass_, saved=y: (grad,), "step")
            y = result
    del result
    if use != "drop":
        y.backward(retain_graph=use != "backward")
        assert x.grad.asscalar() == 1

    del y  # must not recurse through the nodes, or what they saved, either


def test_deep_graph_of_products_can_be_dropped():
    x = leaf([1.0])
    with autograd.record():
        y = x
        for _ in range(20_000):
            y = y * x
            if y._node.parents[0] is x._node:
                oldest = weakref.ref(y._node._backward)

    assert oldest() is not None
    del y  # must not recurse
    assert oldest() is None


def test_threads_record_graphs_of_their_own():
    results = {}
    started = threading.Barrier(2)

    def work(key, recording):
        x = leaf([3.0])
        started.wait()
        with autograd.record() if recording else autograd.pause():
            y = x * x
            started.wait()
            results[key] = (y._node is not None, autograd.is_recording())
        started.wait()

    threads = [threading.Thread(target=work, args=(k, k)) for k in (True, False)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()

    assert results == {True: (True, True), False: (False, False)}
    assert not autograd.is_recording()


def test_thread_starts_without_recording_though_its_parent_records():
    seen = []
    with autograd.record():
        thread = threading.Thread(target=lambda: seen.append(autograd.is_recording()))
        thread.start()
        thread.join()

    assert seen == [False]


def test_leaf_hands_its_gradient_to_any_sink_once_per_pass():
    class Sink:
        calls = 0

        def accumulate(self, grad, pass_):
            self.calls += 1
            self.grad = grad.copy()

    sink = Sink()
    x = nd.array([1, 2])
    x._node = _tape.Leaf(sink)

    with autograd.record():
        y = x * 2 + x * x + x
    y.backward()

    assert sink.calls == 1
    onp.testing.assert_array_equal(sink.grad, [2 + 2 * 1 + 1, 2 + 2 * 2 + 1])
    assert x.grad is sink.grad


def test_two_leaves_of_one_sink_are_summed_within_a_pass_and_not_across_passes():
    buffer = nd.zeros(1)
    sink = _tape.ArraySink(buffer, "write")
    a, b = nd.array([2]), nd.array([3])
    a._node, b._node = _tape.Leaf(sink), _tape.Leaf(sink)

    for _ in range(2):
        with autograd.record():
            y = 5 * a + 7 * b
        y.backward()

        assert buffer.asscalar() == 12


def test_node_that_must_be_recorded_is_recorded_without_tracked_parents():
    x = nd.array([1])
    y = nd.array([2])
    seen = []

    def backward(grad, pass_):
        seen.append(grad.copy())
        return (None,)

    with autograd.record():
        _tape.attach(y, (x,), backward, "layer", always=True)
    y.backward()

    onp.testing.assert_array_equal(seen, [[1]])


def test_operation_with_several_outputs_gets_all_gradients_at_once():
    x = leaf([1.0, 2, 3, 4])

    with autograd.record():
        a, b, c, d = nd.split(x, 4, axis=0)
        y = a * 2 + c * 5 + a
    y.backward()

    assert b.shape == d.shape == (1,)
    onp.testing.assert_array_equal(x.grad.asnumpy(), [3, 0, 5, 0])


def growth(step, rounds, steps):
    """Return the least growth of Python's objects and of memory (KiB, on Linux) in a round of steps.

    Reference counts alone have to free each graph. Of several rounds the least counts: interpreters go on filling
    caches of their own for a while, but a leak is there in every round.
    """
    found = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            before = sys.getallocatedblocks(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            for _ in range(steps):
                step()
            after = sys.getallocatedblocks(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            found.append((after[0] - before[0], after[1] - before[1]))
    finally:
        gc.enable()
    return min(blocks for blocks, _ in found), min(memory for _, memory in found)


def test_ten_thousand_training_steps_of_a_net_leave_memory_flat():
    net = nn.HybridSequential()
    net.add(nn.Dense(8, activation="tanh"), nn.BatchNorm(), nn.Dropout(0.2), nn.Dense(2))
    net.initialize(init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "adam")
    loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
    x, label = nd.ones((4, 3)), nd.array([0, 1, 1, 0])
    scale = leaf([1.0])

    def step():
        with autograd.record():
            loss = loss_function(net(x) * scale, label)
        loss.backward()
        trainer.step(4)

    blocks, memory = growth(step, rounds=4, steps=2_500)

    assert blocks < 250  # one object a step would be 2,500
    assert memory < 250  # 100 bytes a step


def test_second_derivatives_are_freed_by_reference_counts_too():
    x = leaf([1.0, 2.0])

    def step():
        with autograd.record():
            slope = autograd.grad((x * x * x).sum(), x, create_graph=True)[0]
        slope.backward()

    blocks, _ = growth(step, rounds=5, steps=200)

    assert blocks < 100


class Owner(init.Initializer):
    def _init_weight(self, name, arr):
        arr[:] = 1


def cycle_through_a_net():
    net, x = nn.Dense(2), nd.ones((2, 3))
    net.initialize()
    with autograd.record():
        x.out = net(x)
    return x


def cycle_through_a_net_of_a_turned_array():
    net, x = nn.Dense(2), nd.ones((3, 2)).T
    net.initialize()
    x.attach_grad()
    with autograd.record():
        x.out = net(x)
    return x


def cycle_through_a_loss():
    x = leaf(onp.ones((2, 3)))
    with autograd.record():
        x.out = gluon.loss.SoftmaxCrossEntropyLoss()(x, nd.array([0, 1]))
    return x


def cycle_through_a_default_initializer():
    net, owner = nn.HybridSequential(), Owner()
    net.add(nn.Dense(3), nn.Dense(2))
    net.initialize(owner)
    owner.net = net
    return owner


def cycle_through_an_own_initializer():
    owner = Owner()
    owner.net = nn.Dense(3, weight_initializer=owner, bias_initializer=owner)
    owner.net.initialize()
    return owner


def cycle_through_a_chain():
    class Check:
        def __call__(self, x):
            pass

    check = Check()
    check.chain = _core.Chain(_core.Sequential("s"), "s", check, check, False)
    return check


@pytest.mark.parametrize(
    "make",
    [
        cycle_through_a_net,
        cycle_through_a_net_of_a_turned_array,
        cycle_through_a_loss,
        cycle_through_a_default_initializer,
        cycle_through_an_own_initializer,
        cycle_through_a_chain,
    ],
)
def test_the_collector_frees_cycles_through_the_extension(make):
    made = make()
    alive = weakref.ref(made)
    gc.collect()
    assert alive() is not None  # while somebody holds it

    del made
    gc.collect()

    assert alive() is None


def test_the_collector_leaves_an_initializer_that_a_plan_waits_with():
    net = nn.HybridSequential()
    net.add(nn.Dense(3), nn.Dense(2))
    owner = Owner()
    owner.mark = 5
    alive = weakref.ref(owner)
    net.initialize(owner)
    del owner

    gc.collect()

    assert alive().mark == 5
    net(nd.ones((2, 3)))
    assert net[0].weight.data().asnumpy().min() == 1


def test_deep_graph_of_nets_can_be_dropped_and_walked():
    net = nn.Dense(1, in_units=1)
    net.initialize(init.One())
    for use in ("drop", "backward"):
        x = leaf([[1.0]])
        with autograd.record():
            y = x
            for _ in range(20_000):
                y = net(y)
        if use == "backward":
            y.backward()
            assert x.grad.asscalar() == 1
        del y


@pytest.mark.parametrize("depth", [1, 3])
def test_of_two_threads_one_walks_a_graph_and_the_other_is_told_it_was_freed(depth):
    net = nn.HybridSequential()
    for _ in range(depth):
        net.add(nn.Dense(256, in_units=256), nn.HybridLambda(lambda F, x: x * 1))
    net.initialize()
    x = leaf(onp.ones((128, 256), "float32"))
    for _ in range(5):
        with autograd.record():
            y = net(x)
        started, outcomes = threading.Barrier(2), []

        def walk(y=y, started=started, outcomes=outcomes):
            started.wait()
            try:
                y.backward()
            except MXNetError as error:
                outcomes.append(str(error))
            else:
                outcomes.append("walked")

        threads = [threading.Thread(target=walk) for _ in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

        assert outcomes.count("walked") == 1
        assert outcomes.count(_tape.NOT_IN_GRAPH) == 1


def test_two_threads_walk_a_retained_graph():
    net = nn.HybridSequential()
    net.add(
        nn.Dense(256, in_units=256),
        nn.HybridLambda(lambda F, x: x * 1),
        nn.Dense(256, in_units=256),
    )
    net.initialize()
    x = leaf(onp.ones((128, 256), "float32"))
    with autograd.record():
        y = net(x)
    threads = [threading.Thread(target=y.backward, kwargs={"retain_graph": True}) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    y.backward()


def test_a_derivative_that_raises_leaves_its_node_for_another_try():
    x, answers = leaf([2.0]), iter([ZeroDivisionError, None])
    y = nd.array([1.0])

    def backward(grad, pass_):
        error = next(answers)
        if error is not None:
            raise error
        return (grad * 3,)

    with autograd.record():
        _tape.attach(y, (x,), backward, "tried")
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert y._node.parents == (x._node,)
    y.backward()

    assert x.grad.asscalar() == 3
    assert y._node.freed
