"""Gradients and updates as symbolic tensors, for training loops that are written with `K.function`."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
from __future__ import annotations

from typing import Any

import jax
import optax

from jkeras import backend
from jkeras.core.dispatch import op
from jkeras.core.types import Array
from jkeras.engine.tensors.variable import Variable
from jkeras.optimizers._transformation import Around, clip


def gradients_of(optimizer: Any, loss: Any, params: list[Variable], clipped: bool = True) -> list[Any]:
    """The gradient of the loss for each weight, after `clipnorm` and `clipvalue` if `clipped`.

    Raises:
        ValueError: the loss does not depend on one of them.
    """
    derivatives = backend.gradients(loss, params)
    lost = [weight.name for weight, gradient in zip(params, derivatives, strict=True) if gradient is None]
    if lost:
        raise ValueError(
            f"The loss has no gradient (`None` for gradient) with respect to {', '.join(lost)}: it is not "
            "computed from these weights."
        )
    around: Around = optimizer.around()
    limits = around.clipnorm or around.global_clipnorm or around.clipvalue
    return op(clip)(derivatives, around) if clipped and limits else derivatives


def updates_of(optimizer: Any, loss: Any, params: list[Variable], clipped: bool) -> list[Any]:
    """Items of `updates` of `K.function` that make one step: of the weights, the slots and `iterations`.

    Args:
        optimizer: one with a rule; its hyperparameters may be tensors for a while.
        loss, params: see `Optimizer.get_updates`.
        clipped: whether `get_gradients` is the user's, and so clips by itself.
    """
    names = [f"{i:04d}" for i in range(len(params))]  # in the order of `params`, also when sorted
    weights = {"weights": dict(zip(names, params, strict=True))}
    binding = optimizer.bind(optimizer._ruled(weights, [("weights", name) for name in names]))
    tx = optimizer._pure(clips=not clipped)
    still: set[int] = set()

    def step(gradients: list[Array], values: Any, cells: list[Any]):
        state = jax.tree.unflatten(binding.treedef, cells)
        store, slopes = ({"weights": dict(zip(names, v, strict=True))} for v in (values, gradients))
        change, state = tx.update(slopes, state, store)
        new: Any = optax.apply_updates(store, change)
        moved = new["weights"]
        kept = [
            w.constraint(moved[n]) if w.constraint else moved[n] for n, w in zip(names, params, strict=True)
        ]
        after = jax.tree.leaves(state)
        still.update(i for i, (old, new) in enumerate(zip(cells, after, strict=True)) if old is new)
        return kept, after

    gradients = (
        optimizer.get_gradients(loss, params) if clipped else gradients_of(optimizer, loss, params, False)
    )
    tensors = {optimizer._hyper[name]: tensor for name, tensor in optimizer._tensors.items()}
    values, cells = op(step)(gradients, params, [tensors.get(cell, cell) for cell in binding.cells])
    count, scheduled = optimizer.iterations, optimizer.lr if optimizer._schedule is not None else None
    pairs = [(c, new) for i, (c, new) in enumerate(zip(binding.cells, cells, strict=True)) if i not in still]
    moved = [backend.update(c, new) for c, new in pairs if c is not count and c is not scheduled]
    weights = [backend.update(w, new) for w, new in zip(params, values, strict=True)]
    return [backend.update_add(count, 1), *moved, *weights]
