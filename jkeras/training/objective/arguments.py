"""One reader per argument of `compile`: whatever the user wrote → one entry per output."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import contextlib
import warnings
from collections.abc import Collection, Sequence
from typing import Any

import jax
import numpy as np

from jkeras import losses
from jkeras import metrics as metric_functions
from jkeras.backend.values import placeholder
from jkeras.core import settings
from jkeras.core.names import function_name
from jkeras.core.types import AnyDict, AnyList, AnyTuple, Array, Function, Shape
from jkeras.engine.base_layer import Layer
from jkeras.engine.call.adapter import tracked_layers
from jkeras.engine.tensors.frame import Frame
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.engine.tensors.variable import Variable
from jkeras.metrics.functions import accuracy_of_classes, crossentropy_of_classes
from jkeras.training.objective.endpoints import Endpoint, Target, function_of

# Losses whose value for a sample depends on the others of its batch.
_OF_A_BATCH = (losses.dice, losses.tversky, losses.circle)
_ACCURACY, _CROSSENTROPY = ("accuracy", "acc"), ("crossentropy", "ce")


def is_ours(fn: Function) -> bool:
    """Whether a function comes from jkeras itself: its code needs no scope around it."""
    return (getattr(fn, "__module__", None) or "").startswith("jkeras.")


def is_rowwise(fn: Function) -> bool:
    """Whether a function is known to treat every sample apart."""
    return is_ours(fn) and getattr(fn, "rowwise", True) and fn not in _OF_A_BATCH


def _known(given: Collection[str], names: list[str], argument: str) -> None:
    unknown = [name for name in given if name not in names]
    if unknown:
        raise ValueError(
            f'Unknown entry in `{argument}` dictionary: "{unknown[0]}". Only expected the following keys: '
            f"{names}."
        )


def _matched(given: Collection[Any], names: list[str], argument: str) -> list[Any]:
    if len(given) != len(names):
        raise ValueError(
            f"When passing a list as `{argument}`, it should have one entry per model output. The model has "
            f"{len(names)} outputs ({names}), but you passed {argument}={list(given)}."
        )
    return list(given)


def _is_config(given: Any) -> bool:
    """Whether a dict is an object written down, and not things by output."""
    return isinstance(given, AnyDict) and {"class_name", "config"} <= set(given)


def per_output_losses(loss: Any, names: list[str]) -> list[Any]:
    if isinstance(loss, AnyDict) and not _is_config(loss):
        _known(loss, names, "loss")
        for name in names:
            if name not in loss:
                warnings.warn(
                    f'Output "{name}" missing from loss dictionary. We assume this was done on purpose, and '
                    f'no data will be expected for "{name}" during training.',
                    stacklevel=4,
                )
        return [loss.get(name) for name in names]
    if isinstance(loss, (AnyList, AnyTuple)):
        return _matched(loss, names, "loss") if loss else [None] * len(names)
    return [loss] * len(names)


def per_output_weights(given: Any, names: list[str]) -> list[float]:
    if given is None:
        return [1.0] * len(names)
    if isinstance(given, AnyDict):
        _known(given, names, "loss_weights")
        given = [given.get(name, 1.0) for name in names]
    if isinstance(given, (AnyList, AnyTuple)) and not any(isinstance(w, str) for w in given):
        return [float(w) for w in _matched(given, names, "loss_weights")]
    raise TypeError(
        f"Could not interpret `loss_weights` argument: {given!r}; expected a list of numbers, one per "
        "output, or a dict of numbers by output name."
    )


def given_targets(
    tensors: Any, names: list[str], targets: dict[int, Target], inputs: set[Tensor]
) -> dict[int, Tensor | Variable]:
    """Output → the tensor or variable that is its target."""
    if tensors is None:
        return {}
    if isinstance(tensors, AnyDict):
        _known(tensors, names, "target_tensors")
        tensors = [tensors.get(name) for name in names]
    elif isinstance(tensors, (AnyList, AnyTuple)):
        tensors = _matched(tensors, names, "target_tensors")
    elif len(names) == 1:
        tensors = [tensors]
    else:
        raise (ValueError if isinstance(tensors, (Tensor, Variable)) else TypeError)(
            f"`target_tensors` should be a list or a dict by output name, for the outputs {names}; got "
            f"{tensors!r}."
        )
    placeholders: dict[int, Tensor | Variable] = {}
    for output, target in targets.items():
        symbol = tensors[output]
        if symbol is None or (_is_placeholder(symbol) and symbol not in inputs):
            continue
        symbol = symbol if isinstance(symbol, (Tensor, Variable)) else Variable(symbol)
        _fits(symbol, target)
        placeholders[output] = symbol
    return placeholders


def _is_placeholder(symbol: object) -> bool:
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


def weight_modes(given: Any, with_loss: list[str], names: list[str]) -> list[str | None]:
    if isinstance(given, AnyDict):
        _known(given, names, "sample_weight_mode")
        for name in with_loss:
            if name not in given:
                raise ValueError(f'Output "{name}" missing from `sample_weight_mode` dictionary.')
        modes = [given.get(name) for name in names]
    elif isinstance(given, (AnyList, AnyTuple)):
        modes = _matched(given, names, "sample_weight_mode")
    else:
        modes = [given] * len(names)
    for mode in modes:
        if mode not in (None, "temporal"):
            raise ValueError(f'`sample_weight_mode` should be None or "temporal"; found {mode!r}.')
    return modes


def per_output_metrics(given: Any, names: list[str], argument: str) -> list[list[Any]]:
    if not given:
        return [[] for _ in names]
    if isinstance(given, (AnyList, AnyTuple)) and not any(isinstance(e, (list, tuple)) for e in given):
        return [list(given) for _ in names]
    if isinstance(given, (AnyList, AnyTuple, AnyDict)):
        if isinstance(given, AnyDict):
            _known(given, names, argument)
            given = [given.get(name, []) for name in names]
        entries = _matched(given, names, argument)
        return [list(e) if isinstance(e, (AnyList, AnyTuple)) else [e] for e in entries]
    raise TypeError(
        f"Type of `{argument}` argument not understood. Expected a list or dictionary, found: {given!r}."
        f"{f' Write [{given!r}].' if isinstance(given, str) or callable(given) else ''}"
    )


def named_metric(identifier: Any, endpoint: Endpoint, loss: Function) -> tuple[str, Function]:
    """The name and the function; `accuracy` and `crossentropy` go by the shape of the output and its loss."""
    loss = function_of(loss)
    if isinstance(identifier, str) and identifier in _ACCURACY + _CROSSENTROPY:
        if (endpoint.shape is not None and endpoint.shape[-1] == 1) or loss is losses.binary_crossentropy:
            kind = "binary"
        elif loss is losses.sparse_categorical_crossentropy:
            kind = "sparse_categorical"
        elif loss is losses.categorical_crossentropy:
            kind = "categorical"
        else:  # one that does not say how it takes classes
            accuracy = identifier in _ACCURACY
            return ("acc", accuracy_of_classes) if accuracy else ("ce", crossentropy_of_classes)
        if identifier in _ACCURACY:
            return "acc", getattr(metric_functions, f"{kind}_accuracy")
        return "ce", getattr(metric_functions, f"{kind}_crossentropy")
    fn = metric_functions.get(identifier)
    name = getattr(fn, "name", None) or function_name(fn)
    return name, fn


def keeps_state(fn: Function) -> bool:
    """Whether a metric keeps a running value itself, as Keras's stateful metrics do."""
    return bool(getattr(fn, "stateful", False)) and hasattr(fn, "reset_states")


def begun_metric(
    identifier: Any, endpoint: Endpoint, target: Target, others: Sequence[Function]
) -> tuple[str, Function, tuple[str, ...] | None]:
    """The name and the function of a metric, whose variables are there, and the names of its values.

    Args:
        identifier: what the user wrote.
        endpoint, target: of the output.
        others: the metrics of the outputs before.
    """
    name, fn = named_metric(identifier, endpoint, target.fn)
    fn = _own_copy(fn, others)
    _let_begin(fn, endpoint)
    return name, fn, _keys_of(fn, name, endpoint, target)


def _own_copy(fn: Function, others: Sequence[Function]) -> Function:
    """A metric that keeps state, or one like it where another output has this very one."""
    if isinstance(fn, metric_functions.Metric) and any(fn is other for other in others):
        return type(fn).from_config(fn.get_config())
    return fn


def _let_begin(fn: Function, endpoint: Endpoint) -> None:
    """Call a metric that keeps state on tensors, as Keras's `compile` does: the first call may make the
    variables, which must outlive the step."""
    if not keeps_state(fn) or endpoint.shape is None or isinstance(fn, metric_functions.Metric):
        return
    y_true, y_pred = (placeholder(endpoint.shape, dtype=endpoint.dtype) for _ in range(2))
    with contextlib.suppress(TypeError):  # functions of arrays alone do not take tensors
        fn(y_true, y_pred)
    if isinstance(fn, Layer):
        _forget_updates(fn)


def _forget_updates(metric: Layer) -> None:
    """Drop what a metric has noted for these tensors: its code will note that of the step."""
    metric.extra_updates.clear()
    metric.follows.clear()
    for inner in tracked_layers(metric).values():
        _forget_updates(inner)


def _keys_of(fn: Function, name: str, endpoint: Endpoint, target: Target) -> tuple[str, ...] | None:
    """The names of the values of a metric that has several, found by running it on shapes: the entries of a
    dict, or `name_0`, ... for an array. A metric that makes its variables in the first call does it now."""
    kept = isinstance(fn, metric_functions.Metric)
    if (is_ours(fn) and not kept) or endpoint.shape is None:
        return None
    seen: list[tuple[str, ...] | None] = []

    def probe(y_true: Array, y_pred: Array) -> int:
        with Frame({}):
            value: Any = fn(y_true, y_pred)
        count = 1 if isinstance(value, AnyDict) else int(np.size(value))
        names = tuple(f"{name}_{i}" for i in range(count)) if kept and count > 1 else None
        seen.append(tuple(value) if isinstance(value, AnyDict) else names)
        return 0

    def like(shape: Shape) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(tuple(2 if n is None else n for n in shape), settings.floatx())

    try:
        jax.eval_shape(probe, like((kept and target.shape) or endpoint.shape), like(endpoint.shape))
    except Exception:  # whatever user code does with a made-up shape: the step will tell with the real one
        return None
    return seen[0]


def append(labels: list[str], name: str, names: list[str], output: int) -> str:
    """Add a name as Keras does: with the output's name in front if there are several, made unique by a
    number. Returns it."""
    base = name = f"{names[output]}_{name}" if len(names) > 1 else name
    number = 1
    while name in labels:
        name = f"{base}_{number}"
        number += 1
    labels.append(name)
    return name
