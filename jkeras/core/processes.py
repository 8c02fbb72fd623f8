"""Several processes that train one model: which of them this is, and what they tell one another.

They are those of `jax.distributed.initialize()`; without it there is one.
"""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import contextlib
import functools
import os
import sys
import traceback
from collections.abc import Callable, Generator, Sequence
from types import TracebackType
from typing import Any, cast

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

_SIGNS = ("gloo", "connection closed", "connection reset", "heartbeat", "coordination", "unavailable", "peer")
_INTERRUPTED = 130  # what a shell gives for Ctrl-C


def count() -> int:
    """How many processes there are."""
    return jax.process_count()


def number() -> int:
    """The number of this process, from 0."""
    return jax.process_index()


def is_first() -> bool:
    """Whether this process writes files and words for all.

    Example:
        >>> is_first()
        True
    """
    return number() == 0


def told(values: Sequence[float]) -> np.ndarray[Any, Any]:
    """The word of each process: numbers, of which all give equally many at the same point of the program.

    Args:
        values: of this process.

    Returns:
        float64, one row a process.

    Example:
        >>> told([1, 2]).tolist()
        [[1.0, 2.0]]
    """
    mine = np.array([values], np.float64)
    if count() == 1:
        return mine
    sharding, exchange = _exchange()
    words = mine.view(np.uint32)  # a program of jax would round to float32
    everyone = jax.make_array_from_process_local_data(sharding, words, (count(), words.shape[1]))
    return np.asarray(exchange(everyone)).view(np.float64)


def meet() -> None:
    """Wait until all processes are here.

    Example:
        >>> meet()
    """
    told([0])


@functools.cache
def _exchange() -> tuple[NamedSharding, Callable[[Any], Any]]:
    firsts: dict[int, Any] = {}
    for device in cast("list[Any]", jax.devices()):
        firsts.setdefault(device.process_index, device)
    mesh = Mesh(np.array([firsts[i] for i in range(count())]), ("process",))
    replicated = NamedSharding(mesh, PartitionSpec())
    return NamedSharding(mesh, PartitionSpec("process")), jax.jit(_same, out_shardings=replicated)


def _same(x: Any) -> Any:
    return x


def whole(array: Any) -> np.ndarray[Any, Any]:
    """An array as one of numpy. Where processes hold parts of it, all of them must ask.

    Example:
        >>> whole(jax.numpy.ones(2)).tolist()
        [1.0, 1.0]
    """
    if not is_parted(array):
        return np.asarray(array)
    return np.asarray(cast("Any", multihost_utils.process_allgather)(array, tiled=True))


def wholes(arrays: list[Any]) -> list[np.ndarray[Any, Any]]:
    """Arrays as `whole` makes one; those of a device are on their way together.

    Example:
        >>> [a.tolist() for a in wholes([jax.numpy.ones(2), np.zeros(1)])]
        [[1.0, 1.0], [0.0]]
    """
    for array in arrays:
        if isinstance(array, jax.Array) and not is_parted(array):
            array.copy_to_host_async()
    return [whole(array) for array in arrays]


def is_parted(array: Any) -> bool:
    """Whether other processes hold parts of an array.

    Example:
        >>> is_parted(np.ones(2))
        False
    """
    return isinstance(array, jax.Array) and not (array.is_fully_addressable or array.is_fully_replicated)


def say(text: str) -> None:
    """Print words, once for all processes.

    Example:
        >>> say("done")
        done
    """
    if is_first():
        print(text)


def gathered(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The arrays of all processes, which are equally large, as one with an axis more.

    Example:
        >>> gathered(np.ones(2)).shape
        (1, 2)
    """
    if count() == 1:
        return array[None]
    return np.asarray(cast("Any", multihost_utils.process_allgather)(array))


def of_first(tree: Any) -> Any:
    """The arrays of the first process, in the place of those that the others have.

    Example:
        >>> of_first([np.ones(2)])[0].tolist()
        [1.0, 1.0]
    """
    if count() == 1:
        return tree

    def data(a: Any) -> Any:
        return cast("Any", jax.random.key_data(a)) if _is_key(a) else whole(a)

    def back(a: Any, old: Any) -> Any:
        here = np.asarray(a)
        if not _is_key(old):
            return cast("Any", here)
        return cast("Any", jax.random.wrap_key_data(jax.device_put(here), impl=jax.random.key_impl(old)))

    every: Any = multihost_utils.broadcast_one_to_all(jax.tree.map(data, tree))
    return jax.tree.map(back, every, tree)


def _is_key(array: Any) -> bool:
    return jax.numpy.issubdtype(array.dtype, jax.dtypes.prng_key)


def put(array: Any, sharding: Any) -> Any:
    """An array that every process has, on the devices of all of them."""
    if isinstance(array, jax.Array):
        if array.sharding == sharding:
            return array
        if _is_key(array):
            data = put(jax.random.key_data(array), sharding)
            return cast("jax.Array", jax.random.wrap_key_data(data, impl=jax.random.key_impl(array)))
    here = whole(array)

    def part(index: Any) -> Any:
        return here[index]

    return jax.make_array_from_callback(here.shape, sharding, part)


@contextlib.contextmanager
def together() -> Generator[None]:
    """A context of work that all processes do: who loses another one says so, and an error that nobody
    catches ends all of them.

    Raises:
        RuntimeError: another process has ended.
    """
    if count() == 1:
        yield
        return
    if sys.excepthook is not _end:
        _hooks.append(sys.excepthook)
        sys.excepthook = _end
    try:
        yield
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        text = str(error).lower()
        if not any(sign in text for sign in _SIGNS):
            raise
        raise RuntimeError(
            f"Process {number()} of {count()} has lost another process of this run: it has ended, or cannot "
            "be reached. What it wrote says why. Start all of them again; a run with checkpoints goes on "
            f"from the last one. (jax: {str(error)[:200]})"
        ) from error


_hooks: list[Any] = []


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say what went wrong and leave at once: jax would wait at the exit, for minutes, for the others, who
    wait for this process. When it is gone they hear of it."""
    try:
        _hooks[-1](kind, error, trace)
    except Exception:
        traceback.print_exception(kind, error, trace)
    leave(_INTERRUPTED if issubclass(kind, KeyboardInterrupt) else 1)


def leave(code: int) -> None:
    """End this process at once, and so the others; alone, it ends as any does."""
    if count() == 1 or code == 0:
        return
    print(f"Process {number()} of {count()} ends with code {code}, and the others with it.", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
