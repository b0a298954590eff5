"""Parameter: its settings, its three states, and the messages of each."""

from __future__ import annotations

import copy
import gc
import weakref

import numpy as np
import pytest

from glueball import autograd, cpu, gpu, init, nd, npx
from glueball.base import (
    ArgumentError,
    DtypeError,
    MXNetError,
    NoGradientError,
    OutsideScopeError,
    ShapeError,
    UninitializedError,
)
from glueball.gluon import Parameter, nn, parameter


def ready(name="p", shape=(2, 3), value=1.0, **settings):
    made = Parameter(name, shape=shape, **settings)
    made.initialize(init.Constant(value))
    return made


def values(made):
    return made.data().asnumpy()


@pytest.mark.parametrize(
    ("shape", "shown"),
    [(3, "(3,)"), ((2, 0), "(2, 0)"), ([2, -1], "(2, 0)"), (None, "None"), ((), "()")],
)
def test_repr_gives_name_shape_and_one_spelling_of_the_dtype(shape, shown):
    for dtype in ("float32", np.float32, np.dtype("float32")):
        made = Parameter("p", shape=shape, dtype=dtype)
        assert repr(made) == str(made) == f"Parameter p (shape={shown}, dtype=float32)"


def test_settings_are_attributes():
    made = Parameter("p", shape=2, lr_mult=0.5, wd_mult=2.0, init="ones", dtype="float64")

    assert made.name == "p"
    assert made.shape == (2,)
    assert made.dtype == np.float64
    assert made.grad_req == "write"
    assert (made.lr_mult, made.wd_mult, made.init) == (0.5, 2.0, "ones")


def test_unknown_axes_are_minus_one_in_numpy_mode():
    made = Parameter("p", shape=(2, 0))
    npx.set_np()
    try:
        assert made.shape == (2, -1)
        assert str(made) == "Parameter p (shape=(2, -1), dtype=float32)"
        with pytest.raises(ValueError, match=r"because it has invalid shape: \(2, -1\)\."):
            made.initialize()
    finally:
        npx.reset_np()


def test_a_shape_can_be_completed_but_not_changed():
    made = Parameter("p", shape=(2, 0))
    made.shape = (0, 3)
    assert made.shape == (2, 3)

    for wrong in [(2, 4), (2, 3, 1), 6]:
        with pytest.raises(AssertionError) as caught:
            made.shape = wrong
        given = (6,) if wrong == 6 else wrong
        assert isinstance(caught.value, ShapeError)
        assert str(caught.value) == (
            f"Expected shape {given} is incompatible with given shape (2, 3). (Parameter 'p' has "
            "shape (2, 3); pass a shape whose known axes are equal, or make a new layer.)"
        )
    assert made.shape == (2, 3)


def test_the_message_about_a_shape_writes_unknown_axes_as_the_mode_does():
    made = Parameter("p", shape=(2, 0))

    with pytest.raises(
        AssertionError,
        match=r"Expected shape \(4, 0\) is incompatible with given shape \(2, 0\)\.",
    ):
        made.shape = (4, 0)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"name": 3}, TypeError, "expected a str as name of a Parameter, found 3 of type int"),
        ({"shape": "ab"}, TypeError, "expected an int or a tuple of int as shape of Parameter 'p'"),
        ({"shape": (2.5,)}, TypeError, r"found \(2.5,\); write 0 for an axis"),
        ({"shape": (-2, 3)}, ValueError, r"0 or more \(-1 for an unknown one\), found \(-2, 3\)"),
        ({"dtype": "int32"}, TypeError, "float32 or float64 for Parameter 'p', found 'int32'"),
        ({"dtype": "nosuch"}, TypeError, "float32 or float64 for Parameter 'p', found 'nosuch'"),
        (
            {"grad_req": "x"},
            AssertionError,
            "grad_req must be one of 'write', 'add', or 'null', but got 'x'",
        ),
        ({"stype": "csr"}, ValueError, "expected stype='default' for Parameter 'p', found 'csr'"),
        ({"grad_stype": "csr"}, ValueError, "expected grad_stype='default'"),
        ({"init": "nosuch"}, AssertionError, "nosuch is not registered"),
        ({"init": 3}, AssertionError, "initializer must be of string type.*found 3 of type int"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_wrong_setting_is_refused_when_the_parameter_is_made(settings, error, message):
    with pytest.raises(error, match=message):
        Parameter(**{"name": "p", "shape": (2,), **settings})


@pytest.mark.parametrize("wrong", [{"dtype": "int32"}, {"grad_req": "x"}, {"shape": "ab"}], ids=str)
def test_what_a_failed_constructor_leaves_behind_can_be_printed(wrong):
    """As debuggers and test runners do, who show the arguments of every function in a traceback."""
    with pytest.raises(MXNetError) as caught:
        Parameter("p", **wrong)

    found = [entry.frame.f_locals["self"] for entry in caught.traceback if entry.name == "__init__"]
    assert [repr(each) for each in found] == ["<Parameter, not constructed>"]


@pytest.mark.parametrize("ask", ["data", "grad", "list_data", "list_grad"])
def test_a_parameter_never_initialized_says_how_to_initialize_it(ask):
    made = Parameter("p", shape=(2,))

    with pytest.raises(RuntimeError) as caught:
        getattr(made, ask)()

    assert type(caught.value) is UninitializedError
    assert str(caught.value) == (
        "Parameter 'p' has not been initialized. Note that you should initialize parameters and "
        "create Trainer with Block.collect_params() instead of Block.params because the later does "
        "not include Parameters of nested child Blocks"
    )
    made.initialize("ones")
    np.testing.assert_array_equal(values(made), [1, 1])


def test_contexts_of_a_parameter_never_initialized_are_refused():
    made = Parameter("p", shape=(2,))

    with pytest.raises(RuntimeError, match=r"^Parameter 'p' has not been initialized$"):
        made.list_ctx()
    with pytest.raises(
        ValueError,
        match="Cannot reset context for Parameter 'p' because it has not been initialized.",
    ):
        made.reset_ctx(cpu(0))


@pytest.mark.parametrize("shape", [(2, 0), None], ids=str)
def test_an_unknown_shape_cannot_be_initialized_unless_it_may_wait(shape):
    made = Parameter("p", shape=shape)

    with pytest.raises(ValueError) as caught:
        made.initialize()

    assert str(caught.value).startswith(
        f"Cannot initialize Parameter 'p' because it has invalid shape: {shape}."
    )
    made.shape = (2, 3)
    made.initialize("ones")
    assert values(made).sum() == 6


@pytest.mark.parametrize(
    ("own", "argument", "default", "expected"),
    [
        (None, None, init.Constant(3), 3),
        (init.Constant(2), None, init.Constant(3), 2),
        (init.Constant(2), init.Constant(1), init.Constant(3), 1),
        (None, "ones", None, 1),
        ("zeros", None, "ones", 0),
    ],
)
def test_the_more_specific_initializer_wins(own, argument, default, expected):
    made = Parameter("p_weight", shape=(2,), init=own)
    made.initialize(argument, default_init=default)

    np.testing.assert_array_equal(values(made), [expected, expected])


def test_the_initializer_given_once_is_not_kept():
    made = Parameter("p_weight", shape=(2,), init="zeros")
    made.initialize(init.Constant(5))
    assert made.init == "zeros"

    made.initialize(force_reinit=True)
    np.testing.assert_array_equal(values(made), [0, 0])


def test_initializing_again_only_warns():
    made = ready(value=2)
    kept = made.data()

    with pytest.warns(UserWarning) as caught:
        made.initialize("zeros")

    assert str(caught[0].message) == (
        "Parameter 'p' is already initialized, ignoring. Set force_reinit=True to re-initialize."
    )
    assert caught[0].filename == __file__
    assert made.data() is kept
    assert (values(made) == 2).all()


def test_force_reinit_makes_new_arrays_and_cuts_off_the_old():
    made = ready(value=2)
    data, grad = made.data(), made.grad()
    grad[:] = 7

    made.initialize("zeros", force_reinit=True)

    assert (data.asnumpy() == 2).all()
    assert (values(made) == 0).all()
    assert (made.grad().asnumpy() == 0).all()
    data[:] = 5
    assert (values(made) == 0).all()
    assert (grad.asnumpy() == 7).all()


def test_a_shape_too_big_for_memory_is_a_memory_error_and_leaves_the_parameter_alone():
    made = Parameter("p", shape=(10**7, 10**7))

    with pytest.raises(MemoryError):
        made.initialize()

    with pytest.raises(UninitializedError):
        made.data()


def test_data_and_grad_are_the_same_objects_at_each_call():
    made = ready()

    assert made.data() is made.data()
    assert made.grad() is made.grad()
    assert made.list_data()[0] is made.data()
    assert made.list_grad()[0] is made.grad()


def test_data_is_the_parameters_own_memory_and_survives_it():
    made = ready()
    data = made.data()
    data[:] += 1
    data[0, 0] = 42

    np.testing.assert_array_equal(values(made), [[42, 2, 2], [2, 2, 2]])
    del made
    gc.collect()
    assert data[0, 0].asscalar() == 42


def test_the_gradient_is_zero_before_any_backward():
    made = ready(dtype="float64")

    assert made.grad().shape == (2, 3)
    assert made.grad().dtype == np.float64
    assert (made.grad().asnumpy() == 0).all()


def backward(made, factor):
    with autograd.record():
        loss = (made.data() * factor).sum()
    loss.backward()


@pytest.mark.parametrize(("grad_req", "expected"), [("write", 5), ("add", 8)])
def test_grad_req_says_whether_backward_overwrites_or_adds(grad_req, expected):
    made = ready(grad_req=grad_req)
    backward(made, 3)
    backward(made, 5)

    np.testing.assert_array_equal(made.grad().asnumpy(), np.full((2, 3), expected))
    made.zero_grad()
    np.testing.assert_array_equal(made.grad().asnumpy(), np.zeros((2, 3)))


def test_grad_req_null_drops_the_gradient_and_write_starts_it_at_zero():
    made = ready()
    made.grad()[:] = 3
    made.grad_req = "null"

    with pytest.raises(RuntimeError) as caught:
        made.grad()
    assert type(caught.value) is NoGradientError
    assert str(caught.value) == (
        "Cannot get gradient array for Parameter 'p' because grad_req='null'"
    )
    with pytest.raises(NoGradientError):
        made.list_grad()

    made.grad_req = "write"
    assert (made.grad().asnumpy() == 0).all()


def test_another_grad_req_is_refused_and_the_old_one_kept():
    made = ready()

    with pytest.raises(AssertionError) as caught:
        made.grad_req = "overwrite"

    assert str(caught.value) == (
        "grad_req must be one of 'write', 'add', or 'null', but got 'overwrite'"
    )
    assert made.grad_req == "write"


def test_what_is_not_differentiable_never_has_a_gradient():
    made = ready(differentiable=False)
    made.grad_req = "write"

    assert made.grad_req == "null"
    assert copy.deepcopy(made).grad_req == "null"
    twin = copy.deepcopy(made)
    twin.grad_req = "write"
    assert twin.grad_req == "null"


def test_zero_grad_does_nothing_where_there_is_no_gradient():
    never = Parameter("p", shape=(2,))
    frozen = ready(grad_req="null")
    waiting = Parameter("p", shape=(2, 0), allow_deferred_init=True)
    waiting.initialize()

    before = frozen.data().asnumpy()
    for made in (never, frozen, waiting):
        made.zero_grad()

        with pytest.raises(MXNetError):
            made.grad()
    np.testing.assert_array_equal(frozen.data().asnumpy(), before)


def test_a_parameter_is_freed_with_its_last_reference_without_garbage_collection():
    made = ready()
    backward(made, 2)
    watched = weakref.ref(made)
    gc.disable()
    try:
        del made
        assert watched() is None
    finally:
        gc.enable()


def test_cast_makes_new_arrays_of_the_dtype():
    made = ready(value=1.5)
    made.grad()[:] = 2
    old = made.data()
    made.cast("float64")

    assert made.dtype == made.data().dtype == made.grad().dtype == np.float64
    assert (values(made) == 1.5).all()
    assert (made.grad().asnumpy() == 2).all()
    assert old.dtype == np.float32
    made.set_data(np.ones((2, 3), "float32"))
    assert made.data().dtype == np.float64


@pytest.mark.parametrize("dtype", ["int32", "float16", "complex64", object])
def test_cast_to_what_layers_do_not_compute_in_is_refused(dtype):
    made = ready()

    with pytest.raises(
        DtypeError, match="expected dtype float32 or float64 for Parameter 'p', found"
    ):
        made.cast(dtype)

    assert made.data().dtype == np.float32


def test_a_context_other_than_the_parameters_is_refused():
    made = ready()
    assert made.list_ctx() == [cpu(0)]
    assert made.data(cpu(0)) is made.data()
    assert made.grad(cpu(0)) is made.grad()

    for ask in (made.data, made.grad):
        with pytest.raises(RuntimeError) as caught:
            ask(cpu(1))
        assert str(caught.value) == (
            "Parameter 'p' was not initialized on context cpu(1). It was only initialized on [cpu(0)]."
        )


def test_contexts_may_be_several_and_be_changed():
    made = Parameter("p", shape=(2,))
    made.initialize("ones", ctx=[cpu(0), cpu(1)])
    assert made.list_ctx() == [cpu(0), cpu(1)]
    assert len(made.list_data()) == len(made.list_grad()) == 2
    assert made.data(cpu(1)).sum().asscalar() == 2

    made.reset_ctx(cpu(3))
    assert made.list_ctx() == [cpu(3)]
    assert made.data(cpu(3)).sum().asscalar() == 2


def test_the_current_context_is_where_parameters_go():
    with cpu(2):
        made = ready()

    assert made.list_ctx() == [cpu(2)]
    assert made.data().sum().asscalar() == 6


@pytest.mark.parametrize(
    ("ctx", "error", "message"),
    [
        (gpu(0), MXNetError, r"expected the context cpu\(\), found gpu\(0\)"),
        ([cpu(0), gpu(1)], MXNetError, r"found gpu\(1\)"),
        ("cpu", ArgumentError, r"expected a context such as cpu\(\), found 'cpu' of type str"),
        ([], ArgumentError, "expected at least one context, found an empty list"),
    ],
    ids=str,
)
def test_other_contexts_are_refused_and_the_parameter_left_alone(ctx, error, message):
    made = Parameter("p", shape=(2,))

    with pytest.raises(error, match=message):
        made.initialize(ctx=ctx)

    with pytest.raises(UninitializedError):
        made.data()
    made.initialize("ones")
    with pytest.raises(error, match=message):
        made.reset_ctx(ctx)
    assert made.list_ctx() == [cpu(0)]


def test_multipliers_can_be_changed_at_any_time():
    layer = nn.Dense(1, in_units=1)
    layer.weight.lr_mult = 0.25
    layer.collect_params().setattr("wd_mult", 0.0)

    assert layer.weight.lr_mult == 0.25
    assert layer.bias.wd_mult == 0.0


@pytest.mark.parametrize("name", ["lr_mult", "wd_mult"])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("a", TypeError, "expected a number as {} of Parameter 'w', found 'a' of type str"),
        (None, TypeError, "expected a number as {} of Parameter 'w', found None"),
        (float("nan"), ValueError, "expected a finite {} of Parameter 'w', found nan"),
        (float("inf"), ValueError, "expected a finite {} of Parameter 'w', found inf"),
    ],
)
def test_multipliers_that_are_not_finite_numbers_are_refused(name, value, error, message):
    parameter = Parameter("w", shape=(2,), **{name: 3})

    with pytest.raises(error, match=message.format(name)):
        setattr(parameter, name, value)
    with pytest.raises(error, match=message.format(name)):
        Parameter("w", shape=(2,), **{name: value})

    assert getattr(parameter, name) == 3


def test_setting_the_dtype_casts():
    parameter = Parameter("w", shape=(2,))
    parameter.dtype = "float64"
    parameter.initialize(init="ones")
    assert parameter.data().dtype == "float64"

    parameter.dtype = np.float32

    assert parameter.dtype == "float32"
    assert parameter.grad().dtype == "float32"
    with pytest.raises(TypeError, match="expected dtype float32 or float64"):
        parameter.dtype = "int32"


@pytest.mark.parametrize(
    ("use", "field"),
    [
        (lambda each: each.var(), "var', which is for symbolic graphs"),
        (lambda each: each.row_sparse_data(nd.array([0])), "which is for sparse arrays"),
        (lambda each: each.list_row_sparse_data(nd.array([0])), "which is for sparse arrays"),
    ],
)
def test_what_dense_networks_do_without_says_so(use, field):
    with pytest.raises(OutsideScopeError, match=field):
        use(Parameter("w", shape=(2,)))


def test_the_modules_names_are_those_that_scripts_catch():
    assert parameter.Parameter is Parameter
    assert issubclass(parameter.DeferredInitializationError, MXNetError)
    assert issubclass(MXNetError, RuntimeError)


def test_numpy_mode_hands_out_arrays_of_its_own_kind_on_the_same_memory():
    made = ready()
    npx.set_np()
    try:
        made.initialize("zeros", force_reinit=True)
        array = made.data()
        assert repr(array) == "array([[0., 0., 0.],\n       [0., 0., 0.]])"
        with pytest.raises(TypeError, match="Cannot assign mx.nd.NDArray to mxnet.numpy.ndarray"):
            made.set_data(nd.ones((2, 3)))
        assert (np.asarray(made.data()) == 0).all()
    finally:
        npx.reset_np()
