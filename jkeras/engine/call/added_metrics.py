"""What layers and models report beside their losses: `add_metric`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import jax.numpy as jnp

from jkeras.engine.tensors.scope import Scope
from jkeras.engine.tensors.variable import current_frame
from jkeras.engine.tree import instances

Key = tuple[int, str]  # (id of the layer, name)

_found: ContextVar[dict[Key, list] | None] = ContextVar("jkeras_measures", default=None)


@contextmanager
def measuring() -> Iterator[dict[Key, list]]:
    """A scope in which a model is run: yields what is reported, one mean for each call of the layer."""
    found: dict[Key, list] = {}
    token = _found.set(found)
    try:
        yield found
    finally:
        _found.reset(token)


def report(layer, name: str, value) -> None:
    """Note the mean of a value, if somebody measures; remember the name, for who will."""
    if name not in layer.reported and all(name != known for known, _ in layer.extra_metrics):
        layer.reported.append(name)
    found = _found.get()
    if found is not None:
        found.setdefault((id(layer), name), []).append(jnp.mean(jnp.asarray(value, jnp.float32)))


@contextmanager
def adding_nothing(complaint: str) -> Iterator[None]:
    """A scope for the body of a compiled loop: a value of one turn has no meaning outside.

    Raises:
        ValueError: with this complaint, after an `add_metric` or `add_loss`.
    """
    frame = current_frame()
    before = 0 if frame is None else len(frame.losses)
    with measuring() as found, Scope():  # what the code leaves in attributes stays in here, too
        yield
    if found or (frame is not None and len(frame.losses) > before):
        raise ValueError(complaint)


def reported_by(model) -> list[Key]:
    """All that a model and the layers in it report, in their order."""
    return [
        (id(layer), name)
        for _, layer in instances(model)
        for name in [*(name for name, _ in layer.extra_metrics), *layer.reported]
    ]


def checked_name(layer, name: Any, aggregation: Any) -> str:
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
