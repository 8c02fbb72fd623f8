"""Layers that came after Keras 2.2.4, against recordings of the real Keras 3."""

from __future__ import annotations

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras.core.types import Ctx
from jkeras.engine.tree import gather
from jkeras.layers.serialization import deserialize, serialize
from jkeras.saving.keras3 import layer_in_our_words
from tests import golden

CLOSE = dict(rtol=2e-5, atol=2e-5)
# What Keras 3 writes down beside the arguments of a layer, or has no meaning here.
UNSAID = {"activity_regularizer": None, "seed": None, "return_state": False, "unroll": False, "groups": 1}
RULES = ("regularizer", "constraint")
UNSAID |= {"keepdims": False}  # where one of the two leaves out what does nothing
LEFT_OUT = {"trainable", "dtype", "name", "quantization_config", "sparse", "module"}


@functools.cache
def recording():
    with np.load(golden.path("later/new_layers.npz")) as arrays:
        return json.loads(bytes(arrays["about"])), {name: arrays[name] for name in arrays.files}


def cases():
    return [f"{i}-{about['layer']['class_name']}" for i, about in enumerate(recording()[0]["cases"])]


class Recorded:
    def __init__(self, name: str):
        self.number = int(name.split("-")[0])
        self.about = recording()[0]["cases"][self.number]

    def arrays(self, what: str) -> dict[str, np.ndarray]:
        start = f"{self.number}/{what}/"
        return {k.removeprefix(start): a for k, a in recording()[1].items() if k.startswith(start)}

    def listed(self, what: str) -> list[np.ndarray]:
        found = self.arrays(what)
        return [found[k] for k in sorted(found, key=int)]

    @property
    def mask(self):
        return recording()[1].get(f"{self.number}/mask")


def built(case: Recorded):
    """The layer in our words, built, with the recorded weights in Keras 3's order."""
    layer = deserialize(layer_in_our_words(case.about["layer"]))
    shapes = [(None, *s[1:]) for s in case.about["shapes"]]
    layer.build(shapes if len(shapes) > 1 else shapes[0])
    layer.built = True
    values = dict(zip(map(ours, case.about["weights"]), case.listed("weights"), strict=True))
    layer.set_weights([values[name_of(v)] for v in layer.weights])
    return layer


def ours(name: str) -> str:
    """The name of a weight here: Keras 3 has its path, and another word in DepthwiseConv1D."""
    return name.removeprefix("inner/").rpartition("lstm_cell/")[2]


def name_of(variable) -> str:
    name = variable.name.split(":")[0].split("/", 1)[-1]
    return name.removeprefix("inner/").removeprefix("depthwise_")


def run(case: Recorded, layer, weights, inputs):
    values = dict(zip(layer.weights, weights, strict=True))
    params, state = gather(layer, values.__getitem__)
    given = {int(k): jnp.asarray(m) for k, m in case.arrays("masks").items()}
    masks = [given.get(i) for i in range(len(inputs))]
    ctx = Ctx(jax.random.key(0), masks if len(inputs) > 1 else masks[0], case.about["training"])
    words = case.about["words"] | case.arrays("words")
    return layer.pure().apply(params, state, inputs if len(inputs) > 1 else inputs[0], ctx, **words)


def outputs_of(out) -> list:
    return list(out.y) if isinstance(out.y, (list, tuple)) else [out.y]


@pytest.mark.filterwarnings("ignore:The mask of the input ends")
@pytest.mark.parametrize("name", cases())
def test_values_gradients_and_masks(name):
    case = Recorded(name)
    layer, inputs = built(case), case.listed("inputs")
    weights = [v.numpy() for v in layer.weights]
    assert sorted(map(name_of, layer.weights)) == sorted(map(ours, case.about["weights"]))
    learned_there = [
        ours(n) for n, t in zip(case.about["weights"], case.about["trainable"], strict=True) if t
    ]
    assert sorted(map(name_of, layer.trainable_weights)) == sorted(learned_there)

    def total(weights, inputs):
        out = run(case, layer, weights, inputs)
        ys = [y.astype("float32") for y in outputs_of(out)]
        return sum(
            jnp.sum(y * jnp.cos(jnp.arange(y.size, dtype="float32")).reshape(y.shape)) for y in ys
        ), out

    floats = [i for i, x in enumerate(inputs) if x.dtype == "float32"]
    program = jax.jit(functools.partial(slopes, total, floats))
    out, (by_weight, by_input) = program(weights, inputs)
    for found, expected in zip(outputs_of(out), case.listed("outputs"), strict=True):
        np.testing.assert_allclose(found, expected, **CLOSE)
    by_name = dict(zip(map(name_of, layer.weights), by_weight, strict=True))
    for name, expected in zip(learned_there, case.listed("gradients/weights"), strict=True):
        np.testing.assert_allclose(by_name[name], expected, **CLOSE, err_msg=name)
    for found, expected in zip(by_input, case.listed("gradients/inputs"), strict=False):
        np.testing.assert_allclose(found, expected, **CLOSE)
    mask = out.mask[0] if isinstance(out.mask, (list, tuple)) else out.mask
    assert (mask is None) == (case.mask is None)
    if mask is not None:
        np.testing.assert_array_equal(mask, case.mask)


def way_of(y):
    """The direction in which the slope of an output was recorded."""
    return jnp.cos(jnp.arange(y.size, dtype="float32")).reshape(y.shape)


def slopes(total, floats, weights, inputs):
    real = [i for i, w in enumerate(weights) if jnp.issubdtype(w.dtype, jnp.floating)]

    def of_parts(parts, moving):
        w, x = list(weights), list(inputs)
        for i, value in zip(real, parts, strict=True):
            w[i] = value
        for i, value in zip(floats, moving, strict=True):
            x[i] = value
        return total(w, x)

    parts, moving = [weights[i] for i in real], [inputs[i] for i in floats]
    (parts, moving), out = jax.grad(of_parts, (0, 1), has_aux=True)(parts, moving)
    by_weight = dict(zip(real, parts, strict=True))
    return out, ([by_weight.get(i, 0.0) for i in range(len(weights))], moving)


def plain(value):
    if isinstance(value, dict) and "class_name" in value:
        return [value["class_name"], plain(value["config"])]
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in LEFT_OUT}
        kept = {k: v for k, v in kept.items() if v is not None or k.rpartition("_")[2] not in RULES}
        return {k: plain(v) for k, v in kept.items() if k not in UNSAID or v != UNSAID[k]}
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("name", cases())
def test_configurations(name):
    about = Recorded(name).about
    config = layer_in_our_words(about["layer"])
    layer = deserialize(config)
    assert plain(serialize(layer)) == plain(config)
    assert plain(serialize(deserialize(serialize(layer)))) == plain(config)
