"""Images of ImageNet as the networks take them, its classes by name, and the shapes of their inputs."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any

import numpy as np
from jax.typing import DTypeLike
from numpy.typing import NDArray

from jkeras import backend as K
from jkeras.core.arguments import Integer
from jkeras.core.types import AnyList, AnyNumpy, AnyTuple
from jkeras.utils.data_utils import get_file

CLASS_INDEX: dict[str, list[str]] | None = None
CLASS_INDEX_PATH = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
_CLASS_INDEX_HASH = "c2c37ea517e94d9795004a39431a14cb"

_SUBMODULES = ("backend", "layers", "models", "utils")

# Of each mode: divisor, and what is then subtracted from and divided by, for each channel.
_CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red
_TORCH_MEAN, _TORCH_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def check_keywords(keywords: Iterable[str]) -> None:
    """Refuse keywords that `keras_applications` does not take; those that it takes have no effect here."""
    for name in keywords:
        if name not in _SUBMODULES:
            raise TypeError(f"Unknown keyword argument: {name!r}.")


def check_shape(input_shape: Sequence[int | None] | Integer | None) -> None:
    """Refuse what is not the shape of an image, of which sizes may be unknown."""
    sizes = input_shape if isinstance(input_shape, (AnyTuple, AnyList)) else [input_shape]
    whole = all(n is None or isinstance(n, (int, np.integer)) for n in sizes)
    if input_shape and not (whole and len(sizes) == 3):
        raise ValueError(f"`input_shape` must be a tuple of three integers; got {input_shape!r}.")


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe", **kwargs: Any) -> Any:
    """Images with values from 0 to 255 as networks trained on ImageNet take them.

    Args:
        x: array or tensor, RGB, with or without a batch axis. An array of floats is changed in place; one of
            integers is copied.
        data_format: "channels_last", "channels_first", or None for that of the settings.
        mode: "caffe": BGR less the mean of each channel; "tf": scaled to -1 to 1; "torch": scaled to 0 to 1,
            then less the mean of each channel and divided by its standard deviation.
        **kwargs: `backend`, `layers`, `models`, `utils` have no effect.

    Returns:
        The array or tensor.

    Raises:
        TypeError: `x` is neither.
        ValueError: for an unknown data format, or for images without 3 channels where each has its own mean.

    Keras 2.2.4: keras_applications/imagenet_utils.py preprocess_input

    Example:
        >>> preprocess_input(np.full((1, 1, 1, 3), 255), mode="tf").tolist()
        [[[[1.0, 1.0, 1.0]]]]
    """
    check_keywords(kwargs)
    if isinstance(x, (str, bytes)) or not hasattr(x, "shape"):
        raise TypeError(f"`preprocess_input` takes an array or a tensor of images; got {x!r}.")
    data_format = data_format or K.image_data_format()
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(
            f"`data_format` must be 'channels_first', 'channels_last' or None; got {data_format!r}."
        )
    channel_axis = -3 if data_format == "channels_first" else -1
    if mode != "tf" and len(x.shape) > 2 and x.shape[channel_axis] not in (3, None):
        raise ValueError(
            f"With mode {mode!r} images have 3 channels; got the shape {tuple(x.shape)} ({data_format})."
        )
    if not isinstance(x, AnyNumpy):
        return _preprocessed(x, mode, channel_axis, K.ndim(x), K.dtype(x))
    if not np.issubdtype(x.dtype, np.floating):
        x = x.astype(K.floatx())
    return _preprocessed(x, mode, channel_axis, x.ndim, x.dtype)


def _preprocessed(x: Any, mode: str, channel_axis: int, rank: int, dtype: DTypeLike) -> Any:
    """The same for arrays and tensors: what can be changed in place is."""
    shape = [1] * rank
    shape[channel_axis] = 3

    def by_channel(values: Sequence[float]) -> NDArray[Any]:
        return np.asarray(values, dtype).reshape(shape)

    if mode == "tf":
        x /= 127.5
        x -= 1.0
    elif mode == "torch":
        x /= 255.0
        x -= by_channel(_TORCH_MEAN)
        x /= by_channel(_TORCH_STD)
    else:
        x = x[..., ::-1] if channel_axis == -1 else x[..., ::-1, :, :]
        x -= by_channel(_CAFFE_MEAN)
    return x


def _class_index() -> dict[str, list[str]]:
    """WordNet id and name of each class of ImageNet, read once."""
    global CLASS_INDEX
    if CLASS_INDEX is None:
        path = get_file(
            "imagenet_class_index.json", CLASS_INDEX_PATH, cache_subdir="models", file_hash=_CLASS_INDEX_HASH
        )
        with open(path, encoding="utf-8") as file:
            classes: dict[str, list[str]] = json.load(file)
        CLASS_INDEX = classes  # pyright: ignore[reportConstantRedefinition] (Keras's name)
    return CLASS_INDEX


def decode_predictions(preds: Any, top: int = 5, **kwargs: Any) -> list[list[tuple[Any, ...]]]:
    """The names of the likeliest of ImageNet's classes.

    Args:
        preds: array (samples, 1000), what a network with its classifier predicts.
        top: how many classes for each sample.
        **kwargs: `backend`, `layers`, `models`, `utils` have no effect.

    Returns:
        For each sample a list of (class, its name, its probability), the likeliest first.

    Raises:
        ValueError: if `preds` has another shape.
        OSError: if the list of names is neither in the cache nor can be downloaded.

    Keras 2.2.4: keras_applications/imagenet_utils.py decode_predictions
    """
    check_keywords(kwargs)
    if len(preds.shape) != 2 or preds.shape[1] != 1000:
        raise ValueError(
            "`decode_predictions` takes predictions for the 1000 classes of ImageNet, an array of shape "
            f"(samples, 1000); got the shape {tuple(preds.shape)}."
        )
    names = _class_index()
    results: list[list[tuple[Any, ...]]] = []
    for pred in np.asarray(preds):
        best = pred.argsort()[-top:][::-1]
        named = [(*names[str(i)], pred[i]) for i in best]
        results.append(sorted(named, key=lambda entry: entry[2], reverse=True))
    return results


def _obtain_input_shape(  # pyright: ignore[reportUnusedFunction] (Keras's name; `_network` takes it)
    input_shape: Sequence[int | None] | None,
    default_size: int,
    min_size: int,
    data_format: str | None,
    require_flatten: bool,
    weights: str | PathLike[str] | None = None,
) -> Sequence[int | None]:
    """The shape of a network's input, without the batch axis: the given one, checked, or the usual one.

    Args:
        input_shape: tuple of three, or None.
        default_size, min_size: usual and smallest height and width.
        data_format: "channels_last" or "channels_first".
        require_flatten: whether height and width must be known.
        weights: "imagenet" asks for three channels, and with `require_flatten` for the usual size.

    Returns:
        A tuple of three; a size that is not known is None.

    Raises:
        ValueError: if the shape does not fit.

    Keras 2.2.4: keras_applications/imagenet_utils.py _obtain_input_shape

    Example:
        >>> _obtain_input_shape(None, 224, 32, "channels_last", require_flatten=True)
        (224, 224, 3)
    """
    check_shape(input_shape)
    first = data_format == "channels_first"

    def shaped(size: int | None, channels: int | None) -> tuple[int | None, ...]:
        return (channels, size, size) if first else (size, size, channels)

    channels = 3
    if weights != "imagenet" and input_shape:
        channels = input_shape[0 if first else -1]
        if channels not in (1, 3):
            warnings.warn(
                f"This network is meant for images of 1 or 3 channels; `input_shape` has {channels}.",
                stacklevel=2,
            )
    usual = shaped(default_size, channels)
    if weights == "imagenet" and require_flatten:
        if input_shape is not None and tuple(input_shape) != usual:
            raise ValueError(
                f"With weights='imagenet' the classifier needs `input_shape` {usual}; got {input_shape}."
            )
        return usual
    if not input_shape:
        return usual if require_flatten else shaped(None, 3)
    if weights == "imagenet" and input_shape[0 if first else -1] != 3:
        raise ValueError(f"With weights='imagenet' images have 3 channels; `input_shape` is {input_shape}.")
    sizes = input_shape[1:] if first else input_shape[:2]
    if any(size is not None and size < min_size for size in sizes):
        raise ValueError(
            f"Images must be at least {min_size}x{min_size} for this network; `input_shape` is {input_shape}."
        )
    if require_flatten and None in input_shape:
        raise ValueError(
            f"With include_top=True height and width must be known; `input_shape` is {input_shape}."
        )
    return input_shape
