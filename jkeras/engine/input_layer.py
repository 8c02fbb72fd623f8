"""Input: where data enters a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from jax.typing import DTypeLike

from jkeras.compat.legacy_arguments import legacy
from jkeras.core import settings
from jkeras.core.names import unique_name
from jkeras.engine.base_layer import Layer
from jkeras.engine.tensors.shapes import Spec
from jkeras.engine.tensors.symbolic import Node, Tensor
from jkeras.engine.tensors.variable import Variable


class InputLayer(Layer):
    """The layer behind `Input`: it passes on what a model is fed.

    Args:
        input_shape: shape without the batch axis.
        batch_size: fixed batch size, or None.
        batch_input_shape: shape with the batch axis.
        dtype: of the data; inputs are converted to it.
        input_tensor: a tensor or variable to start from instead of fed data.
        sparse: kept in the config; sparse data is densified batch by batch.
        name: default `input_1`, ….

    Raises:
        ValueError: no shape is given, or two.

    Keras 2.2.4: keras/engine/input_layer.py InputLayer
    """

    supports_masking = True

    @legacy("input")
    def __init__(
        self,
        input_shape: Sequence[int | None] | int | None = None,
        batch_size: int | None = None,
        batch_input_shape: Sequence[int | None] | None = None,
        dtype: DTypeLike | None = None,
        input_tensor: Tensor | Variable | None = None,
        sparse: bool = False,
        name: str | None = None,
    ):
        if input_shape is not None and batch_input_shape is not None:
            raise ValueError("InputLayer takes input_shape or batch_input_shape, not both.")
        if input_tensor is not None and batch_input_shape is None and input_shape is None:
            batch_input_shape = tuple(input_tensor.shape)
            dtype = dtype or input_tensor.dtype
        if batch_input_shape is None:
            if input_shape is None:
                raise ValueError("An Input needs a shape: Input(shape=(20,)) or Input(batch_shape=(32, 20)).")
            batch_input_shape = (
                batch_size,
                *((input_shape,) if isinstance(input_shape, int) else input_shape),
            )
        for d in cast("Sequence[Any]", batch_input_shape):
            if d is not None and (not isinstance(d, (int, np.integer)) or d <= 0):
                raise ValueError(
                    f"The shape of an Input holds positive ints or None; got {tuple(batch_input_shape)}."
                )
        name = name or unique_name("input")
        super().__init__(
            name=name, dtype=dtype or settings.floatx(), batch_input_shape=tuple(batch_input_shape)
        )
        self._trainable = False
        self.sparse, self.input_tensor, self.built = sparse, input_tensor, True
        self.rowwise = input_tensor is None  # its rows belong to the whole batch
        node = Node(self, None, () if input_tensor is None else (input_tensor,), {})
        spec = Spec(self.batch_input_shape, self.dtype)
        self.tensor: Tensor = node.set_outputs(spec, name=name)
        self.inbound_nodes.append(node)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        return {
            "batch_input_shape": self.batch_input_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "name": self.name,
        }


def Input(
    shape: Sequence[int | None] | int | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    dtype: DTypeLike | None = None,
    sparse: bool = False,
    tensor: Any = None,
    batch_size: int | None = None,
) -> Tensor:
    """A symbolic tensor that a model is fed with.

    Args:
        shape: tuple without the batch axis; None for an unknown dimension.
        batch_shape: tuple with the batch axis.
        name: of the input layer; inputs can be given in a dict by these names.
        dtype: of the data, default `floatx`.
        sparse: whether sparse matrices will be fed (densified batch by batch).
        tensor: a variable or array that feeds this input.
        batch_size: fixed batch size, beside `shape`.

    Returns:
        The tensor.

    Raises:
        ValueError: neither shape nor tensor is given.

    Keras 2.2.4: keras/engine/input_layer.py Input

    Example:
        >>> import jkeras
        >>> jkeras.layers.Input(shape=(20,), name="pixels")
        <Tensor 'pixels' shape=(None, 20) dtype=float32>
    """
    if batch_shape is None and tensor is None and shape is None:
        raise ValueError("Input() needs a `shape` (without the batch size) or a `batch_shape`.")
    if batch_shape is None and shape is not None:
        batch_shape = (batch_size, *((shape,) if isinstance(shape, int) else shape))
    if tensor is not None and not isinstance(tensor, (Tensor, Variable)):
        tensor = Variable(tensor)
    layer = InputLayer(
        batch_input_shape=batch_shape, name=name, dtype=dtype, sparse=sparse, input_tensor=tensor
    )
    return layer.tensor
