"""The pure side of layers and models: what `init` follows, what `apply` misses, what `Out` carries."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import Ctx, Model, Out, Pair, Sequential, layers
from jkeras import backend as K
from jkeras.core.types import INFERENCE
from jkeras.layers import LSTM, BatchNormalization, Dense, Input, Lambda, Layer, TimeDistributed

KEY = jax.random.key(0)
X = jax.random.normal(KEY, (3, 2, 3, 4))


def shapes(tree):
    return jax.tree.map(jnp.shape, tree)


# --- mistakes in params and state


def two():
    return Sequential([Dense(4, input_shape=(10,), name="first"), Dense(1, name="second")])


def refused(apply, params, state, x, *words):
    with pytest.raises(ValueError) as info:
        apply(params, state, x)
    assert all(word in str(info.value) for word in words), str(info.value)


def test_missing_and_misspelt_params_are_named():
    init, apply = two().pure()
    params, state = init(KEY)
    x = jnp.ones((2, 10))
    refused(apply, {"first": params["first"]}, state, x, "'second'", "'kernel'")
    misspelt = {"kernal": params["first"]["kernel"], "bias": params["first"]["bias"]}
    refused(apply, {**params, "first": misspelt}, state, x, "'first'", "'kernel'", "'kernal'")
    jitted = jax.jit(apply)
    refused(jitted, {**params, "first": misspelt}, state, x, "'first'", "'kernel'")


def test_missing_state_is_named():
    init, apply = Sequential([BatchNormalization(input_shape=(3,), name="bn")]).pure()
    params, _ = init(KEY)
    refused(apply, params, {}, jnp.ones((2, 3)), "'bn'", "'moving_mean'")


class Own(Layer):
    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(input_shape[-1], 3))
        super().build(input_shape)

    def call(self, x):
        return x @ self.w


def nested_model():
    x = Input((4,))
    return Model(x, Dense(2, name="deep")(x), name="inner")


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Dense(3, name="alone"), ("'alone'", "'kernel'")),
        (lambda: Own(name="own"), ("'own'", "'w'")),
        (lambda: Sequential([Own(name="own", input_shape=(4,))]), ("'own'", "'w'")),
        (lambda: Sequential([nested_model(), Dense(1)]), ("'deep'", "'kernel'", "params['inner']['deep']")),
        (lambda: TimeDistributed(Dense(3, name="each")), ("'each'", "'kernel'")),
        (lambda: layers.Bidirectional(LSTM(2, name="ways")), ("ways", "'kernel'")),
    ],
    ids=["native", "own", "own in a model", "nested model", "wrapper", "bidirectional"],
)
def test_the_layer_is_named_wherever_it_is(make, words):
    layer = make()
    init, apply = layer.pure()
    x = jnp.ones((2, 4) if isinstance(layer, Model) else (2, 3, 4))
    params, state = init(KEY, x.shape)
    apply(params, state, x)
    refused(apply, {}, state, x, *words)


# --- init follows the shape that it is given, or refuses it


def test_a_chain_without_a_shape_of_its_own_follows_each():
    def chain():
        return Sequential([Dense(3, name="a"), BatchNormalization(name="b"), Dense(2, name="c")])

    init, apply = chain().pure()
    init(KEY, (None, 7))
    params, state = init(KEY, (None, 9))
    assert params["a"]["kernel"].shape == (9, 3)
    jax.tree.map(np.testing.assert_array_equal, params, chain().pure().init(KEY, (None, 9))[0])
    assert apply(params, state, jnp.ones((5, 9))).y.shape == (5, 2)
    assert apply(*init(KEY, (None, 7)), jnp.ones((5, 7))).y.shape == (5, 2)
    assert init(KEY, (4, 7))[0]["a"]["kernel"].shape == (7, 3)


def test_a_native_layer_follows():
    init, _ = Dense(3).pure()
    assert [init(KEY, (None, n))[0]["kernel"].shape for n in (7, 9)] == [(7, 3), (9, 3)]


def several_inputs():
    a, b = Input((3,)), Input((2,))
    return Model([a, b], layers.Concatenate()([Dense(2)(a), b]))


class Subclass(Model):
    def __init__(self):
        super().__init__()
        self.inner = Dense(3)

    def call(self, x):
        return self.inner(x)


@pytest.mark.parametrize(
    "make, first, then",
    [
        (lambda: Sequential([Dense(3, input_shape=(7,))]), (None, 7), (None, 9)),
        (nested_model, (5, 4), (None, 9)),
        (nested_model, (5, 4), (None, 4, 4)),
        (several_inputs, [(None, 3), (4, 2)], [(None, 3), (None, 5)]),
        (several_inputs, [(None, 3), (4, 2)], (None, 3)),
        (lambda: Own(), (None, 7), (None, 9)),
        (lambda: TimeDistributed(Own()), (None, 4, 7), (None, 4, 9)),
        (lambda: Subclass(), (None, 7), (None, 9)),
    ],
)
def test_another_shape_is_refused_where_the_weights_do_not_fit(make, first, then):
    init, _ = make().pure()
    before = shapes(init(KEY, first))
    with pytest.raises(ValueError, match=r"(no weights for|do not fit inputs of shape)"):
        init(KEY, then)
    assert shapes(init(KEY, first)) == before


def test_shapes_that_the_weights_fit_are_taken():
    own, scaled = Own().pure(), Sequential([Dense(2, input_shape=(None, 3))]).pure()
    assert shapes(own.init(KEY, (None, 7))) == shapes(own.init(KEY, (4, 5, 7)))
    assert shapes(scaled.init(KEY, (2, 5, 3))) == shapes(scaled.init(KEY))


# --- penalties


def test_the_penalty_is_what_the_loss_of_a_model_lacks():
    inner = Sequential([Dense(2, kernel_regularizer="l1", input_shape=(4,), name="d")], name="inner")
    x = Input((4,))
    own = Own(name="own")
    shared = Dense(4, kernel_regularizer="l2", activity_regularizer="l1")
    model = Model(x, own(inner(shared(shared(x)))))
    model.compile("sgd", "mse")
    program, state = model.program(), model.pure().init(KEY)[1]
    given = np.random.RandomState(0).rand(5, 4).astype("float32")
    target = np.zeros((5, 3), "float32")
    params = program.tree({p: {n: v.value for n, v in cells.items()} for p, cells in program.params.items()})
    out = model.pure().apply(params, state, given)
    total = jnp.mean((out.y - target) ** 2) + out.loss + model.penalty(params)
    np.testing.assert_allclose(total, model.evaluate(given, target, verbose=0), rtol=1e-5)
    expected = 0.01 * np.sum(np.abs(params["inner"]["d"]["kernel"]))
    expected += 0.01 * np.sum(np.square(params[shared.name]["kernel"]))
    np.testing.assert_allclose(model.penalty(params), expected, rtol=1e-5)
    assert float(jax.grad(model.penalty)(params)["inner"]["d"]["kernel"][0, 0]) == pytest.approx(
        0.01 * np.sign(params["inner"]["d"]["kernel"][0, 0])
    )
    assert model.penalty(model.pure().init(KEY)[0]) > 0 and Dense(2).penalty({"kernel": 1.0}) == 0


def test_the_penalty_of_layers_that_nobody_has_built():
    wrapped = TimeDistributed(Dense(2, bias_regularizer="l2"))
    params, _ = wrapped.pure().init(KEY, (None, 3, 4))
    params["layer"]["bias"] = jnp.array([1.0, 2.0])
    assert wrapped.penalty(params) == pytest.approx(0.05)


# --- state


def test_the_state_of_a_model_is_a_carry_in_both_phases():
    init, apply = Sequential(
        [BatchNormalization(batch_input_shape=(2, 3, 4)), LSTM(5, stateful=True), Own()]
    ).pure()
    params, state = init(KEY)
    for training in (False, True):

        def body(state, x, training=training):
            out = apply(params, state, x, Ctx(training=training))
            return out.state, out.y

        last, _ = jax.lax.scan(body, state, X)
        moved = [n for n in state if np.any(jax.tree.leaves(last[n])[0] != jax.tree.leaves(state[n])[0])]
        assert len(moved) == (2 if training else 1)


def test_merged_gives_the_whole_state_of_a_layer():
    init, apply = BatchNormalization().pure()
    params, state = init(KEY, (None, 3))
    out = apply(params, state, jnp.ones((4, 3)))
    assert out.state == {} and out.merged(state) == state


# --- trees of weights


class Block(NamedTuple):
    w: jax.Array
    b: jax.Array


class MLP(Layer):
    """Params: a list of dicts; state: a named tuple."""

    def formula(self):
        def init(rng, shape):
            n = shape[-1]
            w = [jax.random.normal(k, (n, n)) * 0.1 for k in jax.random.split(rng)]
            blocks = [{"w": w[0], "b": jnp.zeros(n)}, {"w": w[1], "b": jnp.zeros(n)}]
            return {"blocks": blocks, "scale": jnp.ones(())}, {"seen": Block(jnp.zeros(n), jnp.zeros(()))}

        def apply(params, state, x, ctx=INFERENCE):
            seen = state["seen"]
            for q in params["blocks"]:
                x = jnp.tanh(x @ q["w"] + q["b"])
            new = Block(seen.w + ctx.mean(x, 0), seen.b + 1) if ctx.training else seen
            return Out(x * params["scale"], {"seen": new}, mask=ctx.mask)

        return Pair(init, apply)


class AsList(Layer):
    """Params that are no dict at all."""

    def formula(self):
        def init(rng, shape):
            return [jax.random.normal(rng, (shape[-1], 2)), jnp.zeros(2)], {}

        return Pair(init, lambda params, state, x, ctx=INFERENCE: Out(x @ params[0] + params[1]))


@pytest.mark.broadcasts
@pytest.mark.parametrize(
    "wrap, ending",
    [(lambda layer: layer, "msgpack"), (lambda layer: Sequential([layer]), "h5")],
    ids=["plain", "nested"],
)
def test_trees_of_weights_train_and_save(wrap, ending, tmp_path):
    def make():
        model = Sequential(
            [wrap(MLP(input_shape=(4,), name="mlp")), wrap(AsList(name="list", input_shape=(4,)))]
        )
        model.compile("adam", "mse")
        return model

    x = np.random.RandomState(0).randn(16, 4).astype("float32")
    model = make()
    loss = model.fit(x, x[:, :2], epochs=3, batch_size=8, verbose=0).history["loss"]
    assert loss[-1] < loss[0]
    names = [w.name.split("/", 1)[1] for w in model.weights]
    assert names[:5] == ["blocks/0/b:0", "blocks/0/w:0", "blocks/1/b:0", "blocks/1/w:0", "scale:0"]
    seen = {w.name.split("/", 1)[1]: w.numpy() for w in model.non_trainable_weights}
    assert seen["seen/b:0"] == 6 and np.any(seen["seen/w:0"] != 0)
    path = str(tmp_path / f"w.{ending}")
    model.save_weights(path)
    other = make()
    other.load_weights(path)
    np.testing.assert_array_equal(other.predict(x), model.predict(x))


@pytest.mark.broadcasts
def test_trees_of_weights_on_the_pure_side():
    model = Sequential([MLP(input_shape=(4,), name="mlp"), AsList(name="list")])
    init, apply = model.pure()
    params, state = init(KEY)
    assert isinstance(params["mlp"]["blocks"], list) and isinstance(params["list"], list)
    assert isinstance(state["mlp"]["seen"], Block)
    alone, _ = MLP().pure().init(KEY, (None, 4))
    assert jax.tree.structure(alone) == jax.tree.structure(params["mlp"])
    grads = jax.grad(lambda p: apply(p, state, jnp.ones((2, 4))).y.sum())(params)
    assert jax.tree.structure(grads) == jax.tree.structure(params)
    out = apply(params, state, jnp.ones((2, 4)), Ctx(training=True))
    assert jax.tree.structure(out.state) == jax.tree.structure(state) and out.state["mlp"]["seen"].b == 1
    broken = {**params, "mlp": {**params["mlp"], "blocks": params["mlp"]["blocks"][:1]}}
    refused(apply, broken, state, jnp.ones((2, 4)), "'mlp'", "blocks/1/b")


def test_a_weight_that_code_before_its_layer_uses_has_its_whole_derivative():
    x, last = Input((2,)), Dense(2, use_bias=False)
    last.build((None, 2))
    init, apply = Model(x, last(Lambda(lambda h: K.dot(h, last.kernel))(x))).pure()
    (params, state), row = init(KEY), jnp.ones((1, 2))
    found = jax.grad(lambda p: apply(p, state, row).y.sum())(params)[last.name]["kernel"]
    expected = jax.grad(lambda k: (row @ k @ k).sum())(params[last.name]["kernel"])
    np.testing.assert_allclose(found, expected, rtol=1e-6)
