"""Constraints against the recordings of Keras 2.2.4, and their identifiers."""

from __future__ import annotations

import json

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import constraints
from tests import golden

CLASSES = {
    "MaxNorm": ("max_norm", "maxnorm"),
    "NonNeg": ("non_neg", "nonneg"),
    "UnitNorm": ("unit_norm", "unitnorm"),
    "MinMaxNorm": ("min_max_norm",),
}


def recorded():
    with h5py.File(golden.path("functions.h5")) as file:
        group = file["constraints"]
        inputs = {name: value[()] for name, value in group["inputs"].items()}
        return [
            (f"{case}/{name}", json.loads(value.attrs["config"]), inputs[name], value[()])
            for case in group
            if case != "inputs"
            for name, value in group[case].items()
        ]


CASES = recorded()


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_values_are_those_of_keras(case):
    _, config, w, expected = case
    constraint = constraints.deserialize(config)
    np.testing.assert_allclose(jax.jit(constraint)(w), expected, rtol=1e-5, atol=1e-6)
    assert constraints.serialize(constraint) == config


@pytest.mark.parametrize("name", CLASSES)
def test_names(name):
    cls = getattr(constraints, name)
    for alias in (name, *CLASSES[name]):
        assert getattr(constraints, alias) is cls and type(constraints.get(alias)) is cls
    assert type(constraints.get(cls)) is cls
    one = cls()
    assert constraints.get(one) is one
    again = constraints.deserialize(constraints.serialize(one))
    assert again.get_config() == one.get_config()


def test_base_class_none_and_own_functions():
    assert constraints.get(None) is None
    assert constraints.get("Constraint")(3) == 3
    assert constraints.get(jnp.abs) is jnp.abs


def test_float16_stays_float16():
    for name in CLASSES:
        assert constraints.get(name)(jnp.ones((2, 2), "float16")).dtype == "float16", name


def test_errors():
    with pytest.raises(ValueError, match="Unknown constraint: maxnrom.*maxnorm"):
        constraints.get("maxnrom")
    with pytest.raises(ValueError, match="Could not interpret constraint identifier: 2"):
        constraints.get(2)
    with pytest.raises(AttributeError, match="has no attribute 'RadialConstraint'"):
        _ = constraints.RadialConstraint
