"""VGG19 (Simonyan and Zisserman, 2014, https://arxiv.org/abs/1409.1556)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from jkeras.applications._network import File, KerasModules, Request
from jkeras.applications._vgg import vgg
from jkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from jkeras.applications.imagenet_utils import preprocess_input as preprocess_input
from jkeras.models.model import Model

_NAME = "vgg19_weights_tf_dim_ordering_tf_kernels"
_RELEASE = "https://github.com/fchollet/deep-learning-models/releases/download/v0.1"
WEIGHTS_PATH = f"{_RELEASE}/{_NAME}.h5"
WEIGHTS_PATH_NO_TOP = f"{_RELEASE}/{_NAME}_notop.h5"
_TOP = File(f"{_NAME}.h5", WEIGHTS_PATH, "cbe5617147190e668d6c5d5026f83318")
_NO_TOP = File(f"{_NAME}_notop.h5", WEIGHTS_PATH_NO_TOP, "253f8cb515780f3b799900260a226db6")


def VGG19(
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Unpack[KerasModules],
) -> Model:
    """VGG19, for images of 224x224, at least 32x32.

    Args:
        include_top, weights, input_tensor, input_shape, pooling, classes: see `jkeras.applications`.
        **kwargs: `backend`, `layers`, `models`, `utils` have no effect.

    Returns:
        A `Model`.

    Raises:
        ValueError, TypeError, OSError: see `jkeras.applications`.

    Keras 2.2.4: keras_applications/vgg19.py
    """
    request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, kwargs)
    return vgg(request, "vgg19", (2, 2, 4, 4, 4), _TOP, _NO_TOP)
