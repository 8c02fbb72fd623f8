"""Behaviour of the core layers that recordings cannot show: randomness, bad input, Keras's conveniences."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import layers as L
from jkeras.core.types import Ctx


def train(layer, x, key=0, site=0):
    """The output of one call in training."""
    ctx = Ctx(rng=jax.random.key(key), training=True, site=site)
    return np.asarray(layer.pure().apply({}, {}, jnp.asarray(x), ctx).y)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_its_rate_and_mean(rate):
    y = train(L.Dropout(rate), np.ones((200, 100), "float32"))
    kept = y != 0
    assert abs(kept.mean() - (1 - rate)) < 5 * np.sqrt(rate * (1 - rate) / y.size)
    np.testing.assert_allclose(y[kept], 1 / (1 - rate), rtol=1e-6)
    assert abs(np.corrcoef(kept[:-1].ravel(), kept[1:].ravel())[0, 1]) < 0.03


def test_dropout_differs_between_steps_places_and_follows_its_seed():
    x = np.ones((8, 16), "float32")
    plain, seeded = L.Dropout(0.5), L.Dropout(0.5, seed=3)
    assert (train(plain, x, key=0) != train(plain, x, key=1)).any()
    assert (train(plain, x, site=1) != train(plain, x, site=2)).any()
    assert (train(seeded, x, key=0) != train(seeded, x, key=1)).any()
    np.testing.assert_array_equal(train(seeded, x, site=1), train(L.Dropout(0.5, seed=3), x, site=2))
    assert (train(seeded, x) != train(L.Dropout(0.5, seed=4), x)).any()


def test_noise_shape():
    x = np.ones((5, 6, 7), "float32")
    y = train(L.Dropout(0.5, noise_shape=(None, 1, None)), x)
    assert (y == y[:, :1]).all() and (y != y[:1]).any() and (y != y[:, :, :1]).any()
    y = train(L.Dropout(0.5, noise_shape=(1, None, None)), x)
    assert (y == y[:1]).all() and (y != y[:, :1]).any()
    with pytest.raises(ValueError, match=r"Layer 'd' .*noise_shape \(None, 3, 7\) does not fit"):
        train(L.Dropout(0.5, noise_shape=(None, 3, 7), name="d"), x)


@pytest.mark.parametrize(
    "layer, shape, axes",
    [
        (L.SpatialDropout1D(0.5), (4, 5, 6), (1,)),
        (L.SpatialDropout2D(0.5), (4, 5, 3, 6), (1, 2)),
        (L.SpatialDropout2D(0.5, data_format="channels_first"), (4, 6, 5, 3), (2, 3)),
        (L.SpatialDropout3D(0.5), (4, 2, 3, 2, 6), (1, 2, 3)),
    ],
)
def test_spatial_dropout_drops_whole_channels(layer, shape, axes):
    y = train(layer, np.ones(shape, "float32"))
    assert (y.min(axes) == y.max(axes)).all()
    assert 0 < (y == 0).mean() < 1


@pytest.mark.filterwarnings("ignore:Dropout.* the rate is a fraction")
@pytest.mark.parametrize("rate, kept", [(0.0, 1.0), (1.0, 1.0), (-1.0, 1.0), (2.0, 1.0)])
def test_rates_at_and_beyond_the_ends_switch_dropout_off(rate, kept):
    layer = L.Dropout(rate)
    assert (train(layer, np.ones((4, 4), "float32")) == kept).all() and not layer.uses_learning_phase


def test_spatial_dropout_config_keeps_what_keras_loses():
    layer = L.SpatialDropout2D(0.5, data_format="channels_first")
    assert layer.get_config()["data_format"] == "channels_first"
    assert "data_format" not in L.SpatialDropout2D(0.5, data_format="channels_last").get_config()


def test_gaussian_noise_and_dropout():
    x = np.full((300, 100), 2.0, "float32")
    y = train(L.GaussianNoise(0.5), x)
    assert abs(y.mean() - 2) < 0.02 and abs(y.std() - 0.5) < 0.01
    y = train(L.GaussianDropout(0.2), x)
    assert abs(y.mean() - 2) < 0.03 and abs(y.std() - 2 * 0.5) < 0.02
    assert (train(L.GaussianDropout(0.0), x) == x).all()


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.RandomState(0).randn(300, 100).astype("float32")
    y = train(L.AlphaDropout(0.3), x)
    assert abs(y.mean()) < 0.02 and abs(y.std() - 1) < 0.02
    assert len(np.unique(train(L.AlphaDropout(0.3, noise_shape=(None, 1)), np.zeros((9, 7), "float32")))) == 2
    assert L.AlphaDropout(0.3).get_config().keys() == {"name", "trainable", "rate"}
    assert L.AlphaDropout(0.3, seed=2).get_config()["seed"] == 2


@pytest.mark.parametrize(
    "make, shape, text",
    [
        (lambda: L.Dense(3, name="layer"), (2,), "min_ndim=2, found ndim=1"),
        (lambda: L.Dense(3, name="layer"), (2, None), "needs a known size for its weight 'kernel'"),
        (lambda: L.Flatten(name="layer"), (2, 3), "min_ndim=3, found ndim=2"),
        (lambda: L.Flatten(name="layer"), (None, None, 3), "not fully defined"),
        (
            lambda: L.Reshape((5, 3), name="layer"),
            (2, 12),
            r"12 elements do not fit into target_shape \(5, 3\)",
        ),
        (
            lambda: L.Reshape((-1, 5), name="layer"),
            (2, 12),
            r"12 elements do not fit into target_shape \(-1, 5\)",
        ),
        (lambda: L.Permute((2, 1), name="layer"), (2, 3), "expected ndim=3, found ndim=2"),
        (lambda: L.RepeatVector(2, name="layer"), (2, 3, 4), "expected ndim=2, found ndim=3"),
        (lambda: L.SpatialDropout1D(0.2, name="layer"), (2, 3), "expected ndim=3, found ndim=2"),
        (lambda: L.PReLU(shared_axes=[9], name="layer"), (None, 3), "no axis 9"),
        (lambda: L.PReLU(name="layer"), (None, None), "needs a known size for its weight 'alpha'"),
    ],
)
def test_bad_input_names_layer_and_shapes(make, shape, text):
    with pytest.raises(ValueError, match=text) as error:
        make().compute_output_shape(shape)
    assert "'layer'" in str(error.value)


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: L.Permute((1, 1)), "`dims` of Permute must be a permutation"),
        (lambda: L.Permute((0, 1)), "`dims` of Permute must be a permutation"),
        (lambda: L.Reshape((-1, -1)), "only take one unknown dimension"),
        (lambda: L.Dense(0), "`units` argument must hold positive integers"),
        (lambda: L.Dense(2.5), "`units` argument must be an integer"),
        (lambda: L.RepeatVector(0), "`n` argument must hold positive integers"),
        (lambda: L.ReLU(max_value=-1.0), "`max_value` of ReLU cannot be negative"),
        (lambda: L.ReLU(negative_slope=-1.0), "`negative_slope` of ReLU cannot be negative"),
    ],
)
def test_bad_arguments(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_wrong_number_of_features_on_a_later_call():
    layer = L.Dense(3, name="layer")
    layer(np.ones((1, 4), "float32"))
    with pytest.raises(ValueError, match=r"'layer'.*expected axis -1 .* to have value 4, got shape \(1, 5\)"):
        layer(np.ones((1, 5), "float32"))


def test_masks_are_passed_on_or_refused():
    mask = jnp.asarray([[True, False]])
    x = jnp.ones((1, 2, 3))
    for layer in (
        L.Activation("relu"),
        L.Dropout(0.5),
        L.ReLU(),
        L.GaussianNoise(1.0),
        L.ActivityRegularization(),
    ):
        assert layer.pure().apply({}, {}, x, Ctx(mask=mask)).mask is mask
    for layer in (L.Flatten(), L.Reshape((6,)), L.Permute((2, 1))):
        with pytest.raises(TypeError, match=f"{layer.name}.*does not support masking"):
            layer.pure().apply({}, {}, x, Ctx(mask=mask))


def test_masking_compares_with_its_value():
    x = jnp.asarray([[[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]]])
    out = L.Masking(1.0).pure().apply({}, {}, x)
    assert out.mask.tolist() == [[False, True, True]]
    assert out.y.tolist() == [[[0, 0], [1, 0], [0, 0]]]


def test_input_dim_and_numbers_as_keras_keeps_them():
    assert L.Dense(3, input_dim=4).batch_input_shape == (None, 4)
    assert L.LeakyReLU().get_config()["alpha"] == 0.30000001192092896
    assert L.ReLU(max_value={"type": "ndarray", "value": 6.0}).max_value == 6.0
    assert L.PReLU(shared_axes=2).shared_axes == [2]
