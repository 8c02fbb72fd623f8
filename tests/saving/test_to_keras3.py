"""`.keras` files that jkeras writes.

`tests/golden/check_keras3.py` has the real Keras 3.15 load them and predict; here they are compared with what
its layers take, with configurations that it has loaded, and with themselves when they are read again.
"""

import json
import zipfile

import numpy as np
import pytest

from jkeras import layers as L
from jkeras import losses, metrics, optimizers
from jkeras.models import Model, Sequential, load_model
from jkeras.saving import to_keras3
from tests import golden
from tests.contract.cases import CASES

SIGMOID = {"recurrent_activation": "sigmoid"}
OTHERWISE = {"hard_sigmoid is relu6", "enlarges by 'bilinear'", "RandomCrop of Keras 3", "keeps its words"}
ABSENT = {"which Keras 3 does not have", "is a Lambda"}


def graph():
    """States, attention, a layer called twice, a model in a wrapper."""
    x, state = L.Input((4, 3), name="x"), L.Input((5,), name="state")
    inner = Sequential([L.Dense(3, input_shape=(3,), name="d")], name="inner")
    shared = L.Dense(3, activation="relu", name="shared")
    lstm = L.LSTM(5, return_state=True, return_sequences=True, name="lstm", **SIGMOID)
    steps, last, _ = lstm(x, initial_state=[state, state])
    attended = L.MultiHeadAttention(2, 3, name="heads")(steps, steps)
    other = L.TimeDistributed(inner, name="each")(shared(shared(x)))
    return Model([x, state], [L.Concatenate(name="both")([attended, other]), last], name="graph")


def nested():
    """Models that are called twice, whose outputs are outputs of the model."""
    i, j = L.Input((4,), name="i"), L.Input((4,), name="j")
    core = Model([i, j], [L.Add(name="sum")([i, j]), L.Dense(2, name="two")(j)], name="core")
    chain = Sequential([L.Dense(4, input_shape=(4,), name="d"), L.LeakyReLU(0.2, name="leaky")], name="chain")
    u, v = L.Input((4,), name="u"), L.Input((4,), name="v")
    one, two = core([u, v]), core([v, u])
    ends = [L.Subtract(name="minus")([one[0], chain(u)]), two[1], chain(chain(v))]
    return Model([u, v], ends, name="nested")


def chain():
    """A Sequential that begins with one; regularized, frozen, bidirectional, of cells."""
    first = Sequential([L.Conv1D(3, 2, kernel_regularizer="l2", input_shape=(5, 2), name="c")], name="first")
    both = L.Bidirectional(
        L.GRU(2, return_sequences=True, reset_after=True, name="g", **SIGMOID), name="ways"
    )
    cells = L.RNN(L.LSTMCell(3, **SIGMOID, name="a"), name="cells")
    last = L.Dense(
        2, kernel_constraint="max_norm", kernel_initializer="he_normal", trainable=False, name="last"
    )
    return Sequential([first, both, cells, L.BatchNormalization(name="norm"), last], name="chain")


MODELS = {"graph": graph, "nested": nested, "chain": chain}


def test_layers_have_the_arguments_of_keras_3():
    """Each row of the contract table, without a weight drawn: what a layer does not have there is refused."""
    there, refused = golden.json("keras3/arguments.json"), set()
    base = {"name", "trainable", "dtype", "activity_regularizer"}

    def check(words):
        taken, config = there[words["class_name"]], words["config"]
        unknown = set(config) - set(taken) - (base if "*" in taken else set())
        assert not unknown, (words["class_name"], unknown)
        for part in [config.get("layer"), config.get("cell"), *config.get("cells", ())]:
            if part:
                check(part)

    for case in CASES:
        layer = case.make()
        words = {"class_name": type(layer).__name__, "config": layer.get_config()}
        if hasattr(layer, "layers") and not hasattr(layer, "layer"):
            continue
        try:
            check(to_keras3.layer_of_keras_3(layer, json.loads(json.dumps(words, default=str))))
        except ValueError as error:
            assert any(reason in str(error) for reason in OTHERWISE | ABSENT), error
            assert str(error).startswith("layer '")
            refused.add(type(layer).__name__)
            if any(reason in str(error) for reason in ABSENT):
                assert type(layer).__name__ not in there or type(layer).__name__ == "Lambda"
    assert {"ThresholdedReLU", "LocallyConnected2D", "CuDNNLSTM", "Lambda", "ConvRNN2D"} <= refused


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_written_as_keras_3_has_read_it_and_read_again(name, tmp_path):
    model, path = MODELS[name](), tmp_path / "m.keras"
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == {"metadata.json", "config.json", "model.weights.h5"}
        config = json.loads(archive.read("config.json"))
    assert config == golden.json(f"keras3/written_{name}.json")
    again, report = load_model(path, compile=False, report=True)
    assert not report.missing and not report.unused and not report.ambiguous
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    once, twice = tmp_path / "again.keras", json.dumps(config, sort_keys=True)
    again.save(once)
    with zipfile.ZipFile(once) as archive:
        assert json.dumps(json.loads(archive.read("config.json")), sort_keys=True) == twice


def test_how_a_model_was_compiled(tmp_path):
    model = Sequential([L.Dense(2, input_shape=(3,))])
    loss = losses.BinaryCrossentropy(from_logits=True)
    model.compile(
        optimizers.Adam(0.5, decay=0.1, clipnorm=2.0), loss, metrics=["acc", metrics.AUC(num_thresholds=9)]
    )
    x, y = np.ones((4, 3)), np.ones((4, 2))
    model.train_on_batch(x, y)
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        words = json.loads(archive.read("config.json"))["compile_config"]
    rate = words["optimizer"]["config"]["learning_rate"]
    assert words["optimizer"]["config"]["global_clipnorm"] == 2 and rate["class_name"] == "InverseTimeDecay"
    assert words["loss"]["module"] == "keras.losses" and words["metrics"][1]["config"]["num_thresholds"] == 9
    again, report = load_model(tmp_path / "m.keras", report=True)
    assert report.optimizer == "goes on after 1 steps"
    np.testing.assert_allclose(again.train_on_batch(x, y), model.train_on_batch(x, y), rtol=1e-6)
    model.save(tmp_path / "m.keras", include_optimizer=False)
    with pytest.warns(UserWarning, match="not\\* compiled"):
        load_model(tmp_path / "m.keras")


def absolute(y_true, y_pred):
    return abs(y_true - y_pred)


@pytest.mark.parametrize(
    "compiled, text",
    [
        ({"loss": absolute}, "how the model was compiled, because the loss 'absolute' is code"),
        ({"loss": "mse", "optimizer": "nadam"}, "Nadam has schedule_decay=0.004"),
        ({"loss": "mse", "metrics": ["cosine_proximity"]}, "has the other sign"),
        ({"loss": "mse", "optimizer": "muon"}, "where the optimizer stood"),
        ({"loss": "mse", "optimizer": lambda step: 0.1}, "its optimizer is code"),
        ({"loss": "mse", "accumulate": 2}, "its step has options"),
    ],
)
def test_what_keras_3_cannot_train_is_said(compiled, text, tmp_path):
    model = Sequential([L.Dense(2, input_shape=(3,))])
    model.compile(**{"optimizer": "sgd"} | compiled)
    model._trainer.prepare()
    with pytest.warns(UserWarning, match=text):
        model.save(tmp_path / "m.keras")


def own(x):
    return abs(x)


class Own(L.Dense):
    pass


@pytest.mark.parametrize(
    "layers, text",
    [
        ([L.Lambda(abs, input_shape=(3,), name="mine")], "'mine' is a Lambda"),
        ([Own(2, input_shape=(3,), name="mine")], "'mine' is of the class Own, which is code"),
        ([L.Dense(2, activation=own, input_shape=(3,), name="mine")], "activation 'own'"),
        ([L.Dense(2, kernel_regularizer=own, input_shape=(3,), name="mine")], "'mine': kernel_regularizer"),
        ([L.Dense(2, input_shape=(3,), name="my/dense")], "names of Keras 3 have no '/'"),
        ([L.ThresholdedReLU(input_shape=(3,), name="mine")], "'mine' is of the class ThresholdedReLU"),
    ],
)
def test_what_keras_3_lacks_is_refused_by_name(layers, text, tmp_path):
    with pytest.raises(ValueError, match=text):
        Sequential(layers).save(tmp_path / "m.keras")
    assert not list(tmp_path.iterdir())


def test_masks_and_inputs(tmp_path):
    both = L.Bidirectional(L.SimpleRNN(2, return_sequences=True), name="both")
    with pytest.warns(UserWarning, match="Bidirectional 'both' gives zeros at masked steps in Keras 3"):
        Sequential([L.Masking(input_shape=(3, 2)), both]).save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=r"m\.keras: a \.keras file holds a whole model"):
        Sequential([L.Dense(2, input_shape=(3,))]).save_weights(tmp_path / "m.keras")
    x = L.Input((3,))
    model = Model(x, {"two": L.Dense(2)(x), "one": L.Dense(1)(x)})
    model.save(tmp_path / "d.keras")
    assert load_model(tmp_path / "d.keras", compile=False).output_keys == ["two", "one"]
