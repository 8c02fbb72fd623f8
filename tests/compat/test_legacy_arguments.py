"""Keras 1 argument names: translated with Keras's warning."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from jkeras import layers as L


def warned(make):
    """(layer, text of its one warning)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        layer = make()
    assert len(caught) == 1 and caught[0].filename == __file__
    return layer, str(caught[0].message)


TRANSLATED = [
    (
        lambda: L.Dense(output_dim=3, init="normal", W_regularizer="l2", bias=False, name="d"),
        dict(units=3, use_bias=False),
        'Update your `Dense` call to the Keras 2 API: `Dense(name="d", units=3, kernel_initializer="normal", '
        'kernel_regularizer="l2", use_bias=False)`',
    ),
    (
        lambda: L.Dense(np.int64(3), init="normal"),
        dict(units=3),
        'Update your `Dense` call to the Keras 2 API: `Dense(3, kernel_initializer="normal")`',
    ),
    (lambda: L.Dropout(p=0.25), dict(rate=0.25), "`Dropout(rate=0.25)`"),
    (lambda: L.GaussianNoise(sigma=0.25), dict(stddev=0.25), "`GaussianNoise(stddev=0.25)`"),
    (
        lambda: L.SpatialDropout2D(p=0.5, dim_ordering="th"),
        dict(rate=0.5, data_format="channels_first"),
        '`SpatialDropout2D(rate=0.5, data_format="channels_first")`',
    ),
    (
        lambda: L.Convolution2D(8, 3, 5, border_mode="same", subsample=(2, 2), dim_ordering="tf"),
        dict(filters=8, kernel_size=(3, 5), padding="same", strides=(2, 2), data_format="channels_last"),
        '`Conv2D(8, (3, 5), strides=(2, 2), padding="same", data_format="channels_last")`',
    ),
    (
        lambda: L.Conv2D(nb_filter=4, nb_row=2, nb_col=3),
        dict(filters=4, kernel_size=(2, 3)),
        "`Conv2D(kernel_size=(2, 3), filters=4)`",
    ),
    (lambda: L.Conv2D(4, nb_row=2, nb_col=3), dict(kernel_size=(2, 3)), "`Conv2D(4, (2, 3))`"),
    (lambda: L.Conv2D(4, 2, nb_col=3), dict(kernel_size=(2, 3)), "`Conv2D(4, (2, 3))`"),
    (
        lambda: L.Convolution3D(4, 1, 2, 3),
        dict(kernel_size=(1, 2, 3)),
        "`Conv3D(4, (1, 2, 3))`",
    ),
    (
        lambda: L.Convolution1D(4, filter_length=3, subsample_length=2, input_dim=5),
        dict(kernel_size=(3,), strides=(2,), batch_input_shape=(None, None, 5)),
        "`Conv1D(4, input_shape=(None, 5), kernel_size=3, strides=2)`",
    ),
    (
        lambda: L.Deconvolution2D(4, 3, 3, output_shape=(None, 4, 4, 4), subsample=(2, 2)),
        dict(kernel_size=(3, 3), strides=(2, 2)),
        "`Conv2DTranspose(4, (3, 3), strides=(2, 2))`",
    ),
    (
        lambda: L.SeparableConvolution2D(4, 3, 3, depth_multiplier=2),
        dict(kernel_size=(3, 3), depth_multiplier=2),
        "`SeparableConv2D(4, (3, 3), depth_multiplier=2)`",
    ),
    (
        lambda: L.MaxPooling1D(pool_length=3, stride=1),
        dict(pool_size=(3,), strides=(1,)),
        "`MaxPooling1D(pool_size=3, strides=1)`",
    ),
    (
        lambda: L.AveragePooling2D(border_mode="same"),
        dict(padding="same"),
        '`AveragePooling2D(padding="same")`',
    ),
    (
        lambda: L.GlobalMaxPooling2D(dim_ordering="th"),
        dict(data_format="channels_first"),
        '`GlobalMaxPooling2D(data_format="channels_first")`',
    ),
    (lambda: L.UpSampling1D(length=3), dict(size=(3,)), "`UpSampling1D(size=3)`"),
    (lambda: L.BatchNormalization(mode=0), dict(axis=-1), "`BatchNormalization()`"),
    (
        lambda: L.BatchNormalization(beta_init="one"),
        dict(axis=-1),
        '`BatchNormalization(beta_initializer="one")`',
    ),
    (
        lambda: L.ZeroPadding2D({"top_pad": 1, "left_pad": 2}),
        dict(padding=((1, 0), (2, 0))),
        "no longer accepts dict",
    ),
    (lambda: L.PReLU(init="one"), dict(shared_axes=None), '`PReLU(alpha_initializer="one")`'),
    (
        lambda: L.AtrousConv2D(4, 3, atrous_rate=2),
        dict(dilation_rate=(2, 2)),
        "`AtrousConvolution2D` layer has been",
    ),
    (lambda: L.AtrousConv1D(4, 3), dict(dilation_rate=(1,)), "Use instead the `Conv1D` layer"),
]


@pytest.mark.parametrize("make, attributes, text", TRANSLATED)
def test_translated_with_a_warning(make, attributes, text):
    layer, warning = warned(make)
    assert text in warning
    assert {name: getattr(layer, name) for name in attributes} == attributes


@pytest.mark.parametrize(
    "make, error, text",
    [
        (lambda: L.Dense(3, 4), TypeError, "can accept only 1 positional arguments"),
        (lambda: L.Dense(output_dim=3, units=4), TypeError, "both the legacy keyword argument `output_dim`"),
        (lambda: L.Conv2D(4, 3, 3, padding="same"), ValueError, "this is disallowed: pass `strides`"),
        (lambda: L.Conv2D(4, 3, 3, 3), TypeError, "at most 3 positional arguments"),
        (lambda: L.BatchNormalization(1), TypeError, "does not accept positional arguments"),
        (
            lambda: L.BatchNormalization(mode=1),
            TypeError,
            "`mode` argument of `BatchNormalization` no longer exists",
        ),
        (lambda: L.Dense(3, nb_filter=2), TypeError, "nb_filter"),
        (lambda: L.Recurrent(), TypeError, "Use `RNN` with a cell"),
        (lambda: L.ConvRecurrent2D(3, 3), TypeError, "Use `ConvLSTM2D`"),
        (lambda: L.TimeDistributedDense(3), TypeError, r"TimeDistributed\(Dense"),
    ],
)
def test_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_keras_2_calls_do_not_warn():
    L.Conv2D(4, 3)
    L.Conv2D(4, (3, 3), padding="same", strides=2)
    L.Conv3D(4, 3, strides=2)
    L.ZeroPadding2D(padding=(1, 1))


@pytest.mark.parametrize(
    "make",
    [lambda: L.MaxoutDense(3, input_dim=4, weights=None), lambda: L.Highway(activation="tanh", bias=False)],
)
def test_keras_1_layers_go_through_configs(make):
    with pytest.warns(UserWarning, match="is deprecated"):
        layer = make()
    config = json.loads(json.dumps(layer.get_config()))
    assert config["init"]["class_name"] == "VarianceScaling"
    with pytest.warns(UserWarning, match="is deprecated"):
        again = L.deserialize(L.serialize(layer))
    assert json.loads(json.dumps(again.get_config())) == config
    x = np.ones((2, 4), "float32")
    again(x)
    layer(x)
    again.set_weights(layer.get_weights())
    np.testing.assert_allclose(again(x), layer(x))
