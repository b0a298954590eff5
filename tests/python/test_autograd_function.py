"""`autograd.Function`: derivatives of your own."""

from __future__ import annotations

import pytest

from glueball import autograd, nd
from leaves import leaf


class Scale(autograd.Function):
    def __init__(self, factor):
        self.factor = factor

    def forward(self, x, y):
        assert not autograd.is_recording()
        self.save_for_backward(x, y)
        return x * y * self.factor, x + y

    def backward(self, d_product, d_sum):
        assert not autograd.is_recording()
        x, y = self.saved_tensors
        return d_product * y * self.factor + d_sum, d_product * x * self.factor + d_sum


def test_function_with_several_inputs_and_outputs():
    x, y = leaf([2]), leaf([3])

    with autograd.record():
        product, total = Scale(10)(x, y)
        (product + 2 * total).backward()

    assert product.asscalar() == 60
    assert x.grad.asscalar() == 10 * 3 + 2
    assert y.grad.asscalar() == 10 * 2 + 2


def test_function_whose_second_output_is_unused():
    x, y = leaf([2]), leaf([3])

    with autograd.record():
        product, _ = Scale(1)(x, y)
    product.backward()

    assert x.grad.asscalar() == 3


def test_function_that_returns_wrong_gradients_is_an_error():
    class Wrong(autograd.Function):
        def __init__(self, answer):
            self.answer = answer

        def forward(self, x):
            return x * 1

        def backward(self, dy):
            return self.answer

    for answer, text in (
        ([nd.ones(2), nd.ones(2)], "each of the 1 inputs, found 2"),
        (nd.ones(3), r"gradient of shape \(2,\) for input 1, found \(3,\)"),
    ):
        x = leaf([1, 2])
        with autograd.record():
            y = Wrong(answer)(x)
        with pytest.raises(ValueError, match=text):
            y.backward()


def test_function_works_without_recording():
    product, _ = Scale(2)(nd.array([2]), nd.array([3]))

    assert product.asscalar() == 12
