"""Functions inside Keras's TensorFlow backend that packages lean on; nothing in jkeras itself needs them."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnusedFunction=false
from __future__ import annotations

from types import ModuleType
from typing import Any

import jax
from jax.typing import DTypeLike

from jkeras.backend.elementwise import cast
from jkeras.backend.inspection import is_tensor
from jkeras.backend.shaping import permute_dimensions
from jkeras.backend.values import constant


class _NoTensorFlow(ModuleType):
    """Stands for TensorFlow as Keras's backend has it: `from keras.backend import tf` is no error, nor code
    that has it for what is not used. Whatever is asked of it is one."""

    def __getattr__(self, name: str):
        raise AttributeError(
            f"K.tf.{name}: there is no TensorFlow here; use the functions of jkeras.backend, or jax.numpy.",
            name=name,
        )


tf = _NoTensorFlow("tf", "No TensorFlow: see the functions of jkeras.backend, or jax.numpy.")


def _get_available_gpus() -> list[str]:
    """The names of the GPUs, in TensorFlow's words; no names without a GPU.

    Keras 2.2.4: keras/backend/tensorflow_backend.py _get_available_gpus
    """
    gpus = [device for device in jax.devices() if device.platform == "gpu"]
    return [f"/device:GPU:{i}" for i in range(len(gpus))]


def _has_nchw_support() -> bool:
    """Whether convolutions take channels first: where there is a GPU."""
    return bool(_get_available_gpus())


def _to_tensor(x: Any, dtype: DTypeLike):
    """`x` as a tensor of a dtype.

    Keras 2.2.4: keras/backend/tensorflow_backend.py _to_tensor
    """
    return cast(x, dtype) if is_tensor(x) else constant(x, dtype)


def _channels_last(
    x: Any, data_format: str | None, axes: tuple[int, ...], spatial: str, as_is: bool
) -> tuple[Any, ...]:
    """(`x` with its channels last unless it may stay `as_is`, TensorFlow's name of the order it then has)."""
    if data_format != "channels_first":
        return x, f"N{spatial}C"
    return (x, f"NC{spatial}") if as_is else (permute_dimensions(x, axes), f"N{spatial}C")


def _preprocess_conv1d_input(x: Any, data_format: str | None):
    """A sequence with its channels where a convolution wants them, and TensorFlow's name of that order.

    Keras 2.2.4: keras/backend/tensorflow_backend.py _preprocess_conv1d_input
    """
    return _channels_last(x, data_format, (0, 2, 1), "W", _has_nchw_support())


def _preprocess_conv2d_input(x: Any, data_format: str | None, force_transpose: bool = False):
    """An image with its channels where a convolution wants them, and TensorFlow's name of that order.

    Keras 2.2.4: keras/backend/tensorflow_backend.py _preprocess_conv2d_input
    """
    as_is = _has_nchw_support() and not force_transpose
    return _channels_last(x, data_format, (0, 2, 3, 1), "HW", as_is)


def _preprocess_conv3d_input(x: Any, data_format: str | None):
    """A volume with its channels where a convolution wants them, and TensorFlow's name of that order.

    Keras 2.2.4: keras/backend/tensorflow_backend.py _preprocess_conv3d_input
    """
    return _channels_last(x, data_format, (0, 2, 3, 4, 1), "DHW", _has_nchw_support())


def _preprocess_padding(padding: str) -> str:
    """TensorFlow's name of a padding.

    Raises:
        ValueError: neither "same" nor "valid".

    Keras 2.2.4: keras/backend/tensorflow_backend.py _preprocess_padding

    Example:
        >>> _preprocess_padding("same")
        'SAME'
    """
    if padding not in ("same", "valid"):
        raise ValueError(f"Invalid padding: {padding!r} (it is 'same' or 'valid').")
    return padding.upper()
