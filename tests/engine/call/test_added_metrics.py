"""What layers add to losses and metrics comes out of a call in its `Out`, and nowhere else."""

import jax
import numpy as np

from jkeras import Ctx
from jkeras.layers import Bidirectional, Dense, Input, Layer, SimpleRNN, TimeDistributed
from jkeras.models import Model

X = np.arange(6, dtype="float32").reshape(2, 3)


class Reporting(Layer):
    rowwise = True

    def call(self, x):
        self.add_metric(x, name="size")
        self.add_loss(x.sum())
        return x


def test_metrics_and_losses_are_values_of_the_pure_function():
    layer, x = Reporting(), Input((3,))
    model = Model(x, layer(layer(x) * 2))
    params, state = model.pure().init(jax.random.key(0))
    out = jax.jit(model.pure().apply)(params, state, X)
    assert [float(mean) for mean in out.metrics[layer, "size"]] == [2.5, 5.0]
    assert float(out.loss) == 45.0
    model.pure().apply(params, state, X)  # what the trace has left nowhere cannot leak out of it


def test_wrappers_hand_them_on():
    layer = Reporting()
    wrapped = TimeDistributed(layer)
    out = wrapped.pure().apply({}, {}, X[:, None])
    assert [float(mean) for mean in out.metrics[layer, "size"]] == [2.5]

    both = Bidirectional(SimpleRNN(2, activity_regularizer="l2"))
    assert not both.pure().apply(*both.pure().init(jax.random.key(0), (2, 1, 3)), X[:, None]).metrics


def test_the_functions_of_a_layer_add_too():
    def activation(x):
        layer.add_loss(x.sum())
        layer.add_metric(x, name="size")
        return x

    layer = Dense(1, activation=activation, kernel_initializer="ones")
    out = layer.pure().apply(*layer.pure().init(jax.random.key(0), (2, 3)), X, Ctx(training=True))
    assert float(out.loss) == 15.0
    assert [float(mean) for mean in out.metrics[layer, "size"]] == [7.5]
