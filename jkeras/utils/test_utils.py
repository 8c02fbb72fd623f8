"""Helpers of Keras's own tests, for packages that test their layers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from jax.typing import DTypeLike
from numpy.typing import NDArray

from jkeras import backend as K
from jkeras.core.registry import has_arg
from jkeras.engine.input_layer import Input
from jkeras.models import Model


def get_test_data(
    num_train: int = 1000,
    num_test: int = 500,
    input_shape: tuple[int, ...] = (10,),
    output_shape: tuple[int, ...] = (2,),
    classification: bool = True,
    num_classes: int = 2,
):
    """Random data that can be learned: the inputs lie around what they stand for.

    Args:
        num_train, num_test: numbers of samples.
        input_shape, output_shape: of one sample.
        classification: whether the targets are class numbers (without `output_shape`).
        num_classes: number of classes.

    Returns:
        (x_train, y_train), (x_test, y_test).

    Keras 2.2.4: keras/utils/test_utils.py get_test_data

    Example:
        >>> (x, y), (x_test, _) = get_test_data(3, 2, input_shape=(4,))
        >>> x.shape, y.shape, x_test.shape
        ((3, 4), (3,), (2, 4))
    """
    count = num_train + num_test
    centers = np.random.randint(0, num_classes, count) if classification else np.random.random(count)
    inputs, outputs = int(np.prod(input_shape)), 0 if classification else int(np.prod(output_shape))
    around = np.random.normal(centers[:, None], 0.7, (count, inputs + outputs)).astype("float32")
    x = around[:, :inputs].reshape(count, *input_shape)
    y = centers if classification else around[:, inputs:].reshape(count, *output_shape)
    return (x[:num_train], y[:num_train]), (x[num_train:], y[num_train:])


def layer_test(
    layer_cls: type[Any],
    kwargs: dict[str, Any] = {},  # noqa: B006 (Keras's signature; `weights` is added to a copy)
    input_shape: tuple[int, ...] | None = None,
    input_dtype: DTypeLike | None = None,
    input_data: Any = None,
    expected_output: Any = None,
    expected_output_dtype: DTypeLike | None = None,
    fixed_batch_size: bool = False,
) -> NDArray[Any]:
    """Put a layer of one input and one output through a model: shapes, config, weights, a training step.

    Args:
        layer_cls: class of the layer.
        kwargs: arguments that make it.
        input_shape: with the batch axis; None in it is some small size. Default: that of `input_data`.
        input_dtype: default: that of `input_data`, else floatx.
        input_data: array; default: random numbers between 0 and 10.
        expected_output: what the layer is to give, up to 1e-3.
        expected_output_dtype: default: that of the input.
        fixed_batch_size: whether the model's input has the batch size of `input_shape`.

    Returns:
        The output for `input_data`.

    Raises:
        AssertionError: something is not as it has to be.

    Keras 2.2.4: keras/utils/test_utils.py layer_test

    Example:
        >>> from jkeras.layers import Dense
        >>> layer_test(Dense, kwargs={"units": 3}, input_shape=(2, 4)).shape
        (2, 3)
    """
    data, sizes, dtype = _data(input_data, input_shape, input_dtype)
    layer = _made(layer_cls, dict(kwargs))
    expected_shape = layer.compute_output_shape(sizes)
    batch_shape = tuple(sizes) if fixed_batch_size else (None, *sizes[1:])
    x = Input(batch_shape=batch_shape, dtype=dtype)
    y = layer(x)
    wanted = expected_output_dtype or dtype
    assert K.dtype(y) == wanted, f"{layer.name!r} gives {K.dtype(y)}, expected {wanted}"
    output = _in_model(Model(x, y), layer, data, expected_shape, expected_output)
    layer_cls.from_config({**layer.get_config(), "batch_input_shape": sizes})
    return output


def _data(data: Any, shape: Any, dtype: DTypeLike | None) -> tuple[Any, tuple[int, ...], str]:
    """(input array, its shape, name of its dtype)."""
    if data is not None:
        return data, shape or data.shape, str(np.dtype(dtype) if dtype else data.dtype)
    assert shape, "layer_test needs input_shape or input_data"
    name = str(np.dtype(dtype or K.floatx()))
    sizes = [np.random.randint(1, 4) if size is None else size for size in shape]
    return (10 * np.random.random(sizes)).astype(name), shape, name


def _made(layer_cls: type[Any], kwargs: dict[str, Any]) -> Any:
    """The layer; made anew from its own weights where it has some before it is built."""
    layer = layer_cls(**kwargs)
    weights = layer.get_weights()
    layer.set_weights(weights)
    if len(weights) and has_arg(layer_cls.__init__, "weights"):
        return layer_cls(**{**kwargs, "weights": weights})
    return layer


def _in_model(model: Model, layer: Any, data: Any, expected_shape: Any, expected: Any) -> NDArray[Any]:
    output = model.predict(data)
    pairs = list(zip(expected_shape, output.shape, strict=False))
    assert all(want in (None, got) for want, got in pairs), (
        f"the output has shape {output.shape}, but compute_output_shape says {expected_shape}"
    )
    if expected is not None:
        np.testing.assert_allclose(output, expected, rtol=1e-3)
    again: Any = Model.from_config(model.get_config())
    if model.weights:
        again.set_weights(model.get_weights())
        np.testing.assert_allclose(again.predict(data), output, rtol=1e-3)
    if has_arg(layer.call, "training"):
        model.compile("rmsprop", "mse")
        model.train_on_batch(data, output)
    return output


def keras_test(func: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a test, after which the automatic names of layers begin anew.

    Keras 2.2.2: keras/utils/test_utils.py keras_test

    Example:
        >>> keras_test(lambda x: x + 1)(2)
        3
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any):
        output = func(*args, **kwargs)
        K.clear_session()
        return output

    return wrapper
