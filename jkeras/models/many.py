"""Many models in one program: the same network trained from several seeds, with several hyperparameters, on
several folds."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

from jkeras.callbacks import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau
from jkeras.core.random import next_seed, set_random_seed
from jkeras.core.types import AnyTuple, Batch
from jkeras.models.clone import clone_model
from jkeras.models.fleet import Fleet, Own, Rows, Run, Start, on_device
from jkeras.models.hyper import Hyperparameters
from jkeras.models.members import Member as Member
from jkeras.models.members import Members
from jkeras.models.model import Model
from jkeras.training.data import arrays
from jkeras.training.data.samples import Samples, part
from jkeras.training.run.pure_step import TrainingStep
from jkeras.training.types import Data, Numpy, Weights

Folds: TypeAlias = int | Iterable[Any] | None


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
    callbacks: Sequence[Own] | Own = (),
    group: int | None = None,
    on_epoch_end: Callable[[int, list[Rows]], object] | None = None,
    folds: Folds = None,
    class_weight: Weights = None,
) -> Members:
    """Train a model from every seed with every combination of hyperparameters, in one vmapped program.

    Member `(seed, hyper)` is what these lines make, up to rounding: `set_random_seed(seed)`,
    `clone_model(model)`, `compile` as the model was, with these hyperparameters, and `fit` with the same
    arguments. The model itself stays as it is.

    Args:
        model: a compiled graph of layers.
        x, y, sample_weight, class_weight: arrays, and weights by class, as in `fit`.
        batch_size, epochs, validation_data, validation_split, shuffle: as in `fit`.
        seeds: a member for each.
        hyper: `{"lr": [1e-3, 1e-2], "weight_decay": [0, 1e-2], "*/rate": [0.1, 0.5]}`: numbers of the
            optimizer (with an optax transformation those that `optax.inject_hyperparams` keeps), and floats
            of layers by path, as `dropout_1/rate`, `lstm_1/dropout`, `dense_1/kernel_regularizer/l2`; `*` is
            any text. What decides a shape is part of the program: call `fit_many` once for each.
        callbacks: of `EarlyStopping`, `ReduceLROnPlateau` and `LearningRateScheduler`, for each member by
            itself.
        group: how many members are trained at once; None: as many as half of the memory has room for, by what
            the compiled program takes.
        on_epoch_end: called with the epoch and a dict of logs for each member of the group, as a table that
            grows.
        folds: of a cross-validation, with a member for each: a number of parts of the rows, one after the
            other; or a list of the rows to validate on, or of pairs `(rows to train on, to validate on)`, as
            `KFold(5).split(x)` gives. Weights of samples hold in both parts, those by class in training.

    Returns:
        `Members`: a list with `table()`, `best(metric)`, `compared(metric)`, `put(number)` and `predict(x)`.

    Raises:
        ValueError: the model keeps states between batches, a hyperparameter is none of the
            optimizer's or of a layer's, folds do not fit the rows, or a callback is another one.

    Example:
        >>> import jkeras
        >>> model = jkeras.Sequential([jkeras.Input((3,)), jkeras.layers.Dense(1)])
        >>> model.compile(jkeras.optimizers.SGD(lr=0.1), "mse")
        >>> x, y = np.ones((64, 3)), np.ones((64, 1))
        >>> many = fit_many(model, x, y, seeds=range(2), hyper={"lr": [0.0, 0.1]})
        >>> [(row["seed"], row["lr"]) for row in many.table()], many.best("loss") in (1, 3)
        ([(0, 0.0), (0, 0.1), (1, 0.0), (1, 0.1)], True)
        >>> many = fit_many(model, x, y, folds=4, hyper={"weight_decay": [0.0, 0.1]})
        >>> [row["members"] for row in many.compared("val_loss")]
        [4, 4]
    """
    own = [callbacks] if isinstance(callbacks, Own) else list(callbacks)
    step = _checked(model, own).step()
    data = _data(step, x, y, (sample_weight, class_weight), (validation_data, validation_split), folds)
    knobs = Hyperparameters(model, step, hyper or {})
    begin, members = jax.jit(step.begin), dict[int, Member]()
    wanted = _wanted(seeds, hyper or {}, data.folds)
    for sizes, numbers in _by_size(wanted, data.folds).items():
        fleet = Fleet(step, knobs, data.train, data.held, *sizes, batch_size, shuffle)
        size = group or fleet.room(len(numbers))
        for first in range(0, len(numbers), size):
            some = numbers[first : first + size]
            run = Run(fleet, [_start(model, begin, knobs, *wanted[i], data.folds) for i in some], own)
            run.epochs(epochs, on_epoch_end)
            for place, i in enumerate(some):
                seed, values, fold = wanted[i]
                members[i] = Member(seed, values, *run.result(place), None if folds is None else fold)
    return Members(model, [members[i] for i in range(len(wanted))])


_Wanted: TypeAlias = list[tuple[int, dict[str, float], int]]  # seed, hyperparameters, fold


def _wanted(seeds: Sequence[int], hyper: Mapping[str, Sequence[float]], folds: Sequence[_Fold]) -> _Wanted:
    rows = itertools.product(seeds, itertools.product(*hyper.values()), range(len(folds)))
    return [(int(seed), dict(zip(hyper, map(float, v), strict=True)), fold) for seed, v, fold in rows]


def _by_size(wanted: _Wanted, folds: Sequence[_Fold]) -> dict[tuple[int, int], list[int]]:
    """The numbers of members by how many rows they have: a program is for one number."""
    sizes: dict[tuple[int, int], list[int]] = {}
    for number, (_, _, fold) in enumerate(wanted):
        sizes.setdefault((len(folds[fold].train), len(folds[fold].held)), []).append(number)
    return sizes


def _checked(model: Model, callbacks: Sequence[Any]) -> Model:
    if model.stateful:
        raise ValueError(f"fit_many cannot train {model.name!r}: it keeps states from batch to batch.")
    for callback in callbacks:
        if not isinstance(callback, (EarlyStopping, ReduceLROnPlateau, LearningRateScheduler)):
            raise ValueError(
                "fit_many takes EarlyStopping, ReduceLROnPlateau and LearningRateScheduler, for each member "
                f"by itself; got {callback!r}. Give `on_epoch_end` a function to see the logs of all members."
            )
    return model


class _Fold(NamedTuple):
    """The numbers of rows to train on, and of those to validate on."""

    train: Numpy
    held: Numpy


class _Parts(NamedTuple):
    """The rows on the device: to train on and to validate on, and how members share them."""

    train: Batch
    held: Batch | None
    folds: list[_Fold]


def _data(
    step: TrainingStep,
    x: Data,
    y: Data,
    weights: tuple[Any, Any],
    validation: tuple[Any, float],
    folds: Folds,
) -> _Parts:
    """The samples to train on and to validate on, cut off as `fit` does."""

    def read(x: Data, y: Data, sample_weight: Weights = None, class_weight: Weights = None) -> Samples:
        return arrays.read(x, y, step.trainer.inputs, step.objective.targets, sample_weight, class_weight)

    samples, (given, split) = read(x, y, *weights), validation
    if folds is not None:
        if given is not None or split:
            raise ValueError("`folds` say what is validated on: leave out `validation_data` and `_split`.")
        train = on_device(samples, step)
        held = train._replace(weight=on_device(read(x, y, weights[0]), step).weight)
        return _Parts(train, held, _folds(folds, samples.rows))
    held = None if given is None else read(*given)
    if held is None and split:
        samples, held = _cut_off(samples, split)
    counts = [np.arange(part.rows if part else 0, dtype=np.int32) for part in (samples, held)]
    return _Parts(on_device(samples, step), held and on_device(held, step), [_Fold(*counts)])


def _cut_off(samples: Samples, split: float) -> tuple[Samples, Samples]:
    at = int(samples.rows * (1.0 - split))
    if not 0 < at < samples.rows:
        raise ValueError(
            f"`validation_split` should leave rows on both sides of the {samples.rows}; got {split!r}."
        )

    def rows(start: int, stop: int) -> Samples:
        columns: list[list[Any]] = [[part(a, start, stop) for a in column] for column in samples]
        return Samples(*columns)

    return rows(0, at), rows(at, samples.rows)


def _folds(folds: Any, rows: int) -> list[_Fold]:
    """The folds; rows are counted from 0.

    Example:
        >>> [fold.held.tolist() for fold in _folds(2, 5)], _folds([[1, 4]], 5)[0].train.tolist()
        ([[0, 1, 2], [3, 4]], [0, 2, 3])
    """
    every = np.arange(rows, dtype=np.int32)
    if isinstance(folds, int):
        if not 2 <= folds <= rows:
            raise ValueError(f"`folds` should be from 2 to the number of rows, {rows}; got {folds}.")
        folds = np.array_split(every, folds)
    found: list[_Fold] = []
    for fold in folds:
        pair = isinstance(fold, AnyTuple) and len(fold) == 2 and np.ndim(fold[0]) == 1
        held = np.asarray(fold[1] if pair else fold)
        train = np.asarray(fold[0]) if pair else np.setdiff1d(every, held)
        if not all(_are_rows(some, rows) for some in (train, held)):
            raise ValueError(
                f"A fold should be numbers of rows from 0 to {rows - 1}, those to validate on, or a pair of "
                f"such, (to train on, to validate on), neither of them empty; got {fold!r}."
            )
        found.append(_Fold(train.astype(np.int32), held.astype(np.int32)))
    return found


def _are_rows(some: Numpy, rows: int) -> bool:
    """Whether these are numbers of rows, and there are any."""
    if some.ndim != 1 or some.dtype.kind not in "iu" or not some.size:
        return False
    return bool(0 <= some.min() and some.max() < rows)


def _start(
    model: Model,
    begin: Callable[..., Any],
    hyper: Hyperparameters,
    seed: int,
    values: dict[str, float],
    fold: int,
    folds: Sequence[_Fold],
) -> Start:
    """The beginning of the member's own script; numpy's and Python's generators stay as they are."""
    kept = np.random.get_state(), random.getstate()
    try:
        set_random_seed(seed)
        with hyper.set(values):
            params, state = clone_model(model).values()
        carry = begin(params, state)
        carry = carry._replace(opt=hyper.in_state(carry.opt, values))
        return Start(next_seed(), carry, values, *folds[fold])
    finally:
        np.random.set_state(kept[0])
        random.setstate(kept[1])
