"""Images between files, Pillow and arrays."""

from __future__ import annotations

import struct
import sys
import zlib

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.preprocessing import image

PIL = pytest.importorskip("PIL")
pytest.importorskip("PIL.Image")

RAMP = np.arange(24, dtype="float32").reshape(2, 4, 3)


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "ramp.png"
    PIL.Image.fromarray((RAMP * 10).astype("uint8")).save(path)
    return path


def test_image_of_an_array_and_back():
    img = image.array_to_img(RAMP)
    assert img.mode == "RGB" and img.size == (4, 2)
    there = (RAMP / 23 * 255).astype("uint8")
    np.testing.assert_array_equal(image.img_to_array(img), there)
    np.testing.assert_array_equal(image.img_to_array(img, "channels_first"), there.transpose(2, 0, 1))
    assert image.img_to_array(img).dtype == np.dtype(K.floatx())
    assert image.img_to_array(img, dtype="uint8").dtype == np.uint8
    kept = image.array_to_img(RAMP.transpose(2, 0, 1), "channels_first", scale=False)
    np.testing.assert_array_equal(image.img_to_array(kept), RAMP)


def test_grey_and_rgba_images():
    assert image.array_to_img(np.full((2, 3, 4), 7)).mode == "RGBA"
    assert image.array_to_img(np.zeros((2, 3, 1))).mode == "L"
    deep = image.array_to_img(np.full((2, 3, 1), 70_000), scale=False)
    assert deep.mode == "I" and image.img_to_array(deep).max() == 70_000
    assert image.img_to_array(deep).shape == (2, 3, 1)


@pytest.mark.parametrize(
    "array, words, message",
    [
        (np.zeros((2, 3)), {}, "Expected image array to have rank 3"),
        (np.zeros((2, 3, 2)), {}, "Unsupported channel number: 2"),
        (np.zeros((2, 3, 1)), {"data_format": "channels"}, "Invalid data_format: channels"),
    ],
)
def test_arrays_that_are_no_images(array, words, message):
    with pytest.raises(ValueError, match=message):
        image.array_to_img(array, **words)


def test_img_to_array_refuses():
    with pytest.raises(ValueError, match="Unknown data_format: channels"):
        image.img_to_array(RAMP, "channels")
    with pytest.raises(ValueError, match="Unsupported image shape"):
        image.img_to_array(np.zeros((1, 2, 3, 4)))


@pytest.mark.parametrize("mode, channels", [("rgb", 3), ("rgba", 4), ("grayscale", 1)])
def test_load_img(png, mode, channels):
    img = image.load_img(png, color_mode=mode, target_size=(5, 6))
    assert image.img_to_array(img).shape == (5, 6, channels)
    if mode == "rgb":
        np.testing.assert_array_equal(image.img_to_array(image.load_img(str(png))), RAMP * 10)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"])
def test_interpolations_keep_the_mean(png, interpolation):
    big = image.img_to_array(image.load_img(png, target_size=(8, 16), interpolation=interpolation))
    assert abs(big.mean() - RAMP.mean() * 10) < 1


def test_load_img_refuses(png, tmp_path):
    with pytest.warns(UserWarning, match="grayscale is deprecated"):
        assert image.load_img(png, grayscale=True).mode == "L"
    with pytest.raises(ValueError, match="color_mode must be"):
        image.load_img(png, color_mode="grey")
    with pytest.raises(ValueError, match="Invalid interpolation method cubic specified"):
        image.load_img(png, target_size=(2, 2), interpolation="cubic")
    for size in ((0, 2), (2,), (2, 2.5), "ab"):
        with pytest.raises(ValueError, match=r"`target_size` should be \(height, width\), two integers"):
            image.load_img(png, target_size=size)
    with pytest.raises(FileNotFoundError, match="none.png"):
        image.load_img(tmp_path / "none.png")


def test_an_image_that_says_to_be_huge_is_named(tmp_path):
    """A PNG of a few bytes with a head of 60,000 x 60,000 pixels."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)),
        (b"IDAT", b""),
        (b"IEND", b""),
    ]
    chunks = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts]
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    with pytest.raises(OSError, match="huge.png cannot be read as an image: .*3600000000 pixels"):
        image.load_img(tmp_path / "huge.png")


@pytest.mark.parametrize("content", [b"", b"no image at all", "half"], ids=["empty", "text", "half"])
def test_broken_images_are_named(png, content):
    whole = png.read_bytes()
    png.write_bytes(whole[: len(whole) - 25] if content == "half" else content)
    with pytest.raises(OSError, match="ramp.png cannot be read as an image"):
        image.load_img(png)


def test_grey_images_of_16_bits_stay_that(tmp_path):
    values = np.array([[0, 300], [5000, 65_535]])
    image.save_img(tmp_path / "deep.png", values[..., None], scale=False)
    img = image.load_img(tmp_path / "deep.png", color_mode="grayscale")
    assert img.mode.startswith("I") and image.img_to_array(img)[..., 0].tolist() == values.tolist()


def test_save_img(tmp_path):
    image.save_img(tmp_path / "a.png", RAMP, scale=False)
    np.testing.assert_array_equal(image.img_to_array(image.load_img(tmp_path / "a.png")), RAMP)
    for number, words in enumerate([{}, {"file_format": "jpg"}]):
        with pytest.warns(UserWarning, match="JPG format does not support RGBA"):
            image.save_img(tmp_path / f"{number}.jpg", np.ones((2, 2, 4)), quality=90, **words)
        with PIL.Image.open(tmp_path / f"{number}.jpg") as img:
            assert img.mode == "RGB"


def test_list_pictures(tmp_path):
    for name in ("a.png", "b.JPG", "c.txt", "inner/d.bmp"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = sorted(path.removeprefix(str(tmp_path)) for path in image.list_pictures(str(tmp_path)))
    assert found == ["/a.png", "/b.JPG", "/inner/d.bmp"]
    assert [p[-5:] for p in image.list_pictures(tmp_path, "png")] == ["a.png"]


def test_the_extra_is_named_where_pillow_is_missing(monkeypatch, png):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r'load_img needs Pillow: pip install "jkeras\[images\]"'):
        image.load_img(png)
