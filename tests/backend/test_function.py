"""K.function and K.gradients over symbolic graphs."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.core.dispatch import op
from jkeras.layers import BatchNormalization, Dense, Dropout, Input, Layer
from jkeras.models import Model, Sequential
from jkeras.optimizers import SGD

X = np.random.RandomState(0).rand(5, 4).astype("float32")


def test_updates_are_applied_together_after_the_outputs():
    a, b = K.variable(1.0), K.variable(10.0)
    x = K.placeholder((None,))
    f = K.function([x], [a + K.sum(x)], updates=[K.update(a, b), (b, a), K.update_add(a, 0.0)][:2])
    assert f([np.ones(3)])[0] == 4
    assert (K.get_value(a), K.get_value(b)) == (10, 1)


def test_updates_of_a_model():
    model = Sequential([BatchNormalization(momentum=0.5, input_shape=(4,))])
    f = K.function([model.input], [model.output], updates=model.updates)
    f([X])
    np.testing.assert_allclose(model.get_weights()[2], X.mean(0) / 2, rtol=1e-5)


def test_learning_phase_is_fed():
    model = Sequential([Dropout(0.5, input_shape=(4,))])
    f = K.function([model.input, K.learning_phase()], [model.output])
    assert (f([np.ones((5, 4)), 0])[0] == 1).all()
    assert set(np.unique(f([np.ones((5, 4)), 1])[0])) == {0, 2}


def test_one_output_and_wrong_calls():
    x = K.placeholder((None, 4))
    f = K.function([x], K.sum(x))
    assert f([np.ones((2, 4))]) == 8
    with pytest.raises(TypeError, match="one list"):
        f(X)
    with pytest.raises(ValueError, match="takes 1 inputs; got 2"):
        f([X, X])
    with pytest.raises(ValueError, match="disconnected"):
        K.function([], [x])


def test_eval_needs_no_inputs():
    v = K.variable([1.0, 2.0])
    assert K.eval(K.sum(v * 2)) == 6
    assert K.eval(v).tolist() == [1, 2]


def test_gradients_of_inputs_weights_and_inner_tensors():
    model = Sequential([Dense(3, input_shape=(4,)), Dense(2, use_bias=False)])
    inner = model.layers[0].output
    first, second = (layer.get_weights()[0] for layer in model.layers)
    loss = K.sum(K.square(model.output[:, 0]))
    targets = [model.input, inner, *model.trainable_weights]
    out, *grads = K.function([model.input], [model.output, *K.gradients(loss, targets)])([X])
    along = 2 * out[:, :1] * second[:, 0]  # (batch, 3)
    np.testing.assert_allclose(grads[0], along @ first.T, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(grads[1], along, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(grads[2], X.T @ along, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(grads[3], along.sum(0), rtol=1e-4, atol=1e-6)


def test_a_gradient_in_a_loss():
    """The penalty of Wasserstein GANs: the slope of the critic's output shall have the length 1."""
    x = Input((3,))
    y = Dense(1, use_bias=False)(x)
    (slope,) = K.gradients(y, x)  # the kernel, for each sample
    model = Model(x, y)

    def penalty(_, y_pred):
        return K.mean(K.square(1 - K.sqrt(K.sum(K.square(slope), axis=1)))) + 0 * K.mean(y_pred)

    model.compile(SGD(lr=0.1), penalty)
    (kernel,) = model.get_weights()
    length = np.linalg.norm(kernel)
    loss = model.train_on_batch(X[:, :3], np.zeros((5, 1)))
    np.testing.assert_allclose(loss, (1 - length) ** 2, rtol=1e-4)
    wanted = kernel + 0.2 * (1 - length) * kernel / length
    np.testing.assert_allclose(model.get_weights()[0], wanted, rtol=1e-4)

    model.compile("sgd", lambda _, y_pred: K.mean(K.gradients(K.exp(y_pred), x)[0]))
    (kernel,) = model.get_weights()
    loss = model.train_on_batch(X[:, :3], np.zeros((5, 1)))
    np.testing.assert_allclose(loss, np.mean(np.exp(X[:, :3] @ kernel) * kernel.T), rtol=1e-4)


def test_gradients_of_gradients_at_tensors_on_the_way():
    x = Input((2,))
    h = 2 * x
    (slope,) = K.gradients(h**3, h)
    at_h, at_x = K.gradients(slope, [h, x])
    (alone,) = K.gradients(at_h, h)
    values = K.function([x], [slope, at_h, at_x, alone])([np.ones((1, 2))])
    assert [v.tolist() for v in values] == [[[f, f]] for f in (12, 12, 24, 6)]


@pytest.mark.broadcasts
def test_gradients_draw_what_the_forward_pass_draws():
    x = Input((100,))
    y = Dropout(0.5)(x)
    noisy = y * K.random_uniform((100,))
    first, second = K.gradients(noisy, x)[0], K.gradients(K.sum(noisy), y)[0]
    run = K.function([x, K.learning_phase()], [y, noisy, first, second])
    dropped, whole, at_x, at_y = run([np.ones((3, 100)), 1])
    assert 0 < (dropped == 0).mean() < 1
    np.testing.assert_allclose(at_x, whole, rtol=1e-6)
    np.testing.assert_allclose(at_y * dropped, whole, rtol=1e-6)
    one, two = K.function([x, K.learning_phase()], [first, second])([np.ones((3, 100)), 1])  # without y
    assert (one[one != 0] == (2 * two)[one != 0]).all() and 0 < (one == 0).mean() < 1


def test_what_layers_report_is_not_reported_by_gradients():
    class Watched(Layer):
        def call(self, inputs):
            self.add_metric(inputs, name="size")
            return inputs * 2

    x = Input((3,))
    model = Model(x, Watched()(x))
    model.compile("sgd", lambda _, y_pred: K.mean(K.gradients(y_pred, x)[0]))
    assert model.test_on_batch(np.full((2, 3), 5.0), np.zeros((2, 3))) == [2, 5]


def test_gradients_of_gradients_and_of_strangers():
    x, y = K.placeholder((None,)), K.placeholder((None,))
    loss = K.sum(x**3)
    (slope,) = K.gradients(loss, [x])
    (curve,) = K.gradients(slope, x)
    a, b = K.function([x], [slope, curve])([np.array([2.0, 3.0])])
    assert a.tolist() == [12, 27] and b.tolist() == [12, 18]
    assert K.gradients(loss, [y]) == [None]
    place = K.placeholder((None,), dtype="int32")
    assert [g is None for g in K.gradients(K.sum(x * K.cast(place, "float32")), [place, x])] == [True, False]


def test_a_value_is_compiled_once():
    runs = []

    @op
    def counted(x):
        runs.append(1)
        return x * 2

    v, x = K.variable(3.0), K.placeholder(())
    y, z = counted(v), counted(x)
    compiled = set()
    for value in (3.0, 4.0, 5.0):
        K.set_value(v, value)
        assert K.eval(y) == K.get_value(y) == y.eval() == z.eval({x: value}) == 2 * value
        compiled.add(len(runs))
    assert len(compiled) == 1
