"""Values that layers and models report beside their losses: `add_metric`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import jax.numpy as jnp

from jkeras.core.types import Array, Operand
from jkeras.engine.tensors.frame import Frame
from jkeras.engine.tensors.scope import Scope, asks_tensors
from jkeras.engine.tensors.variable import current_frame
from jkeras.engine.tree import instances

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer

Key: TypeAlias = "tuple[Layer, str]"  # of a metric: the layer that reports it, and its name


def mean(value: Operand) -> Array:
    """The mean of a value, as it is reported."""
    return jnp.mean(jnp.asarray(value, jnp.float32))


def report(layer: Layer, name: str, value: Operand, frame: Frame) -> None:
    """Note the mean of a value in the frame of the code that reports it, and its name."""
    if name not in layer.reported and all(name != known for known, _ in layer.extra_metrics):
        layer.reported.append(name)
    frame.metrics.setdefault((layer, name), []).append(mean(value))


@contextmanager
def adding_nothing(complaint: str) -> Generator[None]:
    """A scope for the body of a compiled loop: a value of one turn has no meaning outside.

    Raises:
        ValueError: with this complaint, after an `add_metric` or `add_loss`.
    """
    frame = current_frame()
    before = 0 if frame is None else frame.additions
    with Scope(as_tensors=asks_tensors()):  # what the code leaves in attributes stays in here, too
        yield
    if frame is not None and frame.additions > before:
        raise ValueError(complaint)


def reported_by(model: Layer) -> list[Key]:
    """All that a model and the layers in it report, in their order."""
    return [
        (layer, name)
        for _, layer in instances(model)
        for name in [*(name for name, _ in layer.extra_metrics), *layer.reported]
    ]


def checked_name(layer: Layer, name: Any, aggregation: Any) -> str:
    """The name given to `add_metric`.

    Raises:
        ValueError: there is none, or another aggregation than the mean is asked for.
    """
    if not isinstance(name, str) or not name:
        raise ValueError(
            f"Please provide a name for the metric of {layer.name!r}: add_metric(value, name='activation'); "
            f"got name={name!r}."
        )
    if aggregation not in (None, "mean"):
        raise ValueError(
            f"The metric {name!r} of {layer.name!r} is averaged over samples and batches: `aggregation` may "
            f"only be 'mean'; got {aggregation!r}."
        )
    return name
