"""Network: a graph of layers without training, as a frozen view of layers that another model trains."""

from __future__ import annotations

import json

import numpy as np
import pytest

from jkeras.layers import BatchNormalization, Dense, Input
from jkeras.models import Model
from jkeras.models.network import Network

X = np.random.RandomState(0).rand(8, 3).astype("float32")


@pytest.fixture
def views():
    """A trained critic, and a frozen view of it inside a model of a generator."""
    x, noise = Input((3,)), Input((3,))
    judge = Dense(1, name="judge")
    critic = Model(x, judge(x))
    still = Network(x, judge(x), name="still")
    still.trainable = False
    return critic, still, Model(noise, still(Dense(3, name="generator")(noise)))


def test_a_frozen_view_leaves_the_layers_to_the_other_model(views):
    critic, still, combined = views
    assert len(critic.trainable_weights) == 2 and still.trainable_weights == []
    assert [w.name.split("/")[0] for w in combined.trainable_weights] == ["generator"] * 2
    before = critic.get_weights()[0]
    combined.compile("sgd", "mse")
    combined.train_on_batch(X, np.ones((8, 1)))
    np.testing.assert_array_equal(critic.get_weights()[0], before)
    critic.compile("sgd", "mse")
    critic.train_on_batch(X, np.ones((8, 1)))
    assert np.abs(still.get_weights()[0] - before).max() > 0


def test_it_writes_and_reads_its_weights(views, tmp_path):
    critic, still, _ = views
    still.save_weights(tmp_path / "w.h5")
    saved = still.get_weights()
    critic.set_weights([w + 1 for w in saved])
    still.load_weights(tmp_path / "w.h5")
    for a, b in zip(critic.get_weights(), saved, strict=True):
        np.testing.assert_array_equal(a, b)
    assert json.loads(still.to_json())["class_name"] == "Network" and "Network" in still.to_yaml()
    assert not hasattr(still, "fit")


def test_layers_shared_with_a_frozen_model_count_once():
    x, noise = Input((4,)), Input((2,))
    shared = Model(x, BatchNormalization()(Dense(3)(x)))(x)
    judge, guide = Model(x, Dense(1)(shared)), Model(x, Dense(2)(shared))
    fake = Dense(4)(noise)
    judge.trainable = False
    both = Model(noise, [judge(fake), guide(fake)])
    # Keras 2.2.4 counts the same; its lists hold what is shared twice.
    assert both.count_params() == 51 and len(both.trainable_weights) == 8
    assert len(both.weights) == len(set(both.weights)) == len(both.get_weights()) == 12


def test_a_model_ends_at_other_outputs():
    x = Input((4,))
    model = Model(x, Dense(5)(Dense(2)(Dense(3)(x))))
    data = np.ones((1, 4), "float32")
    model.compile("sgd", "mse")
    model.predict(data)
    middle = Model(x, model.layers[-2].output).predict(data)
    model.layers.pop()
    model.outputs = [model.layers[-1].output]
    model.layers[-1].outbound_nodes = []
    np.testing.assert_allclose(model.predict(data), middle, rtol=1e-6)
    assert model.train_on_batch(data, middle + 1) == pytest.approx(1) and len(model.get_weights()) == 4
    assert model(x).shape == (None, 2)
    with pytest.raises(ValueError, match=r"Model\(model.inputs, outputs\)"):
        model.outputs = [model.layers[1].output]
    model.inputs = [x]
    with pytest.raises(ValueError, match=r"Model\(inputs, model.outputs\)"):
        model.inputs = [Input((4,))]
