"""Warnings about data that can be trained on, but hardly are what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from jkeras import losses
from jkeras.core.frames import warn_user
from jkeras.core.types import AnyNumpy
from jkeras.training.data.samples import Samples
from jkeras.training.objective.endpoints import Endpoint, Target
from jkeras.training.types import Numpy


def look_at(samples: Samples, inputs: Sequence[Endpoint], fed: Sequence[Target], what: str = "") -> None:
    """Warn of numbers that are not finite, and of labels that a loss on probabilities does not take.

    Args:
        samples: checked arrays; what is read by rows is left alone.
        inputs, fed: of the model.
        what: where the data come from, to stand before their names.
    """
    named = [*zip(samples.x, inputs, strict=True), *zip(samples.y, fed, strict=True)]
    for a, end in named:
        if isinstance(a, AnyNumpy) and a.dtype.kind == "f" and not _is_finite(a):
            warn_user(
                f"The data for {what}{end.name!r} contain {_kinds(a)}: losses and weights become NaN of "
                "them. Find them with np.isnan or np.isfinite and replace or leave out their samples."
            )
    for a, target in named[len(samples.x) :]:
        _look_at_labels(a, target, what)


def _look_at_labels(a: Any, target: Any, what: str) -> None:
    if getattr(target.fn, "function", target.fn) is not losses.binary_crossentropy or not isinstance(
        a, AnyNumpy
    ):
        return
    low, high = a.min(), a.max()
    if low < 0 or high > 1:
        remedy = (
            "use (y + 1) / 2, or the loss 'hinge'" if low == -1 and high == 1 else "use a loss for numbers"
        )
        warn_user(
            f"The targets for {what}{target.name!r} lie between {low:g} and {high:g}, but "
            f"binary_crossentropy takes probabilities, from 0 to 1: {remedy}."
        )


def _is_finite(a: Numpy) -> bool:
    """Whether all numbers are; their sum tells it, but where it overflows."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(a.sum(dtype=None if a.dtype.itemsize > 2 else np.float32))) or bool(
            np.isfinite(a).all()
        )


def _kinds(a: Numpy) -> str:
    return " and ".join(_found(a))


def _found(a: Numpy) -> Iterator[str]:
    if np.isnan(a).any():
        yield "NaN"
    if np.isinf(a).any():
        yield "infinity"
