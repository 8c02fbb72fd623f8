"""From the arguments of `compile` to one pure function: the loss, and the values that `metrics_names`
names."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jkeras import losses
from jkeras import metrics as metric_functions
from jkeras.core import settings
from jkeras.core.types import Batch, Ctx
from jkeras.engine.symbolic import Tensor
from jkeras.engine.variable import Frame, Variable, current_frame
from jkeras.training.ports import Port, Target

_ACCURACY, _CROSSENTROPY = ("accuracy", "acc"), ("crossentropy", "ce")


class Term(NamedTuple):
    """The loss of one output."""

    output: int
    fn: Callable
    weight: float


class Metric(NamedTuple):
    """A metric of one output; `keys` are the entries of the dict that it returns, or None for one value."""

    output: int
    fn: Callable
    weighted: bool
    keys: tuple[str, ...] | None = None

    @property
    def is_stateful(self) -> bool:
        """Whether it keeps a running value itself, as Keras's stateful metrics do."""
        return bool(getattr(self.fn, "stateful", False)) and hasattr(self.fn, "reset_states")


class Objective:
    """The loss and the metrics of a model, as one pure function of its outputs.

    Args:
        terms: the losses.
        metrics: the metrics.
        names: what the values are called: Keras's `metrics_names`.
        targets: what `y` must hold, one `Target` per loss that is not given its target.
        rowwise: whether all functions are jkeras's own, which treat every sample apart.
        named_losses: whether the losses of the outputs are among the values (the model has several).
        given: output → the tensor or variable that is its target instead of `y` (`target_tensors`).
        running: names of the values of stateful metrics: the last one counts, not the average.

    Keras 2.2.4: keras/engine/training.py Model.compile.

    Example:
        >>> objective = Objective.build([Port("out", (None, 3))], "mse", ["mae"])
        >>> objective.names
        ['loss', 'mean_absolute_error']
        >>> batch = Batch([], [jnp.zeros((2, 3))], [None])
        >>> loss, values = objective([jnp.full((2, 3), 2.0)], [None], batch, Ctx())
        >>> float(loss), [float(v) for v in values]
        (4.0, [2.0])
    """

    def __init__(self, terms, metrics, names, targets, rowwise, named_losses=False, given=None, running=()):
        self.terms: list[Term] = terms
        self.metrics: list[Metric] = metrics
        self.names: list[str] = names
        self.targets: list[Target] = targets
        self.rowwise: bool = rowwise
        self.running: list[str] = list(running)
        self.given: dict[int, Tensor | Variable] = given or {}
        fed = [term.output for term in terms if term.output not in self.given]
        self._slots = {output: slot for slot, output in enumerate(fed)}
        self._named_losses: bool = named_losses

    @classmethod
    def build(
        cls,
        outputs: Sequence[Port],
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        sample_weight_mode: Any = None,
        weighted_metrics: Any = None,
        has_added_loss: bool = False,
        target_tensors: Any = None,
        inputs: Sequence[Tensor] = (),
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

        Raises:
            ValueError: unknown names or keys, a list of the wrong length, nothing to optimize.
            TypeError: an argument of the wrong kind.
        """
        names = [port.name for port in outputs]
        functions = [losses.get(fn) for fn in _losses(loss, names)]
        weights = _loss_weights(loss_weights, names)
        modes = _modes(
            sample_weight_mode, [n for n, fn in zip(names, functions, strict=True) if fn is not None], names
        )
        terms = [Term(i, fn, weights[i]) for i, fn in enumerate(functions) if fn is not None]
        if not terms and not has_added_loss:
            raise ValueError(
                "The model cannot be compiled because it has no loss to optimize: pass compile(loss=...), or "
                "add one with add_loss or a regularizer."
            )
        labels = ["loss"] + [f"{names[t.output]}_loss" for t in terms if len(outputs) > 1]
        found: list[Metric] = []
        running: list[str] = []
        plain = _metrics(metrics, names, "metrics")
        weighted = _metrics(weighted_metrics, names, "weighted_metrics")
        for term in terms:
            for identifiers, flag in ((plain[term.output], False), (weighted[term.output], True)):
                for identifier in identifiers:
                    name, fn = _metric(identifier, outputs[term.output], term.fn)
                    keys = _keys(fn, outputs[term.output])
                    found.append(Metric(term.output, fn, flag, keys))
                    for key in keys or (name,):
                        label = _append(labels, ("weighted_" if flag else "") + key, names, term.output)
                        if found[-1].is_stateful:
                            running.append(label)
        targets = {t.output: Target.of(outputs[t.output], t.fn, modes[t.output]) for t in terms}
        given = _given(target_tensors, names, targets, {id(t) for t in inputs})
        rowwise = all(is_ours(f.fn) for f in (*terms, *found)) and not given
        fed = [target for output, target in targets.items() if output not in given]
        return cls(terms, found, labels, fed, rowwise, len(outputs) > 1, given, running)

    def __call__(self, ys: list, masks: list, batch: Batch, ctx: Ctx):
        """This device's share of the loss and of the values after it in `names`.

        Args:
            ys, masks: outputs of the model and their masks (None where there is none).
            batch: `y` and `weight` have one entry per target; a weight may be None.
            ctx: says over which devices the batch is spread: the sum over them is the result.

        Returns:
            (weighted sum of the losses, list of scalars), without penalties and added losses.
        """
        total, parts = jnp.float32(0), []
        for term in self.terms:
            i = term.output
            y_true, y_pred, weight, mask = self._target(i, batch, ys[i], masks[i])
            part = weighted(term.fn, y_true, y_pred, weight, mask, ctx)
            parts.append(part)
            total = total + term.weight * part
        values = parts if self._named_losses else []
        for metric in self.metrics:
            i = metric.output
            y_true, y_pred, weight, mask = self._target(i, batch, ys[i], masks[i])
            weight = weight if metric.weighted else None
            for key in metric.keys or (None,):
                fn = metric.fn if key is None else _entry(metric.fn, key)
                values = [*values, weighted(fn, y_true, y_pred, weight, mask, ctx)]
        return total, values

    def _target(self, output: int, batch: Batch, y_pred, mask) -> tuple:
        """(y_true, y_pred, weight, mask) of an output."""
        symbol = self.given.get(output)
        if symbol is None:
            slot = self._slots[output]
            return batch.y[slot], y_pred, batch.weight[slot], mask
        frame = current_frame()
        assert frame is not None  # the step enters the scope in which symbols have values
        found = frame.tensor(symbol) if isinstance(symbol, Tensor) else frame.read(symbol)
        return found.astype(y_pred.dtype), y_pred, None, mask

    def reset(self) -> None:
        """Let stateful metrics begin anew: before an epoch, and before an evaluation."""
        for metric in self.metrics:
            if metric.is_stateful:
                metric.fn.reset_states()

    @property
    def foreign(self) -> list[tuple[int, Callable]]:
        """(output, function) of the losses and metrics that are not jkeras's own."""
        return [(f.output, f.fn) for f in (*self.terms, *self.metrics) if not is_ours(f.fn)]


def weighted(fn: Callable, y_true, y_pred, weight, mask, ctx: Ctx):
    """This device's share of the mean score: masked, then weighted.

    Formula, with means over the whole batch: score·mask / mean(mask), mean over the axes that `weight` lacks,
    ·weight / mean(weight ≠ 0), mean.

    Keras 2.2.4: keras/engine/training_utils.py weighted_masked_objective.

    Example:
        >>> y, p = jnp.zeros((2, 1)), jnp.array([[1.0], [3.0]])
        >>> float(weighted(losses.get("mse"), y, p, jnp.array([0.0, 2.0]), None, Ctx()))
        18.0
    """
    score = jnp.asarray(fn(y_true, y_pred), jnp.float32)
    if mask is not None:
        mask = jnp.asarray(mask, jnp.float32)
        score = score * mask / _mean(mask, ctx)
    if weight is not None:
        score = jnp.mean(score, tuple(range(weight.ndim, score.ndim))) if score.ndim > weight.ndim else score
        score = score * weight / _mean((weight != 0).astype(jnp.float32), ctx)
    return jnp.mean(score) / ctx.total(1)


def _mean(x, ctx: Ctx):
    return ctx.mean(x, tuple(range(x.ndim)))


def _entry(fn: Callable, key: str) -> Callable:
    return lambda y_true, y_pred: fn(y_true, y_pred)[key]


def is_ours(fn: Callable) -> bool:
    """Whether a function comes from jkeras itself and so treats every sample apart."""
    return (getattr(fn, "__module__", None) or "").startswith("jkeras.")


# One reader per argument: whatever the user wrote → one entry per output.


def _known(given, names: list[str], argument: str) -> None:
    unknown = [name for name in given if name not in names]
    if unknown:
        raise ValueError(
            f'Unknown entry in `{argument}` dictionary: "{unknown[0]}". Only expected the following keys: '
            f"{names}."
        )


def _matched(given, names: list[str], argument: str) -> list:
    if len(given) != len(names):
        raise ValueError(
            f"When passing a list as `{argument}`, it should have one entry per model output. The model has "
            f"{len(names)} outputs ({names}), but you passed {argument}={list(given)}."
        )
    return list(given)


def _losses(loss, names: list[str]) -> list:
    if isinstance(loss, dict):
        _known(loss, names, "loss")
        for name in names:
            if name not in loss:
                warnings.warn(
                    f'Output "{name}" missing from loss dictionary. We assume this was done on purpose, and '
                    f'no data will be expected for "{name}" during training.',
                    stacklevel=4,
                )
        return [loss.get(name) for name in names]
    if isinstance(loss, (list, tuple)):
        return _matched(loss, names, "loss") if loss else [None] * len(names)
    return [loss] * len(names)


def _loss_weights(given, names: list[str]) -> list[float]:
    if given is None:
        return [1.0] * len(names)
    if isinstance(given, dict):
        _known(given, names, "loss_weights")
        return [float(given.get(name, 1.0)) for name in names]
    if isinstance(given, (list, tuple)):
        return [float(w) for w in _matched(given, names, "loss_weights")]
    raise TypeError(
        f"Could not interpret `loss_weights` argument: {given!r}; expected a list of numbers, one per "
        "output, or a dict of numbers by output name."
    )


def _given(tensors, names: list[str], targets: dict[int, Target], inputs: set[int]) -> dict:
    """Output → the tensor or variable that is its target."""
    if tensors is None:
        return {}
    if isinstance(tensors, dict):
        _known(tensors, names, "target_tensors")
        tensors = [tensors.get(name) for name in names]
    elif isinstance(tensors, (list, tuple)):
        tensors = _matched(tensors, names, "target_tensors")
    elif len(names) == 1:
        tensors = [tensors]
    else:
        raise TypeError(
            f"`target_tensors` should be a list or a dict by output name, for the outputs {names}; got "
            f"{tensors!r}."
        )
    found = {}
    for output, target in targets.items():
        symbol = tensors[output]
        if symbol is None or (_is_placeholder(symbol) and id(symbol) not in inputs):
            continue
        symbol = symbol if isinstance(symbol, (Tensor, Variable)) else Variable(symbol)
        _fits(symbol, target)
        found[output] = symbol
    return found


def _is_placeholder(symbol) -> bool:
    """Whether a target is an `Input` of its own: then it is fed as `y`, as any other."""
    return isinstance(symbol, Tensor) and not symbol.node.args and not symbol.node.variables


def _fits(symbol: Tensor | Variable, target: Target) -> None:
    want, got = target.shape, tuple(symbol.shape)
    if want is None:
        return
    same = len(want) == len(got) and all(
        None in pair or pair[0] == pair[1] for pair in zip(want[1:], got[1:], strict=True)
    )
    if not same:
        raise ValueError(
            f"`target_tensors`: the target of output {target.name!r} should have the shape {want}, but "
            f"{symbol!r} has {got}."
        )


def _modes(given, with_loss: list[str], names: list[str]) -> list[str | None]:
    if isinstance(given, dict):
        _known(given, names, "sample_weight_mode")
        for name in with_loss:
            if name not in given:
                raise ValueError(f'Output "{name}" missing from `sample_weight_mode` dictionary.')
        modes = [given.get(name) for name in names]
    elif isinstance(given, (list, tuple)):
        modes = _matched(given, names, "sample_weight_mode")
    else:
        modes = [given] * len(names)
    for mode in modes:
        if mode not in (None, "temporal"):
            raise ValueError(f'`sample_weight_mode` should be None or "temporal"; found {mode!r}.')
    return modes


def _metrics(given, names: list[str], argument: str) -> list[list]:
    if not given:
        return [[] for _ in names]
    if isinstance(given, (list, tuple)):
        return [list(given) for _ in names]
    if isinstance(given, dict):
        _known(given, names, argument)
        entries = [given.get(name, []) for name in names]
        return [list(e) if isinstance(e, (list, tuple)) else [e] for e in entries]
    raise TypeError(
        f"Type of `{argument}` argument not understood. Expected a list or dictionary, found: {given!r}."
    )


def _metric(identifier, port: Port, loss: Callable) -> tuple[str, Callable]:
    """The name and the function; `accuracy` and `crossentropy` go by the shape of the output and its loss."""
    if isinstance(identifier, str) and identifier in _ACCURACY + _CROSSENTROPY:
        if (port.shape is not None and port.shape[-1] == 1) or loss is losses.binary_crossentropy:
            kind = "binary"
        elif loss is losses.sparse_categorical_crossentropy:
            kind = "sparse_categorical"
        else:
            kind = "categorical"
        if identifier in _ACCURACY:
            return "acc", getattr(metric_functions, f"{kind}_accuracy")
        return "ce", getattr(metric_functions, f"{kind}_crossentropy")
    fn = metric_functions.get(identifier)
    name = getattr(fn, "name", None) or getattr(fn, "__name__", None) or type(fn).__name__
    return name, fn


def _keys(fn: Callable, port: Port) -> tuple[str, ...] | None:
    """The entries of the dict that a user's metric returns, found by running it on shapes."""
    if is_ours(fn) or port.shape is None:
        return None
    seen: list[tuple[str, ...] | None] = []

    def probe(y_true, y_pred):
        with Frame({}):
            value = fn(y_true, y_pred)
        seen.append(tuple(value) if isinstance(value, dict) else None)
        return 0

    like = jax.ShapeDtypeStruct(tuple(2 if n is None else n for n in port.shape), settings.floatx())
    try:
        jax.eval_shape(probe, like, like)
    except Exception:  # whatever user code does with a made-up shape: the step will tell with the real one
        return None
    return seen[0]


def _append(labels: list[str], name: str, names: list[str], output: int) -> str:
    """Add a name as Keras does: with the output's name in front if there are several, made unique by a
    number. Returns it."""
    base = name = f"{names[output]}_{name}" if len(names) > 1 else name
    number = 1
    while name in labels:
        name = f"{base}_{number}"
        number += 1
    labels.append(name)
    return name
