"""What has no meaning without TensorFlow says what to use instead."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import Dense, Input, Layer, TimeDistributed


def test_sessions_name_what_takes_their_place():
    advice = "session.*XLA_PYTHON_CLIENT_MEM_FRACTION.*K.function"
    with pytest.raises(RuntimeError, match=advice):
        K.set_session(None)
    with pytest.raises(AttributeError, match=f"'list_devices'.*{advice}"):
        K.get_session().list_devices()
    with pytest.raises(TypeError, match=advice):
        K.get_session().run("init")


def test_a_session_computes_what_is_fetched():
    session, x, v = K.get_session(), K.placeholder((2,)), K.variable(3.0)
    fed = {x: [1.0, 2.0], K.learning_phase(): 1}
    doubled = K.in_train_phase(x * 2, x)
    assert session.run(doubled, fed).tolist() == [2, 4]
    assert session.run([v, K.sum(x)], {x: np.ones(2)}) == [3, 2]
    assert session.run({"v": v * 2}) == {"v": 6}
    assert session.run(K.update_add(v, 1.0)) == 4 and K.get_value(v) == 4


def test_the_same_update_made_again_is_compiled_once():
    v, y = K.variable(0.0), K.variable(2.0) * 1.0
    for _ in range(3):
        assert K.get_value(K.update(v, y)) == 2
    assert len(y.node.effects) == 1


def test_clear_session_restarts_names():
    K.clear_session()
    assert Dense(1).name == "dense_1"
    K.clear_session()
    assert Dense(1).name == "dense_1"


@pytest.mark.broadcasts
def test_weights_are_named_within_the_scopes_that_their_layer_is_built_in():
    """As TensorFlow 1 names those of Keras 2.2.4; files hold these names."""

    class Scale(Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(name="scale", shape=(1,), initializer="ones")
            super().build(input_shape)

        def call(self, x):
            return x * self.scale

    layers = Dense(2, name="mapping"), Scale(name="factor"), TimeDistributed(Dense(2, name="d"), name="rows")
    with K.name_scope("cell"), K.name_scope("left"):
        for layer in layers:
            layer(Input((3, 4)))
    names = [w.name for layer in layers for w in layer.weights]
    left = ["mapping/kernel", "mapping/bias", "factor/scale", "rows/kernel", "rows/bias"]
    assert names == [f"cell/left/{name}:0" for name in left]


def test_variables_are_named_within_their_scopes():
    K.clear_session()
    assert [K.variable(1.0).name, K.zeros(1).name, K.ones(1, name="a").name] == [
        "Variable:0",
        "Variable_1:0",
        "a:0",
    ]
    with K.name_scope("block") as scope, K.name_scope(None, "inner", [1]):
        assert scope == "block/" and K.variable(1.0, name="a").name == "block/inner/a:0"
        assert Dense(1).name == "dense_1"
        with K.name_scope(""):
            assert K.variable(1.0, name="b").name == "b:0"
    with K.name_scope("block") as again, K.name_scope("block/") as same:
        assert (again, same) == ("block_1/", "block/")


def test_what_is_accepted():
    K.manual_variable_initialization(True)
    assert K.backend() == "jax"


def test_function_takes_no_arguments_of_a_session():
    x = K.placeholder((None, 2))
    with pytest.raises(ValueError, match="feed_dict.*no session"):
        K.function([x], [x], feed_dict={})
    K.set_learning_phase(1)
    try:
        with pytest.raises(TypeError, match="takes symbolic tensors as inputs; got 1.*leave it out"):
            K.function([x, K.learning_phase()], [x])
    finally:
        K.clear_session()
