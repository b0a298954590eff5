"""`predict` gives the rows' outputs whatever part of them runs at once."""

from __future__ import annotations

import numpy as np
import pytest

from glueball import autograd, nd
from glueball.base import MXNetError
from glueball.gluon import Block, nn


def made(*layers):
    net = nn.HybridSequential()
    net.add(*layers)
    net.initialize()
    return net


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 7])
@pytest.mark.parametrize("batch_size", [1, 3, 4096, np.int64(2)])
def test_parts_give_what_all_rows_give(rows, batch_size):
    net = made(nn.Dense(8, "relu", in_units=3), nn.Dense(2))
    x = np.linspace(-1, 1, rows * 3, dtype=np.float32).reshape(rows, 3)

    output = net.predict(x, batch_size=batch_size)

    assert type(output) is np.ndarray
    np.testing.assert_allclose(output, net(x), rtol=1e-6)
    ours = net.predict(nd.array(x), batch_size=batch_size)
    assert type(ours) is nd.NDArray
    np.testing.assert_array_equal(ours.asnumpy(), output)


def test_every_output_of_a_block_is_put_together():
    class Two(Block):
        def forward(self, x):
            return x * 2, x[:, 0]

    x = np.arange(10, dtype=np.float32).reshape(5, 2)

    double, first = Two().predict(x, batch_size=2)

    np.testing.assert_array_equal(double, 2 * x)
    np.testing.assert_array_equal(first, x[:, 0])


def test_dropout_is_off_and_nothing_is_recorded():
    net = made(nn.Dropout(0.5), nn.Dense(1, in_units=3))
    x = nd.ones((4, 3))

    with autograd.record():
        output = net.predict(x)

    np.testing.assert_array_equal(output.asnumpy(), net(x).asnumpy())
    with pytest.raises(MXNetError):
        output.backward()


@pytest.mark.parametrize(
    ("x", "settings", "text"),
    [
        (np.ones((2, 3)), {"batch_size": 0}, "positive integer as batch_size"),
        (np.ones((2, 3)), {"batch_size": 1.5}, "positive integer as batch_size"),
        (np.float32(3), {}, "found a number"),
        (None, {}, "found NoneType"),
    ],
)
def test_bad_arguments_are_refused(x, settings, text):
    with pytest.raises(MXNetError, match=text):
        made(nn.Dense(1, in_units=3)).predict(x, **settings)


def test_a_block_without_an_output_a_row_is_refused():
    class Mean(Block):
        def forward(self, x):
            return x.mean(axis=0)

    with pytest.raises(MXNetError, match="one output a row"):
        Mean().predict(np.ones((5, 2), np.float32), batch_size=3)
