"""Options of a step of training beside the optimizer and the loss."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, TypeAlias

import jax.numpy as jnp

from jkeras.core.types import Ctx

LossScale: TypeAlias = float | Literal["dynamic"] | None

_NARROW = ("bfloat16", "float16")


@dataclasses.dataclass(frozen=True)
class StepOptions:
    """The options of a compiled step; with none of them it is the plain one.

    Args:
        compute_dtype: in which layers compute; weights, their updates, losses and metrics stay as they are.
        loss_scale: what the loss is multiplied with while gradients are computed; "dynamic": as much as they
            stand. A step whose gradients are not finite is left out.
        remat: patterns of layer names; their outputs are computed again for the gradients instead of kept.
        accumulate: how many batches make one update, by the mean of their gradients.
        ema: the share of itself that the moving average of the weights keeps in an update.

    Example:
        >>> StepOptions.of(accumulate=4).config()
        {'accumulate': 4}
    """

    compute_dtype: str | None = None
    loss_scale: LossScale = None
    remat: tuple[str, ...] = ()
    accumulate: int = 1
    ema: float | None = None

    @classmethod
    def of(
        cls,
        compute_dtype: Any = None,
        loss_scale: LossScale = None,
        remat: str | Sequence[str] | None = (),
        accumulate: Any = 1,
        ema: float | None = None,
        auto_scale_loss: bool = True,
    ) -> Self:
        """The options as `compile` takes them, checked.

        Raises:
            ValueError: one of them is of another kind.
        """
        name = None if compute_dtype is None else jnp.dtype(compute_dtype).name
        if name == "float32":
            name = None
        if name not in (None, *_NARROW):
            raise ValueError(f"`compute_dtype` should be 'bfloat16' or 'float16'; got {compute_dtype!r}.")
        if loss_scale is None and name == "float16" and auto_scale_loss:
            loss_scale = "dynamic"
        if loss_scale not in (None, "dynamic") and not 0 < _number(loss_scale) < math.inf:
            raise ValueError(f"`loss_scale` should be a number above 0 or 'dynamic'; got {loss_scale!r}.")
        accumulate = 1 if accumulate is None else accumulate
        if isinstance(accumulate, bool) or not isinstance(accumulate, int) or accumulate < 1:
            raise ValueError(f"`accumulate` should be a number of batches, at least 1; got {accumulate!r}.")
        if ema is not None and not 0 <= _number(ema) < 1:
            raise ValueError(f"`ema` should be a number from 0 to below 1; got {ema!r}.")
        patterns = (remat,) if isinstance(remat, str) else tuple(remat or ())
        return cls(name, loss_scale, patterns, accumulate, ema)

    def config(self) -> dict[str, Any]:
        """The options that are not the plain ones, as arguments of `compile`."""
        given = {f.name: (getattr(self, f.name), f.default) for f in dataclasses.fields(self)}
        values = {name: value for name, (value, default) in given.items() if value != default}
        return values | ({"remat": list(self.remat)} if self.remat else {})

    def with_those_of(self, optimizer: Any) -> StepOptions:
        """These, and where they say nothing what the optimizer asks for as its `step_options`."""
        asked: Mapping[str, Any] = getattr(optimizer, "step_options", None) or {}
        plain = {name: value for name, value in asked.items() if name not in self.config()}
        return dataclasses.replace(self, **plain) if plain else self

    def told(self, ctx: Ctx) -> Ctx:
        """The context of a step, which tells layers in what they compute and what they keep."""
        if self.compute_dtype is None and not self.remat:
            return ctx
        return ctx.replace(dtype=self.compute_dtype, remat=self.remat if ctx.training else ())

    @property
    def keeps(self) -> bool:
        """Whether there are arrays beside the optimizer's own, which steps hand on."""
        return self.accumulate > 1 or self.ema is not None or self.loss_scale == "dynamic"


def _number(value: Any) -> float:
    return math.nan if isinstance(value, (bool, str)) else float(value)


PLAIN = StepOptions()
