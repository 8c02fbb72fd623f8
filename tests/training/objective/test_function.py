"""compile() arguments, names and formulas."""

import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras import losses
from jkeras.core.types import Batch, Ctx
from jkeras.training import Endpoint, Objective
from jkeras.training.objective.function import weighted

ONE = [Endpoint("out", (None, 3))]
TWO = [Endpoint("a", (None, 1)), Endpoint("b", (None, 4))]


@pytest.mark.parametrize(
    ("outputs", "arguments", "names"),
    [
        (ONE, {"loss": "mse"}, ["loss"]),
        (ONE, {"loss": "mse", "metrics": ["accuracy"]}, ["loss", "acc"]),
        (
            ONE,
            {"loss": "mse", "metrics": ["acc", "acc", "mae"]},
            ["loss", "acc", "acc_1", "mean_absolute_error"],
        ),
        (ONE, {"loss": "mse", "weighted_metrics": ["ce"]}, ["loss", "weighted_ce"]),
        (TWO, {"loss": "mse", "metrics": {"b": "acc"}}, ["loss", "a_loss", "b_loss", "b_acc"]),
        (TWO, {"loss": {"a": "mse", "b": None}, "metrics": ["acc"]}, ["loss", "a_loss", "a_acc"]),
        (TWO, {"loss": [None, "mse"], "metrics": ["acc"]}, ["loss", "b_loss", "b_acc"]),
        (
            TWO,
            {"loss": "mse", "metrics": [["acc", "mae"], []]},
            ["loss", "a_loss", "b_loss", "a_acc", "a_mean_absolute_error"],
        ),
        (ONE, {"loss": None, "has_added_loss": True, "metrics": ["acc"]}, ["loss"]),
        (ONE, {"loss": "mse", "metrics": [lambda t, p: {"x": p.mean(), "y": t.mean()}]}, ["loss", "x", "y"]),
    ],
)
def test_names(outputs, arguments, names):
    assert Objective.build(outputs, **arguments).names == names


@pytest.mark.parametrize(
    ("shape", "loss", "metric", "function"),
    [
        ((None, 1), "mse", "acc", "binary_accuracy"),
        ((None, 3), "binary_crossentropy", "accuracy", "binary_accuracy"),
        ((None, 3), "sparse_categorical_crossentropy", "acc", "sparse_categorical_accuracy"),
        ((None, 3), "mse", "acc", "accuracy_of_classes"),  # by the rank of the targets
        ((None, 1), "mse", "ce", "binary_crossentropy"),
        ((None, 3), "sparse_categorical_crossentropy", "crossentropy", "sparse_categorical_crossentropy"),
        ((None, 3), "categorical_crossentropy", "ce", "categorical_crossentropy"),
    ],
)
def test_accuracy_goes_by_shape_and_loss(shape, loss, metric, function):
    objective = Objective.build([Endpoint("out", shape)], loss, [metric])
    assert objective.metrics[0].fn.__name__ == function


@pytest.mark.parametrize(
    ("outputs", "arguments", "error", "text"),
    [
        (ONE, {}, ValueError, "no loss to optimize"),
        (ONE, {"loss": "nope"}, ValueError, "nope"),
        (ONE, {"loss": "mse", "metrics": ["nope"]}, ValueError, "nope"),
        (ONE, {"loss": "mse", "metrics": "acc"}, TypeError, "list or dictionary"),
        (TWO, {"loss": {"c": "mse"}}, ValueError, '`loss` dictionary: "c".*a.*b'),
        (TWO, {"loss": ["mse"]}, ValueError, "one entry per model output"),
        (TWO, {"loss": "mse", "loss_weights": {"c": 1}}, ValueError, "loss_weights"),
        (TWO, {"loss": "mse", "loss_weights": [1]}, ValueError, "loss_weights"),
        (TWO, {"loss": "mse", "loss_weights": 3}, TypeError, "loss_weights"),
        (TWO, {"loss": "mse", "loss_weights": ["a", "b"]}, TypeError, "loss_weights"),
        (TWO, {"loss": "mse", "metrics": [["acc"]]}, ValueError, "one entry per model output"),
        (TWO, {"loss": "mse", "target_tensors": K.variable([[1.0]])}, ValueError, "list or a dict"),
        (TWO, {"loss": "mse", "target_tensors": "a"}, TypeError, "list or a dict"),
        (TWO, {"loss": "mse", "metrics": {"c": "acc"}}, ValueError, "metrics"),
        (TWO, {"loss": "mse", "sample_weight_mode": {"a": None}}, ValueError, '"b" missing'),
        (TWO, {"loss": "mse", "sample_weight_mode": "spatial"}, ValueError, "temporal"),
        (TWO, {"loss": "mse", "sample_weight_mode": [None]}, ValueError, "sample_weight_mode"),
    ],
)
def test_errors(outputs, arguments, error, text):
    with pytest.raises(error, match=text):
        Objective.build(outputs, **arguments)


def test_missing_loss_warns():
    with pytest.warns(UserWarning, match='"b" missing from loss'):
        Objective.build(TWO, {"a": "mse"})


def test_masks_and_weights_as_keras_uses_them():
    y = jnp.zeros((2, 3, 1))
    p = jnp.arange(6.0).reshape(2, 3, 1)
    mask = jnp.array([[1, 1, 0], [1, 0, 0]], bool)
    score = np.arange(6.0).reshape(2, 3) ** 2
    masked = score * mask / np.mean(mask)
    fn = losses.get("mse")
    assert float(weighted(fn, y, p, None, mask, Ctx())) == pytest.approx(masked.mean())
    weight = np.array([0.0, 3.0], "float32")
    expected = (masked.mean(1) * weight / 0.5).mean()
    assert float(weighted(fn, y, p, jnp.array(weight), mask, Ctx())) == pytest.approx(expected)
    temporal = np.array([[1, 0, 2], [0, 0, 4]], "float32")
    expected = (score * temporal / 0.5).mean()
    assert float(weighted(fn, y, p, jnp.array(temporal), None, Ctx())) == pytest.approx(expected)


def test_a_loss_that_reduces_by_itself():
    objective = Objective.build(ONE, lambda t, p: jnp.mean(jnp.square(t - p)))
    assert not objective.rowwise and objective.targets[0].shape is None
    batch = Batch([], [jnp.zeros((2, 3))], [jnp.array([1.0, 0.0])])
    loss, values = objective([jnp.ones((2, 3))], [None], batch, Ctx())
    assert float(loss) == pytest.approx(1.0) and values == []


def test_weights_of_losses():
    objective = Objective.build(TWO, "mse", loss_weights={"b": 0.5})
    batch = Batch([], [jnp.zeros((2, 1)), jnp.zeros((2, 4))], [None, None])
    loss, values = objective([jnp.ones((2, 1)), jnp.full((2, 4), 2.0)], [None, None], batch, Ctx())
    assert float(loss) == 3.0 and [float(v) for v in values] == [1.0, 4.0]
