"""Keras's `engine.training_arrays` and `engine.training_generator`, for packages that call their functions.

They run whatever function of batches they are given, one batch at a time. Training here runs in
`training.run.loop`; nothing in jkeras itself needs these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jkeras import callbacks as cbks
from jkeras.core.progbar import Progbar
from jkeras.core.types import AnyList
from jkeras.keras_internals.training_utils import batch_shuffle, check_num_samples, make_batches


def _list(x: Any) -> list[Any]:
    return x if isinstance(x, AnyList) else [x]


def _rows(ins: list[Any], rows: Any) -> list[Any]:
    """The batch; a number at the end is the learning phase."""
    return [x if isinstance(x, (int, float)) else x[rows] for x in ins]


def _batches(
    ins: list[Any], batch_size: int | None, steps: int | None, steps_name: str
) -> tuple[int | None, list[slice | None]]:
    """(number of samples or None, the rows of each batch, None where the function gets its data itself)."""
    samples = check_num_samples(ins, None if steps is not None else batch_size, steps, steps_name)
    if samples is None:
        return None, [None] * (steps or 1)
    return samples, [slice(*ends) for ends in make_batches(samples, batch_size or 32)]


def _outputs(
    f: Callable[..., Any], ins: list[Any], batches: list[Any], verbose: int
) -> Iterator[tuple[int, list[Any]]]:
    """(size, outputs) of each batch."""
    bar = Progbar(len(batches)) if verbose == 1 else None
    for i, rows in enumerate(batches):
        size = 1 if rows is None else rows.stop - rows.start
        yield size, _list(f(ins if rows is None else _rows(ins, rows)))
        if bar is not None:
            bar.update(i + 1)


def predict_loop(
    model: Any, f: Any, ins: Any, batch_size: int | None = 32, verbose: int = 0, steps: int | None = None
):
    """The outputs of `f` for all batches, joined.

    Args:
        model: not asked for anything.
        f: function of the list of inputs of a batch.
        ins: list of arrays.
        batch_size: samples per batch.
        verbose: 1 shows a bar.
        steps: how many times to call `f` if it gets its data itself.

    Returns:
        An array, or a list of them.

    Keras 2.2.4: keras/engine/training_arrays.py predict_loop
    """
    _, batches = _batches(ins, batch_size, steps, "steps")
    parts = [outputs for _, outputs in _outputs(f, ins, batches, verbose)]
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return joined[0] if len(joined) == 1 else joined


def test_loop(
    model: Any, f: Any, ins: Any, batch_size: int | None = None, verbose: int = 0, steps: int | None = None
):
    """The means over all samples of what `f` returns for each batch; a stateful metric's last value.

    Args:
        model: knows the names of its metrics.
        f: function of the list of inputs, targets and weights of a batch.
        ins: list of arrays.
        batch_size: samples per batch; default 32.
        verbose: 1 shows a bar.
        steps: how many times to call `f` if it gets its data itself.

    Returns:
        A number, or a list of them.

    Keras 2.2.4: keras/engine/training_arrays.py test_loop
    """
    for metric in model.stateful_metric_functions:
        metric.reset_states()
    running = [name in model.stateful_metric_names for name in model.metrics_names]
    _, batches = _batches(ins, batch_size, steps, "steps")
    results = list(_outputs(f, ins, batches, verbose))
    sizes = [size for size, _ in results]
    means = [
        float(values[-1]) if i < len(running) and running[i] else float(np.average(values, weights=sizes))
        for i, values in enumerate(zip(*(outputs for _, outputs in results), strict=True))
    ]
    return means[0] if len(means) == 1 else means


test_loop.__test__ = False  # type: ignore[attr-defined]  # no test, whatever pytest thinks of its name


def fit_loop(
    model: Any,
    f: Any,
    ins: Any,
    out_labels: Any = None,
    batch_size: int | None = None,
    epochs: int = 100,
    verbose: int = 1,
    callbacks: Any = None,
    val_f: Any = None,
    val_ins: Any = None,
    shuffle: bool | str = True,
    callback_metrics: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
):
    """Call `f` with batch after batch, and the callbacks around them.

    Args:
        model: what the callbacks see.
        f: function of the list of inputs, targets and weights of a batch, which trains.
        ins: list of arrays.
        out_labels: names of what `f` returns.
        batch_size: samples per batch; default 32.
        epochs, initial_epoch: the last and the first epoch.
        verbose: 0, 1 or 2.
        callbacks: list of callbacks.
        val_f, val_ins: function and arrays of the validation.
        shuffle: whether to shuffle the samples; "batch": whole batches.
        callback_metrics: names that callbacks are told.
        steps_per_epoch, validation_steps: how often to call the functions if they get their data themselves.

    Returns:
        The `History`.

    Raises:
        ValueError: `validation_steps` without `steps_per_epoch`.

    Keras 2.2.4: keras/engine/training_arrays.py fit_loop
    """
    if validation_steps and steps_per_epoch is None:
        raise ValueError(
            "Can only use `validation_steps` when doing step-wise training: set `steps_per_epoch`."
        )
    samples, batches = _batches(ins, batch_size, steps_per_epoch, "steps_per_epoch")
    model.history, running = cbks.History(), model.stateful_metric_names
    bar = [cbks.ProgbarLogger("samples" if samples else "steps", running)] if verbose else []
    hooks = cbks.CallbackList([cbks.BaseLogger(running), *bar, *(callbacks or []), model.history])
    hooks.set_model(model)
    validates = bool(val_f and val_ins)
    hooks.set_params(
        {
            "batch_size": batch_size,
            "epochs": epochs,
            "steps": steps_per_epoch,
            "samples": samples,
            "verbose": verbose,
            "do_validation": validates,
            "metrics": callback_metrics or [],
        }
    )
    hooks.on_train_begin()
    model.stop_training = False
    for epoch in range(initial_epoch, epochs):
        hooks.on_epoch_begin(epoch)
        _epoch(model, f, ins, batches, _order(samples, batch_size or 32, shuffle), out_labels or [], hooks)
        logs = {}
        if validates and not model.stop_training:
            values = _list(test_loop(model, val_f, val_ins, batch_size, steps=validation_steps))
            logs = {f"val_{name}": value for name, value in zip(out_labels or [], values, strict=False)}
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    hooks.on_train_end()
    return model.history


def _order(samples: int | None, batch_size: int, shuffle: bool | str) -> NDArray[Any] | None:
    if samples is None:
        return None
    order = np.arange(samples)
    if shuffle == "batch":
        return batch_shuffle(order, batch_size)
    return np.random.permutation(order) if shuffle else order


def _epoch(model: Any, f: Any, ins: Any, batches: Any, order: Any, out_labels: Any, hooks: Any) -> None:
    for metric in model.stateful_metric_functions:
        metric.reset_states()
    for i, rows in enumerate(batches):
        ids = None if rows is None else order[rows].tolist()
        logs = {"batch": i, "size": 1 if ids is None else len(ids)}
        hooks.on_batch_begin(i, logs)
        values = _list(f(ins if ids is None else _rows(ins, ids)))
        hooks.on_batch_end(i, logs | dict(zip(out_labels, values, strict=False)))
        if model.stop_training:
            break


def fit_generator(
    model: Any,
    generator: Any,
    steps_per_epoch: int | None = None,
    epochs: int = 1,
    verbose: int = 1,
    callbacks: Any = None,
    validation_data: Any = None,
    validation_steps: int | None = None,
    class_weight: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    shuffle: bool | str = True,
    initial_epoch: int = 0,
):
    """`model.fit_generator`.

    Keras 2.2.4: keras/engine/training_generator.py fit_generator
    """
    return model.fit_generator(
        generator,
        steps_per_epoch=steps_per_epoch,
        epochs=epochs,
        verbose=verbose,
        callbacks=callbacks,
        validation_data=validation_data,
        validation_steps=validation_steps,
        class_weight=class_weight,
        max_queue_size=max_queue_size,
        workers=workers,
        use_multiprocessing=use_multiprocessing,
        shuffle=shuffle,
        initial_epoch=initial_epoch,
    )


def evaluate_generator(
    model: Any,
    generator: Any,
    steps: int | None = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: int = 0,
):
    """`model.evaluate_generator`.

    Keras 2.2.4: keras/engine/training_generator.py evaluate_generator
    """
    return model.evaluate_generator(
        generator,
        steps=steps,
        max_queue_size=max_queue_size,
        workers=workers,
        use_multiprocessing=use_multiprocessing,
        verbose=verbose,
    )


def predict_generator(
    model: Any,
    generator: Any,
    steps: int | None = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: int = 0,
):
    """`model.predict_generator`.

    Keras 2.2.4: keras/engine/training_generator.py predict_generator
    """
    return model.predict_generator(
        generator,
        steps=steps,
        max_queue_size=max_queue_size,
        workers=workers,
        use_multiprocessing=use_multiprocessing,
        verbose=verbose,
    )
