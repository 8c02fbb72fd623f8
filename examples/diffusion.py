"""A small denoising diffusion model: digits are drawn by taking noise off, step by step.

The network sees an image with noise, and how much of it there is, and says what the noise was. The figure is
the mean squared error over all amounts; to say "none" has 1. In the end it draws digits from noise alone.
"""

import numpy as np
from _common import Example, digits

from jkeras import layers, ops
from jkeras.models import Model

PIXELS, WIDTH = 64, 256

example = Example(__doc__)
(x_train, _), (x_test, _) = digits()
x_train, x_test = (2 * x.reshape(-1, PIXELS) - 1 for x in (x_train, x_test))


def rates(time):
    """The shares of image and noise at a time from 0 to 1; their squares add up to 1."""
    angle = 0.05 + time * (np.pi / 2 - 0.1)
    return np.cos(angle), np.sin(angle)


def mixed(x):
    """Images with noise, the times, and the noise."""
    time, noise = np.random.random((len(x), 1)), np.random.normal(size=x.shape)
    share, rest = rates(time)
    return [(share * x + rest * noise).astype("float32"), time.astype("float32")], noise.astype("float32")


image, time = layers.Input((PIXELS,)), layers.Input((1,))
waves = time * (2.0 ** np.arange(6, dtype="float32"))[None] * np.pi
x = layers.concatenate([image, ops.sin(waves), ops.cos(waves)])
for _ in range(example.size(2, 1)):
    x = layers.Dense(WIDTH, activation="swish")(x)
    x = layers.LayerNormalization()(x)
model = Model([image, time], layers.Dense(PIXELS)(layers.concatenate([x, image])))
model.compile(optimizer="adam", loss="mse")

given, noise = mixed(np.tile(x_train, (example.size(60, 3), 1)))
history = model.fit(given, noise, batch_size=128, epochs=example.size(4, 2), verbose=0).history
error = float(model.evaluate(*mixed(np.tile(x_test, (4, 1))), verbose=0))

steps, x = example.size(20, 3), np.random.normal(size=(6, PIXELS)).astype("float32")
for step in range(steps):
    now, then = 1 - step / steps, 1 - (step + 1) / steps
    share, rest = rates(now)
    noise = model.predict([x, np.full((len(x), 1), now, "float32")], verbose=0)
    clean = np.clip((x - rest * noise) / share, -1, 1)
    share, rest = rates(then)
    x = (share * clean + rest * noise).astype("float32")
for row in clean.reshape(6, 8, 8).transpose(1, 0, 2):
    print("  ".join("".join(" .:*#"[int((pixel + 1) * 2.49)] * 2 for pixel in line) for line in row))

example.finish("test error", error, history["loss"], baseline=("the error of no noise", 1.0), at_most=0.4)
