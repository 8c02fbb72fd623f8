"""Functions over a model's layers: summary, sources, kernels of other backends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jkeras.engine.tensors.symbolic import Tensor
from jkeras.models.summary import print_summary as print_summary
from jkeras.utils.conv_utils import convert_kernel as convert_kernel

_FLIPPED = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose")


def count_params(weights: Sequence[Any]) -> int:
    """How many numbers a list of weights holds; a weight that occurs twice counts once.

    Args:
        weights: variables.

    Keras 2.2.4: keras/utils/layer_utils.py count_params

    Example:
        >>> from jkeras import backend
        >>> weight = backend.zeros((2, 3))
        >>> count_params([weight, weight])
        6
    """
    return sum(math.prod(weight.shape) for weight in dict.fromkeys(weights))


def get_source_inputs(tensor: Any, layer: Any = None, node_index: int | None = None) -> Any:
    """The inputs that a symbolic tensor is computed from.

    Args:
        tensor: the tensor; anything else is returned as it is.
        layer, node_index: a layer and the number of its node to begin with, instead of the one that made the
        tensor.

    Returns:
        A list of tensors, each once, in the order in which they are met.

    Keras 2.2.4: keras/utils/layer_utils.py get_source_inputs

    Example:
        >>> from jkeras.layers import Dense, Input
        >>> x = Input((3,))
        >>> get_source_inputs(Dense(2)(Dense(4)(x))) == [x]
        True
    """
    if not isinstance(tensor, Tensor):
        return tensor
    node = layer.inbound_nodes[node_index] if layer is not None and node_index is not None else tensor.node
    sources: list[Tensor] = []
    waiting: list[Any] = [node]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if not node.inputs:
            sources += node.outputs
        elif node not in seen:
            seen.add(node)
            waiting += [source.node for source in reversed(node.inputs)]
    return list(dict.fromkeys(sources))


def convert_all_kernels_in_model(model: Any) -> None:
    """Turn the kernels of all convolutions from Theano's into TensorFlow's, or back.

    Args:
        model: the model; its layers' `Conv1D`, `Conv2D`, `Conv3D` and `Conv2DTranspose` kernels change.

    Keras 2.2.4: keras/utils/layer_utils.py convert_all_kernels_in_model

    Example:
        >>> from jkeras.models import Sequential
        >>> from jkeras.layers import Conv1D
        >>> model = Sequential([Conv1D(1, 2, input_shape=(3, 1))])
        >>> before = model.get_weights()[0]
        >>> convert_all_kernels_in_model(model)
        >>> bool((model.get_weights()[0] == before[::-1]).all())
        True
    """
    for layer in model.layers:
        if type(layer).__name__ in _FLIPPED:
            layer.kernel.assign(convert_kernel(layer.kernel.value))


def convert_dense_weights_data_format(
    dense: Any, previous_feature_map_shape: Sequence[int], target_data_format: str = "channels_first"
) -> None:
    """Reorder the kernel of a `Dense` behind a `Flatten` when the data format of a model changes.

    Args:
        dense: the layer.
        previous_feature_map_shape: shape in front of the `Flatten`, without the batch, in the new format.
        target_data_format: the new format, "channels_last" or "channels_first".

    Raises:
        ValueError: for another format.

    Keras 2.2.4: keras/utils/layer_utils.py convert_dense_weights_data_format

    Example:
        >>> from jkeras.layers import Dense
        >>> dense = Dense(1)
        >>> dense.build((None, 4))
        >>> dense.set_weights([np.arange(4.0).reshape(4, 1), np.zeros(1)])
        >>> convert_dense_weights_data_format(dense, (2, 1, 2))
        >>> dense.get_weights()[0].ravel()
        array([0., 2., 1., 3.], dtype=float32)
    """
    if target_data_format not in ("channels_first", "channels_last"):
        raise ValueError(f'Expected "channels_last" or "channels_first", got {target_data_format!r}.')
    kernel, *bias = dense.get_weights()
    if target_data_format == "channels_first":
        c, h, w = previous_feature_map_shape
        moved = np.transpose(kernel.reshape(h, w, c, -1), (2, 0, 1, 3))
    else:
        h, w, c = previous_feature_map_shape
        moved = np.transpose(kernel.reshape(c, h, w, -1), (1, 2, 0, 3))
    dense.set_weights([moved.reshape(kernel.shape), *bias])
