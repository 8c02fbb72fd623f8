"""A layer of one's own: weights in `build`, the formula in `call`, its arguments in `get_config`.

This one scales its inputs and cuts them off between two learned bounds for each unit.
"""

import os
import tempfile

import numpy as np
from _common import Example, digits, most_frequent

from jkeras import backend as K
from jkeras.layers import Dense, Flatten, Layer
from jkeras.models import Sequential, load_model


class SoftClip(Layer):
    """`low + (high - low) * sigmoid(x @ kernel)`, with `low` and `high` learned for each unit."""

    def __init__(self, units, **kwargs):
        self.units = units
        super().__init__(**kwargs)

    def build(self, input_shape):
        shape = (input_shape[1], self.units)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="glorot_uniform")
        self.low = self.add_weight(name="low", shape=(self.units,), initializer="zeros")
        self.high = self.add_weight(name="high", shape=(self.units,), initializer="ones")
        super().build(input_shape)

    def call(self, x):
        return self.low + (self.high - self.low) * K.sigmoid(K.dot(x, self.kernel))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = digits()

model = Sequential([Flatten(input_shape=(8, 8)), SoftClip(64), Dense(10, activation="softmax")])
model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=example.size(40, 3), batch_size=32, verbose=0).history

with tempfile.TemporaryDirectory() as folder:
    model.save(os.path.join(folder, "model.h5"))
    again = load_model(os.path.join(folder, "model.h5"), custom_objects={"SoftClip": SoftClip})
np.testing.assert_array_equal(again.predict(x_test), model.predict(x_test))

loss, accuracy = again.evaluate(x_test, y_test, verbose=0)
guess = most_frequent(y_train, y_test)
example.finish("test accuracy", accuracy, history["loss"], baseline=guess, at_least=0.95)
