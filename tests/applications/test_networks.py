"""The networks against tables and predictions of Keras 2.2.4."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from jkeras import applications
from jkeras import backend as K
from jkeras.applications.densenet import DenseNet
from jkeras.applications.nasnet import NASNet
from jkeras.layers import Conv2D, Input, ZeroPadding2D
from tests import golden


def formula(tensor: int, name: str, shape: tuple[int, ...], gain: float) -> np.ndarray:
    """The recorded weights: numbers that a hash of their places gives."""
    x = np.arange(int(np.prod(shape)), dtype=np.uint32) + np.uint32(tensor * 0x9E3779B9 % 2**32)
    for factor, shift in ((1, 16), (0x85EBCA6B, 13), (0xC2B2AE35, 16)):
        x *= np.uint32(factor)
        x ^= x >> np.uint32(shift)
    r = (x / 2**31 - 1).reshape(shape)
    kind = name.split("/")[-1].split(":")[0]
    if kind in ("gamma", "moving_variance"):
        return 1 + (0.1 if kind == "gamma" else 0.5) * r
    if kind in ("beta", "moving_mean", "bias"):
        return 0.1 * r
    fan = shape[0] * shape[1] if kind == "depthwise_kernel" else np.prod(shape[:-1])
    return r * np.sqrt(3 * gain / fan)


def fill(model, gain: float) -> list[str]:
    """Set the weights by the formula; their names."""
    cells = [weight for layer in model.layers for weight in layer.weights]
    model.set_weights([formula(t, w.name, w.shape, gain) for t, w in enumerate(cells)])
    return [weight.name for weight in cells]


BUILDERS = {**vars(applications), "DenseNet": DenseNet, "NASNet": NASNet}


def built(builder: str, kwargs: dict):
    """The network of a recorded case; some are built on the output of layers, or with channels first."""
    K.clear_session()  # names count from 1
    kwargs = {name: tuple(v) if isinstance(v, list) else v for name, v in kwargs.items()}
    if kwargs.pop("tensor", False):
        padded = ZeroPadding2D(1, name="padded")(Input((145, 147, 2), name="image"))
        kwargs["input_tensor"] = Conv2D(3, 3, strides=2, name="before")(padded)
    K.set_image_data_format(kwargs.pop("data_format", "channels_last"))
    try:
        return BUILDERS[builder](**kwargs)
    finally:
        K.set_image_data_format("channels_last")


TABLES = golden.json("applications")


def row(layer) -> dict:
    """What the recording says of a layer; its first call counts."""
    cells = layer.weights
    return {
        "name": layer.name,
        "class": type(layer).__name__,
        "output_shape": layer.get_output_shape_at(0),
        "inbound": [inner.name for inner in layer.inbound_nodes[0].inbound_layers],
        "params": layer.count_params(),
        "trainable_params": sum(int(np.prod(w.shape)) for w in layer.trainable_weights),
        "weights": [[w.name, w.shape] for w in cells],
    }


@pytest.mark.parametrize("case", TABLES)
@pytest.mark.filterwarnings("ignore:Since Keras 2.2.0", "ignore:This network is meant for images of 1 or 3")
def test_tables(case):
    about = TABLES[case]
    model = built(about["builder"], about["kwargs"])
    assert model.name == about["model_name"] and model.count_params() == about["count_params"]
    assert json.loads(json.dumps([row(layer) for layer in model.layers])) == about["layers"]


# Those of other networks take long to compile: their tables must do.
@pytest.mark.parametrize("case", ["MobileNet_0", "VGG16_1", "ResNet50_2"])
@pytest.mark.filterwarnings("ignore:Since Keras 2.2.0")
def test_predictions(case):
    with h5py.File(golden.path("applications.h5")) as file:
        group = file[case]
        about = dict(group.attrs)
        model = built(about["builder"], json.loads(about["kwargs"]))
        names = fill(model, about["gain"])
        assert names == json.loads(about["weight_names"])
        sums = [w.sum(dtype=np.float64) for w in model.get_weights()]
        np.testing.assert_allclose(sums, group["weight_sums"][()], rtol=1e-4, atol=1e-3)
        expected = group["prediction"][()]
        np.testing.assert_allclose(
            model.predict(group["x"][()]), expected, rtol=0, atol=1e-4 * np.abs(expected).max()
        )
