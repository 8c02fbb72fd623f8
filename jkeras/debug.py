"""Tools to look into training: `locate` says where a step goes wrong, `plan` what it costs."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core import memory
from jkeras.core.types import INFERENCE, Ctx, Shape
from jkeras.models.costs import flops_of_turns
from jkeras.models.model import Model
from jkeras.training.run.pure_step import StepCarry
from jkeras.training.run.report import Cost
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


class Plan(NamedTuple):
    """The costs of a step on this device.

    Args:
        step: "training", or "inference" of a model that is not compiled.
        device: its kind.
        batch: rows.
        parameters: numbers in the weights.
        flops: operations; a loop's as often as it runs.
        traffic: bytes that are moved, as XLA counts them, of a loop those of one turn.
        memory: bytes at most.
        largest_batch: rows for which the memory of the device lasts, as a program for so many needs it; 0: no
            row fits.
        seconds: of a step.
    """

    step: str
    device: str
    batch: int
    parameters: int
    flops: float
    traffic: float
    memory: int
    largest_batch: int
    seconds: float

    def __str__(self) -> str:
        rate = self.flops / self.seconds / 1e9
        return (
            f"{self.step} on {self.device}, {self.batch} rows, {self.parameters:,} parameters\n"
            f"operations     {self.flops:.3g} ({rate:.3g} G a second)\n"
            f"bytes moved    {self.traffic:.3g}\n"
            f"memory         {self.memory / 2**20:.1f} MiB\n"
            f"largest batch  {self.largest_batch:,}\n"
            f"seconds        {self.seconds:.3g}"
        )


def plan(model: Model, batch_size: int = 32) -> Plan:
    """Find what a step costs before training: a step of training, of an uncompiled model one of inference.

    The step is compiled for several sizes and run a few times on zeros of the first; the model stays as it
    is.

    Args:
        model: a built model.
        batch_size: rows.

    Raises:
        ValueError: an input or target has an unknown size beside the batch's.

    Example:
        >>> import jkeras
        >>> model = jkeras.Sequential([jkeras.Input((8,)), jkeras.layers.Dense(4)])
        >>> model.compile("sgd", "mse")
        >>> costs = plan(model, 16)
        >>> costs.parameters, costs.flops > 16 * 2 * 8 * 4, costs.largest_batch > 16
        (36, True, True)
    """
    step, run, first, ends = _step_of(model)
    shapes = _shapes(ends, batch_size)
    program = jax.jit(run).lower(first, shapes).compile()
    cost = Cost.of(program)
    batch = tuple([jnp.zeros(s.shape, s.dtype) for s in part] for part in shapes)
    jax.block_until_ready(program(first, batch))
    began = time.perf_counter()
    for _ in range(_TIMES):
        jax.block_until_ready(program(first, batch))
    seconds = (time.perf_counter() - began) / _TIMES
    device: Any = jax.devices()[0]

    def peak(rows: int) -> int:
        return Cost.of(jax.jit(run).lower(first, _shapes(ends, rows)).compile()).peak

    limit = (device.memory_stats() or {}).get("bytes_limit") or memory.total()
    return Plan(
        step,
        device.device_kind,
        batch_size,
        model.count_params(),
        cost.flops + flops_of_turns(run, first, shapes),
        cost.traffic,
        cost.peak,
        _largest(peak, batch_size, cost.peak, limit),
        seconds,
    )


def _largest(peak: Callable[[int], int], rows: int, taken: int, limit: int) -> int:
    """The most rows that fit, to a few in a hundred.

    What a program takes grows with its batch by other numbers where other parts of it take the most, so that
    the line through two sizes leads to a third one, which is tried.

    Args:
        peak: bytes for a number of rows.
        rows, taken: the first point.
        limit: bytes that there are.

    Example:
        >>> most = _largest(lambda rows: 100 + max(5 * rows, 9 * rows - 4000), 32, 260, 20_000)
        >>> 2600 < most <= (20_000 + 3900) / 9, _largest(lambda rows: 5 * rows + 1000, 32, 1160, 1000)
        (True, 0)
    """
    tried = {0: 0, rows: taken, 2 * rows: peak(2 * rows)}
    for _ in range(_TRIES):
        fits = max(size for size, taken in tried.items() if taken <= limit)
        over = min((size for size, taken in tried.items() if taken > limit), default=None)
        if tried[fits] > _ENOUGH * limit or over == fits + 1:
            break
        a, b = sorted(tried)[-2:] if over is None else (fits, over)
        a_row = max(1.0, (tried[b] - tried[a]) / (b - a))
        aim = a + int(((1 + _ENOUGH) / 2 * limit - tried[a]) / a_row)
        size = min(max(aim, fits + 1), _AT_ONCE * max(tried) if over is None else over - 1)
        tried[size] = peak(size)
    return max(size for size, taken in tried.items() if taken <= limit)


_TRIES = 10  # sizes that are compiled on the way to the largest batch
_AT_ONCE = 256  # times as large as the one before at most: a line through small sizes leads anywhere
_ENOUGH = 0.98  # of the memory
_TIMES = 5  # that a step is run


def _step_of(model: Model) -> tuple[str, Any, Any, tuple[Any, ...]]:
    """The step as a function of its carry and a batch, the first carry, and the ends that a batch is for."""
    if model.optimizer is not None:
        step = model.step()

        def train(carry: Any, batch: Any) -> Any:
            return step.apply(carry, batch, step.context(0))

        return "training", train, step.init(), (step.trainer.inputs, step.objective.fed)
    apply: Any = model.pure().apply
    values = model.values()

    def infer(values: Any, batch: Any) -> Any:
        xs = batch[0]
        return apply(*values, xs if len(xs) > 1 else xs[0], INFERENCE).y

    return "inference", infer, values, (model.signature[0],)


def _shapes(ends: tuple[Any, ...], rows: int) -> tuple[Any, ...]:
    """A batch without its values."""
    return tuple([jax.ShapeDtypeStruct(_rows(end, rows), end.dtype) for end in part] for part in ends)


def _rows(end: Any, rows: int) -> Shape:
    shape: Any = end.shape if end.shape is not None else end.output
    if shape is None or None in shape[1:]:
        raise ValueError(f"{end.name!r} has an unknown size, {shape}: build the model for a known one.")
    return (rows, *shape[1:])
