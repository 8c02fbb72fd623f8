"""Layer: the Keras object around a pure pair. It owns variables, remembers calls, and knows its config."""

# pyright: reportUnknownMemberType=false, reportPrivateUsage=false
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, Self, Unpack, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jkeras import constraints, initializers, regularizers
from jkeras.compat.legacy_arguments import legacy
from jkeras.core import random, settings
from jkeras.core.arguments import LayerArguments
from jkeras.core.display import Displayed
from jkeras.core.frames import users_line
from jkeras.core.names import snake_case, unique_name
from jkeras.core.snapshot import as_now, settled
from jkeras.core.types import (
    INFERENCE,
    AnyList,
    AnyTuple,
    Array,
    Ctx,
    Function,
    Key,
    Out,
    Pair,
    Params,
    Shape,
    State,
    Tree,
)
from jkeras.core.words import arguments_of, unknown_arguments
from jkeras.engine.call import adapter, added_metrics, checks
from jkeras.engine.call.calling import call_layer, own_formula, shapes_of
from jkeras.engine.call.checks import InputSpec as InputSpec
from jkeras.engine.call.running import checked_pair, overridden
from jkeras.engine.layer.config import BASE_ARGUMENTS, own_config
from jkeras.engine.layer.effects import Added, Update
from jkeras.engine.layer.keras_internals import LayerInternals
from jkeras.engine.layer.nodes import Inputs
from jkeras.engine.layer.weights import penalties, rule
from jkeras.engine.tensors.shapes import Spec, infer, is_spec, plain
from jkeras.engine.tensors.symbolic import Tensor, as_asked, as_values
from jkeras.engine.tensors.variable import Variable, current_frame
from jkeras.engine.tree import gather, walk
from jkeras.initializers.undrawn import draw_later, drawing_later


def draw(
    rng: Key, layer: Layer, special: Mapping[str, Any] = {}, /, **shapes: tuple[Any, ...] | bool | None
) -> dict[str, Any]:
    """Draw weights with the layer's initializers, in the order given; a falsy shape means no such weight.

    Args:
        rng: key; the i-th name uses `fold_in(rng, i)`.
        layer: has an attribute `<name>_initializer` for each name (`kernel` → `kernel_initializer`).
        special: initializers of single weights in the place of the layer's.
        **shapes: weight name → shape.

    Returns:
        `{weight name: array}`; while a built-in layer is built, values that are drawn when they are read.
    """
    arrays: dict[str, Any] = {}
    for i, (name, given) in enumerate(shapes.items()):
        if given or given == ():
            shape = cast("tuple[Any, ...]", given)
            if None in shape:
                raise ValueError(
                    f"Layer {layer.name!r} ({type(layer).__name__}) needs a known size for its weight "
                    f"{name!r}, but its shape would be {shape}: give that size in "
                    "input_shape. Before a Dense, a global pooling in the place of Flatten takes any size."
                )
            initializer = special.get(name) or rule(layer, name, "initializer")
            key = functools.partial(random.fold_in, rng, i)
            arrays[name] = draw_later(initializer, key, shape, layer.dtype)
    return arrays


def _may_mix(cls: type[Layer]) -> bool:
    """Whether a class that says nothing of it may mix the samples: one with a formula of the user's."""
    if not cls.is_native:
        return True
    ours = cls.__module__.startswith("jkeras.")
    graph = isinstance(inspect.getattr_static(cls, "rowwise"), property)  # its layers tell
    says_already = not cls.__base__.__module__.startswith("jkeras.") and "formula" not in vars(cls)
    return not (ours or graph or says_already)


def _shape_of(spec: Spec) -> Shape:
    return spec.shape


def _value_of(variable: Variable) -> Array:
    return variable._value


class Layer(LayerInternals, Displayed):
    """Base of all layers.

    A built-in layer says what it computes in `formula()`; a user's layer defines `build`, `call` and, where
    needed, `compute_mask`, `compute_output_shape` and `get_config`, as in Keras.

    A batch may be shared among devices by rows only where every sample's output depends on that sample
    alone. A class of the user's is taken to mix the samples (`x - x.mean(0)`), and gives the same numbers
    on any number of devices, unless it says `rowwise = True`.

    Args:
        name: unique in a model; default: the class name in snake case with a number.
        trainable: whether its weights are trained (read when the model is compiled).
        dtype: of its weights; default: `floatx`. It computes in it, whatever `compile(compute_dtype=)` says;
            where the shape of the input is given too, `floatx` is no such wish.
        input_shape, batch_input_shape, batch_size, input_dtype: what a first layer of `Sequential` expects.
        weights: list of initial values, in the order of `get_weights`.

    Raises:
        TypeError: for an unknown keyword.

    Keras 2.2.4: keras/engine/base_layer.py Layer

    Example:
        >>> import jkeras
        >>> class Scale(jkeras.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.scale = self.add_weight(name="scale", shape=input_shape[1:], initializer="ones")
        ...         super().build(input_shape)
        ...     def call(self, x):
        ...         return x * self.scale
        >>> Scale()(np.ones((2, 3))).shape
        (2, 3)
    """

    supports_masking = False
    stateful = False
    rowwise: Any = True  # every sample's output depends on that sample only; the user's classes must say so
    named_children = False
    call_words: tuple[str, ...] = ("mask",)  # what Keras's `call` takes after the inputs, in its order
    own_words: tuple[str, ...] = ()  # keywords of a call that the formula's `apply` takes after the context
    input_spec: Any = None
    activity_regularizer: Any = None

    def __init__(self, **kwargs: Unpack[LayerArguments]):
        unknown = sorted(set(kwargs) - BASE_ARGUMENTS)
        if unknown:
            known = {*arguments_of(type(self).__init__), *BASE_ARGUMENTS} - {"self"}
            if "input_dim" in unknown:
                raise TypeError(
                    f"{type(self).__name__} takes no input_dim: give input_shape=(...), without the batch."
                )
            raise unknown_arguments(type(self).__name__, unknown, known, f" It takes {sorted(known)}.")
        self.name = kwargs.get("name") or unique_name(snake_case(type(self).__name__))
        self._trainable = kwargs.get("trainable", True)
        dtype = kwargs.get("dtype") or kwargs.get("input_dtype")
        self.dtype = settings.dtype_name(dtype)
        shape, given = kwargs.get("batch_input_shape"), kwargs.get("input_shape")
        if shape is None and given is not None:
            sizes = (given,) if isinstance(given, (int, np.integer)) else given
            shape = (kwargs.get("batch_size"), *sizes)
        if shape is not None:
            self.batch_input_shape = plain(shape)
        asked = dtype and (shape is None or self.dtype != settings.floatx())
        self.own_dtype = self.dtype if asked and jnp.issubdtype(self.dtype, jnp.floating) else None
        self.built = False
        self.build_shape: Any = None
        self._given_weights = kwargs.get("weights")
        self.inbound_nodes, self.outbound_nodes = [], []
        self.made_at = users_line()
        self.extra_losses, self.extra_updates, self.follows = [], [], []  # the last: those that follow inputs
        self.extra_metrics: list[tuple[str, Tensor]] = []
        self.reported: list[str] = []  # names of the metrics that `call` adds

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "pair" in vars(cls) and "formula" not in vars(cls):
            cls.formula = vars(cls)["pair"]  # its name in 0.1, ...
        elif "formula" in vars(cls) and "pair" not in vars(cls):
            cls.pair = vars(cls)["formula"]  # ... which `super().pair()` finds
        first = next(c for c in cls.__mro__ if {"formula", "call", "build"} & set(vars(c)))
        cls.is_native = "formula" in vars(first)
        if "rowwise" not in vars(cls) and _may_mix(cls):
            cls.rowwise = False

    is_native = True
    own_dtype: str | None = None  # the one that was asked for: it wins over what `compile` says
    narrows_weights = True  # whether a narrow dtype of computation is that of its weights
    narrows_inputs = True  # and of its inputs
    fixed_phase: bool | None = None  # what `K.set_learning_phase` said when a subclassed model was built

    # --- meaning ---------------------------------------------------------------------------------------

    def formula(self) -> Pair:
        """The computation of a built-in layer, or of yours if it is written as a pair; here the identity.

        Its own checks, masks and regularizers are put around it: what a user of the layer gets is `pure()`.

        Returns:
            `Pair(init, apply)`, closed over hyperparameters only.

        Example:
            >>> import jkeras
            >>> class Scale(jkeras.layers.Layer):
            ...     rowwise = True  # each sample's output depends on that sample alone
            ...     def formula(self):
            ...         def init(rng, in_shape):
            ...             return {"scale": np.ones(in_shape[-1], "float32")}, {}
            ...         def apply(params, state, x, ctx=jkeras.INFERENCE):
            ...             return jkeras.Out(params["scale"] * x)
            ...         return jkeras.Pair(init, apply)
            >>> Scale()(np.ones((2, 3))).shape
            (2, 3)
        """

        def init(rng: Key, in_shape: Any) -> tuple[Params, State]:
            return {}, {}

        def apply(params: Any, state: Any, x: Tree, ctx: Ctx = INFERENCE) -> Out:
            return Out(x, mask=ctx.mask)

        return Pair(init, apply)

    pair = formula

    def pure(self) -> Pair:
        """This layer as two pure functions.

        Returns:
            `Pair(init, apply)` with `init(rng, in_shape) -> (params, state)` and
            `apply(params, state, x, ctx=INFERENCE) -> Out`, fit for jit, grad, vmap and pmap. What a loss
            has beside `Out.loss` is `penalty(params)`.
        """
        return self.checked_formula()

    def checked_formula(self, as_cell: bool = False) -> Pair:
        """The pair as the engine (or a recurrent layer, a cell) runs it: `Out.state` holds what changed."""
        return checked_pair(self, as_cell)

    def over_variables(self) -> Callable[..., Out] | None:
        """How a layer computes that is more than a formula: `(values, x, ctx, **words) -> Out`, with values,
        and what changes, by variable."""
        return None if self.is_native else functools.partial(adapter.run_code, self)

    def penalty(self, params: Params) -> Array | float:
        """The sum of the weight regularizers, the part of Keras's loss that depends on weights alone.

        Args:
            params: as `init` of `pure()` makes them.

        Returns:
            A scalar, 0.0 without regularizers.

        Example:
            >>> import jkeras
            >>> layer = jkeras.layers.Dense(2, kernel_regularizer=jkeras.regularizers.l2(0.5))
            >>> float(layer.penalty({"kernel": np.ones((3, 2)), "bias": np.ones(2)}))
            3.0
        """
        return sum(penalties(self, params, set()), 0.0)

    def __call__(self, inputs: Inputs, **kwargs: Any) -> Any:
        """Record a node (symbolic inputs), or compute (arrays; `training=`, `mask=` are understood)."""
        return call_layer(self, inputs, kwargs)

    def call(self, inputs: Tree, *words: Any, **kwargs: Any) -> Any:
        """The layer's own formula: what a subclass of a built-in layer reaches by `super().call(x)`.

        `training` and `mask` count, by name or in Keras's order, and there is no mask but the one given;
        other words a built-in layer has no use for.
        """
        if len(words) > len(self.call_words):
            raise TypeError(
                f"`call` of layer {self.name!r} takes {len(self.call_words)} arguments after the inputs "
                f"({', '.join(self.call_words)}); got {len(words)}."
            )
        kwargs |= dict(zip(self.call_words, words, strict=False))
        frame = current_frame()
        if frame is None:
            said = {name: word for name, word in kwargs.items() if word is not None}
            return (
                call_layer(self, inputs, said)
                if self.is_native
                else own_formula(self, Layer.call, inputs, said)
            )
        params, state = adapter.with_replaced(self, *gather(self, frame.read), frame)
        ctx = overridden(frame.ctx.at("super", kwargs.get("mask")), kwargs)
        out = self.formula().apply(params, state, as_values(inputs), ctx)
        adapter.absorb(self, out, frame)
        return as_asked(out.y)

    def code_now(self) -> Function:
        """The user's `call`, and the functions that it keeps, as they are now: a call is being recorded."""
        if self.is_native:
            return self.call
        for name, value in list(vars(self).items()):
            if isinstance(value, FunctionType):
                vars(self)[name] = settled(value)
        return as_now(self.call)

    def build(self, input_shape: Any) -> None:
        """Create the weights for inputs of this shape (a list of shapes for several inputs)."""
        checks.refuse_second_build(self)
        if self._params or self._state:
            self.built = True
            return
        native = next(c for c in type(self).__mro__ if "formula" in vars(c))
        if native is not Layer:
            ours = all(type(inner).__module__.startswith("jkeras.") for _, inner in walk(self))
            # Also where the `call` of another layer builds this one:
            init = cast("type[Layer]", native).formula(self).init
            with (
                jax.ensure_compile_time_eval(),
                drawing_later(ours),
                checks.explained(self, input_shape),
            ):
                self.adopt(*init(random.next_key(), input_shape))
        self.built, self.build_shape = True, input_shape

    def assert_input_compatibility(self, inputs: Tree) -> None:
        """Compare tensors or arrays with `input_spec`; Keras's name of `check_inputs`."""
        self.check_inputs(shapes_of(inputs))

    def check_inputs(self, shapes: Any) -> None:
        """Compare input shapes with `input_spec`."""
        checks.check_spec(self, shapes)

    @legacy("add_weight", of="method")
    def add_weight(
        self,
        name: str | None = None,
        shape: Shape | None = None,
        dtype: DTypeLike | None = None,
        initializer: Any = "glorot_uniform",
        regularizer: Any = None,
        trainable: bool = True,
        constraint: Any = None,
    ) -> Variable:
        """Declare a weight in `build`.

        Args:
            name: weight name; `<layer>/<name>:0` is the variable's.
            shape: tuple of ints.
            dtype: default: the layer's.
            initializer, regularizer, constraint: names or functions.
            trainable: False for a weight that training leaves alone (updates go through `add_update`).

        Returns:
            The variable; inside `call` the attribute it is kept in reads as an array.
        """
        if any(d is None for d in shape or ()):
            raise ValueError(
                f"The weight {name!r} of layer {self.name!r} needs a fully known shape; got {shape}."
            )
        initializer = initializers.get(initializer)
        key = functools.partial(jax.random.key, random.next_seed())
        with jax.ensure_compile_time_eval(), drawing_later():
            value = draw_later(
                initializer, key, cast("tuple[int, ...]", tuple(shape or ())), dtype or self.dtype
            )
        return self.own(
            name, value, trainable, initializer, regularizers.get(regularizer), constraints.get(constraint)
        )

    def add_update(self, updates: Any, inputs: Tree = None) -> None:
        """Note `(variable, new value)` pairs, applied together after each training step.

        Args:
            updates: a pair or a list of pairs (`K.update(...)` makes one); outside `call`, of tensors.
            inputs: outside `call`: the inputs that it depends on, for `get_updates_for`.
        """
        frame = current_frame()
        for pair in updates if isinstance(updates, AnyList) else [updates]:
            if frame is not None:
                frame.write(*pair)
            elif pair is not None:
                pair = Update(*pair) if type(pair) is tuple else pair
                self.extra_updates.append(pair)
                self.follows += Added.all([pair], inputs)

    def add_loss(self, losses: Any, inputs: Tree = None) -> None:
        """Add scalars (inside `call`) or tensors to the loss of every model that holds this layer.

        Args:
            losses: one, or a list of them.
            inputs: outside `call`: the inputs that it depends on, for `get_losses_for`.
        """
        frame = current_frame()
        losses = (
            [] if losses is None else list(losses) if isinstance(losses, (AnyList, AnyTuple)) else [losses]
        )
        if frame is not None:
            frame.losses.extend(losses)
        else:
            self.extra_losses.extend(losses)
            self.follows += Added.all(losses, inputs)

    def add_metric(self, value: Any, name: str | None = None, aggregation: str | None = "mean") -> None:
        """Report the mean of a value beside the loss: in `metrics_names`, logs and histories.

        Args:
            value: an array (inside `call`), or a symbolic tensor.
            name: what it is called.
            aggregation: 'mean', the only one: over the values of a batch, then over the batches.

        Raises:
            ValueError: no name, another aggregation, or a number that depends on no input.

        Example:
            >>> import jkeras
            >>> x = jkeras.layers.Input((3,))
            >>> hidden = jkeras.layers.Dense(4, activation="relu")(x)
            >>> model = jkeras.models.Model(x, jkeras.layers.Dense(1)(hidden))
            >>> model.add_metric(hidden, name="activity")
            >>> model.compile("sgd", "mse")
            >>> model.metrics_names
            ['loss', 'activity']
        """
        name = added_metrics.checked_name(self, name, aggregation)
        if isinstance(value, Tensor):
            self.extra_metrics.append((name, value))
        elif (frame := current_frame()) is not None:
            added_metrics.report(self, name, value, frame)
        else:
            raise ValueError(
                f"add_metric({name!r}) of {self.name!r} takes a tensor of the model, or a value inside "
                f"`call`; got {value!r}."
            )

    # --- shapes and masks ------------------------------------------------------------------------------

    def compute_mask(self, inputs: Tree, mask: Tree = None) -> Tree:
        """The mask of the output: the input's, for a layer that supports masking.

        Raises:
            TypeError: a mask came to a layer that does not support masking.
        """
        if not self.supports_masking:
            checks.refuse_mask(self, mask)
            return None
        return mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output shape (None = unknown) for an input shape, batch axis first."""
        pair = self.checked_formula()
        many = isinstance(input_shape, AnyList)
        specs = [Spec(s, self.dtype) for s in (input_shape if many else [input_shape])]

        def run(x: list[Any]) -> Tree:
            if self.built:
                params, state = gather(self, _value_of)
            else:
                params, state = pair.init(jax.random.key(0), input_shape)
            return pair.apply(params, state, x if many else x[0]).y

        return jax.tree.map(_shape_of, infer(run, specs), is_leaf=is_spec)

    def declared_output_specs(self, shapes: Any) -> Tree:
        """The answer of a user's own `compute_output_shape`, or None."""
        return adapter.declared(self, shapes)

    def refine_output_specs(self, specs: Tree, shapes: Any) -> Tree:
        """Fill unknown dimensions from what a user's own `compute_output_shape` says."""
        return adapter.refine(specs, self.declared_output_specs(shapes))

    @property
    def uses_learning_phase(self) -> bool:
        """Whether training and inference may differ (some layer draws random numbers or moves statistics)."""
        return checks.phases_differ(self)

    @uses_learning_phase.setter
    def uses_learning_phase(self, value: bool) -> None:
        self._differs = bool(value)

    # --- config ----------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain Python values."""
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        if hasattr(self, "batch_input_shape"):
            config |= {"batch_input_shape": self.batch_input_shape, "dtype": self.dtype}
        elif self.own_dtype or self.dtype != settings.floatx():
            config["dtype"] = self.dtype
        return config | own_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A new layer from `get_config()`."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"
