"""JAX with jit: forward, and the whole training step with its state donated."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from bench.cases import MOMENTUM
from bench.peers.base import Call, Peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.cases import Net


class Competitor(Peer):
    def __init__(self, threads: int) -> None:
        # XLA has no setting for it: it starts as many threads as processors it may run on.
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, sorted(allowed)[:threads])
        jax.devices()
        for thread in map(int, os.listdir("/proc/self/task")):
            os.sched_setaffinity(thread, allowed)

    def forward(self, net: Net) -> Call:
        layers, x = as_jax(net), jnp.asarray(net.x)
        compiled = jax.jit(apply).lower(layers, x).compile()
        return lambda: compiled(layers, x).block_until_ready()

    def train(self, net: Net, rate: float) -> tuple[Call, Callable[[], list[Any]]]:
        x, labels = jnp.asarray(net.x), jnp.asarray(net.labels)

        def step(layers: Any, momenta: Any) -> Any:
            loss, grads = jax.value_and_grad(loss_of)(layers, x, labels)
            momenta = jax.tree.map(lambda m, g: MOMENTUM * m - rate * g, momenta, grads)
            return jax.tree.map(jnp.add, layers, momenta), momenta, loss

        layers = as_jax(net)
        momenta = jax.tree.map(jnp.zeros_like, layers)
        compiled = jax.jit(step, donate_argnums=(0, 1)).lower(layers, momenta).compile()
        state = [layers, momenta]

        def run() -> Any:
            state[0], state[1], loss = compiled(*state)
            return loss.block_until_ready()

        return run, lambda: jax.tree.leaves(state[0])

    def fill(self, distribution: str, count: int) -> Call:
        draw = {
            "uniform": lambda key: jax.random.uniform(key, (count,), minval=-0.07, maxval=0.07),
            "normal": lambda key: 0.01 * jax.random.normal(key, (count,)),
            "truncated normal": lambda key: (
                0.01 * jax.random.truncated_normal(key, -2, 2, (count,))
            ),
        }[distribution]
        key = jax.random.key(0)
        compiled = jax.jit(draw).lower(key).compile()
        return lambda: compiled(key).block_until_ready()

    def orthogonal(self, rows: int) -> Call:
        key = jax.random.key(0)
        initializer = jax.nn.initializers.orthogonal()
        compiled = jax.jit(lambda key: initializer(key, (rows, rows))).lower(key).compile()
        return lambda: compiled(key).block_until_ready()


def as_jax(net: Net) -> list[tuple[jax.Array, jax.Array]]:
    """Return the layers as JAX arrays."""
    return [(jnp.asarray(weight), jnp.asarray(bias)) for weight, bias in net.layers]


def apply(layers: Any, x: jax.Array) -> jax.Array:
    """Return the net's output."""
    for weight, bias in layers[:-1]:
        x = jax.nn.relu(x @ weight.T + bias)
    weight, bias = layers[-1]
    return x @ weight.T + bias


def loss_of(layers: Any, x: jax.Array, labels: jax.Array) -> jax.Array:
    """Return the batch's mean cross entropy."""
    log_probabilities = jax.nn.log_softmax(apply(layers, x))
    return -jnp.take_along_axis(log_probabilities, labels[:, None], axis=1).mean()
