"""From the arguments of `compile` to one pure function: the loss, and the values that `metrics_names`
names."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp

from jkeras import losses
from jkeras import metrics as metric_functions
from jkeras.core import frames
from jkeras.core.types import INFERENCE, AnyDict, AnyList, AnyTuple, Array, Batch, Ctx, Function, Out, Tree
from jkeras.engine.call.added_metrics import Key
from jkeras.engine.tensors.frame import Frame
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.engine.tensors.variable import Variable, current_frame
from jkeras.losses.loss import masked_weight
from jkeras.training.objective import arguments
from jkeras.training.objective.appended import Appended
from jkeras.training.objective.endpoints import Endpoint, Target, by_name


class Term(NamedTuple):
    """The loss of one output."""

    output: int
    fn: Function
    weight: float

    @property
    def is_rowwise(self) -> bool:
        """Whether it is jkeras's own and treats every sample apart."""
        return arguments.is_rowwise(self.fn)


class Metric(NamedTuple):
    """A metric of one output; `keys` are the entries of the dict that it returns, or None for one value."""

    output: int
    fn: Function
    weighted: bool
    keys: tuple[str, ...] | None = None

    @property
    def is_stateful(self) -> bool:
        """Whether it keeps a running value itself, as Keras's stateful metrics do."""
        return arguments.keeps_state(self.fn)

    def values(
        self, y_true: Array, y_pred: Array, weight: Array | None, mask: Array | None, ctx: Ctx
    ) -> list[Array]:
        """This device's share of each of its values."""
        weight = weight if self.weighted else None
        if not isinstance(self.fn, metric_functions.Metric):
            functions = [self.function(key) for key in self.keys or (None,)]
            return [weighted(fn, y_true, y_pred, weight, mask, ctx) for fn in functions]
        if mask is not None:
            weight = masked_weight(weight, mask)
        result = self.fn(y_true, y_pred) if weight is None else self.fn(y_true, y_pred, sample_weight=weight)
        parts = list(result.values()) if isinstance(result, AnyDict) else [*jnp.ravel(result)]
        return [part / ctx.total(1) for part in parts]

    def function(self, key: str | None) -> Function:
        """The function of one of its values."""

        def entry(y_true: Array, y_pred: Array) -> Any:
            return self.fn(y_true, y_pred)[key]

        return self.by_row if key is None else entry

    @property
    def is_rowwise(self) -> bool:
        """Whether it is jkeras's own and treats every sample apart."""
        return arguments.is_rowwise(self.fn) and self.by_row not in metric_functions.BY_ROW

    @property
    def by_row(self) -> Function:
        """The function with a value for each sample, where Keras's own takes the mean itself: rows that only
        fill a batch up would be in it. With weights Keras multiplies that mean by them, so that it stays."""
        return self.fn if self.weighted else metric_functions.BY_ROW.get(self.fn, self.fn)


class Objective:
    """The loss and the metrics of a model, as one pure function of its outputs.

    Args:
        terms: the losses.
        metrics: the metrics.
        names: what the values are called: Keras's `metrics_names`.
        targets: one `Target` per loss.
        rowwise: whether all functions are jkeras's own, which treat every sample apart.
        named_losses: whether the losses of the outputs are among the values (the model has several).
        running: names of the values of stateful metrics: the last one counts, not the average.
        added: what layers report (`add_metric`), after the metrics.

    Keras 2.2.4: keras/engine/training.py Model.compile.

    Example:
        >>> objective = Objective.build([Endpoint("out", (None, 3))], "mse", ["mae"])
        >>> objective.names
        ['loss', 'mean_absolute_error']
        >>> batch = Batch([], [jnp.zeros((2, 3))], [None])
        >>> loss, values = objective([jnp.full((2, 3), 2.0)], [None], batch, Ctx())
        >>> float(loss), [float(v) for v in values]
        (4.0, [2.0])
    """

    def __init__(
        self,
        terms: list[Term],
        metrics: list[Metric],
        names: list[str],
        targets: list[Target],
        rowwise: bool,
        named_losses: bool = False,
        running: Iterable[str] = (),
        added: Iterable[Key] = (),
    ):
        self.terms: list[Term] = terms
        self.metrics: list[Metric] = metrics
        self.names, self.targets = names, targets
        self.rowwise, self.named_losses = rowwise, named_losses
        self.running, self.added = list(running), list(added)
        self.appended: Appended | None = None
        self.foreign_keepers: list[Any] = []  # what a script has put beside `keepers`
        self._slots = {term.output: slot for slot, term in enumerate(terms)}

    @classmethod
    def build(
        cls,
        outputs: Sequence[Endpoint],
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        sample_weight_mode: Any = None,
        weighted_metrics: Any = None,
        has_added_loss: bool = False,
        target_tensors: Any = None,
        inputs: Sequence[Tensor] = (),
        added: Sequence[Key] = (),
    ) -> Objective:
        """Read the arguments of `compile`.

        Args:
            outputs: the outputs of the model.
            loss, metrics, loss_weights, sample_weight_mode, weighted_metrics: as in Keras: a name, a
                function,
                a list, or a dict by output name.
            has_added_loss: whether layers add losses or penalties, so that none of the outputs needs one.
            target_tensors: tensors or variables that are targets instead of `y`: one, a list, or a dict.
            inputs: of the model, which may be targets too.
            added: what layers report (`add_metric`).

        Raises:
            ValueError: unknown names or keys, a list of the wrong length, nothing to optimize.
            TypeError: an argument of the wrong kind.
        """
        names = [endpoint.name for endpoint in outputs]
        spread = partial(by_name, endpoints=outputs)
        functions = [losses.get(fn) for fn in arguments.per_output_losses(spread(loss), names)]
        weights = arguments.per_output_weights(spread(loss_weights), names)
        with_loss = [n for n, fn in zip(names, functions, strict=True) if fn is not None]
        modes = arguments.weight_modes(spread(sample_weight_mode), with_loss, names)
        terms = [Term(i, fn, weights[i]) for i, fn in enumerate(functions) if fn is not None]
        if not terms and not has_added_loss:
            raise ValueError(
                "The model cannot be compiled because it has no loss to optimize: pass compile(loss=...), or "
                "add one with add_loss or a regularizer."
            )
        labels = ["loss"] + [f"{names[t.output]}_loss" for t in terms if len(outputs) > 1]
        targets = {t.output: Target.of(outputs[t.output], t.fn, modes[t.output]) for t in terms}
        measured: list[Metric] = []
        running: list[str] = []
        unweighted = arguments.per_output_metrics(spread(metrics), names, "metrics")
        weighted = arguments.per_output_metrics(spread(weighted_metrics), names, "weighted_metrics")
        asked = [
            (output, identifier, is_weighted)
            for output in targets
            for identifiers, is_weighted in ((unweighted[output], False), (weighted[output], True))
            for identifier in identifiers
        ]
        for output, identifier, is_weighted in asked:
            others = [metric.fn for metric in measured]
            name, fn, keys = arguments.begun_metric(identifier, outputs[output], targets[output], others)
            metric = Metric(output, fn, is_weighted, keys)
            prefix = "weighted_" if is_weighted else ""
            own = [arguments.append(labels, prefix + key, names, output) for key in keys or (name,)]
            measured.append(metric)
            running += own if metric.is_stateful else []
        for _, name in added:
            arguments.append(labels, name, names[:1], 0)
        given = arguments.given_targets(spread(target_tensors), names, targets, set(inputs))
        rowwise = not given and all(part.is_rowwise for part in (*terms, *measured))
        all_targets = [target._replace(symbol=given.get(output)) for output, target in targets.items()]
        return cls(terms, measured, labels, all_targets, rowwise, len(outputs) > 1, running, added)

    @property
    def fed(self) -> list[Target]:
        """The targets that `y` must hold."""
        return [target for target in self.targets if target.symbol is None]

    @property
    def symbols(self) -> list[Tensor | Variable]:
        """The targets that are given as tensors or variables."""
        return [target.symbol for target in self.targets if target.symbol is not None]

    def __call__(
        self, ys: Sequence[Array], masks: Sequence[Array | None], batch: Batch, ctx: Ctx
    ) -> tuple[Array, list[Array]]:
        """This device's share of the loss and of the values after it in `names`.

        Args:
            ys, masks: outputs of the model and their masks (None where there is none).
            batch: `y` has one entry per target that is fed, `weight` one per target; it may be None.
            ctx: says over which devices the batch is spread: the sum over them is the result.

        Returns:
            (weighted sum of the losses, list of scalars), without penalties and added losses.
        """
        total: Array = jnp.float32(0)
        parts: list[Array] = []
        for term in self.terms:
            i = term.output
            y_true, y_pred, weight, mask = self._target(i, batch, ys[i], masks[i])
            with frames.named("loss", term.fn, f"output {self._name(i)!r}", y_true, y_pred):
                part = weighted(term.fn, y_true, y_pred, weight, mask, ctx)
            parts.append(part)
            total = total + term.weight * part
        values: list[Array] = parts if self.named_losses else []
        for metric in self.metrics:
            i = metric.output
            y_true, y_pred, weight, mask = self._target(i, batch, ys[i], masks[i])
            with frames.named("metric", metric.fn, f"output {self._name(i)!r}", y_true, y_pred):
                values = [*values, *metric.values(y_true, y_pred, weight, mask, ctx)]
        return total, values

    def with_others(self, values: list[Array], out: Out, batch: Batch, frame: Frame, ctx: Ctx) -> list[Array]:
        """This device's share of all values: also of those that layers report or that a script has appended.

        Args:
            values: the losses and metrics.
            out: of the model.
            batch: of the step.
            frame: the scope of losses and metrics.
            ctx: says over which devices the batch is spread.
        """
        metrics = out.metrics
        means: list[Array | float] = [
            sum(metrics[key]) / len(metrics[key]) if key in metrics else 0.0 for key in self.added
        ]
        values = [*values, *(mean / ctx.total(1) for mean in means)]
        return values if self.appended is None else self.appended.values(values, out.y, batch, frame, ctx)

    def _name(self, output: int) -> str:
        return self.targets[self._slots[output]].name

    def _target(
        self, output: int, batch: Batch, y_pred: Array, mask: Array | None
    ) -> tuple[Array, Array, Array | None, Array | None]:
        """(y_true, y_pred, weight, mask) of an output."""
        slot = self._slots[output]
        target = self.targets[slot]
        if target.symbol is None:
            return batch.y[self.fed.index(target)], y_pred, batch.weight[slot], mask
        frame = current_frame()
        assert frame is not None  # the step enters the scope in which symbols have values
        symbol = target.symbol
        value: Any = frame.tensor(symbol) if isinstance(symbol, Tensor) else frame.read(symbol)
        return value.astype(y_pred.dtype), y_pred, batch.weight[slot], mask

    @property
    def keepers(self) -> list[Any]:
        """The metrics that keep a running value themselves."""
        return [metric.fn for metric in self.metrics if metric.is_stateful]

    def reset(self) -> None:
        """Let stateful metrics begin anew: before an epoch, and before an evaluation."""
        for keeper in (*self.keepers, *self.foreign_keepers):
            keeper.reset_states()

    def extended(self, appended: Appended) -> Objective:
        """The same with other values, as a script has put them together; their names are set after it."""
        other = copy.copy(self)
        other.appended, other.rowwise = appended, False
        other.names, other.running = list(self.names), list(self.running)
        return other

    def replace_foreign(self, other: Callable[[int, Function], Function]) -> None:
        """Replace the losses and metrics that are not jkeras's own by `other(output, function)`."""

        def replaced(part: Term | Metric) -> Function:
            return part.fn if arguments.is_ours(part.fn) else other(part.output, part.fn)

        self.terms = [term._replace(fn=replaced(term)) for term in self.terms]
        self.metrics = [metric._replace(fn=replaced(metric)) for metric in self.metrics]


def weighted(
    fn: Function, y_true: Array, y_pred: Array, weight: Array | None, mask: Array | None, ctx: Ctx
) -> Array:
    """This device's share of the mean score: masked, then weighted.

    Formula, with means over the whole batch: score·mask / mean(mask), mean over the axes that `weight` lacks,
    ·weight / mean(weight ≠ 0), mean. An object of `losses.Loss` reduces the values as it says itself.

    Keras 2.2.4: keras/engine/training_utils.py weighted_masked_objective.

    Example:
        >>> y, p = jnp.zeros((2, 1)), jnp.array([[1.0], [3.0]])
        >>> float(weighted(losses.get("mse"), y, p, jnp.array([0.0, 2.0]), None, Ctx()))
        18.0
    """
    if isinstance(fn, losses.Loss):
        value = fn.share(y_true, y_pred, weight, mask, ctx)
        return share(value, None, None, ctx) if value.ndim else value
    score = fn(y_true, y_pred)
    if score is None or isinstance(score, (AnyTuple, AnyList, AnyDict)):
        raise TypeError(
            f"The loss or metric {getattr(fn, '__name__', fn)!r} should return one value per sample, or one "
            f"number (a metric also a dict of such by name); it returned {type(score).__name__}."
        )
    return share(score, weight, mask, ctx)


def share(score: Tree, weight: Array | None, mask: Array | None, ctx: Ctx = INFERENCE) -> Array:
    """This device's share of the mean of a score: masked, then weighted; see `weighted`."""
    score = jnp.asarray(score, jnp.float32)
    if mask is not None:
        mask = jnp.asarray(mask, jnp.float32)
        score = score * mask / _mean(mask, ctx)
    if weight is not None:
        score = jnp.mean(score, tuple(range(weight.ndim, score.ndim))) if score.ndim > weight.ndim else score
        score = score * weight / _mean((weight != 0).astype(jnp.float32), ctx)
    return ctx.share(score, tuple(range(score.ndim)))


def _mean(x: Array, ctx: Ctx) -> Array:
    return ctx.mean(x, tuple(range(x.ndim)))
