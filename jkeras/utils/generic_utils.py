"""Helpers that Keras keeps in one place: custom objects, the progress bar, lists and shapes."""

from __future__ import annotations

import base64
import marshal
import types
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jkeras.core.progbar import Progbar as Progbar
from jkeras.core.registry import CustomObjectScope as CustomObjectScope
from jkeras.core.registry import custom_object_scope as custom_object_scope
from jkeras.core.registry import deserialize_keras_object as deserialize_keras_object
from jkeras.core.registry import get_custom_objects as get_custom_objects
from jkeras.core.registry import has_arg as has_arg
from jkeras.core.registry import serialize_keras_object as serialize_keras_object
from jkeras.core.types import AnyList, AnyTuple
from jkeras.saving import bytecode


def to_list(x: Any, allow_tuple: bool = False) -> list[Any]:
    """`x` if it is a list (or, with `allow_tuple`, the list of a tuple), else a list of `x` alone.

    Keras 2.2.4: keras/utils/generic_utils.py to_list.

    Example:
        >>> to_list(1), to_list([1, 2]), to_list((1, 2)), to_list((1, 2), allow_tuple=True)
        ([1], [1, 2], [(1, 2)], [1, 2])
    """
    if isinstance(x, AnyList):
        return x
    return list(x) if allow_tuple and isinstance(x, AnyTuple) else [x]


def unpack_singleton(x: Any) -> Any:
    """The only element of `x`, or `x` itself if it has several.

    Keras 2.2.4: keras/utils/generic_utils.py unpack_singleton.

    Example:
        >>> unpack_singleton([1]), unpack_singleton([1, 2])
        (1, [1, 2])
    """
    return x[0] if len(x) == 1 else x


def is_all_none(iterable_or_element: Any) -> bool:
    """Whether there is nothing but None.

    Keras 2.2.4: keras/utils/generic_utils.py is_all_none.

    Example:
        >>> is_all_none([None, None]), is_all_none(None), is_all_none([None, 0])
        (True, True, False)
    """
    return all(element is None for element in to_list(iterable_or_element, allow_tuple=True))


def slice_arrays(
    arrays: Any, start: int | Sequence[int] | NDArray[Any] | None = None, stop: int | None = None
) -> Any:
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
    # An HDF5 dataset takes a list of indices, not an array.
    rows: Any = np.asarray(start).tolist() if hasattr(start, "__len__") else slice(start, stop)
    if isinstance(arrays, AnyList):
        return [None if x is None else x[rows] for x in arrays]
    return arrays[rows]


def transpose_shape(shape: Any, target_format: str, spatial_axes: Sequence[int]) -> Any:
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
    return moved if isinstance(shape, AnyList) else tuple(moved)


_dumped: dict[str, types.CodeType] = {}  # what `func_dump` gave in this process → the code


def func_dump(func: types.FunctionType) -> tuple[str, tuple[Any, ...] | None, tuple[Any, ...] | None]:
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


def func_load(
    code: Any,
    defaults: tuple[Any, ...] | None = None,
    closure: tuple[Any, ...] | None = None,
    globs: dict[str, Any] | None = None,
    safe_mode: bool = True,
) -> types.FunctionType:
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
    if isinstance(code, (AnyTuple, AnyList)):
        code, defaults, closure = code
    if code not in _dumped and safe_mode:
        raise ValueError(
            "This bytecode was not made by func_dump in this process and is not run: a file could hold any "
            "program. Keep the function itself in code and pass it by name (custom_objects), or, if you "
            "trust where it comes from, func_load(..., safe_mode=False)."
        )
    known = _dumped.get(code)
    return bytecode.function(known or bytecode.decode(code), defaults, closure, globs)
