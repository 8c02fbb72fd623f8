"""The shell and the pure core agree: variables, frames, symbolic graphs, users' layers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.core.types import INFERENCE, Ctx, Out, Pair
from jkeras.engine.input_layer import Input
from jkeras.engine.tensors.variable import Variable
from jkeras.layers import (
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Lambda,
    Layer,
    Masking,
)
from jkeras.models import Model, Sequential


class Scale(Layer):
    """A user's layer: a weight, a counter, a loss."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.gain = self.add_weight(name="gain", shape=(input_shape[-1],), initializer="ones")
        self.calls = self.add_weight(name="calls", shape=(), initializer="zeros", trainable=False)
        self.extra = [self.add_weight(name="shift", shape=(input_shape[-1],), initializer="zeros")]
        super().build(input_shape)

    def call(self, x):
        self.add_update((self.calls, self.calls + 1))
        self.add_loss(jnp.mean(x))
        return x * self.gain * self.factor + self.extra[0]


def test_variable_lends_a_copy_before_donation():
    v = Variable(np.ones(3, "float32"))
    held = v.value
    taken = v.take(donate=True)
    assert taken is not held and v.take() is held
    v.put(jnp.zeros(3))
    assert v.take(donate=True) is v.take()
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        v.assign(np.ones(4))


@pytest.mark.broadcasts
def test_user_layer_is_a_pure_pair():
    layer = Scale(name="scale")
    init, apply = layer.pure()
    params, state = init(jax.random.key(0), (None, 4))
    assert {k: v.shape for k, v in params.items()} == {"gain": (4,), "shift": (4,)}
    out = jax.jit(apply)(params, state, jnp.ones((2, 4)))
    np.testing.assert_allclose(out.y, 2.0)
    assert float(out.state["calls"]) == 1 and float(out.loss) == 1
    assert layer.get_weights()[2] == 0, "the pure function must not touch the shell"
    assert layer.get_config() == {"name": "scale", "trainable": True, "factor": 2.0}


@pytest.mark.broadcasts
def test_eager_call_updates_the_shell():
    layer = Scale()
    layer(np.ones((2, 4)))
    layer(np.ones((2, 4)))
    assert layer.calls.value == 2


def test_subclass_of_a_builtin_layer_extends_its_formula():
    class Doubled(Dense):
        def call(self, x):
            return 2 * super().call(x)

    layer = Doubled(3)
    x = np.random.RandomState(0).rand(2, 4).astype("float32")
    y = layer(x)
    np.testing.assert_allclose(y, 2 * (x @ layer.get_weights()[0]), rtol=1e-6, atol=1e-6)
    assert [w.name for w in layer.weights] == [f"{layer.name}/kernel:0", f"{layer.name}/bias:0"]


def test_model_shares_layers_and_differentiates():
    x = Input((4,))
    shared = Dense(4, name="shared")
    model = Model(x, Add()([shared(x), shared(shared(x))]))
    init, apply = model.pure()
    params, state = init(jax.random.key(1))
    assert list(params) == ["shared"]
    grads = jax.grad(lambda p: apply(p, state, jnp.ones((2, 4))).y.sum())(params)
    assert np.abs(grads["shared"]["kernel"]).sum() > 0
    per_example = jax.vmap(jax.grad(lambda p, row: apply(p, state, row[None]).y.sum()), (None, 0))
    assert per_example(params, jnp.ones((5, 4)))["shared"]["bias"].shape == (5, 4)


def test_nested_model_shares_variables_and_state():
    a = Input((3,))
    inner = Model(a, BatchNormalization(name="bn")(Dense(3, name="d")(a)), name="inner")
    x = Input((3,))
    outer = Model(x, inner(inner(x)))
    params, state = outer.pure().init(jax.random.key(0))
    assert set(params["inner"]) == {"d", "bn"}
    out = outer.pure().apply(params, state, jnp.ones((4, 3)), Ctx(training=True))
    assert set(out.state["inner"]["bn"]) == {"moving_mean", "moving_variance"}
    assert len(outer.weights) == 6


def test_unknown_dimensions_stay_unknown():
    x = Input((None, 8))
    y = Lambda(lambda t: jnp.concatenate([t, t], axis=1)[:, ::2])(x)
    assert y.shape == (None, None, 8)
    looped = Lambda(lambda t: sum(t[:, i] for i in range(t.shape[1])))(Input((None, 8)))
    assert looped.shape == (None, 8)


def test_operators_record_nodes():
    x = Input((3,))
    y = (1 - x) * 2 / (x + 1) ** 2
    model = Model(x, y[:, 1:])
    v = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_allclose(model(v), ((1 - v) * 2 / (v + 1) ** 2)[:, 1:], rtol=1e-6)
    assert (x == y) is False
    with pytest.raises(TypeError, match="truth value"):
        bool(x)


def test_functions_may_get_their_operands_by_name():
    x = Input((2,))
    y = K.concatenate(tensors=[K.sum(x=x, axis=1, keepdims=True), x])
    assert K.function([x], [y])([np.ones((1, 2))])[0].tolist() == [[2, 1, 1]]


def test_captured_variable_keeps_its_current_value():
    v = Variable(2.0)
    model = Model(x := Input((1,)), Lambda(lambda t: t * v)(x))
    ones = np.ones((1, 1))
    assert model.predict(ones)[0, 0] == 2
    v.assign(5.0)
    assert model.predict(ones)[0, 0] == 5


def test_mask_is_refused_by_name():
    model = Sequential([Masking(input_shape=(3, 2)), Dense(4)])
    with pytest.raises(TypeError, match="flatten_here.*does not support masking"):
        model.add(Flatten(name="flatten_here"))


def test_mask_travels_through_user_code():
    class Pool(Layer):
        supports_masking = True

        def call(self, x, mask=None):
            return jnp.sum(x * mask[..., None], axis=1)

        def compute_mask(self, inputs, mask=None):
            return None

    model = Sequential([Embedding(5, 2, mask_zero=True, input_length=3), Pool()])
    table = model.get_weights()[0]
    np.testing.assert_allclose(model.predict(np.array([[1, 0, 2]]))[0], table[1] + table[2], rtol=1e-6)


def test_disconnected_graph_and_duplicate_names():
    a, b = Input((2,), name="a"), Input((2,), name="b")
    with pytest.raises(ValueError, match="Graph disconnected.*'b'"):
        Model(a, Add()([a, b]))
    with pytest.raises(ValueError, match="unique.*twin"):
        Model(a, Dense(1, name="twin")(Dense(1, name="twin")(a)))
    with pytest.raises(ValueError, match="no layer 'nope'"):
        Model(a, Dense(1)(a)).get_layer("nope")


def test_inference_is_the_default_phase():
    layer = Dropout(0.5)
    x = np.ones((4, 50), "float32")
    np.testing.assert_array_equal(layer(x), x)
    assert 0 < np.mean(np.asarray(layer(x, training=True)) == 0) < 1


def test_tensor_without_frame_does_not_leak_into_call():
    x = Input((2,))
    with pytest.raises(ValueError, match="symbolic"):
        Lambda(lambda t: t + x)(np.ones((1, 2)))


def test_errors_show_the_shape_as_the_user_knows_it():
    with pytest.raises(ValueError, match=r"'conv' \(Conv2D\).*input of shape \(None, 4, 4, 1\)"):
        Conv2D(2, 9, name="conv")(Input((4, 4, 1)))


def test_a_loss_may_use_layers():
    judge = Sequential([Dense(3, activation="tanh", input_shape=(4,))])
    model = Sequential([Dense(4, input_shape=(4,))])
    model.compile("sgd", lambda y_true, y_pred: K.mean(K.square(judge(y_true) - judge(y_pred)), axis=-1))
    x = np.random.RandomState(0).rand(8, 4).astype("float32")
    wanted = ((judge.predict(x) - judge.predict(model.predict(x))) ** 2).mean()
    np.testing.assert_allclose(model.evaluate(x, x, verbose=0), wanted, rtol=1e-5)
    judge.set_weights([np.zeros((4, 3)), np.zeros(3)])
    assert model.evaluate(x, x, verbose=0) == 0
    assert len(model.trainable_weights) == 2


class ListOfOne(Layer):
    """`call` returns a list with one tensor in it; what `compute_output_shape` says follows."""

    def call(self, x, mask=None):
        return [x * 2]


class WithList(ListOfOne):
    def compute_output_shape(self, input_shape):
        return [input_shape]


class WithShape(ListOfOne):
    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.broadcasts
@pytest.mark.parametrize(
    "make",
    [ListOfOne, WithList, WithShape, lambda: Lambda(lambda x: [x * 2])],
    ids=["none", "list", "one", "lambda"],
)
def test_a_list_of_one_is_that_one(make):
    x = Input((3,))
    y = make()(x)
    assert y.shape == (None, 3)
    model = Model(x, Dense(1, kernel_initializer="ones")(y))
    np.testing.assert_array_equal(model.predict(np.ones((2, 3))), [[6.0], [6.0]])
    assert make()(np.ones((2, 3), "float32")).shape == (2, 3)
    assert Sequential([Scale(input_shape=(3,)), make(), Dense(1)]).output_shape == (None, 1)


def test_a_pair_under_the_name_that_it_had_in_0_1():
    class Twice(Dense):
        def pair(self):
            init, apply = super().pair()

            def twice(params, state, x, ctx=INFERENCE):
                return Out(2 * apply(params, state, x, ctx).y)

            return Pair(init, twice)

    class Thrice(Twice):
        def formula(self):
            init, apply = super().pair()
            return Pair(init, lambda params, state, x, ctx=INFERENCE: Out(1.5 * apply(params, state, x).y))

    x = np.ones((2, 3), "float32")
    for cls, factor in ((Twice, 2), (Thrice, 3)):
        layer = cls(4)
        np.testing.assert_allclose(layer(x), factor * (x @ layer.get_weights()[0]), rtol=1e-6)


def test_sizes_may_be_integers_of_numpy():
    four, three = np.int64(4), np.int32(3)
    for x in (Input([four, four, three]), Input(batch_shape=(None, four, four, three))):
        assert x.shape == (None, 4, 4, 3)
        assert Conv2D(2, 3)(x).shape == (None, 2, 2, 2)
    assert (K.placeholder((None, three)) + 1).shape == (None, 3)
    model = Sequential([Conv2D(2, 3, input_shape=[four, four, three]), Flatten()])
    assert Sequential.from_config(model.get_config()).output_shape == (None, 8)
    assert model.to_json()


def test_an_input_that_no_output_needs_stands_before_the_last_layers():
    """Keras 2.2.4 leaves it out of `layers`, so that `layers[-1]` is the last layer that computes."""
    a, b, c = (Input((3,), name=name) for name in "abc")
    d = Dense(2, name="d")(b)
    model = Model([a, b, c], Dense(2, name="e")(d))
    assert [layer.name for layer in model.layers] == ["b", "d", "a", "c", "e"]
    assert [layer.name for layer in Model.from_config(model.get_config()).layers] == ["b", "d", "a", "c", "e"]
