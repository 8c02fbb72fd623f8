"""1, 2 and 8 devices give the same results; every layout compiles once."""

import gc
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import layers, optimizers
from jkeras.core.random import set_random_seed
from jkeras.core.types import INFERENCE, Out, Pair
from jkeras.models import Model, Sequential
from jkeras.training.devices import Layout, choose

pytestmark = pytest.mark.devices(8)


def _data(rows, *shape):
    random = np.random.RandomState(0)
    x = random.rand(rows, *shape).astype("float32")
    return x, np.eye(3, dtype="float32")[random.randint(0, 3, rows)]


def _batchnorm():
    return Sequential(
        [
            layers.Dense(6, input_shape=(5,), use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )


def _dropout():
    return Sequential(
        [layers.Dense(6, input_shape=(5,)), layers.Dropout(0.5), layers.Dense(3, activation="softmax")]
    )


def _activity():
    dense = layers.Dense(
        3, activation="softmax", input_shape=(5,), activity_regularizer="l2", kernel_regularizer="l1"
    )
    return Sequential([dense])


def _folded():
    """Inside of a wrapper there are several rows for each sample, also for those that only fill up."""
    return Sequential(
        [
            layers.Reshape((5, 1), input_shape=(5,)),
            layers.TimeDistributed(layers.Dense(2, activity_regularizer="l2")),
            layers.TimeDistributed(layers.BatchNormalization()),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )


class _Loss(layers.Layer):
    """Adds a loss over the whole batch."""

    def call(self, x):
        self.add_loss(
            jnp.square(jnp.mean(x)) + jnp.mean(jnp.abs(x - jnp.mean(x, axis=0, keepdims=True))), inputs=x
        )
        return x


def _added_loss():
    return Sequential([layers.Dense(6, input_shape=(5,)), _Loss(), layers.Dense(3, activation="softmax")])


class _Centred(layers.Layer):
    """A formula of the user's that mixes the samples and does not say whether."""

    def formula(self):
        return Pair(lambda rng, shape: ({}, {}), lambda params, state, x, ctx=INFERENCE: Out(x - x.mean(0)))


class _CentredDense(layers.Dense):
    def formula(self):
        init, apply = super().formula()

        def centred(params, state, x, ctx=INFERENCE):
            return apply(params, state, x - x.mean(0), ctx)

        return Pair(init, centred)


class _Apart(_Centred):
    rowwise = True

    def formula(self):
        return Pair(lambda rng, shape: ({}, {}), lambda params, state, x, ctx=INFERENCE: Out(2 * x))


@pytest.mark.broadcasts
def test_a_formula_of_the_users_sees_the_whole_batch():
    x, kernel = _data(8, 5)[0], np.ones((5, 3))
    found = []
    for devices in (1, 2):
        dense = _CentredDense(3, use_bias=False, weights=[kernel])
        model = Sequential([_Centred(input_shape=(5,)), dense])
        model.compile("sgd", "mse", devices=devices)
        found.append([model.predict(x), model.evaluate(x, np.zeros((8, 3)), verbose=0)])
    centred = (x - x.mean(0)) @ kernel
    for y, loss in found:
        np.testing.assert_allclose(y, centred, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(loss, np.mean(centred**2), rtol=1e-5)


def test_classes_of_the_users_take_rows_apart_only_if_they_say_so():
    class Renamed(_Apart):
        pass

    class Again(_Apart):
        def formula(self):
            return super().formula()

    class Called(layers.Layer):
        rowwise = True

        def call(self, x):
            return 2 * x

    class Mine(layers.Dense):
        pass

    class Graph(Model):
        pass

    says = [_Apart(), Renamed(), Called(), layers.Dense(2), layers.TimeDistributed(_Apart())]
    assert all(layer.rowwise for layer in says)
    silent = [_Centred(), _CentredDense(3), Again(), Mine(3), _Loss(), layers.TimeDistributed(_Centred())]
    assert not any(layer.rowwise for layer in silent)
    x = layers.Input((3,))
    assert Graph(x, layers.Dense(2)(x)).program().rowwise
    assert not Graph(x, Mine(2)(x)).program().rowwise


def _train(make, devices, optimizer, rows, size, shape, **fit):
    set_random_seed(3)
    model = make()
    model.compile(optimizer(), "categorical_crossentropy", metrics=["acc"], devices=devices)
    x, y = _data(rows, *shape)
    weight = np.linspace(0, 1, rows).round(1)
    history = model.fit(x, y, size, 3, 0, sample_weight=weight, **fit)
    evaluated = model.evaluate(x, y, batch_size=size, verbose=0)
    return model, model.get_weights(), history.history, evaluated, model.predict(x, batch_size=size)


def _same(one, other, weights=True):
    for name, values in one[2].items():
        np.testing.assert_allclose(values, other[2][name], rtol=1e-5, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(one[3], other[3], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(one[4], other[4], rtol=1e-5, atol=1e-5)
    if weights:
        for a, b in zip(one[1], other[1], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def _momentum():
    return optimizers.SGD(0.1, momentum=0.9)


@pytest.mark.parametrize("make", [_batchnorm, _dropout, _activity, _added_loss])
def test_results_do_not_depend_on_devices(make):
    one = _train(make, 1, _momentum, 40, 16, (5,))  # the last batch has 8 rows
    for devices in (2, 8):
        _same(one, _train(make, devices, _momentum, 40, 16, (5,)))


@pytest.mark.parametrize("make", [_batchnorm, _folded, _added_loss])
def test_batches_that_do_not_divide(make):
    one = _train(make, 1, _momentum, 40, 12, (5,))  # 12 and a last batch of 4
    _same(one, _train(make, 8, _momentum, 40, 12, (5,)))


@pytest.mark.parametrize("make", [_batchnorm, _dropout])
def test_adam(make):
    one = _train(make, 1, optimizers.Adam, 32, 16, (5,))
    _same(one, _train(make, 8, optimizers.Adam, 32, 16, (5,)), weights=False)


def test_stateful_recurrence():
    def make():
        return Sequential(
            [
                layers.LSTM(4, stateful=True, batch_input_shape=(8, 4, 5)),
                layers.Dense(3, activation="softmax"),
            ]
        )

    one = _train(make, 1, _momentum, 32, 8, (4, 5), shuffle=False)
    for devices in (2, 8):
        _same(one, _train(make, devices, _momentum, 32, 8, (4, 5), shuffle=False))


@pytest.mark.parametrize("make", [_batchnorm, _added_loss])
def test_one_program_per_kind(make):
    model = _train(make, 4, _momentum, 40, 16, (5,))[0]
    trainer = model._trainer
    x, y = _data(40, 5)

    def calls():
        model.fit(x, y, 16, 2, 0)
        model.optimizer.lr = 0.05
        model.set_weights(model.get_weights())
        model.evaluate(x, y, 16, 0)
        model.predict(x, 16)

    calls()  # a fit without sample weights has a program of its own
    before = trainer.compilations
    calls()
    assert trainer.compilations == before


def test_choose():
    known = jax.devices()
    assert choose(None) == list(known) and choose(2) == known[:2] and choose([3, 1]) == [known[3], known[1]]
    assert choose(known[2]) == [known[2]]
    for wrong in (0, 99, [99], [], [0, 0], "cpu"):
        with pytest.raises(ValueError, match="device"):
            choose(wrong)


def test_another_device_than_the_first():
    model = _train(_dropout, [5], _momentum, 24, 8, (5,))[0]
    assert Layout([5]).kind == "one"
    assert model.weights[0].value.devices() == {jax.devices()[5]}


@pytest.mark.parametrize("devices", [1, 2])
def test_models_are_freed(devices):
    kernels = []
    for _ in range(2):
        model = Sequential([layers.Dense(1, input_shape=(3,))])
        model.compile("adam", "mse", devices=devices)
        model.fit(np.ones((4, 3)), np.ones((4, 1)), batch_size=2, verbose=0)
        model.predict(np.ones((4, 3)))
        kernels.append(weakref.ref(model.layers[0].kernel))
    del model
    gc.collect()
    assert kernels[0]() is None
