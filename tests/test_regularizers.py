"""Regularizers against the recordings of Keras 2.2.4, and their identifiers."""

from __future__ import annotations

import json

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import regularizers
from jkeras.core.registry import CustomObjectScope
from tests import golden


def recorded():
    with h5py.File(golden.path("functions.h5")) as file:
        group = file["regularizers"]
        inputs = {name: value[()] for name, value in group["inputs"].items()}
        cases = [
            (f"{case}/{name}", json.loads(value.attrs["config"]), inputs[name], value[()])
            for case in group
            if case != "inputs"
            for name, value in group[case].items()
        ]
    return cases


CASES = recorded()


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_values_are_those_of_keras(case):
    _, config, x, expected = case
    regularizer = regularizers.deserialize(config)
    np.testing.assert_allclose(regularizer(x), expected, rtol=1e-5, atol=1e-6)
    assert regularizers.serialize(regularizer) == config


def test_the_penalty_holds_zeros_at_zero():
    np.testing.assert_array_equal(jax.grad(regularizers.l1(1.0))(jnp.asarray([-2.0, 0.0, 2.0])), [-1, 0, 1])


@pytest.mark.parametrize(
    ("identifier", "config"),
    [
        ("l1", {"l1": 0.009999999776482582, "l2": 0.0}),
        ("l2", {"l1": 0.0, "l2": 0.009999999776482582}),
        ("l1_l2", {"l1": 0.009999999776482582, "l2": 0.009999999776482582}),
        ("L1L2", {"l1": 0.0, "l2": 0.0}),
        (regularizers.L1L2, {"l1": 0.0, "l2": 0.0}),
        (regularizers.l2(0.5), {"l1": 0.0, "l2": 0.5}),
        ({"class_name": "l1", "config": {"l": 0.5}}, {"l1": 0.5, "l2": 0.0}),
    ],
)
def test_identifiers(identifier, config):
    regularizer = regularizers.get(identifier)
    assert isinstance(regularizer, regularizers.L1L2) and regularizer.get_config() == config


def test_base_class_none_and_own_functions():
    def own(w):
        return jnp.sum(w)

    assert regularizers.get(None) is None and regularizers.serialize(None) is None
    assert type(regularizers.get("Regularizer")) is regularizers.Regularizer
    assert regularizers.get(own) is own and regularizers.serialize(own) == "own"
    with CustomObjectScope({"own": own}):
        assert regularizers.get("own") is own


def test_errors():
    with pytest.raises(ValueError, match="Unknown regularizer: l3.*Did you mean"):
        regularizers.get("l3")
    with pytest.raises(ValueError, match="Could not interpret regularizer identifier: 0.01"):
        regularizers.get(0.01)
    with pytest.raises(AttributeError, match="Here it is 'L1L2'"):
        _ = regularizers.L1_L2


def test_those_of_keras_3_have_its_values_and_configs():
    recorded = golden.json("keras3/regularizers")
    x = jnp.asarray(recorded["x"], "float32")
    for case in recorded["cases"]:
        made = getattr(regularizers, case["name"])(**case["args"])
        np.testing.assert_allclose(made(x), case["value"], rtol=1e-5, err_msg=case["name"])
        assert made.get_config() == case["config"]
        assert type(regularizers.get(regularizers.serialize(made))) is type(made)
    with pytest.raises(ValueError, match="`mode` should be 'rows' or 'columns'"):
        regularizers.OrthogonalRegularizer(mode="x")
    with pytest.raises(ValueError, match="needs a matrix"):
        regularizers.OrthogonalRegularizer()(jnp.ones(3))
