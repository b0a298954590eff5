"""Random streams: what initial values depend on, and what they do not."""

from __future__ import annotations

import numpy as np
import pytest

from glueball import autograd, init, nd, random
from glueball.gluon import nn
from initialized_nets import net_of, values


def weights(*layers, seed=3, initializer="uniform", data=True):
    random.seed(seed)
    net = net_of(*layers)
    net.initialize(initializer)
    if data:
        net(nd.ones((1, 4)))
    return [values(parameter) for parameter in net.collect_params(".*weight").values()]


class Hooked(init.Initializer):
    """Draws through nd.random, in several ways."""

    def _init_weight(self, name, arr):
        nd.random.uniform(-1, 1, out=arr)
        arr += nd.random.normal(0, 0.1, shape=arr.shape)


KINDS = ["uniform", init.Normal(1.0), "xavier", init.Orthogonal(), Hooked()]


@pytest.mark.parametrize("initializer", KINDS, ids=str)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(initializer):
    def drawn(seed):
        return weights(nn.Dense(5), nn.Dense(3), seed=seed, initializer=initializer)

    for one, again, other in zip(drawn(3), drawn(3), drawn(4), strict=True):
        assert one.tobytes() == again.tobytes()
        assert not np.array_equal(one, other)


@pytest.mark.parametrize("initializer", KINDS, ids=str)
def test_adding_a_layer_changes_no_other_layers_weights(initializer):
    two = weights(nn.Dense(5), nn.Dense(3), initializer=initializer)
    three = weights(nn.Dense(5), nn.Dense(3), nn.Dense(2), initializer=initializer)

    for one, other in zip(two, three[:2], strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("initializer", KINDS, ids=str)
def test_deferring_a_layer_changes_no_weights(initializer):
    deferred = weights(nn.Dense(5), nn.Dense(3), initializer=initializer)
    known = weights(
        nn.Dense(5, in_units=4), nn.Dense(3, in_units=5), initializer=initializer, data=False
    )

    for one, other in zip(deferred, known, strict=True):
        assert one.tobytes() == other.tobytes()


def test_names_do_not_matter_so_that_a_notebooks_cell_can_be_run_again():
    first = weights(nn.Dense(5), nn.Dense(3))
    again = weights(nn.Dense(5), nn.Dense(3, prefix="other_"))

    for one, other in zip(first, again, strict=True):
        assert one.tobytes() == other.tobytes()


def test_layers_of_one_shape_get_different_weights():
    first, second = weights(nn.Dense(4), nn.Dense(4))

    assert not np.array_equal(first, second)


def test_initializing_again_draws_new_values():
    net = net_of(nn.Dense(4, in_units=4))
    net.initialize()
    before = values(net[0].weight)
    net.initialize(force_reinit=True)

    assert not np.array_equal(before, values(net[0].weight))


@pytest.mark.parametrize("initializer", KINDS, ids=str)
def test_how_many_layers_an_earlier_net_has_changes_no_later_nets_weights(initializer):
    def later(*earlier):
        random.seed(3)
        net_of(*earlier).initialize()
        net = net_of(nn.Dense(5, in_units=4))
        net.initialize(initializer)
        return values(net[0].weight)

    one = later(nn.Dense(2))
    three = later(nn.Dense(2), nn.Dense(2, in_units=2), nn.Dense(2))
    assert one.tobytes() == three.tobytes()
    assert not np.array_equal(one, weights(nn.Dense(5), initializer=initializer)[0])


def test_what_is_drawn_between_initialize_and_the_first_forward_does_not_matter():
    def drawn(between):
        random.seed(3)
        net = net_of(nn.Dense(5))
        net.initialize(Hooked())
        nd.random.uniform(shape=(between,))
        net(nd.ones((1, 4)))
        return values(net[0].weight)

    assert drawn(1).tobytes() == drawn(1000).tobytes()


def test_initializing_takes_nothing_from_the_generator_of_nd_random():
    def drawn(initialize):
        random.seed(3)
        if initialize:
            net = net_of(nn.Dense(5))
            net.initialize(Hooked())
            net(nd.ones((1, 4)))
        return nd.random.uniform(shape=(6,)).asnumpy()

    np.testing.assert_array_equal(drawn(True), drawn(False))


def test_numpys_seed_has_no_effect():
    drawn = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        drawn.append(weights(nn.Dense(5))[0])

    assert drawn[0].tobytes() == drawn[1].tobytes()


def test_initializing_is_not_recorded():
    layer = nn.Dense(1, use_bias=False)
    layer.initialize(Hooked())
    x = nd.ones((1, 4))
    with autograd.record():
        loss = layer(x)
    loss.backward()

    np.testing.assert_array_equal(layer.weight.grad().asnumpy(), x.asnumpy())
