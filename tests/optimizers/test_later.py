"""Optimizers and schedules of Keras 3 against its recordings; `learning_rate`; files with a schedule."""

import jax
import numpy as np
import optax
import pytest

from jkeras import layers, optimizers
from jkeras.models import Sequential, load_model
from jkeras.optimizers import schedules
from tests import golden

RECORDED = golden.json("keras3/optimizers")


def as_tree(arrays):
    return {str(i): np.array(a, "float32") for i, a in enumerate(arrays)}


def test_steps_are_those_of_keras_3():
    def run(case, weights, slopes):
        tx, steps = getattr(optimizers, case["name"])(**case["args"]).transform(), []
        state = tx.init(weights)
        for gradients in slopes:
            updates, state = tx.update(gradients, state, weights)
            weights = optax.apply_updates(weights, updates)
            steps.append(weights)
        return steps

    weights, slopes = as_tree(RECORDED["weights"]), [as_tree(s) for s in RECORDED["slopes"]]
    every = jax.jit(lambda w, s: [run(case, w, s) for case in RECORDED["cases"]])
    for case, steps in zip(RECORDED["cases"], every(weights, slopes), strict=True):
        for ours, theirs in zip(steps, case["steps"], strict=True):
            for name, value in as_tree(theirs).items():
                told = f"{case['name']} {case['args']}"
                np.testing.assert_allclose(ours[name], value, rtol=1e-5, atol=1e-6, err_msg=told)


def test_schedules_are_those_of_keras_3():
    for case in RECORDED["schedules"]:
        schedule = getattr(schedules, case["name"])(*case["args"])
        values = jax.vmap(schedule)(np.arange(14))
        np.testing.assert_allclose(values, case["values"], rtol=2e-5, atol=1e-7, err_msg=case["name"])
        assert schedule.get_config() == case["config"]
        assert schedules.deserialize(schedules.serialize(schedule)).get_config() == case["config"]
    with pytest.raises(ValueError, match="`decay_steps` should be above 0; got 0"):
        schedules.CosineDecay(0.1, 0)
    with pytest.raises(ValueError, match="3 values need 2 boundaries; got 1"):
        schedules.PiecewiseConstantDecay([1], [1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="does not define `__call__"):
        schedules.LearningRateSchedule()(0)


def test_learning_rate_is_lr():
    optimizer = optimizers.get("adamw")
    optimizer.learning_rate = 0.25
    assert float(optimizer.lr) == float(optimizer.learning_rate) == 0.25
    assert optimizer.get_config()["lr"] == 0.25
    assert optimizers.Lion(learning_rate=0.5, name="mine").name == "mine"
    wrapped = optimizers.OptaxOptimizer(optax.inject_hyperparams(optax.sgd)(learning_rate=0.5))
    wrapped.learning_rate = 0.125
    assert float(wrapped.learning_rate) == 0.125


def test_a_schedule_and_a_decay_are_in_the_file(tmp_path):
    model = Sequential([layers.Dense(1, input_shape=(2,))])
    rate = schedules.ExponentialDecay(0.5, 1, 0.5)
    model.compile(optimizers.SGD(learning_rate=rate, weight_decay=0.1), "mse", devices=1)
    x = np.ones((4, 2), "float32")
    model.fit(x, x[:, :1], 2, verbose=0)
    assert float(model.optimizer.learning_rate) == 0.25
    with pytest.raises(ValueError, match="follows a schedule"):
        model.optimizer.learning_rate = 0.1
    model.save(tmp_path / "m.h5")
    again = load_model(tmp_path / "m.h5")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    assert again.optimizer.weight_decay == 0.1
    model.train_on_batch(x, x[:, :1])
    again.train_on_batch(x, x[:, :1])
    np.testing.assert_allclose(again.get_weights()[0], model.get_weights()[0], rtol=1e-5)
