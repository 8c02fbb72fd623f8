"""Models whose data are variables and tensors: `Input(tensor=...)` and `target_tensors`."""

import copy
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras import layers
from jkeras.core.random import set_random_seed
from jkeras.models import Model, load_model
from jkeras.optimizers import SGD

X = np.random.RandomState(0).rand(8, 3).astype("float32")
Y = np.random.RandomState(1).rand(8, 2).astype("float32")


def _model(tensor=None, devices=1, **more):
    set_random_seed(1)
    x = layers.Input((3,)) if tensor is None else layers.Input(tensor=tensor)
    model = Model(x, layers.Dense(2, name="out")(x))
    model.compile("sgd", "mse", metrics=["mae"], devices=devices, **more)
    return model


def _all(model, x, y, **steps):
    """Every way to use a model, as numbers."""
    found = list(model.fit(x, y, epochs=2, verbose=0, **steps).history.values())
    n = steps.get("steps_per_epoch", None)
    found += [model.evaluate(x, y, steps=n, verbose=0), model.train_on_batch(x, y), model.test_on_batch(x, y)]
    return [*found, model.predict_on_batch(x), *model.get_weights()]


@pytest.mark.parametrize("devices", [1, 8])
def test_the_same_as_fed(devices):
    expected = _all(_model(), X, Y, steps_per_epoch=3)
    inner = K.constant(Y) * 0.5
    for tensor, targets, x, y in (
        (None, K.variable(Y), X, None),
        (None, [Y], X, None),
        (K.variable(X), None, None, Y),
        (K.variable(X), {"out": K.variable(Y)}, None, None),
        (K.variable(X), [inner + inner], None, None),
        (K.variable(X / 2) * 2, layers.Input((2,)), None, Y),
    ):
        found = _all(_model(tensor, devices, target_tensors=targets), x, y, steps_per_epoch=3)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("devices", [1, 8])
def test_steps(devices):
    model = _model(K.variable(X), devices, target_tensors=[K.variable(Y)])
    assert model.predict(None, steps=2).shape == (16, 2)
    history = model.fit(steps_per_epoch=4, epochs=2, validation_steps=2, verbose=0).history
    assert set(history) == {"loss", "val_loss", "mean_absolute_error", "val_mean_absolute_error"}
    assert history["val_loss"][-1] < history["loss"][0]
    for call in (model.fit, model.evaluate, lambda: model.predict(None)):
        with pytest.raises(ValueError, match="steps_per_epoch"):
            call()
    with pytest.raises(ValueError, match="size the model expected|expected"):
        model.fit(X, steps_per_epoch=1)


def test_a_target_may_change_and_may_depend_on_the_model():
    target = K.variable(np.zeros((8, 2)))
    model = _model(target_tensors=target)
    before = model.evaluate(X, steps=1, verbose=0)[0]
    K.set_value(target, Y)
    assert model.evaluate(X, steps=1, verbose=0)[0] != before
    x = layers.Input((3,))
    auto = Model(x, layers.Dense(3)(x))
    auto.compile("sgd", "mse", target_tensors=x)
    assert auto.fit(X, epochs=3, verbose=0, batch_size=4).history["loss"][-1] >= 0
    np.testing.assert_allclose(auto.evaluate(X, verbose=0), ((auto.predict(X) - X) ** 2).mean(), rtol=1e-5)


def test_what_does_not_fit_is_refused_at_compile():
    model = _model()
    for given, error, text in (
        ([K.variable(Y), K.variable(Y)], ValueError, "one entry per model output"),
        ({"oops": K.variable(Y)}, ValueError, 'Unknown entry in `target_tensors` dictionary: "oops"'),
        (K.variable(X), ValueError, r"'out' should have the shape \(None, 2\)"),
    ):
        with pytest.raises(error, match=text):
            model.compile("sgd", "mse", target_tensors=given)
    with pytest.raises(ValueError, match="[Dd]isconnected|not among"):
        model.compile("sgd", "mse", target_tensors=layers.Dense(2)(layers.Input((2,))))
    x = layers.Input((3,))
    two = Model(x, [layers.Dense(2)(x), layers.Dense(2)(x)])
    with pytest.raises(ValueError, match="list or a dict"):
        two.compile("sgd", "mse", target_tensors=K.variable(Y))


@pytest.mark.parametrize("devices", [1, 8])
def test_sample_weights_reach_targets_that_are_tensors(devices):
    weight = np.arange(8.0) % 3
    expected = _model(devices=devices, weighted_metrics=["mae"])
    model = _model(devices=devices, weighted_metrics=["mae"], target_tensors=[K.variable(Y)])
    unfed = _model(K.variable(X), devices, weighted_metrics=["mae"], target_tensors=[K.variable(Y)])
    for given in (weight, [weight], {"out": weight}):
        values = expected.train_on_batch(X, Y, given)
        np.testing.assert_allclose(model.train_on_batch(X, None, given), values, rtol=1e-5)
        np.testing.assert_allclose(unfed.train_on_batch(None, None, given), values, rtol=1e-5)
    with pytest.raises(ValueError, match="class_weight.*target_tensors"):
        model.train_on_batch(X, None, class_weight={0: 1.0})
    with pytest.raises(ValueError, match=r"Sample_weight arrays.* 8 .* 5 weights|cannot be broadcast"):
        model.train_on_batch(X, None, weight[:5])


def test_sample_weights_of_some_targets():
    x, weight = layers.Input((3,)), np.arange(8.0) % 3
    two = Model(x, [layers.Dense(2, name="a")(x), layers.Dense(2, name="b")(x)])
    two.compile("sgd", "mse")
    expected = two.test_on_batch(X, [Y, X[:, :2]], sample_weight={"a": weight})
    two.compile("sgd", "mse", target_tensors={"a": K.variable(Y)})
    found = two.test_on_batch(X, X[:, :2], sample_weight={"a": weight})
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def _penalty(y_true, y_pred, at):
    """The gradient penalty of Wasserstein GANs, as scripts of Keras 2 write it."""
    squares = K.square(K.gradients(y_pred, at)[0])
    norm = K.sqrt(K.sum(squares, axis=np.arange(1, len(squares.shape))))
    return K.mean(K.square(1 - norm))


def _product(y_true, y_pred):
    return K.mean(y_true * y_pred)


class Between(layers.Add):
    def _merge_function(self, inputs):
        return 0.25 * inputs[0] + 0.75 * inputs[1]


def _gan(loss=_penalty, devices=1):
    """(the critic's model, the critic, a frozen generator, the tensor between real and made)."""
    set_random_seed(2)
    z, real, image = layers.Input((2,)), layers.Input((3,)), layers.Input((3,))
    generator = Model(z, layers.Dense(3, name="make")(z))
    hidden = layers.LeakyReLU(0.2)(layers.Dense(4, name="first")(image))
    critic = Model(image, layers.Dense(1, name="last")(hidden))
    generator.trainable = False
    made = generator(z)
    between = Between()([real, made])
    model = Model([real, z], [critic(real), critic(made), critic(between)])
    penalty = functools.partial(loss, at=between)
    model.compile(SGD(lr=0.1), [_product, _product, penalty], loss_weights=[1, 1, 10], devices=devices)
    return model, critic, generator, between


_SIGNS = [np.full((8, 1), -1.0), np.ones((8, 1)), np.zeros((8, 1))]


def _step_by_hand(critic, generator):
    """What one step of plain gradient descent makes of the critic's weights, written in jax."""

    def score(weights, x):
        first, b, last, c = weights
        h = x @ first + b
        return jnp.where(h > 0, h, 0.2 * h) @ last + c

    def total(weights):
        made = jnp.asarray(generator.predict(X[:, :2]))
        slope = jax.grad(lambda x: score(weights, x).sum())(0.25 * X + 0.75 * made)
        penalty = jnp.mean((1 - jnp.sqrt((slope**2).sum(1))) ** 2)
        return score(weights, made).mean() - score(weights, X).mean() + 10 * penalty

    weights = [jnp.asarray(w) for w in critic.get_weights()]
    loss, slopes = jax.value_and_grad(total)(weights)
    return float(loss), [w - 0.1 * s for w, s in zip(weights, slopes, strict=True)]


@pytest.mark.broadcasts
@pytest.mark.parametrize("devices", [1, 2])
def test_the_gradient_penalty_of_a_wasserstein_gan(devices):
    model, critic, generator, _ = _gan(devices=devices)
    before = generator.get_weights()
    for _ in range(3):
        loss, weights = _step_by_hand(critic, generator)
        np.testing.assert_allclose(model.train_on_batch([X, X[:, :2]], _SIGNS)[0], loss, rtol=1e-4)
        for found, wanted in zip(critic.get_weights(), weights, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    for found, wanted in zip(generator.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_partial_functions_go_by_the_name_of_their_function(tmp_path):
    model, _, _, between = _gan()
    penalty = model.loss[2]
    model.compile("sgd", [_product, _product, penalty], metrics={model.output_names[2]: [penalty]})
    assert model.metrics_names[-1].endswith("__penalty")
    values = model.evaluate([X, X[:, :2]], _SIGNS, verbose=0)
    assert values[-1] == values[3] > 0
    model.save(tmp_path / "m.h5")
    with pytest.raises(ValueError, match="_penalty|_product"):
        load_model(tmp_path / "m.h5", {"Between": Between})
    loaded = load_model(tmp_path / "m.h5", {"Between": Between}, compile=False)
    inner = next(layer for layer in loaded.layers if isinstance(layer, Between)).output
    loaded.compile("sgd", [_product, _product, functools.partial(_penalty, at=inner)])
    np.testing.assert_allclose(loaded.evaluate([X, X[:, :2]], _SIGNS, verbose=0), values[:4], rtol=1e-6)


def test_partial_losses_are_copied():
    x = layers.Input((3,))
    model = Model(x, layers.Dense(3)(x))
    model.compile("sgd", functools.partial(_scaled, scale=2.0))
    assert copy.deepcopy(model).evaluate(X, X, verbose=0) == model.evaluate(X, X, verbose=0) > 0


def _scaled(y_true, y_pred, scale):
    return scale * K.mean(K.square(y_true - y_pred), axis=-1)


def test_an_input_made_of_a_placeholder_waits_for_data():
    picture = K.placeholder((1, 3))
    x = layers.Input(tensor=K.concatenate([K.constant(np.ones((1, 3))), picture], axis=0))
    model = Model(x, layers.Dense(1, kernel_initializer="ones")(x))
    slopes = K.gradients(K.sum(model.output[1] * model.output[0]), picture)
    out, slope = K.function([picture], [model.output, *slopes])([np.full((1, 3), 2.0)])
    assert out.tolist() == [[3], [6]] and slope.tolist() == [[3] * 3]
