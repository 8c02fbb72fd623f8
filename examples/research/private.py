"""Gradients of single examples, and DP-SGD: clipped, summed, noised (Abadi et al. 2016, arXiv:1607.00133)."""

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
from _research import smoke, tell

import jkeras
from jkeras import layers

(x, y), _ = jkeras.datasets.digits.load_data()
x = (x / 16).astype("float32")
model = jkeras.Sequential([jkeras.Input((8, 8)), layers.Flatten(), layers.Dense(32, activation="relu")])
model.add(layers.Dense(10, activation="softmax"))
model.compile("sgd", "sparse_categorical_crossentropy", devices=1)
step = model.step()  # its loss is that of `fit`, with penalties, masks and weights
params, state, _ = step.init()
rate, most, noise, rows = 0.5, 1.0, 0.6, 128


def clipped(params, x, y):
    value, grad = jax.value_and_grad(lambda p: step.loss(p, state, (x[None], y[None]))[0])(params)
    norm = jnp.linalg.norm(jax.flatten_util.ravel_pytree(grad)[0])
    return value, jax.tree.map(lambda g: g * jnp.minimum(1, most / norm), grad)


@jax.jit
def private_step(params, key, x, y):
    values, grads = jax.vmap(clipped, (None, 0, 0))(params, x, y)  # a row for each example
    total, unravel = jax.flatten_util.ravel_pytree(jax.tree.map(lambda g: g.sum(0), grads))
    total += noise * most * jax.random.normal(key, total.shape)
    return jax.tree.map(lambda w, g: w - rate / rows * g, params, unravel(total)), values.mean()


losses, rng = [], np.random.RandomState(0)
for number in range(20 if smoke else 600):
    some = rng.randint(0, len(x), rows)
    params, value = private_step(params, jax.random.key(number), x[some], y[some][:, None])
    losses.append(value)
model.put(params)
print("accuracy:", np.mean(model.predict(x).argmax(-1) == y))
tell(losses)
