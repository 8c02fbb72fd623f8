"""Metrics with a state in `compile`: exact over ragged batches, devices and resumes; alone; of one's own."""

import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras import layers, metrics
from jkeras.callbacks import Callback, RunCheckpoint
from jkeras.core.random import set_random_seed
from jkeras.models import Model, Sequential, load_model

X = np.random.RandomState(0).rand(22, 3).astype("float32")
Y = (np.random.RandomState(1).rand(22, 1) > 0.5).astype("float32")
WEIGHT = np.arange(22.0)


class Largest(metrics.Metric):
    """One in the words of Keras 3, whose state is no sum."""

    def __init__(self, name="largest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.most = self.add_weight(name="most", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.most.assign(K.maximum(self.most, K.max(y_pred)))

    def result(self):
        return {"largest": self.most, "twice": 2 * self.most}


def compiled(chosen, devices=1, weighted=None):
    set_random_seed(3)
    model = Sequential([layers.Dense(1, activation="sigmoid", input_shape=(3,))])
    model.compile("sgd", "binary_crossentropy", metrics=chosen, weighted_metrics=weighted, devices=devices)
    return model


@pytest.mark.parametrize("devices, own", [(1, False), (4, False), (4, True)])
def test_exact_over_ragged_batches_and_devices(devices, own):
    chosen = [metrics.AUC(name="auc"), "acc", metrics.Precision(thresholds=0.3, name="p"), "recall"]
    model = compiled([*chosen, *([Largest()] if own else [])], devices, [metrics.MeanSquaredError(name="e")])
    assert model._trainer.layout.kind == ("one" if devices == 1 else "mesh" if own else "map")
    names = ["auc", "acc", "p", "recall", *(["largest", "twice"] if own else []), "weighted_e"]
    assert model.metrics_names == ["loss", *names]
    found = dict(zip(names, model.evaluate(X, Y, 8, verbose=0, sample_weight=WEIGHT)[1:], strict=True))
    p = model.predict(X)
    auc, precision, recall, error = (
        metrics.AUC(),
        metrics.Precision(0.3),
        metrics.Recall(),
        metrics.MeanSquaredError(),
    )
    expected = {"auc": auc(Y, p), "p": precision(Y, p), "recall": recall(Y, p)}
    expected |= {"acc": np.mean(np.round(p) == Y), "weighted_e": error(Y, p, sample_weight=WEIGHT)}
    expected |= {"largest": p.max(), "twice": 2 * p.max()} if own else {}
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, err_msg=name)
    K.set_value(model.optimizer.lr, 0.0)
    history = model.fit(X, Y, 8, epochs=2, verbose=0, sample_weight=WEIGHT, validation_data=(X, Y)).history
    for name in ("auc", "p", "recall"):
        np.testing.assert_allclose(history[name], [expected[name]] * 2, rtol=1e-5)
        np.testing.assert_allclose(history[f"val_{name}"], [expected[name]] * 2, rtol=1e-5)


class Failure(Exception):
    pass


class FailAt(Callback):
    def on_boundary(self, epoch, step):
        if (epoch, step) >= (1, 3):
            raise Failure


def test_a_resume_in_mid_epoch_goes_on_from_the_state(tmp_path):
    def train(folder, *extra):
        model = compiled([metrics.AUC(name="auc"), metrics.TruePositives(name="hits")])
        hooks = [RunCheckpoint(folder, every_steps=1, resume=True), *extra]
        return model.fit(X, Y, 4, epochs=2, verbose=0, callbacks=hooks).history

    whole = train(tmp_path / "whole")
    with pytest.raises(Failure):
        train(tmp_path / "cut", FailAt())
    assert train(tmp_path / "cut") == whole


def test_several_values_several_outputs_and_files(tmp_path):
    x = layers.Input((3,))
    outputs = [layers.Dense(2, activation="softmax", name=name)(x) for name in "ab"]
    model = Model(x, outputs)
    score = metrics.F1Score()
    model.compile("sgd", "categorical_crossentropy", metrics=[score], devices=1)
    names = ["a_f1_score_0", "a_f1_score_1", "b_f1_score_0", "b_f1_score_1"]
    assert model.metrics_names[3:] == names == model.stateful_metric_names
    targets = [np.eye(2)[Y[:, 0].astype(int)]] * 2
    values = model.evaluate(X, targets, 8, verbose=0)
    for output, part in zip(model.predict(X), (values[3:5], values[5:]), strict=True):
        metric = metrics.F1Score()
        np.testing.assert_allclose(part, metric(targets[0], output), rtol=1e-5)
    model.save(tmp_path / "m.h5")
    again = load_model(tmp_path / "m.h5")
    assert again.metrics_names == model.metrics_names
    np.testing.assert_allclose(again.evaluate(X, targets, 8, verbose=0), values, rtol=1e-5)
    # Keras 3 multiplies with weights of two axes as if there were three.
    rows, y = np.array([1.0, 3.0], "float32"), np.eye(2, dtype="float32")
    for weights in (rows, rows[:, None]):
        metric = metrics.F1Score(average="micro")
        metric.update_state(y, y[:, ::-1] * 0.5 + 0.2, sample_weight=weights)
        assert metric.variables[1].numpy() == 4
    with pytest.raises(ValueError, match=r"should have 2 numbers; got shape \(2, 2\)"):
        metric.update_state(y, y, sample_weight=np.ones((2, 2)))


def test_a_masked_step_does_not_count():
    model = Sequential([layers.Masking(input_shape=(2, 1)), layers.Activation("linear")])
    model.compile("sgd", "mse", metrics=[metrics.MeanAbsoluteError(name="e")], devices=1)
    x = np.array([[[1.0], [0.0]], [[3.0], [5.0]]])
    np.testing.assert_allclose(model.test_on_batch(x, np.zeros_like(x))[1], (1 + 3 + 5) / 3, rtol=1e-6)


def test_alone():
    metric = Largest()
    assert metric(None, jnp.asarray([1.0, 3.0])) == {"largest": 3.0, "twice": 6.0}
    state = metric.stateless_update_state(metric.stateless_reset_state(), None, jnp.asarray([2.0]))
    assert metric.stateless_result(state)["twice"] == 4.0 and metric.result()["twice"] == 6.0
    metric.reset_states()
    assert [v.name for v in metric.variables] == ["largest/most:0"] and float(metric.most.value) == 0
    with pytest.raises(ValueError, match="expected values for its 1 variables; got 2"):
        metric.stateless_result([1.0, 2.0])
    with pytest.raises(TypeError, match="Metric defines neither `update_state` nor `sums`"):
        metrics.Metric()([1.0], [1.0])


def test_names_and_classes():
    assert metrics.get("auc").name == metrics.get("auc").name == "auc"
    assert metrics.get(metrics.F1Score).average is None and metrics.get("f1_score").name == "f1_score"
    assert metrics.get("binary_accuracy") is metrics.binary_accuracy
    assert metrics.get({"class_name": "Precision", "config": {"top_k": 2}}).top_k == 2
    for wrong in (lambda: metrics.AUC(curve="x"), lambda: metrics.Recall(2.0), lambda: metrics.R2Score("x")):
        with pytest.raises(ValueError, match=r"should be|\[0, 1\]"):
            wrong()


def test_one_number_weighs_all_samples_alike():
    y, p = np.array([[0.0, 1.0], [1.0, 0.0]], "float32"), np.array([[0.2, 0.7], [0.4, 0.1]], "float32")
    for name in ("BinaryIoU", "R2Score", "Precision"):
        metric, plain = getattr(metrics, name)(), getattr(metrics, name)()
        metric.update_state(y, p, sample_weight=2.0)
        plain.update_state(y, p)
        np.testing.assert_allclose(metric.result(), plain.result(), rtol=1e-6)
