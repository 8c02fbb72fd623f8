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
QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


def as_tree(arrays):
    return {str(i): np.array(a, "float32") for i, a in enumerate(arrays)}


def test_steps_are_those_of_keras_3():
    def run(case, weights, slopes):
        tx = getattr(optimizers, case["name"])(**case["args"]).transform()

        def step(carry, gradients):
            weights, state = carry
            updates, state = tx.update(gradients, state, weights)
            weights = optax.apply_updates(weights, updates)
            return (weights, state), weights

        (last, state), steps = jax.lax.scan(step, (weights, tx.init(weights)), slopes)
        return steps, state.slots.get("average", last)

    weights = as_tree(RECORDED["weights"])
    slopes = jax.tree.map(lambda *s: np.stack(s), *[as_tree(s) for s in RECORDED["slopes"]])
    every = jax.jit(lambda w, s: [run(case, w, s) for case in RECORDED["cases"]], compiler_options=QUICK)
    for case, (steps, last) in zip(RECORDED["cases"], every(weights, slopes), strict=True):
        theirs = jax.tree.map(lambda *s: np.stack(s), *[as_tree(s) for s in [*case["steps"], case["last"]]])
        for name, value in theirs.items():
            ours = np.concatenate([steps[name], last[name][None]])
            told = f"{case['name']} {case['args']}"
            np.testing.assert_allclose(ours, value, rtol=1e-5, atol=5e-6, err_msg=told)
        optimizer = getattr(optimizers, case["name"])(**case["args"])
        config = optimizer.get_config()
        theirs = case.get("config", config)
        assert {k: v for k, v in config.items() if k != "name"} == {
            k: v for k, v in theirs.items() if k != "name"
        }, case["name"]
        again = optimizers.deserialize(optimizers.serialize(optimizer))
        assert type(again) is type(optimizer) and again.get_config() == config


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
    assert optimizer.get_config()["learning_rate"] == optimizers.Lion(lr=0.25).lr.numpy() == 0.25
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


def test_what_happens_around_a_step_in_fit():
    x = np.random.RandomState(0).rand(8, 2).astype("float32")

    def fitted(size, **arguments):
        layer = layers.Dense(1, input_shape=(2,), kernel_initializer="ones", bias_initializer="ones")
        model, optimizer = Sequential([layer]), optimizers.SGD(0.25, **arguments)
        optimizer.exclude_from_weight_decay(model.weights[:1], ["^bias"])
        model.compile(optimizer, "mse", devices=2)
        model.fit(x, x[:, :1], size, verbose=0, shuffle=False)
        return model

    whole = fitted(4)
    for same in (fitted(4, weight_decay=0.5), fitted(2, gradient_accumulation_steps=2)):
        np.testing.assert_allclose(same.get_weights()[0], whole.get_weights()[0], rtol=1e-5)
        np.testing.assert_allclose(same.get_weights()[1], whole.get_weights()[1], rtol=1e-5)
    assert same.optimizer.iterations.numpy() == 4, "batches are counted"
    averaged = fitted(4, use_ema=True, ema_momentum=0.75)
    _, (_, kept) = averaged.optimizer.binding.averages()
    np.testing.assert_array_equal(averaged.get_weights()[0], kept.numpy())
    assert np.abs(kept.numpy() - whole.get_weights()[0]).max() > 1e-3
    assert [w.shape for w in averaged.optimizer.get_weights()] == [(), (2, 1), (1,), (2, 1), (1,)]
    # An optimizer that has counted steps begins at the weights that are there.
    averaged.compile(averaged.optimizer, "mse", devices=1)
    averaged.optimizer.lr = 0.0
    averaged.fit(x, x[:, :1], 4, verbose=0)
    np.testing.assert_allclose(averaged.get_weights()[0], kept.numpy(), rtol=1e-6)


def test_arguments_that_have_no_meaning():
    model = Sequential([layers.Dense(1, input_shape=(2,))])
    model.compile("ftrl", "mse", devices=1)
    assert model.train_on_batch(np.ones((2, 2)), np.ones((2, 1))) >= 0
    np.testing.assert_allclose(model.optimizer.get_weights()[2] >= 0.1, True)
    model.compile(optimizers.SGD(loss_scale_factor=4.0), "mse", devices=1)
    assert model.step_options.loss_scale == 4.0
    model.train_on_batch(np.ones((2, 2)), np.ones((2, 1)))
    with pytest.raises(ValueError, match="before the optimizer has a state"):
        model.optimizer.exclude_from_weight_decay(var_names=["x"])
    for wrong in ({"gradient_accumulation_steps": 1}, {"use_ema": True, "ema_momentum": 2}):
        with pytest.raises(ValueError, match="should be"):
            optimizers.SGD(**wrong)
    with pytest.raises(ValueError, match="can be set; got"):
        optimizers.Lion(clipnorm=1.0, clipvalue=1.0)
    with pytest.raises(ValueError, match="learning_rate_power should be at most 0"):
        optimizers.Ftrl(learning_rate_power=1.0)
    own = type("Own", (optimizers.SGD,), {"get_updates": lambda self, loss, params: []})(use_ema=True)
    with pytest.raises(ValueError, match="makes the whole step, so that use_ema has no place"):
        own.init({"a": {"w": np.zeros(1)}})
