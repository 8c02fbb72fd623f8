"""Initializers of kernels whose units their shape alone does not tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jkeras.initializers.classes import VarianceScaling


class _Over(VarianceScaling):
    """A `VarianceScaling` that counts these units, whatever the shape is."""

    def __init__(self, of: VarianceScaling, fans: tuple[int, int]):
        super().__init__(of.scale, of.mode, of.distribution, of.seed)
        self._fans = fans

    def fans_of(self, shape: Sequence[int]) -> tuple[int, int]:
        return self._fans


def over(initializer: Any, fans: tuple[int, int]) -> Any:
    """An initializer for a kernel that sums over `fans[0]` units and makes `fans[1]`.

    Args:
        initializer: any; only `VarianceScaling` and its named settings count units.
        fans: the numbers of units.

    Returns:
        An initializer.

    Example:
        >>> from jkeras.initializers import glorot_uniform
        >>> bool((abs(over(glorot_uniform(), (12, 12))((3, 4, 12))) <= 0.5).all())
        True
    """
    return _Over(initializer, fans) if type(initializer) is VarianceScaling else initializer
