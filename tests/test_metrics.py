"""Metrics against the recordings of Keras 2.2.4, and their identifiers."""

from __future__ import annotations

import json

import h5py
import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import losses, metrics
from tests import golden

OWN = [
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "top_k_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
]


def recorded():
    cases = {}
    with h5py.File(golden.path("functions.h5")) as file:
        pairs = {name: (p["y_true"][()], p["y_pred"][()]) for name, p in file["pairs"].items()}
        for fn, group in file["metrics"].items():
            for name, value in group.items():
                args = json.loads(value.attrs["args"])
                pair = name.removesuffix(f"_k{args.get('k')}")
                cases.setdefault(fn, []).append((pair, args, value[()]))
    return pairs, cases


PAIRS, CASES = recorded()


@pytest.mark.parametrize("name", sorted(CASES))
def test_values_are_those_of_keras(name):
    fn = metrics.get(name)

    @jax.jit
    def all_of(pairs):
        return [fn(*pairs[pair], **args) for pair, args, _ in CASES[name]]

    for value, (pair, args, expected) in zip(all_of(PAIRS), CASES[name], strict=True):
        message = f"{pair} {args}"
        if name in OWN:
            np.testing.assert_allclose(
                value, expected, rtol=2e-7, err_msg=message
            )  # one rounding of the mean
            assert value.dtype == "float32"
        else:
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6, err_msg=message)


@pytest.mark.parametrize("name", sorted(CASES))
def test_names(name):
    fn = metrics.get(name)
    assert fn is getattr(metrics, name) and metrics.serialize(fn) == name
    assert name in OWN or fn is getattr(losses, name)


@pytest.mark.parametrize("name", ["mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE", "cosine"])
def test_aliases(name):
    assert metrics.get(name) is getattr(metrics, name) is getattr(losses, name)


@pytest.mark.parametrize("name", ["top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy"])
def test_top_k_is_for_rank_2_as_in_keras(name):
    y_pred = jnp.ones((2, 3, 4))
    y_true = jnp.zeros((2, 3)) if name.startswith("sparse") else y_pred
    with pytest.raises(ValueError, match=r"predictions of shape .batch, classes.. Got shape .2, 3, 4."):
        metrics.get(name)(y_true, y_pred)


def test_sparse_accuracy_of_sequences():
    """Keras 2.2.4 fails here on incompatible shapes; the value is that of its successors."""
    y_pred = jax.nn.one_hot(jnp.asarray([[0, 1, 2], [2, 1, 0]]), 3)
    y_true = jnp.asarray([[0, 1, 0], [2, 2, 0]])
    expected = [[1, 1, 0], [1, 0, 1]]
    np.testing.assert_array_equal(metrics.sparse_categorical_accuracy(y_true, y_pred), expected)
    np.testing.assert_array_equal(metrics.sparse_categorical_accuracy(y_true[..., None], y_pred), expected)


@pytest.mark.parametrize(
    ("prediction", "target"), [([0.1, np.nan, 0.2], 0), ([0.1, np.inf, 0.2], 1), ([0.1, 0.2, 0.3], 3)]
)
def test_top_k_cannot_say(prediction, target):
    value = metrics.sparse_top_k_categorical_accuracy(jnp.asarray([target]), jnp.asarray([prediction]), k=3)
    assert value == 0


@pytest.mark.parametrize("name", sorted({*CASES, "categorical_hinge"}))
@pytest.mark.parametrize("rank", [2, 3])
def test_losses_and_metrics_work_for_an_unknown_batch_size(name, rank):
    if rank == 3 and "top_k" in name:
        return
    fn = getattr(losses if hasattr(losses, name) else metrics, name)
    batch = jax.export.symbolic_shape("80640*b")[0]
    shape = (batch, *(3,) * (rank - 2), 4)
    target = (*shape[:-1], 1) if name.startswith("sparse") else shape
    spec = [jax.ShapeDtypeStruct(s, "float32") for s in (target, shape)]
    result = jax.eval_shape(fn, *spec)
    assert result.dtype == "float32" and result.shape == (() if "top_k" in name else shape[:-1])


def test_configs_and_own_functions():
    def share(y_true, y_pred):
        return y_pred

    assert metrics.get(share) is share and metrics.serialize(share) == "share"
    assert metrics.deserialize("share", {"share": share}) is share


def test_errors_name_the_keras_spelling():
    with pytest.raises(ValueError, match="Unknown metric function: binary_acuracy.*'binary_accuracy'"):
        metrics.get("binary_acuracy")
    with pytest.raises(ValueError, match="Could not interpret metric function identifier: None"):
        metrics.get(None)
    with pytest.raises(AttributeError, match="In Keras 2.2.4 use metrics=.'accuracy'. in compile"):
        _ = metrics.accuracy
