"""Gradients and updates as symbolic tensors, for training loops that are written with `K.function`."""

from __future__ import annotations

from typing import Any

import jax
import optax

from jkeras import backend
from jkeras.core.dispatch import op
from jkeras.engine.variable import Variable
from jkeras.optimizers._keras import clip


def gradients_of(optimizer: Any, loss, params: list[Variable], clipped: bool = True) -> list:
    """The gradient of the loss for each weight, after `clipnorm` and `clipvalue` if `clipped`.

    Raises:
        ValueError: the loss does not depend on one of them.
    """
    found = backend.gradients(loss, params)
    lost = [weight.name for weight, gradient in zip(params, found, strict=True) if gradient is None]
    if lost:
        raise ValueError(
            f"The loss has no gradient (`None` for gradient) with respect to {', '.join(lost)}: it is not "
            "computed from these weights."
        )
    norm, limit = getattr(optimizer, "clipnorm", None), getattr(optimizer, "clipvalue", None)
    return op(clip)(found, norm, limit) if clipped and (norm or limit) else found


def updates_of(optimizer: Any, loss, params: list[Variable]) -> list:
    """Items of `updates` of `K.function` that make one step: of the weights, the slots and `iterations`."""
    names = [f"{i:04d}" for i in range(len(params))]  # in the order of `params`, also when sorted
    binding = optimizer.init({"weights": dict(zip(names, params, strict=True))})
    tx = optimizer.transform()

    def step(gradients, values, cells):
        state = jax.tree.unflatten(binding.treedef, cells)
        store, slopes = ({"weights": dict(zip(names, v, strict=True))} for v in (values, gradients))
        change, state = tx.update(slopes, state, store)
        new: Any = optax.apply_updates(store, change)
        moved = new["weights"]
        kept = [
            w.constraint(moved[n]) if w.constraint else moved[n] for n, w in zip(names, params, strict=True)
        ]
        return kept, jax.tree.leaves(state)

    gradients = gradients_of(optimizer, loss, params, clipped=False)  # the transformation clips
    values, cells = op(step)(gradients, params, binding.cells)
    scheduled = optimizer.lr if optimizer._schedule is not None else None
    pairs = zip([*params, *binding.cells], [*values, *cells], strict=True)
    return [backend.update(cell, new) for cell, new in pairs if cell is not scheduled]
