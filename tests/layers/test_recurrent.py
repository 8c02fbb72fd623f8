"""Recurrent layers, embeddings and wrappers against the recordings of Keras 2.2.4."""

import types

import jax.numpy as jnp
import numpy as np
import pytest

import jkeras
import jkeras.models  # noqa: F401  (a TimeDistributed may hold a model)
from jkeras.layers.serialization import deserialize
from tests.layers import golden_runner

ALL = ["Embedding", "SimpleRNN", "GRU", "LSTM", "RNN", "ConvLSTM2D", "Bidirectional", "TimeDistributed"]


def own_classes(case) -> dict:
    """The cells that a case brings along as Python source."""
    source = case.attribute("custom_cell_source")
    if source is None:
        return {}
    scope = {"keras": jkeras, "K": types.SimpleNamespace(dot=jnp.dot), "np": np}
    exec(source, scope)
    return {name: value for name, value in scope.items() if isinstance(value, type)}


@pytest.mark.parametrize("case", golden_runner.cases(*ALL), ids=str)
def test_recorded(case):
    golden_runner.check(case, own_classes(case))


@pytest.mark.parametrize("case", golden_runner.cases("CuDNNGRU", "CuDNNLSTM"), ids=str)
def test_cudnn_recorded(case):
    subject = golden_runner.Subject(case)
    golden_runner.check_shapes(subject)
    golden_runner.check_config(subject)
    outputs = subject.run(subject.inputs).outputs
    golden_runner.same(outputs, case.arrays("outputs_inference"), "outputs", golden_runner.OUTPUT)
    kind = case.class_name.removeprefix("CuDNN")
    weights, plain = case.arrays("weights"), case.arrays("converted_weights")
    exact = dict(rtol=0, atol=0)
    golden_runner.same(jkeras.layers.recurrent.cudnn.cudnn_to_plain(kind, weights), plain, "plain", exact)
    back = jkeras.layers.recurrent.cudnn.plain_to_cudnn(kind, plain)
    golden_runner.same(back[:2], weights[:2], "back", exact)


@pytest.mark.parametrize("case", golden_runner.refused(*ALL), ids=lambda case: case["case"])
def test_refused(case):
    layer = deserialize({"class_name": case["class_name"], "config": case["config"]})
    shapes = [(None, *s) for s in case["input_shapes"]]
    inputs = [jkeras.layers.Input(s[1:]) for s in shapes]
    if case["options"].get("pre") == "mask":
        inputs = [jkeras.layers.Masking()(x) for x in inputs]
    with pytest.raises((ValueError, TypeError)):
        layer(inputs[0])


class OwnCall(jkeras.layers.LSTM):
    def call(self, inputs, mask=None, training=None, initial_state=None):
        return 2 * super().call(inputs, mask=mask, training=training, initial_state=initial_state)


class OwnEmbedding(jkeras.layers.Embedding):
    def call(self, x):
        return 2 * super().call(x)


@pytest.mark.parametrize("return_sequences", [False, True])
def test_subclasses_with_their_own_call_keep_the_masks(return_sequences):
    x = jkeras.layers.Input((3,))
    masked = OwnEmbedding(4, 2, mask_zero=True)(x)
    y = OwnCall(2, return_sequences=return_sequences)(masked)
    assert masked.mask_spec.shape == (None, 3)
    assert (y.mask_spec is not None) == return_sequences
