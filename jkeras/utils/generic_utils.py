"""Helpers that Keras keeps in one place: custom objects, the progress bar, lists and shapes."""

from __future__ import annotations

import base64
import marshal
import types

import numpy as np

from jkeras.core.progbar import Progbar as Progbar
from jkeras.core.registry import CustomObjectScope as CustomObjectScope
from jkeras.core.registry import custom_object_scope as custom_object_scope
from jkeras.core.registry import deserialize_keras_object as deserialize_keras_object
from jkeras.core.registry import get_custom_objects as get_custom_objects
from jkeras.core.registry import has_arg as has_arg
from jkeras.core.registry import serialize_keras_object as serialize_keras_object
from jkeras.saving import bytecode


def to_list(x, allow_tuple=False):
    """`x` if it is a list (or, with `allow_tuple`, the list of a tuple), else a list of `x` alone.

    Keras 2.2.4: keras/utils/generic_utils.py to_list.

    Example:
        >>> to_list(1), to_list([1, 2]), to_list((1, 2)), to_list((1, 2), allow_tuple=True)
        ([1], [1, 2], [(1, 2)], [1, 2])
    """
    if isinstance(x, list):
        return x
    return list(x) if allow_tuple and isinstance(x, tuple) else [x]


def unpack_singleton(x):
    """The only element of `x`, or `x` itself if it has several.

    Keras 2.2.4: keras/utils/generic_utils.py unpack_singleton.

    Example:
        >>> unpack_singleton([1]), unpack_singleton([1, 2])
        (1, [1, 2])
    """
    return x[0] if len(x) == 1 else x


def is_all_none(iterable_or_element):
    """Whether there is nothing but None.

    Keras 2.2.4: keras/utils/generic_utils.py is_all_none.

    Example:
        >>> is_all_none([None, None]), is_all_none(None), is_all_none([None, 0])
        (True, True, False)
    """
    return all(element is None for element in to_list(iterable_or_element, allow_tuple=True))


def slice_arrays(arrays, start=None, stop=None):
    """The rows `start:stop` (or those that a list of indices `start` names) of an array or of each in a list.

    Keras 2.2.4: keras/utils/generic_utils.py slice_arrays.

    Example:
        >>> slice_arrays([np.arange(5), None], 1, 3)
        [array([1, 2]), None]
        >>> slice_arrays(np.arange(5), [0, 4])
        array([0, 4])
    """
    if arrays is None:
        return [None]
    if hasattr(start, "__len__"):
        # An HDF5 dataset takes a list of indices, not an array.
        rows = np.asarray(start).tolist()
    else:
        rows = slice(start, stop)
    if isinstance(arrays, list):
        return [None if x is None else x[rows] for x in arrays]
    return arrays[rows]


def transpose_shape(shape, target_format, spatial_axes):
    """A "channels_last" shape in another data format.

    Args:
        shape: tuple or list.
        target_format: "channels_first" or "channels_last".
        spatial_axes: where `shape` has its spatial dimensions.

    Raises:
        ValueError: if the format is unknown.

    Keras 2.2.4: keras/utils/generic_utils.py transpose_shape.

    Example:
        >>> transpose_shape((16, 128, 64, 3), "channels_first", spatial_axes=(1, 2))
        (16, 3, 128, 64)
    """
    if target_format == "channels_last":
        return shape
    if target_format != "channels_first":
        raise ValueError(
            'The `data_format` argument must be one of "channels_first", "channels_last". '
            f"Received: {target_format}"
        )
    moved = [*shape[: spatial_axes[0]], shape[-1], *(shape[axis] for axis in spatial_axes)]
    return moved if isinstance(shape, list) else tuple(moved)


_dumped: dict[str, types.CodeType] = {}  # what `func_dump` gave in this process → the code


def func_dump(func):
    """A function as plain values, for a config.

    Returns:
        (text of its bytecode, defaults, values of its closure).

    Keras 2.2.4: keras/utils/generic_utils.py func_dump.

    Example:
        >>> func_load(func_dump(lambda x, n=2: x * n))(3)
        6
    """
    text = base64.encodebytes(marshal.dumps(func.__code__)).decode("ascii")
    _dumped[text] = func.__code__
    closure = tuple(cell.cell_contents for cell in func.__closure__) if func.__closure__ else None
    return text, func.__defaults__, closure


def func_load(code, defaults=None, closure=None, globs=None, safe_mode=True):
    """The function that `func_dump` took apart.

    Args:
        code: text, or all three values of `func_dump`.
        defaults, closure: the other two.
        globs: the global names that the function sees; default `K`, `np` and `jnp`.
        safe_mode: False runs bytecode from elsewhere.

    Raises:
        ValueError: the bytecode comes from another process, such as out of a file: it could be any program.

    Keras 2.2.4: keras/utils/generic_utils.py func_load.
    """
    if isinstance(code, (tuple, list)):
        code, defaults, closure = code
    if code not in _dumped and safe_mode:
        raise ValueError(
            "This bytecode was not made by func_dump in this process and is not run: a file could hold any "
            "program. Keep the function itself in code and pass it by name (custom_objects), or, if you "
            "trust where it comes from, func_load(..., safe_mode=False)."
        )
    known = _dumped.get(code)
    return bytecode.function(known or bytecode.decode(code), defaults, closure, globs)
