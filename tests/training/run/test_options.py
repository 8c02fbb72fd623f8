"""What `compile` is told of a step: dtype, scale, rematerialization, accumulation, averages."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jkeras
from jkeras import layers
from jkeras.callbacks import RunCheckpoint
from jkeras.core.types import Ctx
from jkeras.models import Sequential, load_model
from jkeras.training.run.options import StepOptions

rng = np.random.RandomState(0)
X, Y = rng.rand(32, 6).astype("float32"), rng.rand(32, 2).astype("float32")
ALL = dict(compute_dtype="float16", loss_scale="dynamic", remat=["block"], accumulate=2, ema=0.9)


def small(optimizer="sgd", **options):
    """A model with a block, statistics and dropout."""
    jkeras.utils.set_random_seed(1)
    block = Sequential([layers.Dense(8, activation="tanh"), layers.BatchNormalization()], name="block")
    model = Sequential([jkeras.Input((6,)), block, layers.Dropout(0.1), layers.Dense(2, name="head")])
    model.compile(optimizer, "mse", devices=1, **options)
    return model


def jaxpr_of(model, x=X, y=Y):
    step = model.step()
    return jax.make_jaxpr(lambda carry: step.apply(carry, (x, y), step.context(0)))(step.init())


def products(jaxpr):
    """The dtypes of the matrix products of a program, at any depth."""
    found = set()
    for eqn in jaxpr.eqns:
        if eqn.primitive.name == "dot_general":
            found.add(eqn.outvars[0].aval.dtype.name)
        for value in eqn.params.values():
            for entry in value if isinstance(value, (list, tuple)) else [value]:
                inner = getattr(entry, "jaxpr", entry)
                found |= products(inner) if hasattr(inner, "eqns") else set()
    return found


def test_accumulation_is_a_larger_batch():
    def dense(**options):
        jkeras.utils.set_random_seed(1)
        model = Sequential([jkeras.Input((6,)), layers.Dense(4, activation="tanh"), layers.Dense(2)])
        model.compile(jkeras.optimizers.SGD(lr=0.1, momentum=0.9, clipnorm=0.5), "mse", devices=1, **options)
        return model

    whole, parts = dense(), dense(accumulate=2)
    jkeras.utils.set_random_seed(2)
    whole.fit(X, Y, 8, 2, verbose=0, shuffle=False)
    parts.fit(X[:20], Y[:20], 4, 1, verbose=0, shuffle=False)  # the fifth batch waits for the next call
    parts.fit(X[20:], Y[20:], 4, 1, verbose=0, shuffle=False)
    parts.fit(X, Y, 4, 1, verbose=0, shuffle=False)
    assert parts.optimizer.iterations.numpy() == whole.optimizer.iterations.numpy() == 8
    for mine, theirs in zip(parts.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-7)


def test_the_average_is_its_formula():
    model = small(ema=0.75)
    seen, average = [], None
    for i in range(3):
        model.train_on_batch(X[8 * i : 8 * i + 8], Y[8 * i : 8 * i + 8])
        seen.append(model.layers[-1].get_weights()[0])
        average = seen[0] if average is None else 0.75 * average + 0.25 * seen[-1]
    before = model.predict(X)
    with model.averaged():
        np.testing.assert_allclose(model.layers[-1].get_weights()[0], average, rtol=1e-6)
        within = model.predict(X)
    np.testing.assert_array_equal(model.predict(X), before)
    assert np.abs(within - before).max() > 1e-3
    model.train_on_batch(X, Y)
    with pytest.raises(ValueError, match="keeps no averages"), small().averaged():
        pass


def test_a_step_that_overflows_changes_nothing():
    model = small(jkeras.optimizers.Adam(lr=0.01), compute_dtype="float16")
    model.train_on_batch(X, Y)
    before, count = model.get_weights(), model.optimizer.iterations.numpy()
    scale = model.optimizer.by_path()["scale/value"].numpy()
    model.train_on_batch(X, Y * 1e5)
    for mine, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert model.optimizer.iterations.numpy() == count
    assert model.optimizer.by_path()["scale/value"].numpy() == scale / 2
    model.train_on_batch(X, Y)
    assert model.optimizer.iterations.numpy() == count + 1
    fixed = small(loss_scale=8.0)
    fixed.train_on_batch(X, Y * np.nan)
    assert np.isfinite(fixed.get_weights()[0]).all() and not fixed.step_options.keeps
    plain = small()
    for model in (fixed, plain):
        jkeras.utils.set_random_seed(3)
        model.fit(X, Y, 8, verbose=0)
    np.testing.assert_allclose(fixed.get_weights()[0], plain.get_weights()[0], rtol=1e-5)


def test_layers_compute_in_the_dtype():
    narrow = small(compute_dtype="bfloat16")
    assert products(jaxpr_of(narrow).jaxpr) == {"bfloat16"} and products(jaxpr_of(small()).jaxpr) == {
        "float32"
    }
    assert narrow.predict(X).dtype == np.float32 and {w.dtype for w in narrow.get_weights()} == {
        np.dtype("float32")
    }
    losses = []
    for model in (narrow, small()):
        jkeras.utils.set_random_seed(3)
        losses.append(model.fit(X, Y, 8, 2, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=0.02)
    own = Sequential([jkeras.Input((6,)), layers.Dense(3), layers.Dense(2, dtype="float32")])
    own.compile("sgd", "mse", compute_dtype="bfloat16", devices=1)
    assert products(jaxpr_of(own).jaxpr) == {"bfloat16", "float32"}
    again = Sequential.from_config(own.get_config())
    assert [layer.own_dtype for layer in again.layers] == [None, "float32"]


def test_every_kind_of_layer_has_a_narrow_way():
    """Indices stay exact, states and statistics wide."""

    class Table(layers.Layer):
        def build(self, shape):
            self.rows = self.add_weight("rows", (1001, 4), initializer="uniform")
            super().build(shape)

        def call(self, x):
            return jnp.take(self.rows, x.astype(int), 0)

    ids = jkeras.Input((5,))
    x = layers.Add()([layers.Embedding(1001, 4)(ids), Table()(ids)])
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    x = layers.TimeDistributed(layers.Dense(4, activity_regularizer="l2"))(layers.LayerNormalization()(x))
    x = layers.RNN([layers.GRUCell(3), layers.LSTMCell(3)])(layers.Conv1D(4, 2)(x))
    model = jkeras.Model(ids, layers.Dense(2)(x))
    data, y = rng.randint(900, 1000, (16, 5)).astype("float32"), Y[:16]
    params, state = model.values()
    apply = model.pure().apply
    exact, near = jax.jit(
        lambda: [apply(params, state, data, ctx).y for ctx in (Ctx(), Ctx(dtype="bfloat16"))]
    )()
    assert near.dtype == jnp.bfloat16
    np.testing.assert_allclose(near.astype("float32"), exact, atol=0.01)
    model.compile("adam", "mse", devices=1, compute_dtype="bfloat16", remat="*")
    step = model.step()
    carry, _ = jax.eval_shape(lambda carry: step.apply(carry, (data, y), step.context(0)), step.init())
    assert {leaf.dtype.name for leaf in jax.tree.leaves(carry)} == {"float32", "int32"}


def test_what_is_made_again_changes_no_number():
    plain, again = small("adam"), small("adam", remat=["block"])
    assert "remat" in str(jaxpr_of(again)) and "remat" not in str(jaxpr_of(plain))
    histories = []
    for model in (plain, again):
        jkeras.utils.set_random_seed(4)
        histories.append(model.fit(X, Y, 8, 2, verbose=0).history["loss"])
    np.testing.assert_allclose(*histories, rtol=1e-6)


def test_a_run_goes_on_to_the_bit(tmp_path):
    def fit(model, epochs, **arguments):
        jkeras.utils.set_random_seed(7)
        model.fit(X[:24], Y[:24], 8, epochs, verbose=0, **arguments)  # 3 batches: one waits between epochs
        return model

    whole = fit(small("adam", **ALL), 3)
    fit(small("adam", **ALL), 1, callbacks=[RunCheckpoint(tmp_path / "run")])
    gone_on = fit(small("adam", **ALL), 3, callbacks=[RunCheckpoint(tmp_path / "run", resume=True)])
    states = [model.optimizer.state_dict() for model in (whole, gone_on)]
    assert any("gathered" in path for path in states[0]) and any("average" in path for path in states[0])
    for mine, theirs in zip(states[0].values(), states[1].values(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for mine, theirs in zip(whole.get_weights(), gone_on.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    whole.save(tmp_path / "model.h5")
    loaded = load_model(tmp_path / "model.h5")
    assert loaded.step_options == whole.step_options == StepOptions.of(**ALL)
    for mine, theirs in zip(states[0].values(), loaded.optimizer.state_dict().values(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    with whole.averaged(), loaded.averaged():
        np.testing.assert_array_equal(whole.predict(X), loaded.predict(X))


def test_devices_and_members_have_them_too():
    def dense(**devices):
        jkeras.utils.set_random_seed(1)
        model = Sequential([jkeras.Input((6,)), layers.Dense(2)])
        model.compile("adam", "mse", **ALL, **devices)
        return model

    one, many = dense(devices=1), dense(devices=jax.devices()[:2])
    for model in (one, many):
        jkeras.utils.set_random_seed(7)
        model.fit(X, Y, 16, 1, verbose=0)
    for mine, theirs in zip(one.get_weights(), many.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=0.003)
    step = one.step()
    members = jax.eval_shape(jax.vmap(step.init), jax.random.split(jax.random.key(0), 3))
    assert members.opt.scale.value.shape == (3,)
    jax.eval_shape(jax.vmap(lambda carry: step.apply(carry, (X, Y), step.context(0))), members)


def test_weights_may_be_narrow_themselves(tmp_path):
    jkeras.backend.set_floatx("bfloat16")
    try:
        model = Sequential([jkeras.Input((6,)), layers.Dense(2)])
        model.compile("sgd", "mse", devices=1)
        model.train_on_batch(X, Y)
        assert model.predict(X).dtype == model.get_weights()[0].dtype == jnp.bfloat16
        model.save(tmp_path / "model.h5")
    finally:
        jkeras.backend.set_floatx("float32")
    wide = load_model(tmp_path / "model.h5")
    assert wide.get_weights()[0].dtype == np.float32
    np.testing.assert_allclose(wide.predict(X), model.predict(X).astype("float32"), atol=0.05)


@pytest.mark.parametrize(
    "wrong",
    [
        dict(compute_dtype="int8"),
        dict(loss_scale=-1),
        dict(loss_scale="large"),
        dict(accumulate=0),
        dict(accumulate=2.5),
        dict(ema=1.0),
    ],
    ids=str,
)
def test_options_are_checked(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        StepOptions.of(**wrong)
