"""A neural ODE: the field of a spiral learned from one path by gradients through the solver
(arXiv:1806.07366)."""

import jax
import jax.numpy as jnp
import optax
from _research import smoke, tell

import jkeras
from jkeras import layers

field = jkeras.Sequential([jkeras.Input((2,)), layers.Dense(32, activation="tanh"), layers.Dense(2)])
init, apply = field.pure()
params, state = init(jax.random.key(0), (None, 2))
optimizer = optax.adam(1e-2)
start, pause = jnp.array([2.0, 0.0]), 0.1


def path(velocity):
    """Forty steps of Runge and Kutta."""

    def turn(z, _):
        a = velocity(z)
        b = velocity(z + pause / 2 * a)
        c = velocity(z + pause / 2 * b)
        d = velocity(z + pause * c)
        z = z + pause / 6 * (a + 2 * b + 2 * c + d)
        return z, z

    return jax.lax.scan(turn, start, length=40)[1]


truth = path(lambda z: jnp.array([[-0.1, 2.0], [-2.0, -0.1]]) @ z)


def step(carry, _):
    params, slots = carry
    loss = lambda p: jnp.mean((path(lambda z: apply(p, state, z[None]).y[0]) - truth) ** 2)  # noqa: E731
    value, grads = jax.value_and_grad(loss)(params)
    updates, slots = optimizer.update(grads, slots)
    return (optax.apply_updates(params, updates), slots), value


first = params, optimizer.init(params)
_, losses = jax.jit(lambda c: jax.lax.scan(step, c, length=30 if smoke else 2000))(first)
tell(losses)
