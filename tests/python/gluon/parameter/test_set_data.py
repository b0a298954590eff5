"""Writing a parameter's values directly: `set_data`, and through `data()`."""

from __future__ import annotations

import numpy as np
import pytest

from glueball import autograd, cpu, gluon, init, nd
from glueball.base import DtypeError, MXNetError, ShapeError, UninitializedError
from glueball.gluon import Parameter, nn


def ready(shape=(2, 3)):
    made = Parameter("p", shape=shape)
    made.initialize("zeros")
    return made


def values(parameter):
    return parameter.data().asnumpy()


SIX = np.arange(6.0).reshape(2, 3)
READ_ONLY = np.arange(6, dtype="float32").reshape(2, 3)
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    "data",
    [
        nd.array(SIX),
        nd.array(SIX, dtype="float64"),
        SIX,
        SIX.astype("int8"),
        SIX.tolist(),
        [nd.array(row) for row in SIX],
        np.asfortranarray(SIX),
        np.arange(12.0).reshape(2, 6)[:, ::2] / 2,
        SIX[::-1, ::-1][::-1, ::-1],
        SIX.astype(">f8"),
        READ_ONLY,
    ],
    ids=[
        "NDArray",
        "double NDArray",
        "ndarray",
        "int8",
        "nested list",
        "list of NDArrays",
        "column by column",
        "every second",
        "reversed",
        "other byte order",
        "read-only",
    ],
)
def test_set_data_takes_anything_like_an_array_and_keeps_the_parameters_dtype(data):
    made = ready()
    expected = np.arange(12.0).reshape(2, 6)[:, ::2] / 2 if np.shape(data) != (2, 3) else SIX
    made.set_data(data)

    np.testing.assert_array_equal(values(made), expected)
    assert made.data().dtype == np.float32
    assert made.data().flags.writeable


def test_set_data_writes_into_the_array_that_others_hold():
    made = ready()
    held = made.data()
    made.set_data(SIX)

    assert held is made.data()
    np.testing.assert_array_equal(held.asnumpy(), SIX)


def test_set_data_copies_so_that_the_source_stays_the_users():
    made = ready()
    source = nd.array(SIX)
    made.set_data(source)
    source[:] = 9

    np.testing.assert_array_equal(values(made), SIX)


def test_set_data_of_the_parameters_own_array_reversed_is_not_mixed_up():
    made = ready((4,))
    made.set_data([1, 2, 3, 4])
    made.set_data(made.data()[::-1])

    np.testing.assert_array_equal(values(made), [4, 3, 2, 1])


def test_nan_and_infinity_are_numbers_like_others():
    made = ready((3,))
    made.set_data([np.nan, np.inf, -np.inf])

    np.testing.assert_array_equal(values(made), np.float32([np.nan, np.inf, -np.inf]))


@pytest.mark.parametrize(
    "shape", [(3, 2), (6,), (2, 3, 1), (1, 3), ()], ids=lambda shape: str(shape)
)
def test_set_data_of_another_shape_is_refused_and_nothing_changes(shape):
    made = ready()

    with pytest.raises(AssertionError) as caught:
        made.set_data(np.ones(shape))

    assert isinstance(caught.value, ShapeError)
    assert str(caught.value) == (
        f"Expected shape {shape} is incompatible with given shape (2, 3). (Parameter 'p' has shape "
        "(2, 3); pass a shape whose known axes are equal, or make a new layer.)"
    )
    assert made.shape == (2, 3)
    assert (values(made) == 0).all()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("text", "found str of dtype <U4"),
        (None, "found NoneType of dtype object"),
        ([[1, 2], [3]], "found lists of unequal lengths"),
        (np.ones((2, 3), complex), "found ndarray of dtype complex128"),
        (object(), "found object of dtype object"),
    ],
    ids=["text", "None", "ragged", "complex", "object"],
)
def test_set_data_of_what_is_not_an_array_of_numbers_is_refused_and_nothing_changes(data, found):
    made = ready()

    with pytest.raises(DtypeError) as caught:
        made.set_data(data)

    assert str(caught.value) == (
        f"expected an array of numbers as data of Parameter 'p', {found}; pass an NDArray, a NumPy "
        "array or a nested list of real numbers"
    )
    assert (values(made) == 0).all()


@pytest.mark.parametrize("shape", [(2, 0), (0, 3), (0,)], ids=str)
def test_set_data_without_elements_is_refused_also_where_an_axis_is_unknown(shape):
    waiting = Parameter("p", shape=(2, 0), allow_deferred_init=True)
    waiting.initialize()
    for made in (ready(), waiting):
        before = made.shape
        with pytest.raises(ShapeError) as caught:
            made.set_data(np.ones(shape))
        assert f"expected data with elements for Parameter 'p' of shape {before}" in str(
            caught.value
        )
        assert f"found shape {shape}" in str(caught.value)
        assert made.shape == before


@pytest.mark.parametrize("shape", [(2, 3), (2, 0), None])
def test_set_data_before_initialize_gives_shape_and_values(shape):
    made = Parameter("p", shape=shape)

    made.set_data(SIX)

    assert made.shape == (2, 3)
    np.testing.assert_array_equal(values(made), SIX)
    assert made.grad().shape == (2, 3)
    assert made.list_ctx() == [cpu()]


@pytest.mark.parametrize("first", ["set_data", "data ="])
def test_initialize_leaves_what_was_set_first_and_warns_of_nothing(first, recwarn):
    net = nn.Sequential(nn.Dense(2), nn.Dense(1, in_units=2))
    if first == "set_data":
        net[0].weight.set_data(SIX)
    else:
        net[0].weight.data = SIX

    net.initialize("ones", ctx=[cpu(0), cpu(1)])

    assert [str(each.message) for each in recwarn] == []
    np.testing.assert_array_equal(values(net[0].weight), SIX)
    assert net[0].weight.list_ctx() == [cpu(0), cpu(1)]
    np.testing.assert_array_equal(values(net[1].weight), [[1, 1]])
    assert net(nd.ones((1, 3))).asnumpy().tolist() == [[15]]


def test_a_second_initialize_warns_as_always():
    made = Parameter("p", shape=(2, 3))
    made.set_data(SIX)
    made.initialize()

    with pytest.warns(UserWarning, match="already initialized, ignoring"):
        made.initialize()


def test_initialize_with_force_gives_new_values_to_what_was_set_first():
    made = Parameter("p", shape=(2, 3))
    made.set_data(SIX)

    made.initialize("ones", force_reinit=True)

    np.testing.assert_array_equal(values(made), np.ones((2, 3)))
    with pytest.warns(UserWarning, match="already initialized, ignoring"):
        made.initialize()


def test_set_data_before_initialize_has_to_fit_what_is_known():
    made = Parameter("p", shape=(4, 0))

    with pytest.raises(ShapeError):
        made.set_data(SIX)

    assert made.shape == (4, 0)
    with pytest.raises(UninitializedError, match="Parameter 'p' has not been initialized"):
        made.data()


def test_a_tied_parameter_that_was_set_first_is_left_by_one_initialize():
    first = nn.Dense(3, in_units=2)
    net = nn.Sequential(first, nn.Dense(3, in_units=2, params=first.params))
    net[1].weight.set_data(SIX.reshape(3, 2))

    net.initialize()

    np.testing.assert_array_equal(values(first.weight), SIX.reshape(3, 2))


def test_set_data_while_deferred_gives_the_shape_and_initializes_at_once():
    layer = nn.Dense(2)
    layer.initialize()
    layer.weight.set_data(SIX)

    assert layer.weight.shape == (2, 3)
    np.testing.assert_array_equal(values(layer.weight), SIX)
    assert layer.weight.grad().shape == (2, 3)
    assert layer(nd.ones((1, 3))).asnumpy().tolist() == [[3, 12]]


def test_what_was_set_while_deferred_is_not_initialized_over():
    class Never(init.Initializer):
        def _init_weight(self, name, arr):
            raise AssertionError(name)

    layer = nn.Dense(2, weight_initializer=Never())
    layer.initialize()
    layer.weight.set_data(SIX)
    layer(nd.ones((1, 3)))

    np.testing.assert_array_equal(values(layer.weight), SIX)


def test_set_data_while_deferred_has_to_fit_what_is_known():
    layer = nn.Dense(2)
    layer.initialize("ones")

    with pytest.raises(
        AssertionError,
        match=r"Expected shape \(3, 3\) is incompatible with given shape \(2, 0\)\. \(Parameter "
        "'dense0_weight'",
    ):
        layer.weight.set_data(np.ones((3, 3)))

    assert layer.weight.shape == (2, 0)
    assert layer(nd.ones((1, 5))).asnumpy().tolist() == [[5, 5]]


def test_data_of_another_width_than_what_was_set_is_refused_by_name():
    layer = nn.Dense(2, prefix="out_")
    layer.initialize()
    layer.weight.set_data(SIX)

    with pytest.raises(MXNetError) as caught:
        layer(nd.ones((1, 4)))

    assert str(caught.value) == (
        "expected input of shape (batch, 3) for 'out', found (1, 4); pass 3 features, or make a "
        "new layer for 4 (its weight out_weight is (2, 3))"
    )
    assert layer(nd.ones((1, 3))).shape == (1, 2)


def test_a_net_computes_with_what_was_written_through_data():
    net = nn.Sequential()
    net.add(nn.Dense(2, in_units=2), nn.Dense(1, in_units=2))
    net.initialize("ones")
    x = nd.ones((1, 2))
    assert net(x).asscalar() == 4

    net[0].weight.data()[:] += 1
    assert net(x).asscalar() == 8
    net[0].weight.data()[0, 0] = 42
    assert net(x).asscalar() == 48
    weight = net[0].weight.data()
    weight *= 0
    assert net(x).asscalar() == 0
    np.asarray(weight)[1] = 3
    assert net(x).asscalar() == 6
    net[1].bias.set_data([0.5])
    assert net(x).asscalar() == 6.5


def test_set_data_while_recording_is_allowed_before_the_parameter_is_used():
    layer = nn.Dense(1, in_units=2)
    layer.initialize("zeros")
    x = nd.array([[3, 4]])
    x.attach_grad()
    with autograd.record():
        layer.weight.set_data([[1, 2]])
        loss = layer(x)
    loss.backward()

    assert loss.asscalar() == 11
    np.testing.assert_array_equal(x.grad.asnumpy(), [[1, 2]])
    np.testing.assert_array_equal(layer.weight.grad().asnumpy(), [[3, 4]])


def write_row(weight):
    row = weight.data()[0]  # the weight's own array is gone when this is written
    row[:] = 5


WRITES = {
    "set_data": lambda weight: weight.set_data(nd.ones((1, 2))),
    "step": None,
    "array": lambda weight: weight.data().__setitem__(slice(None), 3),
    "element": lambda weight: weight.data().__setitem__((0, 1), 3),
    "row": write_row,
    "in place": lambda weight: weight.data().__iadd__(1),
    "out": lambda weight: nd.exp(weight.data(), out=weight.data()),
    "copyto": lambda weight: nd.ones((1, 2)).copyto(weight.data()),
}


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("write", WRITES)
def test_a_weight_written_between_record_and_backward_is_found_when_it_spoils_a_gradient(
    write, frozen
):
    net = nn.Sequential(nn.Dense(2, in_units=3), nn.Dense(1, in_units=2))
    net.initialize()
    if frozen:
        net[1].weight.grad_req = "null"
    trainer = gluon.Trainer(net.collect_params(), "sgd")
    x = nd.ones((4, 3))
    with autograd.record():
        first, second = net(x), net(x)
    first.backward()

    if write == "step" and frozen:
        return second.backward()  # which the optimizer leaves alone
    if write == "step":
        trainer.step(4)
    else:
        WRITES[write](net[1].weight)

    with pytest.raises(
        MXNetError, match=r"found that Parameter 'dense1_weight' has been written since"
    ):
        second.backward()
    return None


def through_numpy(weight):
    np.asarray(weight.data())[...] = 3


def through_a_ufunc(weight):
    np.negative(np.asarray(weight.data()), out=np.asarray(weight.data()))


def through_dlpack(weight):
    np.from_dlpack(weight.data())[0, 1] = 3


def through_the_buffer(weight):
    memoryview(weight.data())[0, 1] = 3.0


UNSEEN = [through_numpy, through_a_ufunc, through_dlpack, through_the_buffer]


def recorded(hold):
    """Return a net of two layers, what it held of its second weight, and a recorded output."""
    net = nn.Sequential(nn.Dense(2, in_units=3), nn.Dense(1, in_units=2))
    net.initialize("ones")
    held = {
        "nothing": lambda: None,
        "its array": lambda: net[1].weight.data(),
        "a view": lambda: np.asarray(net[1].weight.data()),
    }[hold]()
    with autograd.record():
        y = net(nd.ones((4, 3)))
    return net, held, y


@pytest.mark.parametrize("hold", ["nothing", "its array", "a view"])
@pytest.mark.parametrize("write", UNSEEN)
def test_a_weight_written_past_every_count_is_found_by_its_values(write, hold):
    net, _held, y = recorded(hold)

    write(net[1].weight)

    with pytest.raises(
        MXNetError, match=r"found that Parameter 'dense1_weight' has been written since"
    ):
        y.backward()


def test_a_weight_written_through_a_view_that_was_held_all_the_time_is_found():
    net, held, y = recorded("a view")
    y.backward(retain_graph=True)
    gradient = net[0].weight.grad().asnumpy()

    held += 1
    with pytest.raises(MXNetError, match="'dense1_weight' has been written since"):
        y.backward(retain_graph=True)
    held -= 1
    y.backward()

    np.testing.assert_array_equal(net[0].weight.grad().asnumpy(), gradient)


@pytest.mark.parametrize("hold", ["nothing", "its array", "a view"])
def test_arrays_that_are_only_read_between_record_and_backward_spoil_nothing(hold):
    net, _held, y = recorded(hold)

    total = float(np.asarray(net[1].weight.data()).sum())
    copy = net[1].weight.data().asnumpy()
    copy[...] = 7  # asnumpy() gives a copy

    y.backward()
    assert total == 2
    np.testing.assert_array_equal(net[0].weight.grad().asnumpy(), 4 * np.ones((2, 3)))


def test_where_the_values_do_not_matter_a_write_past_every_count_is_allowed():
    net, _held, y = recorded("nothing")

    through_numpy(net[0].weight)  # nobody asks for the gradient of the input

    y.backward()
    np.testing.assert_array_equal(net[0].weight.grad().asnumpy(), 4 * np.ones((2, 3)))


def test_a_loop_that_writes_by_hand_after_each_backward_goes_on():
    net = nn.Sequential(nn.Dense(2, in_units=3), nn.Dense(1, in_units=2))
    net.initialize("ones")
    parameters = list(net.collect_params().values())
    x = nd.ones((4, 3))
    losses = []
    for _ in range(5):
        with autograd.record():
            loss = (net(x) ** 2).mean()
        loss.backward()
        for parameter in parameters:
            np.asarray(parameter.data())[...] -= 0.01 * parameter.grad().asnumpy()
        losses.append(loss.asscalar())
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("layer", [nn.PReLU, nn.LayerNorm], ids=["PReLU", "LayerNorm"])
def test_layers_that_keep_a_copy_give_the_gradient_of_the_recorded_values(layer):
    net = nn.Sequential(nn.Dense(3, in_units=3), layer(in_channels=3))
    net.initialize(init.Normal(1))
    x = nd.random.normal(shape=(4, 3))
    x.attach_grad()
    gradients = []
    for write in (False, True):
        with autograd.record():
            y = net(x)
        if write:
            for parameter in net[1].collect_params().values():
                np.asarray(parameter.data())[...] += 1
        y.backward(nd.array(np.arange(12).reshape(4, 3)))
        gradients.append(x.grad.asnumpy())

    np.testing.assert_array_equal(*gradients)


def test_a_write_through_a_view_is_seen_by_the_next_forward_whatever_holds_it():
    net = nn.Sequential()
    net.add(nn.Dense(40, activation="relu", in_units=30), nn.Dense(3, in_units=40))
    net.initialize()
    x = nd.ones((1, 30))

    def check():
        hidden = np.maximum(weight() @ np.ones(30), 0)
        expected = hidden @ net[1].weight.data().asnumpy().T.astype("float64")
        np.testing.assert_allclose(net(x).asnumpy()[0], expected, rtol=1e-4, atol=1e-5)

    def weight():
        return net[0].weight.data().asnumpy().astype("float64")

    check()
    held = net[0].weight.data()
    for value in (0.01, -0.02, 0.03):
        held[:, 3] = value
        check()
    del held
    check()
    net[0].weight.data()[5] = 0.5  # a view that lives for one statement
    check()
    row = net[0].weight.data()[7]  # and a view of a view
    check()
    row[:] = 1.0
    check()
