"""Members on their way: the programs that train and test a group of them for an epoch, and what follows."""

# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false
from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jkeras.callbacks import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau
from jkeras.core.logs import MetricLogs
from jkeras.core.types import Array, Batch, Ctx, Tree
from jkeras.engine.tensors.variable import Variable
from jkeras.models.hyper import Hyperparameters
from jkeras.training.batching import Cut
from jkeras.training.data.samples import Samples, stack
from jkeras.training.data.stream import permutation
from jkeras.training.run.pure_step import StepCarry, TrainingStep
from jkeras.training.run.report import Cost
from jkeras.training.types import Numpy

Own: TypeAlias = EarlyStopping | ReduceLROnPlateau | LearningRateScheduler  # what each member has of its own
Rows: TypeAlias = dict[str, float]  # logs of an epoch


class Start(NamedTuple):
    """A member before its first epoch.

    Args:
        seed: of its `fit`.
        carry: of its steps.
        hyper: the values of its hyperparameters.
        train, held: its rows to train on and to validate on.
    """

    seed: int
    carry: StepCarry
    hyper: dict[str, float]
    train: Numpy
    held: Numpy


class Fleet:
    """The programs for members with as many rows each.

    Args:
        step: of the model.
        hyper: the hyperparameters.
        data: the rows to train on, on the device.
        held: those to validate on, with the arrays of `data` where each member has its own of them; None:
            none.
        rows, held_rows: how many of them are a member's.
        size: of a batch.
        shuffle: whether each member draws an order for each epoch.
    """

    def __init__(
        self,
        step: TrainingStep,
        hyper: Hyperparameters,
        data: Batch,
        held: Batch | None,
        rows: int,
        held_rows: int,
        size: int,
        shuffle: bool,
    ):
        self.step, self.hyper, self.data, self.held = step, hyper, data, held
        self.rows, self.shuffle = rows, shuffle
        self.cut, self.held_cut = Cut(rows, size), Cut(held_rows, size)
        self._train = jax.jit(jax.vmap(self._epoch, in_axes=(0, 0, 0, 0, 0, None, None)), donate_argnums=0)
        self._compiled: dict[int, Any] = {}  # by the number of members
        self._is_parted = held is not None and held.x is data.x  # each member validates on rows of its own
        in_axes = (0, 0 if self._is_parted else None, 0, None)
        self._tests = jax.jit(jax.vmap(self._test, in_axes=in_axes))
        self.finish = jax.jit(jax.vmap(step.finish))

    def train(self, carry: StepCarry, *given: Any) -> tuple[StepCarry, Tree]:
        """An epoch of some members."""
        count = len(given[0])
        data = Spread(count).whole(self.data)
        if count not in self._compiled:
            self._compiled[count] = self._train.lower(carry, *given, data).compile()
        return self._compiled[count](carry, *given, data)

    def test(self, carry: StepCarry, order: Array, hyper: dict[str, Array]) -> Tree:
        """The logs of the rows to validate on."""
        return self._tests(carry, order if self._is_parted else order[0], hyper, self.held)

    def room(self, count: int) -> int:
        """How many of `count` members are trained at once: as many as half of the memory has room for, by
        what the program takes as XLA counts it, activations and all."""
        carry = jax.eval_shape(self.step.init)
        size = sum(a.size * a.dtype.itemsize for a in jax.tree.leaves(carry))
        most = max(1, min(count, _memory() // 2 // max(1, 4 * size)))  # weights, slots, gradients, copies
        while most > 1 and (taken := self._taken(most, carry)) > _memory() // 2:
            most = max(1, min(most - 1, most * _memory() // 2 // taken))
        return -(-count // -(-count // most))  # groups of one size, if it can be

    def _taken(self, count: int, carry: StepCarry) -> int:
        """The bytes that the program of so many members takes."""
        place, number = Spread(count), jax.ShapeDtypeStruct((), jnp.int32)
        order = jax.ShapeDtypeStruct((self.rows,), jnp.int32)
        hyper = {name: jax.ShapeDtypeStruct((), jnp.float32) for name in self.hyper.names}
        given = place.specs((carry, jax.ShapeDtypeStruct((), bool), number, order, hyper))
        program = self._train.lower(*given, number, place.whole(self.data)).compile()
        self._compiled[count] = program
        return Cost.of(program).peak * place.sharing

    def order(self, seed: int, epoch: int, rows: Numpy) -> Numpy:
        return rows[permutation(seed, epoch, self.rows)] if self.shuffle else rows

    def _epoch(
        self,
        carry: StepCarry,
        active: Array,
        seed: Array,
        order: Array,
        hyper: dict[str, Array],
        epoch: Array,
        data: Batch,
    ) -> tuple[StepCarry, Tree]:
        """An epoch of one member; one that has stopped stays as it is."""
        with self.hyper.set(hyper):
            step = self.step.renewed()

            def turn(carry: StepCarry, number: Array, size: int) -> tuple[StepCarry, Tree]:
                rows = jax.lax.dynamic_slice(order, [number * self.cut.size], [size])
                return step.apply(carry, _rows(data, rows), step.context(seed, epoch, number))

            new, logs = _through(turn, self._renewed(carry), self.cut)
        return jax.tree.map(lambda old, new: jnp.where(active, new, old), carry, new), logs

    def _test(self, carry: StepCarry, order: Array, hyper: dict[str, Array], data: Batch) -> Tree:
        def turn(carry: StepCarry, number: Array, size: int) -> tuple[StepCarry, Tree]:
            rows = jax.lax.dynamic_slice(order, [number * self.held_cut.size], [size])
            outcome = self.step.loss(carry.params, carry.state, _rows(data, rows), Ctx())[1]
            return carry._replace(state=outcome.state) if self.step.objective.running else carry, outcome.logs

        with self.hyper.set(hyper):
            return _through(turn, self._renewed(carry), self.held_cut)[1]

    def _renewed(self, carry: StepCarry) -> StepCarry:
        """The carry in which metrics with a state begin anew."""
        return self.step.reset(carry) if self.step.objective.running else carry


def on_device(samples: Samples, step: TrainingStep) -> Batch:
    """All rows as arrays of the device."""
    return jax.tree.map(jnp.asarray, stack([samples], step.trainer.dtypes(), samples.rows))


def _memory() -> int:
    """Bytes of a device, or of the machine."""
    stats: dict[str, int] = jax.local_devices()[0].memory_stats() or {}
    return stats.get("bytes_limit") or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _rows(data: Batch, rows: Array) -> tuple[Any, Any, Any]:
    x, y, weight = data
    return [a[rows] for a in x], [a[rows] for a in y], [None if a is None else a[rows] for a in weight]


def _through(turn: Callable[..., Any], carry: StepCarry, cut: Cut) -> tuple[StepCarry, Tree]:
    """The steps of an epoch: the whole batches in a loop, then the rest; logs one below the other."""
    logs: list[Tree] = []
    if cut.full:
        carry, many = jax.lax.scan(lambda c, i: turn(c, i, cut.size), carry, jnp.arange(cut.full))
        logs.append(many)
    if cut.rest:
        carry, one = turn(carry, jnp.int32(cut.full), cut.rest)
        logs.append(jax.tree.map(lambda a: a[None], one))
    return carry, jax.tree.map(lambda *parts: jnp.concatenate(parts), *logs)


class _Seen:
    """The model as the callbacks of one member see it: they say stop, ask for the best weights back, and set
    the rate."""

    stop_training = False

    def __init__(self, rate: float | None):
        self.wants_best = False
        self.optimizer = SimpleNamespace() if rate is None else SimpleNamespace(lr=Variable(np.float32(rate)))

    def get_weights(self) -> list[Any]:
        return []

    def set_weights(self, weights: list[Any]) -> None:
        self.wants_best = True


class Run:
    """A group of members.

    Args:
        fleet: the programs.
        starts: of the members.
        callbacks: each has its own copies.
    """

    def __init__(self, fleet: Fleet, starts: Sequence[Start], callbacks: Sequence[Own]):
        self.fleet, self.starts, self.count = fleet, starts, len(starts)
        self._put = Spread(self.count).put
        self._on_host: dict[bool, Tree] = {}
        self.carry: Any = self._put(_columns([start.carry for start in starts]))
        hyper = {
            name: np.asarray([start.hyper[name] for start in starts], np.float32)
            for name in fleet.hyper.names
        }
        self._hyper, self._held = self._put((hyper, np.stack([start.held for start in starts])))
        self.best: Any = jax.tree.map(jnp.copy, self.carry[:2]) if callbacks else None
        self.histories = [MetricLogs() for _ in starts]
        self._rates = self._given_rates() if callbacks else None
        rates = [None] * self.count if self._rates is None else self._rates
        self.models = [_Seen(rate) for rate in rates]
        self.callbacks = [[copy.deepcopy(callback) for callback in callbacks] for _ in starts]
        for model, mine in zip(self.models, self.callbacks, strict=True):
            for callback in mine:
                callback.set_model(model)
                callback.on_train_begin()

    def epochs(self, epochs: int, tell: Callable[[int, list[Rows]], object] | None) -> None:
        """Train for a number of epochs, or until all have stopped."""
        fleet = self.fleet
        for epoch in range(epochs):
            active = np.array([not model.stop_training for model in self.models])
            if not active.any():
                break
            self._begin(epoch, active)
            orders = np.stack([fleet.order(start.seed, epoch, start.train) for start in self.starts])
            seeds = np.asarray([start.seed for start in self.starts], np.int32)
            given = self._put((active, seeds, orders))
            logs: Any
            self.carry, logs = fleet.train(self.carry, *given, self._hyper, np.int32(epoch))
            columns = self._means(logs, fleet.cut)
            if fleet.held is not None:
                tested = fleet.test(self.carry, self._held, self._hyper)
                held = self._means(tested, fleet.held_cut)
                columns = {f"val_{name}": values for name, values in held.items()} | columns
            rows = [{name: float(values[i]) for name, values in columns.items()} for i in range(self.count)]
            self._told(epoch, active, rows)
            if tell is not None:
                tell(epoch, rows)

    def _means(self, logs: Mapping[str, Array], cut: Cut) -> dict[str, Numpy]:
        """The values of an epoch: averages by the sizes of the batches, in float64."""
        sizes = np.array(cut.sizes(0, cut.steps))
        objective, means = self.fleet.step.objective, dict[str, Numpy]()
        for name in objective.names:
            values = np.asarray(logs[name], np.float64)
            means[name] = values[:, -1] if name in objective.running else values @ sizes / sizes.sum()
        return means

    def _begin(self, epoch: int, active: Numpy) -> None:
        for i in np.flatnonzero(active):
            for callback in self.callbacks[i]:
                callback.on_epoch_begin(epoch, MetricLogs())
        self._take_rates()

    def _told(self, epoch: int, active: Numpy, rows: list[Rows]) -> None:
        improved = np.zeros(self.count, bool)
        for i in np.flatnonzero(active):
            logs = MetricLogs(rows[i])
            for callback in self.callbacks[i]:
                callback.on_epoch_end(epoch, logs)
                if isinstance(callback, EarlyStopping):
                    improved[i] |= callback.restore_best_weights and callback.wait == 0
            for name, value in logs.items():
                self.histories[i].setdefault(name, []).append(value)
        self._take_rates()
        if improved.any():
            self.best = jax.tree.map(lambda new, old: _chosen(improved, new, old), self.carry[:2], self.best)

    def _given_rates(self) -> list[float] | None:
        """The rate of each member, if there is one."""
        rates = self.fleet.hyper.rate_of(self.carry.opt)
        return None if rates is None else np.asarray(rates).tolist()

    def _take_rates(self) -> None:
        """Let the members have the rates that callbacks have set."""
        if self._rates is None:
            return
        rates = [float(model.optimizer.lr.numpy()) for model in self.models]
        if rates != self._rates:
            self._rates = rates
            opt = self.fleet.hyper.with_rate(self.carry.opt, self._put(np.asarray(rates, np.float32)))
            self.carry = self.carry._replace(opt=opt)

    def result(self, number: int) -> tuple[MetricLogs, Tree, Tree]:
        """The history of a member, and its params and state."""
        values = self._host(self.models[number].wants_best)
        params, state = jax.tree.map(lambda a: a[number].copy(), values)
        return self.histories[number], params, state

    def _host(self, best: bool) -> Any:
        """The last or the best weights of all members, on the host: taken there once."""
        if best not in self._on_host:
            values = self.best if best else self.fleet.finish(self.carry)[:2]
            self._on_host[best] = jax.tree.map(np.asarray, values)
        return self._on_host[best]


def _columns(carries: Sequence[StepCarry]) -> StepCarry:
    """The carries of members as one; on the host, where nothing is compiled for each shape."""

    def stacked(*leaves: Array) -> Any:
        if jnp.issubdtype(leaves[0].dtype, jax.dtypes.extended):
            return jnp.stack(leaves)
        return np.stack([np.asarray(leaf) for leaf in leaves])

    return jax.tree.map(stacked, *carries)


def _chosen(which: Numpy, new: Array, old: Array) -> Array:
    return jnp.where(which.reshape(-1, *(1,) * (new.ndim - 1)), new, old)


class Spread:
    """The devices of a group: members are shared among those whose number divides theirs.

    Args:
        count: of members.
    """

    def __init__(self, count: int):
        devices: list[Any] = jax.local_devices()
        most = max(n for n in range(1, len(devices) + 1) if count % n == 0)
        self.count = count
        self._mesh = Mesh(np.array(devices[:most]), "members") if most > 1 else None
        self.sharing = most if devices[0].platform == "cpu" else 1  # of them have their memory in common

    def put(self, tree: Tree) -> Any:
        """Arrays with a row for each member on their devices."""
        return jax.device_put(tree, self._sharding("members"))

    def whole(self, tree: Tree) -> Any:
        """Arrays on every device."""
        return tree if self._mesh is None else jax.device_put(tree, self._sharding())

    def specs(self, tree: Tree) -> Any:
        """The shapes for all members of what one has."""

        def spec(a: Any) -> Any:
            shape = (self.count, *a.shape)
            return jax.ShapeDtypeStruct(shape, a.dtype, sharding=self._sharding("members"))

        return jax.tree.map(spec, tree)

    def _sharding(self, *axes: str) -> Any:
        return None if self._mesh is None else NamedSharding(self._mesh, PartitionSpec(*axes))
