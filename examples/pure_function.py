"""A model as two pure functions, `init` and `apply`, in a training loop written by hand with optax.

`vmap` of the gradient gives the gradient of each example; here they are clipped one by one before they are
averaged, so that no single example can pull the weights far (the heart of private training).
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from _common import Example, digits, most_frequent

from jkeras import Ctx
from jkeras.layers import Dense, Dropout, Flatten
from jkeras.models import Sequential

example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = digits()

init, apply = Sequential([Flatten(), Dense(64, activation="relu"), Dropout(0.2), Dense(10)]).pure()
params, state = init(jax.random.key(0), (None, 8, 8))  # params: {"dense_1": {"kernel": …, "bias": …}, …}
optimizer = optax.adam(1e-3)
slots = optimizer.init(params)


def loss(params, x, y, key):
    """Of one example."""
    logits = apply(params, state, x[None], Ctx(rng=key, training=True)).y[0]
    return optax.softmax_cross_entropy_with_integer_labels(logits, y)


def clip(gradient):
    return jax.tree.map(lambda g: g * jnp.minimum(1, 1 / optax.global_norm(gradient)), gradient)


@jax.jit
def step(params, slots, x, y, key):
    keys = jax.random.split(key, len(x))  # a dropout mask for each example
    losses, gradients = jax.vmap(jax.value_and_grad(loss), (None, 0, 0, 0))(params, x, y, keys)
    gradient = jax.tree.map(lambda g: g.mean(axis=0), jax.vmap(clip)(gradients))
    updates, slots = optimizer.update(gradient, slots, params)
    return optax.apply_updates(params, updates), slots, losses.mean()


losses = []
for epoch in range(example.size(30, 3)):
    order = np.random.RandomState(epoch).permutation(len(x_train))
    batches = order[: len(order) // 32 * 32].reshape(-1, 32)
    mean = 0.0
    for i, rows in enumerate(batches):
        key = jax.random.fold_in(jax.random.key(epoch), i)
        params, slots, value = step(params, slots, x_train[rows], y_train[rows], key)
        mean += float(value) / len(batches)
    losses.append(mean)

accuracy = np.mean(np.argmax(apply(params, state, x_test).y, axis=1) == y_test)
guess = most_frequent(y_train, y_test)
example.finish("test accuracy", accuracy, losses, baseline=guess, at_least=0.94)
