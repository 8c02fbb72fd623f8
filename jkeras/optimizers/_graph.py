"""Optimizers that are written as `get_updates`: their updates, traced once, are the rule.

`get_updates(loss, params)` is called with the model's own weights and with a tensor that stands for the loss:
its gradients are those that training computes. What it returns is a graph over weights, gradients and
variables; the step runs it. All new values come from the old ones.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from operator import is_, sub
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jax.core import Tracer

from jkeras.core import settings
from jkeras.core.names import name_scope
from jkeras.core.types import AnyTuple, Array, Ctx, Function, Key, Store, Tree
from jkeras.engine.graph import Graph
from jkeras.engine.layer.effects import Update, together
from jkeras.engine.tensors.shapes import Spec
from jkeras.engine.tensors.symbolic import Node, Tensor
from jkeras.engine.tensors.variable import Variable
from jkeras.engine.tree import variables_of
from jkeras.optimizers._state import Binding, Leaves

_MODELS = 8  # how many models an optimizer may train in turn; it holds the weights of no more
Places = list[tuple[str, str]]  # (path, weight name), in Keras's order


class GraphState(NamedTuple):
    """The state of such an optimizer: all variables that its updates read or write."""

    cells: dict[str, Any]


class _Loss:
    """The function of the node that stands for the loss: of the weights, with the gradients of this step."""

    __name__ = "loss"

    def __init__(self):
        self.now: Any = None

    def __call__(self, weights: Any) -> Any:
        return self.now(weights)


class Rule:
    """The updates of an optimizer for the weights of one model.

    Args:
        optimizer: its `get_updates` is called, once.
        params: `{path: {name: Variable}}` of the weights that train.
        places: their places, in Keras's order.

    Attributes:
        cells: the other variables that the updates read or write, the optimizer's weights first.

    Raises:
        ValueError: an update depends on a tensor that is fed to the model.
        TypeError: what `get_updates` returns are no updates.
    """

    def __init__(self, optimizer: Any, params: dict[str, dict[str, Variable]], places: Places):
        self.owner, self.places = type(optimizer).__name__, places
        self.params = [params[path][name] for path, name in places]
        loss = _stand_in(optimizer, self.params)
        self._loss: _Loss = loss.node.fn
        with name_scope("training"), name_scope(self.owner):
            given = optimizer.get_updates(loss=loss, params=self.params)
        self._updates = self._checked(given)
        self._wanted = [u.value for u in self._updates] + [t for t in given if isinstance(t, Tensor)]
        self._graph = self._traced()
        self._is_second_order = any(
            _is_gradient(inner) for node in self._graph.nodes if _is_gradient(node) for inner in node.fn.nodes
        )
        self.weights: list[Variable] = [w for w in optimizer.weights if isinstance(w, Variable)]
        used = [
            *self._graph.free_variables,
            *variables_of(self._graph.layers),
            *(u.variable for u in self._updates),
        ]
        used += [value for value in self._wanted if isinstance(value, Variable)]
        self.cells = [v for v in dict.fromkeys([*self.weights, *used]) if v not in set(self.params)]

    def _checked(self, given: Any) -> list[Update]:
        pairs = [u for u in given if not isinstance(u, Tensor)]  # a tensor is computed, and changes nothing
        for pair in pairs:
            if not isinstance(pair, AnyTuple) or len(pair) != 2 or not isinstance(pair[0], Variable):
                raise TypeError(
                    f"{self.owner}.get_updates must return a list of K.update(variable, value), or of such "
                    f"pairs; it holds {pair!r}."
                )
        return [u if isinstance(u, Update) else Update(*u) for u in pairs]

    def _traced(self) -> Graph:
        try:
            return Graph([], [t for t in self._wanted if isinstance(t, Tensor)])
        except ValueError as error:
            raise ValueError(
                f"{self.owner}.get_updates computes with a tensor that is fed to the model; its updates may "
                f"depend on `loss`, `params`, gradients of the loss and variables. ({error})"
            ) from error

    def state(self) -> GraphState:
        """The variables by their place, which is the same in every process."""
        return GraphState({f"{i:04d}": cell for i, cell in enumerate(self.cells)})

    def step(
        self, grads: Tree, state: GraphState, params: Tree, ctx: Ctx, value: Any, value_fn: Function | None
    ) -> tuple[Store, GraphState]:
        """One step: (new parameters, new state); the arguments are those of an optax transformation."""

        def listed(store: Any) -> list[Any]:
            return [store[path][name] for path, name in self.places]

        places = self.places  # without the rule, which holds the model

        def stored(values: Any) -> dict[str, Any]:
            new = {path: dict(entries) for path, entries in params.items()}
            for (path, name), array in zip(places, values, strict=True):
                new[path][name] = array
            return new

        def whole(weights: list[Any]) -> Any:
            return value_fn and value_fn(stored(weights))

        if self._is_second_order:
            self._loss.now = _differentiable(value, listed(grads), value_fn and whole)
        else:
            self._loss.now = _linear(value, listed(grads), listed(params))
        try:
            weights, cells = self._run(listed(params), list(state.cells.values()), ctx)
        finally:
            self._loss.now = None
        return stored(weights), GraphState(dict(zip(state.cells, cells, strict=True)))

    def _run(self, weights: list[Any], cells: list[Any], ctx: Ctx) -> tuple[list[Any], list[Any]]:
        known = [*self.params, *self.cells]
        values = dict(zip(known, [*weights, *cells], strict=True))
        new = dict(values)
        outputs = iter(self._graph.run(values, [], [], ctx, lambda variable, array: None)[0])
        results = [
            next(outputs) if isinstance(v, Tensor) else values.get(v, v) if isinstance(v, Variable) else v
            for v in self._wanted
        ]
        moved = together(self._updates, results[: len(self._updates)], values.__getitem__)
        new |= {variable: self._fitted(variable, value) for variable, value in moved.items()}
        return [new[v] for v in self.params], [new[v] for v in self.cells]

    def _fitted(self, variable: Variable, value: Any) -> Array:
        value = jnp.asarray(value, variable.dtype)
        if value.shape != variable.shape:
            raise ValueError(
                f"{self.owner}.get_updates gives {variable.name} of shape {variable.shape} a value of shape "
                f"{value.shape}."
            )
        return value


def _stand_in(optimizer: Any, params: list[Variable]) -> Tensor:
    """The tensor that stands for the loss; the same one for the same weights: their updates may be kept."""
    made: list[tuple[Tensor, list[Variable]]] = optimizer.__dict__.setdefault("_losses", [])
    for tensor, weights in made:
        if len(weights) == len(params) and all(map(is_, weights, params)):
            return tensor
    node = Node(None, _Loss(), (list(params),), {})
    made.append((node.set_outputs(Spec((), settings.floatx()), name="loss"), list(params)))
    del made[:-_MODELS]
    return made[-1][0]


def _is_gradient(node: Node) -> bool:
    """Whether `K.gradients` has made a node; it holds the nodes of what is differentiated."""
    return getattr(node.fn, "__name__", None) == "gradients" and hasattr(node.fn, "nodes")


def _linear(value: Any, grads: list[Any], at: list[Any]) -> Function:
    """The loss as a function of the weights near `at`, of which gradients of gradients are not asked: who
    differentiates a whole step finds no rule in it that hides something."""

    def loss(weights: list[Any]) -> Array:
        moves = zip(grads, weights, at, strict=True)
        near = jnp.asarray(sum(jnp.sum(g * (w - old)) for g, w, old in moves), settings.floatx())
        return near + jnp.asarray(jnp.nan if value is None else value, settings.floatx())

    return loss


def _differentiable(value: Any, grads: list[Any], value_fn: Function | None) -> Function:
    """The loss as a function of the weights whose gradients are known; only theirs are computed anew."""

    @jax.custom_vjp
    def slopes(weights: Any) -> list[Array]:
        return grads

    def forward(weights: Any) -> tuple[list[Array], Any]:
        return grads, weights

    # The Hessian, which is symmetric, forwards: a `psum` has no transpose.
    def backward(weights: Any, cotangents: Any) -> tuple[Any]:
        if value_fn is None:
            raise ValueError(
                "Gradients of gradients need `value_fn`, the loss as a function of the parameters."
            )
        return (jax.jvp(jax.grad(value_fn), (weights,), (cotangents,))[1],)

    slopes.defvjp(forward, backward)

    @jax.custom_jvp
    def loss(weights: Any) -> Array:
        return jnp.asarray(jnp.nan if value is None else value, settings.floatx())

    @loss.defjvp
    def _(primals: Any, tangents: Any) -> tuple[Array, Array]:
        moves = zip(cast("list[Array]", slopes(*primals)), *tangents, strict=True)
        return loss(*primals), jnp.asarray(sum(jnp.sum(g * m) for g, m in moves), settings.floatx())

    return loss


def binding(optimizer: Any, params: dict[str, dict[str, Any]], places: Places) -> Binding:
    """The state of `optimizer` for these weights, Variables or arrays."""
    cells = {
        path: {
            n: v if isinstance(v, Variable) else Variable(v, name=f"{path}/{n}:0") for n, v in weights.items()
        }
        for path, weights in params.items()
    }
    rule = Rule(optimizer, cells, places)

    def move(
        grads: Tree, state: Tree, params: Tree, ctx: Ctx, value: Any, value_fn: Function | None
    ) -> tuple[Tree, Tree]:
        with _lent(value_fn) as whole:
            return rule.step(grads, state, params, ctx, value, whole)

    return Binding(rule.state(), rule.weights, move)


@contextmanager
def _lent(function: Function | None) -> Generator[Function | None]:
    """A function while a step is traced. jax keeps what the derivative rules in a program close over for as
    long as the process lives, so it must not be the model."""
    held: list[Any] = [function]
    try:
        yield function and (lambda *args: held[0](*args))
    finally:
        held.clear()


def _rules(optimizer: Any) -> Callable[[Tree], Rule]:
    """The rules of an optimizer by the parameters, in any tree, that they are for."""
    rules: dict[Any, Rule] = {}

    def rule_of(params: Tree) -> Rule:
        leaves, tree = cast("tuple[Leaves, Any]", jax.tree_util.tree_flatten_with_path(params))
        key = tree, *((leaf.shape, str(leaf.dtype)) for _, leaf in leaves)
        if key not in rules:
            names = [f"{i:04d}" for i in range(len(leaves))]
            with jax.ensure_compile_time_eval():
                cells = {
                    n: Variable(_held(leaf), name=jax.tree_util.keystr(path))
                    for n, (path, leaf) in zip(names, leaves, strict=True)
                }
                rules[key] = Rule(optimizer, {"": cells}, [("", n) for n in names])
        return rules[key]

    return rule_of


def _flat(rule: Rule, tree: Tree) -> Store:
    return {"": dict(zip([n for _, n in rule.places], jax.tree.leaves(tree), strict=True))}


def transformation(optimizer: Any) -> optax.GradientTransformationExtraArgs:
    """An optax transformation that follows `get_updates`, for parameters in any tree."""
    rule_of = _rules(optimizer)

    def init(params: Tree) -> GraphState:
        return GraphState({name: cell.value for name, cell in rule_of(params).state().cells.items()})

    def update(
        updates: Tree,
        state: Tree,
        params: Tree = None,
        *,
        value: Any = None,
        value_fn: Function | None = None,
        rng: Key | None = None,
        **extra: Any,
    ) -> tuple[Tree, GraphState]:
        if params is None:
            raise ValueError(
                f"{type(optimizer).__name__}.get_updates computes new parameters: pass `params` to update."
            )
        rule, tree = rule_of(params), jax.tree.structure(params)

        def loss_of(store: Store) -> Any:
            return value_fn and value_fn(tree.unflatten(store[""].values()))

        whole, ctx = value_fn and loss_of, Ctx(rng=rng, training=True)
        new, state = rule.step(_flat(rule, updates), state, _flat(rule, params), ctx, value, whole)
        return jax.tree.map(sub, tree.unflatten(new[""].values()), params), state

    return optax.GradientTransformationExtraArgs(init, update)


def _held(leaf: Any) -> Array:
    return jnp.zeros(leaf.shape, leaf.dtype) if isinstance(leaf, Tracer) else leaf
