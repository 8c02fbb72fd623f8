"""Masks that a script gives by hand: a layer that puts one on a tensor."""

from __future__ import annotations

from jkeras.core.dispatch import op
from jkeras.core.types import INFERENCE, Out, Pair
from jkeras.engine.base_layer import Layer


class _Mark(Layer):
    """Gives its first input the second as mask."""

    supports_masking = True

    def formula(self) -> Pair:
        return Pair(
            lambda rng, in_shape: ({}, {}), lambda params, state, x, ctx=INFERENCE: Out(x[0], mask=x[1])
        )


@op
def _unmarked(x):
    return x


def marked(x, mask):
    """A tensor with this mask and no other."""
    return _unmarked(x) if mask is None else _Mark()([x, mask])
