"""Functions of arrays and symbolic tensors under Keras 3's names: thin over jax.numpy.

All of them are here; `ops.image` has those of images, and `ops.numpy`, `ops.nn` and `ops.linalg` are this
module again, for scripts that say where a function stands in Keras 3.

Keras 3: keras/ops
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from jkeras.compat import later_names
from jkeras.core.registry import suggest
from jkeras.core.types import Function
from jkeras.ops import arrays, networks, signals
from jkeras.ops import image as image

numpy = nn = linalg = sys.modules[__name__]


def _public(part: ModuleType) -> dict[str, Any]:
    """The functions of a module, not what it imports."""
    own = {name: value for name, value in vars(part).items() if name.islower() and not name.startswith("_")}
    imported = {"annotations", "op", "fuzz", "normalize_data_format", "spatial_axes", "is_symbolic"}
    return {n: v for n, v in own.items() if callable(v) and n not in imported}


if TYPE_CHECKING:

    def __getattr__(name: str) -> Function: ...

else:
    for _part in (arrays, networks, signals):
        globals().update(_public(_part))

    def __getattr__(name: str):
        advice = later_names.instead("ops", name)
        hint = "" if name.startswith("_") else f" Use {advice}." if advice else suggest(name, globals())
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}.{hint}", name=name)
