"""Training, evaluation and `fit` of whole models against the recordings of Keras 2.2.4."""

import contextlib

import numpy as np
import pytest

from jkeras import optimizers
from jkeras.models import load_model
from tests import golden

MODELS = [
    "add_loss_vae_like",
    "autoencoder_deconv",
    "batchnorm_convnet",
    "bidirectional_lstm",
    "conv1d_classifier",
    "embedding_lstm",
    "masked_sequence_loss",
    "mlp_classifier",
    "multi_input_output",
    "nested_frozen",
    "nested_frozen_each_layer",
    "regularized_constrained",
    "residual_block",
    "shared_siamese",
    "sparse_labels_metrics",
    "stateful_stacked_lstm",
    "temporal_weights",
    "vgg_like",
]


class Recording:
    """One recorded model: its data, and the model itself, freshly compiled."""

    def __init__(self, name):
        self.name = name
        self.about = golden.json(f"models/{name}")
        self.plain = self.about.get("plain_moving_average", {})
        with np.load(golden.path(f"models/{name}.npz")) as arrays:
            self.arrays = dict(arrays)
        self.tolerance = dict(rtol=5e-4 if self.plain else 1e-4, atol=1e-5)

    def model(self):
        model = load_model(golden.path(f"models/{self.name}.initial.h5"), compile=False)
        for layer in self.about.get("frozen_layers", []):
            _layer(model, layer).trainable = False  # a file does not keep it for a nested model
        arguments = dict(self.about["compile"])
        model.compile(
            optimizers.deserialize(arguments.pop("optimizer_resolved")), **_without_optimizer(arguments)
        )
        return model

    def value(self, name):
        """A recorded value, with the usual moving average where the recording has it."""
        return self.plain.get(name, self.about.get(name))

    def table(self, letter):
        names = sorted(
            (n for n in self.arrays if n[0] == letter and n[1:].isdigit()), key=lambda n: int(n[1:])
        )
        return [self.arrays[name] for name in names]

    def weights(self):
        names = sorted(n for n in self.arrays if n.startswith("sample_weight"))
        return [self.arrays[name] for name in names]

    def batch(self, step):
        size, n = self.about["batch_size"], self.about["n_samples"]
        if self.about["stateful"]:
            return (step % (n // size)) * size + np.arange(size)
        return (step * size + np.arange(size)) % n

    def given(self, letter, rows=slice(None)):
        """The data as the recorded run passed them."""
        arrays = [a[rows] for a in self.table(letter)]
        if self.about[f"{letter}_is_dict"]:
            names = self.about["input_names" if letter == "x" else "output_names"]
            return dict(zip(names, arrays, strict=True))
        return arrays if len(arrays) != 1 else arrays[0]


def _layer(model, name):
    inside = [layer for layer in model.layers if hasattr(layer, "layers")]
    found = [layer for owner in (model, *inside) for layer in owner.layers if layer.name == name]
    return found[0]


def _without_optimizer(arguments):
    return {name: value for name, value in arguments.items() if name != "optimizer"}


def _single(values):
    return values[0] if len(values) == 1 else values


def _steps(recording, model, first, count):
    found = []
    for step in range(first, first + count):
        rows = recording.batch(step)
        weight = None
        if recording.about["train_uses_sample_weight"]:
            weight = _single([w[rows] for w in recording.weights()])
        y = recording.given("y", rows) if recording.table("y") else None
        found.append(model.train_on_batch(recording.given("x", rows), y, sample_weight=weight))
    return found


@pytest.fixture(scope="module", params=MODELS)
def recording(request):
    return Recording(request.param)


def _evaluate(recording, model, **more):
    if recording.about["stateful"]:
        model.reset_states()
    y = recording.given("y") if recording.table("y") else None
    return model.evaluate(
        recording.given("x"), y, batch_size=recording.about["batch_size"], verbose=0, **more
    )


def test_steps(recording):
    model = recording.model()
    assert model.metrics_names == recording.about["metrics_names"]
    np.testing.assert_allclose(
        np.ravel(_evaluate(recording, model)),
        np.ravel(recording.about["evaluate_initial"]),
        **recording.tolerance,
    )
    if "evaluate_initial_sample_weight" in recording.about:
        found = _evaluate(recording, model, sample_weight=_single(recording.weights()))
        expected = recording.about["evaluate_initial_sample_weight"]
        np.testing.assert_allclose(found, expected, **recording.tolerance)
    if recording.about["stateful"]:
        model.reset_states()
    found = _steps(recording, model, 0, 10)
    np.testing.assert_allclose(
        np.reshape(found, (10, -1)), recording.value("train_10_steps"), **recording.tolerance
    )
    if not recording.about["stateful"]:
        found = _evaluate(recording, model)
        np.testing.assert_allclose(
            np.ravel(found), np.ravel(recording.value("evaluate_after_10")), **recording.tolerance
        )
        found = _steps(recording, model, 10, 5)
        np.testing.assert_allclose(
            np.reshape(found, (5, -1)), recording.value("train_5_more_steps"), **recording.tolerance
        )


def test_fits(recording):
    for run, about in enumerate(recording.value("fits")):
        model = recording.model()
        kwargs = dict(about["kwargs"])
        for name in ("sample_weight", "validation_data"):
            if name in kwargs:
                kwargs[name] = _named(recording, kwargs[name])
        if "class_weight" in kwargs:
            kwargs["class_weight"] = _by_class(kwargs["class_weight"])
        y = recording.given("y") if recording.table("y") else None
        both = {"class_weight", "sample_weight"} <= kwargs.keys()
        with pytest.warns(UserWarning, match="class_weight") if both else contextlib.nullcontext():
            history = model.fit(recording.given("x"), y, verbose=0, **kwargs)
        assert list(history.history) == recording.about["fits"][run].get(
            "history_keys_order", list(history.history)
        )
        for name, values in about["history"].items():
            np.testing.assert_allclose(
                history.history[name], values, **recording.tolerance, err_msg=f"{run} {name}"
            )


def _by_class(weights):
    """JSON turned the class numbers into strings."""
    return {
        int(k) if k.isdigit() else k: _by_class(v) if isinstance(v, dict) else v for k, v in weights.items()
    }


def _named(recording, value):
    if isinstance(value, str):
        return _single(recording.weights())
    if isinstance(value, list):
        return [_named(recording, v) for v in value]
    if isinstance(value, dict):
        weights = recording.weights()
        return {name: weights[i] for i, name in enumerate(value)}
    return value
