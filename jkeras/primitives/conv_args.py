"""Arguments and lengths of convolutions and poolings: normalised once, then trusted."""

from __future__ import annotations

from typing import Any

from jkeras.core.types import Length, Shape


class WindowError(ValueError):
    """A window is larger than the axis that it moves on."""


def int_tuple(value: Any, n: int, name: str) -> tuple[int, ...]:
    """An integer, or an iterable of `n` integers, as a tuple of `n` integers.

    Args:
        value: the user's argument.
        n: how many integers the result has.
        name: the argument's name, for the error.

    Returns:
        A tuple of Python integers.

    Raises:
        ValueError: another length, or elements that are not integers.

    >>> int_tuple(3, 2, "strides"), int_tuple([1, 2], 2, "strides")
    ((3, 3), (1, 2))
    """
    several = f" or a tuple of {n} integers" * (n > 1)
    message = f"The `{name}` argument must be an integer{several}. Received: {value!r}"
    try:
        values = (value,) * n if not hasattr(value, "__iter__") else tuple(value)
        numbers = tuple(int(v) for v in values)
    except (TypeError, ValueError):
        raise ValueError(message) from None
    if len(numbers) != n or any(a != b for a, b in zip(numbers, values, strict=True)):
        raise ValueError(message)
    return numbers


def positive_tuple(value: Any, n: int, name: str) -> tuple[int, ...]:
    """`int_tuple` whose entries must be at least 1 (window sizes, strides, dilation rates, factors)."""
    numbers = int_tuple(value, n, name)
    if any(v < 1 for v in numbers):
        raise ValueError(f"The `{name}` argument must hold positive integers. Received: {value!r}")
    return numbers


def check_strides(strides: tuple[int, ...], dilation: tuple[int, ...]) -> None:
    """Refuse strides together with dilation, as Keras does.

    (TensorFlow refuses them in a convolution; in a depthwise one it computes what stands at other places.)

    Raises:
        ValueError: both are larger than 1 somewhere.
    """
    if max(strides) > 1 and max(dilation) > 1:
        raise ValueError(
            f"strides > 1 are not supported in conjunction with dilation_rate > 1: strides={strides}, "
            f"dilation_rate={dilation}"
        )


def positive_int(value: Any, name: str) -> int:
    """A number that must be whole and at least 1 (units, filters)."""
    return positive_tuple(value, 1, name)[0]


def margins(value: Any, n: int, name: str) -> tuple[tuple[int, int], ...]:
    """The sizes to add to or to cut from both ends of `n` spatial axes, as `n` pairs.

    Args:
        value: one integer for all, `n` integers (symmetric), or `n` pairs (before, after).
        n: number of spatial axes.
        name: the argument's name, for the error.

    Raises:
        ValueError: another structure, or negative numbers.

    >>> margins(1, 2, "padding"), margins((1, (0, 2)), 2, "padding")
    (((1, 1), (1, 1)), ((1, 1), (0, 2)))
    """
    values = (value,) * n if isinstance(value, int) else value
    if not hasattr(values, "__len__") or len(values) != n:
        raise ValueError(
            f"`{name}` should be an int, a tuple of {n} ints, or a tuple of {n} tuples of 2 ints "
            f"(before, after). Found: {value!r}"
        )
    pairs = tuple(int_tuple(v, 2, f"entry {i + 1} of {name}") for i, v in enumerate(values))
    if any(v < 0 for pair in pairs for v in pair):
        raise ValueError(f"`{name}` must not hold negative numbers. Found: {value!r}")
    return pairs  # type: ignore[return-value]


def padding_mode(value: Any, allowed: tuple[str, ...] = ("valid", "same")) -> str:
    """The padding mode in lower case.

    Raises:
        ValueError: a mode that this layer does not know.

    >>> padding_mode("SAME")
    'same'
    """
    mode = value.lower() if isinstance(value, str) else value
    if mode not in allowed:
        names = " or ".join(f'"{a}"' for a in allowed)
        raise ValueError(f"Invalid padding: {value}. The `padding` argument must be {names} here.")
    return mode


def channel_axis(format: str, ndim: int) -> int:
    """Position of the channels in an array of rank `ndim`."""
    return 1 if format == "channels_first" else ndim - 1


def spatial_axes(format: str, ndim: int) -> tuple[int, ...]:
    """Positions of the spatial axes in an array of rank `ndim`."""
    return tuple(range(2, ndim)) if format == "channels_first" else tuple(range(1, ndim - 1))


def spread(format: str, inner: Any, outer: Any):
    """A list for all axes: the entries of `inner` for spatial ones, `outer` for batch and channels."""
    return [outer, outer, *inner] if format == "channels_first" else [outer, *inner, outer]


def looks_turned(shape: Shape, format: Any) -> bool:
    """Whether the sizes of a sample look as if its channels were at the other end than a format says.

    >>> looks_turned((3, 32, 32), "channels_last"), looks_turned((32, 32, 3), "channels_last")
    (True, False)
    """
    sizes = [size for size in shape if size is not None]
    if len(sizes) < max(2, len(shape)) or format not in ("channels_last", "channels_first"):
        return False
    channels, *places = sizes if format == "channels_last" else (sizes[-1], *sizes[:-1])
    return channels in (1, 2, 3, 4) and min(places) > channels


def ceil_div(a: Length, b: int) -> Length:
    """`a / b` rounded up; `a` may be a symbolic dimension."""
    return -(-a // b)


def effective(size: int, dilation: int) -> int:
    """Extent of a window of `size` taps that are `dilation` apart."""
    return (size - 1) * dilation + 1


def window(
    length: Length, size: int, stride: int, padding: str, dilation: int = 1
) -> tuple[Length, Length, Length]:
    """The size of one axis after a sliding window.

    Args:
        length: length of the axis (an int or a symbolic dimension).
        size: taps of the window.
        stride: step of the window.
        padding: "valid", "same" or "causal".
        dilation: distance of the taps.

    Returns:
        (output length, padding before, padding after), with TensorFlow's uneven "same" padding:
        the odd element goes to the end.

    Raises:
        WindowError: the window is larger than the axis ("valid" padding).

    >>> window(7, 3, 2, "same"), window(7, 2, 2, "valid"), window(8, 3, 1, "causal", 2)
    ((4, 1, 1), (3, 0, 0), (8, 4, 0))
    """
    extent = effective(size, dilation)
    if padding == "valid":
        if isinstance(length, int) and extent > length:
            raise WindowError(
                f"a window of extent {extent} does not fit into length {length} (padding 'valid')"
            )
        return (length - extent) // stride + 1, 0, 0
    if padding == "causal":
        return (length - 1) // stride + 1, extent - 1, 0
    out = ceil_div(length, stride)
    total = max((out - 1) * stride + extent - length, 0)
    return out, total // 2, total - total // 2


def transposed_length(
    length: Length, size: int, stride: int, padding: str, output_padding: int | None, dilation: int
) -> Length:
    """Output length of a transposed convolution along one axis.

    Args:
        length: input length.
        size: taps of the kernel.
        stride: step of the convolution that this one is the transpose of.
        padding: "valid" or "same".
        output_padding: extra length at the end, or None for the smallest length that the forward
            convolution maps back onto the input's.
        dilation: distance of the taps.

    >>> transposed_length(4, 3, 2, "same", None, 1), transposed_length(4, 3, 2, "valid", 1, 1)
    (8, 10)
    """
    extent = effective(size, dilation)
    if output_padding is None:
        return length * stride + (max(extent - stride, 0) if padding == "valid" else 0)
    pad = extent // 2 if padding == "same" else 0
    return (length - 1) * stride + extent - 2 * pad + output_padding
