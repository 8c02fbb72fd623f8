"""Weights: the published ones from the cache or the network, those of a file, and what does not fit."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from jkeras.applications import _network, mobilenet, vgg16
from jkeras.applications.mobilenet import MobileNet
from jkeras.applications.vgg16 import VGG16
from jkeras.layers import Input
from jkeras.models import Sequential

SMALL = {"alpha": 0.25, "input_shape": (32, 32, 3)}


@pytest.fixture(scope="module")
def model():
    return MobileNet(**SMALL, classes=3, weights=None)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("JKERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def same(model, other):
    return all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))


def test_of_a_file(model, tmp_path):
    model.save_weights(tmp_path / "weights.h5")
    model.save(tmp_path / "model.h5")
    for path in (str(tmp_path / "weights.h5"), tmp_path / "model.h5"):
        assert same(model, MobileNet(**SMALL, classes=3, weights=path))


def test_of_a_file_that_does_not_fit(model, tmp_path):
    path = str(tmp_path / "weights.h5")
    model.save_weights(path)
    with pytest.raises(ValueError, match=r"conv_preds.*\(1, 1, 256, 4\).*\(1, 1, 256, 3\)"):
        MobileNet(**SMALL, classes=4, weights=path)
    with pytest.raises(ValueError, match="55 layers.*54 layers"):
        MobileNet(**SMALL, include_top=False, weights=path)
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises((OSError, ValueError), match="text.h5"):
        MobileNet(**SMALL, weights=str(tmp_path / "text.h5"))


def test_published_files_are_downloaded_verified_and_loaded(model, tmp_path, home, monkeypatch):
    notop = MobileNet(**SMALL, include_top=False, weights=None)
    source = tmp_path / "mobilenet_2_5_224_tf_no_top.h5"
    notop.save_weights(source)
    digest = hashlib.md5(source.read_bytes()).hexdigest()
    monkeypatch.setattr(mobilenet, "BASE_WEIGHT_PATH", tmp_path.as_uri() + "/")
    with pytest.warns(UserWarning, match="224.*taking those for 224"):
        loaded = MobileNet(**SMALL, include_top=False)
    assert same(loaded, notop)
    assert (home / "models" / source.name).exists()

    monkeypatch.setattr(vgg16, "_NO_TOP", _network.File("a.h5", source.as_uri(), digest[::-1]))
    with pytest.raises(ValueError, match=digest[::-1]):
        VGG16(include_top=False)
    assert not (home / "models" / "a.h5").exists()


def test_without_a_network_the_error_says_which_file_to_put_where(home, monkeypatch):
    file = vgg16._NO_TOP._replace(url="http://127.0.0.1:9/vgg16.h5")
    monkeypatch.setattr(vgg16, "_NO_TOP", file)
    with pytest.raises(OSError) as raised:
        VGG16(include_top=False)
    for fact in (file.url, str(home / "models" / file.name), file.hash):
        assert fact in str(raised.value)


@pytest.mark.parametrize(
    "arguments, match",
    [
        ({"classes": 10}, "1000.*10"),
        ({"weights": "imagenette"}, "imagenette"),
        ({"input_shape": (100, 100, 3)}, r"\(224, 224, 3\)"),
        ({"input_shape": (100, 100, 1), "include_top": False}, "3 channels"),
        ({"alpha": 0.3}, "alpha.*0.3"),
        ({"depth_multiplier": 2}, "depth_multiplier"),
    ],
)
def test_arguments_that_published_weights_do_not_fit(home, arguments, match):
    with pytest.raises(ValueError, match=match):
        MobileNet(**arguments)
    assert not home.exists()  # nothing was downloaded for that


def test_unknown_arguments_are_refused():
    with pytest.raises(TypeError, match="'depth'"):
        VGG16(weights=None, depth=3)
    assert VGG16(False, None, input_shape=(32, 32, 3), backend=None, layers=None, models=None, utils=None)


@pytest.mark.parametrize(
    "arguments, match",
    [
        ({"weights": 5}, "no file 5"),
        ({"input_shape": 32}, "three integers; got 32"),
        ({"input_shape": (32, 32)}, r"three integers; got \(32, 32\)"),
        ({"input_shape": (31, 32, 3)}, r"at least 32x32.*\(31, 32, 3\)"),
        ({"alpha": 0}, "alpha.*got 0"),
        ({"depth_multiplier": 0}, "depth_multiplier.*positive.*0"),
    ],
)
def test_arguments_that_make_no_network(arguments, match):
    with pytest.raises(ValueError, match=match):
        MobileNet(**{"weights": None, "include_top": False, **arguments})


def test_an_unknown_pooling_does_nothing_but_not_without_a_word():
    with pytest.warns(UserWarning, match="'mean' does nothing"):
        network = MobileNet(**SMALL, weights=None, include_top=False, pooling="mean")
    assert network.output_shape == (None, 1, 1, 256)


def test_fine_tuning_on_top(model):
    """What scripts do: a network without its classifier as the first layer of another model."""
    base = MobileNet(**SMALL, include_top=False, weights=None, pooling="avg")
    base.trainable = False
    assert Sequential([base]).output_shape == (None, 256)
    assert MobileNet(input_tensor=Input((32, 32, 3)), alpha=0.25, include_top=False, weights=None).inputs
