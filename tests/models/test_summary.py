"""summary() prints what Keras 2.2.4 printed, to the letter."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras.layers import Dense
from jkeras.models import Sequential, load_model
from tests import golden

NAMES = (
    "add_loss_vae_like autoencoder_deconv batchnorm_convnet bidirectional_lstm conv1d_classifier "
    "embedding_lstm masked_sequence_loss mlp_classifier multi_input_output nested_frozen_each_layer "
    "regularized_constrained residual_block shared_siamese sparse_labels_metrics stateful_stacked_lstm "
    "temporal_weights vgg_like"
).split()


@pytest.mark.parametrize("name", NAMES)
def test_recorded_summary(name, capsys):
    model = load_model(golden.path(f"models/{name}.initial.h5"), compile=False)
    assert model.summary() is None
    assert capsys.readouterr().out.rstrip("\n") == golden.json(f"models/{name}")["summary"].rstrip("\n")


def test_width_positions_and_print_fn():
    model = load_model(golden.path("models/mlp_classifier.initial.h5"), compile=False)
    lines: list[str] = []
    model.summary(line_length=40, positions=[0.5, 0.8, 1.0], print_fn=lines.append)
    assert lines[0] == "_" * 40 and all(len(line) <= 40 for line in lines)


def test_a_model_without_shapes_says_how_to_build_it():
    with pytest.raises(ValueError, match="input_shape"):
        Sequential().summary()


def test_trainable_that_changed_since_compile_is_told_with_the_word_of_keras():
    inner = Sequential([Dense(3, input_shape=(3,)), Dense(3)])
    model = Sequential([inner, Dense(1)])
    model.compile("sgd", "mse")
    model.summary(print_fn=str)
    inner.trainable = False
    x, y = np.ones((4, 3)), np.ones((4, 1))
    for action in (
        lambda: model.summary(print_fn=str),
        lambda: model.fit(x, y, verbose=0),
        lambda: model.train_on_batch(x, y),
        lambda: model.summary(print_fn=str),
    ):
        with pytest.warns(UserWarning, match="Discrepancy between trainable weights") as told:
            action()
        assert [w.filename for w in told] == [__file__]
    model.evaluate(x, y, verbose=0)  # Keras says nothing where nothing is trained
    model.compile("sgd", "mse")
    model.summary(print_fn=str)
