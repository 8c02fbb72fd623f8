"""One LSTM reads two images with the same weights: is the left digit greater than the right one?"""

import numpy as np
from _common import Example, digits, most_frequent

from jkeras.layers import LSTM, Dense, Input, concatenate
from jkeras.models import Model


def pairs(x, y, count):
    """Pairs of images, and whether the left digit is the greater one."""
    left, right = np.random.randint(len(x), size=(2, count))
    return [x[left], x[right]], y[left] > y[right]


example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = digits()
x_train, greater_train = pairs(x_train, y_train, example.size(8000, 1000))
x_test, greater_test = pairs(x_test, y_test, 1000)

image_a = Input(shape=(8, 8))
image_b = Input(shape=(8, 8))
shared_lstm = LSTM(32)
encoded_a = shared_lstm(image_a)
encoded_b = shared_lstm(image_b)
merged = concatenate([encoded_a, encoded_b], axis=-1)
merged = Dense(64, activation="relu")(merged)
greater = Dense(1, activation="sigmoid")(merged)
model = Model(inputs=[image_a, image_b], outputs=greater)

# A layer that was called twice has two nodes; it has one set of weights all the same.
assert shared_lstm.get_output_at(0) is encoded_a and shared_lstm.get_output_at(1) is encoded_b
assert len(model.trainable_weights) == 3 + 2 + 2

model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, greater_train, epochs=example.size(30, 3), batch_size=32, verbose=0).history

loss, accuracy = model.evaluate(x_test, greater_test, verbose=0)
guess = most_frequent(greater_train, greater_test)
example.finish("test accuracy", accuracy, history["loss"], baseline=guess, at_least=0.93)
