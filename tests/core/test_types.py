"""Random bits of a context: uniform, independent over elements, layers, steps, salts, by global row."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras.core.types import Ctx

SHAPE = (512, 256)


def bits(step: int = 0, site: int = 0, salt: int = 0, seed: int = 7) -> np.ndarray:
    rng = jax.random.fold_in(jax.random.key(seed), step)
    return np.asarray(Ctx(rng=rng, site=site).bits(SHAPE, salt))


@pytest.mark.parametrize("seed", range(4))
def test_every_bit_is_fair(seed):
    b = bits(seed=seed)
    n = b.size
    for i in range(32):
        ones = int(((b >> i) & 1).sum())
        assert abs(ones - n / 2) < 5 * np.sqrt(n) / 2, f"bit {i}"


@pytest.mark.parametrize("seed", range(4))
def test_bytes_are_uniform(seed):
    counts = np.bincount((bits(seed=seed) >> 24).ravel(), minlength=256)
    expected = counts.sum() / 256
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi2 - 255) < 5 * np.sqrt(2 * 255)


def correlation(a, b) -> float:
    """Of the masks at rate 0.5, in standard deviations."""
    p, q = (np.where(v >> 31, 1.0, -1.0) for v in (a, b))
    return abs((p * q).sum()) / np.sqrt(p.size)


@pytest.mark.parametrize("lag", [1, 2, 3, 4, 8, 16, 64, 128, 255, 256, 257, 1024, 4096])
def test_neighbours_are_independent(lag):
    b = bits().ravel()
    assert correlation(b[:-lag], b[lag:]) < 5


def test_steps_layers_and_salts_are_independent():
    first = bits()
    others = [bits(step=i) for i in range(1, 20)] + [bits(site=i) for i in range(1, 20)] + [bits(salt=3)]
    assert max(correlation(first, b) for b in others) < 5
    columns = np.stack([bits(step=i)[:64, :64].ravel() >> 31 for i in range(100)])
    assert 0.4 < np.corrcoef(columns.mean(0), np.arange(64 * 64))[0, 1] + 0.5 < 0.6, "no element is favoured"
    assert abs(columns.mean(0).var() * 100 - 0.25) < 0.03, "steps behave like independent draws"


def test_uniform_and_normal():
    ctx = Ctx(rng=jax.random.key(0))
    u, z = np.asarray(ctx.uniform(SHAPE)), np.asarray(ctx.normal(SHAPE))
    assert u.min() >= 0 and u.max() < 1 and abs(u.mean() - 0.5) < 0.005
    assert np.isfinite(z).all() and abs(z.mean()) < 0.02 and abs(z.std() - 1) < 0.02


@pytest.mark.devices(4)
def test_bits_go_by_global_row():
    whole = Ctx(rng=jax.random.key(3)).bits((8, 5))
    split = jax.pmap(
        lambda _: Ctx(rng=jax.random.key(3), axis="data").bits((2, 5)), "data", devices=jax.devices()[:4]
    )(jnp.zeros(4))
    np.testing.assert_array_equal(split.reshape(8, 5), whole)


def test_rows_that_only_fill_a_batch_up_count_for_nothing():
    x = jnp.arange(24.0).reshape(4, 3, 2)
    ctx = Ctx(present=jnp.array([True, True, True, False]))
    np.testing.assert_allclose(ctx.mean(x, (0, 1)), x[:3].mean((0, 1)), rtol=1e-6)
    np.testing.assert_allclose(ctx.mean(x.reshape(12, 2), 0), x[:3].mean((0, 1)), rtol=1e-6)
    assert ctx.count(x, (0, 1)) == 9 and ctx.count(x.reshape(12, 2), 0) == 9 and Ctx().count(x, (0, 2)) == 8
    np.testing.assert_array_equal(ctx.kept(x)[:3], x[:3])
    assert not ctx.kept(x)[3].any() and Ctx().kept(x) is x


def test_a_missing_key_says_how_to_pass_one():
    with pytest.raises(ValueError, match="rng=jax.random.key"):
        Ctx(training=True).key()
