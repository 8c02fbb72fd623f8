"""Convolutions, pooling and resizing: open sizes, bad input, layouts."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import layers as L
from jkeras.models import Model

OPEN = (None, None, None, 2)


@pytest.mark.parametrize(
    "layer, shape, expected",
    [
        (L.Conv1D(3, 3, padding="causal"), (None, None, 2), (None, None, 3)),
        (L.Conv2D(3, 3, strides=2), OPEN, (None, None, None, 3)),
        (L.Conv2D(3, 3, data_format="channels_first"), (None, 2, None, 7), (None, 3, None, 5)),
        (L.Conv3D(3, 2), (None, None, 4, None, 2), (None, None, 3, None, 3)),
        (L.SeparableConv2D(3, 3, dilation_rate=2), OPEN, (None, None, None, 3)),
        (L.DepthwiseConv2D(3, depth_multiplier=2), OPEN, (None, None, None, 4)),
        (L.Conv2DTranspose(3, 3, strides=2), (None, None, 4, 2), (None, None, 9, 3)),
        (L.Conv2DTranspose(3, 3, strides=2, output_padding=1), (None, None, 4, 2), (None, None, 10, 3)),
        (L.MaxPooling2D(3, 2, "same"), (None, None, 5, 2), (None, None, 3, 2)),
        (L.AveragePooling1D(3), (None, None, 2), (None, None, 2)),
        (L.GlobalAveragePooling3D(), (None, None, None, None, 2), (None, 2)),
        (L.UpSampling2D(3, interpolation="bilinear"), OPEN, OPEN),
        (L.ZeroPadding2D(((1, 2), (0, 3))), (None, None, 4, 2), (None, None, 7, 2)),
        (L.Cropping2D(((1, 2), (0, 3))), (None, None, 4, 2), (None, None, 1, 2)),
    ],
)
def test_open_sizes_stay_open(layer, shape, expected):
    assert layer.compute_output_shape(shape) == expected


@pytest.mark.parametrize(
    "make, shape, text",
    [
        (lambda n: L.Conv2D(3, 5, name=n), (None, 4, 9, 2), "extent 5 does not fit into length 4"),
        (
            lambda n: L.Conv1D(3, 3, dilation_rate=3, name=n),
            (None, 6, 2),
            "extent 7 does not fit into length 6",
        ),
        (lambda n: L.MaxPooling2D(3, name=n), (None, 2, 4, 2), "extent 3 does not fit into length 2"),
        (lambda n: L.LocallyConnected1D(3, 4, name=n), (None, 3, 2), "extent 4 does not fit into length 3"),
        (lambda n: L.Cropping2D(3, name=n), (None, 4, 9, 2), r"larger than the input: 3 \+ 3 of length 4"),
        (lambda n: L.Cropping1D((0, 9), name=n), (None, 4, 2), "larger than the input"),
        (lambda n: L.Conv2D(3, 3, name=n), (None, 9, 9, None), "needs a known size for its weight 'kernel'"),
        (lambda n: L.SeparableConv2D(3, 3, name=n), (None, 9, 9, None), "needs a known size"),
        (lambda n: L.DepthwiseConv2D(3, name=n), (None, 9, 9, None), "needs a known size"),
        (lambda n: L.Conv2D(3, 3, name=n), (None, 9, 9), "expected ndim=4, found ndim=3"),
        (lambda n: L.LocallyConnected2D(3, 3, name=n), (None, None, 9, 2), "should be fully defined"),
        (
            lambda n: L.Conv2D(3, 3, strides=2, dilation_rate=2, name=n),
            (None, 9, 9, 2),
            "in conjunction with dilation",
        ),
        (
            lambda n: L.DepthwiseConv2D(3, 2, dilation_rate=2, name=n),
            (None, 9, 9, 2),
            "in conjunction with dilation",
        ),
        (
            lambda n: L.Conv2DTranspose(3, 3, strides=2, dilation_rate=2, name=n),
            (None, 9, 9, 2),
            "in conjunction with",
        ),
        (
            lambda n: L.Conv2DTranspose(3, 2, strides=3, padding="same", output_padding=0, name=n),
            (None, 2, 2, 1),
            "cannot make length 3 out of length 2",
        ),
    ],
)
def test_bad_input_names_layer_and_shape(make, shape, text):
    with pytest.raises(ValueError, match=text) as error:
        make("window").compute_output_shape(shape)
    assert "'window'" in str(error.value) and str(shape)[1:-1].split(", ")[-1] in str(error.value)


@pytest.mark.parametrize(
    "layer, good, bad",
    [
        (L.Conv2D(2, 2, name="layer"), (1, 4, 4, 3), (1, 4, 4, 2)),
        (L.Conv2D(2, 2, data_format="channels_first", name="layer"), (1, 3, 4, 4), (1, 2, 4, 4)),
        (L.Conv2DTranspose(2, 2, name="layer"), (1, 4, 4, 3), (1, 4, 4, 2)),
        (L.SeparableConv1D(2, 2, name="layer"), (1, 4, 3), (1, 4, 2)),
        (L.DepthwiseConv2D(2, name="layer"), (1, 4, 4, 3), (1, 4, 4, 2)),
        (L.LocallyConnected1D(2, 2, name="layer"), (1, 4, 3), (1, 4, 2)),
    ],
)
def test_another_number_of_channels_later(layer, good, bad):
    layer(np.ones(good, "float32"))
    with pytest.raises(ValueError, match=r"'layer'.*expected axis \d .* to have value 3, got shape"):
        layer(np.ones(bad, "float32"))


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: L.Conv2D(3, (3, 3, 3)), "`kernel_size` argument must be an integer or a tuple of 2"),
        (lambda: L.Conv2D(3, 0), "`kernel_size` argument must hold positive"),
        (lambda: L.Conv2D(0, 3), "`filters` argument must hold positive"),
        (lambda: L.Conv2DTranspose(-1, 3), "`filters` argument must hold positive"),
        (lambda: L.DepthwiseConv2D(3, depth_multiplier=0), "`depth_multiplier` argument must hold positive"),
        (lambda: L.Conv2D(3, 3, padding="causal"), "Invalid padding: causal"),
        (lambda: L.SeparableConv1D(3, 3, padding="causal"), "Invalid padding: causal"),
        (lambda: L.LocallyConnected2D(3, 3, padding="same"), "Invalid padding: same"),
        (lambda: L.Conv1D(3, 3, padding="causal", data_format="channels_first"), "When using causal padding"),
        (lambda: L.Conv2D(3, 3, data_format="last"), "`data_format` argument must be one of"),
        (lambda: L.Conv2DTranspose(3, 3, strides=2, output_padding=2), "must be greater than output padding"),
        (lambda: L.UpSampling2D(2, interpolation="cubic"), "interpolation should be one of"),
        (lambda: L.ZeroPadding2D((1, 2, 3)), "`padding` should be either an int|an int, a tuple of 2 ints"),
        (lambda: L.Cropping3D((1, 2)), "`cropping` should be an int, a tuple of 3 ints"),
    ],
)
def test_bad_arguments(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_attributes_are_kept_as_keras_keeps_them():
    layer = L.Conv2D(3, 2, strides=[1, 2], padding="SAME", activation="relu")
    assert (layer.kernel_size, layer.strides, layer.padding) == ((2, 2), (1, 2), "same")
    assert L.MaxPooling2D(3).strides == (3, 3) and L.MaxPooling1D(2, strides=1).strides == (1,)
    assert L.UpSampling1D(2).get_config()["size"] == 2 and L.ZeroPadding1D(1).get_config()["padding"] == (
        1,
        1,
    )


def test_class_relations_are_keras_s():
    assert issubclass(L.Conv2DTranspose, L.Conv2D) and issubclass(L.DepthwiseConv2D, L.Conv2D)
    assert L.Deconvolution2D is L.Conv2DTranspose and L.MaxPool2D is L.MaxPooling2D
    assert "filters" not in L.DepthwiseConv2D(3).get_config()
    assert "dilation_rate" not in L.Conv3DTranspose(3, 3).get_config()


@pytest.mark.parametrize(
    ("layer", "shape", "left"),
    [
        (lambda: L.Cropping1D((1, 2)), (3, 4), (0, 4)),
        (lambda: L.Cropping1D((3, 0)), (3, 4), (0, 4)),
        (lambda: L.Cropping2D(((1, 2), (0, 0))), (3, 4, 1), (0, 4, 1)),
        (lambda: L.Cropping2D(2, data_format="channels_first"), (1, 3, 4), None),
        (lambda: L.Cropping2D(((0, 0), (2, 2)), data_format="channels_first"), (1, 3, 4), (1, 3, 0)),
        (lambda: L.Cropping3D(((1, 2), (0, 0), (0, 0))), (3, 4, 5, 1), (0, 4, 5, 1)),
        (lambda: L.Cropping3D(((0, 0), (0, 0), (5, 0))), (3, 4, 5, 1), (3, 4, 0, 1)),
    ],
)
def test_nothing_may_be_left_of_a_cropped_input(layer, shape, left):
    """As in Keras 2.2.4; but more cannot be cut than there is."""
    x = L.Input(shape)
    if left is None:
        with pytest.raises(ValueError, match="larger than the input"):
            layer()(x)
        return
    y = layer()(x)
    assert y.shape == (None, *left)
    assert Model(x, y).predict(np.ones((2, *shape))).shape == (2, *left)


def test_what_layers_make_of_an_empty_input():
    """Keras 2.2.4 takes and refuses the same ones."""
    x = L.Input((3, 4))
    empty = L.Cropping1D((1, 2))(x)
    through = L.GaussianNoise(0.1)(L.Dropout(0.5)(L.BatchNormalization()(L.Permute((1, 2))(empty))))
    outputs = [
        L.TimeDistributed(L.Dense(3))(through),
        L.ZeroPadding1D(1)(empty),
        L.Concatenate(1)([x, empty]),
        L.Reshape((0, 2))(empty),
        L.Lambda(lambda v: v[:, 3:])(x),
        L.Conv1D(2, 2, padding="same")(empty),
    ]
    found = [y.shape[1:] for y in Model(x, outputs).predict(np.ones((2, 3, 4)))]
    assert found == [(0, 3), (2, 4), (3, 4), (0, 2), (0, 4), (0, 2)]
    with pytest.raises(ValueError, match="not fully defined"):
        L.Flatten()(empty)
    with pytest.raises(ValueError, match="at least one time step"):
        L.LSTM(2)(empty)
    with pytest.raises(ValueError, match="does not fit into length 0"):
        L.Conv1D(2, 2)(empty)


@pytest.mark.parametrize(
    "layer",
    [
        lambda **k: L.SeparableConv1D(2, 3, **k),
        lambda **k: L.SeparableConv2D(2, 3, **k),
        lambda **k: L.DepthwiseConv2D(3, **k),
    ],
    ids=["SeparableConv1D", "SeparableConv2D", "DepthwiseConv2D"],
)
def test_words_for_a_kernel_that_a_layer_does_not_have(layer):
    """Keras 2.2.4 takes them, and they are in no config."""
    words = {"kernel_initializer": "he_normal", "kernel_regularizer": "l2", "kernel_constraint": "nonneg"}
    told, untold = layer(name="a", **words), layer(name="a")
    assert told.get_config() == untold.get_config()
    with pytest.raises(TypeError, match="unknown argument"):
        layer(kernel_initialiser="he_normal")
