"""Networks as tables of layers, the data they learn from, and their hand-written form in JAX.

A layer is a tuple: its kind and its numbers. Each contestant builds them in its own way; hidden layers have
relu, the last one gives logits.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from baseline import dropout


class Network(NamedTuple):
    """A classifier, and how it is trained: `rows` samples of `shape`, in batches, with Adam."""

    layers: tuple[tuple, ...]
    shape: tuple[int, ...]
    rows: int
    epochs: int  # per measured call of fit
    batch: int = 128
    classes: int = 10
    words: int | None = None  # whole numbers below this instead of numbers in [0, 1)


NETWORKS = {
    "mlp-tiny": Network(
        (("dense", 64), ("dropout", 0.5), ("dense", 64), ("dropout", 0.5), ("dense", 10)),
        (20,),
        rows=1000,
        epochs=50,
    ),
    "mlp-mnist": Network(
        (("dense", 512), ("dropout", 0.2), ("dense", 512), ("dropout", 0.2), ("dense", 10)),
        (784,),
        rows=60000,
        epochs=5,
    ),
    "cnn-mnist": Network(
        (("conv", 32, 3), ("conv", 64, 3), ("pool", 2), ("dropout", 0.25), ("flatten",))
        + (("dense", 128), ("dropout", 0.5), ("dense", 10)),
        (28, 28, 1),
        rows=60000,
        epochs=2,
    ),
    "vgg-like": Network(
        (("conv", 32, 3), ("conv", 32, 3), ("pool", 2), ("conv", 64, 3), ("conv", 64, 3), ("pool", 2))
        + (("flatten",), ("dense", 256), ("dropout", 0.5), ("dense", 10)),
        (100, 100, 3),
        rows=2000,
        epochs=6,
    ),
    "conv1d": Network(
        (("conv", 64, 3), ("conv", 64, 3), ("pool", 3), ("conv", 128, 3), ("conv", 128, 3), ("mean",))
        + (("dropout", 0.5), ("dense", 10)),
        (64, 100),
        rows=10000,
        epochs=8,
    ),
    "lstm-imdb": Network(
        (("embedding", 20000, 128), ("lstm", 128), ("dropout", 0.5), ("dense", 10)),
        (80,),
        rows=5000,
        epochs=2,
        words=20000,
    ),
}


def data(net: Network) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and one-hot labels."""
    random = np.random.RandomState(0)
    size = (net.rows, *net.shape)
    x = random.randint(0, net.words, size).astype("int32") if net.words else random.rand(*size)
    y = np.eye(net.classes, dtype="float32")[random.randint(0, net.classes, net.rows)]
    return x if net.words else x.astype("float32"), y


def sizes(net: Network) -> list[tuple[int, ...]]:
    """The shape that each layer gets, and at last the shape of the logits."""
    shapes = [net.shape]
    for kind, *numbers in net.layers:
        shape = shapes[-1]
        shapes.append(
            {
                "conv": lambda s, units, width: (*(n - width + 1 for n in s[:-1]), units),
                "pool": lambda s, width: (*(n // width for n in s[:-1]), s[-1]),
                "flatten": lambda s: (int(np.prod(s)),),
                "mean": lambda s: s[-1:],
                "embedding": lambda s, words, units: (*s, units),
                "lstm": lambda s, units: (units,),
                "dense": lambda s, units: (*s[:-1], units),
                "dropout": lambda s, rate: s,
            }[kind](shape, *numbers)
        )
    return shapes


def init(net: Network) -> list[dict]:
    """Glorot uniform kernels, zero biases."""
    random, params = np.random.RandomState(0), []

    def glorot(*shape):
        limit = np.sqrt(6 / (np.prod(shape[:-2]) * (shape[-2] + shape[-1])))
        return jnp.asarray(random.uniform(-limit, limit, shape), jnp.float32)

    for (kind, *numbers), shape in zip(net.layers, sizes(net), strict=False):
        if kind == "dense":
            params.append({"kernel": glorot(shape[-1], numbers[0]), "bias": jnp.zeros(numbers[0])})
        elif kind == "conv":
            windows = (numbers[1],) * (len(shape) - 1)
            params.append({"kernel": glorot(*windows, shape[-1], numbers[0]), "bias": jnp.zeros(numbers[0])})
        elif kind == "embedding":
            params.append({"table": jnp.asarray(random.uniform(-0.05, 0.05, numbers), jnp.float32)})
        elif kind == "lstm":
            units = numbers[0]
            kernels = {"kernel": glorot(shape[-1], 4 * units), "recurrent": glorot(units, 4 * units)}
            params.append(kernels | {"bias": jnp.zeros(4 * units)})
        else:
            params.append({})
    return params


def forward(net: Network, params: list[dict], x, seed=None):
    """The logits; dropout where there is a seed."""
    for i, ((kind, *numbers), p) in enumerate(zip(net.layers, params, strict=True)):
        if kind == "dense":
            x = x @ p["kernel"] + p["bias"]
            x = x if i == len(params) - 1 else jax.nn.relu(x)
        elif kind == "conv":
            axes = "HW"[: x.ndim - 2]
            names = (f"N{axes}C", f"{axes}IO", f"N{axes}C")
            y = lax.conv_general_dilated(x, p["kernel"], (1,) * len(axes), "VALID", dimension_numbers=names)
            x = jax.nn.relu(y + p["bias"])
        elif kind == "pool":
            window = (1, *(numbers[0] for _ in x.shape[1:-1]), 1)
            x = lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
        elif kind == "lstm":
            x = _lstm(p, x)
        elif kind == "embedding":
            x = p["table"][x]
        elif kind == "dropout":
            x = x if seed is None else dropout(x, numbers[0], seed + np.uint32(i * 0x27D4EB2F % 2**32))
        else:
            x = x.mean(1) if kind == "mean" else x.reshape(x.shape[0], -1)
    return x


def _lstm(p: dict, x):
    """The last output; the product with the inputs before the loop."""
    z = jnp.swapaxes(x, 0, 1) @ p["kernel"] + p["bias"]

    def step(state, z):
        h, c = state
        i, f, g, o = jnp.split(z + h @ p["recurrent"], 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zero = jnp.zeros((x.shape[0], p["recurrent"].shape[0]))
    return lax.scan(step, (zero, zero), z, unroll=4)[0][0]


class HandWritten:
    """An epoch is one dispatch: a scan over its steps, the data resident, the state donated."""

    def __init__(self, net: Network, x: np.ndarray, y: np.ndarray):
        self.net, self.x, self.y = net, jnp.asarray(x), jnp.asarray(y)
        self.random, self.optimizer = np.random.RandomState(0), optax.adam(1e-3)
        params = init(net)
        self.state = params, self.optimizer.init(params), jnp.uint32(0)

    def fit(self, epochs: int) -> float:
        loss, whole = None, self.net.rows // self.net.batch
        for _ in range(epochs):
            order = self.random.permutation(self.net.rows).astype("int32")
            self.state, loss = self._epoch(self.state, self.x, self.y, order, whole)
        return float(jax.block_until_ready((self.state, loss))[1])

    def predict(self) -> np.ndarray:
        return np.asarray(self._predict(self.state[0], self.x))

    @partial(jax.jit, static_argnums=0)
    def _predict(self, params, x):
        return lax.map(lambda row: jax.nn.softmax(forward(self.net, params, row[None])[0]), x, batch_size=256)

    @partial(jax.jit, static_argnums=0, donate_argnums=1)
    def _epoch(self, state, x, y, order, count):
        size, rows = self.net.batch, self.net.rows

        def step(carry, at):
            state, total = carry
            state, values = self._step(state, x[at], y[at])
            return state, total + values * len(at)

        whole = order[: rows // size * size].reshape(-1, size)
        carry = self._loop(step, (state, jnp.zeros(2)), whole, count)
        if rows % size:
            carry = step(carry, order[-(rows % size) :])
        return carry[0], carry[1][0] / rows

    def _loop(self, step, carry, whole, count):
        return lax.scan(lambda carry, at: (step(carry, at), None), carry, whole)[0]

    def _step(self, state, x, y):
        params, slots, count = state

        def loss_of(params):
            logits = forward(self.net, params, x, count * np.uint32(0x9E3779B9))
            right = jnp.argmax(logits, -1) == jnp.argmax(y, -1)
            return optax.softmax_cross_entropy(logits, y).mean(), right.mean()

        (loss, accuracy), gradients = jax.value_and_grad(loss_of, has_aux=True)(params)
        updates, slots = self.optimizer.update(gradients, slots, params)
        return (optax.apply_updates(params, updates), slots, count + 1), jnp.stack([loss, accuracy])


class Dynamic(HandWritten):
    """The same with a number of steps that the program learns when it runs, as jkeras's loop has it."""

    def _loop(self, step, carry, whole, count):
        return lax.fori_loop(0, count, lambda i, carry: step(carry, whole[i]), carry)
