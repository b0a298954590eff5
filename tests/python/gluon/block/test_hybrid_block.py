"""HybridBlock: forward against `F`, with own parameters as keyword arguments."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import autograd, gluon, init, nd, np, npx
from glueball.gluon import nn


class Scale(nn.HybridBlock):
    """Multiply by a learned factor a feature; learns its width from the first input."""

    def __init__(self, features=0, **kwargs):
        super().__init__(**kwargs)
        self.factor = self.params.get(
            "factor", shape=(features,), init=init.Constant(3), allow_deferred_init=True
        )
        self.offset = self.params.get_constant("offset", nd.array([1]))

    def infer_shape(self, x):
        self.factor.shape = (x.shape[-1],)

    def hybrid_forward(self, F, x, factor, offset):
        return F.broadcast_mul(x, factor) + offset


class Unknown(nn.HybridBlock):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.weight = self.params.get("weight", shape=(2, 0), allow_deferred_init=True)

    def hybrid_forward(self, F, x, weight):
        return F.dot(x, weight, transpose_b=True)


def test_own_parameters_arrive_under_the_names_of_their_attributes():
    block = Scale(2)
    block.initialize()

    onp.testing.assert_array_equal(block(nd.array([[1, 2]])).asnumpy(), [[4, 7]])


def test_f_is_the_module_of_array_functions():
    seen = []

    class Look(nn.HybridBlock):
        def hybrid_forward(self, F, x):
            seen.append(F)
            return x

    Look()(nd.ones(1))

    assert seen == [nd]


def test_f_has_np_and_npx_in_numpy_mode():
    class Look(nn.HybridBlock):
        def hybrid_forward(self, F, x):
            return F.npx.relu(F.np.sum(x, axis=0))

    npx.set_np()
    try:
        y = Look()(np.array([[1, -2], [3, -4]]))
    finally:
        npx.reset_np()

    onp.testing.assert_array_equal(y.asnumpy(), [4, 0])


def test_infer_shape_of_ones_own_finishes_deferred_initialization():
    block = Scale()
    block.initialize()

    y = block(nd.ones((2, 5)))

    assert y.shape == (2, 5)
    onp.testing.assert_array_equal(block.factor.data().asnumpy(), [3] * 5)


def test_shape_that_nobody_can_infer_is_a_value_error_and_leaves_the_plan():
    block = Unknown(prefix="block_")
    block.initialize(init.One())

    with pytest.raises(
        ValueError, match=r"^Deferred initialization failed because shape cannot be infe"
    ):
        block(nd.ones((1, 3)))
    block.weight.shape = (2, 3)

    onp.testing.assert_array_equal(block(nd.ones((1, 3))).asnumpy(), [[3, 3]])


def test_own_parameters_learn():
    block = Scale(2)
    block.initialize()

    with autograd.record():
        y = block(nd.array([[1, 2], [3, 4]])).sum()
    y.backward()

    onp.testing.assert_array_equal(block.factor.grad().asnumpy(), [4, 6])


def test_children_run_inside_hybrid_forward():
    class Net(nn.HybridBlock):
        def __init__(self):
            super().__init__()
            self.inner = nn.Dense(2, weight_initializer="ones")
            self.scale = Scale()

        def hybrid_forward(self, F, x):
            return F.relu(self.scale(self.inner(x)))

    net = Net()
    net.initialize()

    onp.testing.assert_array_equal(net(nd.array([[1, -2], [1, 1]])).asnumpy(), [[0, 0], [7, 7]])


def test_more_inputs_are_passed_on():
    class Add(nn.HybridBlock):
        def hybrid_forward(self, F, x, y, sign=1):
            return x + sign * y

    assert Add()(nd.array([3]), nd.array([2]), -1).asscalar() == 1


@pytest.mark.parametrize("value", [5, (1.0,), "one", None], ids=["int", "tuple", "text", "none"])
def test_input_that_is_not_an_array_is_refused(value):
    block = Scale(2, prefix="scale_")
    block.initialize()

    with pytest.raises(ValueError) as caught:
        block(value)

    assert str(caught.value).startswith(
        "In HybridBlock, there must be one NDArray or one Symbol in the input. Please check the type "
        "of the args.\nExpected an NDArray as input of 'scale', found "
    )


def test_missing_hybrid_forward_is_named():
    class Nothing(nn.HybridBlock):
        pass

    with pytest.raises(NotImplementedError, match=r"class Nothing to define hybrid_forward"):
        Nothing()(nd.ones(1))


def test_children_have_to_be_hybrid_blocks():
    class Plain(nn.Block):
        pass

    class Net(nn.HybridBlock):
        def __init__(self):
            super().__init__()
            self.plain = Plain()

    with pytest.raises(
        ValueError, match="Children of HybridBlock must also be HybridBlock, but Plain"
    ):
        Net()


def test_hybridize_reaches_children_and_later_ones():
    net = nn.HybridSequential(nn.HybridSequential(nn.Dense(2)))
    net.hybridize()

    assert net._active
    assert net[0]._active
    assert net[0][0]._active
    net.hybridize(False)
    assert not net[0][0]._active


def test_uninitialized_parameters_are_named():
    block = Scale(2, prefix="scale_")

    with pytest.raises(
        RuntimeError, match="Parameter 'scale_factor' has not been initialized. Note"
    ):
        block(nd.ones((1, 2)))


def test_block_that_waits_for_a_shape_cannot_tell_it_in_a_plain_block():
    class Own(nn.Block):
        def __init__(self):
            super().__init__()
            self.weight = self.params.get("weight", shape=(2, 0), allow_deferred_init=True)

        def forward(self, x):
            return nd.dot(x, self.weight.data(), transpose_b=True)

    block = Own()
    block.initialize()

    with pytest.raises(
        gluon.parameter.DeferredInitializationError, match="initialization was deferred"
    ):
        block(nd.ones((1, 3)))
