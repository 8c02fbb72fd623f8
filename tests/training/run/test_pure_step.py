"""`model.step()`: a scan over it is `fit` to the bit, and it is a pure function under transformations."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import Mesh, PartitionSpec

import jkeras
from jkeras import layers
from jkeras.core import names
from jkeras.core.random import next_seed
from jkeras.core.types import Ctx

rng = np.random.RandomState(0)
X, Y = rng.rand(24, 6).astype("float32"), rng.rand(24, 2).astype("float32")


def plain():
    return jkeras.Sequential([jkeras.Input((6,)), layers.Dense(2)])


def regular():
    """Penalties, constraints, a frozen layer, statistics, dropout."""
    inner = layers.Dense(5, kernel_regularizer="l2", activity_regularizer="l1", kernel_constraint="unit_norm")
    frozen = layers.Dense(4, trainable=False)
    return jkeras.Sequential(
        [jkeras.Input((6,)), inner, layers.BatchNormalization(), layers.Dropout(0.3), frozen, layers.Dense(2)]
    )


def recurrent():
    x = layers.Masking()(layers.Reshape((3, 2))(given := jkeras.Input((6,))))
    return jkeras.Model(given, layers.Dense(2)(layers.LSTM(3, recurrent_dropout=0.2)(x)))


def shared():
    dense, given = layers.Dense(6), jkeras.Input((6,))
    return jkeras.Model(given, layers.Dense(2)(dense(layers.Activation("tanh")(dense(given)))))


def subclassed():
    class Own(jkeras.Model):
        def __init__(self):
            super().__init__()
            self.dense, self.noise = layers.Dense(2), layers.GaussianNoise(0.1)

        def call(self, x):
            return self.dense(self.noise(x))

    model = Own()
    model.build((None, 6))
    return model


def convolutional():
    x = layers.Conv2D(3, 2, padding="same", activation="relu")(
        layers.Reshape((2, 3, 1))(g := jkeras.Input((6,)))
    )
    x = layers.Flatten()(layers.MaxPooling2D((1, 3))(layers.BatchNormalization()(x)))
    return jkeras.Model(g, layers.Dense(2)(x))


def attentive():
    x = layers.Reshape((3, 2))(given := jkeras.Input((6,)))
    x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 2, dropout=0.1)(x, x)]))
    return jkeras.Model(given, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))


CASES = {
    "convolutional-sgd": (convolutional, "sgd"),
    "attentive-adam": (attentive, "adam"),
    "plain-sgd": (plain, "sgd"),
    "regular-adam": (regular, "adam"),
    "recurrent-rmsprop": (recurrent, "rmsprop"),
    "shared-nadam": (shared, "nadam"),
    "subclassed-optax": (subclassed, optax.chain(optax.clip(0.5), optax.adamw(1e-2))),
    "averages": (
        plain,
        jkeras.optimizers.Adam(use_ema=True, gradient_accumulation_steps=2, weight_decay=0.1),
    ),
    "plain-schedule": (plain, jkeras.optimizers.SGD(lr=optax.linear_schedule(0.1, 0.0, 9), momentum=0.9)),
}


def batches(step, seed, epoch, size=8):
    """The batches of an epoch without shuffling, with the contexts that `fit` gives them."""
    n = len(X) // size
    parts = (
        X.reshape(n, size, 6),
        Y.reshape(n, size, 2),
        np.linspace(0.5, 2, len(X), dtype="float32").reshape(n, size),
    )
    return parts, jax.vmap(lambda i: step.context(seed, epoch, i))(jnp.arange(n))


@pytest.mark.parametrize("make, optimizer", CASES.values(), ids=CASES)
def test_a_scan_over_it_is_fit(make, optimizer):
    def compiled():
        jkeras.utils.set_random_seed(3)
        model = make()
        model.compile(optimizer, "mse", metrics=["mae"], devices=1)
        return model

    fitted, stepped = compiled(), compiled()
    stepped.set_weights(fitted.get_weights())
    step = stepped.step()
    jkeras.utils.set_random_seed(5)
    weights = np.linspace(0.5, 2, len(X), dtype="float32")
    carry, seen = step.init(), []
    history = fitted.fit(X, Y, 8, epochs=2, verbose=0, shuffle=False, sample_weight=weights).history
    jkeras.utils.set_random_seed(5)
    seed = next_seed()
    for epoch in range(2):
        carry, logs = jax.jit(lambda c, data: jax.lax.scan(lambda c, b: step.apply(c, *b), c, data))(
            carry, batches(step, seed, epoch)
        )
        seen.append(logs)
    step.put(step.finish(carry))
    for mine, theirs in zip(stepped.get_weights(), fitted.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for mine, theirs in zip(stepped.optimizer.get_weights(), fitted.optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for name, values in history.items():
        np.testing.assert_array_equal([np.mean(np.float64(logs[name])) for logs in seen], values)


def test_transformations():
    model = regular()
    model.compile("adam", "mse", metrics=["mae"], devices=1)
    step = model.step()
    members = jax.vmap(step.init)(jax.random.split(jax.random.key(0), 3))
    ctx = step.context(1)
    many, logs = jax.jit(jax.vmap(lambda c: step.apply(c, (X, Y), ctx)))(members)
    one, alone = step.apply(jax.tree.map(lambda a: a[1], members), (X, Y), ctx)
    np.testing.assert_allclose(logs["loss"][1], alone["loss"], rtol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a[1], b, rtol=1e-5, atol=1e-6), many, one)
    carry = step.init()
    (loss, outcome), grads = jax.value_and_grad(step.loss, has_aux=True)(
        carry.params, carry.state, (X, Y), ctx
    )
    assert jax.tree.structure(grads) == jax.tree.structure(carry.params)
    assert loss == outcome.logs["loss"] and outcome.y[0].shape == (24, 2)
    loss, _ = step.loss(carry.params, carry.state, (X, Y), Ctx())
    np.testing.assert_allclose(loss, model.evaluate(X, Y, verbose=0)[0], rtol=1e-6)


def test_devices_share_a_batch():
    model = plain()
    model.compile("adam", "mse", devices=1)
    step, mesh = model.step(), Mesh(jax.devices()[:4], "data")
    rows, whole = PartitionSpec("data"), PartitionSpec()

    def shared(carry, x, y):
        return step.apply(carry, (x, y), Ctx(training=True, axis="data"))

    spread = jax.shard_map(shared, mesh=mesh, in_specs=(whole, rows, rows), out_specs=whole, check_vma=False)
    carry, logs = jax.jit(spread)(step.init(), X, Y)
    alone, same = step.apply(step.init(), (X, Y))
    np.testing.assert_allclose(logs["loss"], same["loss"], rtol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), carry, alone)


def test_generators_and_fits_on_several_devices():
    """A scan is a `fit` of batches from a generator to the bit; a step under shard_map that of a `fit` on
    several devices."""

    def given():
        while True:
            yield from zip(X.reshape(3, 8, 6), Y.reshape(3, 8, 2), strict=True)

    model = regular()
    jkeras.utils.set_random_seed(5)
    model.compile("adam", "mse", devices=1)
    step, seed = model.step(), next_seed()
    contexts = jax.vmap(lambda i: step.context(seed, 0, i))(jnp.arange(3))
    parts = X.reshape(3, 8, 6), Y.reshape(3, 8, 2)
    carry, _ = jax.jit(lambda c: jax.lax.scan(lambda c, b: step.apply(c, *b), c, (parts, contexts)))(
        step.init()
    )
    jkeras.utils.set_random_seed(5)
    start = model.get_weights()
    model.fit_generator(given(), 3, verbose=0, shuffle=False)
    jax.tree.map(np.testing.assert_array_equal, carry[:2], model.values())

    mesh, rows, whole = Mesh(jax.devices()[:4], "data"), PartitionSpec("data"), PartitionSpec()
    model.set_weights(start)
    model.compile("adam", "mse", devices=4)
    step = model.step()

    def shared(carry, x, y):
        return step.apply(carry, (x, y), step.context(seed, 0, 0).replace(axis="data"))[0]

    spread = jax.shard_map(shared, mesh=mesh, in_specs=(whole, rows, rows), out_specs=whole, check_vma=False)
    carry = jax.jit(spread)(step.init(), X, Y)
    jkeras.utils.set_random_seed(5)
    model.fit(X, Y, 24, verbose=0, shuffle=False)
    jax.tree.map(np.testing.assert_array_equal, carry[:2], model.values())


def test_values_and_put():
    model = regular()
    params, state = model.values()
    drawn = model.pure().init(jax.random.key(0), (None, 6))
    assert jax.tree.structure(drawn) == jax.tree.structure((params, state))
    model.put(*drawn)
    jax.tree.map(np.testing.assert_array_equal, drawn, model.values())
    name = next(iter(params))
    with pytest.raises(ValueError, match="missing .*unknown") as error:
        plain().put(params)
    assert name in str(error.value)
    before = model.get_weights()
    wrong = params | {name: {**params[name], "kernel": np.zeros((6, 4))}}
    with pytest.raises(ValueError, match=r"kernel.* has shape \(6, 5\); got \(6, 4\)"):
        model.put(wrong)
    jax.tree.map(np.testing.assert_array_equal, before, model.get_weights())


def nest():
    """Layers of one kind in several places, made in another order than they are called in."""
    last, given = layers.Dense(2), jkeras.Input((2, 3))
    inner = jkeras.Sequential([jkeras.Input((4,)), layers.Dense(4), layers.BatchNormalization()])
    x = layers.GRU(4)(layers.Bidirectional(layers.LSTM(2, return_sequences=True))(given))
    return jkeras.Model(given, last(layers.Dense(4)(inner(x))))


def test_a_model_that_is_built_again_takes_the_trees_of_the_first(monkeypatch):
    """Names are counted in the process: dense_9, dense_10 and dense_11 become dense_12, ..."""
    x = np.ones((3, 2, 3), "float32")
    monkeypatch.setitem(names._counts, "dense", 8)
    first, second = nest(), nest()
    params, state = jax.jit(lambda: first.pure().init(jax.random.key(0), (None, 2, 3)))()
    assert params.keys() != second.values()[0].keys()
    wanted = first.pure().apply(params, state, x).y
    np.testing.assert_array_equal(second.pure().apply(params, state, x).y, wanted)
    second.put(params, state)
    np.testing.assert_allclose(second.predict(x), wanted, rtol=1e-6)
    second.compile("adam", "mse", devices=1)
    first.compile("adam", "mse", devices=1)
    step, batch = second.step(), (x, np.ones((3, 2), "float32"))
    carry, logs = step.apply(step.begin(params, state), batch)
    assert carry.params.keys() == second.values()[0].keys()
    assert logs["loss"] == first.step().apply(first.step().begin(params, state), batch)[1]["loss"]
    with pytest.raises(ValueError, match="another optimizer than that of .model.*step.begin"):
        step.apply(first.step().init(), batch)
    name = next(n for n in params if n.startswith("gru"))
    for wrong in ({}, {n: p for n, p in params.items() if n != name}):
        with pytest.raises(ValueError, match="needs its weight 'kernel': params"):
            second.pure().apply(wrong, state, x)
        with pytest.raises(ValueError, match="needs its weight 'kernel': params"):
            step.loss(wrong, state, batch)
    with pytest.raises(ValueError, match="does not fit"):
        second.put({n: p for n, p in params.items() if n != name}, state)


def test_what_it_needs():
    with pytest.raises(RuntimeError, match="must compile"):
        plain().step()
    model = jkeras.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(RuntimeError, match="no input shape yet"):
        model.step()
    model = plain()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="an array for each of"):
        model.step().apply(model.step().init(), ([X, X], Y))


def test_metrics_with_a_state_begin_anew_where_they_are_told():
    """The last value of an epoch is that of `fit`."""
    x, y = X, (X.sum(1, keepdims=True) > 3).astype("float32")
    model = jkeras.Sequential([jkeras.Input((6,)), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=[jkeras.metrics.AUC(name="auc")])
    step = model.step()
    carry, batches = step.init(), (x.reshape(3, 8, 6), y.reshape(3, 8, 1))
    found = []
    for _ in range(2):
        carry, logs = jax.lax.scan(step.apply, step.reset(carry), batches)
        found.append(logs["auc"][-1])
    wanted = model.fit(x, y, 8, epochs=2, shuffle=False, verbose=0).history["auc"]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    fresh = jkeras.models.clone_model(model)  # without metrics, whose states it does not miss
    trained = model.values()
    fresh.put(*trained)
    model.put(*fresh.values())
    jax.tree.map(np.testing.assert_array_equal, model.values()[0], trained[0])
