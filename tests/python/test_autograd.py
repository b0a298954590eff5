"""Recording, gradients, and what their functions refuse."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import MXNetError, autograd, gluon, nd, np
from leaves import leaf


def state():
    return autograd.is_recording(), autograd.is_training()


def test_scopes_set_both_flags_and_restore_them():
    assert state() == (False, False)
    with autograd.record():
        assert state() == (True, True)
        with autograd.pause():
            assert state() == (False, False)
        with autograd.predict_mode():
            assert state() == (True, False)
        assert state() == (True, True)
    with autograd.record(train_mode=False):
        assert state() == (True, False)
    with autograd.record(False):
        assert state() == (True, False)
    with autograd.train_mode():
        assert state() == (False, True)
    with autograd.pause(train_mode=True):
        assert state() == (False, True)
    assert state() == (False, False)


def test_scope_restores_the_state_when_its_body_raises():
    with pytest.raises(ZeroDivisionError), autograd.record():
        _ = 1 / 0

    assert state() == (False, False)


def test_one_scope_object_can_be_entered_again():
    scope = autograd.record()
    with scope:
        with scope:
            assert state() == (True, True)
        assert state() == (True, True)

    assert state() == (False, False)


def test_setters_return_the_value_before():
    assert autograd.set_recording(True) is False
    assert autograd.set_training(True) is False
    assert state() == (True, True)
    assert autograd.set_recording(False) is True
    assert autograd.set_training(False) is True


def test_attach_grad_gives_zeros_and_without_it_grad_is_none():
    x = nd.ones((2, 3))
    assert x.grad is None

    x.attach_grad()

    onp.testing.assert_array_equal(x.grad.asnumpy(), onp.zeros((2, 3)))
    assert type(x.grad) is nd.NDArray


def test_attach_grad_on_a_computed_array_cuts_the_graph():
    x = leaf([2])

    with autograd.record():
        y = x * 3
        y.attach_grad()
        z = y * y
    z.backward()

    assert x.grad.asscalar() == 0
    assert y.grad.asscalar() == 12


def test_unknown_grad_req_is_a_key_error():
    with pytest.raises(KeyError, match="foo"):
        nd.ones(2).attach_grad("foo")


def test_attach_grad_of_integers_is_refused():
    with pytest.raises(TypeError, match=r"array of floats.*found int32.*astype"):
        nd.array([1], dtype="int32").attach_grad()


def test_graph_whose_only_leaf_wants_no_gradient_is_an_error():
    x = leaf([1], "null")
    with autograd.record():
        y = x * 2

    with pytest.raises(MXNetError, match="no inputs in computation graph that require gradients"):
        y.backward()
    assert x.grad is None


# backward
def test_backward_is_the_gradient_of_the_sum():
    x = leaf([[1, 2], [3, 4]])
    with autograd.record():
        y = x * x

    y.backward()

    onp.testing.assert_array_equal(x.grad.asnumpy(), 2 * x.asnumpy())


def test_backward_multiplies_with_the_head_gradient():
    x = leaf([1, 2])
    with autograd.record():
        y = x * 2

    y.backward(nd.array([10, 100]))

    onp.testing.assert_array_equal(x.grad.asnumpy(), [20, 200])


@pytest.mark.parametrize("shape", [(2,), (1,), (3, 1), (1, 3)])
def test_head_gradient_of_another_shape_is_an_error(shape):
    x = leaf([1, 2, 3])
    with autograd.record():
        y = x * 2

    with pytest.raises(
        ValueError, match=r"head gradient of shape \(3,\).*pass out_grad of that shape"
    ):
        y.backward(nd.ones(shape))
    onp.testing.assert_array_equal(x.grad.asnumpy(), 0)

    y.backward()  # the graph is as it was
    onp.testing.assert_array_equal(x.grad.asnumpy(), 2)


def test_several_heads_contribute_their_sum():
    x = leaf([1, 2])
    with autograd.record():
        y, z = x * 2, x * x

    autograd.backward([y, z], [None, nd.array([10, 10])])

    onp.testing.assert_array_equal(x.grad.asnumpy(), [2 + 20, 2 + 40])


def test_heads_and_head_grads_of_different_lengths_are_an_error():
    x = leaf([1])
    with autograd.record():
        y = x * 2

    with pytest.raises(
        AssertionError, match="heads and head_grads must be lists of the same length"
    ):
        autograd.backward([y], [None, None])


def test_same_head_twice_counts_twice():
    x = leaf([1])
    with autograd.record():
        y = x * 2

    autograd.backward([y, y])

    assert x.grad.asscalar() == 4


NOT_IN_GRAPH = (
    "Cannot differentiate node because it is not in a computational graph. You need to set is_recording to "
    "true or use autograd.record() to save computational graphs for backward. If you want to differentiate "
    "the same graph twice, you need to pass retain_graph=True to backward."
)


def test_second_backward_needs_retain_graph():
    x = leaf([3])
    with autograd.record():
        y = x * x

    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.asscalar() == 6
    with pytest.raises(MXNetError) as error:
        y.backward()

    assert NOT_IN_GRAPH in str(error.value)


def test_backward_of_what_was_not_recorded_is_an_error():
    x = leaf([1])
    not_recorded = x * 2
    with autograd.record():
        no_leaf = nd.ones(1) * 2

    for y in (not_recorded, no_leaf):
        with pytest.raises(MXNetError) as error:
            y.backward()
        assert NOT_IN_GRAPH in str(error.value)


def test_second_head_on_a_freed_graph_is_an_error():
    x = leaf([1])
    with autograd.record():
        middle = x * 2
        y, z = middle * 3, middle * 4
    y.backward()

    with pytest.raises(MXNetError, match="retain_graph=True"):
        z.backward()


def test_backward_of_a_leaf_itself_gives_ones():
    x = leaf([1, 2])

    x.backward()

    onp.testing.assert_array_equal(x.grad.asnumpy(), 1)


def test_write_replaces_and_sums_within_one_backward():
    x = leaf([2])
    for _ in range(2):
        with autograd.record():
            y = x * x + x
        y.backward()

        assert x.grad.asscalar() == 5


def test_add_accumulates_until_it_is_zeroed():
    x = leaf([2], "add")
    for expected in (4, 8):
        with autograd.record():
            y = x * x
        y.backward()
        assert x.grad.asscalar() == expected

    x.grad[:] = 0
    with autograd.record():
        y = x * x
    y.backward()
    assert x.grad.asscalar() == 4


def test_leaf_that_was_not_reached_keeps_its_gradient():
    x, other = leaf([2]), leaf([1])
    with autograd.record():
        y = x * other
    y.backward()

    with autograd.record():
        y = x * 5
    y.backward()

    assert x.grad.asscalar() == 5
    assert other.grad.asscalar() == 2


def test_grad_is_one_memory():
    x = leaf([1])
    before = x.grad
    with autograd.record():
        y = x * 3
    y.backward()

    assert before.asscalar() == 3


def test_detach_block_grad_and_pause_make_constants():
    x = leaf([3])

    with autograd.record():
        y = x * x.detach() + nd.BlockGrad(x) * x
        with autograd.pause():
            constant = x * 10
        y = y + constant * x
    y.backward()

    assert x.grad.asscalar() == 3 + 3 + 30


def test_detach_shares_memory():
    x = leaf([3])

    x.detach()[:] = 7

    assert x.asscalar() == 7


# grad and mark_variables
def test_grad_returns_gradients_and_leaves_grad_alone():
    x, w = leaf([1, 2]), leaf([3, 4])
    with autograd.record():
        y = x * x * w

    gx, gw = autograd.grad(y, [x, w])

    onp.testing.assert_array_equal(gx.asnumpy(), 2 * x.asnumpy() * w.asnumpy())
    onp.testing.assert_array_equal(gw.asnumpy(), x.asnumpy() ** 2)
    onp.testing.assert_array_equal(x.grad.asnumpy(), 0)


def test_grad_of_one_variable_is_a_list_and_takes_head_grads():
    x = leaf([1, 2])
    with autograd.record():
        y = x * x

    result = autograd.grad(y, x, head_grads=nd.array([1, 10]), retain_graph=True)

    assert isinstance(result, list)
    onp.testing.assert_array_equal(result[0].asnumpy(), [2, 40])
    onp.testing.assert_array_equal(autograd.grad([y], [x])[0].asnumpy(), [2, 4])


@pytest.mark.parametrize("grad_req", ["write", "add"])
def test_grad_by_parameters_and_inputs_of_a_net(grad_req):
    net = gluon.nn.Sequential()
    shared = gluon.nn.Dense(3, in_units=3, activation="tanh")
    net.add(shared, shared, gluon.nn.Dense(1, in_units=3))
    net.initialize()
    net.collect_params().setattr("grad_req", grad_req)
    x = leaf([[1, 2, 3], [4, 5, 6]])

    def loss():
        # The weight is used by native layers and by array functions.
        return net(x).sum() + (shared.weight.data() ** 2).sum()

    with autograd.record():
        y = loss()
    y.backward()
    expected = [shared.weight.grad().asnumpy(), shared.bias.grad().asnumpy(), x.grad.asnumpy()]
    shared.weight.grad()[:] = 7
    with autograd.record():
        y = loss()
    found = autograd.grad(y, [shared.weight.data(), shared.bias.data(), x])

    for a, b in zip(found, expected, strict=True):
        # Terms are added in another order, and some nearly cancel.
        onp.testing.assert_allclose(a.asnumpy(), b, rtol=1e-6, atol=1e-7)
    assert (shared.weight.grad().asnumpy() == 7).all()


def test_grad_by_a_variable_that_is_not_a_leaf_is_an_error():
    x = leaf([1])
    with autograd.record():
        y = x * 2

    with pytest.raises(
        MXNetError,
        match="Cannot differentiate with respect to the 2-th variable because it does not require gradient",
    ):
        autograd.grad(y, [x, nd.ones(1)])


def test_grad_by_a_variable_that_was_not_used_is_zero():
    x, other = leaf([1]), leaf([[1, 2]])
    with autograd.record():
        y = x * 2

    assert autograd.grad(y, other)[0].asnumpy().tolist() == [[0, 0]]


def test_mark_variables_uses_the_given_buffers():
    x, buffer = nd.array([1, 2]), nd.array([7, 7])

    autograd.mark_variables([x], [buffer], "add")
    with autograd.record():
        y = x * 3
    y.backward()

    onp.testing.assert_array_equal(buffer.asnumpy(), [10, 10])


def test_mark_variables_checks_shapes_and_numbers():
    with pytest.raises(ValueError, match=r"gradient of shape \(2,\), found \(3,\)"):
        autograd.mark_variables(nd.ones(2), nd.ones(3))
    with pytest.raises(ValueError, match="found 1 variables, 2 gradients"):
        autograd.mark_variables([nd.ones(2)], [nd.ones(2), nd.ones(2)])
    with pytest.raises(KeyError, match="often"):
        autograd.mark_variables(nd.ones(2), nd.ones(2), "often")


def test_gradients_in_numpy_mode_have_its_class():
    x = np.array([1.0, 2.0])
    x.attach_grad()

    with autograd.record():
        y = (x**2).sum()
    y.backward()

    assert type(x.grad) is np.ndarray
    assert y.shape == ()
    onp.testing.assert_array_equal(onp.asarray(x.grad), [2, 4])


def test_as_nd_ndarray_and_back_stay_in_the_graph():
    x = np.array([[1.0, 2.0]])
    x.attach_grad()

    with autograd.record():
        y = nd.relu(x.as_nd_ndarray() * 3).as_np_ndarray() * 2
    y.backward()

    assert type(y) is np.ndarray
    onp.testing.assert_array_equal(onp.asarray(x.grad), [[6, 6]])
