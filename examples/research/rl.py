"""Reinforcement learning in one program: the poles of 64 carts, and the policy's gradient, in a scan."""

import jax
import jax.numpy as jnp
import optax
from _research import smoke, tell

import jkeras
from jkeras import layers

policy = jkeras.Sequential([jkeras.Input((4,)), layers.Dense(32, activation="tanh"), layers.Dense(2)])
init, apply = policy.pure()
params, state = init(jax.random.key(0), (None, 4))
optimizer = optax.adam(1e-2)


def pushed(cart, action):
    """A cart-pole, 0.02 s later; it stays where it fell."""
    x, v, angle, w = cart.T
    force = jnp.where(action == 1, 10.0, -10.0)
    pull = (force + 0.05 * w**2 * jnp.sin(angle)) / 1.1
    turn = (9.8 * jnp.sin(angle) - jnp.cos(angle) * pull) / (0.5 * (4 / 3 - 0.1 * jnp.cos(angle) ** 2 / 1.1))
    move = jnp.stack([v, pull - 0.05 * turn * jnp.cos(angle) / 1.1, w, turn], -1)
    return jnp.where(stands(cart)[:, None], cart + 0.02 * move, cart)


def stands(cart):
    return (abs(cart[:, 0]) < 2.4) & (abs(cart[:, 2]) < 0.21)


def step(carry, key):
    def turn(cart, key):
        logits = apply(params, state, cart).y
        action = jax.random.categorical(key, logits)
        return pushed(cart, action), (cart, action, stands(cart))

    (params, slots), carts = carry, 0.1 * jax.random.uniform(key, (64, 4)) - 0.05
    _, (seen, actions, alive) = jax.lax.scan(turn, carts, jax.random.split(key, 200))
    left = jnp.cumsum(alive[::-1], 0)[::-1]
    gain = jnp.where(alive, left - left.mean(1, keepdims=True), 0) / 50

    def loss(params):
        chances = jax.nn.log_softmax(apply(params, state, seen.reshape(-1, 4)).y)
        return -jnp.mean(chances[jnp.arange(len(chances)), actions.ravel()] * gain.ravel())

    updates, slots = optimizer.update(jax.grad(loss)(params), slots)
    return (optax.apply_updates(params, updates), slots), -alive.sum(0).mean()


keys = jax.random.split(jax.random.key(1), 20 if smoke else 200)
_, losses = jax.jit(lambda c: jax.lax.scan(step, c, keys))((params, optimizer.init(params)))
print(f"steps before the fall, of 200: {-losses[0]:.0f}, and {-losses[-1]:.0f} at last")
tell(losses)
