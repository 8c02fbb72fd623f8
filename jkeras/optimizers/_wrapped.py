"""Any optax transformation as an optimizer of a model."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax

from jkeras.core.dispatch import is_symbol
from jkeras.core.types import Array, Function, Tree
from jkeras.engine.tensors.variable import Variable
from jkeras.optimizers._optimizer import Optimizer
from jkeras.optimizers._state import Binding, Scheduled, by_path, is_key

_RATES = ("hyperparams/learning_rate", "hyperparams/lr")


class OptaxState(NamedTuple):
    """The state of a wrapped transformation, and the number of steps done."""

    iterations: Any  # int32 ()
    inner: Any  # the transformation's own state


class OptaxOptimizer(Optimizer):
    """An `optax.GradientTransformation` in the place of a Keras optimizer; `compile` wraps it by itself.

    The transformation sees gradients and parameters as the tree of public names, `{layer: {weight: array}}`
    as in `model.pure()`, of the layers that train; so masks, `optax.partition` and the like go by layer name
    (as functions of the tree, if some layers may be frozen). Of `value`, `grad` and `value_fn` it is given
    what it takes, and the loss as `obj_fn` or its gradient as `grad_fn` where it asks for that, as
    `optax.contrib.sophia` and `sam` do; what asks for more is refused before training. On several devices
    `value_fn` must be the loss of the whole batch with its own gradient rule: differentiated through a
    `psum`, a line search takes another way on each device and they wait for ever.

    `opt.lr` is the rate that `optax.inject_hyperparams` keeps in the state: change it at any time without
    recompiling. Other transformations keep the rate in their code, and `opt.lr` says so.

    A saved model keeps the state, not the transformation (a function): compile the loaded model with the same
    transformation, and the state is restored if its paths and shapes fit.

    Args:
        transformation: the transformation, or an `optax.MultiSteps`.

    Raises:
        TypeError: for anything else.

    Example:
        >>> opt = OptaxOptimizer(optax.inject_hyperparams(optax.sgd)(learning_rate=0.5))
        >>> opt.lr = 0.25
        >>> binding = opt.init({"dense": {"kernel": jnp.ones(2)}})
        >>> float(opt.state.inner.hyperparams["learning_rate"].value)
        0.25
    """

    def __init__(self, transformation: Any):
        super().__init__()
        self.iterations = 0
        if isinstance(transformation, optax.MultiSteps):
            transformation = transformation.gradient_transformation()
        if not isinstance(transformation, optax.GradientTransformation):
            raise TypeError(f"Expected an optax.GradientTransformation; got {transformation!r}.")
        self.transformation = optax.with_extra_args_support(transformation)
        self._rates: dict[str, Variable] | None = None

    def _pure(
        self, to_tree: Function | None = None, from_tree: Function | None = None, clips: bool = True
    ) -> optax.GradientTransformationExtraArgs:
        """The user's transformation; `to_tree` and `from_tree` give it its view."""
        tx = self.transformation
        to_tree, from_tree = to_tree or _same, from_tree or _same

        def init(params: Tree) -> OptaxState:
            return OptaxState(jnp.int32(0), jax.tree.map(_own, tx.init(to_tree(params))))

        def update(updates: Tree, state: Tree, params: Tree = None, **extra: Any) -> tuple[Tree, OptaxState]:
            if "grad" in extra:
                extra["grad"] = to_tree(extra["grad"])
            if "value_fn" in extra:
                extra["value_fn"] = _after(from_tree, extra["value_fn"])
            params = None if params is None else to_tree(params)
            updates, inner = _fed(tx.update, (to_tree(updates), state.inner, params), extra)
            return from_tree(updates), OptaxState(state.iterations + 1, _settle(inner, state.inner))

        return optax.GradientTransformationExtraArgs(init, update)

    def _ruled(
        self,
        params: Tree,
        order: Sequence[tuple[str, str]],
        to_tree: Function | None = None,
        from_tree: Function | None = None,
    ) -> Binding:
        """One step is tried on shapes only, so that misfits show before training.

        Raises:
            TypeError: if the transformation needs more than gradients, parameters and the loss.
            ValueError: if its updates or its new state differ in shape from the parameters or the old state.
        """

        def array(p: Any) -> Array:
            return p.take() if isinstance(p, Variable) else jnp.asarray(p)

        params = jax.tree.map(array, params, is_leaf=is_symbol)
        self._rehearse(params, self._pure(to_tree, from_tree))
        return super()._ruled(params, order, to_tree, from_tree)

    def _fresh(self, params: Tree, tx: optax.GradientTransformation) -> Tree:
        state = tx.init(params)
        known = self._rates or {}
        self._rates = {path: known.get(path, cell) for path, cell in _rate_cells(state).items()}
        return state

    def _ordered(self, state: Tree, order: Sequence[tuple[str, str]]) -> list[Variable]:
        return jax.tree.leaves(state, is_leaf=is_symbol)

    def _kept(self) -> dict[str, Variable]:
        return super()._kept() | (self._rates or {})

    def _rehearse(self, params: Tree, tx: optax.GradientTransformationExtraArgs) -> None:
        """One update on shapes, with everything that training will pass."""

        def step(params: Tree, state: Tree) -> tuple[Tree, Tree]:
            loss = jnp.float32(0)
            return tx.update(params, state, params, value=loss, grad=params, value_fn=_some_loss)

        try:
            state = jax.eval_shape(tx.init, params)
            updates, after = jax.eval_shape(step, params, state)
        except (TypeError, AttributeError, ValueError) as error:
            kind = ValueError if isinstance(error, ValueError) else TypeError
            raise kind(f"This optax transformation cannot train a model by itself: {_why(error)}") from error
        _same_shapes("updates", params, updates)
        _same_shapes("state", state, after)

    @property
    def hyperparams(self) -> dict[str, Variable]:
        """The cells of all hyperparameters that `optax.inject_hyperparams` put into the state, by path."""
        if self.binding is None:
            return {}
        cells = zip(self.binding.paths, self.binding.cells, strict=True)
        return {path: cell for path, cell in cells if "hyperparams" in path.split("/")}

    @property
    def lr(self) -> Variable:
        """The cell of the learning rate, where `optax.inject_hyperparams` keeps one."""
        if self._rates is None:
            self._rates = self._probe()
        if len(self._rates) == 1:
            return next(iter(self._rates.values()))
        if self._rates:
            raise AttributeError(
                f"This optax optimizer has several learning rates ({', '.join(self._rates)}): once the model "
                "is built, set them one by one in model.optimizer.hyperparams."
            )
        raise AttributeError(
            "This optax optimizer has no learning rate that can be read or set: it is a constant or a "
            "schedule in its code. Keep it in the state, as optax.inject_hyperparams(optax.adam)("
            "learning_rate=1e-3) does, or use jkeras.optimizers.Adam(lr=1e-3)."
        )

    @lr.setter
    def lr(self, value: Any) -> None:
        self.lr.assign(value)

    def _probe(self) -> dict[str, Variable]:
        """The rates before a model is known: as the transformation sets them up for no parameters at all."""
        try:
            return _rate_cells(self._pure().init({}))
        except Exception as error:  # whatever user code does with an empty tree
            raise AttributeError(
                "This optax optimizer shows its learning rate only after it is bound to a built model "
                f"(it cannot start without parameters: {error})."
            ) from error

    def get_config(self) -> dict[str, Any]:
        """Refuses: a transformation is a function, and no config can make it anew.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            "An optax transformation cannot be written down as a config: save its state with state_dict(), "
            "and give the same transformation to compile after loading."
        )

    @property
    def portable(self) -> bool:
        """False: no file can make the transformation anew."""
        return False


def _same(tree: Tree) -> Tree:
    return tree


def _after(first: Function, second: Function) -> Function:
    def composed(tree: Tree) -> Any:
        return second(first(tree))

    return composed


def _fed(update: Function, args: tuple[Any, ...], extra: dict[str, Any]) -> tuple[Tree, Tree]:
    """`update` with those of the further arguments that it takes, whatever transformations it is made of.

    It is tried while a program is traced: what it refuses is left out, and the loss as `obj_fn`, or its
    gradient as `grad_fn`, goes in where it asks for that.
    """
    spare: dict[str, Function] = {}
    if loss := extra.get("value_fn"):

        def slope(params: Tree, *step: Any) -> Tree:
            slope_of = cast("Function", jax.grad(loss))
            return slope_of(params)

        spare = {"obj_fn": loss, "grad_fn": slope}
    while True:
        try:
            return update(*args, **extra)
        except (TypeError, ValueError) as error:
            refused = re.search(r"unexpected keyword argument '(\w+)'", str(error))
            asked = re.match(r"(\w+) must be provided|.*missing \d+ required .*'(\w+)'", str(error))
            names = [name for problem in (refused, asked) if problem for name in problem.groups() if name]
            if refused and names[0] in extra:
                extra = {name: value for name, value in extra.items() if name != names[0]}
            elif names and names[0] in spare:
                extra = extra | {names[0]: spare.pop(names[0])}
            else:
                raise


def _why(error: Exception) -> str:
    """The reason that keeps a transformation from training a model."""
    lacking = re.search(r"missing \d+ required .*argument.*", str(error))
    if lacking:
        return (
            "training passes gradients, state, parameters, value, grad, value_fn (or obj_fn) and grad_fn; it "
            f"is {lacking[0]}."
        )
    if isinstance(error, AttributeError) and "'fast'" in str(error):
        return (
            "optax.lookahead moves two sets of weights (optax.LookaheadParams), where a model has one. An "
            "optimizer whose `get_updates` calls another one can keep slow weights as its own variables."
        )
    if "batch dimension" in str(error):
        return (
            "it takes the gradient of every example apart, where training has their mean. Take these by "
            "jax.vmap over model.step().loss, as examples/research/private.py does."
        )
    if "weight_dim" in str(error) or "NoneType" in str(error):
        return f"it must be told which weights it is for ({error}). optax.contrib.muon and galore find out."
    return str(error)


def _some_loss(params: Tree) -> Array:
    return sum((jnp.sum(p, dtype=jnp.float32) for p in jax.tree.leaves(params)), jnp.float32(0))


def _own(leaf: Any) -> jax.Array:
    """A leaf of a first state as an array of its own: not weakly typed, and no alias of a parameter."""
    leaf = jnp.asarray(leaf)
    return jnp.copy(leaf) if is_key(leaf) else jnp.array(leaf, leaf.dtype, copy=True)


def _settle(new: Tree, old: Tree) -> Tree:
    """The new state in the dtypes of the old one: a state that drifts would compile the step again."""
    if jax.tree.structure(new) != jax.tree.structure(old):
        raise ValueError(
            "This optax transformation changes the structure of its state in an update, which a compiled "
            f"step cannot follow: from {jax.tree.structure(old)} to {jax.tree.structure(new)}."
        )

    def settled(n: Any, o: Any) -> Any:
        return n if is_key(o) else jnp.asarray(n, o.dtype)

    return jax.tree.map(settled, new, old)


def _same_shapes(what: str, expected: Tree, given: Tree) -> None:
    before, after = ({path: leaf.shape for path, leaf in by_path(tree).items()} for tree in (expected, given))
    if before != after:
        paths = sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))[:5]
        raise ValueError(
            f"This optax transformation returns {what} of other shapes than it was given: "
            + "; ".join(f"{p}: {before.get(p)} became {after.get(p)}" for p in paths)
        )


def _rate_cells(state: Tree) -> dict[str, Variable]:
    """A cell for every learning rate that `inject_hyperparams` put into `state`, by path."""
    leaves = by_path(state)
    cells: dict[str, Variable] = {}
    for path, leaf in leaves.items():
        if path.endswith(_RATES):
            schedule = path.replace("hyperparams/", "hyperparams_states/") + "/"
            kind = Scheduled if any(other.startswith(schedule) for other in leaves) else Variable
            cells[path] = kind(leaf, name=path)
    return cells
