"""A generative adversarial network: the discriminator is frozen inside the combined model only.

The figure at the end: how far a generated image is from the nearest real one, in units of the distance that
the test images have (noise has 3.4, the mean of all images 1.46).
"""

import numpy as np
from _common import Example, digits

from jkeras.layers import BatchNormalization, Dense, Dropout, Input, LeakyReLU
from jkeras.models import Model, Sequential
from jkeras.optimizers import Adam

LATENT, BATCH = 16, 64

example = Example(__doc__)
(x_train, y_train), (x_test, _) = digits()
x_train, x_test = x_train.reshape(-1, 64) * 2 - 1, x_test.reshape(-1, 64) * 2 - 1  # from -1 to 1

generator = Sequential([Dense(128, input_dim=LATENT), LeakyReLU(0.2), BatchNormalization(momentum=0.8)])
generator.add(Dense(128))
generator.add(LeakyReLU(0.2))
generator.add(Dense(64, activation="tanh"))

discriminator = Sequential([Dense(128, input_dim=64), LeakyReLU(0.2), Dropout(0.3)])
discriminator.add(Dense(64))
discriminator.add(LeakyReLU(0.2))
discriminator.add(Dense(1, activation="sigmoid"))
discriminator.compile(Adam(3e-4, beta_1=0.5), "binary_crossentropy", metrics=["accuracy"])

frozen = Model(discriminator.inputs, discriminator.outputs)  # the same layers, the same weights
frozen.trainable = False
noise = Input(shape=(LATENT,))
combined = Model(noise, frozen(generator(noise)))
combined.compile(Adam(3e-4, beta_1=0.5), "binary_crossentropy")


def nearest(images):
    """Distance to the nearest training image, and that one's index."""
    distances = np.linalg.norm(images[:, None] - x_train[None], axis=-1)
    return distances.min(axis=1), distances.argmin(axis=1)


def judge():
    """The figure at the end, and how many different digits the generator draws."""
    far, index = nearest(generator.predict(np.random.normal(size=(200, LATENT))))
    return far.mean() / nearest(x_test)[0].mean(), len(set(y_train[index]))


start, _ = judge()
real, fake = np.ones((BATCH, 1)), np.zeros((BATCH, 1))
for _ in range(example.size(6000, 200)):
    images = x_train[np.random.randint(len(x_train), size=BATCH)]
    drawn = generator.predict(np.random.normal(size=(BATCH, LATENT)))
    discriminator.train_on_batch(images, real)
    discriminator.train_on_batch(drawn, fake)
    combined.train_on_batch(np.random.normal(size=(BATCH, LATENT)), real)

figure, kinds = judge()
print(f"different digits: {kinds}")
assert example.smoke or kinds >= 8, "The generator should not draw a few digits only."
mean = nearest(x_train.mean(axis=0, keepdims=True))[0].mean() / nearest(x_test)[0].mean()
example.finish(
    "distance from real images",
    figure,
    [start, figure],
    baseline=("distance of the mean image", mean),
    at_most=1.4,
)
