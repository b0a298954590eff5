"""Nets of given layers, and what initialized parameters hold."""

from __future__ import annotations

from glueball.gluon import nn


def net_of(*layers):
    net = nn.Sequential()
    net.add(*layers)
    return net


def values(parameter):
    return parameter.data().asnumpy()


def every(parameter):
    """Return the one number that fills the parameter."""
    found = set(values(parameter).ravel().tolist())
    assert len(found) == 1
    return found.pop()
