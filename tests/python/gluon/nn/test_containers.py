"""Identity, Concurrent and HybridConcurrent."""

from __future__ import annotations

import copy

import numpy as onp
import pytest

from glueball import autograd, init, nd
from glueball.gluon import contrib, nn


def test_identity_returns_its_input():
    x = nd.array([1, 2])
    assert nn.Identity()(x) is x
    assert repr(nn.Identity()) == "Identity(\n\n)"


def test_identity_in_a_net_lets_the_chain_go_on():
    net = nn.HybridSequential()
    net.add(nn.Dense(3), nn.Identity(), nn.Activation("relu"))
    net.initialize()
    x = nd.ones((2, 2))

    onp.testing.assert_array_equal(net(x).asnumpy(), nd.relu(net[0](x)).asnumpy())
    assert net._plan.chain is not None


def test_hooks_of_an_identity_run():
    seen = []
    net = nn.HybridSequential()
    net.add(nn.Identity())
    net[0].register_forward_hook(lambda block, inputs, output: seen.append(output.shape))
    net(nd.ones((2, 2)))
    assert seen == [(2, 2)]


def test_identity_takes_arrays_only():
    with pytest.raises(ValueError, match="one NDArray"):
        nn.Identity()(3)


@pytest.mark.parametrize("make", [nn.Concurrent, nn.HybridConcurrent])
def test_outputs_stand_side_by_side(make):
    net = make()
    net.add(nn.Dense(2), nn.Identity(), nn.Dense(3))
    net.initialize(init.Normal(1))
    x = nd.array([[1, 2], [3, 4]])

    y = net(x)

    wanted = onp.concatenate([net[0](x).asnumpy(), x.asnumpy(), net[2](x).asnumpy()], axis=-1)
    onp.testing.assert_array_equal(y.asnumpy(), wanted)
    assert len(net) == 3


@pytest.mark.parametrize("make", [nn.Concurrent, nn.HybridConcurrent])
def test_axis_says_where_they_are_joined(make):
    net = make(axis=0)
    net.add(nn.Identity(), nn.Identity())
    x = nd.array([[1, 2]])

    onp.testing.assert_array_equal(net(x).asnumpy(), [[1, 2], [1, 2]])
    onp.testing.assert_array_equal(net[1:](x).asnumpy(), [[1, 2]])
    assert net[:].axis == 0
    assert copy.deepcopy(net).axis == 0


def test_gradients_reach_every_branch():
    net = nn.HybridConcurrent()
    net.add(nn.Dense(2, in_units=2), nn.Identity())
    net.initialize(init.Normal(1))
    x = nd.array([[1, 2], [3, 4]])
    x.attach_grad()
    head = onp.array([[1.0, 2, 3, 4], [5, 6, 7, 8]])

    with autograd.record():
        y = net(x)
    y.backward(nd.array(head))

    weight = net[0].weight.data().asnumpy()
    onp.testing.assert_allclose(x.grad.asnumpy(), head[:, :2] @ weight + head[:, 2:], rtol=1e-5)
    onp.testing.assert_allclose(
        net[0].weight.grad().asnumpy(), head[:, :2].T @ x.asnumpy(), rtol=1e-6
    )


def test_nested_in_a_net_with_deferred_shapes():
    net = nn.HybridSequential()
    branches = nn.HybridConcurrent()
    branches.add(nn.Dense(3, activation="relu"), nn.Identity())
    net.add(nn.Dense(4), branches, nn.Dense(1))
    net.initialize()

    net.infer_shape((None, 6))

    assert net[2].weight.data().shape == (1, 7)
    assert net(nd.ones((5, 6))).shape == (5, 1)


def test_shapes_that_cannot_be_joined_are_refused():
    net = nn.HybridConcurrent()
    net.add(nn.Dense(3, flatten=False), nn.Flatten())
    net.initialize()
    with pytest.raises(ValueError, match="equal in shape but for axis -1"):
        net.infer_shape((None, 2, 3))
    with pytest.raises(ValueError, match="expected arrays that are equal in shape"):
        net(nd.ones((2, 2, 3)))


@pytest.mark.parametrize("make", [nn.Concurrent, nn.HybridConcurrent])
def test_no_children_and_wrong_arguments_are_refused(make):
    net = make()
    with pytest.raises(ValueError, match="expected children in '.*found none; add"):
        net(nd.ones((1, 1)))
    with pytest.raises(TypeError, match="expected one input"):
        net(nd.ones((1, 1)), 2)
    with pytest.raises(TypeError, match="expected an int as axis of Concurrent"):
        make(nn.Dense(2))


def test_hybrid_concurrent_takes_hybrid_blocks_only():
    with pytest.raises(ValueError, match="must also be HybridBlock"):
        nn.HybridConcurrent().add(nn.Lambda("tanh"))
    nn.Concurrent().add(nn.Lambda("tanh"))


def test_a_subclass_may_compute_with_what_hybrid_concurrent_gives():
    class Negative(nn.HybridConcurrent):
        def hybrid_forward(self, F, x):
            return -super().hybrid_forward(F, x)

    net = Negative()
    net.add(nn.Identity())
    onp.testing.assert_array_equal(net(nd.array([1, 2])).asnumpy(), [-1, -2])


def test_contrib_has_the_same_classes():
    assert contrib.nn.Concurrent is nn.Concurrent
    assert contrib.nn.HybridConcurrent is nn.HybridConcurrent
    assert contrib.nn.Identity is nn.Identity
