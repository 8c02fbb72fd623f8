"""The TensorBoard callback on real models."""

import numpy as np
import pytest

from jkeras.callbacks import TensorBoard
from jkeras.layers import Conv1D, Dense, Embedding, Flatten, Input
from jkeras.models import Model, Sequential
from tests.callbacks.test_events import message, read

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = X[:, :2] > 0


@pytest.fixture
def model():
    model = Sequential([Dense(4, activation="relu", input_shape=(3,), name="a"), Dense(2, name="b")])
    model.compile("sgd", "mse")
    return model


def fit(model, callback, **kwargs):
    arguments = {"epochs": 2, "batch_size": 4, "verbose": 0, "validation_data": (X[:6], Y[:6]), **kwargs}
    return model.fit(X, Y, callbacks=[callback], **arguments)


def test_scalars_of_epochs(model, tmp_path):
    history = fit(model, TensorBoard(tmp_path))
    values, [graph] = read(tmp_path)
    for name in ("loss", "val_loss"):
        found = [values[name, epoch][2][0] for epoch in range(2)]
        np.testing.assert_allclose(found, history.history[name], rtol=1e-6)
    nodes = [(message(n)[1][0], message(n).get(3, [])) for n in message(graph)[1]]
    assert (b"b", [b"a"]) in nodes
    assert b'"class_name": "Sequential"' in message(values["architecture", 0][8][0])[8][0]


@pytest.mark.parametrize("update, steps", [("batch", [4, 8, 12, 16, 20, 24]), (8, [8, 16, 24])])
def test_scalars_of_batches(model, tmp_path, update, steps):
    fit(model, TensorBoard(tmp_path, update_freq=update, write_graph=False))
    values, graphs = read(tmp_path)
    assert graphs == []
    assert [step for name, step in values if name == "loss"] == sorted(steps + [12, 24])[
        : len(values)
    ] or steps
    assert {step for name, step in values if name == "val_loss"} == {12, 24}
    assert set(steps) <= {step for name, step in values if name == "loss"}


def test_histograms_images_and_gradients(model, tmp_path):
    callback = TensorBoard(tmp_path, histogram_freq=1, write_images=True, write_grads=True, batch_size=4)
    fit(model, callback)
    values, _ = read(tmp_path)
    tags = {tag for tag, _ in values}
    for layer in "ab":
        for weight in ("kernel", "bias"):
            assert {f"{layer}/{weight}_0", f"{layer}/{weight}_0/image", f"{layer}/{weight}_0_grad"} <= tags
        assert f"{layer}_out" in tags
    histogram = message(values["b_out", 1][5][0])
    out = model.predict(X[:6]).astype(np.float64)
    np.testing.assert_allclose([histogram[3][0], histogram[4][0]], [12, out.sum()], rtol=1e-5)


def test_gradients_are_those_of_the_loss(tmp_path):
    model = Sequential([Dense(2, use_bias=False, input_shape=(3,), name="d")])
    model.compile("sgd", "mse")
    fit(model, TensorBoard(tmp_path, histogram_freq=1, write_grads=True), epochs=1, batch_size=12)
    values, _ = read(tmp_path)
    kernel = model.get_weights()[0].astype(np.float64)
    gradient = X[:6].T @ (X[:6] @ kernel - Y[:6]) / 6
    histogram = message(values["d/kernel_0_grad", 0][5][0])
    np.testing.assert_allclose(histogram[4][0], gradient.sum(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(histogram[5][0], (gradient**2).sum(), rtol=1e-4)


def test_histograms_without_validation_data_are_refused(model, tmp_path):
    with pytest.raises(ValueError, match="If printing histograms, validation_data must be provided"):
        fit(model, TensorBoard(tmp_path, histogram_freq=1), validation_data=None)
    with pytest.raises(ValueError, match="To visualize embeddings, embeddings_data must be provided"):
        fit(model, TensorBoard(tmp_path, embeddings_freq=1))


def test_a_subclassed_model_has_no_graph(tmp_path):
    class Mine(Model):
        def __init__(self):
            super().__init__(name="mine")
            self.dense = Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    model = Mine()
    model.compile("sgd", "mse")
    fit(model, TensorBoard(tmp_path, histogram_freq=1, write_grads=True), epochs=1)
    values, graphs = read(tmp_path)
    assert graphs == [] and any(tag.endswith("kernel_0_grad") for tag, _ in values)


def test_unknown_update_freq():
    with pytest.raises(
        ValueError, match="`update_freq` should be 'epoch', 'batch' or a number of samples; got 'x'"
    ):
        TensorBoard(update_freq="x")


def test_embeddings_and_several_inputs(tmp_path):
    words, numbers = Input((2,)), Input((3, 2))
    embedded = Embedding(5, 3, name="words")(words)
    convolved = Conv1D(4, 2, padding="same", name="conv")(numbers)
    outputs = [Dense(1, name="p")(Flatten()(embedded)), Dense(1, name="q")(Flatten()(convolved))]
    model = Model([words, numbers], outputs)
    model.compile("sgd", "mse")
    x = [np.arange(8).reshape(4, 2) % 5, np.ones((4, 3, 2), "float32")]
    y = [np.ones((4, 1)), np.zeros((4, 1))]
    callback = TensorBoard(
        tmp_path,
        histogram_freq=1,
        write_images=True,
        write_grads=True,
        embeddings_freq=1,
        embeddings_data=x,
        embeddings_metadata={"words": "labels.tsv"},
    )
    model.fit(x, y, epochs=1, verbose=0, callbacks=[callback], validation_data=(x, y))
    table = np.loadtxt(tmp_path / "words_embedding.tsv", delimiter="\t")
    kernel = model.get_layer("words").get_weights()[0]
    np.testing.assert_allclose(table, kernel[x[0]].reshape(4, 6), rtol=1e-5)
    config = (tmp_path / "projector_config.pbtxt").read_text()
    assert 'tensor_path: "words_embedding.tsv"' in config and 'metadata_path: "labels.tsv"' in config
    values, _ = read(tmp_path)
    assert {"conv/kernel_0/image/2", "q_out", "words/embeddings_0_grad"} <= {tag for tag, _ in values}


def test_inner_models_and_layers_that_were_called_elsewhere(tmp_path):
    inner, shared = (
        Sequential([Dense(2, input_shape=(3,), name="deep")], name="inner"),
        Dense(3, name="shared"),
    )
    shared(Input((3,)))
    x = Input((3,), name="x")
    model = Model(x, inner(shared(shared(x))))
    model.compile("sgd", "mse")
    fit(model, TensorBoard(tmp_path, histogram_freq=1), epochs=1)
    values, [graph] = read(tmp_path)
    nodes = {message(n)[1][0]: message(n).get(3, []) for n in message(graph)[1]}
    assert nodes == {b"x": [], b"shared": [b"x"], b"inner": [b"shared"]}
    assert {"x_out", "shared_out", "inner_out", "deep/kernel_0"} <= {tag for tag, _ in values}
    out = message(values["inner_out", 0][5][0])
    np.testing.assert_allclose(out[4][0], model.predict(X[:6]).astype(np.float64).sum(), rtol=1e-5)
