"""Layers around a layer: Wrapper, TimeDistributed, Bidirectional."""

# pyright: reportUnnecessaryIsInstance=false
from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack, cast

import jax
import jax.numpy as jnp

from jkeras.core import random
from jkeras.core.arguments import LayerArguments, SharedArguments
from jkeras.core.dispatch import op
from jkeras.core.registry import CustomObjectScope
from jkeras.core.types import (
    INFERENCE,
    AnyList,
    AnyTuple,
    Array,
    Ctx,
    Key,
    Out,
    Pair,
    Params,
    Shape,
    Shapes,
    State,
    Tree,
    Weights,
    joined,
)
from jkeras.engine.base_layer import Layer
from jkeras.engine.call.calling import formula_mask
from jkeras.engine.layer.keras_internals import object_list_uid
from jkeras.engine.layer.nodes import Inputs
from jkeras.engine.tree import walk
from jkeras.layers.recurrent.base import merge_inputs
from jkeras.layers.serialization import deserialize, serialize


class Wrapper(Layer):
    """Base of layers that hold one inner layer: its weights are theirs.

    Args:
        layer: the inner layer; any layer or model.

    Raises:
        TypeError: `layer` is no layer.

    Keras 2.2.4: keras/layers/wrappers.py Wrapper

    Example:
        >>> Wrapper(Layer(name="inner")).layer.name
        'inner'
    """

    layer: Any
    rowwise = True  # its `build` is no formula: the inner layer tells

    def __init__(self, layer: Layer, **kwargs: Unpack[LayerArguments]):
        if not isinstance(layer, Layer):
            raise TypeError(f"{type(self).__name__} needs a layer to wrap; got {layer!r}.")
        self.layer = layer
        super().__init__(**kwargs)
        self.rowwise = type(self).rowwise and layer.rowwise

    def children(self) -> dict[str, Layer]:
        """The layers inside, by attribute."""
        return {"layer": self.layer, **super().children()}  # and what a user's wrapper holds beside it

    @property
    def trainable(self) -> bool:
        """Whether the inner layer is trained."""
        return self.layer.trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.layer.trainable = value

    def build(self, input_shape: Shapes = None) -> None:
        """Create the weights; a wrapper of the user's, who has built the inner layer, gives no shape."""
        super().build(input_shape)

    def get_weights(self) -> list[Any]:
        """The inner layer's weights, in its order."""
        return self.layer.get_weights() if self.built else []

    def set_weights(self, weights: Any) -> None:
        """Replace the inner layer's weights."""
        self.layer.set_weights(weights)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        return super().get_config() | {"layer": serialize(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None):
        """A wrapper from `get_config()`; `custom_objects` names the classes of your own inner layers."""
        config = dict(config)
        return cls(deserialize(config.pop("layer"), custom_objects), **config)


class TimeDistributed(Wrapper):
    """Applies a layer to every time step.

    The time steps of all samples go through the inner layer as one large batch.

    Args:
        layer: the inner layer; any layer or model.

    Input shape: `(batch, time, ...)`.
    Output shape: `(batch, time, ...)`, the rest as the inner layer makes it.

    Masks: the mask goes to the inner layer, folded in the same way. What comes out is the inner layer's mask,
    or, where that has none, the input's mask (a time step counts if any part of it does).

    Raises:
        ValueError: an input without a time axis.

    Keras 2.2.4: keras/layers/wrappers.py TimeDistributed

    Example:
        >>> import numpy as np
        >>> TimeDistributed(Layer())(np.ones((2, 3, 4))).shape
        (2, 3, 4)
    """

    supports_masking = True
    call_words = ("training", "mask")

    def compute_mask(self, inputs: Tree, mask: Tree = None):
        """The mask of the output, as the inner layer makes it."""
        return formula_mask(self, inputs, mask)

    @property
    def _input_map(self) -> dict[str, Any]:
        """Keras's record of what the inner layer gets for the inputs of each call."""
        calls = [node.inputs for node in self.inbound_nodes if node.args]
        return {object_list_uid(inputs): cast("Any", op(_fold))(inputs[0]) for inputs in calls}

    def formula(self) -> Pair:
        """The pair of the layer inside, over all steps as rows."""
        inner = self.layer.checked_formula()

        def init(rng: Key, in_shape: Shape) -> Weights:
            if len(in_shape) < 3:
                raise ValueError(
                    f"the input must be (batch, time, features, ...): rank 3 or more, got {in_shape}"
                )
            params, state = inner.init(rng, (in_shape[0], *in_shape[2:]))
            return ({"layer": params} if params else {}), ({"layer": state} if state else {})

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            steps = x.shape[:2]
            mask = None if ctx.mask is None else _fold(ctx.mask)
            inside = ctx.at("layer", mask=mask)

            def unfold(a: Array) -> Array:
                return a.reshape(steps + a.shape[1:])

            out = inner.apply(params.get("layer", {}), state.get("layer", {}), _fold(x), inside)
            y, inner_mask = jax.tree.map(unfold, (out.y, out.mask))
            if inner_mask is None and ctx.mask is not None:
                inner_mask = ctx.mask.any(axis=tuple(range(2, ctx.mask.ndim)))
            changed = {"layer": out.state} if out.state else {}
            return Out(y, changed, inner_mask, out.loss, metrics=out.metrics)

        return Pair(init, apply)


def _fold(x: Array):
    """`(batch, time, ...)` → `(batch * time, ...)`."""
    return x.reshape((x.shape[0] * x.shape[1],) + x.shape[2:])


class BidirectionalArguments(SharedArguments, total=False):
    num_constants: int | None


class Bidirectional(Wrapper):
    """A recurrent layer in both directions of time.

    Args:
        layer: the recurrent layer; a copy goes forwards, another one, drawn anew, backwards.
        merge_mode: how the two outputs become one: "concat", "sum", "mul", "ave"; None gives a list of both.
        weights: initial weights, first the forward layer's, then the backward layer's.

    Input shape: `(batch, time, features)`; or a list of it and the initial states, forward ones first.
    Output shape: as the layer's, the last axis doubled for "concat"; with `return_state` a list of the
        output, the forward states and the backward states.

    Raises:
        ValueError: an unknown merge mode; an odd number of initial states.

    Keras 2.2.4: keras/layers/wrappers.py Bidirectional

    Example:
        >>> import numpy as np
        >>> from jkeras.layers.recurrent import LSTM
        >>> Bidirectional(LSTM(3))(np.ones((2, 4, 5))).shape
        (2, 6)
    """

    supports_masking = True
    named_children = True
    forward_layer: Any
    backward_layer: Any

    def __init__(
        self,
        layer: Layer,
        merge_mode: str | None = "concat",
        weights: Sequence[Any] | None = None,
        **kwargs: Unpack[BidirectionalArguments],
    ):
        if merge_mode not in ("sum", "mul", "ave", "concat", None):
            raise ValueError(
                f"Invalid merge mode {merge_mode!r}. It must be one of 'sum', 'mul', 'ave', 'concat', None."
            )
        if not hasattr(layer, "go_backwards"):
            raise ValueError(
                f"Bidirectional needs a recurrent layer, with the argument `go_backwards`; got {layer!r}."
            )
        constants = kwargs.pop("num_constants", None)
        others: SharedArguments = kwargs
        inner: Any = layer  # a recurrent one, perhaps of the user's
        self.forward_layer, self.backward_layer = _both_ways(inner)
        if constants is not None:
            self.forward_layer._num_constants = self.backward_layer._num_constants = constants
        super().__init__(layer, **others)
        if weights:
            half = len(weights) // 2
            self.forward_layer._given_weights = weights[:half]
            self.backward_layer._given_weights = weights[half:]
        self.merge_mode = merge_mode
        self.stateful, self.return_sequences = inner.stateful, inner.return_sequences
        self.return_state, self._num_constants = inner.return_state, constants
        self.activity_regularizer = layer.activity_regularizer  # of the merged output, not of each way
        self.forward_layer.activity_regularizer = self.backward_layer.activity_regularizer = None

    def children(self) -> dict[str, Layer]:
        """The layers inside, by attribute."""
        return {"forward_layer": self.forward_layer, "backward_layer": self.backward_layer}

    @property
    def trainable(self) -> bool:
        """Whether both layers are trained."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self.children().values():
            layer.trainable = value

    def formula(self) -> Pair:
        """The pairs of both directions, merged."""
        ways = {name: layer.checked_formula() for name, layer in self.children().items()}
        constants = self._num_constants or 0
        merge = _merger(self.merge_mode, self.return_sequences, self.return_state)

        def halves(inputs: list[Any]):
            end = len(inputs) - constants
            states, rest = inputs[1:end], inputs[end:]
            if len(states) % 2:
                raise ValueError(
                    f"`initial_state` needs states for both directions; got {len(states)}, an odd number"
                )
            half = len(states) // 2
            return [inputs[0], *states[:half], *rest], [inputs[0], *states[half:], *rest]

        def init(rng: Key, in_shape: Shapes) -> Weights:
            shapes = halves(in_shape) if isinstance(in_shape, AnyList) else (in_shape, in_shape)
            params: Params = {}
            state: State = {}
            for i, (name, way) in enumerate(ways.items()):
                params[name], state[name] = way.init(random.fold_in(rng, i), shapes[i])
            return params, {name: inner for name, inner in state.items() if inner}

        def apply(params: Params, state: State, x: Tree, ctx: Ctx = INFERENCE) -> Out:
            inputs = halves(list(x)) if isinstance(x, (AnyList, AnyTuple)) else (x, x)
            masks = ctx.mask if isinstance(ctx.mask, (AnyList, AnyTuple)) else None
            masks = halves(list(masks)) if masks else (ctx.mask, ctx.mask)
            outs = [
                way.apply(params.get(name, {}), state.get(name, {}), inputs[i], ctx.at(name, mask=masks[i]))
                for i, (name, way) in enumerate(ways.items())
            ]
            changed = {name: out.state for name, out in zip(ways, outs, strict=True) if out.state}
            y, mask = merge(*outs)
            metrics = joined(*(out.metrics for out in outs))
            return Out(y, changed, mask, outs[0].loss + outs[1].loss, metrics=metrics)

        return Pair(init, apply)

    def __call__(self, inputs: Inputs, initial_state: Tree = None, constants: Tree = None, **kwargs: Any):
        """Call the layer; `initial_state` (forward states first) and `constants` become inputs."""
        if constants is not None:
            count = len(constants) if isinstance(constants, (AnyList, AnyTuple)) else 1
            self._num_constants = count
            self.forward_layer._num_constants = self.backward_layer._num_constants = count
        return super().__call__(merge_inputs(inputs, initial_state, constants), **kwargs)

    def call(
        self,
        inputs: Tree,
        mask: Tree = None,
        training: bool | None = None,
        initial_state: Tree = None,
        constants: Tree = None,
    ):
        """The layer's own computation, for a subclass that extends it by `super().call(inputs, ...)`."""
        if not isinstance(
            inputs, (AnyList, AnyTuple)
        ):  # else states and constants are among the inputs already
            inputs = merge_inputs(inputs, initial_state, constants)
        return super().call(inputs, mask=mask, training=training)

    def compute_mask(self, inputs: Tree, mask: Tree = None) -> Any:
        """The mask of the sequences; none for the last step alone, nor for the states."""
        mask = mask[0] if isinstance(mask, (AnyList, AnyTuple)) else mask
        outputs = [mask if self.return_sequences else None] * (1 if self.merge_mode else 2)
        states = [None] * 2 * len(self.layer.state_sizes()) if self.return_state else []
        return [*outputs, *states] if len(outputs) + len(states) > 1 else outputs[0]

    def get_weights(self) -> list[Any]:
        """The forward layer's weights, then the backward layer's."""
        return self.forward_layer.get_weights() + self.backward_layer.get_weights()

    def set_weights(self, weights: Any) -> None:
        """Replace all weights: the first half is the forward layer's."""
        half = len(weights) // 2
        self.forward_layer.set_weights(weights[:half])
        self.backward_layer.set_weights(weights[half:])

    def reset_states(self, states: Any = None) -> None:
        """Set the kept states of both layers; default: zeros."""
        half = None if states is None else len(states) // 2
        self.forward_layer.reset_states(None if states is None else states[:half])
        self.backward_layer.reset_states(None if states is None else states[half:])

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        config = super().get_config()
        return config if self._num_constants is None else config | {"num_constants": self._num_constants}


def _both_ways(layer: Layer) -> tuple[Layer, Layer]:
    """The layer under a new name, and a new one that goes the other way."""
    forward = copy.copy(layer)
    forward.inbound_nodes, forward.outbound_nodes = [], []
    forward.extra_losses, forward.extra_updates, forward.follows = [], [], []
    config = layer.get_config()
    config["go_backwards"] = not config["go_backwards"]
    own = {
        type(inner).__name__: type(inner) for _, inner in walk(layer) if not getattr(inner, "is_native", True)
    }
    with CustomObjectScope(own):
        backward = type(layer).from_config(config)
    forward.name, backward.name = f"forward_{layer.name}", f"backward_{backward.name}"
    return forward, backward


def _merger(mode: str | None, sequences: bool, with_states: bool):
    """`merge(forward, backward) -> (output, mask)` of the two `Out`."""
    joins: dict[str, Callable[[Array, Array], Array]] = {
        "concat": lambda a, b: jnp.concatenate([a, b], axis=-1),
        "sum": lambda a, b: a + b,
        "ave": lambda a, b: (a + b) / 2,
        "mul": lambda a, b: a * b,
    }
    join = None if mode is None else joins[mode]

    def merge(forward: Out, backward: Out) -> tuple[Tree, Tree]:
        (y, *states), (z, *more) = (out.y if with_states else [out.y] for out in (forward, backward))
        z = jnp.flip(z, 1) if sequences else z
        heads = [y, z] if join is None else [join(y, z)]
        mask = forward.mask[0] if isinstance(forward.mask, AnyList) else forward.mask
        outputs = [*heads, *states, *more]
        if len(outputs) == 1:
            return outputs[0], mask
        masks = [mask] * len(heads) + [None] * (len(states) + len(more))
        return outputs, None if mask is None else masks

    return merge
