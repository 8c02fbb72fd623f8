"""Seeds from numpy's generator, and random arrays from compiled blocks."""

from __future__ import annotations

import random as python_random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras.core import random

DRAWS = [random.uniform, random.normal, random.truncated_normal]


def test_seeds_are_the_draws_keras_would_make():
    np.random.seed(4)
    expected = [np.random.randint(10e6) for _ in range(3)]
    np.random.seed(4)
    assert [random.next_seed() for _ in range(3)] == expected


def test_keys_follow_numpys_seed():
    np.random.seed(4)
    first, second = random.next_key(), random.next_key()
    np.random.seed(4)
    assert random.next_key() == first != second


def test_set_random_seed_covers_python_and_numpy():
    random.set_random_seed(8)
    first = python_random.random(), np.random.rand(), random.next_seed()
    random.set_random_seed(8)
    assert first == (python_random.random(), np.random.rand(), random.next_seed())


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("shape", [(), (0, 3), (7,), (1025,), (40, 1000)])
def test_eager_traced_and_mapped_values_are_the_same(draw, shape):
    keys = jax.random.split(jax.random.key(2))
    eager = draw(keys[0], shape)
    assert eager.shape == shape and eager.dtype == "float32"
    np.testing.assert_allclose(jax.jit(lambda k: draw(k, shape))(keys[0]), eager, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(jax.jit(lambda: draw(keys[0], shape))(), eager, rtol=1e-6, atol=1e-6)
    mapped = jax.vmap(lambda k: draw(k, shape))(keys)
    np.testing.assert_allclose(mapped[0], eager, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("draw", DRAWS)
def test_a_longer_array_begins_like_a_shorter_one(draw):
    key = jax.random.key(2)
    np.testing.assert_array_equal(draw(key, (300_000,))[:5000], draw(key, (5000,)))


def test_blocks_do_not_repeat():
    x = np.asarray(random.uniform(jax.random.key(0), (300_000,)))
    assert len(np.unique(x)) > 0.98 * x.size
    assert abs(np.corrcoef(x[:-1024], x[1024:])[0, 1]) < 0.01


@pytest.mark.parametrize("impl", ["threefry2x32", "rbg"])
def test_every_kind_of_key_works(impl):
    typed = jax.random.key(3, impl=impl)
    raw = jax.random.key_data(typed)
    mapped = jax.vmap(lambda k: random.uniform(k, (5,)))(jnp.stack([typed, typed]))
    np.testing.assert_array_equal(mapped[1], random.uniform(typed, (5,)))
    np.testing.assert_array_equal(random.uniform(raw, (5,)), random.uniform(typed, (5,)))


def test_bounds_and_moments():
    key = jax.random.key(1)
    x = random.uniform(key, (100_000,), -2.0, 4.0)
    assert x.min() >= -2 and x.max() <= 4 and abs(x.mean() - 1) < 0.03
    x = random.truncated_normal(key, (100_000,), 1.0, 0.5)
    assert x.min() >= 0 and x.max() <= 2 and abs(x.std() / 0.5 - 0.8796) < 0.01
    x = random.normal(key, (100_000,), 1.0, 0.5)
    assert abs(x.mean() - 1) < 0.01 and abs(x.std() - 0.5) < 0.01


@pytest.mark.parametrize("impl", ["threefry2x32", "rbg"])
def test_fold_in_is_that_of_jax(impl):
    for seed in (0, 7, 2**31):
        key = jax.random.key(seed, impl=impl)
        for number in (0, 1, 2**32 - 1):
            assert random.fold_in(key, number) == jax.random.fold_in(key, np.uint32(number))
    traced = jax.jit(lambda k: jax.random.key_data(random.fold_in(k, 3)))(key)
    np.testing.assert_array_equal(traced, jax.random.key_data(random.fold_in(key, 3)))


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-0.3, 0.7), (5.0, 5.001)])
def test_uniform_numbers_are_the_same_with_and_without_a_program(bounds, monkeypatch):
    def drawn():
        return np.asarray(random.uniform(jax.random.key(3), (5000,), *bounds))

    plain = drawn()
    monkeypatch.setattr(random, "_SMALL", 0)
    np.testing.assert_array_equal(plain, drawn())


@pytest.mark.parametrize("seed", [0, 5, 2**31, 2**32 - 1, 2**32 + 5, 2**62, -7])
def test_keys_are_those_of_jax(seed):
    assert random.key_of(seed) == jax.random.key(seed)
