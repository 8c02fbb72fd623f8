"""Files of Keras 1, and of the first Keras 2: they load into the models that are built in today's words.

The layouts are those of Keras 1.2.2. Keras 2.2.4 gives the same numbers; it fails at `Merge`, and at an
`Embedding`, whose indices are said to be int32.
"""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalMaxPooling1D,
    Input,
    MaxPooling2D,
    TimeDistributed,
    deserialize,
)
from jkeras.models import Model, Sequential, load_model

pytestmark = pytest.mark.filterwarnings(
    "ignore:Update your `:UserWarning", "ignore:`implementation=0`", "ignore:The `dropout`"
)
PLAIN = dict.fromkeys(
    ("W_regularizer", "b_regularizer", "activity_regularizer", "W_constraint", "b_constraint")
)
TRAINING = {
    "optimizer_config": {"class_name": "Adam", "config": {"lr": 0.002, "beta_1": 0.9, "decay": 0.0}},
    "loss": "mse",
    "metrics": ["accuracy"],
    "sample_weight_mode": None,
    "loss_weights": None,
}


@pytest.fixture
def draw():
    return lambda *shape: np.random.RandomState(sum(shape)).rand(*shape).astype("float32") - 0.4


def layer(kind, name, words):
    return {"class_name": kind, "config": {"name": name, "trainable": True, **words}}


def first(*shape):
    return {"batch_input_shape": [None, *shape], "input_dtype": "float32"}


def dense(name, units, activation="linear", **words):
    words = {"output_dim": units, "init": "glorot_uniform", "activation": activation, "bias": True, **words}
    return layer("Dense", name, {**PLAIN, **words})


def recurrent(kind, name, units, sequences):
    words = {"output_dim": units, "init": "glorot_uniform", "inner_init": "orthogonal", "activation": "tanh"}
    words |= {"inner_activation": "hard_sigmoid", "return_sequences": sequences, "consume_less": "cpu"}
    words |= dict.fromkeys(("W_regularizer", "U_regularizer", "b_regularizer"))
    words |= {"dropout_W": 0.0, "dropout_U": 0.0} | ({"forget_bias_init": "one"} if kind == "LSTM" else {})
    return layer(kind, name, words)


def gates(draw, count, inputs, units):
    """Arrays as Keras 1 lists them (W, U, b for each gate), and joined as Keras 2 has them; c before o."""
    parts = [[draw(inputs, units) + i, draw(units, units) - i / 9, draw(units) + i / 7] for i in range(count)]
    order = [0, 2, 1, 3] if count == 4 else [0, 1, 2]  # i c f o → i f c o; z r h
    joined = [np.concatenate([parts[i][kind] for i in order], -1) for kind in range(3)]
    return [array for part in parts for array in part], joined


def write(path, config, weights, version):
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights")
        for place in (file, group) if version else ():
            place.attrs["keras_version"] = version
        file.attrs["model_config"] = json.dumps(config).encode()
        file.attrs["training_config"] = json.dumps(TRAINING).encode()
        group.attrs["layer_names"], group.attrs["backend"] = (
            [name.encode() for name in weights],
            b"tensorflow",
        )
        for name, arrays in weights.items():
            own = group.create_group(name)
            own.attrs["weight_names"] = [f"{name}_{i}".encode() for i in range(len(arrays))]
            for i, array in enumerate(arrays):
                own[f"{name}_{i}"] = array


def same(path, config, weights, now, values, x, version=b"1.2.2"):
    """The file loads, compiled, into what `now` computes with `values`."""
    write(path, config, weights, version)
    K.clear_session()
    loaded = load_model(path)
    now.set_weights(values)
    np.testing.assert_allclose(loaded.predict(x), now.predict(x), rtol=1e-6)
    assert float(K.get_value(loaded.optimizer.lr)) == np.float32(0.002) and loaded.metrics == ["accuracy"]


@pytest.mark.parametrize("version", [None, b"1.2.2"])
def test_a_network_of_images(version, draw, tmp_path):
    words = {"nb_filter": 4, "nb_row": 3, "nb_col": 2, "init": "glorot_uniform", "activation": "relu"}
    words |= {"border_mode": "same", "subsample": [1, 1], "dim_ordering": "tf", "bias": True}
    config = [
        layer("Convolution2D", "c", {**words, **PLAIN, **first(6, 6, 2)}),
        layer("MaxPooling2D", "p", {"pool_size": [2, 2], "border_mode": "valid", "dim_ordering": "tf"}),
        layer("BatchNormalization", "n", {"mode": 0, "axis": 3, "epsilon": 0.001, "momentum": 0.99}),
        layer("Flatten", "f", {}),
        layer("Dropout", "o", {"p": 0.3}),
        dense("d", 3, "softmax", input_dim=36),
    ]
    arrays = [draw(3, 2, 2, 4), draw(4), *(draw(4) + i for i in (1, 0, 2, 3)), draw(36, 3), draw(3)]
    weights = {"c": arrays[:2], "p": [], "n": arrays[2:6], "f": [], "o": [], "d": arrays[6:]}
    now = Sequential(
        [
            Conv2D(4, (3, 2), padding="same", activation="relu", input_shape=(6, 6, 2)),
            *(MaxPooling2D(), BatchNormalization(), Flatten(), Dropout(0.3), Dense(3, activation="softmax")),
        ]
    )
    config = {"class_name": "Sequential", "config": config}
    same(tmp_path / "a.h5", config, weights, now, arrays, draw(2, 6, 6, 2), version)


def test_recurrent_layers_over_indices(draw, tmp_path):
    words = {"batch_input_shape": [None, 5], "input_dtype": "int32", "input_dim": 9, "output_dim": 4}
    words |= {"init": "uniform", "input_length": 5, "mask_zero": True, "W_regularizer": None, "dropout": 0.0}
    config = [
        layer("Embedding", "e", words),
        recurrent("LSTM", "l", 3, True),
        recurrent("GRU", "g", 2, False),
        dense("d", 2),
    ]
    (lstm, joined_lstm), (gru, joined_gru) = gates(draw, 4, 4, 3), gates(draw, 3, 3, 2)
    ends = [draw(9, 4), draw(2, 2), draw(2)]
    weights = {"e": ends[:1], "l": lstm, "g": gru, "d": ends[1:]}
    now = Sequential(
        [
            Embedding(9, 4, input_length=5, mask_zero=True),
            LSTM(3, return_sequences=True, recurrent_activation="hard_sigmoid"),
            *(GRU(2, recurrent_activation="hard_sigmoid"), Dense(2)),
        ]
    )
    values = [ends[0], *joined_lstm, *joined_gru, *ends[1:]]
    x = np.random.RandomState(0).randint(0, 9, (3, 5))
    same(tmp_path / "a.h5", {"class_name": "Sequential", "config": config}, weights, now, values, x)


def test_a_convolution_of_sequences(draw, tmp_path):
    words = {"nb_filter": 4, "filter_length": 3, "init": "glorot_uniform", "activation": "relu", **PLAIN}
    words |= {"border_mode": "same", "subsample_length": 1, "bias": True, "input_dim": 3, "input_length": 7}
    config = [
        layer("Convolution1D", "c", {**words, **first(7, 3)}),
        layer("GlobalMaxPooling1D", "m", {}),
        dense("d", 2),
    ]
    arrays = [draw(3, 1, 3, 4), draw(4), draw(4, 2), draw(2)]
    now = Sequential(
        [Conv1D(4, 3, padding="same", activation="relu", input_shape=(7, 3)), GlobalMaxPooling1D(), Dense(2)]
    )
    weights = {"c": arrays[:2], "m": [], "d": arrays[2:]}
    values = [arrays[0][:, 0], *arrays[1:]]
    config = {"class_name": "Sequential", "config": config}
    same(tmp_path / "a.h5", config, weights, now, values, draw(2, 7, 3))


def test_a_graph_that_merges(draw, tmp_path):
    def node(made, *sources):
        return {**made, "name": made["config"]["name"], "inbound_nodes": [[[s, 0, 0] for s in sources]]}

    parts = {}
    for name, shape in {"a": (5, 4), "b": (2,)}.items():
        parts[name] = {"class_name": "InputLayer", "config": {"name": name, "sparse": False, **first(*shape)}}
    several = layer("TimeDistributed", "t", {"layer": dense("inner", 3, "relu", input_dim=4)})
    both = layer("Bidirectional", "two", {"layer": recurrent("LSTM", "w", 2, False), "merge_mode": "concat"})
    merge = layer("Merge", "m", {"mode": "concat", "concat_axis": -1, "mode_type": "raw", "arguments": {}})
    layers = [node(parts["a"]), node(parts["b"]), node(several, "a"), node(both, "t")]
    layers += [node(dense("s", 4, "tanh"), "b"), node(merge, "two", "s"), node(dense("o", 1), "m")]
    for entry in layers[:2]:
        entry["inbound_nodes"] = []
    ends = {"input_layers": [["a", 0, 0], ["b", 0, 0]], "output_layers": [["o", 0, 0]]}
    config = {"class_name": "Model", "config": {"name": "m", "layers": layers, **ends}}
    (there, joined_there), (back, joined_back) = gates(draw, 4, 3, 2), gates(draw, 4, 3, 2)
    plain = [draw(4, 3), draw(3), draw(2, 4), draw(4), draw(8, 1), draw(1)]
    weights = {
        "a": [],
        "b": [],
        "t": plain[:2],
        "two": there + back,
        "s": plain[2:4],
        "m": [],
        "o": plain[4:],
    }
    a, b = Input((5, 4)), Input((2,))
    y = TimeDistributed(Dense(3, activation="relu"))(a)
    y = Bidirectional(LSTM(2, recurrent_activation="hard_sigmoid"))(y)
    y = Concatenate()([y, Dense(4, activation="tanh")(b)])
    now = Model([a, b], Dense(1)(y))
    values = [*plain[:2], *joined_there, *joined_back, *plain[2:]]
    same(tmp_path / "a.h5", config, weights, now, values, [draw(3, 5, 4), draw(3, 2)])


@pytest.mark.parametrize("mode", ["sum", "mul", "ave", "max", "dot", "cos"])
def test_the_other_modes_of_merge(mode):
    made = deserialize(layer("Merge", "m", {"mode": mode, "dot_axes": -1, "concat_axis": -1}))
    x, y = np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])
    expected = {"sum": [4, 7], "mul": [3, 10], "ave": [2, 3.5], "max": [3, 5], "dot": [13]}
    expected["cos"] = [13 / np.sqrt(5 * 34)]
    a, b = Input((2,)), Input((2,))
    np.testing.assert_allclose(Model([a, b], made([a, b])).predict([x, y]), [expected[mode]], rtol=1e-6)
    with pytest.raises(ValueError, match="Merge of Keras 1 with mode='<lambda>'"):
        deserialize(layer("Merge", "m", {"mode": "<lambda>"}))


def test_a_sequential_of_the_first_keras_2(tmp_path, draw):
    """Its configuration was the list of its layers until Keras 2.2.3."""
    now = Sequential([Dense(3, input_shape=(2,), name="d"), Dense(1, name="e")])
    now.compile("adam", "mse", ["accuracy"])
    K.set_value(now.optimizer.lr, 0.002)
    now.save(path := tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        file.attrs["model_config"] = json.dumps(config | {"config": config["config"]["layers"]})
    loaded = load_model(path, accept_changed=True)
    np.testing.assert_array_equal(loaded.predict(draw(4, 2)), now.predict(draw(4, 2)))
