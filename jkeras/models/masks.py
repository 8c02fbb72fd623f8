"""Masks that a script gives by hand: a layer that puts one on a tensor."""

from __future__ import annotations

from typing import Any

from jkeras.core.dispatch import op
from jkeras.core.types import INFERENCE, Ctx, Key, Operand, Out, Pair, Params, Shapes, State, Tree, Weights
from jkeras.engine.base_layer import Layer


class _Mark(Layer):
    """Gives its first input the second as mask."""

    supports_masking = True

    def formula(self) -> Pair:
        def init(rng: Key, in_shape: Shapes) -> Weights:
            return {}, {}

        def apply(params: Params, state: State, x: Tree, ctx: Ctx = INFERENCE) -> Out:
            return Out(x[0], mask=x[1])

        return Pair(init, apply)


@op
def _unmarked(x: Any) -> Any:
    return x


def marked(x: Operand, mask: Operand) -> Operand:
    """A tensor with this mask and no other."""
    return _unmarked(x) if mask is None else _Mark()([x, mask])
