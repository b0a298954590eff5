"""What all tests start from."""

from __future__ import annotations

import sys

import pytest
from hypothesis import HealthCheck, settings

from glueball import metric, optimizer

# Timings never decide a test: other work may share the machine.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def own_registrations():
    """Take back what a test registers: errors list the registered names."""
    registries = (metric._base.REGISTRY, optimizer.Optimizer.opt_registry)
    before = [dict(each) for each in registries]
    yield
    for registry, names in zip(registries, before, strict=True):
        if registry != names:
            registry.clear()
            registry.update(names)


@pytest.fixture(autouse=True)
def own_mxnet():
    """Refuse tests that stand in for MXNet in this process: classes have other names after it, for good."""
    yield
    assert "mxnet" not in sys.modules, "run glueball.install_as_mxnet() in a process of its own"
