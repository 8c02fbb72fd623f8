"""A layer written as two pure functions, `init` and `apply`, in a model that `fit` trains.

This one is a gated linear unit, `y = (x @ value) * sigmoid(x @ gate)`, with a tree of parameters of its own.
"""

import jax
import jax.numpy as jnp
from _common import Example, digits, most_frequent

from jkeras import INFERENCE, Out, Pair
from jkeras.layers import Dense, Flatten, Layer
from jkeras.models import Sequential


class GatedLinear(Layer):
    rowwise = True  # each sample's output depends on that sample alone: devices may share a batch

    def __init__(self, units, **kwargs):
        self.units = units
        super().__init__(**kwargs)

    def formula(self):
        units = self.units  # the functions are closed over hyperparameters, not over the layer

        def init(rng, in_shape):
            draw = jax.nn.initializers.glorot_uniform()
            keys, shape = jax.random.split(rng), (in_shape[-1], units)
            return {"value": draw(keys[0], shape), "gate": draw(keys[1], shape)}, {}

        def apply(params, state, x, ctx=INFERENCE):
            return Out((x @ params["value"]) * jax.nn.sigmoid(x @ params["gate"]))

        return Pair(init, apply)


example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = digits()

model = Sequential([Flatten(input_shape=(8, 8)), GatedLinear(32), Dense(10, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=example.size(40, 3), batch_size=32, verbose=0).history

# The same layer, without a model: the derivative of its output by its input is a matrix for each sample.
init, apply = GatedLinear(4).pure()
params, state = init(jax.random.key(0), (None, 64))
jacobians = jax.vmap(jax.jacobian(lambda x: apply(params, state, x[None]).y[0]))(x_test.reshape(-1, 64))
assert jacobians.shape == (len(x_test), 4, 64) and jnp.isfinite(jacobians).all()

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
guess = most_frequent(y_train, y_test)
example.finish("test accuracy", accuracy, history["loss"], baseline=guess, at_least=0.95)
