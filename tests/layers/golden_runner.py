"""Drives the recorded cases of `layers.h5` through layers: outputs, gradients, masks, states, configs.

A test module lists its classes:

    @pytest.mark.parametrize("case", golden_runner.cases("Dense", "Dropout"), ids=str)
    def test_recorded(case):
        golden_runner.check(case)
"""

from __future__ import annotations

import functools
import json
from typing import Any, NamedTuple

import h5py
import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core.types import Ctx
from jkeras.engine.tree import gather, scatter
from jkeras.layers.serialization import deserialize
from tests import golden

OUTPUT = dict(rtol=1e-5, atol=1e-6)
GRADIENT = dict(rtol=1e-4, atol=1e-6)
MOVED = dict(rtol=1e-5, atol=1e-6)


class Case(NamedTuple):
    """One recorded case: JSON attributes and arrays by path (`inputs/0`)."""

    class_name: str
    number: str

    def __str__(self):
        return f"{self.class_name}-{self.number}"

    @property
    def group(self) -> h5py.Group:
        return recording()[self.class_name][self.number]

    def attribute(self, name: str, default: Any = None) -> Any:
        value = self.group.attrs.get(name, default)
        try:
            return json.loads(value) if isinstance(value, str) else value
        except json.JSONDecodeError:
            return value

    @property
    def config(self) -> dict:
        return self.attribute("config")

    @property
    def input_shapes(self):
        """A tuple for one input, a list of tuples for several."""
        shapes = [tuple(s) for s in self.attribute("input_shapes")]
        return shapes if len(shapes) > 1 else shapes[0]

    def arrays(self, name: str) -> list[np.ndarray]:
        """The arrays of a group in order; [] if it was not recorded."""
        group = self.group.get(name)
        return [] if group is None else [group[k][()] for k in sorted(group, key=int)]

    def numbered(self, name: str) -> dict[int, np.ndarray]:
        group = self.group.get(name)
        return {} if group is None else {int(k): group[k][()] for k in group}


@functools.cache
def recording() -> h5py.File:
    return h5py.File(golden.path("layers.h5"), "r")


def cases(*class_names: str) -> list[Case]:
    """All recorded cases of these classes."""
    return [Case(name, number) for name in class_names for number in recording()[name]]


def refused(*class_names: str) -> list[dict]:
    """The recorded configurations of these classes that Keras refused."""
    return [c for c in golden.json("layers_refused")["refused_or_failed"] if c["class_name"] in class_names]


def build(class_name: str, config: dict, shapes, weights=(), custom_objects=None):
    """A layer from its config, built for these input shapes, with these weights."""
    layer = deserialize({"class_name": class_name, "config": config}, custom_objects)
    layer.check_inputs(shapes)
    layer.build(shapes)
    layer.built = True
    if len(weights):
        layer.set_weights(list(weights))
    return layer


def weights_of(layer) -> list:
    """The variables in the order of `get_weights`, which is not that of `weights` around a model."""
    inner = layer.layer if type(layer).__name__ == "TimeDistributed" else layer
    return inner._weights_by_layer() if hasattr(inner, "_weights_by_layer") else inner.weights


class Flow(NamedTuple):
    """What one run of a case gives."""

    outputs: list
    masks: list
    state: Any
    loss: Any
    gradients: tuple  # of (weights, inputs)


class Subject:
    """The layer of a case with its weights, as a pure function of (weights, inputs, hidden state)."""

    def __init__(self, case: Case, custom_objects=None):
        self.case = case
        states = case.arrays("initial_state")
        self.inputs = case.arrays("inputs") + states
        shapes = case.input_shapes
        if states:
            shapes = [shapes, *((None, *s.shape[1:]) for s in states)]
        self.pre = None
        if case.attribute("pre_layer"):
            spec, fed = case.attribute("pre_layer"), case.arrays("inputs")[0]
            in_shape = (None, *fed.shape[1:])
            self.pre = build(spec["class_name"], spec["config"], in_shape, case.arrays("pre_weights"))
        self.shapes = shapes
        self.layer = build(case.class_name, case.config, shapes, case.arrays("weights"), custom_objects)
        self.pair = self.layer.pure()
        self.hidden = {v: v.numpy() for v in self._hidden()}

    def _hidden(self) -> list:
        visible = {id(v) for v in weights_of(self.layer)}
        found = []
        gather(self.layer, lambda v: found.append(v) if id(v) not in visible else None)
        return found

    def differentiable(self) -> list[int]:
        fixed = {0} if self.pre is not None and self.pre.weights else set()
        return [
            i for i, x in enumerate(self.inputs) if np.issubdtype(x.dtype, np.floating) and i not in fixed
        ]

    def run(self, inputs, training: bool = False, cotangents=None) -> Flow:
        """One call; with cotangents also the gradients of `sum_i sum(output_i * cotangent_i)`."""
        weights, hidden = [v.numpy() for v in weights_of(self.layer)], list(self.hidden.values())
        places = self.differentiable() if cotangents else []

        def flow(weights, moving):
            values = dict(zip(weights_of(self.layer), weights, strict=True)) | dict(
                zip(self.hidden, hidden, strict=True)
            )
            x = list(inputs)
            for place, value in zip(places, moving, strict=True):
                x[place] = value
            out = self._apply(values, x, training)
            outputs = out.y if isinstance(out.y, (list, tuple)) else [out.y]
            masks = out.mask if isinstance(out.mask, (list, tuple)) else [out.mask]
            total = sum(jnp.sum(y * c) for y, c in zip(outputs, cotangents or (), strict=False))
            return total, (list(outputs), list(masks), out.state, out.loss)

        moving = [inputs[i] for i in places]
        if not cotangents:
            return Flow(*jax.jit(flow)(weights, moving)[1], gradients=((), ()))
        (_, rest), gradients = jax.jit(jax.value_and_grad(flow, argnums=(0, 1), has_aux=True))(
            weights, moving
        )
        return Flow(*rest, gradients=(gradients[0], dict(zip(places, gradients[1], strict=True))))

    def _apply(self, values: dict, x: list, training: bool):
        ctx, masks = Ctx(rng=jax.random.key(0), training=training), None
        if self.pre is not None:
            pre_params, pre_state = gather(self.pre, lambda v: v.value)
            before = self.pre.pure().apply(pre_params, pre_state, x[0], ctx)
            x, masks = [before.y, *x[1:]], [before.mask] + [None] * (len(x) - 1)
        params, state = gather(self.layer, lambda v: values[v])
        one = not isinstance(self.shapes, list)
        ctx = ctx.replace(mask=masks[0] if masks and one else masks)
        return self.pair.apply(params, state, x[0] if one else x, ctx)

    def move(self, state) -> None:
        """Store the states that a call returned."""

        def write(variable, value):
            if variable in self.hidden:
                self.hidden[variable] = np.asarray(value)

        scatter(self.layer, state, write)


def check(case: Case, custom_objects=None) -> None:
    """Everything that was recorded about a case."""
    subject = Subject(case, custom_objects)
    check_weights(subject)
    check_shapes(subject, custom_objects)
    check_config(subject, custom_objects)
    flow = subject.run(subject.inputs, cotangents=case.arrays("cotangents"))
    same(flow.outputs, case.arrays("outputs_inference"), "outputs_inference", OUTPUT)
    check_gradients(case, flow, "grads_inference")
    check_masks(case, flow)
    check_losses(subject, flow)
    check_training(subject)
    check_second_batch(subject, flow)


def check_weights(subject: Subject) -> None:
    layer, case = subject.layer, subject.case
    same(layer.get_weights(), case.arrays("weights"), "get_weights", dict(rtol=0, atol=0))
    names = [name.split("/")[-1] for name in case.attribute("weight_names")]
    assert [v.name.split("/")[-1] for v in weights_of(layer)] == names
    trainable = [any(v is t for t in layer.trainable_weights) for v in weights_of(layer)]
    assert trainable == case.attribute("weight_trainable")


def check_shapes(subject: Subject, custom_objects=None) -> None:
    """`compute_output_shape` before and after the layer is built, with the batch size left open."""
    expected = [tuple(s) for s in subject.case.attribute("output_shapes")]
    spec = {"class_name": subject.case.class_name, "config": subject.case.config}
    for layer in (deserialize(spec, custom_objects), subject.layer):
        found = layer.compute_output_shape(subject.shapes)
        assert (found if isinstance(found, list) else [found]) == expected


def check_config(subject: Subject, custom_objects=None) -> None:
    """The config of the layer is Keras's, and gives the same layer again."""
    config = plain(subject.layer.get_config())
    recorded = plain(subject.case.config)
    assert config == recorded
    again = deserialize({"class_name": subject.case.class_name, "config": config}, custom_objects)
    assert plain(again.get_config()) == config


def plain(config):
    """A config as JSON; Keras's writing of a 0-d array is the number."""
    if isinstance(config, dict):
        if config.get("type") == "ndarray":
            return config["value"]
        return {k: plain(v) for k, v in config.items()}
    if isinstance(config, (list, tuple)):
        return [plain(v) for v in config]
    return config


def check_gradients(case: Case, flow: Flow, recorded: str) -> None:
    weights, inputs = flow.gradients
    for i, expected in case.numbered(f"{recorded}/weights").items():
        close(weights[i], expected, f"{recorded}/weights/{i}", GRADIENT)
    fed = len(case.arrays("inputs"))
    for i, expected in case.numbered(f"{recorded}/inputs").items():
        close(inputs[i], expected, f"{recorded}/inputs/{i}", GRADIENT)
    for i, expected in case.numbered(f"{recorded}/initial_state").items():
        close(inputs[fed + i], expected, f"{recorded}/initial_state/{i}", GRADIENT)


def check_masks(case: Case, flow: Flow) -> None:
    missing = case.attribute("output_mask_none")
    if missing is None:
        return
    recorded = case.numbered("output_mask")
    masks = flow.masks + [None] * (len(missing) - len(flow.masks))
    for i, (mask, none) in enumerate(zip(masks, missing, strict=True)):
        assert (mask is None) == none, f"output_mask/{i}"
        if not none:
            np.testing.assert_array_equal(mask, recorded[i])


def check_losses(subject: Subject, flow: Flow) -> None:
    if "regularization_losses" not in subject.case.group:
        return
    cells = [v for v in weights_of(subject.layer) if v.regularizer is not None]
    losses = [float(v.regularizer(v.value)) for v in cells]
    if not isinstance(flow.loss, float) or flow.loss:
        losses.append(float(flow.loss))
    losses = [x for x in losses if x]
    recorded = subject.case.group["regularization_losses"][()]
    np.testing.assert_allclose(losses, recorded[recorded != 0], rtol=1e-5)


def check_training(subject: Subject) -> None:
    case, phase = subject.case, subject.case.attribute("training_phase")
    if hasattr(getattr(subject.layer, "layer", None), "layers"):
        return  # Keras forgets the learning phase of a model inside TimeDistributed
    assert subject.layer.uses_learning_phase == bool(case.attribute("learning_phase_dependent"))
    if phase == "same as inference":
        flow = subject.run(subject.inputs, training=True)
        same(flow.outputs, case.arrays("outputs_inference"), "outputs in training", OUTPUT)
    if phase != "recorded":
        return
    flow = subject.run(subject.inputs, training=True, cotangents=case.arrays("cotangents"))
    same(flow.outputs, case.arrays("outputs_training"), "outputs_training", OUTPUT)
    check_gradients(case, flow, "grads_training")
    moved = {v: v.numpy() for v in weights_of(subject.layer)}
    scatter(subject.layer, flow.state, moved.__setitem__)
    recorded = case.arrays("weights_after_training_call_plain_average")
    same(list(moved.values()), recorded, "weights after a training call", MOVED)


def check_second_batch(subject: Subject, flow: Flow) -> None:
    case = subject.case
    if "inputs_batch2" not in case.group:
        return
    subject.move(flow.state)
    second = subject.run(case.arrays("inputs_batch2"))
    same(second.outputs, case.arrays("outputs_batch2"), "outputs_batch2", OUTPUT)
    subject.move(second.state)
    same(list(subject.hidden.values()), case.arrays("states_after_batch2"), "states_after_batch2", OUTPUT)


def same(found, expected, what: str, tolerance: dict) -> None:
    assert len(found) == len(expected), f"{what}: {len(found)} arrays, recorded {len(expected)}"
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        close(a, b, f"{what}/{i}", tolerance)


def close(found, expected, what: str, tolerance: dict) -> None:
    assert np.shape(found) == np.shape(expected), (
        f"{what}: shape {np.shape(found)}, recorded {np.shape(expected)}"
    )
    np.testing.assert_allclose(found, expected, err_msg=what, **tolerance)
