"""A model's inputs and outputs, as data sees them: an `Endpoint` for each of them, a `Target` per loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jkeras import losses
from jkeras.core.types import AnyDict, Shape

# Losses of which targets and outputs have shapes that have nothing to do with each other.
_OTHER_SHAPES = (losses.ctc, losses.circle, losses.categorical_generalized_cross_entropy)


def function_of(loss: Any) -> Any:
    """The function that a loss computes, where it is an object of one; else the loss itself.

    Example:
        >>> function_of(losses.MeanSquaredError()) is losses.mean_squared_error
        True
    """
    return getattr(type(loss), "function", loss) if isinstance(loss, losses.Loss) else loss


class Endpoint(NamedTuple):
    """An input or output of a model.

    Args:
        name: of the input or output layer.
        shape: with the batch axis first, None where any size goes; None if nothing is known.
        dtype: what the array becomes on the device.
        limit: number of rows of the table that this input indexes (an Embedding's `input_dim`), if it does.
        layer: name of the layer that makes it, where it is another: one layer may make several outputs.
    """

    name: str
    shape: Shape | None = None
    dtype: str = "float32"
    limit: int | None = None
    layer: str | None = None


class Target(NamedTuple):
    """The `y` that one loss wants.

    Args:
        name: of the output.
        shape: of the target, None where it is not known (losses of the user).
        dtype: of the target on the device.
        fn: the loss.
        mode: "temporal" for a weight per time step, or None for one per sample.
        output: shape of the output itself.
        limit: number of classes where `y` holds class numbers.
        symbol: the tensor or variable that is the target instead of `y` (`target_tensors`), or None.
        layer: as in `Endpoint`.
    """

    name: str
    shape: Shape | None
    dtype: str
    fn: Callable[..., Any]
    mode: str | None
    output: Shape | None
    limit: int | None = None
    symbol: Any = None
    layer: str | None = None

    @classmethod
    def of(cls, endpoint: Endpoint, fn: Callable[..., Any], mode: str | None) -> Target:
        """The target of a loss on an output."""
        shape, limit, ignored = endpoint.shape, None, getattr(fn, "ignore_class", None)
        fn = function_of(fn)
        if shape is not None and fn is losses.sparse_categorical_crossentropy:
            shape, limit = (*shape[:-1], 1), shape[-1] if ignored is None else None
        elif getattr(losses, getattr(fn, "__name__", ""), None) is not fn or fn in _OTHER_SHAPES:
            shape = None
        return cls(
            endpoint.name, shape, endpoint.dtype, fn, mode, endpoint.shape, limit, layer=endpoint.layer
        )


def by_name(given: Any, endpoints: Sequence[Endpoint | Target]) -> Any:
    """In a dict the name of a layer counts for every output that it makes, as in Keras.

    Args:
        given: what is given for the endpoints, in any form.
        endpoints: the endpoints or targets.

    Returns:
        A dict by the names of the endpoints (other keys stay as they are); what is no dict, as it is.

    Example:
        >>> by_name({"s": 1, "other": 2}, [Endpoint("s", layer="s"), Endpoint("s_1", layer="s")])
        {'s': 1, 'other': 2, 's_1': 1}
    """
    if not isinstance(given, AnyDict):
        return given
    names, layers = {endpoint.name for endpoint in endpoints}, {endpoint.layer for endpoint in endpoints}
    kept = {key: value for key, value in given.items() if key in names or key not in layers}
    shared = [endpoint for endpoint in endpoints if endpoint.name not in given and endpoint.layer in given]
    return kept | {endpoint.name: given[endpoint.layer] for endpoint in shared}
