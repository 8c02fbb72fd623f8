"""A physics-informed network: y'' = -y with y(0) = 0, y'(0) = 1 is solved by the sine (arXiv:1711.10561)."""

import jax
import jax.numpy as jnp
import optax
from _research import smoke, tell

import jkeras
from jkeras import layers

model = jkeras.Sequential([jkeras.Input((1,)), layers.Dense(32, activation="tanh")])
model.add(layers.Dense(32, activation="tanh"))
model.add(layers.Dense(1))
init, apply = model.pure()
params, state = init(jax.random.key(0), (None, 1))
optimizer = optax.adam(3e-3)
times = jnp.linspace(0, 3, 64)


def loss(params):
    def y(t):
        return apply(params, state, t.reshape(1, 1)).y[0, 0]

    slope = jax.grad(y)
    residual = jax.vmap(lambda t: jax.grad(slope)(t) + y(t))(times)
    start = jnp.zeros(())
    return jnp.mean(residual**2) + y(start) ** 2 + (slope(start) - 1) ** 2


def step(carry, _):
    params, slots = carry
    value, grads = jax.value_and_grad(loss)(params)
    updates, slots = optimizer.update(grads, slots)
    return (optax.apply_updates(params, updates), slots), value


first = params, optimizer.init(params)
(params, _), losses = jax.jit(lambda c: jax.lax.scan(step, c, length=50 if smoke else 3000))(first)
print("largest error:", float(jnp.abs(apply(params, state, times[:, None]).y[:, 0] - jnp.sin(times)).max()))
tell(losses)
