"""Ensembles: one model made of several, by the mean of their weights or by the mean of their outputs."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, cast

import jax.numpy as jnp
import numpy as np

from jkeras.core.lists import as_list
from jkeras.core.names import unique_name
from jkeras.core.types import AnyDict, AnyList, AnyTuple, Operand
from jkeras.engine.base_layer import Layer
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.engine.tensors.variable import Numpy
from jkeras.engine.tree import instances
from jkeras.layers import Activation, Average
from jkeras.models.clone import clone_model, same_input
from jkeras.models.model import Model

Facts: TypeAlias = dict[str, str]  # by a name for each

# Arguments that say how a layer is trained or called, not what it computes from its inputs.
_OF_TRAINING = re.compile(
    r".*(initializer|regularizer|constraint)|name|trainable|rate|(recurrent_)?dropout|momentum|stddev|seed"
    r"|noise_shape|l1|l2|implementation|unroll"
)


class WeightedAverage(Average):
    """The mean of its inputs, each with a weight.

    Args:
        shares: a number for each input; their sum is 1.

    Input shape:
        A list of as many shapes, which can be broadcast.

    Output shape:
        The broadcast one.

    Example:
        >>> WeightedAverage([0.25, 0.75])([jnp.zeros((1, 2)), jnp.ones((1, 2))]).tolist()
        [[0.75, 0.75]]
    """

    def __init__(self, shares: Iterable[float], **kwargs: Any):
        super().__init__(**kwargs)
        self.shares = [float(share) for share in shares]
        self.exactly = len(self.shares)

    def _merge_function(self, inputs: Sequence[Operand]) -> Operand:
        terms = [share * x for share, x in zip(self.shares, inputs, strict=True)]
        return sum(terms[1:], terms[0])


def average_weights(models: Sequence[Model], weights: Sequence[float] | None = None) -> Model:
    """A model whose weights are the mean of those of several models of one architecture.

    This gains where the models lie in one valley of the loss: snapshots of one training (stochastic weight
    averaging), or short trainings from one start. The mean of models that were trained from different starts
    computes nothing of use; take `average_outputs` for them.

    Moving statistics of `BatchNormalization` are averaged like all weights. They are then not quite those of
    the activations that the averaged model has; for these, compile it with a learning rate of 0 and let `fit`
    go over the training data. Numbers that are not floating (counters, seeds) are those of the first model.

    Args:
        models: models of the same layers in the same order; names, initializers, regularizers, dropout and
            the like may differ.
        weights: how much each model counts; default: all the same. Their sum need not be 1.

    Returns:
        A new model of new layers, not compiled, as `clone_model` gives one; a subclassed model, which has no
        config, is copied.

    Raises:
        ValueError: a model is of another architecture; the message names the layer that does not fit.

    Example:
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> def constant(value):
        ...     return Sequential([Dense(1, input_shape=(2,), kernel_initializer=value)])
        >>> average_weights([constant("ones"), constant("zeros")]).get_weights()[0].tolist()
        [[0.5], [0.5]]
    """
    models, shares = _checked("average_weights", models, weights)
    for number, model in enumerate(models[1:], 1):
        _check_same(models[0], model, number)
    first = models[0]
    mean = copy.deepcopy(first) if first._graph is None else clone_model(first)
    mean.set_weights(
        [_mean(values, shares) for values in zip(*(m.get_weights() for m in models), strict=True)]
    )
    return mean


def average_outputs(
    models: Sequence[Model], weights: Sequence[float] | None = None, name: str | None = None
) -> Model:
    """One model that feeds its input to several models and gives the mean of their outputs.

    Models of any architecture will do, if they take the same inputs and give outputs of the same shapes: the
    mean of probabilities is one, so end all of them with the softmax or sigmoid. The models are layers of the
    new one and share their weights with it; it can be trained, saved and loaded as any other. Inputs and
    outputs are matched by their order and have the names that they have in the first model.

    Args:
        models: the models.
        weights: how much each model counts; default: all the same. Their sum need not be 1.
        name: of the new model.

    Returns:
        The model, not compiled.

    Raises:
        ValueError: inputs or outputs differ; the message names them.

    Example:
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> def constant(value):
        ...     return Sequential([Dense(1, input_shape=(2,), kernel_initializer=value)])
        >>> both = average_outputs([constant("ones"), constant("zeros")], weights=[3, 1])
        >>> both.predict(np.ones((1, 2))).tolist()
        [[1.5]]
    """
    models, shares = _checked("average_outputs", models, weights)
    for number, model in enumerate(models):
        if model._graph is None:
            raise ValueError(
                f"average_outputs needs graphs of layers, and {_title(number, model)} is a subclass with its "
                "own call: give `Model(x, model(x))`, with an Input x, in its place."
            )
        for kind in ("inputs", "outputs"):
            _check_ports(kind, number, model, models[0])
    inputs = [same_input(t) for t in models[0].inputs]
    taken = {*models[0].input_names, *models[0].output_names}
    members = _named_apart(models, taken)
    members_outputs = [as_list(member(inputs if len(inputs) > 1 else inputs[0])) for member in members]
    outputs = [
        _averaged(list(tensors), shares, output)
        for output, tensors in zip(models[0].output_names, zip(*members_outputs, strict=True), strict=True)
    ]
    return Model(inputs, outputs, name=name or unique_name("average_outputs"))


def _checked(who: str, models: Any, weights: Sequence[float] | None) -> tuple[list[Model], Numpy]:
    """The models, and shares whose sum is 1."""
    models = list(models) if isinstance(models, (AnyList, AnyTuple)) else [models]
    if not models or not all(isinstance(m, Model) for m in models):
        raise ValueError(f"{who} takes a list of models; got {models!r}.")
    for number, model in enumerate(models):
        if not model.built:
            raise ValueError(f"{who}: {_title(number, model)} has no weights yet; call it on data first.")
    shares = np.ones(len(models)) if weights is None else np.asarray(weights, "float64")
    if shares.shape != (len(models),):
        raise ValueError(f"{who}: {len(models)} models need as many weights; got {weights!r}.")
    total = math.fsum(shares)
    if not np.all(np.isfinite(shares)) or abs(total) < 1e-12:
        raise ValueError(f"{who}: the weights must be numbers with a sum that is not 0; got {weights!r}.")
    return models, shares / total


def _title(number: int, model: Model) -> str:
    return f"model {number} ({model.name!r})"


def _mean(values: tuple[Numpy, ...], shares: Numpy) -> Numpy:
    if not jnp.issubdtype(values[0].dtype, jnp.floating):
        return values[0]
    total = sum(share * np.asarray(v, "float64") for share, v in zip(shares, values, strict=True))
    return np.asarray(total, values[0].dtype)


def _check_same(first: Model, other: Model, number: int) -> None:
    """Every layer of `other` computes what the one at its place in `first` does, with equal shapes."""
    ours, theirs = ([layer for _, layer in instances(m)] for m in (first, other))
    pairs = list(zip(ours, theirs, strict=False))
    for a, b in pairs:
        if not isinstance(a, Model):
            _check_facts(a, b, _facts(a), _facts(b), first, other, number)
    if len(ours) != len(theirs):
        place, owner = (0, first) if len(ours) > len(theirs) else (number, other)
        alone = max(ours, theirs, key=len)[len(pairs)]
        raise ValueError(
            f"average_weights: layer {alone.name!r} of {_title(place, owner)} has no counterpart in "
            f"{_title(number, other) if owner is first else _title(0, first)}."
        )
    for a, b in pairs:
        if isinstance(a, Model):
            _check_facts(a, b, _wiring(a), _wiring(cast("Model", b)), first, other, number)


def _check_facts(
    a: Layer, b: Layer, here: Facts, there: Facts, first: Model, other: Model, number: int
) -> None:
    for fact in {**here, **there}:
        if here.get(fact) != there.get(fact):
            raise ValueError(
                f"average_weights: layer {b.name!r} of {_title(number, other)} does not fit layer "
                f"{a.name!r}, which has its place in {_title(0, first)}: {fact} is "
                f"{there.get(fact, 'missing')} instead of {here.get(fact, 'missing')}."
            )


def _facts(layer: Layer) -> Facts:
    """The facts of a layer that have to be the same, by a name for each."""
    if isinstance(layer, Model):
        return {"the class": "Model"}
    facts = {"the class": type(layer).__name__}
    weights = {**layer._params, **layer._state}
    facts |= {f"the shape of {name!r}": f"{tuple(v.shape)}" for name, v in weights.items()}
    config: dict[str, Any] = _lasting(layer.get_config())
    return facts | {
        f"`{key}`": json.dumps(value, default=repr, sort_keys=True) for key, value in config.items()
    }


def _lasting(config: object) -> Any:
    """A config without what is for training only."""
    if isinstance(config, (AnyList, AnyTuple)):
        return [_lasting(value) for value in config]
    if isinstance(config, AnyDict):
        return {key: _lasting(v) for key, v in config.items() if not _OF_TRAINING.fullmatch(str(key))}
    return config


def _wiring(model: Model) -> Facts:
    """From which layers, by their number, each layer of a graph gets its inputs."""
    graph = model._graph
    if graph is None:
        return {}
    places = {layer: i for i, layer in enumerate(graph.layers)}
    return {
        f"what the calls of layer {i} get": str(
            [
                [(places.get(t.node.owner), t.node.outputs.index(t)) for t in node.inputs]
                for node in layer.inbound_nodes
                if node in graph.layer_nodes
            ]
        )
        for i, layer in enumerate(graph.layers)
    }


def _check_ports(kind: str, number: int, model: Model, first: Model) -> None:
    """The inputs (or outputs) of a model are like those of the first one."""
    specs = [[(t.shape, np.dtype(t.dtype).name) for t in getattr(m, kind)] for m in (first, model)]
    names = [getattr(m, f"{kind.removesuffix('s')}_names") for m in (first, model)]
    if specs[0] != specs[1] or (names[0] != names[1] and sorted(names[0]) == sorted(names[1])):
        there, here = (
            ", ".join(f"{name!r} {shape} {dtype}" for name, (shape, dtype) in zip(*pair, strict=True))
            for pair in zip(names, specs, strict=True)
        )
        raise ValueError(
            f"average_outputs: all models need the same {kind} in the same order; {_title(0, first)} has "
            f"{there}, but {_title(number, model)} has {here}."
        )


def _named_apart(models: list[Model], taken: set[str]) -> list[Model]:
    """The models; one whose name is taken stands there as another model of the same layers."""
    renamed: dict[Model, Model] = {}
    for model in dict.fromkeys(models):
        name, count = model.name, 1
        while name in taken:
            name, count = f"{model.name}_{count}", count + 1
        taken.add(name)
        renamed[model] = model if name == model.name else Model(model.inputs, model.outputs, name=name)
    return [renamed[model] for model in models]


def _averaged(tensors: list[Tensor], shares: Numpy, name: str) -> Tensor:
    if len(tensors) == 1:
        return Activation("linear", name=name)(tensors[0])
    layer = Average(name=name) if np.ptp(shares) == 0 else WeightedAverage(shares.tolist(), name=name)
    return layer(tensors)
