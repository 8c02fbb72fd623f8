"""The rules: the recorded runs of Keras step by step, clipping, precision, purity."""

from __future__ import annotations

import json

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jkeras import optimizers
from jkeras.optimizers._transformation import Around, clip, clip_norm
from tests import golden

CASES = [
    "adadelta", "adadelta_decay", "adagrad", "adagrad_decay", "adam", "adam_amsgrad", "adam_decay_clipnorm",
    "adam_epsilon", "adamax", "adamax_decay", "nadam", "nadam_args", "rmsprop", "rmsprop_decay", "sgd",
    "sgd_clipnorm", "sgd_clipvalue", "sgd_decay", "sgd_lr", "sgd_momentum", "sgd_nesterov",
]  # fmt: skip
ORDER = [("0000/d1", "kernel"), ("0000/d1", "bias"), ("0001/d2", "kernel"), ("0001/d2", "bias")]


def loss_of(params, x, y):
    """The recorded model: Dense(4, tanh), Dense(1), mean squared error."""
    first, last = params["0000/d1"], params["0001/d2"]
    hidden = jnp.tanh(x @ first["kernel"] + first["bias"][None])
    return jnp.mean(jnp.square(hidden @ last["kernel"] + last["bias"][None] - y))


def store(arrays):
    params = {path: {} for path, _ in ORDER}
    for (path, name), array in zip(ORDER, arrays, strict=True):
        params[path][name] = jnp.asarray(array)
    return params


def arrays(group):
    return [group[str(i)][()] for i in range(len(group))]


def train(opt, params, xs, ys, saved=None):
    """What a trainer does: gather the cells, dispatch, put back. Yields (loss, params)."""
    tx = opt.transform()
    binding = opt.init(params, ORDER)
    if saved is not None:
        opt.load_state_dict(saved)

    @jax.jit
    def step(params, state, x, y):
        value, grads = jax.value_and_grad(loss_of)(params, x, y)
        updates, state = tx.update(grads, state, params)
        return value, optax.apply_updates(params, updates), state

    for x, y in zip(xs, ys, strict=True):
        state = binding.treedef.unflatten([cell.take() for cell in binding.cells])
        value, params, state = step(params, state, x, y)
        for cell, leaf in zip(binding.cells, jax.tree.leaves(state), strict=True):
            cell.put(leaf)
        yield value, params
    assert step._cache_size() == 1


def recorded(case):
    with h5py.File(golden.path("optimizers.h5")) as f:
        g = f[case]
        return {
            "class_name": g.attrs["class_name"],
            "config": json.loads(g.attrs["config"]),
            "names": json.loads(g.attrs["optimizer_weight_names"]),
            "dtypes": json.loads(g.attrs["optimizer_weight_dtypes"]),
            "x": g["x"][()],
            "y": g["y"][()],
            "losses": g["losses"][()],
            "initial": arrays(g["initial_weights"]),
            "weights": [arrays(g[f"weights_after_step/{s}"]) for s in range(1, 11)],
            "slots": {s: arrays(g[f"optimizer_weights_after_step/{s}"]) for s in (1, 10)},
            "iterations": g["iterations"][()],
        }


def test_every_recorded_setting_is_tested():
    with h5py.File(golden.path("optimizers.h5")) as f:
        assert sorted(f) == CASES


@pytest.mark.parametrize("case", CASES)
def test_follows_the_recorded_run(case):
    run = recorded(case)
    opt = optimizers.deserialize({"class_name": run["class_name"], "config": run["config"]})
    steps = train(opt, store(run["initial"]), run["x"], run["y"])
    for i, (value, params) in enumerate(steps):
        np.testing.assert_allclose(value, run["losses"][i], rtol=1e-5)
        for (path, name), expected in zip(ORDER, run["weights"][i], strict=True):
            np.testing.assert_allclose(params[path][name], expected, rtol=2e-5, atol=2e-6)
        if i + 1 in run["slots"]:
            got = opt.get_weights()
            assert [w.dtype.name for w in got] == run["dtypes"]
            for mine, expected in zip(got, run["slots"][i + 1], strict=True):
                np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-7)
    assert opt.iterations.numpy() == run["iterations"] == 10
    assert [w.name for w in opt.weights] == run["names"]
    assert opt.get_config() == run["config"]


@pytest.mark.parametrize("case", ["rmsprop_decay", "nadam_args", "adam_decay_clipnorm"])
def test_state_goes_on_to_the_bit(case):
    run = recorded(case)
    config = {"class_name": run["class_name"], "config": run["config"]}
    first, second, third = (optimizers.deserialize(config) for _ in range(3))
    *_, (_, whole) = train(first, store(run["initial"]), run["x"], run["y"])
    *_, (_, half) = train(second, store(run["initial"]), run["x"][:5], run["y"][:5])
    *_, (_, resumed) = train(third, half, run["x"][5:], run["y"][5:], second.state_dict())
    jax.tree.map(np.testing.assert_array_equal, resumed, whole)
    jax.tree.map(np.testing.assert_array_equal, third.state_dict(), first.state_dict())


def test_changing_a_hyperparameter_does_not_recompile():
    opt = optimizers.SGD(lr=1.0, momentum=0.0)
    tx, traces = opt.transform(), []
    binding = opt.init({"d": {"w": jnp.zeros(2)}})

    @jax.jit
    def step(state):
        traces.append(1)
        return tx.update({"d": {"w": jnp.ones(2)}}, state)[0]["d"]["w"]

    def run():
        return step(binding.treedef.unflatten([c.take() for c in binding.cells])).tolist()

    assert run() == [-1.0, -1.0]
    opt.lr = 0.5
    assert run() == [-0.5, -0.5]
    opt.lr.assign(0.25)
    assert run() == [-0.25, -0.25]
    assert len(traces) == 1


def test_clipnorm_is_over_all_gradients_and_starts_at_the_limit():
    grads = [jnp.array([3.0]), jnp.array([[4.0]])]
    for norm, value, clipped in (
        *((2.5, None, [1.5, 2.0]), (5.0, None, [3.0, 4.0]), (6.0, None, [3.0, 4.0])),
        *((2.5, 1.75, [1.5, 1.75]), (0, 0, [3.0, 4.0])),
    ):
        around = Around(global_clipnorm=norm, clipvalue=value)
        assert [g.item() for g in clip(grads, around)] == clipped
    assert [g.item() for g in clip(grads, Around(clipnorm=3.0))] == [3.0, 3.0]
    assert clip([jnp.zeros(1)], Around(global_clipnorm=1.0))[0].item() == 0.0


def test_clip_norm_is_keras_function():
    g = jnp.array([3.0, 4.0])
    assert clip_norm(g, 0, 5.0) is g
    np.testing.assert_allclose(clip_norm(g, 1.0, jnp.float32(5.0)), [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamax", "nadam"])
def test_half_precision_weights_are_updated_in_float32(name):
    tx = optimizers.get(name).transform()
    params = {"w": jnp.ones(3, jnp.float16), "v": jnp.ones(2, jnp.bfloat16)}
    state = tx.init(params)
    for _ in range(2):
        updates, after = tx.update(jax.tree.map(lambda p: p * 1e-4, params), state, params)
        assert jax.tree.map(lambda a: (a.shape, a.dtype), after) == jax.tree.map(
            lambda a: (a.shape, a.dtype), state
        )
        params, state = optax.apply_updates(params, updates), after
    assert params["w"].dtype == jnp.float16 and params["v"].dtype == jnp.bfloat16
    assert all(bool(jnp.all(jnp.isfinite(p))) for p in jax.tree.leaves(params))


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamax", "nadam"])
def test_is_a_plain_optax_transformation(name):
    tx = optax.chain(optax.clip(1.0), optimizers.get(name).transform())
    params = {"a": jnp.array([1.0, -2.0]), "b": [jnp.float32(3.0)]}
    state = tx.init(params)

    @jax.jit
    def step(params, state):
        grads = jax.grad(lambda p: jnp.sum(p["a"] ** 2) + p["b"][0] ** 2)(params)
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    after, _ = jax.lax.fori_loop(0, 3, lambda _, carry: step(*carry), (params, state))
    assert float(jnp.abs(after["b"][0])) < 3.0


def test_nothing_to_train_is_fine():
    opt = optimizers.Adam()
    binding = opt.init({})
    updates, state = opt.transform().update({}, binding.treedef.unflatten([c.take() for c in binding.cells]))
    assert updates == {} and state.iterations == 1


def test_decay_may_be_set_later():
    opt = optimizers.SGD(lr=1.0)
    opt.decay = 1.0
    tx, g = opt.transform(), {"w": jnp.float32(1.0)}
    state, seen = tx.init(g), []
    for _ in range(3):
        update, state = tx.update(g, state)
        seen.append(float(update["w"]))
    np.testing.assert_allclose(seen, [-1.0, -1 / 2, -1 / 3], rtol=1e-6)


def test_schedule_gives_the_rate_and_shows_it():
    opt = optimizers.SGD(lr=optax.linear_schedule(1.0, 0.0, 4))
    tx, g = opt.transform(), {"w": jnp.float32(1.0)}
    state, seen = tx.init(g), []
    for _ in range(4):
        update, state = jax.jit(tx.update)(g, state)
        seen.append((float(update["w"]), float(state.hyper["lr"])))
    assert seen == [(-1.0, 1.0), (-0.75, 0.75), (-0.5, 0.5), (-0.25, 0.25)]
