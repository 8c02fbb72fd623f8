"""Initializers: exact values and distributions recorded from Keras 2.2.4, purity, identifiers."""

from __future__ import annotations

import json
import logging
import re

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import initializers
from jkeras.core.registry import CustomObjectScope
from tests import golden

CONFIGS = {
    "Zeros": {},
    "Ones": {},
    "Constant": {"value": 0},
    "RandomNormal": {"mean": 0.0, "stddev": 0.05, "seed": None},
    "RandomUniform": {"minval": -0.05, "maxval": 0.05, "seed": None},
    "TruncatedNormal": {"mean": 0.0, "stddev": 0.05, "seed": None},
    "VarianceScaling": {"scale": 1.0, "mode": "fan_in", "distribution": "normal", "seed": None},
    "Orthogonal": {"gain": 1.0, "seed": None},
    "Identity": {"gain": 1.0},
}
ALIASES = {
    "zero": "Zeros",
    "zeros": "Zeros",
    "one": "Ones",
    "ones": "Ones",
    "constant": "Constant",
    "uniform": "RandomUniform",
    "random_uniform": "RandomUniform",
    "normal": "RandomNormal",
    "random_normal": "RandomNormal",
    "truncated_normal": "TruncatedNormal",
    "identity": "Identity",
    "orthogonal": "Orthogonal",
}
SCALED = {
    "glorot_normal": (1.0, "fan_avg", "normal"),
    "glorot_uniform": (1.0, "fan_avg", "uniform"),
    "he_normal": (2.0, "fan_in", "normal"),
    "he_uniform": (2.0, "fan_in", "uniform"),
    "lecun_normal": (1.0, "fan_in", "normal"),
    "lecun_uniform": (1.0, "fan_in", "uniform"),
}
RANDOM = [
    initializers.RandomNormal(1.0, 2.0),
    initializers.RandomUniform(-1.0, 3.0),
    initializers.TruncatedNormal(0.5, 0.1),
    initializers.he_normal(),
    initializers.glorot_uniform(),
    initializers.Orthogonal(2.0),
]


def exact():
    with h5py.File(golden.path("functions.h5")) as file:
        return [
            (name, value.attrs["class_name"], json.loads(value.attrs["config"]), value[()])
            for name, value in file["initializers_exact"].items()
        ]


RECORDED = golden.json("functions")["initializers"]


def name_of(init):
    return json.dumps(initializers.serialize(init))


@pytest.mark.parametrize("case", exact(), ids=lambda case: case[0])
def test_exact_values(case):
    _, class_name, config, expected = case
    init = initializers.deserialize({"class_name": class_name, "config": config})
    values = init(expected.shape)
    assert isinstance(values, jax.Array) and values.dtype == "float32"
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(init.draw(jax.random.key(1), expected.shape), values)


@pytest.mark.parametrize("case", RECORDED, ids=lambda c: f"{c['name']}-{c['distribution']}-{c['shape']}")
def test_distributions(case):
    init = initializers.deserialize({"class_name": case["class_name"], "config": case["config"]})
    values = np.asarray(init.draw(jax.random.key(3), tuple(case["shape"])), "float64")
    theory = case["theory"]
    if case["distribution"] == "constant":
        np.testing.assert_array_equal(values, np.float32(theory["value"]))
    elif case["distribution"] == "orthogonal":
        q = values.reshape(-1, values.shape[-1]) / case["config"]["gain"]
        product = q @ q.T if q.shape[0] < q.shape[1] else q.T @ q
        np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-5)
    else:
        mean = theory.get("mean", (theory.get("low", 0.0) + theory.get("high", 0.0)) / 2)
        assert abs(values.mean() - mean) < 5 * theory["std"] / np.sqrt(values.size)
        assert abs(values.std() / theory["std"] - 1) < 0.02
        assert values.min() >= theory.get("low", -np.inf) - 1e-7
        assert values.max() <= theory.get("high", np.inf) + 1e-7


@pytest.mark.parametrize("init", RANDOM, ids=name_of)
@pytest.mark.parametrize("shape", [(3, 5), (33, 40), (3, 3, 8, 16)])
def test_draw_is_pure(init, shape):
    key, other = jax.random.split(jax.random.key(5))
    values = init.draw(key, shape)
    np.testing.assert_array_equal(init.draw(key, shape), values)
    assert np.abs(init.draw(other, shape) - values).max() > 1e-3
    np.testing.assert_allclose(jax.jit(lambda k: init.draw(k, shape))(key), values, rtol=1e-4, atol=2e-6)
    many = jax.vmap(lambda k: init.draw(k, shape))(jnp.stack([other, key]))
    np.testing.assert_allclose(many[1], values, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("name", ["RandomNormal", "RandomUniform", "TruncatedNormal", *SCALED, "Orthogonal"])
def test_a_seed_gives_the_same_values_at_each_call(name):
    init = getattr(initializers, name)(seed=11)
    first = init((4, 6))
    np.testing.assert_array_equal(init((4, 6)), first)
    np.testing.assert_array_equal(init.draw(jax.random.key(9), (4, 6)), first)
    assert np.abs(getattr(initializers, name)(seed=12)((4, 6)) - first).max() > 1e-3


def test_numpys_global_seed_rules_unseeded_initializers():
    init = initializers.glorot_uniform()
    np.random.seed(3)
    first, second = init((4, 6)), init((4, 6))
    np.random.seed(3)
    np.testing.assert_array_equal(init((4, 6)), first)
    assert np.abs(first - second).max() > 1e-3


def test_orthogonal_with_a_seed_leaves_numpys_generator_alone():
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    initializers.Orthogonal(seed=5)((3, 3))
    assert np.random.rand() == expected


def test_new_shapes_compile_nothing(caplog):
    for init in RANDOM:
        init.draw(jax.random.key(0), (40, 41))
        init.draw(jax.random.key(0), (400, 410))
    inits = [*RANDOM, initializers.Zeros(), initializers.Ones(), initializers.Constant(0.5)]
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        for n in range(30, 36):
            for init in inits:
                init.draw(jax.random.key(n), (n, n + 1))
    assert not [record for record in caplog.records if "Compiling" in record.getMessage()]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_dtypes(dtype):
    for init in [*RANDOM, initializers.Zeros(), initializers.Identity()]:
        assert init((3, 3), dtype=dtype).dtype == dtype


@pytest.mark.parametrize("name", CONFIGS)
def test_default_configs(name):
    init = getattr(initializers, name)()
    assert initializers.serialize(init) == {"class_name": name, "config": CONFIGS[name]}
    assert type(initializers.get(name)) is type(init) is type(initializers.get(type(init)))
    assert initializers.get(init) is init
    assert initializers.get(initializers.serialize(init)).get_config() == CONFIGS[name]
    assert type(init).from_config({**CONFIGS[name], "dtype": "float32"}).get_config() == CONFIGS[name]


@pytest.mark.parametrize("name", SCALED)
def test_scaled_initializers(name):
    scale, mode, distribution = SCALED[name]
    expected = {"scale": scale, "mode": mode, "distribution": distribution, "seed": None}
    assert initializers.serialize(initializers.get(name)) == {
        "class_name": "VarianceScaling",
        "config": expected,
    }
    assert getattr(initializers, name)(seed=3).seed == 3


@pytest.mark.parametrize("name", ALIASES)
def test_aliases(name):
    assert getattr(initializers, name) is getattr(initializers, ALIASES[name])
    assert type(initializers.get(name)) is getattr(initializers, ALIASES[name])


def test_users_functions_and_classes():
    def by_shape(shape):
        return np.full(shape, 2.0)

    def by_dtype(shape, dtype=None):
        return jnp.full(shape, 3.0, dtype)

    class OldStyle(initializers.RandomNormal):
        def __call__(self, shape, dtype=None):
            return np.full(shape, 4)

    for init, value in ((by_shape, 2), (by_dtype, 3), (OldStyle(), 4)):
        drawn = initializers.draw(init, jax.random.key(0), (2, 3))
        np.testing.assert_array_equal(drawn, np.full((2, 3), value, "float32"))
        assert isinstance(drawn, jax.Array) and drawn.dtype == "float32"
    with CustomObjectScope({"by_shape": by_shape}):
        assert initializers.get(initializers.serialize(by_shape)) is by_shape
    with pytest.raises(ValueError, match=r"Initializer <lambda> returned shape .3,., expected .2,."):
        initializers.draw(lambda shape: np.ones(3), None, (2,))


def test_refusals():
    with pytest.raises(ValueError, match="`scale` must be a positive float. Got: 0"):
        initializers.VarianceScaling(0)
    with pytest.raises(ValueError, match="Invalid `mode` argument.*'fan'"):
        initializers.VarianceScaling(mode="fan")
    with pytest.raises(ValueError, match="Invalid `distribution` argument.*'cauchy'"):
        initializers.VarianceScaling(distribution="cauchy")
    with pytest.raises(ValueError, match="can only be used for 2D matrices"):
        initializers.Identity()((2, 2, 2))
    with pytest.raises(ValueError, match="Long side should be multiple of short side"):
        initializers.Identity()((2, 3))
    with pytest.raises(ValueError, match="rank 2 or more"):
        initializers.Orthogonal()((3,))
    with pytest.raises(ValueError, match=r"shape \(3,\) has too many numbers for shape \(2,\)"):
        initializers.Constant([1, 2, 3])((2,))
    with pytest.raises(TypeError, match="Initializer defines neither `__call__` nor `draw`"):
        initializers.get("Initializer")((3,))


def test_errors_name_the_keras_spelling():
    with pytest.raises(ValueError, match="Glorot_Uniform. Here it is '(GlorotUniform|glorot_uniform)'"):
        initializers.get("Glorot_Uniform")
    with pytest.raises(AttributeError, match="Here it is '(HeNormal|he_normal)'"):
        _ = initializers.Henormal
    with pytest.raises(ValueError, match="Could not interpret initializer identifier: 0"):
        initializers.get(0)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((3, 5), (3, 5)), ((2, 3, 5), (6, 10)), ((2, 2, 3, 5), (12, 20)), ((9,), (3, 3)), ((), (1, 1))],
)
def test_fans(shape, expected):
    assert initializers._compute_fans(shape) == expected


def test_fans_of_channels_first():
    assert initializers._compute_fans((5, 3, 2, 2), "channels_first") == (12, 20)
    with pytest.raises(ValueError, match="Invalid data_format: first"):
        initializers._compute_fans((5, 3, 2, 2), "first")


@pytest.mark.parametrize(
    "value, shape, expected",
    [
        ([1, 2], (2, 1), [[1], [2]]),
        ([1, 2], (3,), [1, 2, 2]),
        ([[1, 2]], (3, 2), [[1, 2], [2, 2], [2, 2]]),
        ([[1], [2]], (2, 2), [[1, 2], [2, 2]]),
        ([[1, 2], [3, 4]], (4, 1), [[1], [2], [3], [4]]),
        (5, (2,), [5, 5]),
        ([5], (1, 2), [[5, 5]]),
    ],
    ids=str,
)
def test_constants_fill_a_weight_number_by_number(value, shape, expected):
    """As TensorFlow's constants do, by a run of Keras 2.2.4."""
    assert np.asarray(initializers.Constant(value)(shape)).tolist() == expected


@pytest.mark.parametrize("seed", [1e30, 2**70, -(2**63)])
def test_a_seed_of_too_many_bits_is_refused(seed):
    with pytest.raises(ValueError, match="seed"):
        initializers.deserialize({"class_name": "VarianceScaling", "config": {"seed": seed}})
    with pytest.raises(ValueError, match="seed"):
        initializers.RandomNormal(seed=seed)


@pytest.mark.parametrize(
    "name", ["GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform"]
)
def test_classes_of_keras_3_draw_as_the_functions(name):
    made = getattr(initializers, name)(seed=3)
    function = getattr(initializers, re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower())
    np.testing.assert_array_equal(made((4, 6)), function(seed=3)((4, 6)))
    written = initializers.serialize(made)
    assert written == {"class_name": name, "config": {"seed": 3}}
    assert type(initializers.get(written)) is type(made) is type(initializers.get(name))
