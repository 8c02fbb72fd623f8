"""What a script appends to the results of `compile` is reported with the losses and metrics."""

import numpy as np
import pytest

from jkeras import backend as K
from jkeras import layers, optimizers
from jkeras.models import Model, Sequential

RANDOM = np.random.RandomState(0)
X, Y = RANDOM.randn(10, 3).astype("f"), RANDOM.randn(10, 2).astype("f")
CUTS = [slice(0, 4), slice(4, 8), slice(8, 10)]


def _net():
    x = layers.Input((3,))
    hidden = layers.Dense(4, activation="tanh", kernel_initializer="glorot_uniform")(x)
    return Model(x, layers.Dense(2)(hidden)), x, hidden


def _still(**arguments):
    """A compiled model that does not move, and its hidden tensor."""
    model, _, hidden = _net()
    model.compile(optimizers.SGD(0.0), "mse", devices=1, **arguments)
    return model, hidden


def _append(model, **tensors):
    for name, tensor in tensors.items():
        model.metrics_names.append(name)
        model.metrics_tensors.append(tensor)


def test_parts_of_an_added_loss():
    """As in variational autoencoders."""
    model, x, hidden = _net()
    parts = {"rec": K.mean(K.square(model.output - K.sum(x, -1, keepdims=True))), "kl": K.mean(hidden**2)}
    model.add_loss(parts["rec"] + parts["kl"])
    model.compile(optimizers.SGD(0.0), None)
    _append(model, **parts)
    h = Model(x, hidden).predict(X)
    rec, kl = (model.predict(X) - X.sum(-1, keepdims=True)) ** 2, h**2
    right = [rec.mean() + kl.mean(), rec.mean(), kl.mean()]
    np.testing.assert_allclose(model.train_on_batch(X), right, rtol=1e-5)
    np.testing.assert_allclose(model.test_on_batch(X), right, rtol=1e-5)
    np.testing.assert_allclose(model.evaluate(X, batch_size=4, verbose=0), right, rtol=1e-5)
    batches = [(X[cut], None) for cut in CUTS[:2]]
    means = [np.mean([part[cut].mean() for cut in CUTS[:2]]) for part in (rec, kl)]
    history = model.fit_generator(iter(batches), 2, verbose=0, validation_data=(X, None)).history
    np.testing.assert_allclose([history["rec"][0], history["kl"][0]], means, rtol=1e-5)
    np.testing.assert_allclose([history["val_rec"][0], history["val_kl"][0]], right[1:], rtol=1e-5)
    np.testing.assert_allclose(model.evaluate_generator(iter(batches), 2)[1:], means, rtol=1e-5)


def test_targets_and_weights():
    model, _ = _still(metrics=["mae"])
    _append(model, worst=K.max(K.abs(model.targets[0] - model.outputs[0])))
    model.metrics_tensors += [model.total_loss * 2.0, K.sum(model.sample_weights[0])]
    model.metrics_names += ["twice", "weights"]
    error = np.abs(model.predict(X) - Y)
    weight = np.arange(10) / 5
    found = model.train_on_batch(X, Y, sample_weight=weight)
    np.testing.assert_allclose(found[2:], [error.max(), 2 * found[0], weight.sum()], rtol=1e-5)
    history = model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    worst = np.dot([4, 4, 2], [error[cut].max() for cut in CUTS]) / 10
    right = {"mean_absolute_error": error.mean(), "worst": worst, "weights": 3.6}
    for name, value in right.items():
        np.testing.assert_allclose(history[name], [value] * 2, rtol=1e-5)


def test_nothing_changes_in_training():
    """The weights, the optimizer's state and what is frozen go on as without it, whenever it is appended."""
    results = []
    for appends in (False, True):
        model, _, hidden = _net()
        model.set_weights([np.full(w.shape, 0.1 * (i + 1)) for i, w in enumerate(model.get_weights())])
        model.layers[1].trainable = False
        model.compile(optimizers.Adam(0.1), "mse")
        model.train_on_batch(X, Y)
        if appends:
            _append(model, mean=K.mean(hidden))
        losses = [np.ravel(model.train_on_batch(X, Y))[0] for _ in range(3)]
        results.append([*losses, *model.get_weights(), *model.optimizer.get_weights()])
    for without, with_it in zip(*results, strict=True):
        np.testing.assert_allclose(with_it, without, rtol=1e-4, atol=1e-6)


def test_appended_between_two_fits_and_gone_after_compile():
    model, hidden = _still()
    assert list(model.fit(X, Y, verbose=0).history) == ["loss"]
    _append(model, mean=K.mean(hidden))
    assert len(model.evaluate(X, Y, verbose=0)) == 2
    assert set(model.fit(X, Y, verbose=0, validation_split=0.5).history) == {
        "loss",
        "mean",
        "val_loss",
        "val_mean",
    }
    model.compile("sgd", "mse")
    assert model.metrics_names == ["loss"] and model.metrics_tensors == []


def test_variables_are_what_they_are_now():
    """Also those of the optimizer, in metrics too: `def lr(y_true, y_pred): return optimizer.lr`."""
    optimizer, factor = optimizers.SGD(0.5), K.variable(2.0)

    def lr(y_true, y_pred):
        return optimizer.lr

    def decayed(y_true, y_pred):
        return optimizer.lr / (1.0 + K.cast(optimizer.iterations, "float32"))

    model, _, hidden = _net()
    model.compile(optimizer, "mse", metrics=[lr, decayed])
    _append(model, rate=optimizer.lr, steps=K.cast(optimizer.iterations, "float32"), scaled=factor * 3.0)
    np.testing.assert_allclose(model.train_on_batch(X, Y)[1:], [0.5, 0.5, 0.5, 0, 6])
    K.set_value(optimizer.lr, 0.25)
    K.set_value(factor, 3.0)
    np.testing.assert_allclose(model.train_on_batch(X, Y)[1:], [0.25, 0.125, 0.25, 1, 9])
    np.testing.assert_allclose(model.test_on_batch(X, Y)[1:], [0.25, 0.25 / 3, 0.25, 2, 9])


class Positive(layers.Layer):
    """A running count, in the manner of Keras 2.2.4."""

    def __init__(self):
        super().__init__(name="positive")
        self.stateful = True
        self.count = K.variable(0.0)

    def reset_states(self):
        K.set_value(self.count, 0.0)

    def __call__(self, y_true, y_pred):
        new = K.sum(K.cast(y_pred > 0, "float32"))
        self.add_update(K.update_add(self.count, new), inputs=[y_true, y_pred])
        return self.count + new


def test_stateful_metric_and_updates():
    model, _ = _still()
    metric, calls = Positive(), K.variable(0.0)
    _append(model, positive=metric(model.targets[0], model.outputs[0]))
    model.stateful_metric_names.append("positive")
    model.stateful_metric_functions.append(metric)
    model.metrics_updates += [*metric.updates, K.update_add(calls, 1.0)]
    count = (model.predict(X) > 0).sum()
    assert model.evaluate(X, Y, batch_size=4, verbose=0)[1] == count
    assert model.fit(X, Y, batch_size=4, epochs=2, verbose=0).history["positive"] == [count] * 2
    assert K.get_value(metric.count) == count and K.get_value(calls) == 9


def test_names_and_order():
    model, hidden = _still(metrics=["mae", "mse"])
    model.metrics_names[1] = "error"
    assert set(model.fit(X, Y, verbose=0).history) == {"loss", "error", "mean_squared_error"}
    model.metrics_tensors[0] = K.mean(hidden)
    model.metrics_names[1:2] = ["first"]
    loss, first, square = model.test_on_batch(X, Y)
    assert loss == pytest.approx(square) and first != square
    model.metrics_names.append("without a tensor")
    assert set(model.fit(X, Y, verbose=0).history) == {"loss", "first", "mean_squared_error"}
    model.metrics_tensors = [K.sum(hidden, -1)]
    model.metrics_names = ["loss"]
    sums = Model(model.input, hidden).predict(X).sum(-1)
    np.testing.assert_allclose(model.test_on_batch(X, Y)[1], sums.mean(), rtol=1e-5)


def test_a_draw_is_that_of_the_loss():
    x = layers.Input((51,))
    noisy = layers.Dropout(0.5)(x)
    model = Model(x, noisy)
    model.add_loss(K.mean(noisy))
    model.compile("sgd", None)
    _append(model, mean=K.mean(noisy))
    loss, mean = model.train_on_batch(np.ones((1, 51)))
    assert loss == mean != 1


def test_refused():
    model = Sequential([layers.Dense(2, input_shape=(3,))])
    model.compile("sgd", "mse")
    model.metrics_tensors.append(3.0)
    with pytest.raises(TypeError, match="holds tensors and variables"):
        model.test_on_batch(X, Y)
    model.metrics_tensors[:] = [K.mean(layers.Input((3,)))]
    with pytest.raises(ValueError, match="no input, target or sample weight of the model"):
        model.test_on_batch(X, Y)
