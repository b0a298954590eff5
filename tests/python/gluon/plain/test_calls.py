"""Blocks called with plain arrays give what they give for NDArrays, as plain arrays, and record nothing."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest

from glueball import autograd, nd, npx
from glueball import np as mxnp
from glueball.base import ArgumentError, MXNetError, PrecisionWarning
from glueball.gluon import Block, HybridBlock, nn
from glueball.gluon._plain import calls


class Python(Block):
    """A block of Python around native layers."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Dense(5, activation="tanh", in_units=3)
        self.head = nn.Dense(2, in_units=5)

    def forward(self, x):
        return self.head(self.hidden(x))


class Hybrid(HybridBlock):
    """A block of functions with a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(4, in_units=3)
        self.scale = self.params.get("scale", shape=(1, 4), init="ones")

    def hybrid_forward(self, F, x, scale):
        return F.broadcast_mul(F.relu(self.dense(x)), scale)


def sequential(*layers):
    net = nn.HybridSequential()
    net.add(*layers)
    return net


NETS = {
    "chain": lambda: sequential(nn.Dense(8, "relu", in_units=3), nn.Dense(2, in_units=8)),
    "one layer": lambda: nn.Dense(2, in_units=3),
    "waiting for its shape": lambda: sequential(nn.Dense(8, "relu"), nn.Dense(2)),
    "normalised": lambda: sequential(nn.BatchNorm(in_channels=3), nn.Dropout(0.5), nn.Dense(2)),
    "flattened": lambda: sequential(nn.Flatten()),
    "wide": lambda: sequential(nn.Dense(600, "relu", in_units=3), nn.Dense(500), nn.Dense(7)),
    "of Python": Python,
    "of functions": Hybrid,
    "Python within a chain": lambda: sequential_of_blocks(nn.Dense(3), Python(), nn.Dense(2)),
    "functions within a chain": lambda: sequential(nn.Dense(3), Hybrid(), nn.Dense(2)),
    "side by side": lambda: side_by_side(nn.Dense(2), nn.Identity()),
    "a named function": lambda: nn.HybridLambda("tanh"),
    "an activation": lambda: nn.Activation("sigmoid"),
    "the same": nn.Identity,
}


def sequential_of_blocks(*blocks):
    net = nn.Sequential()
    net.add(*blocks)
    return net


def side_by_side(*blocks):
    net = nn.HybridConcurrent()
    net.add(*blocks)
    return net


def made(name):
    net = NETS[name]()
    net.initialize()
    return net


def numbers(rows=4, dtype="float32"):
    return np.linspace(-1, 1, rows * 3, dtype=dtype).reshape(rows, 3)


@pytest.fixture(autouse=True)
def untold():
    calls._Once.told = False


@pytest.mark.parametrize("rows", [0, 1, 4, 700])
@pytest.mark.parametrize("name", NETS)
def test_a_plain_array_gives_the_bits_of_an_ndarray(name, rows):
    net = made(name)
    x = numbers(rows)

    output = net(x)

    assert type(output) is np.ndarray
    assert output.dtype == np.float32
    np.testing.assert_array_equal(output, net(nd.array(x)).asnumpy())
    np.testing.assert_array_equal(x, numbers(rows))


@pytest.mark.parametrize("name", NETS)
def test_an_array_given_as_out_is_written_and_returned(name):
    net = made(name)
    x = numbers()
    expected = net(x).copy()
    out = np.full_like(expected, 7)

    assert net(x, out=out) is out

    np.testing.assert_array_equal(out, expected)
    ours = nd.zeros(expected.shape)
    assert net(nd.array(x), out=ours) is ours
    np.testing.assert_array_equal(ours.asnumpy(), expected)


FORMS = {
    "float64": lambda x: x.astype("float64"),
    "integers": lambda x: (10 * x).astype("int64"),
    "truth values": lambda x: x > 0,
    "lists": lambda x: x.tolist(),
    "rows of arrays": list,
    "every second column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "the other order": np.asfortranarray,
    "the other bytes": lambda x: x.astype(">f4"),
    "read-only": lambda x: np.frombuffer(x.tobytes(), np.float32).reshape(x.shape),
    "a subclass": lambda x: x.view(np.recarray),
    "what has __array__": lambda x: Frame(x),
}


class Frame:
    """As a data frame: no array, but one can be had of it."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


@pytest.mark.filterwarnings("ignore::glueball.base.PrecisionWarning")
@pytest.mark.parametrize("name", ["chain", "of Python", "of functions", "one layer", "normalised"])
@pytest.mark.parametrize("form", FORMS)
def test_other_forms_are_converted_to_the_dtype_of_the_parameters(form, name):
    net = made(name)
    x = FORMS[form](numbers())

    output = net(x)

    assert type(output) is np.ndarray
    assert output.dtype == np.float32
    np.testing.assert_array_equal(output, net(nd.array(np.asarray(x))).asnumpy())
    np.testing.assert_array_equal(net(x, out=np.empty_like(output)), output)


@pytest.mark.parametrize("name", ["chain", "of Python", "of functions"])
def test_a_net_of_float64_computes_in_it(name):
    net = made(name)
    net.cast("float64")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        output = net(numbers(dtype="float64"))
        narrow = net(numbers())

    assert output.dtype == narrow.dtype == np.float64


def test_indices_are_not_rounded():
    net = sequential(nn.Embedding(2**24 + 2, 1), nn.Dense(1, in_units=1))
    net.initialize("ones")
    net[0].weight.data()[2**24 + 1] = 5  # float32 has no 2**24 + 1

    assert net(np.array([2**24 + 1]))[0, 0] == 5
    assert net([2**24 + 1])[0, 0] == 5


def test_the_first_loss_of_precision_is_told_and_points_to_the_caller():
    net = made("chain")

    x = numbers(dtype="float64") / 3
    with pytest.warns(
        PrecisionWarning, match="float64 becomes float32 as input of 'hybridseq"
    ) as told:
        [net(x) for _ in range(2)]

    assert [each.filename for each in told] == [__file__]


def test_numbers_that_float32_has_are_converted_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made("chain")(np.array([[0.5, np.nan, np.inf]]))
        made("chain")([[1, 2, 3]])


def test_numpy_mode_takes_plain_arrays_too():
    npx.set_np()
    try:
        net = made("chain")
        assert type(net(numbers())) is np.ndarray
        np.testing.assert_array_equal(net(numbers()), net(mxnp.array(numbers())).asnumpy())
    finally:
        npx.reset_np()


def test_training_mode_reaches_the_layers():
    net = made("normalised")

    with autograd.train_mode():
        net(numbers())

    assert net[0].running_mean.data().asnumpy().any() or net[0].running_var.data().asnumpy().any()
    assert not np.array_equal(net[0].running_var.data().asnumpy(), np.ones(3))


@pytest.mark.parametrize("name", NETS)
def test_what_would_have_no_gradients_is_refused_while_autograd_records(name):
    net = made(name)

    with (
        autograd.record(),
        pytest.raises(ArgumentError, match=r"while autograd records.*nd\.array\(x\)"),
    ):
        net(numbers())
    with (
        autograd.record(),
        pytest.raises(ArgumentError, match="no out= for .* while autograd records"),
    ):
        net(nd.array(numbers()), out=nd.zeros((4, 2)))


BAD = {
    "a masked array": (np.ma.masked_equal(numbers(), 0), "without a mask.*filled"),
    "texts": (np.array([["a", "b", "c"]]), "expected numbers as input.*<U1"),
    "objects": (np.array([[None, 1, 2]]), "expected numbers as input.*object"),
    "complex numbers": (numbers().astype(complex), "expected numbers as input.*complex128"),
    "ragged lists": ([[1, 2, 3], [4]], "lists of equal lengths"),
    "a list of NDArrays": ([nd.ones((1, 3))], "must be one NDArray"),
    "no list at all": ([], "must be one NDArray"),
    "a number": (3, "must be one NDArray"),
    "a text": ("x", "must be one NDArray"),
    "another width": (np.ones((2, 5), np.float32), r"\(2, 5\)"),
}


@pytest.mark.parametrize("name", ["chain", "of functions", "one layer"])
@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_input_is_refused(kind, name):
    value, text = BAD[kind]

    with pytest.raises(MXNetError, match=text):
        made(name)(value)


def overlapping():
    both = np.zeros((7, 3), np.float32)
    return both[:4], both[3:7, :2]


@pytest.mark.parametrize("name", ["chain", "of Python", "wide", "flattened"])
@pytest.mark.parametrize("out", ["wider", "float64", "read-only", "a list", "another order"])
def test_an_out_that_does_not_fit_is_refused_and_left_alone(out, name):
    net = made(name)
    width = net(numbers()).shape[1]
    value = {
        "wider": np.zeros((4, width + 1), np.float32),
        "float64": np.zeros((4, width)),
        "read-only": np.broadcast_to(np.float32(0), (4, width)),
        "a list": [[0] * width] * 4,
        "another order": np.zeros((4, width), np.float64, order="F"),
    }[out]

    with pytest.raises(MXNetError, match="expected.*found.*; "):
        net(numbers(), out=value)

    assert not np.any(value)


def test_an_out_in_the_inputs_memory_is_refused():
    net = sequential(nn.Dense(3, in_units=3), nn.Dense(3, in_units=3))
    net.initialize()
    x = numbers()

    with pytest.raises(ArgumentError, match="out apart from the input"):
        net(x, out=x)
    np.testing.assert_array_equal(x, numbers())


def test_hooks_see_what_the_caller_gave():
    net = made("chain")
    seen = []
    net.register_forward_hook(
        lambda block, inputs, output: seen.append((type(inputs[0]), type(output)))
    )

    net(numbers())

    assert seen == [(np.ndarray, np.ndarray)]


def test_threads_share_a_net():
    net = made("wide")
    x = numbers(50)
    expected = net(x)
    wrong = []

    def run():
        out = np.empty_like(expected)
        for _ in range(50):
            net(x, out=out)
            if not np.array_equal(out, expected):
                wrong.append(out.copy())

    threads = [threading.Thread(target=run) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert not wrong
