"""When the memory of a device is used up: an error that says so, and what to do."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Generator
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core.processes import whole
from jkeras.core.types import Array
from jkeras.training.types import Device, Numpy

T = TypeVar("T")

_SIGNS = ("RESOURCE_EXHAUSTED", "Out of memory", "out of memory")
_BYTES = re.compile(r"allocat\w+ (\d+) bytes|allocat\w+ ([\d.]+ ?[KMGT]i?B)", re.IGNORECASE)


class OutOfMemoryError(MemoryError, RuntimeError):
    """A device has not enough memory for a step or for the data. It is a RuntimeError, as jax's own is."""


@contextlib.contextmanager
def explained(rows: int | None = None, device: Device | None = None) -> Generator[None]:
    """Turn jax's error about memory into one with advice.

    Args:
        rows: how many samples the step was for, where that is known.
        device: the device.

    Raises:
        OutOfMemoryError: jax has run out of memory within.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if not any(sign in str(error) for sign in _SIGNS):
            raise
        raise OutOfMemoryError(advice(str(error), rows, device)) from error


def advice(text: str, rows: int | None = None, device: Device | None = None) -> str:
    """The text of the error for the user.

    Args:
        text: jax's message.
        rows, device: as in `explained`.

    Example:
        >>> print(advice("RESOURCE_EXHAUSTED: Out of memory allocating 3221225472 bytes.", 512))
        Out of memory with a batch size of 512: 3,221,225,472 bytes (3.0 GiB) could not be allocated. ...
    """
    size = _BYTES.search(text)
    amount = "memory"
    if size and size[1]:
        amount = f"{int(size[1]):,} bytes ({int(size[1]) / 2**30:.1f} GiB)"
    elif size:
        amount = size[2]
    batch = "" if rows is None else f" with a batch size of {rows}"
    place = "" if device is None else f" on {device}"
    return (
        f"Out of memory{batch}: {amount} could not be allocated{place}. Use a smaller `batch_size`, smaller "
        "layers, or more devices, which share each batch; other processes on the same device, and "
        "XLA_PYTHON_CLIENT_MEM_FRACTION, limit what there is. Where a training step failed, the model has "
        "the weights of the last step that was finished."
    )


def copies(arrays: list[Array]) -> list[Array | Numpy]:
    """Copies that no device memory is used for."""
    return [
        jnp.array(a, copy=True) if jnp.issubdtype(a.dtype, jax.dtypes.extended) else np.array(whole(a))
        for a in arrays
    ]


def run_or_put_back(run: Callable[[], T], kept: list[Array], put_back: Callable[[list[Array]], object]) -> T:
    """`run()` with all of its results computed; if that fails, `put_back` gets the copies of before.

    A program that has run once will find the memory it needs again, but its first run may fail when it has
    already been given the memory of what it replaces.

    Args:
        run: the dispatch.
        kept: arrays that it uses up.
        put_back: takes their copies.
    """
    before = copies(kept)
    try:
        result = run()
        jax.block_until_ready(result)
    except Exception:
        put_back([jnp.asarray(a) for a in before])
        raise
    return result
