"""Single transformations, with the random numbers and the values of Keras 2.2.4."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from jkeras.preprocessing import image

RAMP = (np.arange(60) % 17 * 15).astype("float32").reshape(4, 5, 3)
FIRST, BYTES = RAMP.transpose(2, 0, 1), RAMP.astype("uint8")
AXES = {
    "last": (RAMP, dict(row_axis=0, col_axis=1, channel_axis=2)),
    "first": (FIRST, dict(row_axis=1, col_axis=2, channel_axis=0)),
    "default": (FIRST, {}),
}
RANDOM = {
    "rotation": lambda x, axes: image.random_rotation(x, 40, **axes),
    "shift": lambda x, axes: image.random_shift(x, 0.3, 0.4, fill_mode="reflect", **axes),
    "shear": lambda x, axes: image.random_shear(x, 30, fill_mode="constant", cval=9.0, **axes),
    "zoom": lambda x, axes: image.random_zoom(x, (0.5, 1.7), fill_mode="wrap", **axes),
    "cubic": lambda x, axes: image.random_zoom(x, (0.5, 1.7), interpolation_order=3, **axes),
}
MUCH = dict(theta=33, tx=0.5, ty=-1.2, shear=12, zx=0.7, zy=1.4)
OTHERS = {
    "channel": lambda: image.random_channel_shift(RAMP, 40.0, 2),
    "channel_uint8": lambda: image.random_channel_shift(BYTES, 40.0, 2),
    "brightness": lambda: image.random_brightness(RAMP, (0.5, 1.5)),
    "affine_uint8": lambda: image.apply_affine_transform(BYTES, theta=33, tx=0.5, zx=0.7),
    "affine_all": lambda: image.apply_affine_transform(RAMP, **MUCH, fill_mode="wrap"),
    "affine_first": lambda: image.apply_affine_transform(
        FIRST, **MUCH, fill_mode="reflect", order=0, **AXES["first"][1]
    ),
    "to_img_noscale": lambda: image.img_to_array(image.array_to_img(RAMP * 2 - 50, scale=False)),
    "to_img_const": lambda: image.img_to_array(image.array_to_img(RAMP * 0 + 7)),
}

# The sum of i * (value number i), and the dtype.
THERE = {
    "rotation-last": (172323.8360595703, "float32"),
    "shift-last": (224442.878200531, "float32"),
    "shear-last": (145893.16021728516, "float32"),
    "zoom-last": (213453.5602016449, "float32"),
    "cubic-last": (235579.08755135536, "float32"),
    "rotation-first": (185508.0203552246, "float32"),
    "shift-first": (230280.72019958496, "float32"),
    "shear-first": (136256.1021270752, "float32"),
    "zoom-first": (188268.6844444275, "float32"),
    "cubic-first": (227398.4256105423, "float32"),
    "rotation-default": (185508.0203552246, "float32"),
    "shift-default": (230280.72019958496, "float32"),
    "shear-default": (136256.1021270752, "float32"),
    "zoom-default": (188268.6844444275, "float32"),
    "cubic-default": (227398.4256105423, "float32"),
    "channel": (152706.99194335938, "float32"),
    "channel_uint8": (152706.99472487485, "float64"),
    "brightness": (126298.0, "float32"),
    "affine_uint8": (201549.0, "uint8"),
    "affine_all": (192508.72212600708, "float32"),
    "affine_first": (185505.0, "float32"),
    "to_img_noscale": (235884.0, "float32"),
    "to_img_const": (0.0, "float32"),
}


@pytest.mark.parametrize("name", THERE)
def test_values(name):
    if name == "brightness" or name.startswith("to_img"):
        pytest.importorskip("PIL.Image")
    kind, _, axes = name.partition("-")
    np.random.seed(7)
    x = RANDOM[kind](*AXES[axes]) if axes else OTHERS[kind]()
    total = (np.arange(1, x.size + 1) * x.astype("float64").ravel()).sum()
    assert (total, str(x.dtype)) == (pytest.approx(THERE[name][0], rel=1e-6), THERE[name][1])


def test_nothing_to_do_is_the_image_itself():
    assert image.apply_affine_transform(RAMP) is RAMP


def test_flip_axis():
    np.testing.assert_array_equal(image.flip_axis(RAMP, 1), RAMP[:, ::-1])


def test_apply_transform_of_keras_2_1():
    matrix = image.transform_matrix_offset_center(np.diag([0.8, 1.2, 1.0]), 4, 5)
    there = image.apply_affine_transform(RAMP, zx=0.8, zy=1.2)
    np.testing.assert_array_equal(image.apply_transform(RAMP, matrix, 2), there)


def test_what_is_refused():
    with pytest.raises(ValueError, match="should have rank 3"):
        image.apply_affine_transform(RAMP[0], theta=3)
    with pytest.raises(ValueError, match="`zoom_range` should be a tuple or list of two floats"):
        image.random_zoom(RAMP, [1])
    with pytest.raises(ValueError, match="tuple or list of two floats"):
        image.random_brightness(RAMP, [1])


@pytest.mark.parametrize(
    "module, call",
    [
        ("scipy.ndimage", lambda: image.apply_affine_transform(RAMP, theta=3)),
        ("PIL.ImageEnhance", lambda: image.apply_brightness_shift(RAMP, 1)),
    ],
)
def test_missing_packages_name_the_extra(monkeypatch, module, call):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r'needs .*: pip install "jkeras\[images\]"'):
        call()
