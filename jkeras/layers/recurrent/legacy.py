"""Recurrent: the base class of recurrent layers in Keras 1, for the user's layers that define a `step`."""

from __future__ import annotations

from typing import Any, Unpack, cast

import jax.numpy as jnp
import numpy as np

from jkeras.backend.nn import rnn
from jkeras.compat.legacy_arguments import legacy
from jkeras.core.arguments import LayerArguments
from jkeras.core.dispatch import op
from jkeras.core.types import AnyList, AnyTuple, Array, Function, Shapes, Tree
from jkeras.engine.base_layer import InputSpec, Layer
from jkeras.engine.tensors.variable import Variable
from jkeras.layers.recurrent.base import merge_inputs


class Recurrent(Layer):
    """A layer that carries states over time by a `step` that its subclass defines; for new code take `RNN`.

    A subclass sets `units` in `__init__`; its `build` makes the weights and sets `states` to a list of as
    many None as there are states (and calls `reset_states` where the layer is `stateful`).

    Args:
        return_sequences, return_state, go_backwards, stateful, unroll: as in `RNN`.
        implementation: for the subclass to use.
        **kwargs: base arguments.

    Raises:
        TypeError: of the class itself, which has no `step`.

    Keras 2.2.4: keras/legacy/layers.py Recurrent

    Example:
        >>> class Sum(Recurrent):
        ...     units = 2
        ...     def build(self, input_shape):
        ...         self.states, self.built = [None], True
        ...     def step(self, x, states):
        ...         return x + states[0], [x + states[0]]
        >>> Sum()(np.ones((1, 3, 2), "float32")).tolist()
        [[3.0, 3.0]]
    """

    supports_masking = True
    units: int
    states: Any

    @legacy("recurrent")
    def __init__(
        self,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        implementation: int = 0,
        **kwargs: Unpack[LayerArguments],
    ):
        if type(self) is Recurrent:
            raise TypeError(
                "`Recurrent` is a base class of Keras 1: subclass it and define `step`. Use `RNN` with a "
                "cell, or `SimpleRNN`, `GRU`, `LSTM`."
            )
        super().__init__(**kwargs)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.implementation = implementation
        self.input_spec, self.state_spec = [InputSpec(ndim=3)], None
        self.dropout = self.recurrent_dropout = 0

    # --- for the subclass to define -------------------------------------------------------------------------

    def step(self, inputs: Tree, states: list[Array]):
        """One time step: `(output, new states)`; `states` ends with what `get_constants` returned."""
        raise TypeError(f"{type(self).__name__} must define step(inputs, states).")

    def get_constants(self, inputs: Tree, training: bool | None = None) -> list[Any]:
        """The constants that every step gets after the states."""
        return []

    def preprocess_input(self, inputs: Tree, training: bool | None = None):
        """The inputs as the steps get them, prepared for all steps at once."""
        return inputs

    def get_initial_state(self, inputs: Tree) -> list[Any]:
        """The states of a sequence without a past: zeros `(batch, units)`."""
        units, count = self.units, len(self.states)

        def zeros(x: Array) -> list[Array]:
            return [jnp.zeros((x.shape[0], units), x.dtype)] * count

        return list(op(zeros)(inputs))

    # --- calls ----------------------------------------------------------------------------------------------

    def __call__(self, inputs: Tree, initial_state: Tree = None, **kwargs: Any):
        """Call the layer; the initial states become further inputs."""
        return super().__call__(merge_inputs(inputs, initial_state, None), **kwargs)

    def call(
        self, inputs: Tree, mask: Tree = None, training: bool | None = None, initial_state: Tree = None
    ) -> Any:
        """The steps over time."""
        if isinstance(inputs, (AnyList, AnyTuple)):
            inputs, *initial_state = inputs
        elif initial_state is None:
            initial_state = self.states if self.stateful else self.get_initial_state(inputs)
        if len(initial_state) != len(self.states):
            raise ValueError(
                f"Layer {self.name!r} has {len(self.states)} states but was passed {len(initial_state)} "
                "initial states."
            )
        last, outputs, states = cast("Function", rnn)(
            self.step,
            self.preprocess_input(inputs, training=None),
            initial_state,
            go_backwards=self.go_backwards,
            mask=mask[0] if isinstance(mask, (AnyList, AnyTuple)) else mask,
            constants=self.get_constants(inputs, training=None),
            unroll=self.unroll,
        )
        if self.stateful:
            self.add_update(list(zip(self.states, states, strict=True)), inputs)
        output = outputs if self.return_sequences else last
        return [output, *states] if self.return_state else output

    def compute_mask(self, inputs: Tree, mask: Tree = None) -> Any:
        """The mask of the sequences; none for the last step alone, nor for the states."""
        mask = mask[0] if isinstance(mask, (AnyList, AnyTuple)) else mask
        mask = mask if self.return_sequences else None
        return [mask, *(None for _ in self.states)] if self.return_state else mask

    def compute_output_shape(self, input_shape: Shapes) -> Shapes:
        """`(batch, units)`, or `(batch, time, units)`; with `return_state` the states' shapes after it."""
        batch, steps, *_ = input_shape[0] if isinstance(input_shape, AnyList) else input_shape
        output = (batch, steps, self.units) if self.return_sequences else (batch, self.units)
        return [output, *((batch, self.units) for _ in self.states)] if self.return_state else output

    # --- kept states ----------------------------------------------------------------------------------------

    def reset_states(self, states: Any = None) -> None:
        """Set the kept states.

        Args:
            states: an array, or a list with one for each state; default: zeros.

        Raises:
            AttributeError: the layer is not stateful.
            ValueError: the batch size is not known, or number or shapes are wrong.
        """
        if not self.stateful:
            raise AttributeError(f"Layer {self.name!r} must be stateful to have states that can be reset.")
        spec = self.input_spec[0] if isinstance(self.input_spec, (AnyList, AnyTuple)) else self.input_spec
        batch = (spec.shape or (None,))[0]
        if batch is None:
            raise ValueError(
                f"Layer {self.name!r} is stateful, so it must know its batch size: give it a "
                "batch_input_shape, and let `build` set input_spec[0] to InputSpec(shape=...)."
            )
        zeros = np.zeros((batch, self.units), self.dtype)
        states = [zeros] * len(self.states) if states is None else states
        states = list(states) if isinstance(states, (AnyList, AnyTuple)) else [states]
        if len(states) != len(self.states):
            raise ValueError(
                f"Layer {self.name!r} has {len(self.states)} states; reset_states got {len(states)}."
            )
        if any(np.shape(value) != zeros.shape for value in states):
            raise ValueError(f"The states of layer {self.name!r} have the shape {zeros.shape}.")
        if not isinstance(self.states[0], Variable):
            self.states = [Variable(zeros, name=f"{self.name}/state_{i}:0") for i in range(len(states))]
            self._state.update({f"_states_{i}": cell for i, cell in enumerate(self.states)})
        for cell, value in zip(self.states, states, strict=True):
            cell.assign(value)
