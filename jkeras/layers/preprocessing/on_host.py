"""The base of layers that work on the host, before the model, and what they share."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jkeras.core.dispatch import is_symbolic
from jkeras.core.types import AnyList, AnyTuple
from jkeras.engine.base_layer import Layer
from jkeras.engine.tensors.variable import current_frame
from jkeras.primitives import encoding

_MODES = ("int", *encoding.MODES, "tf_idf")


class OnHost(Layer):
    """A layer that no device computes with: it is called before the model, on text or numbers."""

    def __call__(self, inputs: Any, **kwargs: Any) -> Any:
        """The result on the host; a tensor of a model is refused."""
        if is_symbolic(inputs) or current_frame() is not None:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) works on the host and "
                "cannot stand inside a model, which is compiled for numbers: call it on the data first, "
                "`x = layer(texts)`, and give the model an Input for `x`."
            )
        return self.on_host(inputs)

    def on_host(self, inputs: Any) -> np.ndarray:
        """The result as a numpy array."""
        raise NotImplementedError(f"{type(self).__name__} must define on_host().")


def mode_of(mode: str) -> str:
    """The output mode by its present name.

    Raises:
        ValueError: an unknown one.
    """
    mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(mode, mode)
    if mode not in _MODES:
        raise ValueError(f"`output_mode` must be one of {_MODES}. Received: {mode!r}")
    return mode


def decoded(texts: Any, encoding: str) -> np.ndarray:
    """An array of Python strings."""
    array = np.asarray(texts)
    found = [t.decode(encoding) if isinstance(t, bytes) else str(t) for t in array.ravel().tolist()]
    return np.asarray([*found, None], object)[:-1].reshape(array.shape)


def batches_of(data: Any, steps: int | None) -> Iterable[Any]:
    """Batches of data: an array or a list is one."""
    batches = [data] if hasattr(data, "shape") or isinstance(data, (AnyList, AnyTuple, str)) else data
    for i, batch in enumerate(batches):
        if steps is not None and i >= steps:
            return
        yield batch


def salt_of(salt: int | Sequence[int] | None) -> list[int] | None:
    """A salt as two numbers.

    Raises:
        ValueError: it is neither one number nor two.
    """
    if salt is None:
        return None
    if isinstance(salt, int):
        return [salt, salt]
    if isinstance(salt, (AnyTuple, AnyList)) and len(salt) == 2:
        return [int(part) for part in salt]
    raise ValueError(f"`salt` must be a whole number or two of them. Received: {salt!r}")
