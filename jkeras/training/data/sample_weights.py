"""How much each sample counts: `sample_weight` and `class_weight` → one array per output, or None."""

from __future__ import annotations

import reprlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from jkeras.core.types import AnyDict, AnyList, AnyTuple
from jkeras.training.data.samples import on_host, rows_of
from jkeras.training.objective.endpoints import Target, by_name
from jkeras.training.types import HostArray, Numpy


def by_output(given: Any, targets: Sequence[Target], what: str) -> list[Any]:
    """The entry of `sample_weight` or `class_weight` for each target."""
    names, given = [target.name for target in targets], by_name(given, targets)
    if given is None or (isinstance(given, (AnyList, AnyTuple, AnyDict)) and not given):
        return [None] * len(names)
    if len(names) == 1:
        if isinstance(given, (AnyList, AnyTuple)) and len(given) == 1:
            if isinstance(given[0], AnyDict) or np.ndim(given[0]) > 0:
                return list(given)
        if isinstance(given, AnyDict) and names[0] in given:
            return [given[names[0]]]
        return [given]
    if isinstance(given, (AnyList, AnyTuple)):
        if len(given) != len(names):
            raise ValueError(
                f"Provided `{what}` was a list of {len(given)} elements, but the model has {len(names)} "
                f"outputs. You should provide one `{what}` array per model output."
            )
        return list(given)
    if isinstance(given, AnyDict):
        unknown = [name for name in given if name not in names]
        if what == "sample_weight" and any(isinstance(key, (int, np.integer)) for key in unknown):
            raise _by_class()
        if unknown:
            raise ValueError(f"`{what}` has an entry {unknown[0]!r}; the outputs of the model are {names}.")
        return [given.get(name) for name in names]
    raise TypeError(
        f"The model has multiple outputs, so `{what}` should be either a list or a dict. Provided `{what}` "
        f"type not understood: {given!r}"
    )


def row_weight(y: HostArray, sample: Any, classes: Any, target: Target) -> Numpy | None:
    """The weight of each sample (or time step) of one output, or None."""
    if isinstance(sample, AnyDict):
        raise _by_class()
    if target.mode == "temporal" and len(y.shape) < 3:
        raise ValueError(
            f"Found a target with shape {tuple(y.shape)} for {target.name!r}. Timestep-wise sample weighting "
            '(sample_weight_mode="temporal") is restricted to outputs that are at least 3D, i.e. have a time '
            "axis."
        )
    if sample is not None:
        if classes is not None:
            warnings.warn(
                "Found both `sample_weight` and `class_weight`: `class_weight` is ignored.", stacklevel=4
            )
        rows = rows_of(on_host(sample, "sample_weight"), slice(None))
        return _sample_weight(np.asarray(rows, "float32"), y, target)
    return None if classes is None else _class_weight(y, classes, target)


def _by_class() -> ValueError:
    return ValueError(
        "`sample_weight` should be an array with one weight per sample, but got a dict whose keys are no "
        "output names. A dict of weights by class is the argument `class_weight`."
    )


def _sample_weight(weight: Numpy, y: HostArray, target: Target) -> Numpy:
    if target.mode == "temporal" and weight.ndim != 2:
        raise ValueError(
            f"Found a sample_weight array with shape {weight.shape} for {target.name!r}; timestep-wise "
            "sample weighting needs a 2D array (samples, time steps)."
        )
    if target.mode is None and weight.ndim != 1:
        raise ValueError(
            f"Found a sample_weight array with shape {weight.shape} for {target.name!r}. In order to use "
            'timestep-wise sample weights, specify sample_weight_mode="temporal" in compile(); for '
            "sample-wise "
            "weights, the array must be 1D."
        )
    if any(want not in (None, got) for want, got in zip(y.shape, weight.shape, strict=False)):
        raise ValueError(
            f"Found a sample_weight array with shape {weight.shape} for a target with shape "
            f"{tuple(y.shape)}: sample_weight cannot be broadcast."
        )
    return weight


def _class_weight(y: HostArray, classes: Any, target: Target) -> Numpy | None:
    if not isinstance(classes, AnyDict):
        warnings.warn(
            f"`class_weight` for {target.name!r} is no dict from class number to weight but "
            f"{reprlib.repr(classes)}: Keras ignores it, and so it is here. Pass one dict.",
            stacklevel=4,
        )
        return None
    if target.symbol is not None:
        raise ValueError(
            f"`class_weight` needs classes in `y`, but the target of {target.name!r} is a tensor "
            "(`target_tensors`); pass `sample_weight`."
        )
    if len(y.shape) > 2:
        raise ValueError("`class_weight` not supported for 3+ dimensional targets.")
    rows = rows_of(y, slice(None))
    labels = rows.argmax(axis=1) if rows.shape[1] > 1 else rows[:, 0]
    present = np.unique(labels)
    missing = [label.item() for label in present if label.item() not in classes]
    if missing:
        raise ValueError(
            f"`class_weight` must contain all classes in the data. The classes {set(missing)} exist in the "
            f"data but not in `class_weight`, whose keys are {list(classes)[:10]}."
        )
    samples = np.array([classes[label.item()] for label in present], "float32")
    return samples[np.searchsorted(present, labels)]
