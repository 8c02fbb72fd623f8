"""TimeDistributed and Bidirectional beyond the recordings."""

import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras import layers, regularizers
from jkeras.core.registry import CustomObjectScope
from jkeras.core.types import Ctx
from jkeras.engine.layer.keras_internals import object_list_uid
from jkeras.models import Model, Sequential

RNG = np.random.RandomState(0)
X = RNG.randn(3, 5, 2).astype("float32")


def values(layer):
    return {name: v.value for name, v in layer._params.items()}


def test_time_distributed_is_the_layer_at_every_step():
    dense = layers.Dense(4, activation="tanh")
    over_time = layers.TimeDistributed(dense)(X)
    np.testing.assert_allclose(
        over_time, np.stack([dense(X[:, t]) for t in range(5)], 1), rtol=1e-5, atol=1e-6
    )


def test_time_distributed_over_images_and_unknown_lengths():
    layer = layers.TimeDistributed(layers.Conv2D(3, 2))
    assert layer.compute_output_shape((None, None, 5, 5, 1)) == (None, None, 4, 4, 3)
    assert layer(np.ones((2, 3, 5, 5, 1))).shape == (2, 3, 4, 4, 3)


def test_time_distributed_folds_the_mask():
    x = jnp.asarray(RNG.randn(2, 3, 4, 2), jnp.float32)
    mask = jnp.asarray(RNG.rand(2, 3, 4) > 0.4).at[0, 0].set(False)
    layer = layers.TimeDistributed(layers.GRU(3))
    layer(x)
    out = layer.pure().apply({"layer": values(layer.layer)}, {}, x, Ctx(mask=mask))
    inner = layer.layer.pure().apply(values(layer.layer), {}, x[1], Ctx(mask=mask[1]))
    np.testing.assert_allclose(out.y[1], inner.y, rtol=1e-5, atol=1e-6)
    assert np.array_equal(out.mask, mask.any(-1))


def test_time_distributed_refuses_what_the_inner_layer_refuses():
    with pytest.raises(TypeError, match="does not support masking"):
        layers.TimeDistributed(layers.Flatten())(layers.Masking()(layers.Input((3, 4, 2))))
    with pytest.raises(ValueError, match="rank 3 or more"):
        layers.TimeDistributed(layers.Dense(2))(np.ones((2, 3)))
    with pytest.raises(TypeError, match="needs a layer"):
        layers.TimeDistributed(3)


def test_time_distributed_moves_the_state_of_its_layer():
    layer = layers.TimeDistributed(layers.BatchNormalization(momentum=0.0))
    layer(X, training=True)
    np.testing.assert_allclose(layer.layer.get_weights()[2], X.mean((0, 1)), rtol=1e-4, atol=1e-5)
    assert layer.get_weights()[2] is not None and len(layer.get_weights()) == 4


def test_wrappers_pass_trainable_on():
    wrapper = layers.TimeDistributed(layers.Dense(2))
    wrapper(X)
    wrapper.trainable = False
    assert not wrapper.layer.trainable and not wrapper.trainable_weights
    both = layers.Bidirectional(layers.LSTM(2))
    both(X)
    both.trainable = False
    assert not both.trainable_weights and len(both.non_trainable_weights) == 6


@pytest.mark.parametrize("mode", ["sum", "mul", "ave", "concat", None])
def test_bidirectional_is_two_layers(mode):
    both = layers.Bidirectional(layers.LSTM(3, return_sequences=True), merge_mode=mode)
    y = both(X)
    forward = layers.LSTM(3, return_sequences=True, weights=both.forward_layer.get_weights())(X)
    backward = layers.LSTM(3, return_sequences=True, weights=both.backward_layer.get_weights())(X[:, ::-1])[
        :, ::-1
    ]
    merged = {
        "sum": lambda: forward + backward,
        "mul": lambda: forward * backward,
        "ave": lambda: (forward + backward) / 2,
        "concat": lambda: jnp.concatenate([forward, backward], -1),
        None: lambda: [forward, backward],
    }[mode]()
    np.testing.assert_allclose(y, merged, rtol=1e-5, atol=1e-6)
    assert len(both.weights) == 6 and both.weights[0].name.endswith(
        "/forward_" + both.layer.name + "/kernel:0"
    )


def test_bidirectional_initial_states_and_states_out():
    both = layers.Bidirectional(layers.LSTM(3, return_state=True))
    states = [RNG.randn(3, 3).astype("float32") for _ in range(4)]
    y, *new = both(X, initial_state=states)
    assert y.shape == (3, 6) and len(new) == 4
    alone = layers.LSTM(3, go_backwards=True, weights=both.backward_layer.get_weights())
    np.testing.assert_allclose(y[:, 3:], alone(X, initial_state=states[2:]), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="odd number"):
        both(X, initial_state=states[:3])


def test_bidirectional_nested_and_stateful():
    inner = layers.Bidirectional(layers.GRU(2, return_sequences=True), merge_mode="sum")
    assert layers.TimeDistributed(layers.Bidirectional(layers.GRU(2)))(np.ones((2, 3, 4, 5))).shape == (
        2,
        3,
        4,
    )
    assert layers.Bidirectional(layers.LSTM(2))(inner(X)).shape == (3, 4)
    both = layers.Bidirectional(layers.LSTM(2, stateful=True))
    first = both(X)
    assert not np.allclose(both(X), first) and not both.rowwise
    both.reset_states()
    np.testing.assert_allclose(both(X), first, rtol=1e-6)


def test_bidirectional_weights_and_config():
    plain = layers.Bidirectional(layers.LSTM(2))
    plain(X)
    again = layers.Bidirectional.from_config(plain.get_config())
    again(X)
    again.set_weights(plain.get_weights())
    np.testing.assert_allclose(again(X), plain(X), rtol=1e-6)
    third = layers.Bidirectional(layers.LSTM(2), weights=plain.get_weights())
    np.testing.assert_allclose(third(X), plain(X), rtol=1e-6)
    with pytest.raises(ValueError, match="Invalid merge mode"):
        layers.Bidirectional(layers.LSTM(2), merge_mode="max")
    with pytest.raises(ValueError, match="recurrent layer"):
        layers.Bidirectional(layers.Dense(2))


def test_activity_regularizer_is_of_the_merged_output():
    both = layers.Bidirectional(layers.LSTM(2, activity_regularizer=regularizers.l2(0.1)), merge_mode="sum")
    y = both(X)
    params = {name: values(layer) for name, layer in both.children().items()}
    np.testing.assert_allclose(
        both.pure().apply(params, {}, jnp.asarray(X)).loss, 0.1 * np.sum(y**2), rtol=1e-5
    )
    assert both.get_config()["layer"]["config"]["activity_regularizer"] is not None


# Subclasses that extend `call`; the numbers are those of Keras 2.2.4 ----------------------------------------

STEPS = np.arange(12.0).reshape(1, 4, 3) / 10
ONES = {"kernel_initializer": "ones"}


class EveryStep(layers.TimeDistributed):
    def call(self, x, training=None, mask=None):
        return super().call(x, training, mask)


class BothWays(layers.Bidirectional):
    def call(self, x, mask=None, training=None, initial_state=None, constants=None):
        return super().call(x, mask, training, initial_state, constants)


class Dropping(layers.Dropout):
    def call(self, x, training=None):
        return super().call(x, training)


class Doubling(layers.Dense):
    def call(self, x):
        return super().call(x) * 2


class Mean(layers.GlobalAveragePooling1D):
    def call(self, x, mask=None):
        return super().call(x, mask)


def through(layer, x=STEPS, **words):
    inputs = layers.Input(x.shape[1:])
    return Model(inputs, layer(inputs, **words)).predict(x)


def test_call_with_words_in_keras_order():
    np.testing.assert_allclose(
        through(EveryStep(layers.Dense(1, **ONES)))[0, :, 0], [0.3, 1.2, 2.1, 3.0], rtol=1e-5
    )
    both = through(BothWays(layers.LSTM(2, recurrent_initializer="ones", **ONES)))
    np.testing.assert_allclose(both, [[0.99319, 0.99319, 0.95724, 0.95724]], rtol=1e-4)
    np.testing.assert_array_equal(through(Dropping(1 - 1e-9), training=True), 0 * STEPS)
    masked = layers.Masking()(inputs := layers.Input((4, 3)))
    half = STEPS * [[[0], [1], [1], [0]]]
    np.testing.assert_allclose(Model(inputs, Mean()(masked)).predict(half), half.sum(1) / 2, rtol=1e-5)
    with pytest.raises(TypeError, match="2 arguments after the inputs"):
        layers.TimeDistributed(layers.Dense(1)).call(STEPS, None, None, None)


def test_call_outside_of_a_model_is_the_subclasss_own_and_runs_once():
    layer = Doubling(2, **ONES)
    x = layers.Input((3,))
    (y,) = K.function([x], [layer.call(x)])([STEPS[0]])
    np.testing.assert_allclose(y[:, 0], 2 * STEPS[0].sum(1), rtol=1e-5)
    np.testing.assert_allclose(layer.call(STEPS[0].astype("float32"))[:, 0], 2 * STEPS[0].sum(1), rtol=1e-5)


def test_a_layer_called_on_a_variable_is_a_tensor():
    x = K.variable(np.ones((1, 3)))
    y = layers.Dense(2, **ONES)(x)
    np.testing.assert_array_equal(K.eval(K.gradients(y, x)[0]), [[2, 2, 2]])
    K.set_value(x, np.zeros((1, 3)))
    np.testing.assert_array_equal(K.eval(y), [[0, 0]])
    assert layers.LSTM(2, dropout=0.5)(K.variable(np.ones((1, 2, 3))))._uses_learning_phase


def test_losses_and_updates_given_to_the_layers_of_a_wrapper():
    x = layers.Input((3, 2))
    layer = layers.Bidirectional(layers.SimpleRNN(3, kernel_regularizer="l1", bias_regularizer="l1"))
    layer(x)
    assert [len(layer.losses), len(layer.get_losses_for(None)), len(layer.get_losses_for(x))] == [4, 4, 0]
    for inner in (layer.forward_layer, layer.backward_layer):
        inner.add_loss(0, inputs=x)
        inner.add_loss(1, inputs=None)
        inner.add_update(0, inputs=x)
        inner.add_update(1, inputs=None)
    assert [len(layer.losses), len(layer.get_losses_for(None)), len(layer.get_losses_for(x))] == [8, 6, 2]
    assert [len(layer.updates), len(layer.get_updates_for(None)), len(layer.get_updates_for(x))] == [4, 2, 2]


def test_numbers_and_variables_given_to_add_loss_count():
    model = Sequential([layers.Dense(1, input_shape=(3,))])
    model.layers[0].add_loss(1)
    model.add_loss(K.variable(2.0))
    model.compile("sgd", "mse")
    x = STEPS[0]
    np.testing.assert_allclose(model.evaluate(x, model.predict(x), verbose=0), 3, rtol=1e-5)


class WithConstant(layers.Layer):
    """A cell that adds a constant to its state."""

    state_size = 2

    def build(self, input_shape):
        assert isinstance(input_shape, list)
        super().build(input_shape)

    def call(self, inputs, states, constants):
        output = inputs + states[0] + constants[0]
        return output, [output]


def test_constants_of_a_bidirectional_from_its_config():
    x, c = layers.Input((3, 2)), layers.Input((2,))
    with CustomObjectScope({"WithConstant": WithConstant}):
        layer = layers.Bidirectional(layers.RNN(WithConstant()))
        first = Model([x, c], layer(x, constants=c))
        again = layers.Bidirectional.from_config(layer.get_config())
    second = Model([x, c], again([x, c]))
    data = [STEPS[:, :3, :2], np.ones((1, 2))]
    expected = np.tile(data[0].sum(1) + 3, 2)
    for model in (first, second):
        np.testing.assert_allclose(model.predict(data), expected, rtol=1e-5)


def test_what_the_inner_layer_gets_is_known_by_its_inputs():
    model = Sequential([layers.TimeDistributed(layers.BatchNormalization(), input_shape=(10, 2))])
    (entry,) = model.layers[0]._input_map.items()
    assert entry[0] == object_list_uid(model.inputs) and K.int_shape(entry[1]) == (None, 2)
