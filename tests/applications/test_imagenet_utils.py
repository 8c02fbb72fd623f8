"""Images as the networks take them, and the names of ImageNet's classes."""

from __future__ import annotations

import importlib
import json

import h5py
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.applications import imagenet_utils
from jkeras.applications.imagenet_utils import _obtain_input_shape, decode_predictions, preprocess_input
from jkeras.layers import Input, Lambda
from jkeras.models import Model
from tests import golden

MODULES = (
    "densenet inception_resnet_v2 inception_v3 mobilenet mobilenet_v2 nasnet resnet50 vgg16 vgg19 xception"
)
MODES = ("caffe", "tf", "torch")


@pytest.fixture(scope="module")
def recorded():
    with h5py.File(golden.path("preprocess_input.h5")) as file:
        return {name: values[()] for name, values in file.items()}


@pytest.mark.parametrize("module", MODULES.split())
def test_recorded_of_each_network(recorded, module):
    preprocess = importlib.import_module(f"jkeras.applications.{module}").preprocess_input
    np.testing.assert_array_equal(preprocess(recorded["x"].copy()), recorded[module])


@pytest.mark.parametrize("mode", MODES)
def test_recorded_of_each_mode_and_format(recorded, mode):
    x, expected = recorded["x"], recorded[f"imagenet_utils_{mode}"]
    np.testing.assert_array_equal(preprocess_input(x.copy(), mode=mode), expected)
    np.testing.assert_array_equal(preprocess_input(x[0].copy(), mode=mode), expected[0])
    first, of_first = np.moveaxis(x, -1, 1), recorded[f"imagenet_utils_channels_first_{mode}"]
    found = preprocess_input(first.copy(), data_format="channels_first", mode=mode)
    np.testing.assert_array_equal(np.moveaxis(found, 1, -1), of_first)
    found = preprocess_input(first[1].copy(), "channels_first", mode)
    np.testing.assert_array_equal(np.moveaxis(found, 0, -1), of_first[1])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", [False, True], ids=["channels_last", "channels_first"])
def test_tensors_are_worth_what_arrays_are(recorded, mode, first):
    """In a model, as a variable, and as an array of jax; after another mode too."""
    x = np.moveaxis(recorded["x"], -1, 1) if first else recorded["x"]
    format = "channels_first" if first else "channels_last"
    expected = preprocess_input(x.copy(), format, mode)
    image = Input(x.shape[1:])
    model = Model(image, Lambda(lambda v: preprocess_input(v, format, mode))(image))
    for found in (model.predict(x), K.get_value(preprocess_input(K.variable(x), format, mode))):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    alone = K.get_value(preprocess_input(K.variable(x[0]), format, mode))
    np.testing.assert_allclose(alone, expected[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float64"])
def test_floats_are_written_over_and_integers_are_not(mode, dtype):
    x = np.arange(24).reshape(1, 2, 4, 3).astype(dtype)
    before, floats = x.copy(), np.dtype(dtype).kind == "f"
    found = preprocess_input(x, mode=mode)
    assert found.dtype == (dtype if floats else K.floatx())
    assert np.shares_memory(found, x) == floats
    assert (x == before).all() != floats


def test_what_preprocess_input_refuses():
    x = np.zeros((1, 2, 2, 3))
    with pytest.raises(ValueError, match="data_format.*'channels_last'.*'last'"):
        preprocess_input(x, data_format="last")
    with pytest.raises(TypeError, match="'scale'"):
        preprocess_input(x, scale=2)
    preprocess_input(x, backend=None, layers=None, models=None, utils=None)


@pytest.fixture
def names(monkeypatch, tmp_path):
    """The list of names in the cache: a short one, whose hash is taken for the right one."""
    path = tmp_path / "models" / "imagenet_class_index.json"
    path.parent.mkdir()
    path.write_text(json.dumps({str(i): [f"n{i:08}", f"thing {i}"] for i in range(1000)}))
    monkeypatch.setenv("JKERAS_HOME", str(tmp_path))
    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX", None)
    return path


def test_decode_predictions(names, monkeypatch):
    monkeypatch.setattr("jkeras.utils.data_utils.validate_file", lambda *args: True)
    predicted = np.zeros((2, 1000), np.float32)
    predicted[0, [3, 998, 5]] = 0.2, 0.5, 0.3
    predicted[1, 7] = 1
    found = decode_predictions(predicted, top=3)
    assert [name for name, _, _ in found[0]] == ["n00000998", "n00000005", "n00000003"]
    assert found[1][0] == ("n00000007", "thing 7", 1.0)
    assert [len(row) for row in decode_predictions(predicted)] == [5, 5]
    assert decode_predictions(K.get_value(K.variable(predicted)), 1)[0] == found[0][:1]
    names.unlink()  # read once
    assert decode_predictions(predicted, top=3) == found


def test_decode_predictions_refuses(names):
    for shape in ((1000,), (1, 10), (1, 1000, 1)):
        with pytest.raises(ValueError, match=rf"\(samples, 1000\).*\({shape[0]},"):
            decode_predictions(np.zeros(shape))
    with pytest.raises(TypeError, match="'bottom'"):
        decode_predictions(np.zeros((1, 1000)), bottom=2)


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ((None, 224, 32, "channels_last", True), (224, 224, 3)),
        ((None, 224, 32, "channels_first", True), (3, 224, 224)),
        ((None, 224, 32, "channels_last", False), (None, None, 3)),
        ((None, 224, 32, "channels_first", False), (3, None, None)),
        ((None, 224, 32, "channels_last", True, "imagenet"), (224, 224, 3)),
        (((40, None, 1), 224, 32, "channels_last", False), (40, None, 1)),
        (((3, 32, 33), 224, 32, "channels_first", True), (3, 32, 33)),
        (((), 224, 32, "channels_last", True), (224, 224, 3)),
    ],
)
def test_shapes(arguments, expected):
    assert _obtain_input_shape(*arguments) == expected


@pytest.mark.parametrize(
    "arguments, match",
    [
        (((100, 100, 3), 224, 32, "channels_last", True, "imagenet"), r"\(224, 224, 3\).*\(100, 100, 3\)"),
        (((224, 224, 3), 224, 32, "channels_first", True, "imagenet"), r"\(3, 224, 224\)"),
        (((100, 100, 1), 224, 32, "channels_last", False, "imagenet"), "3 channels"),
        (((31, 32, 3), 224, 32, "channels_last", False), r"32x32.*\(31, 32, 3\)"),
        (((3, 32, 31), 224, 32, "channels_first", False), "32x32"),
        (((32, 32), 224, 32, "channels_last", False), "three integers"),
        (((None, None, 3), 224, 32, "channels_last", True), "include_top=True"),
    ],
)
def test_shapes_that_do_not_fit(arguments, match):
    with pytest.raises(ValueError, match=match):
        _obtain_input_shape(*arguments)


def test_unusual_channels_are_warned_of():
    with pytest.warns(UserWarning, match="1 or 3 channels.* 5"):
        assert _obtain_input_shape((32, 32, 5), 224, 32, "channels_last", True) == (32, 32, 5)


@pytest.mark.parametrize("images, match", [([[1, 2, 3]], "array or a tensor"), ("a.jpg", "'a.jpg'")])
def test_what_is_no_array_of_images_is_refused(images, match):
    with pytest.raises(TypeError, match=match):
        imagenet_utils.preprocess_input(images)


def test_images_of_another_number_of_channels_are_refused_where_each_has_its_mean():
    grey = np.ones((1, 4, 4, 1))
    with pytest.raises(ValueError, match=r"3 channels; got the shape \(1, 4, 4, 1\)"):
        imagenet_utils.preprocess_input(grey)
    assert (imagenet_utils.preprocess_input(grey * 255, mode="tf") == 1).all()
