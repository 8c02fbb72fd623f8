"""The functions of Keras's `engine.saving` that work on an open HDF5 group and a list of layers."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import h5py

from jkeras.saving import h5, legacy, weights
from jkeras.saving.contents import Contents
from jkeras.saving.model_io import load_model, save_model

HDF5_OBJECT_HEADER_LIMIT = h5.ATTRIBUTE_LIMIT


def save_weights_to_hdf5_group(f: h5py.Group, layers: Iterable[Any]) -> None:
    """Write the weights of some layers.

    Args:
        f: an open group or file, without groups of the layers' names.
        layers: the layers, built.

    Keras 2.2.4: keras/engine/saving.py save_weights_to_hdf5_group

    Example:
        >>> import io
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model = Sequential([Dense(2, input_shape=(3,), name="d")], name="m")
        >>> with h5py.File(io.BytesIO(), "w") as f:
        ...     save_weights_to_hdf5_group(f, model.layers)
        ...     f["d"]["d/kernel:0"].shape
        (3, 2)
    """
    h5.write_group(f, Contents(layers=weights.layer_contents(list(layers))))


def load_weights_from_hdf5_group(f: h5py.Group, layers: Iterable[Any], reshape: bool = False) -> None:
    """Give the layers that have weights those of the group, in order; all of them, or none.

    Args:
        f: an open group or file that holds weights, or a whole model.
        layers: the layers, built.
        reshape: fit convolution kernels of the right size but another shape.

    Raises:
        ValueError: the group holds no weights, or they do not fit; nothing was changed.

    Keras 2.2.4: keras/engine/saving.py load_weights_from_hdf5_group

    Example:
        >>> import io
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model = Sequential([Dense(2, input_shape=(3,), name="d")], name="m")
        >>> with h5py.File(io.BytesIO(), "w") as f:
        ...     save_weights_to_hdf5_group(f, model.layers)
        ...     model.set_weights([0 * w for w in model.get_weights()])
        ...     load_weights_from_hdf5_group(f, model.layers)
        >>> bool(abs(model.get_weights()[0]).sum() > 0)
        True
    """
    weights.assign(weights.by_position(h5.read_group(f), list(layers), reshape))


def load_weights_from_hdf5_group_by_name(
    f: h5py.Group, layers: Iterable[Any], skip_mismatch: bool = False, reshape: bool = False
) -> None:
    """Give the layers whose names the group has its weights; the other layers stay as they are.

    Args:
        f, layers, reshape: as in `load_weights_from_hdf5_group`.
        skip_mismatch: warn about weights that do not fit, and go on.

    Raises:
        ValueError: the group holds no weights, or they do not fit; nothing was changed.

    Keras 2.2.4: keras/engine/saving.py load_weights_from_hdf5_group_by_name

    Example:
        >>> import io
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> head = Sequential([Dense(2, input_shape=(3,), name="d"), Dense(1, name="e")], name="m").layers
        >>> with h5py.File(io.BytesIO(), "w") as f:
        ...     save_weights_to_hdf5_group(f, head[:1])
        ...     load_weights_from_hdf5_group_by_name(f, (layer for layer in head if layer.name != "e"))
    """
    weights.assign(weights.by_name(h5.read_group(f), list(layers), skip_mismatch, reshape))


def preprocess_weights_for_loading(
    layer: Any,
    weights: list[Any],
    original_keras_version: str | None = None,
    original_backend: str | None = None,
    reshape: bool = False,
) -> list[Any]:
    """Weights that another Keras, backend or kind of layer wrote, in the layout of `layer`.

    Args:
        layer: the layer that is to receive them, built.
        weights: numpy arrays, in the order of the file.
        original_keras_version: "1" for weights of Keras 1.
        original_backend: "theano" for kernels to be turned round.
        reshape: fit convolution kernels of the right size but another shape.

    Returns:
        The arrays in the order of `layer.weights`.

    Raises:
        ValueError: the weights belong to a kind of layer that cannot be turned into this one.

    Keras 2.2.4: keras/engine/saving.py preprocess_weights_for_loading

    Example:
        >>> import numpy as np
        >>> from jkeras.layers import Conv1D
        >>> conv = Conv1D(4, 3)
        >>> conv.build((None, 8, 2))
        >>> old = [np.zeros((3, 1, 2, 4)), np.zeros(4)]
        >>> preprocess_weights_for_loading(conv, old, original_keras_version="1")[0].shape
        (3, 2, 4)
    """
    origin = legacy.Origin(original_keras_version or legacy.Origin().version, original_backend, reshape)
    return legacy.convert(layer, weights, origin)


def save_attributes_to_hdf5_group(group: h5py.Group, name: str, data: Iterable[bytes | str]) -> None:
    """Write a list of names as an attribute, in parts (`name0`, `name1`, ...) where it is longer than 64 KB.

    Raises:
        ValueError: one of the names alone is too long.

    Keras 2.2.4: keras/engine/saving.py save_attributes_to_hdf5_group

    Example:
        >>> import io
        >>> with h5py.File(io.BytesIO(), "w") as f:
        ...     save_attributes_to_hdf5_group(f, "weight_names", [b"kernel", b"bias"])
        ...     load_attributes_from_hdf5_group(f, "weight_names")
        ['kernel', 'bias']
    """
    h5.write_names(group, name, [n.decode() if isinstance(n, bytes) else n for n in data])


def load_attributes_from_hdf5_group(group: h5py.Group, name: str) -> list[str]:
    """The list that `save_attributes_to_hdf5_group` wrote; [] where there is nothing.

    Keras 2.2.4: keras/engine/saving.py load_attributes_from_hdf5_group
    """
    return h5.read_names(group, name) if h5.has_names(group, name) else []


def pickle_model(model: Any) -> dict[str, Any]:
    """A model as a dict that can be pickled.

    Keras 2.2.4: keras/engine/saving.py pickle_model

    Example:
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model = Sequential([Dense(2, input_shape=(3,))], name="m")
        >>> model.compile("sgd", "mse")
        >>> unpickle_model(pickle_model(model)).name
        'm'
    """
    state: dict[str, Any] = {}
    save_model(model, state)
    return state


def unpickle_model(state: dict[str, Any]) -> Any:
    """The model of what `pickle_model` returned.

    Keras 2.2.4: keras/engine/saving.py unpickle_model
    """
    return load_model(state)
