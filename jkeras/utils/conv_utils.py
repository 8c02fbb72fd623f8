"""Lengths and arguments of convolutions, for layers of one's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from jkeras.primitives import conv_args


def normalize_tuple(value: Any, n: int, name: str):
    """An integer, or an iterable of `n` integers, as a tuple of `n` integers.

    Args:
        value: the integer or the iterable.
        n: how many integers the result has.
        name: the argument's name, for the error.

    Raises:
        ValueError: another length, or elements that are no integers.

    Keras 2.2.4: keras/utils/conv_utils.py normalize_tuple

    Example:
        >>> normalize_tuple(3, 2, "kernel_size")
        (3, 3)
    """
    return conv_args.int_tuple(value, n, name)


def normalize_padding(value: Any):
    """A padding in lower case.

    Raises:
        ValueError: for anything but "valid", "same" and "causal".

    Keras 2.2.4: keras/utils/conv_utils.py normalize_padding

    Example:
        >>> normalize_padding("SAME")
        'same'
    """
    return conv_args.padding_mode(value, ("valid", "same", "causal"))


def convert_kernel(kernel: Any):
    """A kernel of Theano as one of TensorFlow and back: all spatial axes run backwards.

    Args:
        kernel: array with one to three spatial axes and two of channels.

    Raises:
        ValueError: for another number of axes.

    Keras 2.2.4: keras/utils/conv_utils.py convert_kernel

    Example:
        >>> convert_kernel(np.arange(3).reshape(3, 1, 1)).ravel()
        array([2, 1, 0])
    """
    kernel = np.asarray(kernel)
    if not 3 <= kernel.ndim <= 5:
        raise ValueError(f"Invalid kernel shape: {kernel.shape}. Expected 3 to 5 axes.")
    return np.flip(kernel, axis=tuple(range(kernel.ndim - 2))).copy()


def conv_output_length(
    input_length: int | None, filter_size: int, padding: str, stride: int, dilation: int = 1
):
    """How long the output of a convolution is along one axis.

    Args:
        input_length: length of the input; None stays None.
        filter_size: taps of the filter.
        padding: "valid", "same", "causal" or "full".
        stride: step of the filter.
        dilation: distance of its taps.

    Raises:
        ValueError: for an unknown padding.

    Keras 2.2.4: keras/utils/conv_utils.py conv_output_length

    Example:
        >>> conv_output_length(7, 3, "valid", 2), conv_output_length(7, 3, "same", 2)
        (3, 4)
    """
    _check(padding, "valid", "same", "causal", "full")
    if input_length is None:
        return None
    extent = conv_args.effective(filter_size, dilation)
    more = {"valid": 1 - extent, "full": extent - 1}.get(padding, 0)
    return conv_args.ceil_div(input_length + more, stride)


def conv_input_length(output_length: int | None, filter_size: int, padding: str, stride: int):
    """How long the input of a convolution is that has an output of this length, along one axis.

    Args:
        output_length: length of the output; None stays None.
        filter_size: taps of the filter.
        padding: "valid", "same" or "full".
        stride: step of the filter.

    Raises:
        ValueError: for an unknown padding.

    Keras 2.2.4: keras/utils/conv_utils.py conv_input_length

    Example:
        >>> conv_input_length(3, 3, "valid", 2)
        7
    """
    pad = _margin(padding, filter_size)
    return None if output_length is None else (output_length - 1) * stride - 2 * pad + filter_size


def deconv_length(
    dim_size: int | None,
    stride_size: int,
    kernel_size: int,
    padding: str,
    output_padding: int | None,
    dilation: int = 1,
):
    """How long the output of a transposed convolution is along one axis.

    Args:
        dim_size: length of the input; None stays None.
        stride_size: step of the convolution that this is the transpose of.
        kernel_size: taps of the kernel.
        padding: "valid", "same" or "full".
        output_padding: further length at the end, or None for the smallest length that fits.
        dilation: distance of the taps.

    Raises:
        ValueError: for an unknown padding.

    Keras 2.2.4: keras/utils/conv_utils.py deconv_length

    Example:
        >>> deconv_length(4, 2, 3, "same", None), deconv_length(4, 2, 3, "valid", 1)
        (8, 10)
    """
    extent = conv_args.effective(kernel_size, dilation)
    pad = _margin(padding, extent)
    if dim_size is None:
        return None
    if padding != "full":
        return conv_args.transposed_length(
            dim_size, kernel_size, stride_size, padding, output_padding, dilation
        )
    if output_padding is None:
        return dim_size * stride_size - (stride_size + extent - 2)
    return (dim_size - 1) * stride_size + extent - 2 * pad + output_padding


def _check(padding: str, *allowed: str) -> None:
    if padding not in allowed:
        raise ValueError(f"`padding` must be one of {', '.join(allowed)}. Received: {padding!r}")


def _margin(padding: str, extent: int) -> int:
    _check(padding, "valid", "same", "full")
    return {"valid": 0, "same": extent // 2, "full": extent - 1}[padding]
