"""cuDNN's LSTM where there is no GPU: jax's own description of it (`lstm_ref`) stands in for the kernels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import rnn

import jkeras
from jkeras import layers
from jkeras.primitives import cudnn, recurrent

TIME, BATCH, FEATURES, UNITS = 5, 3, 4, 2
SIZES = {"input_size": FEATURES, "hidden_size": UNITS, "num_layers": 1, "bidirectional": False}


def described(x, h, c, weights, lengths):
    w_ih, w_hh, b_ih, b_hh = rnn.unpack_lstm_weights(weights, **SIZES)
    return rnn.lstm_ref(x, h, c, w_ih, w_hh, b_ih, b_hh, lengths, dropout=0.0, **SIZES)


def forward(x, h, c, weights, lengths, *static):
    assert static[:5] == (FEATURES, UNITS, 1, 0.0, False)
    return described(x, h, c, weights, lengths), (x, h, c, weights, lengths)


def backward(*arguments):
    residuals, gradients = arguments[-2:]
    *arrays, lengths = residuals
    _, pull = jax.vjp(lambda *arrays: described(*arrays, lengths), *arrays)
    return (*pull(gradients), jnp.zeros_like(lengths))


@pytest.fixture
def gpu(monkeypatch):
    """As on a machine with a GPU, with what cuDNN computes written in jax."""
    monkeypatch.setattr(rnn, "lstm_fwd", forward)
    monkeypatch.setattr(rnn, "lstm_bwd", backward)
    monkeypatch.setattr(cudnn, "available", lambda: True)


def draw(*shape, seed=0):
    return jnp.asarray(np.random.RandomState(seed).normal(size=shape), jnp.float32)


@pytest.fixture(scope="module")
def params():
    shapes = {"kernel": (FEATURES, 4 * UNITS), "recurrent_kernel": (UNITS, 4 * UNITS), "bias": (8 * UNITS,)}
    return {name: draw(*shape, seed=i) for i, (name, shape) in enumerate(shapes.items())}


def theirs(params, x, h, c, way=recurrent.FORWARD):
    return cudnn.lstm(params, x, [h, c], way)


def ours(params, x, h, c, way=recurrent.FORWARD):
    z = recurrent.project(x, params["kernel"]) + params["bias"].reshape(2, -1).sum(0)
    plan = recurrent.Plan(recurrent.LSTM, jnp.tanh, jax.nn.sigmoid, way)
    return recurrent.run(plan, z, {"recurrent_kernel": params["recurrent_kernel"]}, [h, c])


def total(run, way):
    """A scalar in which every output counts differently."""

    def weighed(*arrays):
        outputs = [y for y in jax.tree.leaves(run(*arrays, way))]
        return sum(jnp.sum(y * jnp.arange(1.0, y.size + 1).reshape(y.shape)) for y in outputs)

    return weighed


def same(a, b):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5), a, b)


@pytest.mark.parametrize(
    "way", [recurrent.Way(), recurrent.Way(reverse=True), recurrent.Way(sequences=False)]
)
def test_outputs_and_gradients_are_those_of_the_common_loop(gpu, params, way):
    arrays = (params, draw(TIME, BATCH, FEATURES), draw(BATCH, UNITS), draw(BATCH, UNITS, seed=1))
    same(theirs(*arrays, way), ours(*arrays, way))
    gradients = [jax.jit(jax.grad(total(run, way), range(4)))(*arrays) for run in (theirs, ours)]
    same(*gradients)


def test_vmap_over_models_and_over_data(gpu, params):
    stacked = jax.tree.map(lambda a: jnp.stack([a, 2 * a]), params)
    x, h, c = draw(TIME, BATCH, FEATURES), draw(BATCH, UNITS), draw(BATCH, UNITS, seed=1)
    axes = (0, None, None, None)
    found, expected = (
        jax.vmap(jax.grad(total(run, recurrent.FORWARD)), axes)(stacked, x, h, c) for run in (theirs, ours)
    )
    same(found, expected)


def compiled_for(platform, apply, *arguments) -> str:
    return jax.jit(apply).trace(*arguments).lower(lowering_platforms=(platform,)).as_text(debug_info=True)


@pytest.mark.parametrize(("dtype", "on_cuda"), [("float32", True), ("bfloat16", False)])
def test_the_layer_asks_cudnn_on_a_gpu_and_only_there(gpu, dtype, on_cuda):
    layer = layers.CuDNNLSTM(UNITS)
    pure = layer.pure()
    params, state = pure.init(jax.random.key(0), (BATCH, TIME, FEATURES))
    params = jax.tree.map(lambda a: a.astype(dtype), params)
    x = draw(BATCH, TIME, FEATURES).astype(dtype)

    def apply(params, x):
        return pure.apply(params, state, x).y

    assert ("lstm_ref" in compiled_for("cuda", apply, params, x)) == on_cuda
    assert "lstm_ref" not in compiled_for("cpu", apply, params, x)


def test_a_model_trains_where_a_gpu_is_present(gpu):
    x = np.random.RandomState(0).normal(size=(8, TIME, FEATURES)).astype("float32")
    model = jkeras.Sequential([layers.CuDNNLSTM(UNITS, input_shape=(None, FEATURES)), layers.Dense(1)])
    model.compile("sgd", "mse")
    losses = model.fit(x, x[:, -1, :1], epochs=3, verbose=0, shuffle=False).history["loss"]
    assert losses[-1] < losses[0]


def test_without_a_gpu_nothing_is_asked_of_cudnn():
    if any(device.platform == "gpu" for device in jax.devices()):
        pytest.skip("there is a GPU")
    assert not cudnn.takes(jnp.ones((1, 1)))
