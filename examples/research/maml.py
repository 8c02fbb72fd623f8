"""MAML: weights from which one gradient step fits a new sine wave (Finn et al. 2017, arXiv:1703.03400)."""

import jax
import jax.numpy as jnp
import optax
from _research import smoke, tell

import jkeras
from jkeras import layers

model = jkeras.Sequential([jkeras.Input((1,)), *(layers.Dense(40, activation="tanh") for _ in range(2))])
model.add(layers.Dense(1))
init, apply = model.pure()
params, state = init(jax.random.key(0), (None, 1))
optimizer = optax.adam(1e-3)


def loss(params, x, y):
    return jnp.mean((apply(params, state, x).y - y) ** 2)


def adapted(params, task):
    height, shift, x = task
    y = height * jnp.sin(x + shift)
    near = jax.tree.map(lambda w, g: w - 0.05 * g, params, jax.grad(loss)(params, x[:10], y[:10]))
    return loss(near, x[10:], y[10:])  # a derivative of a derivative


def step(carry, key):
    params, slots = carry
    keys = jax.random.split(key, 3)
    heights, shifts = jax.random.uniform(keys[0], (2, 25)) * jnp.array([[4.9], [jnp.pi]]) + 0.1
    tasks = heights, shifts, jax.random.uniform(keys[1], (25, 20, 1), minval=-5, maxval=5)
    value, grads = jax.value_and_grad(lambda p: jax.vmap(adapted, (None, 0))(p, tasks).mean())(params)
    updates, slots = optimizer.update(grads, slots)
    return (optax.apply_updates(params, updates), slots), value


steps = jax.random.split(jax.random.key(1), 60 if smoke else 3000)
first = params, optimizer.init(params)
(params, _), losses = jax.jit(lambda carry: jax.lax.scan(step, carry, steps))(first)
tell(losses)
