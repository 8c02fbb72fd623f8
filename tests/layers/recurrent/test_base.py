"""RNN: states, initial states, constants, masks, cells of one's own, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import layers
from jkeras.core.types import Ctx
from jkeras.models import Sequential

RNG = np.random.RandomState(0)
X = RNG.randn(3, 5, 2).astype("float32")


def weights(layer, x=X):
    layer(x)
    return layer.get_weights()


@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU", "LSTM"])
def test_stateful_is_one_long_sequence(kind):
    make = getattr(layers, kind)
    whole = make(4, return_sequences=True)
    expected = whole(X)
    stateful = make(4, return_sequences=True, stateful=True, weights=whole.get_weights())
    parts = [stateful(X[:, :2]), stateful(X[:, 2:4]), stateful(X[:, 4:])]
    np.testing.assert_allclose(np.concatenate(parts, 1), expected, rtol=1e-5, atol=1e-6)
    stateful.reset_states()
    np.testing.assert_allclose(stateful(X[:, :2]), expected[:, :2], rtol=1e-5, atol=1e-6)


def test_reset_states_with_values_is_an_initial_state():
    lstm = layers.LSTM(4, stateful=True)
    lstm(X)
    h, c = RNG.randn(2, 3, 4).astype("float32")
    lstm.reset_states([h, c])
    assert np.array_equal(lstm.states[0].value, h)
    again = layers.LSTM(4, weights=lstm.get_weights())
    np.testing.assert_allclose(lstm(X), again(X, initial_state=[h, c]), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="2 states"):
        lstm.reset_states([h])
    with pytest.raises(ValueError, match=r"State 1 .* \(3, 4\)"):
        lstm.reset_states([h, h[:2]])


def test_states_are_none_and_cannot_be_reset_without_stateful():
    lstm = layers.LSTM(4)
    assert lstm.states == [None, None]
    with pytest.raises(AttributeError, match="must be stateful"):
        lstm.reset_states()


def test_stateful_needs_a_fixed_batch_size_and_keeps_to_it():
    with pytest.raises(ValueError, match="must know its batch size"):
        layers.LSTM(4, stateful=True)(layers.Input((5, 2)))
    lstm = layers.LSTM(4, stateful=True)
    lstm(X)
    with pytest.raises(ValueError, match="batches of 3 samples, but got 2"):
        lstm(X[:2])
    assert not lstm.rowwise and layers.LSTM(4).rowwise


def test_stateful_models_take_whole_batches_only():
    model = Sequential([layers.LSTM(3, stateful=True, batch_input_shape=(4, 5, 2)), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.zeros((8, 5, 2), "float32"), np.zeros((8, 1), "float32")
    model.fit(x, y, batch_size=4, verbose=0)
    for call in (
        lambda: model.fit(x[:6], y[:6], batch_size=4, verbose=0),
        lambda: model.fit(x, y, verbose=0),
        lambda: model.evaluate(x[:6], y[:6], batch_size=4, verbose=0),
        lambda: model.predict(x[:6], batch_size=4),
    ):
        with pytest.raises(ValueError, match="stateful network.*divided by the batch size. Found: . samples"):
            call()
    with pytest.raises(ValueError, match=r"both parts .* leaves 6 and 2 samples"):
        model.fit(x, y, batch_size=4, validation_split=0.25, verbose=0)
    with pytest.raises(ValueError, match=r"'lstm_\d+' .* batches of 4 samples, but got 8"):
        model.train_on_batch(x, y)


def test_hidden_states_are_no_weights():
    lstm = layers.LSTM(4, stateful=True)
    lstm(X)
    assert len(lstm.weights) == 3


@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU", "LSTM"])
@pytest.mark.parametrize("backwards", [False, True])
def test_unrolled_equals_the_loop(kind, backwards):
    make = getattr(layers, kind)
    loop = make(4, return_sequences=True, return_state=True, go_backwards=backwards)
    unrolled = make(
        4,
        return_sequences=True,
        return_state=True,
        go_backwards=backwards,
        unroll=True,
        weights=weights(loop),
    )
    for a, b in zip(loop(X), unrolled(X), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_unroll_needs_a_known_length():
    with pytest.raises(ValueError, match="unroll=True needs a known number"):
        layers.LSTM(4, unroll=True)(layers.Input((None, 2)))
    with pytest.raises(ValueError, match="unroll=True needs a known number"):
        layers.LSTM(4, unroll=True)(X[:, :1])


def test_masked_steps_change_nothing():
    mask = jnp.asarray(np.arange(5)[None] < np.array([[5], [3], [1]]))
    lstm = layers.LSTM(4, return_sequences=True)
    full = lstm(X)
    init_apply = lstm.pure().apply(
        {k: v.value for k, v in lstm._params.items()}, {}, jnp.asarray(X), Ctx(mask=mask)
    )
    np.testing.assert_allclose(init_apply.y[1, :3], full[1, :3], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(init_apply.y[1, 3:], np.repeat(full[1, 2:3], 2, 0), rtol=1e-5, atol=1e-6)
    assert init_apply.mask is mask


def test_activations_that_are_not_elementwise_go_the_plain_way():
    lstm = layers.LSTM(4, activation="softmax")
    plain = layers.RNN(layers.LSTMCell(4, activation="softmax"), weights=weights(lstm))
    np.testing.assert_allclose(lstm(X), plain(X), rtol=1e-5, atol=1e-6)
    own = layers.LSTM(4, activation=lambda x: jnp.tanh(x), weights=lstm.get_weights())
    standard = layers.LSTM(4, weights=lstm.get_weights())
    np.testing.assert_allclose(own(X), standard(X), rtol=1e-5, atol=1e-6)


class Minimal(layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), name="recurrent_kernel")
        self.built = True

    def call(self, inputs, states):
        output = inputs @ self.kernel + states[0] @ self.recurrent_kernel
        return output, [output]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_a_cell_of_ones_own_is_a_linear_simple_rnn():
    rnn = layers.RNN(Minimal(4), return_sequences=True)
    linear = layers.SimpleRNN(4, activation=None, use_bias=False, return_sequences=True, weights=weights(rnn))
    np.testing.assert_allclose(rnn(X), linear(X), rtol=1e-5, atol=1e-6)
    assert not rnn.rowwise
    again = layers.RNN.from_config(rnn.get_config(), {"Minimal": Minimal})
    assert isinstance(again.cell, Minimal) and again.cell.units == 4


def test_cells_of_ones_own_in_a_stack_and_in_both_directions():
    rnn = layers.RNN([Minimal(4), layers.GRUCell(3)], return_state=True)
    assert [y.shape for y in rnn(X)] == [(3, 3), (3, 4), (3, 3)]
    assert layers.Bidirectional(layers.RNN(Minimal(4)))(X).shape == (3, 8)


class WithConstants:
    """A plain object: x + mean of the constants, scaled by training."""

    state_size = 2

    def call(self, inputs, states, constants, training=None):
        y = inputs + states[0] + constants[0]
        return (2 * y if training else y), [y]


def test_constants_reach_every_step():
    rnn = layers.RNN(WithConstants())
    ones = np.ones((3, 2), "float32")
    np.testing.assert_allclose(rnn(X, constants=ones), X.sum(1) + 5, rtol=1e-5)
    np.testing.assert_allclose(rnn(X, constants=[ones], training=True), 2 * (X.sum(1) + 5), rtol=1e-5)
    y = layers.RNN(WithConstants())(layers.Input((5, 2)), constants=layers.Input((2,)))
    assert y.shape == (None, 2)
    with pytest.raises(ValueError, match="takes no constants"):
        layers.RNN(layers.SimpleRNNCell(2))(X, constants=ones)


def test_initial_states_of_wrong_number_or_size():
    with pytest.raises(ValueError, match="initial states must have the shapes"):
        layers.LSTM(4)(X, initial_state=np.zeros((3, 4)))
    with pytest.raises(ValueError, match="initial states must have the shapes"):
        layers.GRU(4)(X, initial_state=np.zeros((3, 5)))


def test_numeric_initial_state_of_a_symbolic_call():
    h = RNG.randn(3, 4).astype("float32")
    y = layers.GRU(4)(layers.Input(batch_shape=(3, 5, 2)), initial_state=h)
    assert y.shape == (3, 4)


@pytest.mark.parametrize("implementation", [1, 2])
def test_dropout_keeps_the_mean_and_one_mask_for_all_steps(implementation):
    x = jnp.ones((2000, 3, 1))
    rnn = layers.LSTM(1, dropout=0.4, implementation=implementation, return_sequences=True)
    rnn(x[:1])
    _, apply = rnn.pure()
    params = {k: v.value for k, v in rnn._params.items()}
    ctx = Ctx(rng=jax.random.key(1), training=True)
    step = layers.SimpleRNN(1, activation=None, use_bias=False, dropout=0.4, return_sequences=True)
    one, zero = jnp.ones((1, 1)), jnp.zeros((1, 1))
    y = step.pure().apply({"kernel": one, "recurrent_kernel": zero}, {}, x, ctx).y[..., 0]
    assert np.all(y[:, :1] == y) and set(np.unique(np.round(y, 4))) == {0, np.float32(1.6667)}
    assert abs(float(y.mean()) - 1) < 0.05
    assert not np.array_equal(apply(params, {}, x, ctx).y, apply(params, {}, x, ctx.replace(site=1)).y)
    assert np.array_equal(apply(params, {}, x).y, apply(params, {}, x, ctx.replace(training=False)).y)


def test_recurrent_dropout_of_half_the_state():
    rnn = layers.SimpleRNN(1, activation=None, use_bias=False, recurrent_dropout=0.5)
    params = {"kernel": jnp.ones((1, 1)), "recurrent_kernel": jnp.ones((1, 1))}
    y = rnn.pure().apply(params, {}, jnp.ones((2000, 2, 1)), Ctx(rng=jax.random.key(0), training=True)).y
    assert set(np.unique(y)) == {1, 3} and abs(float(y.mean()) - 2) < 0.1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU", "LSTM", "CuDNNGRU", "CuDNNLSTM"])
def test_half_precision(kind, dtype):
    layer = getattr(layers, kind)(4, return_sequences=True, return_state=True, dtype=dtype)
    outputs = layer(jnp.asarray(X, dtype))
    assert {str(y.dtype) for y in outputs} == {dtype}
    single = getattr(layers, kind)(
        4, return_sequences=True, weights=[np.float32(w) for w in layer.get_weights()]
    )
    np.testing.assert_allclose(np.float32(outputs[0]), single(X), atol=0.05)


def test_bad_cells():
    with pytest.raises(ValueError, match="needs a `call` method"):
        layers.RNN(object())
    with pytest.raises(ValueError, match="`state_size`"):
        layers.StackedRNNCells([layers.Dense(3)])


def test_wrong_rank():
    with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
        layers.LSTM(3)(np.ones((2, 3)))


def test_keras_1_names_warn():
    with pytest.warns(UserWarning, match=r"LSTM\(units=3"):
        lstm = layers.LSTM(output_dim=3, inner_activation="sigmoid")
    assert lstm.units == 3 and lstm.recurrent_activation.__name__ == "sigmoid"


def test_reverse_state_order():
    cells = lambda: [layers.GRUCell(2), layers.LSTMCell(3)]  # noqa: E731
    with pytest.warns(UserWarning, match="reverse_state_order"):
        stack = layers.StackedRNNCells(cells(), reverse_state_order=True)
    assert stack.state_size == (3, 3, 2)
    natural = layers.RNN(cells(), return_state=True)
    reverse = layers.RNN(stack, return_state=True, weights=weights(natural))
    y, g, h, c = natural(X)
    for a, b in zip(reverse(X), (y, h, c, g), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_the_forget_gate_starts_open():
    bias = weights(layers.LSTM(2))[2]
    assert bias.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert weights(layers.CuDNNLSTM(1))[2].tolist() == [0, 0, 0, 0, 0, 1, 0, 0]
    assert not weights(layers.LSTM(2, unit_forget_bias=False))[2].any()


def test_cudnn_layers_refuse_masks_and_equal_the_plain_ones():
    with pytest.raises(TypeError, match="does not support masking"):
        layers.CuDNNLSTM(2)(layers.Masking()(layers.Input((5, 2))))
    with pytest.raises(ValueError, match="reset_after"):
        layers.recurrent.cudnn.plain_to_cudnn("GRU", weights(layers.GRU(2)))
    fast = layers.CuDNNGRU(4, return_sequences=True, go_backwards=True)
    plain = layers.GRU(
        4, reset_after=True, recurrent_activation="sigmoid", return_sequences=True, go_backwards=True
    )
    fast(X), plain(X)
    plain.set_weights(layers.recurrent.cudnn.cudnn_to_plain("GRU", fast.get_weights()))
    np.testing.assert_allclose(fast(X), plain(X), rtol=1e-5, atol=1e-6)


def test_convolutional_layers_refuse_what_keras_refuses():
    with pytest.raises(TypeError, match="Unrolling"):
        layers.ConvRNN2D(layers.ConvLSTM2DCell(2, 3), unroll=True)
    with pytest.raises(TypeError, match="stacked"):
        layers.ConvRNN2D([layers.ConvLSTM2DCell(2, 3)])
    with pytest.raises(ValueError, match="strides"):
        layers.ConvLSTM2D(2, 3, strides=2, dilation_rate=2)(np.ones((1, 2, 9, 9, 1)))
    with pytest.raises(ValueError, match="mask of shape"):
        layers.ConvLSTM2D(2, 3)(layers.Masking()(layers.Input((2, 5, 5, 1))))
    with pytest.raises(ValueError, match="rows and columns"):
        layers.ConvLSTM2D(2, 3, stateful=True)(layers.Input(batch_shape=(2, 3, None, 5, 1)))


def test_convolutional_dropout_in_training():
    layer = layers.ConvLSTM2D(2, 3, dropout=0.5, recurrent_dropout=0.5, return_sequences=True)
    x = np.ones((2, 3, 5, 5, 1), "float32")
    assert layer(x, training=True).shape == (2, 3, 3, 3, 2)
    assert not np.array_equal(layer(x, training=True), layer(x))


class Adding(layers.Layer):
    """A cell that adds something beside its output."""

    state_size = 2

    def __init__(self, what, **kwargs):
        super().__init__(**kwargs)
        self.what = what

    def call(self, inputs, states):
        if self.what == "metric":
            self.add_metric(inputs, name="size")
        else:
            self.add_loss(jnp.sum(inputs) if self.what == "loss" else 1.0)
        return inputs, [states[0]]


@pytest.mark.parametrize("what", ["metric", "loss", "constant"])
@pytest.mark.parametrize("unroll", [False, True])
def test_cells_add_nothing_beside_their_output(what, unroll):
    with pytest.raises(ValueError, match="'adding.*add_loss or add_metric.*in a layer around the RNN"):
        layers.RNN(Adding(what), unroll=unroll)(layers.Input((5, 2)))
