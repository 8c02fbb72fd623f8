"""The best training loop for these models that we could write by hand in JAX: the measure of jkeras.

An epoch is one dispatch: `lax.scan` over its steps, the data resident on the device and gathered by a
permutation, the state donated, dropout bits from a counter hash that fuses into its consumer. The loss and
the accuracy of every step are computed too.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from workloads import Workload


def init(work: Workload) -> list[dict]:
    """Glorot uniform kernels and zero biases."""
    random, params = np.random.RandomState(0), []
    sizes = (work.features, *work.hidden, work.classes)
    for n, m in zip(sizes, sizes[1:], strict=False):
        limit = np.sqrt(6 / (n + m))
        kernel = random.uniform(-limit, limit, (n, m)).astype("float32")
        params.append({"kernel": jnp.asarray(kernel), "bias": jnp.zeros(m)})
    return params


def dropout(x, rate: float, seed):
    """Keep each element with probability `1 - rate`; the bits are a hash of (seed, position)."""
    n = lax.iota(jnp.uint32, x.size).reshape(x.shape) * np.uint32(0x9E3779B1) + seed
    n = (n ^ (n >> 15)) * np.uint32(0x85EBCA77)
    n = (n ^ (n >> 13)) * np.uint32(0xC2B2AE3D)
    keep = (n ^ (n >> 16)) >= np.uint32(rate * 2**32)
    return jnp.where(keep, x * np.float32(1 / (1 - rate)), 0)


def forward(work: Workload, params, x, seed):
    """The logits, with dropout."""
    for i, layer in enumerate(params[:-1]):
        x = jax.nn.relu(x @ layer["kernel"] + layer["bias"])
        x = dropout(x, work.dropout, seed + np.uint32(i * 0x27D4EB2F))
    return x @ params[-1]["kernel"] + params[-1]["bias"]


class Baseline:
    """`fit(epochs)` trains; it returns the loss and the accuracy of the last epoch."""

    def __init__(self, work: Workload, x: np.ndarray, y: np.ndarray):
        self.work, self.x, self.y = work, jnp.asarray(x), jnp.asarray(y)
        self.random = np.random.RandomState(0)
        self.optimizer = {
            "sgd": lambda: optax.sgd(0.01, momentum=0.9, nesterov=True),
            "rmsprop": lambda: optax.rmsprop(0.001, decay=0.9, eps=1e-7),
        }[work.optimizer]()
        params = init(work)
        self.state = params, self.optimizer.init(params), jnp.uint32(0)

    def fit(self, epochs: int) -> np.ndarray:
        for _ in range(epochs):
            order = self.random.permutation(self.work.rows).astype("int32")
            self.state, means = self._epoch(self.state, self.x, self.y, order)
        return np.asarray(jax.block_until_ready((self.state, means))[1])

    @partial(jax.jit, static_argnums=0, donate_argnums=1)
    def _epoch(self, state, x, y, order):
        whole = self.work.rows // self.work.batch * self.work.batch

        def step(carry, rows):
            state, total = carry
            state, values = self._step(state, x[rows], y[rows])
            return (state, total + values * len(rows)), None

        rows = order[:whole].reshape(-1, self.work.batch)
        carry, _ = lax.scan(step, (state, jnp.zeros(2)), rows)
        if whole < self.work.rows:
            carry, _ = step(carry, order[whole:])
        return carry[0], carry[1] / self.work.rows

    def _step(self, state, x, y):
        params, slots, count = state

        def loss_of(params):
            logits = forward(self.work, params, x, count * np.uint32(0x9E3779B9))
            right = jnp.argmax(logits, -1) == jnp.argmax(y, -1)
            return optax.softmax_cross_entropy(logits, y).mean(), right.mean()

        (loss, accuracy), gradients = jax.value_and_grad(loss_of, has_aux=True)(params)
        updates, slots = self.optimizer.update(gradients, slots, params)
        return (optax.apply_updates(params, updates), slots, count + 1), jnp.stack([loss, accuracy])
