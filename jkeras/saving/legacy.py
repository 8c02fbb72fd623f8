"""Weights from other times and places: Keras 1, Theano's convolution kernels, CuDNN's recurrent kernels.

`convert` gives the weights that a file holds for a layer the layout that the layer has today. A layer takes
part by what it is made of (inner layers, a first weight that is a convolution kernel, gates), looked up by
its class name.

Keras 2.2.4: keras/engine/saving.py preprocess_weights_for_loading
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jkeras.layers.recurrent.cudnn import cudnn_to_plain, plain_to_cudnn

Arrays = list[np.ndarray]


class Origin(NamedTuple):
    """The origin of weights: Keras's version ("1" or later), its backend, and whether to fit shapes."""

    version: str = "2"
    backend: str | None = None
    reshape: bool = False


def convert(layer: Any, values: Arrays, origin: Origin) -> Arrays:
    """The weights of a file in the layout of `layer`.

    Args:
        layer: the layer that will receive them (built).
        values: its weights in the file, in the file's order.
        origin: who wrote them.

    Returns:
        The weights in the order of `layer.weights`. Their shapes are checked by the caller.

    Raises:
        ValueError: the weights belong to a kind of layer that cannot be turned into this one.
    """
    values = _inside(layer, list(values), origin)
    name = type(layer).__name__
    if origin.version.split(".")[0] == "1" and name in _KERAS_1:
        values = _KERAS_1[name](layer, list(map(np.asarray, values)))
    if name in _KERNELS:
        values = _fit_kernels(layer, values, _KERNELS[name], origin)
    if name in _GATES and len(values) == 3:
        values = _convert_gates(layer, values)
    return values


def _inside(layer: Any, values: Arrays, origin: Origin) -> Arrays:
    """Convert the parts of a composite: a Bidirectional's directions, a wrapped layer, a model's layers."""
    inner = origin._replace(reshape=False)
    if hasattr(layer, "forward_layer"):
        half = len(values) // 2
        return convert(layer.forward_layer, values[:half], inner) + convert(
            layer.backward_layer, values[half:], inner
        )
    if type(layer).__name__ == "TimeDistributed":
        return convert(layer.layer, values, inner)
    if not hasattr(layer, "layers") or not values:
        return values
    trained = [(sub, len(sub.trainable_weights)) for sub in layer.layers]
    others = [(sub, len(sub.weights) - count) for sub, count in trained]
    converted: Arrays = []
    for sub, count in trained + others:
        if count:
            converted += convert(sub, values[:count], inner)
            values = values[count:]
    return converted + values


# Keras 1 ----------------------------------------------------------------------------------------------------


def _conv1d(layer: Any, values: Arrays) -> Arrays:
    kernel, size = values[0], layer.kernel_size[0]
    if kernel.shape[:2] != (size, 1) or kernel.shape[3] != layer.filters:
        # Keras 1.1: (filters, channels, size, 1)
        if kernel.shape[0] != layer.filters or kernel.shape[2:] != (size, 1):
            raise ValueError(
                f'Layer "{layer.name}": a Keras 1 kernel of shape {kernel.shape} does not fit a Conv1D with '
                f"{layer.filters} filters of size {size}."
            )
        kernel = kernel.transpose(2, 3, 1, 0)
    return [kernel[:, 0], *values[1:]]


def _channels_first(*axes: int) -> Callable[[Any, Arrays], Arrays]:
    """Keras 1 kept the kernels of `channels_first` layers with the filters first."""

    def move(layer: Any, values: Arrays) -> Arrays:
        return [values[0].transpose(axes), *values[1:]] if layer.data_format == "channels_first" else values

    return move


def _conv2d_transpose(layer: Any, values: Arrays) -> Arrays:
    axes = (2, 3, 0, 1) if layer.data_format == "channels_first" else (0, 1, 3, 2)
    return [values[0].transpose(axes), *values[1:]]


def _join_gates(*order: int) -> Callable[[Any, Arrays], Arrays]:
    """Keras 1 kept kernel, recurrent kernel and bias of each gate apart; `order` lists the gates of today."""

    def join(layer: Any, values: Arrays) -> Arrays:
        if len(values) != 3 * len(order):
            return values
        return [np.concatenate([values[3 * gate + part] for gate in order], axis=-1) for part in range(3)]

    return join


def _conv_lstm(layer: Any, values: Arrays) -> Arrays:
    joined = _join_gates(0, 2, 1, 3)(layer, values)
    if len(joined) == len(values) or layer.data_format != "channels_first":
        return joined
    return [kernel.transpose(2, 3, 1, 0) for kernel in joined[:2]] + joined[2:]


_KERAS_1: dict[str, Callable[[Any, Arrays], Arrays]] = {
    "Conv1D": _conv1d,
    "Conv2D": _channels_first(2, 3, 1, 0),
    "Conv3D": _channels_first(2, 3, 4, 1, 0),
    "Conv2DTranspose": _conv2d_transpose,
    "GRU": _join_gates(0, 1, 2),
    "LSTM": _join_gates(0, 2, 1, 3),  # i, c, f, o → i, f, c, o
    "ConvLSTM2D": _conv_lstm,
}


# Convolution kernels ----------------------------------------------------------------------------------------

# How many of the first weights are kernels.
_KERNELS = {"Conv1D": 1, "Conv2D": 1, "Conv3D": 1, "Conv2DTranspose": 1, "ConvLSTM2D": 2}


def _fit_kernels(layer: Any, values: Arrays, count: int, origin: Origin) -> Arrays:
    kernels, rest = values[:count], values[count:]
    if origin.backend == "theano":  # it convolves, the others correlate: spatial axes run the other way round
        kernels = [np.flip(np.asarray(kernel), tuple(range(kernel.ndim - 2))) for kernel in kernels]
    if not kernels:
        return rest
    want, got = tuple(layer.weights[0].shape), kernels[0].shape
    if want == got:
        return kernels + rest
    if origin.reshape:
        if kernels[0].size != np.prod(want):
            raise ValueError(
                f"Weights must be of equal size to apply a reshape operation. Layer {layer.name}'s weights "
                f"have shape {want} and size {np.prod(want)}. The weights for loading have shape {got} and "
                f"size {kernels[0].size}."
            )
        return [np.asarray(kernels[0]).reshape(want), *kernels[1:], *rest]
    turned = [np.asarray(k).transpose(3, 2, 0, 1) if k.ndim == 4 else k for k in kernels]
    return (turned if turned[0].shape == want else kernels) + rest


# Gates ------------------------------------------------------------------------------------------------------

_GATES = {"LSTM": 4, "CuDNNLSTM": 4, "GRU": 3, "CuDNNGRU": 3}


def _convert_gates(layer: Any, values: Arrays) -> Arrays:
    """Between the plain layers and CuDNN's; the shape of the bias tells who wrote the weights."""
    name = type(layer).__name__
    target, source = _target(layer), _source(values, _GATES[name], name)
    if source == target:
        return values
    if "GRU(reset_after=False)" in (source, target):
        raise ValueError(f'Layer "{layer.name}": {source} is not compatible with {target}.')
    change = cudnn_to_plain if source.startswith("CuDNN") else plain_to_cudnn
    return change(name.removeprefix("CuDNN"), list(map(np.asarray, values)))


def _target(layer: Any) -> str:
    name = type(layer).__name__
    return f"GRU(reset_after={bool(layer.reset_after)})" if name == "GRU" else name


def _source(values: Arrays, gates: int, name: str) -> str:
    kind, size, shape = name.removeprefix("CuDNN"), values[1].shape[0] * gates, values[2].shape
    if shape == (2 * size,):
        return f"CuDNN{kind}"
    if kind == "GRU" and shape == (2, size):
        return "GRU(reset_after=True)"
    if shape == (size,):
        return "LSTM" if kind == "LSTM" else "GRU(reset_after=False)"
    raise ValueError(f"Invalid bias shape: {shape} for a {name} with {values[1].shape[0]} units.")
