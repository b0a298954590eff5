"""Contexts: names for the CPU's memory."""

from __future__ import annotations

import pytest

import glueball as mx
from glueball import MXNetError, nd


def test_contexts_print_compare_and_hash_by_kind_and_number():
    assert repr(mx.cpu()) == "cpu(0)"
    assert repr(mx.cpu(1)) == "cpu(1)"
    assert repr(mx.gpu(2)) == "gpu(2)"
    assert mx.cpu() == mx.Context("cpu") == mx.Context(mx.cpu(0))
    assert mx.cpu() != mx.cpu(1)
    assert len({mx.cpu(), mx.cpu(0), mx.gpu()}) == 2
    assert mx.cpu(1).device_type == "cpu"
    assert mx.cpu(1).device_id == 1


def test_there_is_no_gpu():
    assert mx.num_gpus() == mx.context.num_gpus() == 0


def test_current_context_follows_the_with_block():
    assert mx.current_context() == mx.cpu()
    with mx.cpu(1):
        assert mx.current_context() == mx.cpu(1)
        with mx.Context("cpu", 2):
            assert mx.current_context() == mx.cpu(2)
    assert mx.current_context() == mx.cpu()


def test_gpu_can_be_named_but_not_used():
    with pytest.raises(
        MXNetError, match=r"expected the context cpu\(\), found gpu\(0\); glueball runs"
    ):
        nd.ones(2, ctx=mx.gpu())
    with pytest.raises(MXNetError, match=r"found gpu\(0\)"), mx.gpu():
        pass
    assert mx.current_context() == mx.cpu()


def test_other_devices_and_other_things_are_refused():
    with pytest.raises(ValueError, match=r"device type among cpu, gpu.*found 'tpu'"):
        mx.Context("tpu")
    with pytest.raises(ValueError, match=r"a context such as cpu\(\), found 'cpu' of type str"):
        nd.ones(2, ctx="cpu")
