"""Common parts of the builders: checks of their arguments, where a network begins and ends, its weights."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, NamedTuple, TypedDict

from jkeras import backend as K
from jkeras.applications.imagenet_utils import _obtain_input_shape, check_keywords
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.layers import Dense, GlobalAveragePooling2D, GlobalMaxPooling2D, Input
from jkeras.models import Model
from jkeras.utils.data_utils import get_file
from jkeras.utils.layer_utils import get_source_inputs

CLASSES = 1000  # of ImageNet
_POOLS = {"avg": GlobalAveragePooling2D, "max": GlobalMaxPooling2D}


class File(NamedTuple):
    """A published file of weights.

    Args:
        name: in the cache, below `models`.
        url: where it comes from.
        hash: its MD5 or SHA-256; None where its publishers tell none.
    """

    name: str
    url: str
    hash: str | None = None


def channel_axis(last: int = 3) -> int:
    """The axis of the channels; the last one is called `last`, as it stands in a network's config."""
    return last if K.image_data_format() == "channels_last" else 1


def towers(x: Tensor, step: Callable[..., Tensor], *steps_of_each: Sequence[Any]) -> list[Tensor]:
    """Some chains of layers, side by side on `x`.

    Args:
        x: a tensor.
        step: the usual link of a chain, a function of a tensor and further arguments.
        *steps_of_each: for each chain its links: the arguments of `step`, or another function of a tensor.
    """
    ends: list[Tensor] = []
    for links in steps_of_each:
        y = x
        for link in links:
            y: Any = link(y) if callable(link) else step(y, *link)
        ends.append(y)
    return ends


def padding_before_stride(x: Tensor, kernel_size: int | tuple[int, int]) -> tuple[Any, ...]:
    """The zeros around `x` with which a convolution of stride 2 gives what "same" would.

    Args:
        x: a tensor.
        kernel_size: an int or two.
    """
    axis = 2 if K.image_data_format() == "channels_first" else 1
    sizes = K.int_shape(x)[axis : axis + 2]
    kernel = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    less = (1, 1) if sizes[0] is None else (1 - sizes[0] % 2, 1 - sizes[1] % 2)
    return tuple((k // 2 - cut, k // 2) for k, cut in zip(kernel, less, strict=True))


class KerasModules(TypedDict, total=False):
    """Arguments of the package `keras_applications`, which have no effect here."""

    backend: Any
    layers: Any
    models: Any
    utils: Any


class Request:
    """The checked arguments of a builder.

    Args:
        include_top, weights, input_tensor, input_shape, pooling, classes: the builder's arguments.
        keywords: its further arguments; those that `keras_applications` takes have no effect.
        size: height and width of the images that the network is meant for.
        smallest: height and width that it needs.
        fixed: whether it needs a known size; default: with the classifier.

    Raises:
        ValueError, TypeError: for what does not go together.
    """

    def __init__(
        self,
        include_top: bool,
        weights: str | PathLike[str] | None,
        input_tensor: Any,
        input_shape: Sequence[int | None] | None,
        pooling: str | None,
        classes: int,
        keywords: KerasModules,
        size: int = 224,
        smallest: int = 32,
        fixed: bool | None = None,
    ):
        check_keywords(keywords)
        path = weights if isinstance(weights, (str, os.PathLike)) else None
        if weights not in ("imagenet", None) and (path is None or not os.path.exists(path)):
            raise ValueError(
                "`weights` must be 'imagenet' (trained on ImageNet), None (random values) or the path of a "
                f"file of weights; there is no file {weights if path is None else os.fspath(path)!r}."
            )
        if weights == "imagenet" and include_top and classes != CLASSES:
            raise ValueError(
                f"The classifier that comes with weights='imagenet' has {CLASSES} classes: `classes` must be "
                f"{CLASSES}, not {classes!r}. For other classes use include_top=False, or weights=None."
            )
        if pooling not in (None, *_POOLS) and not include_top:
            warnings.warn(f"`pooling` is 'avg', 'max' or None; {pooling!r} does nothing.", stacklevel=3)
        self.include_top, self.weights, self.pooling, self.classes = include_top, weights, pooling, classes
        self.input_tensor = input_tensor
        self.input_shape = _obtain_input_shape(
            input_shape,
            default_size=size,
            min_size=smallest,
            data_format=K.image_data_format(),
            require_flatten=include_top if fixed is None else fixed,
            weights=weights,
        )

    def image(self) -> Tensor:
        """The tensor that the network starts from."""
        if self.input_tensor is None:
            return Input(shape=self.input_shape)
        if K.is_keras_tensor(self.input_tensor):
            return self.input_tensor
        return Input(tensor=self.input_tensor, shape=self.input_shape)

    def head(
        self, x: Tensor, pool: str | None = None, dense: str = "predictions", pooled: str | None = None
    ) -> Tensor:
        """A classifier on the last feature maps, or the pooling that stands in its place.

        Args:
            x: the feature maps.
            pool, dense: names of the classifier's layers.
            pooled: how the pooling layer's name ends where there is no classifier; None: numbered.
        """
        if self.include_top:
            x = GlobalAveragePooling2D(name=pool)(x)
            return Dense(self.classes, activation="softmax", name=dense)(x)
        return self.pool(x, pooled)

    def pool(self, x: Tensor, name: str | None = None) -> Tensor:
        """The last feature maps, pooled as `pooling` says."""
        if self.pooling not in _POOLS:
            return x
        return _POOLS[self.pooling](name=name and f"{self.pooling}_{name}")(x)

    def model(self, image: Tensor, output: Tensor, name: str, top: File, no_top: File) -> Model:
        """The model, with the weights that were asked for.

        Args:
            image, output: where the network begins and ends.
            name: of the model.
            top, no_top: the published weights, with and without the classifier.
        """
        given = self.input_tensor is not None
        model = Model(get_source_inputs(self.input_tensor) if given else image, output, name=name)
        if self.weights == "imagenet":
            model.load_weights(pretrained(top if self.include_top else no_top))
        elif self.weights is not None:
            model.load_weights(self.weights)
        return model


def pretrained(file: File) -> str:
    """The path of a published file of weights, downloaded and verified if it is not in the cache."""
    return get_file(file.name, file.url, cache_subdir="models", file_hash=file.hash)
