"""`jkeras.ops`, `random` and `config`: jax.numpy's functions, and what Keras 3 means otherwise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jkeras
from jkeras import layers, ops
from tests import golden

X = np.random.RandomState(0).rand(3, 4).astype("float32")


def same(mine, theirs):
    np.testing.assert_allclose(np.asarray(mine), theirs, rtol=1e-5, atol=1e-6)


def test_numpys_names_take_lists_and_variables():
    variable = jkeras.backend.variable(X)
    same(ops.mean([[1.0, 2.0], [3.0, 5.0]], axis=0), [2.0, 3.5])
    same(ops.add([1, 2], 3), [4, 5])
    same(ops.concatenate([[1], [2, 3]]), [1, 2, 3])
    same(ops.stack([variable, X]), np.stack([X, X]))
    same(ops.matmul(variable, X.T), X @ X.T)
    same(ops.linspace(0, 1, 3), [0, 0.5, 1])
    same(ops.norm([3.0, 4.0]), 5.0)
    assert ops.reshape(X, (4, 3)).shape == (4, 3) and ops.zeros((2,)).dtype == "float32"
    assert sum(hasattr(jnp, name) for name in vars(ops)) > 150


def test_what_keras_means_otherwise():
    assert ops.shape(X) == (3, 4) and ops.ndim(X) == 2 and ops.size(X) == 12 and ops.dtype(X) == "float32"
    assert (
        ops.convert_to_tensor([1], "int32").dtype == "int32" and type(ops.convert_to_numpy(X)) is np.ndarray
    )
    assert ops.is_tensor(jnp.ones(1)) and not ops.is_tensor(X)
    same(ops.pad(X, ((1, 0), (0, 0))), np.pad(X, ((1, 0), (0, 0))))
    same(ops.clip([-1, 5], 0, 3), [0, 3])
    same(ops.where([True, False], [1, 1], [2, 2]), [1, 2])
    same(ops.slice(X, (1, 1), (2, 2)), X[1:3, 1:3])
    same(ops.slice_update(np.zeros(3), (1,), [7.0]), [0, 7, 0])
    same(ops.scatter([[0], [0], [2]], [1.0, 2.0, 3.0], (3,)), [3, 0, 3])
    same(ops.scatter_update([0, 0], [[1]], [5]), [0, 5])
    same(ops.one_hot([1], 3), [[0, 1, 0]])
    same(ops.multi_hot([[0, 2], [1, 1]], 3), [[1, 0, 1], [0, 1, 0]])
    same(ops.in_top_k([0, 1], [[0.3, 0.7], [0.3, 0.7]], 1), [False, True])
    same(ops.segment_sum([1, 2, 3], [0, 0, 1], 2), [3, 3])
    same(ops.top_k([1, 3, 2], 2)[1], [1, 2])
    same(ops.normalize([[3.0, 4.0]]), [[0.6, 0.8]])
    same(ops.moments(X, 0)[1], X.var(0))
    same(ops.softmax(X), np.exp(X) / np.exp(X).sum(-1, keepdims=True))
    same(ops.logsumexp(X), np.log(np.exp(X).sum()))
    same(ops.binary_crossentropy([1.0], [0.0], from_logits=True), [np.log(2)])
    same(ops.sparse_categorical_crossentropy([1], [[0.5, 0.5]]), [np.log(2)])
    same(ops.einsum("ij,kj->ik", X, X), X @ X.T)
    assert [a.shape for a in ops.unstack(X, axis=1)] == [(3,)] * 4


def test_control_flow():
    assert ops.while_loop(lambda i: i < 9, lambda i: i + 2, 0, maximum_iterations=3) == 6
    assert ops.fori_loop(0, 4, lambda i, s: s + i, 0) == 6
    assert ops.cond(True, lambda: 1, lambda: 2) == 1 and ops.switch(1, [lambda x: x, lambda x: -x], 3) == -3
    same(ops.scan(lambda c, x: (c + x, c), 0, jnp.arange(3))[1], [0, 0, 1])
    same(ops.map(lambda x: x * 2, jnp.arange(3)), [0, 2, 4])
    same(ops.vectorized_map(jnp.sum, X), X.sum(1))


def test_on_symbolic_tensors_and_in_layers():
    class Scaled(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[-1], 2), initializer="ones", name="w")

        def call(self, x):
            self.add_loss(ops.sum(ops.square(self.w)))
            return ops.matmul(x, self.w) / ops.cast(ops.shape(x)[-1], "float32")

    x = jkeras.Input((4,))
    model = jkeras.Model(x, Scaled()(ops.relu(x * 2) + 1))
    model.compile("sgd", "mse")
    same(model.predict(X), np.repeat((2 * X + 1).mean(-1, keepdims=True), 2, 1))
    assert model.fit(X, X[:, :2], verbose=0).history["loss"][0] > 8


def test_unknown_names():
    with pytest.raises(AttributeError, match="Did you mean .*'softmax'"):
        _ = ops.softmaxx


def test_random():
    random = jkeras.random
    generator = random.SeedGenerator(3)
    first, second = random.normal((4,), seed=generator), random.normal((4,), seed=generator)
    assert (first != second).any()
    same(random.uniform((4,), seed=1), random.uniform((4,), seed=1))
    many = random.truncated_normal((2000,), 1.0, 0.5, seed=0)
    assert 0 <= many.min() and many.max() <= 2 and abs(float(many.mean()) - 1) < 0.05
    assert set(np.asarray(random.randint((50,), 0, 3, seed=0)).tolist()) == {0, 1, 2}
    same(jnp.sort(random.shuffle(jnp.arange(9), seed=1)), np.arange(9))
    assert random.categorical([[0.0, -1e9]], 5, seed=0).tolist() == [[0] * 5]
    kept = random.dropout(jnp.ones(1000), 0.25, seed=2)
    assert abs(float((kept == 0).mean()) - 0.25) < 0.05 and abs(float(kept.max()) - 4 / 3) < 1e-6
    for name, arguments in (("beta", (2.0, 3.0)), ("gamma", (2.0,)), ("binomial", (4.0, 0.5))):
        assert getattr(random, name)((3,), *arguments, seed=0).shape == (3,)
    with pytest.raises(ValueError, match="random.randint"):
        random.uniform((2,), dtype="int32")


def test_random_in_a_layer_comes_from_the_step():
    class Noise(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.generator = jkeras.random.SeedGenerator(0)

        def call(self, x, training=False):
            return x + jkeras.random.normal(x.shape, seed=self.generator) if training else x

    pair = Noise().pure()
    draw = jax.jit(lambda key: pair.apply({}, {}, X, jkeras.Ctx(rng=key, training=True)).y)
    keys = jax.random.split(jax.random.key(0))
    same(draw(keys[0]), draw(keys[0]))
    assert (draw(keys[0]) != draw(keys[1])).any()


def test_config():
    assert jkeras.config.floatx() == "float32" and jkeras.config.backend() == "jax"
    jkeras.mixed_precision.set_global_policy("float32")
    assert jkeras.mixed_precision.global_policy() == "float32"
    with pytest.raises(ValueError, match="'mixed_bfloat16' and 'mixed_float16' are"):
        jkeras.mixed_precision.set_global_policy("mixed_int8")
    with pytest.raises(ValueError, match="says of a whole model how it computes"):
        layers.Dense(2, dtype="mixed_bfloat16")
    jkeras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        assert jkeras.config.dtype_policy() == "mixed_bfloat16" and jkeras.config.floatx() == "float32"
        model = jkeras.Sequential([layers.Input((4,)), layers.Dense(2, name="d")])
        model.compile("sgd", "mse")
    finally:
        jkeras.mixed_precision.set_global_policy("float32")
    assert model.step_options.compute_dtype == "bfloat16"
    model.train_on_batch(X, X[:, :2])
    kernel, bias = model.get_weights()
    assert kernel.dtype == "float32"
    narrow = X.astype("bfloat16") @ kernel.astype("bfloat16") + bias.astype("bfloat16")
    found = model.predict_on_batch(X)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, narrow.astype("float32"), atol=0.02)
    assert np.abs(found - (X @ kernel + bias)).max() > 0, "it is not computed in float32"


def test_operations_are_those_of_keras_3():
    def given(value):
        if isinstance(value, list) and value and isinstance(value[0], list):
            array = np.array(value)
            return array.astype("float32") if array.dtype.kind == "f" else array
        return (
            np.array(value, "float32") if isinstance(value, list) and isinstance(value[0], float) else value
        )

    wrong = []
    for case in golden.json("keras3/operations")["cases"]:
        home = ops.image if case["name"].startswith("image.") else ops
        words = {name: given(value) for name, value in case["words"].items()}
        found = getattr(home, case["name"].removeprefix("image."))(*map(given, case["args"]), **words)
        for mine, theirs in zip(jax.tree.leaves(found), case["arrays"], strict=True):
            if not np.allclose(np.asarray(mine), theirs, rtol=1e-4, atol=1e-5):
                wrong.append(f"{case['name']} {case['words']}: {np.asarray(mine)} and not {theirs}"[:400])
    assert not wrong, "\n".join(wrong)
    assert ops.floor([1, 2]).dtype == ops.ceil([True]).dtype == ops.full((1,), 1).dtype == "float32"
    same(ops.hard_sigmoid([1.0, -9.0]), [2 / 3, 0])  # a list; 0.7 in Keras 2.2.4, as activations.hard_sigmoid
    assert ops.linalg.inv is ops.inv and ops.nn.conv is ops.conv and ops.numpy.array([1]).dtype == "int32"
    x = layers.Input((4, 4, 3))
    assert ops.max_pool(x, 2).shape == (None, 2, 2, 3) and ops.image.resize(x, (2, 6)).shape == (
        None,
        2,
        6,
        3,
    )
    same(ops.polar([2.0], [0.0]), [2.0])
    same(ops.jvp(jnp.square, [3.0], [1.0])[1], 6.0)
    same(ops.vectorize(lambda v: v + 1)([1, 2]), [2, 3])
    for name in ("rearrange", "istft", "conv_transpose"):
        with pytest.raises(AttributeError, match="Use "):
            getattr(ops, name)
