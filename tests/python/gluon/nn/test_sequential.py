"""Sequential and HybridSequential: a list of blocks that is a block."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import nd, npx
from glueball.gluon import nn


def both(test):
    return pytest.mark.parametrize("kind", [nn.Sequential, nn.HybridSequential])(test)


class Pair(nn.HybridBlock):
    def forward(self, x):
        return x, x + 1


class Second(nn.HybridBlock):
    def forward(self, pair):
        return pair[1]


@both
def test_add_takes_any_number_of_blocks(kind):
    net = kind()
    net.add()
    net.add(nn.Dense(3))
    net.add(nn.Flatten(), nn.Dense(2))

    assert len(net) == 3
    assert list(net._children) == ["0", "1", "2"]


@both
def test_constructor_takes_blocks_too(kind):
    layers = [nn.Dense(3), nn.Dense(2)]

    net = kind(*layers, prefix="net_")

    assert list(net) == layers
    assert net.prefix == "net_"


@both
def test_indexing_is_a_lists(kind):
    layers = [nn.Dense(3), nn.Flatten(), nn.Dense(2)]
    net = kind(*layers)

    assert net[0] is layers[0]
    assert net[-1] is layers[2]
    assert list(net) == layers
    with pytest.raises(
        IndexError, match=r"expected a number from -3 to 2 for a child of '\w+', found 3"
    ):
        net[3]
    with pytest.raises(TypeError, match="expected the number of a child of"):
        net[1.5]


@both
def test_slice_is_a_net_of_the_same_children(kind):
    net = kind(nn.Dense(3), nn.Flatten(), nn.Dense(2), prefix="net_")

    part = net[1:]

    assert type(part) is kind
    assert part.prefix == "net_"
    assert list(part) == [net[1], net[2]]
    assert len(net) == 3


def test_slices_share_parameters_with_the_whole():
    net = nn.Sequential(nn.Dense(3, in_units=2), nn.Dense(1, in_units=3))
    net.initialize()
    x = nd.ones((4, 2))

    head, tail = net[:1], net[1:]

    onp.testing.assert_array_equal(tail(head(x)).asnumpy(), net(x).asnumpy())


def test_empty_net_has_length_zero():
    assert len(nn.Sequential()) == 0


@both
@pytest.mark.parametrize("value", [3, [nn.Flatten()], None, "relu"])
def test_add_refuses_what_is_not_a_block_at_once(kind, value):
    net = kind(nn.Dense(2))

    with pytest.raises(
        TypeError, match=r"expected a Block as child of .*pass several layers as add"
    ):
        net.add(value)
    assert len(net) == 1


def test_hybrid_sequential_refuses_plain_blocks():
    class Plain(nn.Block):
        pass

    net = nn.HybridSequential()

    with pytest.raises(ValueError) as caught:
        net.add(Plain())

    assert str(caught.value) == (
        f"Children of HybridBlock must also be HybridBlock, but Plain(\n\n) has type {Plain}. If "
        "you are using Sequential, please try HybridSequential instead."
    )
    assert len(net) == 0


def test_repr_shows_known_and_unknown_widths():
    net = nn.Sequential(
        nn.Dense(256, activation="relu", in_units=20), nn.Dense(10), nn.Dropout(0.5), nn.Flatten()
    )

    assert repr(net) == (
        "Sequential(\n"
        "  (0): Dense(20 -> 256, Activation(relu))\n"
        "  (1): Dense(None -> 10, linear)\n"
        "  (2): Dropout(p = 0.5, axes=())\n"
        "  (3): Flatten\n"
        ")"
    )


def test_repr_shows_unknown_widths_as_minus_one_in_numpy_mode():
    npx.set_np()
    try:
        text = repr(nn.Dense(10, activation="tanh"))
    finally:
        npx.reset_np()

    assert text == "Dense(-1 -> 10, Activation(tanh))"


def test_bound_method_shows_the_net():
    net = nn.Sequential(nn.Flatten())

    assert repr(net.collect_params) == (
        "<bound method Block.collect_params of Sequential(\n  (0): Flatten\n)>"
    )


@both
def test_empty_net_returns_its_input(kind):
    x = nd.ones((2, 3))

    assert kind()(x) is x


@both
def test_each_child_gets_what_the_one_before_returned(kind):
    net = kind(Pair(), Second())

    onp.testing.assert_array_equal(net(nd.array([1, 2])).asnumpy(), [2, 3])


@both
def test_output_is_that_of_the_children_one_by_one(kind):
    net = kind(nn.Dense(5, activation="tanh"), nn.Flatten(), nn.Dense(2))
    net.initialize()
    x = nd.random.normal(shape=(3, 4))

    y = x
    for child in net:
        y = child(y)

    onp.testing.assert_allclose(net(x).asnumpy(), y.asnumpy(), rtol=1e-6)


@both
def test_more_than_one_input_is_refused(kind):
    net = kind(nn.Dense(2, in_units=3), prefix="net_")
    net.initialize()

    with pytest.raises(TypeError, match="expected one input of 'net', found 2"):
        net(nd.ones((1, 3)), nd.ones((1, 3)))
    assert net(nd.ones((1, 3))).shape == (1, 2)


def test_nested_nets_of_every_kind_run():
    inner = nn.HybridSequential(nn.Dense(4, activation="relu"), nn.HybridSequential(nn.Dense(3)))
    net = nn.Sequential(inner, nn.Sequential(), nn.Sequential(nn.Dense(2)))
    net.initialize()

    assert net(nd.ones((5, 6))).shape == (5, 2)
    assert net[0][1][0].weight.shape == (3, 4)


def test_deep_nesting_does_not_exhaust_pythons_stack():
    net = nn.Dense(1, in_units=1, weight_initializer="ones")
    for _ in range(3000):
        net = nn.Sequential(net)
    net.initialize()

    assert net(nd.array([[5]])).asscalar() == 5


def test_hybridize_of_a_sequential_of_hybrid_blocks_suggests_the_other_class():
    net = nn.Sequential(nn.Dense(2), prefix="net_")

    with pytest.warns(UserWarning) as caught:
        net.hybridize()

    assert [str(each.message) for each in caught] == [
        (
            "All children of this Sequential layer 'net_' are HybridBlocks. Consider using "
            "HybridSequential for the best performance."
        )
    ]


def test_hybridize_of_an_empty_or_mixed_sequential_does_not_warn():
    nn.Sequential().hybridize()
    nn.Sequential(nn.Dense(2), nn.Lambda("relu")).hybridize()


def test_hybridize_changes_no_result():
    net = nn.HybridSequential(nn.Dense(4, activation="sigmoid"), nn.Dense(2))
    net.initialize()
    x = nd.random.normal(shape=(3, 5))
    plain = net(x).asnumpy()

    net.hybridize(static_alloc=True)
    hybridized = net(x).asnumpy()
    net.hybridize(False)

    onp.testing.assert_array_equal(hybridized, plain)
    onp.testing.assert_array_equal(net(x).asnumpy(), plain)


def test_infer_shape_initializes_what_was_waiting():
    net = nn.Sequential(nn.Dense(4, activation="relu"), nn.Dropout(0.5, axes=(0,)), nn.Dense(2))
    net.initialize()

    net.infer_shape((None, 20))

    assert net[0].weight.data().shape == (4, 20)
    assert net[2].weight.data().shape == (2, 4)


def test_infer_shape_from_an_array_fills_shapes_and_initializes_nothing():
    net = nn.HybridSequential(nn.Dense(4), nn.Dense(2))

    net.infer_shape(nd.ones((7, 20)))

    assert [net[0].weight.shape, net[1].weight.shape] == [(4, 20), (2, 4)]
    with pytest.raises(RuntimeError, match="has not been initialized"):
        net[0].weight.data()


def test_infer_shape_works_through_hooked_and_nested_layers():
    net = nn.Sequential(nn.Flatten(), nn.Sequential(nn.Dense(4, flatten=False)), nn.Dense(2))
    net[0].register_forward_hook(lambda *_: None)
    net[1].register_forward_hook(lambda *_: None)
    net[1][0].register_forward_hook(lambda *_: None)
    net.initialize()

    net.infer_shape((None, 3, 5))

    assert net[1][0].weight.shape == (4, 15)
    assert net[2].weight.shape == (2, 4)


def test_infer_shape_that_does_not_fit_names_the_layer():
    net = nn.Sequential(nn.Dense(4, in_units=3, prefix="first_"))
    net.initialize()

    with pytest.raises(
        RuntimeError, match=r"input of shape \(batch, 3\) for 'first', found \(-1, 5\)"
    ):
        net.infer_shape((None, 5))
    assert net(nd.ones((1, 3))).shape == (1, 4)
