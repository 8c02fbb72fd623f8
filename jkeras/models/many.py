"""Many models in one program: the same network trained from several seeds and with several
hyperparameters."""

# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false
from __future__ import annotations

import copy
import itertools
import os
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jkeras.callbacks import EarlyStopping
from jkeras.core.logs import MetricLogs
from jkeras.core.random import next_seed, set_random_seed
from jkeras.core.types import Array, Batch, Ctx, Tree
from jkeras.models.clone import clone_model
from jkeras.models.model import Model
from jkeras.training.batching import Cut
from jkeras.training.data import arrays
from jkeras.training.data.samples import Samples, part, stack
from jkeras.training.data.stream import permutation
from jkeras.training.run.pure_step import StepCarry, TrainingStep
from jkeras.training.types import Data, Numpy, Weights


class Member(NamedTuple):
    """One of the models.

    Args:
        seed: of its weights, orders and random numbers.
        hyper: its hyperparameters, by the names given.
        history: `{name: [value of each epoch]}` as its own `fit` would have it.
        params, state: its weights, as `model.put` takes them.
    """

    seed: int
    hyper: dict[str, float]
    history: MetricLogs
    params: Tree
    state: Tree


class Members(list[Member]):
    """The result of `fit_many`: a list of members, for one model."""

    def __init__(self, model: Model, members: Sequence[Member]):
        super().__init__(members)
        self.model = model

    def table(self) -> list[dict[str, Any]]:
        """A row for each member: seed, hyperparameters, epochs, and the last value of every quantity."""
        return [
            {
                "seed": m.seed,
                **m.hyper,
                "epochs": len(m.history["loss"]),
                **{n: v[-1] for n, v in m.history.items()},
            }
            for m in self
        ]

    def best(self, metric: str = "val_loss", mode: str = "min") -> int:
        """The number of the member whose best epoch in `metric` is the best of all.

        Args:
            metric: a name in the histories.
            mode: "min" or "max": which is better.

        Raises:
            ValueError: no member has such a quantity, or it is NaN everywhere.
        """
        if mode not in ("min", "max"):
            raise ValueError(f"`mode` should be 'min' or 'max'; got {mode!r}.")
        if not self or metric not in self[0].history:
            raise ValueError(
                f"There is no {metric!r} in the histories: {list(self[0].history) if self else []}."
            )
        sign = 1 if mode == "min" else -1
        values = [min((sign * v for v in m.history[metric] if v == v), default=np.inf) for m in self]
        if np.min(values) == np.inf:
            raise ValueError(f"{metric!r} is NaN in every epoch of every member.")
        return int(np.argmin(values))

    def put(self, number: int) -> Model:
        """Give the model the weights of a member; returns the model."""
        self.model.put(self[number].params, self[number].state)
        return self.model

    def predict(self, x: Data, batch_size: int | None = None) -> Any:
        """The predictions of each member, one below the other: `(members, rows, ...)`; `.mean(0)` is the
        ensemble's.

        The model has its own weights again afterwards.
        """
        before = jax.tree.map(jnp.copy, self.model.values())
        try:
            outputs = [self.put(i).predict(x, batch_size=batch_size) for i in range(len(self))]
        finally:
            self.model.put(*before)
        return jax.tree.map(lambda *columns: np.stack(columns), *outputs)


def fit_many(
    model: Model,
    x: Data,
    y: Data = None,
    batch_size: int = 32,
    epochs: int = 1,
    seeds: Sequence[int] = (0,),
    hyper: Mapping[str, Sequence[float]] | None = None,
    validation_data: Any = None,
    validation_split: float = 0.0,
    shuffle: bool = True,
    sample_weight: Weights = None,
    callbacks: Sequence[EarlyStopping] | EarlyStopping = (),
    group: int | None = None,
    on_epoch_end: Callable[[int, list[dict[str, float]]], object] | None = None,
) -> Members:
    """Train a model from every seed with every combination of hyperparameters, in one vmapped program.

    Member `(seed, hyper)` is what these lines make, up to rounding: `set_random_seed(seed)`,
    `clone_model(model)`, `compile` as the model was, with these hyperparameters, and `fit` with the same
    arguments. The model itself stays as it is.

    Args:
        model: a compiled graph of layers.
        x, y, sample_weight: arrays, as in `fit`.
        batch_size, epochs, validation_data, validation_split, shuffle: as in `fit`.
        seeds: a member for each.
        hyper: `{"lr": [1e-3, 1e-2], "momentum": [...]}`: numbers in the state of the optimizer; with an optax
            transformation those that `optax.inject_hyperparams` keeps. What a layer keeps (a rate of dropout)
            is part of the program: call `fit_many` once for each.
        callbacks: `EarlyStopping`, for each member by itself.
        group: how many members are trained at once; None: as many as fit into half of the memory, by the size
            of weights and slots.
        on_epoch_end: called with the epoch and a dict of logs for each member of the group, as a table that
            grows.

    Returns:
        `Members`: a list with `table()`, `best(metric)`, `put(number)` and `predict(x)`.

    Raises:
        ValueError: the model keeps states between batches, a hyperparameter is none of the optimizer's, or a
            callback is no `EarlyStopping`.

    Example:
        >>> import jkeras
        >>> model = jkeras.Sequential([jkeras.Input((3,)), jkeras.layers.Dense(1)])
        >>> model.compile(jkeras.optimizers.SGD(lr=0.1), "mse")
        >>> x, y = np.ones((64, 3)), np.ones((64, 1))
        >>> many = fit_many(model, x, y, seeds=range(2), hyper={"lr": [0.0, 0.1]})
        >>> [(row["seed"], row["lr"]) for row in many.table()], many.best("loss") in (1, 3)
        ([(0, 0.0), (0, 0.1), (1, 0.0), (1, 0.1)], True)
    """
    stops = [callbacks] if isinstance(callbacks, EarlyStopping) else list(callbacks)
    step = _checked(model, stops).step()
    train, held = _data(step, x, y, sample_weight, validation_data, validation_split)
    rows = itertools.product(seeds, *(hyper or {}).values())
    wanted = [(int(seed), dict(zip(hyper or {}, map(float, values), strict=True))) for seed, *values in rows]
    fleet, begin = _Fleet(step, train, held, batch_size, shuffle), jax.jit(step.begin)
    size = group or _room(step)
    members: list[Member] = []
    for first in range(0, len(wanted), size):
        some = wanted[first : first + size]
        run = _Run(fleet, [_start(model, begin, *one) for one in some], stops)
        run.epochs(epochs, on_epoch_end)
        members += [Member(*one, *run.result(i)) for i, one in enumerate(some)]
    return Members(model, members)


def _checked(model: Model, stops: Sequence[Any]) -> Model:
    if model.stateful:
        raise ValueError(f"fit_many cannot train {model.name!r}: it keeps states from batch to batch.")
    for stop in stops:
        if not isinstance(stop, EarlyStopping):
            raise ValueError(
                f"fit_many takes EarlyStopping, for each member by itself; got {stop!r}. Give "
                "`on_epoch_end` a function to see the logs of all members."
            )
    return model


def _data(
    step: TrainingStep, x: Data, y: Data, weight: Weights, validation: Any, split: float
) -> tuple[Samples, Samples | None]:
    """The samples to train on and to validate on, cut off as `fit` does."""

    def read(x: Data, y: Data, weight: Weights = None) -> Samples:
        return arrays.read(x, y, step.trainer.inputs, step.objective.targets, weight)

    samples = read(x, y, weight)
    if validation is not None:
        return samples, read(*validation)
    if not split:
        return samples, None
    at = int(samples.rows * (1.0 - split))
    if not 0 < at < samples.rows:
        raise ValueError(
            f"`validation_split` should leave rows on both sides of the {samples.rows}; got {split!r}."
        )

    def rows(start: int, stop: int) -> Samples:
        columns: list[list[Any]] = [[part(a, start, stop) for a in column] for column in samples]
        return Samples(*columns)

    return rows(0, at), rows(at, samples.rows)


class _Start(NamedTuple):
    """A member before its first epoch: the seed of its `fit`, and what its steps carry."""

    seed: int
    carry: StepCarry


def _start(
    model: Model, begin: Callable[[Tree, Tree], StepCarry], seed: int, hyper: Mapping[str, float]
) -> _Start:
    """The beginning of the member's own script; numpy's and Python's generators stay as they are."""
    kept = np.random.get_state(), random.getstate()
    try:
        set_random_seed(seed)
        params, state = clone_model(model).values()
        carry = begin(params, state)
        return _Start(next_seed(), carry._replace(opt=_with(carry.opt, hyper)))
    finally:
        np.random.set_state(kept[0])
        random.setstate(kept[1])


def _with(opt: Tree, hyper: Mapping[str, float]) -> Tree:
    """The optimizer's state with other hyperparameters."""
    leaves: list[tuple[Any, Any]]
    leaves, treedef = jax.tree_util.tree_flatten_with_path(opt)
    places = [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in leaves]
    known = {p.rpartition("/")[2]: i for i, p in enumerate(places) if re.search("(^|/)hyper(params)?/", p)}
    values = [leaf for _, leaf in leaves]
    for name, value in hyper.items():
        if name not in known:
            raise ValueError(f"The optimizer keeps no hyperparameter {name!r}: it has {sorted(known)}.")
        values[known[name]] = jnp.asarray(value, values[known[name]].dtype)
    return treedef.unflatten(values)


def _room(step: TrainingStep) -> int:
    """How many members are trained at once: weights, slots, gradients and their copies in half of the
    memory."""
    size = sum(a.size * a.dtype.itemsize for a in jax.tree.leaves(jax.eval_shape(step.init)))
    stats: dict[str, int] = jax.local_devices()[0].memory_stats() or {}
    free = stats.get("bytes_limit") or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, free // 2 // max(1, 4 * size))


class _Fleet:
    """The programs that train and test all members for an epoch.

    Args:
        step: of the model.
        train, held: samples to train on, and to validate on or None.
        size: of a batch.
        shuffle: whether each member draws an order for each epoch.
    """

    def __init__(self, step: TrainingStep, train: Samples, held: Samples | None, size: int, shuffle: bool):
        self.step, self.shuffle, self.rows = step, shuffle, train.rows
        self.cut, self.held_cut = Cut(train.rows, size), Cut(held.rows if held else 0, size)
        dtypes = step.trainer.dtypes()
        self.data: Batch = jax.tree.map(jnp.asarray, stack([train], dtypes, train.rows))
        self.held: Batch | None = (
            jax.tree.map(jnp.asarray, stack([held], dtypes, held.rows)) if held else None
        )
        self.train = jax.jit(jax.vmap(self._train, in_axes=(0, 0, 0, 0, None, None)), donate_argnums=0)
        self.test = jax.jit(jax.vmap(self._test, in_axes=(0, None)))

    def order(self, seed: int, epoch: int) -> Numpy:
        return permutation(seed, epoch, self.rows) if self.shuffle else np.arange(self.rows, dtype=np.int32)

    def _train(
        self, carry: StepCarry, active: Array, seed: Array, order: Array, epoch: Array, data: Batch
    ) -> tuple[StepCarry, Tree]:
        """An epoch of one member; one that has stopped stays as it is."""

        def turn(carry: StepCarry, number: Array, size: int) -> tuple[StepCarry, Tree]:
            rows = jax.lax.dynamic_slice(order, [number * self.cut.size], [size])
            return self.step.apply(carry, _rows(data, rows), self.step.context(seed, epoch, number))

        new, logs = _through(turn, carry, self.cut)
        return jax.tree.map(lambda old, new: jnp.where(active, new, old), carry, new), logs

    def _test(self, carry: StepCarry, data: Batch) -> Tree:
        def turn(carry: StepCarry, number: Array, size: int) -> tuple[StepCarry, Tree]:
            rows = number * self.held_cut.size + jnp.arange(size)
            return carry, self.step.loss(carry.params, carry.state, _rows(data, rows), Ctx())[1].logs

        return _through(turn, carry, self.held_cut)[1]


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
    """The model as an `EarlyStopping` sees it: it says stop, and asks for the best weights back."""

    stop_training = False

    def __init__(self):
        self.wants_best = False

    def get_weights(self) -> list[Any]:
        return []

    def set_weights(self, weights: list[Any]) -> None:
        self.wants_best = True


class _Run:
    """A group of members on their way.

    Args:
        fleet: the programs.
        starts: of the members.
        stops: what each may stop by.
    """

    def __init__(self, fleet: _Fleet, starts: list[_Start], stops: Sequence[EarlyStopping]):
        self.fleet, self.count = fleet, len(starts)
        self.place = _spread(self.count)
        self.seeds = [start.seed for start in starts]
        self._on_host: dict[bool, Tree] = {}
        self.carry = self.place(
            jax.tree.map(lambda *leaves: _stacked(leaves), *(start.carry for start in starts))
        )
        self.best = jax.tree.map(jnp.copy, (self.carry.params, self.carry.state)) if stops else None
        self.histories = [MetricLogs() for _ in starts]
        self.models = [_Seen() for _ in starts]
        self.stops = [[copy.deepcopy(stop) for stop in stops] for _ in starts]
        for model, mine in zip(self.models, self.stops, strict=True):
            for stop in mine:
                stop.set_model(model)
                stop.on_train_begin()

    def epochs(self, epochs: int, tell: Callable[[int, list[dict[str, float]]], object] | None) -> None:
        """Train for a number of epochs, or until all have stopped."""
        fleet = self.fleet
        for epoch in range(epochs):
            active = np.array([not model.stop_training for model in self.models])
            if not active.any():
                break
            orders = np.stack([fleet.order(seed, epoch) for seed in self.seeds])
            given = self.place((jnp.asarray(active), jnp.asarray(self.seeds, jnp.int32), jnp.asarray(orders)))
            logs: Any
            self.carry, logs = fleet.train(self.carry, *given, jnp.int32(epoch), fleet.data)
            columns = self._means(logs, fleet.cut)
            if fleet.held is not None:
                held = self._means(fleet.test(self.carry, fleet.held), fleet.held_cut)
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

    def _told(self, epoch: int, active: Numpy, rows: list[dict[str, float]]) -> None:
        improved = np.zeros(self.count, bool)
        for i in np.flatnonzero(active):
            for name, value in rows[i].items():
                self.histories[i].setdefault(name, []).append(value)
            for stop in self.stops[i]:
                stop.on_epoch_end(epoch, MetricLogs(rows[i]))
                improved[i] |= stop.restore_best_weights and stop.wait == 0
        if improved.any():
            now: Any = (self.carry.params, self.carry.state)
            self.best = jax.tree.map(lambda new, old: _chosen(improved, new, old), now, self.best)

    def result(self, number: int) -> tuple[MetricLogs, Tree, Tree]:
        """The history of a member, and its params and state."""
        values = self._host(self.models[number].wants_best)
        params, state = jax.tree.map(lambda a: a[number].copy(), values)
        return self.histories[number], params, state

    def _host(self, best: bool) -> Any:
        """The last or the best weights of all members, on the host: taken there once."""
        if best not in self._on_host:
            values: Any = self.best if best else (self.carry.params, self.carry.state)
            self._on_host[best] = jax.tree.map(np.asarray, values)
        return self._on_host[best]


def _stacked(leaves: Sequence[Array]) -> Array:
    """The arrays of members as one; on the host, where nothing is compiled for each shape."""
    if jnp.issubdtype(leaves[0].dtype, jax.dtypes.extended):
        return jnp.stack(leaves)
    return jax.device_put(np.stack([np.asarray(leaf) for leaf in leaves]))


def _chosen(which: Numpy, new: Array, old: Array) -> Array:
    return jnp.where(which.reshape(-1, *(1,) * (new.ndim - 1)), new, old)


def _spread(count: int) -> Callable[[Tree], Tree]:
    """Members are shared among the devices where their number divides."""
    devices: list[Any] = jax.local_devices()
    most = max(n for n in range(1, len(devices) + 1) if count % n == 0)
    if most == 1:
        return lambda tree: tree
    sharding = NamedSharding(Mesh(np.array(devices[:most]), "members"), PartitionSpec("members"))
    return lambda tree: jax.device_put(tree, sharding)
