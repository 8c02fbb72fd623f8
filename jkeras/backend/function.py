"""K.function, K.gradients, K.eval: computing parts of a symbolic graph."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jkeras.backend.control import is_marker
from jkeras.core import bits, random
from jkeras.core.dispatch import set_evaluator
from jkeras.core.types import AnyList, AnyTuple, Array, Ctx, Key, Operand
from jkeras.engine.graph import Around, Graph
from jkeras.engine.layer.effects import Update, together
from jkeras.engine.tensors.scope import NeedsTensorsError, next_answer, note_answer
from jkeras.engine.tensors.shapes import Spec
from jkeras.engine.tensors.sizes import as_array, is_sizes, joined_sizes
from jkeras.engine.tensors.symbolic import Node, Tensor
from jkeras.engine.tensors.variable import Constant, Variable, current_frame
from jkeras.engine.tree import variables_of


def _keep_nothing(variable: Variable, value: Array) -> None:
    """The `write` of a part of a graph: what its layers assign is let go."""


def _cells(graph: Graph) -> list[Variable]:
    """Every variable that a graph reads: of its layers and of its functions."""
    return list(dict.fromkeys([*variables_of(graph.all_layers), *graph.free_variables]))


class Function:
    """The result of `K.function`: call it on a list of values to get the list of outputs.

    Args:
        inputs: tensors to be fed; `K.learning_phase()` may be among them. What the outputs do not need may
            be left out at the end of a call, or be None.
        outputs: tensors (or variables) to compute: a list, or a single one, whose value then comes without a
            list.
        updates: `K.update(...)` items or `(variable, tensor)` pairs, applied together after the outputs.
        name: accepted for compatibility.

    Raises:
        ValueError: an output depends on a tensor that is not among the inputs, or arguments for a session.
        TypeError: an input that is no symbolic tensor.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((2,))
        >>> Function([x], x + 1)([np.zeros(2)]).tolist()
        [1.0, 1.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py Function
    """

    def __init__(
        self,
        inputs: Sequence[Any],
        outputs: Any,
        updates: Iterable[Any] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        if kwargs:
            raise ValueError(
                f"K.function got unknown arguments {sorted(kwargs)}; there is no session to pass them to."
            )
        self.name, self._one = name, not isinstance(outputs, (AnyList, AnyTuple)) or is_sizes(outputs)
        inputs, listed = list(inputs), [outputs] if self._one else list(outputs)
        self.outputs: list[Any] = joined_sizes(listed)
        self.updates: list[Update] = [u if isinstance(u, Update) else Update(*u) for u in updates or []]
        self._phase_at = [i for i, t in enumerate(inputs) if is_marker(t)]
        self._all = inputs
        self._fewer: dict[tuple[int, ...], Function] = {}
        wanted: list[Any] = [*self.outputs, *(u.value for u in self.updates)]
        self._wanted = [t if isinstance(t, Tensor) else None for t in wanted]
        self._constants = wanted
        self.inputs = [t for t in inputs if not is_marker(t)]
        if strange := [t for t in self.inputs if not isinstance(t, Tensor)]:
            raise TypeError(
                f"K.function takes symbolic tensors as inputs; got {strange[0]!r}. (K.learning_phase() is a "
                "number after K.set_learning_phase: then leave it out.)"
            )
        self._graph = Graph(self.inputs, [t for t in self._wanted if t is not None])
        self._cells = _cells(self._graph)
        self._drawing = [n for n in self._graph.known_nodes if getattr(n.fn, "seed", None) is not None]
        self._run: dict[bool, Callable[..., Any]] = {
            phase: jax.jit(functools.partial(self._compute, phase)) for phase in (False, True)
        }

    def _compute(
        self, training: bool, arrays: Sequence[Array], xs: Sequence[Array], rng: Key, counts: Array
    ) -> list[Any]:
        values = dict(zip(self._cells, arrays, strict=True))
        ctx = Ctx(rng=rng, training=training)
        keys = {
            n: jnp.stack([jnp.uint32(n.fn.seed & 0xFFFFFFFF), count])
            for n, count in zip(self._drawing, counts, strict=True)
        }
        around = Around(ctx, self._graph.sites, {}, keys)
        outputs = self._graph.run(values, list(xs), [None] * len(xs), ctx, _keep_nothing, around)[0]
        return [as_array(value) for value in outputs]

    def __call__(self, inputs: Sequence[Any]) -> Any:
        """Compute the outputs for a list of input values."""
        if not isinstance(inputs, (AnyList, AnyTuple)):
            raise TypeError("A backend function takes its inputs as one list: f([x, y]).")
        if len(inputs) > len(self._all):
            raise ValueError(f"The function takes {len(self._all)} inputs; got {len(inputs)}.")
        given = tuple(i for i, value in enumerate(inputs) if value is not None)
        if len(given) < len(self._all):
            return self._of(given)([inputs[i] for i in given])
        training = any(bool(np.asarray(inputs[i])) for i in self._phase_at)
        fed = [x for i, x in enumerate(inputs) if i not in self._phase_at]
        xs = [
            bits.array(np.array(x), t.dtype, f"The input {t.name!r}")
            for x, t in zip(fed, self.inputs, strict=True)
        ]
        rng = np.array([0, random.next_seed()], np.uint32)
        counts = np.array([n.runs for n in self._drawing], np.uint32)
        computed: Iterator[Array] = iter(
            self._run[training]([v.take() for v in self._cells], xs, rng, counts)
        )
        for node in self._drawing:
            node.runs += 1
        results: list[Any] = [
            next(computed) if t is not None else _now(c)
            for t, c in zip(self._wanted, self._constants, strict=True)
        ]
        new = together(self.updates, results[len(self.outputs) :], lambda v: v.take())
        for variable, value in new.items():
            variable.assign(value)
        outputs = [np.array(r)[()] for r in results[: len(self.outputs)]]
        return outputs[0] if self._one else outputs

    def _of(self, given: tuple[int, ...]) -> Function:
        """The same function of fewer inputs, those at these places."""
        if given not in self._fewer:
            inputs, outputs = [self._all[i] for i in given], self.outputs[0] if self._one else self.outputs
            try:
                self._fewer[given] = Function(inputs, outputs, self.updates)
            except ValueError as error:
                raise ValueError(
                    f"The function takes {len(self._all)} inputs; got {len(given)}. {error}"
                ) from error
        return self._fewer[given]


def _now(x: Operand) -> Any:
    return x.take() if isinstance(x, Variable) else x


def function(inputs: Sequence[Any], outputs: Any, updates: Any = None, **kwargs: Any) -> Function:
    """A compiled function from input tensors to the values of output tensors.

    Args:
        inputs: list of tensors (`model.input`, `K.placeholder(...)`, `K.learning_phase()`).
        outputs: list of tensors.
        updates: list of `K.update(variable, tensor)`.
        **kwargs: `name`, accepted for compatibility.

    Returns:
        `Function`: called on a list of values, it returns a list of numpy arrays (numpy numbers for scalars).

    Raises:
        ValueError: an output depends on a tensor that is not among the inputs, or arguments for a session.
        TypeError: an input that is no symbolic tensor.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder(shape=(None, 2))
        >>> K.function([x], [K.sum(x, axis=1)])([np.ones((3, 2))])[0].tolist()
        [2.0, 2.0, 2.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py function
    """
    return Function(inputs, outputs, updates, **kwargs)


def eval(x: Operand) -> Any:
    """The value of a tensor that needs no input, of a variable or of an array.

    Args:
        x: a tensor, a variable or an array.

    Returns:
        A numpy array; for a scalar a numpy number.

    Raises:
        ValueError: `x` depends on a tensor that is to be fed; `K.function` does that.
        TypeError: a value that is computed while a program is traced.

    Example:
        >>> eval(Variable([1.0, 2.0]) * 2).tolist()
        [2.0, 4.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py eval
    """
    if isinstance(x, (Tracer, Variable)) and not isinstance(x, Constant) and current_frame() is not None:
        if (answer := next_answer()) is not None:
            return answer
    if isinstance(x, Tracer):
        raise NeedsTensorsError(
            "K.eval and K.get_value give numbers; this value is computed while a program is traced (in the "
            "call of a layer, a Lambda, a loss or a metric), so it has none. It works where the layer is "
            "called on symbolic tensors and the value depends on no input; else compute on with K functions."
        )
    if isinstance(x, Variable):
        value = x.numpy()[()]
    elif isinstance(x, Tensor) and x.node is not None:
        value = _evaluator(x, ())([])
    else:
        return function([], [x])([])[0]
    if current_frame() is None and not isinstance(x, Constant):
        note_answer(value)
    return value


def _evaluator(x: Tensor, fed: tuple[Any, ...]) -> Function:
    """The compiled function that gives a tensor, kept with what makes it."""
    kept, key = x.node.effects, ("value", x.index, *fed)
    if key not in kept:
        kept[key] = function(list(fed), x)
    return kept[key]


def gradients(loss: Any, variables: Any) -> list[Any]:
    """The gradients of a scalar (or of the sum of a tensor) as tensors.

    Args:
        loss: a symbolic tensor. In the code of a layer or of a model's loss, what K functions make of its
            arguments.
        variables: variables, or tensors that `loss` is computed from; a list or a single one.

    Returns:
        A list: a tensor for each; None for one that `loss` does not depend on.

    Raises:
        TypeError: `loss` is a value, as in the call of a layer on arrays.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.variable([1.0, 2.0])
        >>> K.eval(K.gradients(K.sum(x * x), x)[0]).tolist()
        [2.0, 4.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py gradients
    """
    frame = current_frame()
    targets = list(variables) if isinstance(variables, (AnyList, AnyTuple)) else [variables]
    made = next_answer() if frame is not None else None
    if frame is not None and made is not None:
        return [g if g is None else frame.tensor(g) for g in made]
    if frame is not None:
        loss, *targets = [frame.meaning(x) for x in (loss, *targets)]
    if not isinstance(loss, Tensor) or loss.node is None:
        raise NeedsTensorsError(
            f"K.gradients differentiates symbolic tensors; got {type(loss).__name__}. In code that runs on "
            "values (a layer's call, a Lambda, a loss) it works where the layer is called on symbolic "
            "tensors and the code up to there is made of K functions and operators; else use jax.grad."
        )
    if frame is None:
        note_answer(made := _gradients(loss, targets))
        return made
    made = loss.node.effects.setdefault(("gradients", loss.index, *targets), [])  # once for probe and steps
    made[:] = made or _gradients(loss, targets)
    return [g if g is None else frame.tensor(g) for g in made]


def _gradients(loss: Tensor, targets: list[Any]) -> list[Any]:
    roots = _roots(loss)
    graph = Graph(roots, [loss])
    cells = _cells(graph)
    tensors = {t for n in graph.known_nodes for t in [*n.outputs, *n.inputs]}
    reached = tensors | {*cells, loss}
    targets = [t if isinstance(t, (Tensor, Variable)) else None for t in targets]
    # What only counts (indices, say) has no gradient: TensorFlow gives None.
    reached = {t for t in reached if jnp.issubdtype(t.dtype, jnp.inexact)}
    known = [t for t in targets if t in reached]
    if not known:
        return [None] * len(targets)
    node = Node(None, _Gradient(graph, cells, known), (roots, cells), {})
    gradients = iter(node.set_outputs([_spec(t) for t in known], name="gradients"))
    return [next(gradients) if t in reached else None for t in targets]


def _spec(symbol: Tensor | Variable) -> Spec:
    return Spec(symbol.shape, symbol.dtype)


def _roots(loss: Tensor) -> list[Tensor]:
    """The tensors to be fed that `loss` depends on."""
    roots: list[Tensor] = []
    seen: set[Node] = set()
    stack = [loss]
    while stack:
        tensor = stack.pop()
        node = tensor.node
        if node is None or (not node.args and not node.variables):
            roots.append(tensor)
        elif node not in seen:
            seen.add(node)
            stack += [*node.inputs, *node.captured.values()]
    return list(dict.fromkeys(roots))


class _Gradient:
    """The function of a gradient node: runs the graph again, differentiated at zero taps and at variables."""

    __name__ = "gradients"

    def __init__(self, graph: Graph, cells: list[Variable], targets: list[Any]):
        self.graph, self.cells, self.targets = graph, cells, targets
        self.nodes = graph.known_nodes

    def __call__(self, xs: Sequence[Array], arrays: Sequence[Array]) -> list[Array]:
        values = dict(zip(self.cells, arrays, strict=True))
        frame = current_frame()
        assert frame is not None  # functions run in one
        outside = frame.around or Around(frame.ctx, self.graph.sites, {})
        ctx = outside.ctx.replace(training=frame.ctx.training)
        roots = set(self.graph.inputs)  # their values hold the taps of the run around this one
        outer = {key: tap for key, tap in outside.taps.items() if key not in roots}
        tensors = [t for t in self.targets if isinstance(t, Tensor)]
        variables = [t for t in self.targets if isinstance(t, Variable)]

        def run(graph: Graph, values: dict[Any, Array], taps: dict[Any, Array]) -> list[Any]:
            around = outside._replace(ctx=ctx, taps=taps)
            return graph.run(values, list(xs), [None] * len(xs), ctx, _keep_nothing, around)[0]

        def total(taps: Sequence[Array], weights: Sequence[Array]) -> Array:
            now = values | dict(zip(variables, weights, strict=True))
            own = {t: tap + outer.get(t, 0) for t, tap in zip(tensors, taps, strict=True)}
            return jnp.sum(run(self.graph, now, outer | own)[0])

        upstream = Graph(self.graph.inputs, tensors)
        shapes: list[Spec] = jax.eval_shape(functools.partial(run, upstream, values, {}))
        zeros = [jnp.zeros(s.shape, s.dtype) for s in shapes]
        gradient: Callable[..., Any] = jax.grad(total, (0, 1))  # pyright: ignore
        taps, weights = gradient(zeros, [values[v] for v in variables])
        by_tap, by_weight = iter(taps), iter(weights)
        return [next(by_tap) if isinstance(t, Tensor) else next(by_weight) for t in self.targets]


def _evaluate(symbol: Any, feed: dict[Any, Any]) -> Any:
    with jax.ensure_compile_time_eval():  # also where a trace is going on around
        if isinstance(symbol, Tensor) and symbol.node is not None:
            return _evaluator(symbol, tuple(feed))(list(feed.values()))
        return function(list(feed), symbol)(list(feed.values()))


set_evaluator(_evaluate)
