"""Tools to look into training: `locate` says where a step goes wrong."""

from __future__ import annotations

import jax
import numpy as np

from jkeras.core.types import Ctx
from jkeras.models.model import Model
from jkeras.training.run.pure_step import StepCarry
from jkeras.training.run.trouble import Place as Place
from jkeras.training.run.trouble import first_trouble
from jkeras.training.types import Data, Weights


def locate(
    model: Model,
    x: Data,
    y: Data = None,
    sample_weight: Weights = None,
    carry: StepCarry | None = None,
    ctx: Ctx | None = None,
) -> Place | None:
    """Make one training step operation by operation, outside of compiled code, and say where it goes wrong.

    The model stays as it is.

    Args:
        model: a compiled and built model.
        x, y, sample_weight: the batch.
        carry: weights and optimizer before the step, see `model.step()`; None: as they are now.
        ctx: with the step's random key, see `TrainingStep.context`; None: some key.

    Returns:
        The `Place` of the first operation that makes NaN, or infinity, of numbers that are none; None if
        there is none.

    Raises:
        RuntimeError: the model is not compiled or not built.
        ValueError: the data hold NaN or infinity themselves.

    Example:
        >>> import jkeras
        >>> model = jkeras.Sequential([jkeras.Input((2,)), jkeras.layers.Lambda(jax.numpy.log, name="logs")])
        >>> model.add(jkeras.layers.Dense(1))
        >>> model.compile("sgd", "mse")
        >>> place = locate(model, np.array([[1.0, 0.0]]), np.ones((1, 1)))
        >>> place.layer, place.phase, place.operation, place.value
        ('logs', 'forward', 'log', 'inf')
    """
    for name, data in (("x", x), ("y", y), ("sample_weight", sample_weight)):
        for array in map(np.asarray, jax.tree.leaves(data)):
            if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
                raise ValueError(f"`{name}` holds NaN or infinity itself.")
    step = model.step()
    carry = step.init() if carry is None else carry
    return first_trouble(step, (x, y, sample_weight), carry, step.context(0) if ctx is None else ctx)
