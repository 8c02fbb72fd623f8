"""Model: a network with everything that trains it. Every method is short; the work is done in `training/`."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from typing import Any, Literal, Never, TypeAlias

import numpy as np

from jkeras import training
from jkeras.callbacks import BaseLogger, Callback, CallbackList, History, ProgbarLogger
from jkeras.compat.legacy_arguments import legacy
from jkeras.core import processes
from jkeras.core.lists import as_list
from jkeras.core.logs import MetricLogs
from jkeras.core.words import arguments_of, unknown_arguments
from jkeras.models import copying
from jkeras.models.compiled import Compiled
from jkeras.training import Supply
from jkeras.training.types import Batches, Data, Outputs, Scores, Weights

Callbacks: TypeAlias = Callback | Sequence[Callback] | None
Verbosity: TypeAlias = int | Literal["auto"]  # "auto" is 1


class Model(Compiled):
    """A graph of layers that can be trained: `Model(inputs, outputs)`; or a subclass with its own `call`.

    Args:
        inputs, outputs: symbolic tensor, list of tensors or dict of tensors by name.
        name: default `model_1`, ….

    Raises:
        ValueError: an output depends on an input that is not listed, or layer names are not unique.

    Keras 2.2.4: keras/engine/training.py Model

    Example:
        >>> import jkeras
        >>> x = jkeras.layers.Input((3,))
        >>> model = jkeras.models.Model(x, jkeras.layers.Dense(2)(x))
        >>> model.compile("sgd", "mse")
        >>> model.predict(np.zeros((4, 3))).shape
        (4, 2)
    """

    @legacy("fit", of="method")
    def fit(
        self,
        x: Data = None,
        y: Data = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Verbosity = 1,
        callbacks: Callbacks = None,
        validation_split: float = 0.0,
        validation_data: Data = None,
        shuffle: bool | Literal["batch"] = True,
        class_weight: Weights = None,
        sample_weight: Weights = None,
        initial_epoch: int = 0,
        steps_per_epoch: float | None = None,
        validation_steps: float | None = None,
        validation_freq: int | Collection[int] = 1,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        validation_batch_size: int | None = None,
        **kwargs: Never,
    ) -> History:
        """Train for a number of epochs.

        Args:
            x: array, list of arrays, dict by input name, `Sequence`, generator or other iterable of batches.
            y: targets, likewise; None when `x` yields them.
            batch_size: samples per step; default 32.
            epochs: index of the last epoch (with `initial_epoch`).
            verbose: 0 silent, 1 (or "auto") progress bar, 2 one line an epoch.
            callbacks: list of callbacks.
            validation_split: share of the samples, taken from the end before shuffling, to validate on.
            validation_data: `(x, y)` or `(x, y, sample_weight)`; overrides `validation_split`.
            shuffle: whether to reshuffle the samples in each epoch; 'batch': in blocks of the batch size.
            class_weight: `{class: weight}`, for each output.
            sample_weight: weight of each sample, for each output.
            initial_epoch: where to start counting.
            steps_per_epoch, validation_steps: batches in an epoch, for data that does not end by itself.
            validation_freq: validate every that many epochs, or at the epochs of a list.
            workers, use_multiprocessing, max_queue_size: for data that yield batches: how many threads (or
                processes) fetch how many of them ahead; `workers=0`: the main thread, one at a time.
            validation_batch_size: samples of a batch of validation; default `batch_size`.

        Returns:
            `History` with the logs of each epoch.

        Raises:
            RuntimeError: the model is not compiled.
            ValueError: the data do not fit the model.

        Keras 2.2.4: keras/engine/training.py Model.fit
        """
        if kwargs:
            raise unknown_arguments("fit()", kwargs, arguments_of(Model.fit))
        verbose = _number(verbose)
        trainer = self._compiled(x, "training")
        self.history = History()
        by_steps = steps_per_epoch is not None or training.is_stream(x)
        running = self.stateful_metric_names
        shows = verbose and processes.is_first()
        bar = [ProgbarLogger("steps" if by_steps else "samples", running)] if shows else []
        hooks = CallbackList([BaseLogger(running), *bar, *as_list(callbacks or []), self.history])
        training.fit(
            trainer,
            self,
            hooks,
            x,
            y,
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_freq=validation_freq,
            supply=Supply.of(x, workers, use_multiprocessing, max_queue_size),
            validation_batch_size=validation_batch_size,
        )
        return self.history

    def evaluate(
        self,
        x: Data = None,
        y: Data = None,
        batch_size: int | None = None,
        verbose: Verbosity = 1,
        sample_weight: Weights = None,
        steps: float | None = None,
        callbacks: Callbacks = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        return_dict: bool = False,
    ) -> Scores:
        """Loss and metrics on data, without training; arguments as in `fit`.

        Returns:
            The loss, or a list in the order of `metrics_names`; with `return_dict` a dict by these names.
        """
        trainer = self._compiled(x, "testing")
        scores = training.evaluate(
            trainer,
            x,
            y,
            batch_size,
            _number(verbose),
            sample_weight,
            steps,
            self._hooks(callbacks),
            Supply.of(x, workers, use_multiprocessing, max_queue_size),
        )
        return self._named(scores) if return_dict else scores

    def _named(self, scores: Scores) -> MetricLogs:
        return MetricLogs(zip(self.metrics_names, as_list(scores), strict=True))

    def predict(
        self,
        x: Data,
        batch_size: int | None = None,
        verbose: Verbosity = 0,
        steps: float | None = None,
        callbacks: Callbacks = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Outputs:
        """Outputs for the samples of `x`: an array, or a list of arrays for several outputs."""
        supply = Supply.of(x, workers, use_multiprocessing, max_queue_size)
        hooks = self._hooks(callbacks)
        trainer = self._predicting(x)
        return self._by_key(training.predict(trainer, x, batch_size, _number(verbose), steps, hooks, supply))

    def _hooks(self, callbacks: Callbacks) -> CallbackList | None:
        if not callbacks:
            return None
        hooks = CallbackList(as_list(callbacks))
        hooks.set_model(self)
        return hooks

    @legacy("on_batch", of="method")
    def train_on_batch(
        self,
        x: Data,
        y: Data = None,
        sample_weight: Weights = None,
        class_weight: Weights = None,
        return_dict: bool = False,
    ) -> Scores:
        """One step on one batch; returns the loss, or a list in the order of `metrics_names`; or a dict."""
        scores = training.train_on_batch(self._compiled(x, "training"), x, y, sample_weight, class_weight)
        return self._named(scores) if return_dict else scores

    @legacy("on_batch", of="method")
    def test_on_batch(
        self, x: Data, y: Data = None, sample_weight: Weights = None, return_dict: bool = False
    ) -> Scores:
        """Loss and metrics of one batch, without training; see `train_on_batch`."""
        scores = training.test_on_batch(self._compiled(x, "testing"), x, y, sample_weight)
        return self._named(scores) if return_dict else scores

    def predict_on_batch(self, x: Data) -> Outputs:
        """Outputs for one batch."""
        return self._by_key(training.predict_on_batch(self._predicting(x), x))

    @legacy("generator", of="method")
    def fit_generator(
        self,
        generator: Batches,
        steps_per_epoch: float | None = None,
        epochs: int = 1,
        verbose: Verbosity = 1,
        callbacks: Callbacks = None,
        validation_data: Data = None,
        validation_steps: float | None = None,
        class_weight: Weights = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        shuffle: bool = True,
        initial_epoch: int = 0,
        validation_freq: int | Collection[int] = 1,
    ) -> History:
        """Train on batches from a generator or a `Sequence`; see `fit`."""
        return self.fit(
            training.stream_only(generator, "`generator`"),
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            shuffle=shuffle,
            class_weight=class_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_freq=validation_freq,
            max_queue_size=max_queue_size,
            workers=workers,
            use_multiprocessing=use_multiprocessing,
        )

    @legacy("generator", of="method")
    def evaluate_generator(
        self,
        generator: Batches,
        steps: float | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: Verbosity = 0,
        callbacks: Callbacks = None,
    ) -> Scores:
        """Loss and metrics on batches from a generator or a `Sequence`; see `evaluate`."""
        return self.evaluate(
            training.stream_only(generator, "`generator`"),
            steps=steps,
            callbacks=callbacks,
            verbose=verbose,
            max_queue_size=max_queue_size,
            workers=workers,
            use_multiprocessing=use_multiprocessing,
        )

    @legacy("generator", of="method")
    def predict_generator(
        self,
        generator: Batches,
        steps: float | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: Verbosity = 0,
        callbacks: Callbacks = None,
    ) -> Outputs:
        """Outputs for batches from a generator or a `Sequence`; see `predict`."""
        return self.predict(
            training.stream_only(generator, "`generator`"),
            steps=steps,
            callbacks=callbacks,
            verbose=verbose,
            max_queue_size=max_queue_size,
            workers=workers,
            use_multiprocessing=use_multiprocessing,
        )

    def _probabilities(self, x: Data, batch_size: int | None, verbose: int) -> Outputs:
        y = self.predict(x, batch_size=batch_size, verbose=verbose)
        if np.min(y) < 0 or np.max(y) > 1:
            warnings.warn(
                "The outputs are not in [0, 1], so they are no probabilities: the last layer may lack a "
                "softmax or sigmoid activation.",
                stacklevel=3,
            )
        return y

    def __reduce__(self) -> tuple[Any, ...]:
        return copying.reduce(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        copying.refill(self, state)


def _number(verbose: Verbosity) -> int:
    return 1 if verbose == "auto" else verbose
