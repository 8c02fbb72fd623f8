"""Trainer: what `compile` makes. It owns the compiled programs, and runs them on values of cells."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jkeras.core import bits, processes
from jkeras.core.progbar import announce
from jkeras.core.random import next_seed
from jkeras.core.types import AnyList, AnyTuple, Array, Batch, Ctx, Function, Key, Shape, Store, Tree
from jkeras.engine.program import Program
from jkeras.engine.tensors.variable import Variable
from jkeras.engine.tree import is_hidden
from jkeras.training.batching import Sizes, Span, epoch_key
from jkeras.training.data.samples import Samples, stack
from jkeras.training.data.source import Block, placed
from jkeras.training.devices import Brought, Devices, Layout, Mesh, Shard
from jkeras.training.objective.endpoints import Endpoint, Target
from jkeras.training.objective.function import Objective
from jkeras.training.run import chunks, extras, memory, user_steps
from jkeras.training.run import step as steps
from jkeras.training.run.cells import Cells, of_program
from jkeras.training.run.options import PLAIN, StepOptions
from jkeras.training.run.program_cache import Programs
from jkeras.training.run.report import Traces, specs_of
from jkeras.training.run.step import Carry, Fixed, Lent
from jkeras.training.types import Numpy, Step

ROOM = 1024  # the most steps in a dispatch

# Cells may be shared by models and threads: take, dispatch and put are one action.
_exchange = threading.RLock()


class Trainer:
    """Trains, tests and predicts with one model as it was when it was compiled.

    Args:
        program: the model as pure functions and cells (`jkeras.engine.program.Program`).
        inputs, outputs: its endpoints.
        objective: its `Objective`; None for a trainer that only predicts.
        optimizer: a `jkeras.optimizers.Optimizer`.
        devices: see `jkeras.training.devices.choose`.
        mesh, shard: see `jkeras.training.devices.Layout`.
        options: of its steps.
    """

    def __init__(
        self,
        program: Program,
        inputs: list[Endpoint],
        outputs: list[Endpoint],
        objective: Objective | None = None,
        optimizer: Any = None,
        devices: Devices = None,
        mesh: Mesh | None = None,
        shard: Shard | None = None,
        options: StepOptions = PLAIN,
    ):
        self.program, self.inputs, self.outputs = program, list(inputs), list(outputs)
        self._objective = objective
        self.optimizer: Any = optimizer
        self.options = options.with_those_of(optimizer)
        self._rowwise = program.rowwise and not program.stateful
        rowwise = self._rowwise and (objective is None or objective.rowwise)
        self.layout = Layout(devices, rowwise, mesh, shard)
        self.step_seconds: dict[Any, float] = {}  # what a step took, for the length of dispatches
        self.compilations, self.traces = 0, Traces()
        self.sizes = {kind: Sizes() for kind in ("train", "test", "predict")}  # of single batches
        self._programs = {kind: Programs() for kind in ("train", "test", "predict")}
        self._steps: dict[str, Step] = {}
        self._convolutional: dict[str, bool] = {}
        self.replaced: dict[str, Function] = {}  # kind → what makes its steps instead, a function of the user
        self.binding: Any = None
        self._cells: dict[str, tuple[Cells, Cells]] = {}
        self._seed: int | None = None
        self._calls = 0
        self.keeps_batch = False  # whether `last` holds the block and span of the last dispatch
        self.last: tuple[Block, Span] | None = None

    @property
    def objective(self) -> Objective:
        if self._objective is None:
            raise RuntimeError(
                "You must compile the model before training or testing: model.compile(optimizer, loss)."
            )
        return self._objective

    @property
    def stateful(self) -> bool:
        return self.program.stateful

    def prepare(self) -> None:
        """Give the optimizer its state for this model, unless it has one, or somebody else trains."""
        if "train" in self.replaced:
            return
        if self.binding is None:
            program = self.program
            live = {path: program.params[path] for path in program.params if path in program.live}
            binding = self.optimizer.init(live, program.order, program.tree, program.flat)
            self._refuse_shared(binding.cells)
            if self.options.keeps:
                binding = self.optimizer.bind(extras.ExtendedBinding(binding, live, self.options))
            self.binding = binding
        else:
            self.optimizer.bind(self.binding)

    def first_state(self, live: Store) -> Tree:
        """The state of the optimizer at its beginning, as arrays, for these values of the live weights."""
        own = self.optimizer.first_state(live, self.binding.own, self.program.tree, self.program.flat)
        return extras.first(own, live, self.options) if self.options.keeps else own

    def finish(self) -> None:
        """The end of a training: an optimizer may have other weights than those of the last step."""
        if self.binding is not None:
            self.optimizer.bind(self.binding)
            left = self._cells_for("train")[0].left()  # what a callback has put back is to stay
            averages = self.binding.own.averages()
            self.optimizer.finalize_variable_values(w for w, _ in averages if w.take() is left.get(w))

    def go_on_from(self, other: Trainer) -> None:
        """Train on with the optimizer's state and the random numbers of another trainer of the model."""
        self.binding, self._seed, self._calls = other.binding, other._seed, other._calls
        self.replaced = other.replaced
        if self.binding is not None:
            self._refuse_shared(self.binding.cells)

    def _refuse_shared(self, cells: list[Variable]) -> None:
        """A variable is the model's or the optimizer's: a step cannot move it in two places.

        What losses and metrics only read of the optimizer's, they are lent.
        """
        program = self.program
        stores = [*program.params.items(), *program.state.items()]
        ours = {cell: path for path, cells in stores for name, cell in cells.items() if not is_hidden(name)}
        for cell in cells:
            if cell in ours:
                raise ValueError(
                    f"The updates of {type(self.optimizer).__name__} use {cell.name}, a variable of the "
                    f"model ({ours[cell]}) that does not train. Let them use a variable of their own, "
                    "K.variable(K.get_value(...)), or move it in a callback."
                )

    # Which cells go where.

    def _cells_for(self, kind: str) -> tuple[Cells, Cells]:
        if kind not in self._cells:
            training = kind == "train"
            slots, lent = (self.binding.state, self._lent()) if training else ((), {})
            self._cells[kind] = of_program(self.program, self.layout, training, slots, lent)
        return self._cells[kind]

    def _lent(self) -> Lent:
        """Variables of the optimizer that losses and metrics read."""
        places = {cell: i for i, cell in enumerate(self.binding.cells)}
        state = self.program.state.items()
        return {(p, n): places[v] for p, cells in state for n, v in cells.items() if v in places}

    # Programs.

    def step(self, kind: str) -> Step:
        """The step of a kind, "train", "test" or "predict", see `jkeras.training.run.step`."""
        if kind not in self._steps:
            self._steps[kind] = self.make_step(kind)
        return self._steps[kind]

    def make_step(self, kind: str) -> Step:
        """A step of its own, for the numbers of layers and optimizer as they are now."""
        if kind == "train":
            program = self.program
            move = self.optimizer.mover(self.binding.own, program.constrain, program.tree, program.flat)
            move = extras.mover(move, self.options) if self.options.keeps else move
            return steps.train_step(program, self.objective, move, self.inputs, self._lent(), self.options)
        if kind == "test":
            return steps.test_step(self.program, self.objective, self.inputs, self.options)
        return steps.predict_step(self.program, self.inputs, self.options)

    def _flat(self, kind: str, fn: Function) -> Function:
        """`fn` over lists of leaves in the place of the trees of carry and fixed values."""
        carried, read = self._cells_for(kind)
        carry_def, fixed_def = carried.treedef, read.treedef

        def flat(
            index: Array | None, carry: list[Array], fixed: list[Array], data: Batch, *rest: Any
        ) -> tuple[list[Array], Any]:
            self.compilations += 1  # this body runs when it is traced
            announce("compiling")
            carry, out = fn(index, carry_def.unflatten(carry), fixed_def.unflatten(fixed), data, *rest)
            return carry_def.flatten_up_to(carry), out

        return flat

    def _steps_of_chunk(self, kind: str, size: int, short: bool) -> Function:
        """The program of a span of steps: `run(carry, fixed, data, order, span)`."""
        batches = chunks.Batches(size, short, kind == "train", self.layout)
        body = chunks.chunk(self.step(kind), len(self.objective.names), batches, self.room)
        return self.layout.spread(self._flat(kind, body), 6, carried=self._cells_for(kind)[0].shardings)

    def _one_step(self, kind: str, first: int, size: int, short: bool) -> Function:
        body = chunks.single(
            self.step(kind), first, chunks.Batches(size, short, kind == "train", self.layout)
        )
        return self.layout.spread(self._flat(kind, body), 6, carried=self._cells_for(kind)[0].shardings)

    def _whole(self, rows: int) -> Function:
        body = chunks.whole_batch(self.step("predict"), rows, self.layout)
        carried = self._cells_for("predict")[0].shardings
        return self.layout.spread(self._flat("predict", body), 5, True, carried)

    @property
    def room(self) -> int:
        """The most steps in a dispatch; with very many metrics less, as there is room for the logs of all."""
        return max(16, min(ROOM, ROOM * 64 // len(self.objective.names)))

    def reach(self, kind: str, block: Block, start: int) -> int:
        """How many steps from `start` on one dispatch can make."""
        if kind in self.replaced or not self._loops(kind, block, start):
            return 1
        return min(self.room, (block.cut.steps if self._fills(block) else block.cut.full) - start)

    def _fills(self, block: Block) -> bool:
        """Whether the last batch is computed as one of full size."""
        return self.layout.fills and block.cut.rest > 0

    def _loops(self, kind: str, block: Block, start: int) -> bool:
        """Whether step number `start` of a block of data runs in a loop over its steps."""
        full = block.cut.full
        if full == 0 or block.cut.rows == block.cut.size or (start >= full and not self._fills(block)):
            return False
        if self.layout.loops_convolutions:
            return True
        if kind not in self._convolutional:
            self._convolutional[kind] = self._is_convolutional(kind, block)
        return not self._convolutional[kind]

    def _is_convolutional(self, kind: str, block: Block) -> bool:
        def spec_of_rows(a: Array) -> jax.ShapeDtypeStruct:
            return jax.ShapeDtypeStruct((block.cut.size, *a.shape[1:]), a.dtype)

        carry, fixed = (cells.specs() for cells in self._cells_for(kind))
        batch: Batch = jax.tree.map(spec_of_rows, block.data)
        key = jax.eval_shape(lambda: jax.random.key(0))
        step, training = self.step(kind), kind == "train"

        def run(carry: Carry, fixed: Fixed, batch: Batch, key: Key) -> tuple[Any, Any]:
            return step(carry, fixed, batch, Ctx(key, training=training))

        return steps.has_slow_convolution(jax.jit(run).trace(carry, fixed, batch, key).jaxpr)

    # Dispatches.

    def run(self, kind: str, block: Block, span: Span) -> Array | Numpy:
        """Make the steps of a span.

        Args:
            kind: "train" or "test".
            block: data on the devices (`jkeras.training.data.Block`).
            span: which steps.

        Returns:
            Logs on the device, one row per step and perhaps further rows: `(steps, len(objective.names))`.
        """
        if self.keeps_batch:
            self.last = block, span
        if kind in self.replaced:
            return user_steps.logs(self.replaced[kind], self.objective, block, span)
        return self.own_steps(kind, block, span)

    def own_steps(self, kind: str, block: Block, span: Span) -> Array:
        """As `run`, by our own program in any case."""
        cut, short = block.cut, self._fills(block)
        size = cut.size if short else cut.size_of(span.start)
        if self._loops(kind, block, span.start):
            key, build = ("chunk", size, short), lambda: self._steps_of_chunk(kind, size, short)
        else:
            key, build = (cut.size, size, short), lambda: self._one_step(kind, cut.size, size, short)
        told = np.array(span._replace(rows=cut.rows), np.int32)
        return self._dispatch(kind, key, build, size, block.data, block.order, told)

    def last_step(self) -> tuple[Batch, Ctx]:
        """The batch and the context of the last step, where `keeps_batch` was set before.

        Raises:
            ValueError: several devices share batches.
        """
        if self.layout.kind != "one" or self.last is None:
            raise ValueError("A step can be looked into on one device only: compile(..., devices=1).")
        block, span = self.last
        cut = block.cut
        size = cut.size_of(span.start)
        batch, _ = self.layout.batch(block.data, block.order, span.start * cut.size, size, None)
        key = jax.random.fold_in(epoch_key(span), span.before + span.start)
        return batch, Ctx(key, training=True)

    def predict(self, samples: Samples, room: int, copy: bool = True) -> list[Any]:
        """The outputs for one batch, on the device; they may have further rows.

        Args:
            samples: the batch.
            room: rows to compute where samples do not mix, so that a last batch needs no program of its own.
            copy: False if the outputs are waited for before anybody changes the batch.
        """
        if "predict" in self.replaced:
            outputs: Any = self.replaced["predict"](list(samples.x))
            return list(outputs) if isinstance(outputs, (AnyList, AnyTuple)) else [outputs]
        return self.own_outputs(samples, room, copy)

    def own_outputs(self, samples: Samples, room: int, copy: bool = True) -> list[Array] | list[Numpy]:
        """As `predict`, by our own program in any case."""
        rows, count = samples.rows, self.layout.parts
        if self._rowwise:
            rows = -(-self.sizes["predict"].fitting(max(rows, room)) // count) * count
        dtypes = self.dtypes(False)
        if self.layout.copies:
            data = placed(samples, dtypes, rows, self.layout)
        else:  # the call itself brings it there, in less time
            data = stack([samples], dtypes, rows, copy)

        span = np.array(self.call_span(), np.int32)
        outputs = self._dispatch("predict", rows, lambda: self._whole(rows), rows, data, span)
        return self.layout.joined(outputs)

    def outputs_of(self, block: Block) -> list[Any]:
        """The outputs for a batch whose rows several processes have brought: whole in each of them."""
        rows = block.data.x[0].shape[0] if block.data.x else block.cut.rows
        span = np.array(self.call_span(), np.int32)
        outputs = self._dispatch("predict", rows, lambda: self._whole(rows), rows, block.data, span)
        present = block.order.present if isinstance(block.order, Brought) else None
        if present is None:
            return outputs
        kept = processes.whole(present)
        return [np.asarray(y)[kept] if np.ndim(y) else y for y in outputs]

    def dtypes(self, need_y: bool = True) -> Batch:
        """The dtypes of arrays on the device, in the shape of a `Batch`."""
        fed = self.objective.fed if need_y else ()
        inputs, targets = ([_kept(endpoint) for endpoint in endpoints] for endpoints in (self.inputs, fed))
        if not need_y:
            return Batch(inputs, [], [])
        return Batch(inputs, targets, ["float32"] * len(self.objective.targets))

    def _dispatch(
        self, kind: str, key: Any, build: Callable[[], Function], rows: int, data: Batch, *args: Any
    ) -> Any:
        place = self.layout.place
        arrays: list[Array | None] = [a for part in data for a in part]
        shapes = tuple((a.shape, a.dtype) for a in arrays if a is not None)
        with _exchange:
            program = self._programs[kind].get((key, shapes), build)
            carry, fixed = self._cells_for(kind)
            given = carry.take(place, True), fixed.take(place, False), data, *args
            if program.proven:
                results, out = program.run(*given)
            else:
                specs, began = specs_of(given), time.perf_counter()
                results, out = self._first(program.run, rows, given, carry)
                program.proven = True
                seconds = time.perf_counter() - began
                self.traces.add(kind, self._named(data), key, seconds, program.run, specs)
            carry.put(results)
        return out

    def _named(self, data: Batch) -> dict[str, Shape]:
        """The shapes of a block of data by name."""
        arrays = {end.name: a for end, a in zip(self.inputs, data.x, strict=True)}
        if data.y:
            arrays |= {f"{end.name}_target": a for end, a in zip(self.objective.fed, data.y, strict=True)}
        return {name: a.shape for name, a in arrays.items()}

    def _first(self, run: Function, rows: int, given: tuple[Any, ...], carry: Cells) -> Any:
        with memory.explained(rows, self.layout.devices[0]):
            return memory.run_or_put_back(lambda: run(*given), given[0], carry.put_back)

    # Numbers of a run.

    @property
    def seed(self) -> int:
        """The seed of single steps and predictions, drawn when it is first needed."""
        if self._seed is None:
            self._seed = int(processes.told([next_seed()])[0, 0])
        return self._seed

    def call_span(self) -> Span:
        """The span of a call that is no part of a `fit`: each has random numbers of its own."""
        self._calls += 1
        return Span(self.seed, self._calls, 0, 1, 0)


def _kept(endpoint: Endpoint | Target) -> str:
    """The dtype in which the data of an endpoint are kept; asked for every batch."""
    if bits.is_narrow(endpoint.dtype):
        return endpoint.dtype
    return bits.supported(endpoint.dtype, f"The data for {endpoint.name!r}").name
