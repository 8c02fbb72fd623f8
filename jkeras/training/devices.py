"""Devices: how a dispatch is spread over them. The only file that says pmap.

Three layouts give the same results:

* one device: `jit`;
* "map": `pmap` over the axis "data", for models and losses that treat every sample apart. Values go in and
  come out replicated and unstacked; each device takes its rows of a batch, sums are made with `psum`;
* "mesh": `jit` with the batch sharded over a `Mesh`, for models with user code or state per row (such code
  always sees the whole batch), for weights that are spread too, and for several processes.

A batch that does not divide by the number of devices is filled up with rows that count for nothing; where
user code would see them, it is computed whole on each device instead.
"""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
import math
import os
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec, Sharding, SingleDeviceSharding

from jkeras.core import processes
from jkeras.core.types import AnyTuple, Array, Batch, Function, Tree
from jkeras.training.types import Device, Numpy

AXIS = "data"

# Rule of the user: the path of a weight and its shape → its `PartitionSpec`, or None: whole on every device.
Shard: TypeAlias = Callable[[str, tuple[int, ...]], PartitionSpec | None]

# Devices, their ids, a number of devices, or None for all of the default backend.
Devices: TypeAlias = int | Device | Sequence[int | Device] | None


class Brought(NamedTuple):
    """Rows that lie where they are computed, in the place of an order; `present` as in `Ctx`."""

    present: Array | None = None


Order: TypeAlias = "Array | Numpy | Brought | None"  # of rows; None: as they lie


class Layout:
    """The devices that share a batch, and how they do.

    Args:
        devices: what the user chose: devices, their ids, a number of devices, or None for all of the default
            backend.
        rowwise: whether model and objective treat every sample apart.
        mesh: the devices in the user's own order of axes: batches are spread over "data" and the axes before
            it, without such an axis over the first one.
        shard: rule of the user, `(path, shape) -> PartitionSpec or None` for each weight.

    Raises:
        ValueError: no device, or one that does not exist, or none of this process.
    """

    def __init__(
        self,
        devices: Devices = None,
        rowwise: bool = True,
        mesh: Mesh | None = None,
        shard: Shard | None = None,
    ):
        self.mesh, self.devices = _mesh(devices, mesh, shard)
        self.shard = shard
        self.processes = len({device.process_index for device in self.devices})
        _check_processes(self.devices)
        one = len(self.devices) == 1
        self.kind = "mesh" if mesh is not None or self.processes > 1 else "one" if one else "map"
        if self.kind == "map" and not rowwise:
            self.kind = "mesh"
        self.fills = rowwise
        on_cpu = self.devices[0].platform == "cpu"
        self.copies = not on_cpu  # whether what is put there is a copy; a CPU may take over an array's memory
        # Whether a convolution may stand in a loop (XLA's CPU backend makes it 20 times slower there).
        self.loops_convolutions = not on_cpu
        names = self.mesh.axis_names
        axes = names[: names.index(AXIS) + 1] if AXIS in names else names[:1]
        self.parts: int = math.prod(self.mesh.shape[axis] for axis in axes)
        self.replicated: Sharding = NamedSharding(self.mesh, PartitionSpec())
        self.by_row = NamedSharding(self.mesh, PartitionSpec(axes))
        self.index: Array | None = None  # each device's number, given to a mapped program
        if self.kind == "one":
            self.replicated = SingleDeviceSharding(self.devices[0])
        elif self.kind == "map":
            self.index = jax.device_put(np.arange(self.parts, dtype=np.int32), self.by_row)

    def sharding(self, path: str, shape: tuple[int, ...]) -> Sharding:
        """The places of a weight.

        Args:
            path: as in "dense_1/kernel".
            shape: of the weight.

        Raises:
            ValueError: the rule of the user names an axis that there is not, or one that does not divide.
            TypeError: it returned no `PartitionSpec`.
        """
        spec: Any = None if self.shard is None else self.shard(path, shape)
        if spec is None:
            return self.replicated
        if not isinstance(spec, PartitionSpec):
            raise TypeError(
                f"shard({path!r}, {shape}) should return a jax.sharding.PartitionSpec, or None for a weight "
                f"that is whole on every device; it returned {spec!r}."
            )
        _check_spec(self.mesh, spec, path, shape)
        return NamedSharding(self.mesh, spec)

    @property
    def _own(self) -> Device:
        """A device of this process."""
        return next(d for d in self.devices if d.process_index == processes.number())

    @property
    def axis(self) -> str | None:
        """The mapped axis that batches are spread over."""
        return AXIS if self.kind == "map" else None

    def batch(
        self,
        data: Batch,
        order: Order,
        first: Array | int,
        size: int,
        index: Array | None,
        rows: Array | None = None,
    ) -> tuple[Batch, Array | None]:
        """The rows of a batch that a program computes.

        Args:
            data: arrays on the devices.
            order: the order of their rows; None: as they lie.
            first: place of the batch's first row.
            size: its rows.
            index: the number of the device under a mapped axis, else None.
            rows: how many there are in all; given where a batch at their end may have less than `size`,
                and is filled up.

        Returns:
            `(batch, present)`: `present` as in `Ctx`.
        """
        if isinstance(order, Brought):
            return data, order.present
        parts = self.parts
        part = -(-size // parts)
        fills = self.fills and (rows is not None or size % parts != 0)
        if not fills and (self.kind == "one" or (self.kind == "mesh" and size % parts)):
            return gather(data, order, first, size), None
        start, count = (0, part * parts) if index is None else (index * part, part)
        if not fills:
            batch, present = gather(data, order, first + start, count), None
        else:
            there = size if rows is None else jnp.minimum(size, rows - first)
            batch, present = gather_filled(data, order, first, there, start, count)
        if self.kind == "mesh":
            batch, present = lax.with_sharding_constraint((batch, present), self.by_row)
        return batch, present

    def spread(
        self, fn: Function, arguments: int, by_row: bool = False, carried: list[Sharding] | None = None
    ) -> Function:
        """Compile `fn(index, carry, *rest)`, which gives `(carry, result)`; the memory of the carry is
        reused.

        Args:
            fn: `index` is the number of the device under a mapped axis, else None.
            arguments: how many arguments it has.
            by_row: whether the result has one row per sample, so that it may stay spread.
            carried: the places of the carry's arrays, where they are not whole on every device.

        Returns:
            A function `(carry, *rest)`.
        """
        if self.kind == "map":
            mapped = jax.pmap(
                _weakly(fn),
                AXIS,
                in_axes=(0,) + (None,) * (arguments - 1),
                out_axes=(None, 0 if by_row else None),
                devices=self.devices,
                donate_argnums=(1,),
            )
            run = functools.partial(mapped, self.index)
            vars(run)["holds"] = fn
            return run
        out: Any = None
        if self.kind == "mesh":
            stays = by_row and self.processes == 1
            out = (carried or self.replicated, None if stays else self.replicated)
        return jax.jit(functools.partial(fn, None), donate_argnums=(0,), out_shardings=out)

    def joined(self, outputs: list[Array]) -> list[Array] | list[Numpy]:
        """Outputs by row with one batch axis, as numpy arrays where devices computed parts of it."""
        if self.kind != "map":
            return outputs
        return [_on_host(y).reshape(y.shape[0] * y.shape[1], *y.shape[2:]) for y in outputs]

    def place(self, tree: Tree, shardings: Any = None) -> Tree:
        """Put arrays on the devices of the layout: whole on each of them, or as `shardings` say."""
        where = self.replicated if shardings is None else shardings
        if self.processes == 1:
            return jax.device_put(tree, where)
        if shardings is None:
            return jax.tree.map(functools.partial(processes.put, sharding=self.replicated), tree)
        return jax.tree.map(processes.put, tree, where)

    def brought(self, tree: Tree) -> Tree:
        """Rows that each process has, equally many, as those of arrays that are spread over all devices."""

        def joined(a: Numpy) -> Array:
            return jax.make_array_from_process_local_data(self.by_row, a)

        return jax.tree.map(joined, tree)

    def gathered(self, tree: Tree, sizes: list[int]) -> Tree:
        """The first `sizes[i]` rows of process `i`, one under the other, on every device."""

        def joined(a: Numpy) -> Array:
            every = np.asarray(processes.gathered(a))
            return self.place(np.concatenate([rows[:n] for rows, n in zip(every, sizes, strict=True)]))

        return jax.tree.map(joined, tree)

    @property
    def budget(self) -> int:
        """Bytes of data that may stay on each device: a quarter of its memory."""
        stats: Any = self._own.memory_stats() if self.copies else None
        if stats and "bytes_limit" in stats:
            return stats["bytes_limit"] // 4
        try:
            here = sum(d.process_index == processes.number() for d in self.devices)
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4 // here
        except (ValueError, OSError, AttributeError):
            return 1 << 30


def _mesh(devices: Devices, mesh: Any, shard: Shard | None) -> tuple[Mesh, list[Device]]:
    """The mesh of a layout, and its devices."""
    if mesh is None:
        if shard is not None:
            raise ValueError("`shard` says how weights are spread over a mesh: pass compile(mesh=...) too.")
        chosen = choose(devices)
        return Mesh(np.array(chosen), (AXIS,)), chosen
    if not isinstance(mesh, Mesh):
        raise TypeError(f"`mesh` should be a jax.sharding.Mesh; got {mesh!r}.")
    if devices is not None:
        raise ValueError("`devices` and `mesh` both say which devices there are: pass one of them.")
    # Axes whose sharding is a part of types would bind layers too; the compiler places what they compute.
    return Mesh(mesh.devices, mesh.axis_names), list(mesh.devices.flat)


def _check_processes(devices: list[Device]) -> None:
    missing = set(range(processes.count())) - {device.process_index for device in devices}
    if missing:
        raise ValueError(
            f"There are {processes.count()} processes, but none of the devices {devices} is one of process "
            f"{min(missing)}: each process needs one. Leave `devices` out to take all."
        )


def _check_spec(mesh: Mesh, spec: PartitionSpec, path: str, shape: tuple[int, ...]) -> None:
    said = f"shard({path!r}, {shape}) returned {spec}"
    if len(spec) > len(shape):
        raise ValueError(f"{said}, which has {len(spec)} entries for an array of {len(shape)} axes.")
    used: list[str] = []
    for i, entry in enumerate(spec):
        names: list[str] = list(entry) if isinstance(entry, AnyTuple) else [] if entry is None else [entry]
        for name in names:
            if name not in mesh.axis_names:
                raise ValueError(f"{said}, but the mesh has no axis {name!r}, only {dict(mesh.shape)}.")
        used += names
        parts = math.prod(mesh.shape[name] for name in names)
        if shape[i] % parts:
            raise ValueError(
                f"{said}, but axis {i} of size {shape[i]} does not divide into {parts} equal parts: let the "
                "rule return None for this weight, or spread another axis of it."
            )
    if len(set(used)) < len(used):
        raise ValueError(f"{said}, which names an axis of the mesh twice.")


def _weakly(fn: Function) -> Function:
    """`fn` for as long as somebody else holds it: jax keeps what it has mapped until the process ends, and
    with `fn` that would be the model."""
    known = weakref.ref(fn)

    def mapped(*args: Any) -> Any:
        held = known()
        assert held is not None
        return held(*args)

    return mapped


def _on_host(y: Array) -> Numpy:
    """As a numpy array; what holds no numbers (a cropped input) jax cannot put together."""
    return np.asarray(y) if y.size else np.zeros(y.shape, y.dtype)


def choose(devices: Devices = None) -> list[Device]:
    """The devices that an argument `devices` stands for.

    Example:
        >>> len(choose(1))
        1
    """
    known = cast("list[Device]", jax.devices())
    if devices is None:
        return list(known)
    if isinstance(devices, int) and not isinstance(devices, bool):
        if not 1 <= devices <= len(known):
            raise ValueError(f"devices={devices}, but there are {len(known)}: {known}.")
        return list(known[:devices])
    given: list[Any] = [devices]
    if isinstance(devices, Sequence) and not isinstance(devices, str):
        given = list(devices)
    by_id = {device.id: device for device in known}
    chosen: list[Device] = []
    for device in given:
        if not isinstance(device, int):
            chosen.append(device)
        elif device in by_id:
            chosen.append(by_id[device])
        else:
            raise ValueError(f"There is no device {device}; known are {sorted(by_id)}.")
    if not chosen or not all(hasattr(d, "platform") for d in chosen) or len(set(chosen)) != len(chosen):
        raise ValueError(
            f"`devices` should be a number, or a list of different devices or ids; got {devices!r}."
        )
    return chosen


class Flight:
    """The dispatches whose results nobody has waited for: at most `limit`.

    On a CPU, un-awaited dispatches that hold a collective can use up XLA's thread pool and lock it.
    """

    def __init__(self, limit: int = 2):
        self.limit = limit
        self._results: deque[Tree] = deque()

    def add(self, result: Tree) -> None:
        """Note a dispatch; waits for an older one if there are too many."""
        self._results.append(result)
        while len(self._results) > self.limit:
            jax.block_until_ready(self._results.popleft())

    def is_over(self) -> bool:
        """Whether all of them are done, so that the devices have nothing to do."""
        leaves: list[Any] = jax.tree.leaves(list(self._results))
        return all(
            a.is_ready()
            for a in leaves
            if hasattr(a, "is_ready")  # not where the user's own step has given numpy arrays
        )

    def wait(self) -> None:
        """Wait for all of them."""
        while self._results:
            jax.block_until_ready(self._results.popleft())


def gather(tree: Tree, order: Array | Numpy | None, first: Array | int, count: int) -> Tree:
    """`count` rows of every array in `tree` from position `first` on, in the order of `order` (None: as they
    lie)."""
    if order is None:
        leaves: list[Array] = jax.tree.leaves(tree)
        if all(len(a) == count for a in leaves):
            return tree

        def slice_of(a: Array) -> Array:
            return lax.dynamic_slice_in_dim(a, first, count)

        return jax.tree.map(slice_of, tree)
    rows = lax.dynamic_slice_in_dim(order, first, count)

    def rows_of(a: Array) -> Array:
        return a.at[rows].get(mode="promise_in_bounds")

    return jax.tree.map(rows_of, tree)


def gather_filled(
    tree: Tree,
    order: Array | Numpy | None,
    first: Array | int,
    size: Array | int,
    start: Array | int,
    count: int,
) -> tuple[Tree, Array]:
    """`count` rows from row `start` on of a batch of `size` rows, and which of them are there.

    The others repeat the last one: numbers that its computation can take, whose gradients are no NaN.
    """
    place = start + jnp.arange(count)
    rows = first + jnp.minimum(place, size - 1)
    if order is not None:
        rows = jnp.asarray(order).at[rows].get(mode="promise_in_bounds")

    def rows_of(a: Array) -> Array:
        return a.at[rows].get(mode="promise_in_bounds")

    return jax.tree.map(rows_of, tree), place < size


def stacked(n: int, width: int) -> Array:
    """Room for the logs of `n` steps."""
    return jnp.zeros((n, width), jnp.float32)
