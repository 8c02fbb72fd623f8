"""How things show themselves in a notebook: what draws them is on a higher floor, and is told here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_draw: Callable[[Any], str] | None = None


def set_drawer(draw: Callable[[Any], str]) -> None:
    """Install `draw(thing)`, which makes the HTML of a layer, a model, a history or a run."""
    global _draw
    _draw = draw


class Displayed:
    """Mixin of what has a picture in a notebook."""

    def _repr_html_(self) -> str | None:
        """HTML for IPython."""
        return None if _draw is None else _draw(self)
