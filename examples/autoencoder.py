"""A denoising autoencoder: convolutions take noise off handwritten digits.

The figure is the mean squared error of test images that were noisy; leaving the noise on has more.
"""

import numpy as np
from _common import Example, digits

from jkeras import layers
from jkeras.models import Model

example = Example(__doc__)
(x_train, _), (x_test, _) = digits()
x_train, x_test = x_train[: example.size(len(x_train), 400), ..., None], x_test[..., None]


def noisy(x):
    return np.clip(x + 0.3 * np.random.normal(size=x.shape), 0, 1).astype("float32")


images = layers.Input(shape=(8, 8, 1))
x = layers.Conv2D(16, 3, activation="relu", padding="same")(images)
x = layers.MaxPooling2D(2, padding="same")(x)
x = layers.Conv2D(32, 3, activation="relu", padding="same")(x)
x = layers.Conv2DTranspose(16, 3, strides=2, activation="relu", padding="same")(x)
model = Model(images, layers.Conv2D(1, 3, activation="sigmoid", padding="same")(x))
model.compile(optimizer="adam", loss="binary_crossentropy")

given, given_test = noisy(x_train), noisy(x_test)
history = model.fit(given, x_train, batch_size=64, epochs=example.size(30, 3), verbose=0).history
error = float(np.mean((model.predict(given_test, verbose=0) - x_test) ** 2))
left = "the error of the noisy images", float(np.mean((given_test - x_test) ** 2))
example.finish("test error", error, history["loss"], baseline=left, at_most=0.03)
