"""Writes into arrays that a recorded computation depends on."""

from __future__ import annotations

import numpy as onp
import pytest

from glueball import MXNetError, autograd, gluon, nd
from leaves import leaf

IN_GRAPH = "Assigning to NDArrays that are already in a computational graph"


def add_in_place(x):
    x += 1


def multiply_in_place(x):
    x *= 2


def assign_all(x):
    x[:] = 5


def assign_one(x):
    x[0] = 5


def fill(x):
    x.fill(5)


def out(x):
    nd.relu(nd.ones(2), out=x)


def numpy_out(x):
    onp.add(1, 2, out=x)


def copyto(x):
    nd.ones(2).copyto(x)


def numpy_copyto(x):
    onp.copyto(x, 3)


def add_at(x):
    onp.add.at(x, [0], 1)


def random_out(x):
    nd.random.uniform(out=x)


WRITES = [
    add_in_place, multiply_in_place, assign_all, assign_one, fill, out, numpy_out, copyto, numpy_copyto, add_at,
    random_out,
]  # fmt: skip


@pytest.mark.parametrize("write", WRITES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("which", ["leaf", "computed"])
def test_write_into_the_graph_is_refused_while_recording(write, which):
    x = leaf([1, 2])

    with autograd.record():
        y = x * x
        with pytest.raises(MXNetError, match=IN_GRAPH):
            write(x if which == "leaf" else y)
        z = y * 3
    z.backward()

    onp.testing.assert_array_equal(x.asnumpy(), [1, 2])
    onp.testing.assert_array_equal(x.grad.asnumpy(), [6, 12])


@pytest.mark.parametrize("write", WRITES, ids=lambda f: f.__name__)
def test_write_outside_record_or_to_other_arrays_is_allowed(write):
    x = leaf([1, 2])
    write(x)

    with autograd.record():
        write(nd.ones(2))
        with autograd.pause():
            write(x)


def test_write_is_allowed_again_once_the_graph_is_freed():
    x = leaf([1])
    with autograd.record():
        y = x * 2
        y.backward()
        y[:] = 7

    assert y.asscalar() == 7


def test_recorded_value_cannot_be_written_into_another_array():
    x, target = leaf([1, 2]), nd.zeros(2)

    with autograd.record():
        y = x * 2
        with pytest.raises(MXNetError, match=IN_GRAPH):
            target[0] = y[0]
        with pytest.raises(MXNetError, match=IN_GRAPH):
            target += y


def test_out_of_a_recorded_function_joins_the_graph():
    x, target = leaf([1, 2]), nd.zeros(2)

    with autograd.record():
        y = nd.relu(x * 3, out=target)
        z = nd.add(x, 1, out=nd.zeros(2))
        (y + z).backward()

    assert y is target
    onp.testing.assert_array_equal(x.grad.asnumpy(), [4, 4])


def square(x):
    return x * x


def network(x):
    net = gluon.nn.Dense(2, in_units=2, activation="tanh")
    net.initialize()
    return net(x)


def write_through_a_view(x):
    x[:][0][:] = 5


def write_through_detach(x):
    x.detach()[0] = 5


@pytest.mark.parametrize(
    "write", [*WRITES, write_through_a_view, write_through_detach], ids=lambda f: f.__name__
)
@pytest.mark.parametrize(
    ("function", "which"),
    [
        (square, "leaf"),
        (nd.log, "leaf"),
        (nd.exp, "result"),
        (nd.relu, "result"),
        (onp.sinc, "leaf"),
    ],
)
def test_write_between_record_and_backward_is_found_when_it_spoils_a_gradient(
    write, function, which
):
    x = leaf([1, 2])
    with autograd.record():
        y = function(x)

    write(x if which == "leaf" else y)

    what = "an input" if which == "leaf" else "the result"
    with pytest.raises(MXNetError, match=f"found that {what} of it was written into since"):
        y.backward()


@pytest.mark.parametrize("which", ["input", "output"])
def test_write_to_what_a_layer_saved_is_found(which):
    x = leaf([[1, 2]])
    with autograd.record():
        y = network(x)

    (x if which == "input" else y)[:] = 0

    with pytest.raises(MXNetError, match=r"recorded 'dense\d+'.*was written into since"):
        y.backward()


def test_write_through_a_plain_view_is_not_seen_and_backward_takes_what_is_there():
    x = leaf([1, 2])
    with autograd.record():
        y = x * x
    onp.asarray(x)[...] = 5
    y.backward()
    onp.testing.assert_array_equal(x.grad.asnumpy(), [10, 10])

    # asnumpy() is a copy.
    with autograd.record():
        y = x * x
    x.asnumpy()[...] = 7
    y.backward()
    onp.testing.assert_array_equal(x.grad.asnumpy(), [10, 10])


def test_write_between_record_and_backward_that_spoils_nothing_is_allowed():
    x = leaf([1, 2])
    with autograd.record():
        y = x + 1
        z = (y * 3).sum()
    x[:] = 7
    z[:] = 0

    z.backward()

    onp.testing.assert_array_equal(x.grad.asnumpy(), [3, 3])


@pytest.mark.parametrize(
    "function", ["exp2", "expm1", "fmax", "fmin", "hypot", "logaddexp", "logaddexp2", "linalg.norm", "std"]
)  # fmt: skip
def test_write_into_a_result_that_numpys_derivative_reads_is_found(function):
    numpys = onp.linalg.norm if function == "linalg.norm" else getattr(onp, function)
    x = leaf([0.5, 1.5])
    with autograd.record():
        y = numpys(*([x, 1.0] if getattr(numpys, "nin", 1) == 2 else [x]))
    y[:] = 7

    with pytest.raises(MXNetError, match=f"the recorded '{function.split('.')[-1]}' to keep their"):
        y.backward()


def test_second_derivative_finds_a_write_that_the_first_does_not_read():
    x = leaf([1, 2])
    with autograd.record():
        y = x.exp()
    expected = y.asnumpy()
    x[:] = 0

    with pytest.raises(MXNetError, match="recorded 'exp' to keep their values"):
        autograd.grad(y, x, create_graph=True)
    y.backward()
    onp.testing.assert_array_equal(x.grad.asnumpy(), expected)


def test_what_a_function_of_ones_own_reads_does_not_depend_on_its_name():
    class exp(autograd.Function):  # as one of ours is called, whose derivative reads no input
        def forward(self, x):
            self.save_for_backward(x)
            return x * x

        def backward(self, dy):
            return 2 * self.saved_tensors[0] * dy

    x = leaf([1, 2])
    with autograd.record():
        y = exp()(x)
    x[:] = 0

    with pytest.raises(MXNetError, match="an input of it was written into"):
        y.backward()
