"""The loop: the only place that iterates over batches. `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

import numpy as np

from jkeras.core import processes
from jkeras.core.chunk import Chunk
from jkeras.core.lists import unpacked
from jkeras.core.progbar import Progbar
from jkeras.core.random import next_seed
from jkeras.training.data import counts, doubts
from jkeras.training.data.source import Arrays, Block, Blocks, Source, source
from jkeras.training.data.stream import Repeat, Stream
from jkeras.training.data.validation import held_out, parted
from jkeras.training.data.workers import ONE_THREAD, Supply
from jkeras.training.run.delayed_callbacks import Callbacks, DelayedCallbacks, Trained
from jkeras.training.run.dispatches import Columns, Dispatches, about
from jkeras.training.run.interrupt import Interrupt
from jkeras.training.run.memory import explained
from jkeras.training.run.trainer import Trainer
from jkeras.training.types import Data, Numpy, Outputs, Scores, Weights

# --- fit


def fit(
    trainer: Trainer,
    model: Trained,
    callbacks: Callbacks,
    x: Data = None,
    y: Data = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: int = 1,
    validation_split: float = 0.0,
    validation_data: Data = None,
    shuffle: bool | str = True,
    class_weight: Weights = None,
    sample_weight: Weights = None,
    initial_epoch: int = 0,
    steps_per_epoch: float | None = None,
    validation_steps: float | None = None,
    validation_freq: int | Collection[int] = 1,
    supply: Supply = ONE_THREAD,
    validation_batch_size: int | None = None,
) -> None:
    """Train; see `Model.fit`.

    Args:
        trainer: of the compiled model.
        model: the object that callbacks see; its `stop_training` ends the training.
        callbacks: a `CallbackList`: a `BaseLogger` first, a `History` last.
        supply: who fetches the batches of streams.

    Raises:
        ValueError, TypeError: before anything is changed, if the data do not fit.
        KeyboardInterrupt: after Ctrl-C, with the weights of the last finished step.
    """
    objective = trainer.objective
    steps = counts.steps(steps_per_epoch, "steps_per_epoch")
    first, last = _epochs(epochs, initial_epoch, validation_freq)
    train = source(trainer, x, y, batch_size, shuffle, steps, sample_weight, class_weight, supply=supply)
    train, validation = parted(
        trainer,
        train,
        validation_data,
        validation_split,
        validation_steps,
        batch_size,
        validation_batch_size,
        supply,
    )
    for data, what in ((train, ""), (validation, "the validation's ")):
        if isinstance(data, Arrays):
            doubts.look_at(data.samples, trainer.inputs, objective.fed, what)
    if verbose and processes.is_first() and isinstance(train, Arrays) and isinstance(validation, Arrays):
        print(f"Train on {train.sample_count} samples, validate on {validation.sample_count} samples")
    trainer.prepare()
    callbacks.set_model(model)
    validates = validation is not None
    told: dict[str, Any] = {"epochs": epochs, "verbose": verbose, "do_validation": validates}
    about_data = _about_data(train, batch_size, validates, objective.names)
    if steps is not None:
        about_data["steps"] = steps_per_epoch  # as it was given, a float too
    callbacks.set_params(told | about_data)
    run = _Fit(trainer, model, callbacks, train, validation, validation_freq)
    with Interrupt() as interrupt, explained(), processes.together():
        try:
            run.epochs(first, last, interrupt)
        finally:
            run.close()
            callbacks.close()
        processes.meet()  # the files of the first one are written when any goes on


def _about_data(train: Source, batch_size: int | None, validates: bool, names: list[str]) -> dict[str, Any]:
    """The facts about the data for callbacks; of a stream as `fit_generator` of Keras tells it."""
    if isinstance(train, Stream):
        return {"steps": train.steps, "metrics": names + [f"val_{name}" for name in names]}
    return {
        "batch_size": train.size if isinstance(train, Arrays) else batch_size,
        "steps": None if isinstance(train, Arrays) else train.steps,
        "samples": train.samples.rows
        if isinstance(train, Repeat) and train.samples.x
        else train.sample_count,
        "metrics": names + [f"val_{name}" for name in names if validates],
    }


class _Fit:
    """The state of one call of `fit`."""

    def __init__(
        self,
        trainer: Trainer,
        model: Trained,
        callbacks: Callbacks,
        train: Source,
        validation: Source | None,
        validation_freq: int | Collection[int],
    ):
        self.trainer, self.model, self.callbacks = trainer, model, callbacks
        self.objective, self.several = trainer.objective, processes.count() > 1
        self.names = self.objective.names
        self.source, self.frequency = train, validation_freq
        self.layout, self.dtypes = trainer.layout, trainer.dtypes()
        self.train = Blocks(train, self.layout, self.dtypes)
        self.validation = None if validation is None else Blocks(validation, self.layout, self.dtypes)
        self.hooked = callbacks.has_batch_hooks
        self.hooks: Any = callbacks
        if validation is None and DelayedCallbacks.suits(callbacks):
            self.hooks = DelayedCallbacks(callbacks)
        self.seed = 0
        self.validations = 0  # a Sequence longer than `validation_steps` goes on where the last one ended

    def epochs(self, first: int, last: int, interrupt: Interrupt) -> None:
        resume = self.callbacks.resume() or {}
        self.seed = resume.get("fit", {}).get("seed")
        if self.seed is None:
            self.seed = int(processes.told([next_seed()])[0, 0])
        self.callbacks.fit_state = {"seed": self.seed}
        self.callbacks.on_train_begin()
        self.model.stop_training = False
        validation = None if self.validation is None else self.validation.source
        held = held_out(self.source, validation, self.model)
        for callback in self.callbacks:
            callback.validation_data = held
        begin, first, step = first, resume.get("epoch", first), resume.get("step", 0)
        if isinstance(self.source, Stream):
            self.source.origin = begin
        if self.callbacks.keeps_data:
            self._keep_data(resume.get("data") or {}, first, step)
        self.validations = sum(self._is_due(epoch) for epoch in range(begin, first))
        for epoch in range(first, last):
            if not step:  # in mid-epoch, metrics with a state go on from the checkpoint's
                self.objective.reset()
            self.hooks.on_epoch_begin(epoch)
            last_size, is_whole = self._train(epoch, step, epoch + 1 == last, interrupt)
            step, logs = 0, {}
            if self.validation is not None and self._is_due(epoch) and self._goes_on(is_whole):
                logs = self._validate(epoch, last_size, interrupt)
            self.hooks.on_epoch_end(epoch, logs)
            interrupt.check()
            if self._stops():
                break
        self.catch_up()
        if first < last:
            self.trainer.finish()
        self.callbacks.on_train_end()

    def _keep_data(self, then: dict[str, Any], epoch: int, step: int) -> None:
        """Let streams keep in mind where they stand, from where they stood `then`."""
        validation = None if self.validation is None else self.validation.source
        streams = {"train": self.source, "validation": validation}
        kept = {name: source for name, source in streams.items() if isinstance(source, Stream)}
        for name, stream in kept.items():
            stream.keep(epoch, step, then.get(name))

        def data_state(epoch: int, step: int) -> dict[str, Any]:
            places = {"train": (epoch, step), "validation": ()}
            return {name: stream.position(*places[name]) for name, stream in kept.items()}

        self.callbacks.data_state = data_state

    def close(self) -> None:
        """End workers, and tell callbacks what they have not heard."""
        try:
            for blocks in (self.train, self.validation):
                if blocks is not None:
                    blocks.close()
        finally:
            self.catch_up()

    def catch_up(self) -> None:
        """Let callbacks hear of what they have not heard yet."""
        if isinstance(self.hooks, DelayedCallbacks):
            self.hooks.catch_up()

    def _is_due(self, epoch: int) -> bool:
        if isinstance(self.frequency, (int, np.integer)):
            return (epoch + 1) % self.frequency == 0
        return epoch + 1 in self.frequency

    def _goes_on(self, is_whole: bool) -> bool:
        """Whether to validate: a stop keeps it from arrays, and from a stream that has batches left."""
        if isinstance(self.source, Repeat):
            return True
        return not self.model.stop_training or (is_whole and not isinstance(self.source, Arrays))

    def _validate(self, epoch: int, size: int, interrupt: Interrupt) -> dict[str, float]:
        """The logs of a validation; beside a stream, arrays are cut into batches as large as its last one."""
        held = self.validation
        assert held is not None
        arrays = held.source
        if isinstance(self.source, Stream) and isinstance(arrays, Arrays) and not arrays.keeps_size:
            if size != arrays.size:
                self.validation = held = Blocks(Arrays(arrays.samples, size), self.layout, self.dtypes)
        values = _evaluate(self.trainer, held, interrupt, self.seed, epoch, turn=self.validations)
        self.validations += 1
        return {f"val_{name}": value for name, value in zip(self.names, values, strict=True)}

    def _train(self, epoch: int, start: int, last: bool, interrupt: Interrupt) -> tuple[int, bool]:
        """The training batches of an epoch from number `start` on: (size of the last, whether none is left).

        The first batch is trained on even if a callback has asked to stop before it, as in Keras.
        """
        count = self.source.steps
        if count is not None and start >= count:
            return 0, True
        dispatches = Dispatches(self.trainer, "train", self.callbacks.refresh_interval, self.hooked)
        blocks = self.train.epoch(self.seed, epoch, start, last, dispatches.flight.is_over)
        done, size = start, 0
        while True:
            block = interrupt.next_of(blocks)
            if block is None:
                break
            done = self._steps(dispatches, block, epoch, max(0, start - block.before), interrupt)
            size = block.cut.size_of(done - block.before - 1)
            if self.model.stop_training:
                break
        if self.layout.kind != "one":
            dispatches.flight.wait()
        return size, done == count or block is None

    def _steps(
        self, dispatches: Dispatches, block: Block, epoch: int, start: int, interrupt: Interrupt
    ) -> int:
        """The steps of a block; how many of the epoch are done."""
        hooks, done = self.hooks, block.before + start
        begin = hooks.on_batch_begin if self.hooked else None
        for span, logs in dispatches.spans(block, self.seed, epoch, start, self._limit, begin):
            first, done = block.before + span.start, block.before + span.stop
            if self.hooked:
                values = np.asarray(logs)[0].tolist()
                hooks.on_batch_end(
                    first, about(block, span.start) | dict(zip(self.names, values, strict=True))
                )
            else:
                sizes = block.sizes(span.start, span.stop)
                hooks.on_chunk_end(Chunk(first, sizes, Columns(self.names, logs)))
            interrupt.check()
            if self._stops():
                break
        return done

    def _stops(self) -> bool:
        """Whether training stops here: in all processes, where one of them says so."""
        if self.several:
            self.model.stop_training = bool(processes.told([self.model.stop_training]).any())
        return bool(self.model.stop_training)

    def _limit(self, step: int) -> int | None:
        """How many steps may run before callbacks want control."""
        return 1 if self.model.stop_training else self.hooks.chunk_limit(step)


def _epochs(epochs: int, initial_epoch: int, frequency: int | Collection[int]) -> tuple[int, int]:
    """The number of the first epoch, and the one after the last."""
    last = counts.rounded_up(epochs, "epochs", 0)
    counts.rounded_up(initial_epoch, "initial_epoch", 0)
    numbers = frequency if isinstance(frequency, (list, tuple, set, range)) else [frequency]
    if any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1 for n in numbers):
        raise ValueError(
            "`validation_freq` should be a number of epochs, at least 1, or a list of the epochs after which "
            f"to validate, counted from 1; got {frequency!r}."
        )
    return int(np.asarray(initial_epoch).item()), last


# --- evaluate


def evaluate(
    trainer: Trainer,
    x: Data = None,
    y: Data = None,
    batch_size: int | None = None,
    verbose: int = 1,
    sample_weight: Weights = None,
    steps: float | None = None,
    callbacks: Callbacks | None = None,
    supply: Supply = ONE_THREAD,
) -> Scores:
    """Loss and metrics over data; see `Model.evaluate`.

    Returns:
        The loss, or a list in the order of `metrics_names`.
    """
    count = counts.steps(steps, "steps")
    batches = source(trainer, x, y, batch_size, False, count, sample_weight, supply=supply)
    blocks = Blocks(batches, trainer.layout, trainer.dtypes())
    bar = _bar(batches, steps, verbose)
    if callbacks:
        callbacks.on_test_begin()
    try:
        with Interrupt() as interrupt, explained(), processes.together():
            values = _evaluate(trainer, blocks, interrupt, trainer.seed, 0, bar, callbacks)
    finally:
        blocks.close()
    if callbacks:
        callbacks.on_test_end()
    return unpacked(values)


def _evaluate(
    trainer: Trainer,
    blocks: Blocks,
    interrupt: Interrupt,
    seed: int,
    epoch: int,
    bar: Progbar | None = None,
    callbacks: Any = None,
    turn: int = 0,
) -> list[float]:
    """The values of all batches, averaged by their sizes in float64."""
    hooked = bool(getattr(callbacks, "has_test_batch_hooks", False))
    begin = callbacks.on_test_batch_begin if hooked else None
    dispatches = Dispatches(trainer, "test", bar.refresh_interval if bar else None, hooked)
    names = trainer.objective.names
    parts: list[tuple[Any, int]] = []
    sizes: list[int] = []
    trainer.objective.reset()
    for block in interrupt.over(blocks.epoch(seed, turn, idle=dispatches.flight.is_over)):
        for span, logs in dispatches.spans(block, seed, epoch, begin=begin):
            parts.append((logs, span.stop - span.start))
            sizes += block.cut.sizes(span.start, span.stop)
            if hooked:
                values = dict(zip(names, np.asarray(logs)[0].tolist(), strict=True))
                callbacks.on_test_batch_end(block.before + span.start, about(block, span.start) | values)
            if bar:
                bar.update(sum(sizes) if blocks.source.sample_count else len(sizes))
            interrupt.check()
    samples = np.concatenate([np.asarray(logs, np.float64)[:steps] for logs, steps in parts])
    values = np.array(sizes) @ samples / sum(sizes)
    running = [names.index(name) for name in trainer.objective.running]
    values[running] = samples[-1, running]
    return values.tolist()


def _bar(batches: Source, steps: float | None, verbose: int) -> Progbar | None:
    """The progress bar of `evaluate` and `predict`, where one is wanted."""
    shows = verbose == 1 and processes.is_first()
    return Progbar(batches.sample_count or steps or batches.steps, verbose=1) if shows else None


# --- predict


def predict(
    trainer: Trainer,
    x: Data,
    batch_size: int | None = None,
    verbose: int = 0,
    steps: float | None = None,
    callbacks: Callbacks | None = None,
    supply: Supply = ONE_THREAD,
) -> Outputs:
    """Outputs for data; see `Model.predict`.

    Returns:
        An array, or a list of arrays for several outputs.
    """
    count = counts.steps(steps, "steps")
    batches = source(trainer, x, None, batch_size, False, count, need_y=False, supply=supply)
    bar = _bar(batches, steps, verbose)
    if isinstance(batches, Arrays) and batches.steps == 1 and not (bar or callbacks or trainer.stateful):
        return _of_one_batch(trainer, batches)
    if callbacks:
        callbacks.on_predict_begin()
    try:
        with Interrupt() as interrupt, explained(), processes.together():
            parts = _predicted(trainer, batches, interrupt, bar, callbacks)
    finally:
        if not isinstance(batches, Arrays):
            batches.close()
    if callbacks:
        callbacks.on_predict_end()
    return unpacked(
        [
            np.array(column[0]) if len(column) == 1 else np.concatenate(column)
            for column in zip(*parts, strict=True)
        ]
    )


def _of_one_batch(trainer: Trainer, batches: Arrays) -> Outputs:
    """The outputs for all samples at once, without what holds many batches together and takes longer."""
    samples = next(batches.batches(0, 0, 0))
    assert samples is not None
    with explained(), processes.together():
        outputs = trainer.predict(samples, samples.rows, False)
    return unpacked([np.array(y) for y in _landed(outputs, samples.rows if trainer.inputs else None)])


def _predicted(
    trainer: Trainer, batches: Source, interrupt: Interrupt, bar: Progbar | None, callbacks: Any
) -> list[list[Numpy]]:
    """The outputs of each batch."""
    hooked = bool(getattr(callbacks, "has_predict_batch_hooks", False))
    parts: list[list[Numpy]] = []
    # (outputs on the device, rows): copied back two dispatches later
    flying: deque[tuple[list[Any], int | None]] = deque()
    done = 0
    for number, (rows, compute) in enumerate(interrupt.over(_to_predict(trainer, batches))):
        if hooked:
            callbacks.on_predict_batch_begin(number, {"batch": number, "size": rows})
        flying.append((compute(), rows if trainer.inputs else None))
        if hooked or len(flying) > (2 if processes.count() == 1 else 0):
            parts.append(_landed(*flying.popleft()))
        if hooked:
            callbacks.on_predict_batch_end(number, {"batch": number, "size": rows})
        done += rows
        if bar:
            bar.update(done if batches.sample_count else number + 1)
    return parts + [_landed(*flight) for flight in flying]


def _to_predict(trainer: Trainer, batches: Source) -> Iterator[tuple[int, Callable[[], list[Any]]]]:
    """Of each batch its rows, and what computes its outputs."""
    if trainer.layout.processes > 1 and isinstance(batches, Stream):
        for block in Blocks(batches, trainer.layout, trainer.dtypes(False)).epoch(trainer.seed, 0):
            yield block.cut.rows, partial(trainer.outputs_of, block)
        return
    for samples in batches.batches(trainer.seed, 0, 0):
        assert samples is not None  # only some of several processes have no rows of a batch
        room = batches.size if isinstance(batches, Arrays) and (batches.steps or 0) > 1 else samples.rows
        yield samples.rows, partial(trainer.predict, samples, room)


def _landed(outputs: list[Any], rows: int | None) -> list[Numpy]:
    """The outputs on the host; one number for a batch stands for each of its rows."""
    return [np.asarray(y)[:rows] if np.ndim(y) else np.full(rows or 1, y) for y in outputs]
