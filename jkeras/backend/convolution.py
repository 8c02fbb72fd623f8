"""Convolutions, over the same operations as the layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jkeras.core.arguments import Window
from jkeras.core.dispatch import op
from jkeras.core.settings import normalize_data_format as format_of
from jkeras.core.types import Operand
from jkeras.primitives import conv as convs
from jkeras.primitives.conv_args import check_strides, int_tuple, padding_mode, spatial_axes


def _convolve(
    function: Callable[..., Any],
    rank: int,
    x: Operand,
    kernel: Operand,
    strides: Window,
    padding: str,
    data_format: str | None,
    dilation: Window,
    modes: tuple[str, ...] = ("valid", "same"),
):
    steps, distances = int_tuple(strides, rank, "strides"), int_tuple(dilation, rank, "dilation_rate")
    check_strides(steps, distances)
    return function(x, kernel, steps, padding_mode(padding, modes), format_of(data_format), distances)


@op
def conv1d(
    x: Operand,
    kernel: Operand,
    strides: Window = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Window = 1,
):
    """1D convolution: y[p, o] = sum over k, i of x[p * stride + k * dilation, i] * kernel[k, i, o].

    Args:
        x: sequences `(batch, time, in)`, or with channels first.
        kernel: `(taps, in, out)`.
        strides: step of the window: an integer.
        padding: "valid", "same" or "causal" (zeros in front only, so that no step sees a later one).
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.
        dilation_rate: distance of the numbers that meet one window: an integer.

    Returns:
        An array `(batch, new time, out)` in the same data format.

    Raises:
        ValueError: another padding or data format, shapes that do not fit, or strides and dilation above 1.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((None, 8, 2))
        >>> K.conv1d(x, K.zeros((3, 2, 5))).shape
        (None, 6, 5)

    Keras 2.2.4: keras/backend/tensorflow_backend.py conv1d
    """
    modes = ("valid", "same", "causal")
    return _convolve(convs.conv, 1, x, kernel, strides, padding, data_format, dilation_rate, modes)


@op
def conv2d(
    x: Operand,
    kernel: Operand,
    strides: Window = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Window = (1, 1),
):
    """2D convolution: y[p, o] = sum over k, i of x[p * stride + k * dilation, i] * kernel[k, i, o].

    Args:
        x: images `(batch, rows, cols, in)`, or with channels first.
        kernel: `(height, width, in, out)`.
        strides: step of the window: an integer, or 2 of them.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.
        dilation_rate: distance of the numbers that meet one window: an integer, or 2 of them.

    Returns:
        An array `(batch, new rows, new cols, out)` in the same data format.

    Raises:
        ValueError: another padding or data format, shapes that do not fit, or strides and dilation above 1.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((None, 8, 8, 2))
        >>> K.conv2d(x, K.zeros((3, 3, 2, 5))).shape
        (None, 6, 6, 5)

    Keras 2.2.4: keras/backend/tensorflow_backend.py conv2d
    """
    return _convolve(convs.conv, 2, x, kernel, strides, padding, data_format, dilation_rate)


@op
def conv3d(
    x: Operand,
    kernel: Operand,
    strides: Window = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Window = (1, 1, 1),
):
    """3D convolution: y[p, o] = sum over k, i of x[p * stride + k * dilation, i] * kernel[k, i, o].

    Args:
        x: volumes `(batch, depth, rows, cols, in)`, or with channels first.
        kernel: `(depth, height, width, in, out)`.
        strides: step of the window: an integer, or 3 of them.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.
        dilation_rate: distance of the numbers that meet one window: an integer, or 3 of them.

    Returns:
        An array `(batch, new depth, new rows, new cols, out)` in the same data format.

    Raises:
        ValueError: another padding or data format, shapes that do not fit, or strides and dilation above 1.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((None, 8, 8, 8, 2))
        >>> K.conv3d(x, K.zeros((3, 3, 3, 2, 5))).shape
        (None, 6, 6, 6, 5)

    Keras 2.2.4: keras/backend/tensorflow_backend.py conv3d
    """
    return _convolve(convs.conv, 3, x, kernel, strides, padding, data_format, dilation_rate)


def _transposed(
    rank: int,
    x: Operand,
    kernel: Operand,
    output_shape: Any,
    strides: Window,
    padding: str,
    data_format: str | None,
    dilation: Window,
):
    format = format_of(data_format)
    lengths = tuple(output_shape[a] for a in spatial_axes(format, rank + 2))
    strides, dilation = int_tuple(strides, rank, "strides"), int_tuple(dilation, rank, "dilation_rate")
    return convs.conv_transpose(x, kernel, lengths, strides, padding_mode(padding), format, dilation)


@op
def conv2d_transpose(
    x: Operand,
    kernel: Operand,
    output_shape: Any,
    strides: Window = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Window = (1, 1),
):
    """The transpose of a 2D convolution: the gradient of `conv2d` with respect to its input.

    Args:
        x: images `(batch, rows, cols, in)`, or with channels first.
        kernel: `(height, width, out, in)`.
        output_shape: shape of the result with the batch, in the same data format; its 2 spatial lengths
            count.
        strides: of the convolution: an integer, or 2 of them.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.
        dilation_rate: distance of the numbers that meet one window of the convolution: an integer, or 2.

    Returns:
        An array of the shape `output_shape`.

    Raises:
        ValueError: lengths from which the convolution does not make those of `x`; another padding or format.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((None, 8, 8, 5))
        >>> K.conv2d_transpose(x, K.zeros((3, 3, 2, 5)), (None, 10, 10, 2)).shape
        (None, 10, 10, 2)

    Keras 2.2.4: keras/backend/tensorflow_backend.py conv2d_transpose
    """
    return _transposed(2, x, kernel, output_shape, strides, padding, data_format, dilation_rate)


@op
def conv3d_transpose(
    x: Operand,
    kernel: Operand,
    output_shape: Any,
    strides: Window = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
):
    """The transpose of a 3D convolution: the gradient of `conv3d` with respect to its input.

    Args:
        x: volumes `(batch, depth, rows, cols, in)`, or with channels first.
        kernel: `(depth, height, width, out, in)`.
        output_shape: shape of the result with the batch, in the same data format; its 3 spatial lengths
            count.
        strides: of the convolution: an integer, or 3 of them.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.

    Returns:
        An array of the shape `output_shape`.

    Raises:
        ValueError: lengths from which the convolution does not make those of `x`; another padding or format.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((None, 8, 8, 8, 5))
        >>> K.conv3d_transpose(x, K.zeros((3, 3, 3, 2, 5)), (None, 10, 10, 10, 2)).shape
        (None, 10, 10, 10, 2)

    Keras 2.2.4: keras/backend/tensorflow_backend.py conv3d_transpose
    """
    return _transposed(3, x, kernel, output_shape, strides, padding, data_format, (1, 1, 1))


@op
def depthwise_conv2d(
    x: Operand,
    depthwise_kernel: Operand,
    strides: Window = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Window = (1, 1),
):
    """2D convolution of every channel with its own kernels.

    Channel i and kernel m give the channel i * multiplier + m of the result; channels are not summed.

    Args:
        x: images `(batch, rows, cols, in)`, or with channels first.
        depthwise_kernel: `(height, width, in, multiplier)`.
        strides: step of the window: an integer, or 2 of them.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.
        dilation_rate: distance of the numbers that meet one window: an integer, or 2 of them.

    Returns:
        An array `(batch, new rows, new cols, in * multiplier)` in the same data format.

    Raises:
        ValueError: another padding or data format, shapes that do not fit, or strides and dilation above 1.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((None, 8, 8, 2))
        >>> K.depthwise_conv2d(x, K.zeros((3, 3, 2, 4))).shape
        (None, 6, 6, 8)

    Keras 2.2.4: keras/backend/tensorflow_backend.py depthwise_conv2d
    """
    return _convolve(
        convs.depthwise_conv, 2, x, depthwise_kernel, strides, padding, data_format, dilation_rate
    )


def _separable(
    rank: int,
    x: Operand,
    depthwise: Operand,
    pointwise: Operand,
    strides: Window,
    padding: str,
    data_format: str | None,
    dilation: Window,
):
    x = _convolve(convs.depthwise_conv, rank, x, depthwise, strides, padding, data_format, dilation)
    return _convolve(convs.conv, rank, x, pointwise, (1,) * rank, "valid", data_format, (1,) * rank)


@op
def separable_conv1d(
    x: Operand,
    depthwise_kernel: Operand,
    pointwise_kernel: Operand,
    strides: Window = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Window = 1,
):
    """A 1D convolution of every channel with its own kernels, then one with a window of size 1.

    Args:
        x: sequences `(batch, time, in)`, or with channels first.
        depthwise_kernel: `(taps, in, multiplier)`.
        pointwise_kernel: `(1, in * multiplier, out)`.
        strides: step of the window: an integer.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.
        dilation_rate: distance of the numbers that meet one window: an integer.

    Returns:
        An array `(batch, new time, out)` in the same data format.

    Raises:
        ValueError: another padding or data format, shapes that do not fit, or strides and dilation above 1.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((None, 8, 2))
        >>> K.separable_conv1d(x, K.zeros((3, 2, 4)), K.zeros((1, 8, 5))).shape
        (None, 6, 5)

    Keras 2.2.4: keras/backend/tensorflow_backend.py separable_conv1d
    """
    return _separable(1, x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)


@op
def separable_conv2d(
    x: Operand,
    depthwise_kernel: Operand,
    pointwise_kernel: Operand,
    strides: Window = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Window = (1, 1),
):
    """A 2D convolution of every channel with its own kernels, then one with a window of size 1.

    Args:
        x: images `(batch, rows, cols, in)`, or with channels first.
        depthwise_kernel: `(height, width, in, multiplier)`.
        pointwise_kernel: `(1, 1, in * multiplier, out)`.
        strides: step of the window: an integer, or 2 of them.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.
        dilation_rate: distance of the numbers that meet one window: an integer, or 2 of them.

    Returns:
        An array `(batch, new rows, new cols, out)` in the same data format.

    Raises:
        ValueError: another padding or data format, shapes that do not fit, or strides and dilation above 1.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((None, 8, 8, 2))
        >>> K.separable_conv2d(x, K.zeros((3, 3, 2, 4)), K.zeros((1, 1, 8, 5))).shape
        (None, 6, 6, 5)

    Keras 2.2.4: keras/backend/tensorflow_backend.py separable_conv2d
    """
    return _separable(2, x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)


def _local(
    rank: int, x: Operand, kernel: Operand, kernel_size: Window, strides: Window, data_format: str | None
):
    size, step = int_tuple(kernel_size, rank, "kernel_size"), int_tuple(strides, rank, "strides")
    return convs.local_conv(x, kernel, size, step, format_of(data_format))


@op
def local_conv1d(
    inputs: Operand, kernel: Operand, kernel_size: Window, strides: Window, data_format: str | None = None
):
    """1D convolution with a kernel for each place ("valid" padding).

    Args:
        inputs: sequences `(batch, time, in)`, or with channels first.
        kernel: `(new time, taps * in, out)`.
        kernel_size: taps of the window: a tuple of one integer, or an integer.
        strides: step of the window, likewise.
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.

    Returns:
        An array `(batch, new time, out)` in the same data format.

    Raises:
        ValueError: another data format, or sizes that are no integers.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((None, 8, 2))
        >>> K.local_conv1d(x, K.zeros((6, 6, 5)), (3,), (1,)).shape
        (None, 6, 5)

    Keras 2.2.4: keras/backend/tensorflow_backend.py local_conv1d
    """
    return _local(1, inputs, kernel, kernel_size, strides, data_format)


@op
def local_conv2d(
    inputs: Operand,
    kernel: Operand,
    kernel_size: Window,
    strides: Window,
    output_shape: Any,
    data_format: str | None = None,
):
    """2D convolution with a kernel for each place ("valid" padding).

    Args:
        inputs: images `(batch, rows, cols, in)`, or with channels first.
        kernel: `(new rows * new cols, height * width * in, out)`; with channels first the middle axis runs
            over the channels first, then over the window.
        kernel_size: (height, width) of the window.
        strides: step of the window for each axis.
        output_shape: accepted for compatibility; (new rows, new cols) follow from the other arguments.
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.

    Returns:
        An array `(batch, new rows, new cols, out)` in the same data format.

    Raises:
        ValueError: another data format, or sizes that are no integers.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((None, 8, 8, 2))
        >>> K.local_conv2d(x, K.zeros((36, 18, 5)), (3, 3), (1, 1), (6, 6)).shape
        (None, 6, 6, 5)

    Keras 2.2.4: keras/backend/tensorflow_backend.py local_conv2d
    """
    return _local(2, inputs, kernel, kernel_size, strides, data_format)
