"""The recorded models: what was fed to them, and what came of it."""

from __future__ import annotations

import contextlib
import functools

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

# The gradient of a bias before BatchNormalization is zero but for rounding, and an optimizer that divides
# gradients by their size makes steps of it. The moving mean takes them up, one step late, so that what the
# inference phase computes feels them; the training phase and all other weights do not. (Keras 2.2.4 itself
# moves by up to 6e-4 there when its inputs change by 1e-7.)
_ADAPTIVE = ("Adadelta", "Adagrad", "Adam", "Adamax", "Nadam", "RMSprop")
_ROUNDING = dict(rtol=2e-3, atol=2e-3)


class Recording:
    """One recorded model.

    Args:
        name: one of `MODELS`.

    Attributes:
        about: its JSON.
        tolerance: for traces of training; models that move statistics of BatchNormalization are compared with
            the `plain_*` values, made with the usual moving average.
    """

    def __init__(self, name: str):
        self.name = name
        self.about = golden.json(f"models/{name}")
        self.plain = self.about.get("plain_moving_average", {})
        with np.load(golden.path(f"models/{name}.npz")) as arrays:
            self.arrays = dict(arrays)
        self.tolerance = dict(rtol=5e-4 if self.plain else 1e-4, atol=1e-5)

    # Models.

    def untrained(self):
        """The model before its training, compiled as it was then, with a fresh optimizer."""
        model = load_model(golden.path(f"models/{self.name}.initial.h5"), compile=False)
        for name in self.about.get("frozen_layers") or []:
            _layer(model, name).trainable = False  # a file does not keep it for a nested model
        arguments = dict(self.about["compile"])
        del arguments["optimizer"]
        model.compile(optimizers.deserialize(arguments.pop("optimizer_resolved")), **arguments)
        return model

    def trained(self):
        """The model that Keras saved after 10 steps."""
        warned = contextlib.nullcontext()
        if self.name == "nested_frozen":  # Keras's file does not say that the inner model was frozen
            warned = pytest.warns(UserWarning, match="freshly initialized optimizer")
        with warned:
            return load_model(golden.path(f"models/{self.name}.h5"))

    @functools.cached_property
    def inferred(self) -> dict[str, float]:
        """The tolerance for what the inference phase computes after training."""
        return _ROUNDING if self.reached(self.untrained()) else self.tolerance

    # What was fed.

    def numbered(self, prefix: str) -> list[np.ndarray]:
        """The arrays `<prefix>0`, `<prefix>1`, …; with the usual moving average where there are such."""
        numbers = [name.removeprefix(prefix) for name in self.arrays if name.startswith(prefix)]
        names = [f"{prefix}{n}" for n in sorted((n for n in numbers if n.isdigit()), key=int)]
        return [self.arrays.get(f"plain_{name}", self.arrays[name]) for name in names]

    def as_keras(self, prefix: str) -> list[np.ndarray]:
        """The same with Keras's own moving average, which is in the file that it wrote."""
        return [self.arrays[f"{prefix}{i}"] for i in range(len(self.numbered(prefix)))]

    def given(self, letter: str, rows=slice(None)):
        """x or y as the recorded run passed it; None where the model takes none."""
        arrays = [a[rows] for a in self.numbered(letter)]
        if self.about[f"{letter}_is_dict"]:
            names = self.about["input_names" if letter == "x" else "output_names"]
            return dict(zip(names, arrays, strict=True))
        return single(arrays) if arrays else None

    @functools.cached_property
    def weights(self) -> list[np.ndarray]:
        """The sample weights."""
        return self.numbered("sample_weight")

    def batch(self, step: int) -> np.ndarray:
        """The samples of a step."""
        size, n = self.about["batch_size"], self.about["n_samples"]
        if self.about["stateful"]:
            return (step % (n // size)) * size + np.arange(size)
        return (step * size + np.arange(size)) % n

    # What came of it.

    def value(self, name: str):
        """A recorded value, with the usual moving average where there is one."""
        return self.plain.get(name, self.about.get(name))

    def steps(self, model, first: int, count: int) -> np.ndarray:
        """What `train_on_batch` returns in these steps, one row each."""
        if self.about["stateful"]:
            model.reset_states()
        found = []
        for step in range(first, first + count):
            rows = self.batch(step)
            weight = None
            if self.about["train_uses_sample_weight"]:
                weight = single([w[rows] for w in self.weights])
            x, y = self.given("x", rows), self.given("y", rows)
            found.append(np.ravel(model.train_on_batch(x, y, sample_weight=weight)))
        return np.array(found)

    def evaluate(self, model, **more) -> np.ndarray:
        """What `evaluate` gives on all samples, from zero states."""
        model.reset_states()
        size = self.about["batch_size"]
        return np.ravel(model.evaluate(self.given("x"), self.given("y"), batch_size=size, verbose=0, **more))

    def predict(self, model) -> list[np.ndarray]:
        """What `predict` gives on all samples, from zero states."""
        model.reset_states()
        found = model.predict(self.given("x"), batch_size=self.about["batch_size"])
        return found if isinstance(found, list) else [found]

    def check_weights(self, model, prefix: str) -> None:
        """Compare the model's weights with the recorded ones."""
        variables = [weight for layer in model.layers for weight in layer.weights]
        found, expected, reached = model.get_weights(), self.numbered(prefix), self.reached(model)
        assert len(variables) == len(found) == len(expected)
        for variable, a, b in zip(variables, found, expected, strict=True):
            near = _ROUNDING if id(variable) in reached else self.tolerance
            np.testing.assert_allclose(a, b, **near, err_msg=variable.name)

    def reached(self, model) -> set[int]:
        """The weights that rounding reaches: biases before BatchNormalization, and the means that follow."""
        if self.about["compile"]["optimizer_resolved"]["class_name"] not in _ADAPTIVE:
            return set()
        pairs = zip(model.layers, model.layers[1:], strict=False)
        return {
            id(weight)
            for layer, norm in pairs
            if type(norm).__name__ == "BatchNormalization" and getattr(layer, "use_bias", False)
            for weight in (layer.bias, norm.moving_mean)
        }


def single(values: list):
    """The only item, or the list."""
    return values[0] if len(values) == 1 else values


def close(found, expected, rtol=1e-5, atol=1e-5) -> None:
    """Compare lists of arrays."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def _layer(model, name: str):
    inside = [layer for layer in model.layers if hasattr(layer, "layers")]
    return next(layer for owner in (model, *inside) for layer in owner.layers if layer.name == name)
