"""Attention in blocks of queries: the numbers of the whole, and memory that grows with the length alone."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras.layers import Embedding, Input, MultiHeadAttention
from jkeras.models import Model
from jkeras.primitives import attention


def drawn(length: int):
    rng = np.random.RandomState(length)
    return [rng.normal(size=(1, length, 2, 4)).astype("float32") for _ in range(3)]


@pytest.mark.parametrize("causal", [False, True])
def test_blocks_give_the_numbers_and_slopes_of_the_whole(causal, monkeypatch):
    query, key, value = drawn(10)
    masks = [jnp.asarray(np.arange(10) % 4 != 1)[None, None, None], jnp.tri(10, dtype=bool)[None, None]]

    def slopes():
        attend = functools.partial(attention.attend, masks=masks, scale=0.5, causal=causal, window=4)
        return jax.value_and_grad(lambda *a: jnp.sum(jnp.sin(attend(*a))), (0, 1, 2))(query, key, value)

    whole = slopes()
    monkeypatch.setattr(attention, "_LONG", 1)
    monkeypatch.setattr(attention, "_BLOCK", 4)
    for a, b in zip(jax.tree.leaves(slopes()), jax.tree.leaves(whole), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_memory_is_linear_in_the_length():
    """Of 2,048 tokens and their gradients against 1,024, of which the weights are a quarter as many."""

    def taken(length):
        def loss(q, k, v):
            return jnp.sum(attention.attend(q, k, v, scale=0.5, causal=True))

        compiled = jax.jit(jax.grad(loss, (0, 1, 2))).lower(*drawn(length)).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    short, long = taken(1024), taken(2048)
    assert long < 2.5 * short
    assert long < 2 * 2048 * 2048 * 4  # the weights of both heads, in float32


def test_padding_is_not_seen():
    tokens = Input((4,), dtype="int32")
    table = Embedding(5, 6, mask_zero=True)
    x = table(tokens)
    model, batch = Model(tokens, MultiHeadAttention(2, 3)(x, x)), np.array([[1, 2, 0, 0]])
    before = model.predict(batch)
    weights = table.get_weights()[0]
    weights[0] += 1  # what the padding is
    table.set_weights([weights])
    np.testing.assert_allclose(model.predict(batch)[:, :2], before[:, :2], rtol=1e-5)


def test_calls_that_cannot_be():
    layer, x = MultiHeadAttention(2, 3), jnp.ones((1, 4, 6))
    with pytest.raises(TypeError, match="called on a query and a value"):
        layer(x)
    with pytest.raises(ValueError, match="needs a GPU"):
        MultiHeadAttention(2, 3, flash_attention=True)(x, x)
    with pytest.raises(ValueError, match="has no dropout"):
        MultiHeadAttention(2, 3, dropout=0.1, flash_attention=True)
