"""64-bit numbers: jax computes in 32 bits unless told otherwise, and then nothing is cut without a word."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import DTypeLike

from jkeras.core.types import AnyList, AnyTuple

_ADVICE = (
    "jax's 64-bit mode is off. Switch it on before anything else is made: K.set_floatx('float64'), or, for "
    "wide integers alone, jax.config.update('jax_enable_x64', True)."
)


def has_wide() -> bool:
    """Whether jax's 64-bit mode is on.

    Example:
        >>> has_wide()
        False
    """
    return jax.dtypes.canonicalize_dtype("int64").itemsize == 8


@functools.lru_cache(64)
def is_narrow(dtype: str) -> bool:
    """Whether numbers of a dtype have less than 64 bits, so that there is nothing to ask.

    Example:
        >>> is_narrow("float32"), is_narrow("int64")
        (True, False)
    """
    return jnp.dtype(dtype).itemsize < 8


def supported(dtype: DTypeLike, what: str = "This") -> np.dtype[Any]:
    """The dtype in which numbers of `dtype` are kept: 32-bit integers for 64-bit ones, in jax's 32-bit mode.

    Args:
        dtype: any dtype, also its name.
        what: who asks, for the error.

    Raises:
        ValueError: floats of 64 bits in jax's 32-bit mode.

    Example:
        >>> supported("int64").name, supported("uint8").name
        ('int32', 'uint8')
    """
    if jnp.issubdtype(dtype, jax.dtypes.extended):
        return cast("np.dtype[Any]", dtype)  # random keys
    wanted = jnp.dtype(dtype)
    kept = jax.dtypes.canonicalize_dtype(wanted)
    if kept != wanted and wanted.kind not in "iu":
        raise ValueError(f"{what} should be {wanted.name}, but {_ADVICE}")
    return np.dtype(kept)


def array(value: Any, dtype: DTypeLike | None = None, what: str = "The value") -> jax.Array:
    """`jnp.asarray`, where integers must fit into the bits that there are.

    Args:
        value: array, number or nested list.
        dtype: of the result; default: the value's own.
        what: what the value is, for the error.

    Raises:
        ValueError: an integer too large for 32 bits in jax's 32-bit mode, or `dtype` asks for 64-bit floats.

    Example:
        >>> array([1, 2], "int64").tolist()
        [1, 2]
    """
    kept = None if dtype is None else supported(dtype, what)
    if isinstance(value, (AnyList, AnyTuple)) and any(
        isinstance(x, jax.Array) for x in jax.tree.leaves(value)
    ):
        value = jnp.asarray(value)  # a list of tensors, which may belong to a trace
    if isinstance(value, jax.Array):
        if dtype is not None and not isinstance(value, Tracer):
            check_range(value, dtype, what)
        return jnp.asarray(value, kept)
    host: np.ndarray[Any, Any] = np.asarray(value)
    check_range(host, host.dtype if dtype is None else dtype, what)
    return jax.device_put(np.array(host, kept))  # jnp.asarray compiles once per shape; a copy: it may alias


def check_range(value: Any, dtype: DTypeLike, what: str) -> None:
    """Refuse numbers that the integers which stand for `dtype` cannot hold.

    Raises:
        ValueError: names `what`, and the number.
    """
    if jnp.issubdtype(dtype, jax.dtypes.extended):
        return
    wanted = jnp.dtype(dtype)
    if wanted.kind not in "iu" or wanted.itemsize < 4 or value.size == 0:
        return
    kept = supported(wanted)
    if value.dtype.kind not in "iuf" or np.can_cast(value.dtype, kept):
        return
    value = np.asarray(value)  # what jax would compile for each shape
    low, high, room = value.min().item(), value.max().item(), np.iinfo(kept)
    if low < room.min or high > room.max:
        bad = low if low < room.min else high
        advice = "make the numbers smaller" if has_wide() else _ADVICE
        raise ValueError(f"{what} holds {bad:.15g}, which does not fit into {kept.name}: {advice}")


def operand(value: Any, floating: bool, what: str) -> Any:
    """A constant beside a tensor: an integer that is too wide becomes a float where the tensor is one.

    Raises:
        ValueError: the tensor holds integers.

    Example:
        >>> operand(-(2**32) + 1, True, "add")
        -4294967295.0
    """
    if not _may_be_wide(value):
        return value
    if floating and isinstance(value, int):
        return value if abs(value) < 2**31 or has_wide() else float(value)
    check_range(np.asarray(value), np.asarray(value).dtype, what)
    return value


def _may_be_wide(value: object) -> bool:
    return isinstance(value, (np.ndarray, np.generic, int)) and not isinstance(value, bool)
