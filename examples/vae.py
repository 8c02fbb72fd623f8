"""A variational autoencoder: the loss is built from the model's own tensors, not from targets.

The figure at the end is the bound on the negative log-likelihood of a test image in nats, where a pixel is a
probability. The mean of each pixel alone has 27.2; no model can have less than 13.8, the pixels' own entropy.
"""

import numpy as np
from _common import Example, digits

from jkeras import backend as K
from jkeras.layers import Dense, Input, Lambda
from jkeras.losses import binary_crossentropy
from jkeras.models import Model

PIXELS, LATENT = 64, 4


def sampling(args):
    """A draw from N(mean, exp(log_var)), made from noise: the gradient flows through both arguments."""
    mean, log_var = args
    return mean + K.exp(log_var / 2) * K.random_normal(K.shape(mean))


example = Example(__doc__)
(x_train, _), (x_test, _) = digits()
x_train, x_test = x_train.reshape(-1, PIXELS), x_test.reshape(-1, PIXELS)

x = Input(shape=(PIXELS,))
hidden = Dense(128, activation="relu")(x)
z_mean, z_log_var = Dense(LATENT)(hidden), Dense(LATENT)(hidden)
z = Lambda(sampling)([z_mean, z_log_var])
decoder_hidden, decoder_out = Dense(128, activation="relu"), Dense(PIXELS, activation="sigmoid")
decoded = decoder_out(decoder_hidden(z))
vae = Model(x, decoded)

reconstruction = PIXELS * binary_crossentropy(x, decoded)
divergence = -0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
vae.add_loss(K.mean(reconstruction + divergence))
vae.compile(optimizer="adam")
history = vae.fit(x_train, epochs=example.size(100, 3), batch_size=32, verbose=0).history

# The decoder alone, on the layers that have just been trained, draws new digits.
code = Input(shape=(LATENT,))
generator = Model(code, decoder_out(decoder_hidden(code)))
image = generator.predict(np.zeros((1, LATENT)))[0].reshape(8, 8)
print("\n".join("".join(" .:*#"[int(pixel * 4.99)] * 2 for pixel in row) for row in image))

mean = np.clip(x_train.mean(axis=0), K.epsilon(), 1 - K.epsilon())
entropy = -np.mean(np.sum(x_test * np.log(mean) + (1 - x_test) * np.log(1 - mean), axis=1))
bound = vae.evaluate(x_test, verbose=0)
example.finish(
    "test bound in nats", bound, history["loss"], baseline=("the mean of each pixel", entropy), at_most=25
)
