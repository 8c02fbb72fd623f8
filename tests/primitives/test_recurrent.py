"""The hand-made derivatives of the standard cells against jax's own, through the plain loop."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras.primitives import recurrent as ops

BATCH, TIME, UNITS = 3, 5, 4
CELLS = {
    "simple": (ops.SIMPLE, 1, 1),
    "gru": (ops.GRU, 3, 1),
    "gru_after": (ops.GRU_AFTER, 3, 1),
    "lstm": (ops.LSTM, 4, 2),
}


def hard_sigmoid(x):
    return jnp.clip(0.2 * x + 0.5, 0, 1)


def inputs(name, drop_gates=0, masked=False):
    cell, gates, states = CELLS[name]
    rng = np.random.RandomState(0)

    def normal(*shape):
        return jnp.asarray(rng.randn(*shape), jnp.float32)

    z = normal(TIME, BATCH, gates * UNITS)
    if name == "gru":
        w = {"gates": normal(UNITS, 2 * UNITS), "candidate": normal(UNITS, UNITS)}
    else:
        w = {"recurrent_kernel": normal(UNITS, gates * UNITS)}
    if name == "gru_after":
        w["recurrent_bias"] = normal(3 * UNITS)
    drop = jnp.asarray(rng.rand(drop_gates, BATCH, UNITS) > 0.3, jnp.float32) * 2 if drop_gates else None
    mask = jnp.asarray(rng.rand(TIME, BATCH, 1) > 0.4) if masked else None
    return cell, (z, w, [normal(BATCH, UNITS) for _ in range(states)]), drop, mask


def both(name, way, drop_gates=0, masked=False):
    cell, args, drop, mask = inputs(name, drop_gates, masked)

    def fast(z, w, states):
        plan = ops.Plan(cell, jnp.tanh, hard_sigmoid, way)
        return ops.run(plan, z, w, states, drop, mask)

    def plain(z, w, states):
        return ops.loop(ops.stepper(cell, jnp.tanh, hard_sigmoid, w, drop), z, states, mask, way)

    return fast, plain, args


def scalar(function):
    def loss(*args):
        leaves = jax.tree.leaves(function(*args))
        return sum(jnp.sum(y * jnp.cos(jnp.arange(y.size).reshape(y.shape))) for y in leaves)

    return loss


def assert_close(a, b, tolerance=2e-5):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


SETTINGS = {
    "plain": (ops.Way(), "no", False),
    "masked, a dropout mask per gate": (ops.Way(), "per gate", True),
    "backwards, masked, one dropout mask, last output": (ops.Way(True, False, False), "shared", True),
    "unrolled, a dropout mask per gate": (ops.Way(unroll=True), "per gate", False),
}


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_outputs_and_gradients(name, setting):
    way, dropped, masked = SETTINGS[setting]
    gates = {"no": 0, "shared": 1, "per gate": CELLS[name][1]}[dropped]
    fast, plain, args = both(name, way, gates, masked)
    results = [
        jax.jit(lambda *args, f=f: (f(*args), jax.grad(scalar(f), argnums=(0, 1, 2))(*args)))(*args)
        for f in (fast, plain)
    ]
    assert_close(*results)


@pytest.mark.parametrize("name", CELLS)
def test_forward_mode_second_order_and_vmap(name):
    fast, plain, (z, w, states) = both(name, ops.Way(), masked=True)

    @functools.partial(jax.jit, static_argnums=0)
    def derivatives(f, z, w, states):
        loss = scalar(f)
        first = jax.jacfwd(lambda z: loss(z, w, states))(z)
        second = jax.hessian(lambda s: loss(z, w, [s, *states[1:]]))(states[0])
        weights = jax.grad(lambda w: jnp.sum(jax.grad(loss)(z, w, states) ** 2))(w)
        return first, second, weights

    assert_close(derivatives(fast, z, w, states), derivatives(plain, z, w, states), 1e-3)
    many = jnp.stack([z, 2 * z])
    assert_close(jax.vmap(fast, (0, None, None))(many, w, states)[0][1], fast(many[1], w, states)[0])


def add(x, states):
    return x + states[0], [x + states[0]]


def test_the_first_masked_steps_give_the_first_state_in_the_loop_and_zeros_when_unrolled():
    x, mask = jnp.ones((3, 1, 1)), jnp.array([False, True, False]).reshape(3, 1, 1)
    state = [jnp.full((1, 1), 5.0)]
    assert ops.loop(add, x, state, mask)[1].ravel().tolist() == [5, 6, 6]
    assert ops.loop(add, x, state, mask, ops.Way(unroll=True))[1].ravel().tolist() == [0, 6, 6]


def test_backwards_outputs_stand_at_their_time_step():
    last, ys, _ = ops.loop(
        add, jnp.array([1.0, 2.0, 4.0]).reshape(3, 1, 1), [jnp.zeros((1, 1))], way=ops.Way(reverse=True)
    )
    assert ys.ravel().tolist() == [7, 6, 4] and last.item() == 7


def test_a_mask_refuses_states_that_do_not_fit_the_output():
    def step(x, states):
        return jnp.concatenate([x, x], -1), states

    with pytest.raises(ValueError, match="first state"):
        ops.loop(step, jnp.ones((3, 1, 1)), [jnp.zeros((1, 1))], jnp.ones((3, 1, 1), bool))
    with pytest.raises(ValueError, match="needs states"):
        ops.loop(lambda x, s: (x, s), jnp.ones((3, 1, 1)), [], jnp.ones((3, 1, 1), bool))
