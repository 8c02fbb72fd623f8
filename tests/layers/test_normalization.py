"""BatchNormalization: devices, moving statistics, dtypes, bad axes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import layers as L
from jkeras.core.types import Ctx

rng = np.random.RandomState(0)


def drawn(shape, **kwargs):
    layer = L.BatchNormalization(**kwargs)
    pair = layer.pure()
    return pair, *pair.init(jax.random.key(0), (None, *shape))


@pytest.mark.devices(4)
@pytest.mark.parametrize("shape, axis", [((5,), -1), ((3, 4, 5), -1), ((5, 3, 4), 1)])
def test_statistics_of_the_whole_batch_on_several_devices(shape, axis):
    pair, params, state = drawn(shape, axis=axis, momentum=0.9)
    x = jnp.asarray(rng.randn(8, *shape) * 2 + 1, jnp.float32)

    def loss(params, x, ctx):
        out = pair.apply(params, state, x, ctx)
        return jnp.sum(out.y * jnp.cos(x)), out.state

    whole, moved = jax.grad(loss, 1, has_aux=True)(params, x, Ctx(training=True))
    mapped = jax.pmap(
        jax.grad(lambda p, x: loss(p, x, Ctx(training=True, axis="data")), 1, has_aux=True),
        "data",
        in_axes=(None, 0),
        devices=jax.devices()[:4],
    )
    parts, states = mapped(params, x.reshape(4, 2, *shape))
    np.testing.assert_allclose(parts.reshape(x.shape), whole, rtol=1e-3, atol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a[0], b, rtol=1e-5, atol=1e-6), states, moved)


def test_moving_statistics_are_the_plain_average_with_keras_factors():
    pair, params, state = drawn((3,), momentum=0.5, epsilon=0.1)
    x = rng.randn(6, 3).astype("float32")
    moved = pair.apply(params, state, jnp.asarray(x), Ctx(training=True)).state
    np.testing.assert_allclose(moved["moving_mean"], 0.5 * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(moved["moving_variance"], 0.5 + 0.5 * x.var(0) * 6 / (6 - 1.1), rtol=1e-5)
    pair, params, state = drawn((1, 1, 3), momentum=0.5, epsilon=0.1)  # TensorFlow's fused path
    moved = pair.apply(params, state, jnp.asarray(x.reshape(6, 1, 1, 3)), Ctx(training=True)).state
    np.testing.assert_allclose(
        moved["moving_variance"], 0.5 + 0.5 * x.var(0) * 6 / (6 - 1.1) * 6 / 5, rtol=1e-5
    )


def test_inference_moves_nothing_and_uses_what_is_stored():
    pair, params, state = drawn((3,), epsilon=0.0)
    state = {"moving_mean": jnp.ones(3), "moving_variance": jnp.full(3, 4.0)}
    out = pair.apply(params, state, jnp.full((2, 3), 5.0))
    assert out.state == {}
    np.testing.assert_allclose(out.y, 2.0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_input_has_float32_statistics(dtype):
    pair, params, state = drawn((4,))
    x = jnp.asarray(rng.randn(64, 4) * 0.1 + 30, dtype)
    out = pair.apply(params, state, x, Ctx(training=True))
    assert out.y.dtype == dtype and out.state["moving_mean"].dtype == jnp.float32
    assert abs(float(out.y.astype(jnp.float32).mean())) < 0.1


@pytest.mark.parametrize(
    "axis, shape, text",
    [
        (3, (None, 4), "axis 3 does not exist"),
        (1, (None, None, 4), "needs a known size for its weight 'gamma'"),
    ],
)
def test_bad_axis(axis, shape, text):
    with pytest.raises(ValueError, match=f"'bn'.*{text}"):
        L.BatchNormalization(axis=axis, name="bn").compute_output_shape(shape)


def test_without_center_and_scale_and_another_size_later():
    layer = L.BatchNormalization(center=False, scale=False, name="bn")
    layer(np.ones((2, 3), "float32"))
    assert [v.name for v in layer.weights] == ["bn/moving_mean:0", "bn/moving_variance:0"]
    with pytest.raises(ValueError, match=r"expected axis -1 .* value 3, got shape \(2, 4\)"):
        layer(np.ones((2, 4), "float32"))
