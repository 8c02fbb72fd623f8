"""The step of `fit` as pure functions, for loops of one's own."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jkeras.core.lists import as_list
from jkeras.core.types import AnyDict, AnyTuple, Array, Batch, Ctx, Key, Pair, Params, State, Store, Tree
from jkeras.engine.tensors.variable import Variable, put_all, take_all
from jkeras.engine.tree import all_by_variable, by_variable, nested
from jkeras.training.batching import Span, epoch_key
from jkeras.training.run.step import Carry, Fixed, cast, merge, whole_objective
from jkeras.training.run.trainer import Trainer

TRAINING = Ctx(training=True)


class StepCarry(NamedTuple):
    """All that a step changes, as trees of arrays.

    Args:
        params, state: of the model, nested by layer name as `model.pure()` has them, frozen layers too.
        opt: the state of the optimizer.
    """

    params: Params
    state: State
    opt: Tree


class Outcome(NamedTuple):
    """The company of a loss.

    Args:
        y: list of the model's outputs.
        state: the model's new state, nested.
        logs: `{name: scalar}`, loss and metrics as `fit` logs them.
    """

    y: list[Array]
    state: State
    logs: dict[str, Array]


class TrainingStep:
    """The step that `fit` makes, as pure functions of arrays: penalties, constraints, frozen layers, masks
    and weights of samples are in it, and `jax.jit`, `grad`, `vmap`, `lax.scan` and `shard_map` apply.

    A batch is `(x, y)` or `(x, y, weight)`, of arrays or of lists in the order of inputs and outputs. The
    batches of a `fit`, in its order, give the same bits in a `lax.scan` over `apply`.

    Args:
        trainer: of the compiled model.
        pair: the model as two pure functions.
        shape: of its inputs, for `init`.
    """

    def __init__(self, trainer: Trainer, pair: Pair, shape: Any):
        trainer.prepare()
        self.trainer, self.program, self.objective = trainer, trainer.program, trainer.objective
        self.pair, self.shape = pair, shape
        self._step = trainer.step("train")
        self._loss = whole_objective(self.program, self.objective, trainer.options)

    def init(self, rng: Key | None = None) -> StepCarry:
        """The carry to start from.

        Args:
            rng: a key to draw new weights with, for an optimizer at its beginning; None: weights and
                optimizer as they are in the model now.
        """
        if rng is None:
            binding = self.trainer.binding
            opt = [jnp.copy(array) for array in take_all(binding.cells)]
            stores = self._filled({})
            return StepCarry(*self._trees(*jax.tree.map(jnp.copy, stores)), binding.treedef.unflatten(opt))
        return self.begin(*self.pair.init(rng, self.shape))

    def begin(self, params: Params, state: State) -> StepCarry:
        """The carry for these weights and an optimizer at its beginning; the states of metrics, which a model
        has from `compile` on, are as they are in the model now where the trees lack them."""
        stores = self._stores(params, state)
        return StepCarry(*self._trees(*stores), self.trainer.first_state(self._parted(stores[0])[0]))

    def apply(self, carry: StepCarry, batch: Any, ctx: Ctx = TRAINING) -> tuple[StepCarry, dict[str, Array]]:
        """One step of training.

        Args:
            carry: what the step before handed on.
            batch: the batch.
            ctx: with a key where layers draw random numbers, see `context`; with the name of a mapped axis
                where devices share the batch.

        Returns:
            The new carry, and `{name: scalar}` as `fit` logs it; of a metric with a state what it is so far,
            see `reset`.
        """
        if jax.tree.structure(carry.opt) != self.trainer.binding.treedef:
            raise ValueError(
                f"The carry has a state of another optimizer than that of {self.program.layer.name!r}: begin "
                "with `step.init()`, or with `step.begin(params, state)` of other weights."
            )
        params, state = self._stores(carry.params, carry.state)
        live, still = self._parted(params)
        moving = {path: entries for path, entries in state.items() if path in self.program.moving}
        fixed = Fixed(still, {path: e for path, e in state.items() if path not in moving})
        done, values = self._step(Carry(live, moving, carry.opt), fixed, self._batch(batch), ctx)
        new = self._trees({**still, **done.params}, merge(state, done.state))
        return StepCarry(*new, done.opt), dict(zip(self.objective.names, values, strict=True))

    def loss(self, params: Params, state: State, batch: Any, ctx: Ctx = TRAINING) -> tuple[Array, Outcome]:
        """The number whose gradient by `params` a step takes.

        Args:
            params, state: of the model, nested.
            batch, ctx: as in `apply`; with `Ctx()` the model runs as in `evaluate`.

        Returns:
            The loss with all penalties, and the `Outcome`: a function for `jax.value_and_grad(has_aux=True)`.
        """
        flat = self._stores(params, state)
        batch = cast(self._batch(batch), self.trainer.inputs, self.objective.fed)
        loss, values, new, y = self._loss(*flat, batch, ctx)
        logs = dict(zip(self.objective.names, [loss, *values], strict=True))
        return loss, Outcome(y, self._trees(flat[0], merge(flat[1], new))[1], logs)

    def context(self, seed: int | Array, epoch: int | Array = 0, number: int | Array = 0) -> Ctx:
        """The context of step `number` of an epoch in a `fit` with this seed; it may be traced.

        `fit` draws its seed when it begins: after `jkeras.utils.set_random_seed(n)` it is
        `jkeras.core.random.next_seed()`.
        """
        key = epoch_key(Span(seed, epoch, 0, 0, 0))  # type: ignore[arg-type]
        return Ctx(jax.random.fold_in(key, number), training=True)

    def finish(self, carry: StepCarry) -> StepCarry:
        """The carry as the end of a `fit` leaves it: with `use_ema` of an optimizer, the moving averages in
        the place of the weights; otherwise as it is. A pure function."""
        binding = self.trainer.binding
        kept = binding.own.kept_averages()
        if not kept:
            return carry
        places = {cell: i for i, cell in enumerate(binding.cells)}
        arrays = jax.tree.leaves(carry.opt)
        begun = arrays[places[binding.own.state.iterations]] > 0
        values = by_variable(self.program.layer, carry.params, carry.state, {})
        for weight, average in kept:
            mean = arrays[places[average]].astype(values[weight].dtype)
            values[weight] = jnp.where(begun, mean, values[weight])
        return StepCarry(*nested(self.program.layer, values), carry.opt)

    def reset(self, carry: StepCarry) -> StepCarry:
        """The carry with the states of metrics (`AUC`) at their beginning, as before each epoch of `fit`.

        Example:
            >>> import jax, jkeras, numpy as np
            >>> model = jkeras.Sequential([jkeras.Input((2,)), jkeras.layers.Dense(1, activation="sigmoid")])
            >>> model.compile("sgd", "binary_crossentropy", metrics=[jkeras.metrics.AUC()])
            >>> step, batches = model.step(), (np.ones((5, 4, 2)), np.ones((5, 4, 1)))
            >>> carry = step.init()
            >>> for epoch in range(3):
            ...     carry, logs = jax.lax.scan(step.apply, step.reset(carry), batches)
        """
        values = by_variable(self.program.layer, carry.params, carry.state, {})
        before = {variable: variable.take() for variable in values}
        self.objective.reset()
        for variable, old in before.items():
            new = variable.take()
            if new is not old:
                values[variable] = new
                variable.assign(old)
        return StepCarry(*nested(self.program.layer, values), carry.opt)

    def renewed(self) -> TrainingStep:
        """The step for the numbers that layers and optimizer hold now, such as rates of dropout, which are
        constants in a step; also for traced ones, within the program that they belong to."""
        new = copy.copy(self)
        new._step = self.trainer.make_step("train")
        return new

    def put(self, carry: StepCarry) -> None:
        """Let the model and its optimizer have what a loop came to; see `finish` for `use_ema`."""
        values = by_variable(self.program.layer, carry.params, carry.state, {})
        put_all(values, map(jnp.copy, values.values()))
        put_all(self.trainer.binding.cells, map(jnp.copy, jax.tree.leaves(carry.opt)))

    # --- between trees by name and the program's stores

    def _batch(self, batch: Any) -> Batch:
        x, y, weight = (*batch, None)[:3] if isinstance(batch, AnyTuple) else (batch, None, None)
        fed, wanted = self.objective.fed, self.objective.targets
        xs = self._listed(x, [endpoint.name for endpoint in self.trainer.inputs])
        ys = self._listed(y, [target.name for target in fed]) if fed else []
        rows = (xs + ys)[0].shape[0]
        weights = [None] * len(wanted) if weight is None else as_list(weight)
        ones = jnp.ones(rows, jnp.float32)
        return Batch(xs, ys, [ones if w is None else jnp.asarray(w, jnp.float32) for w in weights])

    def _listed(self, values: Any, names: list[str]) -> list[Array]:
        values = [values[n] for n in names] if isinstance(values, AnyDict) else as_list(values)
        if len(values) != len(names):
            raise ValueError(
                f"A batch of model {self.program.layer.name!r} holds an array for each of {names}; got "
                f"{len(values)}."
            )
        return [jnp.asarray(value) for value in values]

    def _stores(self, params: Params, state: State) -> tuple[Store, Store]:
        return self._filled(all_by_variable(self.program.layer, params, state))

    def _filled(self, values: Mapping[Variable, Array]) -> tuple[Store, Store]:
        """The stores of these values; of other variables what they are now."""

        def filled(cells: Mapping[str, Mapping[str, Variable]]) -> Store:
            return {
                path: {name: values[v] if v in values else v.value for name, v in entries.items()}
                for path, entries in cells.items()
            }

        return filled(self.program.params), filled(self.program.state)

    def _parted(self, params: Store) -> tuple[Store, Store]:
        live = {path: entries for path, entries in params.items() if path in self.program.live}
        return live, {path: entries for path, entries in params.items() if path not in live}

    def _trees(self, params: Store, state: Store) -> tuple[Params, State]:
        values = {v: params[p][n] for p, cells in self.program.params.items() for n, v in cells.items()}
        values |= {v: state[p][n] for p, cells in self.program.state.items() for n, v in cells.items()}
        return nested(self.program.layer, values)
