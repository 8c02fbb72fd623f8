"""ImageDataGenerator: its arguments, `fit`, `standardize`, and what `flow` refuses."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.preprocessing import image

Generator = image.ImageDataGenerator
X = np.random.RandomState(0).uniform(0, 255, (11, 6, 5, 3)).astype("float32")
Y = np.arange(11) % 3


@pytest.mark.parametrize(
    "words, message",
    [
        ({"zoom_range": (1, 2, 3)}, "`zoom_range` should be a float or a tuple or list of two floats"),
        ({"zoom_range": "wide"}, "`zoom_range` should be a float"),
        ({"brightness_range": 3}, "`brightness_range should be tuple or list of two floats. Received: 3"),
        ({"brightness_range": (1, 2, 3)}, "Received: \\(1, 2, 3\\)"),
        ({"validation_split": 1}, "must be strictly between 0 and 1.  Received: 1"),
        ({"data_format": "last"}, '`data_format` should be `"channels_last"`'),
        ({"rotation_range": "90"}, "`rotation_range` should be a number. Received: '90'"),
        ({"shear_range": np.nan}, "`shear_range` should be a number"),
        ({"width_shift_range": [[1]]}, "`width_shift_range` should be a number or a 1-D array"),
        ({"fill_mode": "nearst"}, "`fill_mode` should be one of constant, nearest"),
        ({"interpolation_order": 6}, "`interpolation_order` should be from 0 to 5"),
        ({"preprocessing_function": 3}, "`preprocessing_function` should be a function"),
    ],
)
def test_arguments(words, message):
    with pytest.raises(ValueError, match=message):
        Generator(**words)


@pytest.mark.parametrize(
    "words, name, value",
    [
        ({"zca_whitening": True}, "featurewise_center", True),
        ({"featurewise_std_normalization": True}, "featurewise_center", True),
        ({"samplewise_std_normalization": True}, "samplewise_center", True),
        (
            {"zca_whitening": True, "featurewise_center": True, "featurewise_std_normalization": True},
            "featurewise_std_normalization",
            False,
        ),
    ],
)
def test_arguments_that_others_imply(words, name, value):
    with pytest.warns(UserWarning, match=f"overrides setting of `{name}`"):
        assert getattr(Generator(**words), name) is value


def test_settings_are_the_defaults():
    assert Generator().data_format == K.image_data_format() and Generator().dtype == K.floatx()
    first = Generator(data_format="channels_first")
    assert (first.channel_axis, first.row_axis, first.col_axis) == (1, 2, 3)
    assert Generator(rotation_range=None).rotation_range == 0


@pytest.mark.parametrize(
    "words, seed, there",
    [
        # Keras's draws: whole pixels, one of a list, fractions, negative ranges.
        (dict(width_shift_range=3), 1, {"tx": 0, "ty": 1}),
        (dict(height_shift_range=[-2, 0, 1.5]), 4, {"tx": -1.5, "ty": 0}),
        (dict(width_shift_range=(1, 2), height_shift_range=(0.1, 0.2)), 2, {"tx": 0.6, "ty": -2}),
        (dict(height_shift_range=0.5), 3, {"tx": 0.30478742, "ty": 0}),
        (dict(width_shift_range=-3), 3, {"tx": 0, "ty": -1.5239371}),
    ],
)
def test_shifts(words, seed, there):
    here = Generator(**words).get_random_transform((6, 5, 3), seed)
    assert {"tx": here["tx"], "ty": here["ty"]} == pytest.approx(there, rel=1e-6)


def test_fit_on_augmented_images():
    generator = Generator(featurewise_center=True, rotation_range=40, rescale=0.5)
    generator.fit(X, augment=True, rounds=2, seed=3)
    there = [61.988582611083984, 62.383705139160156, 66.1840591430664]  # Keras's
    np.testing.assert_allclose(generator.mean.ravel(), there, rtol=1e-6)


def test_fit_refuses_and_warns():
    with pytest.raises(ValueError, match=r"should have rank 4. Got array with shape: \(6, 5, 3\)"):
        Generator().fit(X[0])
    with pytest.warns(UserWarning, match="expected either 1, 3 or 4 channels on axis 3"):
        Generator().fit(X[..., :2])


def test_standardize_works_in_place():
    x = X.copy()
    assert Generator(rescale=0.5).standardize(x) is x
    np.testing.assert_allclose(x, X / 2)
    with pytest.raises(TypeError, match="should be floats; got uint8"):
        Generator(rescale=0.5).standardize(X.astype("uint8"))
    with pytest.warns(UserWarning, match="specifies `featurewise_center`, but it hasn't been fit"):
        Generator(featurewise_center=True).standardize(x)


@pytest.mark.parametrize(
    "arguments, words, message",
    [
        ((X, Y[:3]), {}, r"`x` \(images tensor\) and `y` \(labels\) should have the same length"),
        ((X, Y), {"sample_weight": Y[:3]}, "`sample_weight` should have the same length"),
        (((X, [Y, Y[:3]]), Y), {}, "All of the arrays in `x` should have the same length"),
        (([X, Y, Y], Y), {}, "a pair of it and what is passed on beside it"),
        ((X[0],), {}, "should have rank 4. You passed an array with shape"),
        ((X, Y), {"subset": "test"}, "Invalid subset name: test"),
        ((X, Y), {"batch_size": 0}, "`batch_size` should be at least 1"),
    ],
)
def test_flow_refuses(arguments, words, message):
    with pytest.raises(ValueError, match=message):
        Generator(validation_split=0.5).flow(*arguments, **words)


def test_flow_warns_of_channels():
    with pytest.warns(UserWarning, match="expected either 1, 3, or 4 channels on axis 3"):
        Generator().flow(X[..., :2])


def test_what_flow_yields():
    how = dict(batch_size=4, shuffle=False)
    assert next(Generator().flow(X, **how)).shape == (4, 6, 5, 3)
    x, y, weights = next(Generator().flow(X, Y, sample_weight=Y * 2.0, **how))
    assert weights.tolist() == (Y[:4] * 2.0).tolist()
    (x, other), y = next(Generator().flow((X, Y * 3), Y, **how))
    assert x.shape == (4, 6, 5, 3) and other.tolist() == [0, 3, 6, 0]
    (x, a, b), y = next(Generator().flow((X, [Y, -Y]), Y, **how))
    assert b.tolist() == [0, -1, -2, 0]


def test_the_split_of_arrays():
    generator, numbers = Generator(validation_split=0.4), np.arange(11)
    how = dict(batch_size=11, shuffle=False, sample_weight=numbers * 0.5)
    for subset, there in (("validation", numbers[:4]), ("training", numbers[4:])):
        (x, other), y, weights = next(generator.flow((X, numbers), Y, subset=subset, **how))
        assert other.tolist() == there.tolist() and weights.tolist() == (there * 0.5).tolist()
        np.testing.assert_array_equal(x, X[there])


@pytest.mark.parametrize("dtype, atol", [("float64", 1e-9), ("float32", 1e-4)])
def test_whitening_of_enough_images_is_exact(dtype, atol):
    """As by the eigenvectors of the covariance in float64: no direction is left to rounding errors."""
    x = np.random.RandomState(0).rand(60, 3, 4, 1)
    generator = image.ImageDataGenerator(featurewise_center=True, zca_whitening=True, dtype=dtype)
    generator.fit(x)
    flat = (x - x.mean()).reshape(60, 12)
    variances, directions = np.linalg.eigh(flat.T @ flat / 60)
    expected = flat @ directions @ np.diag(1 / np.sqrt(variances + 1e-6)) @ directions.T
    white = np.array([generator.standardize(image_.astype(dtype)) for image_ in x])
    np.testing.assert_allclose(white.reshape(60, 12), expected, atol=atol)
