"""What is said of calls whose arguments do not fit, and that all other errors stay as they are."""

import copy
import inspect
import pickle

import pytest

from glueball import autograd, gluon, init, nd, optimizer
from glueball.base import ArgumentError, GlueballTypeError, MXNetError
from glueball.gluon import nn


class Net(nn.Block):
    def __init__(self, width, **settings):
        super().__init__(**settings)
        self.width = width

    def forward(self, x, scale):
        return x * scale


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Net(), "expected 'width' of Net, found a call without; pass width too"),
        (lambda: Net(3, widht=4), "expected of Net the arguments width, prefix, params, found 'widht'; did you mean 'width'?"),
        (lambda: Net(3, width=4), "expected one value of 'width' of Net, found two; leave one out"),
        (lambda: Net(3, 4), r"expected at most 1 arguments without names of Net \(width\), found 2;"),
        (lambda: Net(3, prefix="net_")(nd.ones((1,))), "expected 'scale' of 'net', found a call without; pass scale too"),
        (lambda: optimizer.SGD(momentun=0.9), "expected of SGD the arguments .*, found 'momentun'; did you mean 'momentum'?"),
        (lambda: init.Normal(qqqq=1), "expected of Normal the arguments sigma, mean, found 'qqqq'; leave it out, or correct it"),
    ],
)  # fmt: skip
def test_call_that_does_not_fit_names_the_arguments_there_are(call, said):
    with pytest.raises(TypeError, match=said) as caught:
        call()
    assert isinstance(caught.value, MXNetError)


def test_type_error_of_the_program_itself_stays():
    def helper(a):
        return a

    class Own(nn.Block):
        def __init__(self, **settings):
            self.wanted = settings.pop("wanted")
            super().__init__(**settings)
            helper(b=1)

    with pytest.raises(TypeError, match=r"helper\(\) got an unexpected keyword argument 'b'"):
        Own(wanted=3)
    with pytest.raises(TypeError, match="unsupported operand"):
        Net(3)(nd.ones((1,)), None).missing  # noqa: B018


@pytest.mark.parametrize("kind", [nn.Dense, nn.Sequential, Net, optimizer.Adam, init.Xavier])
def test_signature_of_a_class_is_its_constructors(kind):
    names = list(inspect.signature(kind).parameters)

    assert "self" not in names
    assert names == list(inspect.signature(kind.__init__).parameters)[1:]


def test_what_is_explained_is_still_pickled():
    for each in (init.Normal(0.5), optimizer.Adam(0.1), nn.Dense(3)):
        assert type(pickle.loads(pickle.dumps(each))) is type(each)


@pytest.mark.parametrize("function", [nd.relu, gluon.Trainer.step, autograd.backward])
def test_functions_whose_calls_are_explained_are_functions_in_all_else(function):
    assert inspect.isfunction(function)
    assert inspect.getsource(function).startswith(("def ", "    def "))
    assert "self" not in inspect.signature(function.__get__(3)).parameters
    assert pickle.loads(pickle.dumps(function)) is function
    assert copy.deepcopy(function) is function


def test_values_that_a_function_of_arrays_cannot_use_are_shown():
    with pytest.raises(
        GlueballTypeError,
        match=r"^expected of topk arguments it can use, found data of shape \(1, 3\), k=1.5: .*; help\(topk\)",
    ) as caught:
        nd.topk(nd.ones((1, 3)), k=1.5)
    assert type(caught.value.__cause__) is TypeError
    with pytest.raises(ArgumentError, match=r"found .*axes=\(0, 5\): axis 5 is out of bounds"):
        nd.transpose(nd.ones((1, 3)), (0, 5))


def test_what_a_program_raises_within_a_function_of_arrays_stays():
    class Own(autograd.Function):
        def forward(self, x):
            return x

        def backward(self, grad):
            message = "mine"
            raise ValueError(message)

    x = nd.ones((2,))
    x.attach_grad()
    with autograd.record():
        y = Own()(x)

    with pytest.raises(ValueError, match="^mine$") as caught:
        y.backward()
    assert not isinstance(caught.value, MXNetError)
