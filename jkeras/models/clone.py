"""clone_model: the same architecture with fresh layers and weights."""

from __future__ import annotations

from jkeras.models.model import Model
from jkeras.models.sequential import Sequential


def clone_model(model: Model, input_tensors=None) -> Model:
    """A new model of new layers with the same config; its weights are freshly drawn.

    Args:
        model: a functional or Sequential model.
        input_tensors: tensors that take the place of the model's inputs.

    Returns:
        The clone; copy weights with `clone.set_weights(model.get_weights())`.

    Raises:
        ValueError: a subclassed model, which has no config.

    Keras 2.2.4: keras/models.py clone_model

    Example:
        >>> from jkeras.layers import Dense
        >>> model = Sequential([Dense(2, input_shape=(3,))])
        >>> clone_model(model).count_params()
        8
    """
    if not isinstance(model, Model):
        raise ValueError(f"clone_model takes a model; got {model!r}.")
    if model._graph is None and not isinstance(model, Sequential):
        raise ValueError(
            f"Model {model.name!r} is a subclass with its own call; make a new instance of its class instead."
        )
    clone = type(model).from_config(model.get_config())
    if input_tensors is None:
        return clone
    tensors = input_tensors if isinstance(input_tensors, list) else [input_tensors]
    return Model(tensors, clone(tensors if len(tensors) > 1 else tensors[0]), name=model.name)
