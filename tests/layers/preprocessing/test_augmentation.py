"""Random changes of images: what they draw from, what they share, and that inference leaves images alone."""

import jax
import numpy as np
import pytest

from jkeras import layers
from jkeras.core.types import Ctx

IMAGES = np.arange(2 * 4 * 6 * 1, dtype="float32").reshape((2, 4, 6, 1))
MANY = np.broadcast_to(IMAGES[:1], (400, 4, 6, 1))
CHANGES = [
    layers.RandomFlip(),
    layers.RandomRotation(0.3),
    layers.RandomZoom(0.3),
    layers.RandomTranslation(0.3, 0.3),
    layers.RandomContrast(0.3),
    layers.RandomBrightness(0.3),
]


def trained(layer, images, key=0):
    return np.asarray(layer.pure().apply({}, {}, images, Ctx(jax.random.key(key), training=True)).y)


@pytest.mark.parametrize("layer", CHANGES, ids=lambda layer: type(layer).__name__)
def test_a_call_outside_of_models_is_training_and_may_be_inference(layer):
    np.testing.assert_array_equal(layer(IMAGES, training=False), IMAGES)
    changed = trained(layer, MANY[:8])
    assert len(np.unique(changed.reshape((8, -1)), axis=0)) > 1  # each image by itself
    assert any((np.asarray(layer(MANY[:8])) != MANY[:8]).any() for _ in range(3))
    assert changed.shape == (8, 4, 6, 1) and changed.dtype == "float32"


def test_seeds_make_layers_equal():
    one, two, other = (layers.RandomBrightness(0.3, seed=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(trained(one, IMAGES), trained(two, IMAGES))
    assert (trained(one, IMAGES) != trained(other, IMAGES)).any()


def test_half_of_the_images_is_mirrored_along_both_axes():
    flipped = trained(layers.RandomFlip(), MANY)
    mirrored = (flipped == MANY[:, ::-1, ::-1]).all((1, 2, 3))
    assert (mirrored | (flipped == MANY).all((1, 2, 3))).all()
    assert 0.4 < mirrored.mean() < 0.6
    sideways = trained(layers.RandomFlip("horizontal"), MANY)
    assert ((sideways == MANY[:, :, ::-1]) | (sideways == MANY)).all()


def test_brightness_keeps_to_its_bounds_and_spreads_over_them():
    moved = trained(layers.RandomBrightness((-0.1, 0.3), value_range=(-100, 100)), MANY) - MANY
    assert -20 <= moved.min() < -10 and 50 < moved.max() <= 60.001


def test_contrast_keeps_the_mean():
    changed = trained(layers.RandomContrast(0.5, value_range=(-100, 100)), MANY)
    np.testing.assert_allclose(changed.mean((1, 2)), MANY.mean((1, 2)), rtol=1e-4)
    spread = changed.std((1, 2)) / MANY.std((1, 2))
    assert 0.999 <= spread.min() < 1.1 and 1.4 < spread.max() <= 1.501


def test_translation_moves_by_no_more_than_its_factor():
    layer = layers.RandomTranslation(0.0, 0.5, fill_mode="constant", interpolation="nearest")
    spot = np.zeros((400, 4, 7, 1), "float32")
    spot[:, 2, 3] = 1
    at = trained(layer, spot)[:, 2, :, 0]
    assert (at.sum(-1) == 1).all() and set(at.argmax(-1)) == set(range(7))  # 3.5 to both sides, rounded
    assert (
        trained(layers.RandomTranslation(0.0, 0.1, interpolation="nearest"), spot)[:, 2, 2:5].any(1)
    ).all()


def test_a_batch_is_cropped_at_one_place_that_moves():
    layer = layers.RandomCrop(2, 3)
    parts = {trained(layer, MANY[:2], key)[:, 0, 0, 0].tobytes() for key in range(30)}
    firsts = [np.frombuffer(part, "float32") for part in parts]
    assert len(firsts) > 6 and all(first[0] == first[1] for first in firsts)
    middle = layers.RandomCrop(4, 2)(IMAGES, training=False)
    np.testing.assert_array_equal(middle, IMAGES[:, :, 2:4])
    assert layer(IMAGES[0]).shape == (2, 3, 1)  # one image


def test_wrong_factors_are_refused():
    for make in (lambda: layers.RandomZoom(1.5), lambda: layers.RandomContrast(-0.1)):
        with pytest.raises(ValueError, match="in the range"):
            make()
    with pytest.raises(ValueError, match="`fill_mode` must be one of"):
        layers.RandomRotation(0.1, fill_mode="black")
