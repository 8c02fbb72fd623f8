"""The shell of an optimizer: Keras's object, whose state is cells around a pure optax transformation."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, cast

import jax
import numpy as np
import optax

from jkeras.compat.legacy_arguments import legacy
from jkeras.core import settings
from jkeras.core.dispatch import is_symbol
from jkeras.core.types import Ctx, Function, Tree
from jkeras.core.words import did_you_mean
from jkeras.engine.tensors.variable import Variable, numpy_copies, numpy_views, take_all
from jkeras.optimizers import _graph, schedules
from jkeras.optimizers._arguments import COMMON, CommonArguments
from jkeras.optimizers._arguments import OptimizerArguments as OptimizerArguments
from jkeras.optimizers._arguments import Rate as Rate
from jkeras.optimizers._state import (
    Binding,
    Hyper,
    by_leaf,
    filled,
    from_numpy,
    path_name,
    shape_in_numpy,
    to_numpy,
)
from jkeras.optimizers._transformation import AVERAGE, Plan, transformation
from jkeras.optimizers._updates import gradients_of, updates_of


class Optimizer(CommonArguments):
    """Base class of all optimizers.

    An optimizer of your own is a subclass that names `config`, `slots` and `rule`, as the example does, or
    one that defines `get_updates` (or `get_gradients`) as in Keras: it is called once for each model, with a
    tensor that stands for the loss, and its updates become the step. Any `optax.GradientTransformation` can
    be given to `compile` as it is.

    One optimizer may be compiled into several models, as GAN scripts do: hyperparameters and `iterations` are
    shared, slots are not. Each model has its own `Binding`; the one made last (or chosen with `bind`) is what
    `weights`, `get_weights` and `state_dict` speak of.

    Args:
        clipnorm: if positive, gradients are scaled so that the norm of all of them together is at most this.
        clipvalue: if positive, every element of a gradient is limited to [-clipvalue, clipvalue].
        learning_rate: another name for `lr`, as in tf.keras.
        weight_decay: share of each weight, times the rate, that a step takes off it before its update.
        global_clipnorm: another name for `clipnorm`, whose norm is the global one, as in Keras 2.2.4.
        use_ema: keep a moving average of the weights; at the end of `fit` it takes their place.
        ema_momentum: share of the old average in the new one.
        ema_overwrite_frequency: after how many moves the average takes the place of the weights, too.
        loss_scale_factor: number that the loss is multiplied with while gradients are computed, which are
            divided by it: `loss_scale` of `compile`.
        gradient_accumulation_steps: number of batches, at least 2, whose mean gradient makes one move.
            Schedules and `decay` count the batches, everything else the moves.
        name: a name.

    Raises:
        TypeError: for any other keyword.
        ValueError: for values of the arguments of averages and accumulation that have no meaning.

    Keras 2.2.4: keras/optimizers.py Optimizer.

    Example:
        >>> import jax.numpy as jnp
        >>> from jkeras.optimizers import Hyper, Optimizer, Step
        >>> class SignSGD(Optimizer):
        ...     config, lr = ("lr",), Hyper()
        ...     def __init__(self, lr=0.01, **kwargs):
        ...         super().__init__(lr=lr, **kwargs)
        ...     def rule(h):
        ...         return Step(lambda g: (-h.lr * jnp.sign(g),))
        >>> tx = SignSGD(lr=0.5).transform()
        >>> updates, state = tx.update({"w": jnp.array([3.0, -2.0])}, tx.init({"w": jnp.zeros(2)}))
        >>> updates["w"].tolist()
        [-0.5, 0.5]
    """

    slots: Any = ()  # names of the arrays kept for every weight
    rule: ClassVar[Any] = None  # hyperparameters → Step
    shape: ClassVar[Any] = None  # (slot, shape of a weight) → shape of the slot; None: the weight's
    counted: ClassVar[bool] = True  # whether iterations is the first of get_weights
    iterations = Hyper("int32")
    _schedule: Function | None = None
    _hyper: dict[str, Variable]

    def __init__(self, **kwargs: Any):
        self.updates: list[Any] = []
        if self.rule is not None and isinstance(type(self).iterations, Hyper):
            self.iterations = 0
        for later, ours in (("learning_rate", "lr"), ("global_clipnorm", "clipnorm")):
            if later in kwargs and ours in (*self.config, *(() if self.later else COMMON)):
                kwargs[ours] = kwargs.pop(later)
        if isinstance(kwargs.get("lr"), dict):
            kwargs["lr"] = schedules.deserialize(kwargs["lr"])
        if "epsilon" in self.config and kwargs.get("epsilon") is None:
            kwargs["epsilon"] = settings.epsilon()
        for name, value in kwargs.items():
            if name not in (*self.config, *COMMON, "name"):
                raise TypeError(
                    f"Unexpected keyword argument passed to optimizer: {name}. {type(self).__name__} takes "
                    f"{', '.join((*self.config, *COMMON))}."
                    f"{did_you_mean(name, (*self.config, *COMMON, 'learning_rate'))}"
                )
            if value is not None or name in self.config:
                setattr(self, name, value)
        self.initial_decay = kwargs.get("decay", 0.0)
        self.check_common()

    # The pure side

    def transform(
        self, to_tree: Function | None = None, from_tree: Function | None = None
    ) -> optax.GradientTransformationExtraArgs:
        """This optimizer as a pure optax transformation; it closes over values, not over this object.

        Args:
            to_tree, from_tree: functions between the parameters as they are passed in and the tree that a
                transformation of the user should see; the rules of Keras need neither.

        Returns:
            `optax.GradientTransformationExtraArgs`; `update` takes `value`, `grad` and `value_fn` by keyword,
            and `rng`, which a `get_updates` that draws random numbers needs.
        """
        return _graph.transformation(self) if self._is_graph else self._pure(to_tree, from_tree)

    def mover(
        self, binding: Binding, constrain: Function, to_tree: Function | None, from_tree: Function | None
    ) -> Function:
        """The step of training: `move(grads, state, params, ctx, value, value_fn) -> (params, state)`.

        Args:
            binding: made by `init`.
            constrain: applies the constraints to parameters; a `get_updates` does that itself.
            to_tree, from_tree: as in `transform`.
        """
        if binding.move is not None:
            return binding.move
        tx = self._pure(to_tree, from_tree)

        def move(
            grads: Tree, state: Tree, params: Tree, ctx: Ctx, value: Any, value_fn: Function | None
        ) -> tuple[Tree, Tree]:
            updates, state = tx.update(grads, state, params, value=value, grad=grads, value_fn=value_fn)
            return constrain(optax.apply_updates(params, updates)), state

        return move

    @property
    def _is_graph(self) -> bool:
        """Whether `get_updates` or `get_gradients` are the user's, on the class or on this object."""
        return self._overrides("get_updates") or self._overrides("get_gradients")

    def _overrides(self, name: str) -> bool:
        return getattr(getattr(self, name), "__func__", None) is not vars(Optimizer)[name]

    def _pure(
        self, to_tree: Function | None = None, from_tree: Function | None = None, clips: bool = True
    ) -> optax.GradientTransformationExtraArgs:
        """The transformation of `rule`."""
        if self.rule is None:
            raise TypeError(
                f"{type(self).__name__} has no update rule: give the class `config`, `slots` and `rule` (see "
                "help(jkeras.optimizers.Optimizer)) or `get_updates`, or pass an "
                "optax.GradientTransformation in its place."
            )
        return transformation(
            Plan(
                type(self).rule,
                tuple(self.slots),
                {name: float(cell.numpy()) for name, cell in self._hyper.items() if name != "iterations"},
                {name: getattr(self, name) for name in self.config if name not in self._hyper},
                self._schedule,
                self.around(clips),
                self.shape,
                self.fills,
            )
        )

    @property
    def learning_rate(self) -> Any:
        """The cell of the learning rate, as `lr`: read it, or give it a number.

        A class whose `lr` is a property of its own, which asks for `learning_rate`, has it here.
        """
        if not self._has_own_lr:
            return cast(Any, self).lr
        if "learning_rate" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute 'learning_rate'")
        return vars(self)["learning_rate"]

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if self._has_own_lr:
            vars(self)["learning_rate"] = value
        else:
            cast(Any, self).lr = value

    @property
    def _has_own_lr(self) -> bool:
        return isinstance(getattr(type(self), "lr", None), property)

    # Symbolic tensors

    def get_gradients(self, loss: Any, params: Iterable[Variable]) -> list[Any]:
        """The gradients of a symbolic loss, clipped as this optimizer clips them.

        Args:
            loss: a symbolic scalar.
            params: list of variables.

        Returns:
            A tensor for each.

        Raises:
            ValueError: the loss does not depend on one of them.

        Keras 2.2.4: keras/optimizers.py Optimizer.get_gradients
        """
        return gradients_of(self, loss, list(params))

    @legacy("get_updates", of="method")
    def get_updates(self, loss: Any, params: Iterable[Variable]) -> list[Any]:
        """One step as `updates` of `K.function`, for training loops of one's own.

        Args:
            loss: a symbolic scalar.
            params: list of variables, such as `model.trainable_weights`.

        Returns:
            Updates of the variables, of new slots for them, and of `iterations`.

        Raises:
            ValueError: the loss does not depend on one of them.

        Keras 2.2.4: keras/optimizers.py Optimizer.get_updates

        Example:
            >>> from jkeras import backend as K, optimizers
            >>> w = K.variable([1.0, 2.0])
            >>> loss = K.sum(K.square(w))
            >>> step = K.function([], [loss], updates=optimizers.SGD(lr=0.25).get_updates(loss, [w]))
            >>> step([])[0].item(), w.value.tolist()
            (5.0, [0.5, 1.0])
        """
        self.updates = updates_of(self, loss, list(params), self._overrides("get_gradients"))
        return self.updates

    # Cells

    def init(
        self,
        params: dict[str, dict[str, Any]],
        order: Sequence[tuple[str, str]] | None = None,
        to_tree: Function | None = None,
        from_tree: Function | None = None,
    ) -> Binding:
        """Make fresh slots for the weights of a model and bind them.

        Args:
            params: `{path: {weight name: array or Variable}}` of the weights that train.
            order: (path, weight name) of these in Keras's order; default: the order of the dictionaries.
            to_tree, from_tree: as in `transform`.

        Returns:
            The new `Binding`, which is also `self.binding`.
        """
        if order is None:
            order = [(path, name) for path, weights in params.items() for name in weights]
        if self._is_graph:
            self.refuse_around()
            return self.bind(_graph.binding(self, params, list(order)))
        return self.bind(self._ruled(params, order, to_tree, from_tree))

    def first_state(
        self,
        params: Tree,
        binding: Binding,
        to_tree: Function | None = None,
        from_tree: Function | None = None,
    ) -> Tree:
        """The state that `init` would begin with, as arrays: a pure function of `params`.

        Args:
            params: `{path: {weight name: array}}` of the weights that train.
            binding: of the model; the state of a `get_updates` of the user's is taken from it, as it is.
            to_tree, from_tree: as in `transform`.
        """
        if binding.move is not None:
            return binding.treedef.unflatten(take_all(binding.cells))
        return self._pure(to_tree, from_tree).init(params)

    def _ruled(
        self,
        params: Tree,
        order: Sequence[tuple[str, str]],
        to_tree: Function | None = None,
        from_tree: Function | None = None,
    ) -> Binding:
        """Fresh slots for the transformation of `rule`."""
        self.choose_decays(params)
        state = self._fresh(params, self._pure(to_tree, from_tree))
        kept, fills = self._kept(), self.fills
        weights = {path_name(path): weight for path, weight in by_leaf(params)}

        def cell(path: Any, leaf: Any):
            label = path_name(path)
            if label in kept:
                return kept[label]
            kind, _, rest = label.partition("/")
            slot, _, of = rest.partition("/")
            if kind == "slots" and slot == AVERAGE:
                now = weights[of]
                value = now.numpy() if isinstance(now, Variable) else np.array(now)
                return Variable(value.astype(leaf.dtype), name=label)
            return Variable(filled(leaf, fills.get(slot, 0.0) if kind == "slots" else 0.0), name=label)

        state = jax.tree_util.tree_map_with_path(cell, state)
        return Binding(state, self._ordered(state, list(order)), trained=params)

    def _fresh(self, params: Tree, tx: optax.GradientTransformation) -> Tree:
        """The shapes of the first state, which is zeros."""

        def shape_of(p: Any) -> jax.ShapeDtypeStruct:
            return jax.ShapeDtypeStruct(p.shape, np.dtype(p.dtype))

        return jax.eval_shape(tx.init, jax.tree.map(shape_of, params, is_leaf=is_symbol))

    def _kept(self) -> dict[str, Variable]:
        """The cells that outlive a binding, by their path in the state."""
        hyper = vars(self).get("_hyper", {})
        return {name if name == "iterations" else f"hyper/{name}": cell for name, cell in hyper.items()}

    def _ordered(self, state: Tree, order: list[tuple[str, str]]) -> list[Variable]:
        """The weights in Keras's order: iterations, then slot by slot, weight by weight."""
        slots = [state.slots[slot][path][name] for slot in self.slots for path, name in order]
        slots += self._placeholders(order)
        slots += [state.slots[slot][path][name] for slot in self.around().slots for path, name in order]
        for i, slot in enumerate(slots):  # the names that TensorFlow gives them
            slot.name = f"training/{type(self).__name__}/Variable{f'_{i}' if i else ''}:0"
        return [self._hyper["iterations"], *slots] if self.counted else slots

    def _placeholders(self, order: list[tuple[str, str]]) -> list[Variable]:
        """Cells that Keras lists after the slots and never uses."""
        return []

    @property
    def fills(self) -> dict[str, float]:
        """The values that slots begin with, where they are not zero."""
        return {}

    def bind(self, binding: Binding | None) -> Any:
        """Make `binding` the current one and return it."""
        self.binding = binding
        self.weights = binding.weights if binding else []
        return binding

    def reset(self) -> None:
        """Forget the slots, as compiling again does; hyperparameters and `iterations` stay."""
        self.bind(None)

    @property
    def state(self) -> Tree:
        """The optax state with a `Variable` at every leaf, or None before `init`."""
        return self.binding and self.binding.own.state

    def cells(self) -> tuple[list[Variable], Any]:
        """(flat list of the state's Variables, treedef): gather for a dispatch, put back after it."""
        if self.binding is None:
            raise RuntimeError(f"{type(self).__name__} has no state yet: call init(params) first.")
        return self.binding.cells, self.binding.treedef

    # Keras's side

    @property
    def weights(self) -> list[Variable]:
        """The cells of the state in Keras's order; empty before the first step."""
        return vars(self).setdefault("_weights", [])

    @weights.setter
    def weights(self, cells: list[Variable]) -> None:
        vars(self)["_weights"] = cells

    def get_weights(self) -> list[np.ndarray]:
        """The values of `weights` as numpy arrays (`iterations` as int64, as Keras counts)."""
        return self._as_keras(numpy_copies(self.weights))

    def get_views(self) -> list[np.ndarray]:
        """The same to be read only: large arrays are not copied."""
        return self._as_keras(numpy_views(self.weights))

    def _as_keras(self, values: list[np.ndarray]) -> list[np.ndarray]:
        count = getattr(self, "iterations", None)
        pairs = zip(self.weights, values, strict=True)
        return [value.astype(np.int64) if w is count else value for w, value in pairs]

    def set_weights(self, weights: Iterable[Any]) -> None:
        """Set the state from arrays in the order of `get_weights`.

        Raises:
            ValueError: for another number of arrays or another shape; nothing is changed then.
        """
        cells, arrays = self.weights, list(weights)
        if len(cells) != len(arrays):
            hint = "" if cells else " There are none before it is bound: compile a built model first."
            raise ValueError(
                f"Length of the specified weight list ({len(arrays)}) does not match the number of weights "
                f"of the optimizer ({len(cells)}).{hint}"
            )
        for cell, array in zip(cells, arrays, strict=True):
            if cell.shape != np.shape(array):
                raise ValueError(
                    f"Optimizer weight shape {cell.shape} not compatible with provided weight shape "
                    f"{np.shape(array)} ({cell.name})."
                )
        for cell, array in zip(cells, list(map(np.asarray, arrays)), strict=True):
            cell.assign(array)

    def get_config(self) -> dict[str, Any]:
        """Arguments that make this optimizer anew; numbers in the state as the floats they are now.

        A function as a schedule cannot be in it: its rate of the last step is, with a warning.
        """
        if not self.portable:
            warnings.warn(
                f"{type(self).__name__}: a schedule is not part of a config; the current learning rate is "
                "written as a constant. After loading, compile with the schedule again.",
                stacklevel=2,
            )
        config = {name: getattr(self, name) for name in COMMON if hasattr(self, name)}
        for name in self.config:
            value = getattr(self, name)
            config[name] = float(value.numpy()) if isinstance(value, Variable) else value
        if self._schedule is not None and self.portable:
            config["lr"] = schedules.serialize(cast(Any, self._schedule))
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Optimizer:
        """The optimizer that `get_config` described."""
        return cls(**config)

    @property
    def portable(self) -> bool:
        """Whether `get_config` tells all: not so with a function as a schedule or an optax transformation."""
        return self._schedule is None or isinstance(self._schedule, schedules.LearningRateSchedule)

    # jkeras's own files

    def state_dict(self, paths: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Everything that is needed to go on exactly: `{path in the state: array}`.

        Args:
            paths: those that are wanted; None: all.

        It has what Keras's list of weights lacks: `iterations` of RMSprop, Adagrad and Adadelta, Nadam's
        schedule product, and the hyperparameters, which callbacks may have changed.
        """
        cells = self.by_path()
        cells = cells if paths is None else {path: cells[path] for path in paths}
        return dict(zip(cells, to_numpy(take_all(cells.values())), strict=True))

    def load_state_dict(self, values: dict[str, Any]) -> None:
        """Put back what `state_dict` gave.

        Raises:
            ValueError: if paths or shapes are not those of this optimizer's state; nothing is changed then.
        """
        cells = self.by_path()
        missing, surplus = sorted(cells.keys() - values.keys()), sorted(values.keys() - cells.keys())
        if missing or surplus:
            hint = "" if self.binding else " It is not bound to a model yet: compile a built model first."
            raise ValueError(
                f"The saved state does not fit this {type(self).__name__}: missing {missing[:5]}, not known "
                f"{surplus[:5]}.{hint}"
            )
        for path, cell in cells.items():  # before anything is read
            shape = np.shape(values[path])
            if shape != shape_in_numpy(cell):
                raise ValueError(f"{path} has shape {cell.shape}; the saved array has {shape}.")
        arrays = {path: from_numpy(values[path], cell) for path, cell in cells.items()}
        for path, cell in cells.items():
            cell.put(arrays[path])

    def by_path(self) -> dict[str, Variable]:
        """The cells of `state_dict`."""
        if self.binding is None:
            return self._kept()
        return dict(zip(self.binding.paths, self.binding.cells, strict=True))
