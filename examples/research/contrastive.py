"""Contrastive learning: two noisy views of an image find each other (SimCLR, arXiv:2002.05709)."""

import jax
import jax.numpy as jnp
from _research import smoke, tell

import jkeras
from jkeras import backend as K
from jkeras import layers

(x, y), _ = jkeras.datasets.digits.load_data()
x = (x[:1024].reshape(-1, 64) / 16).astype("float32")


def views(z):
    """The loss within the network: of a row the cross-entropy of its other view among all rows."""
    first, second = (K.l2_normalize(part, -1) for part in z)
    scores = first @ second.T / 0.1
    return -jnp.diagonal(jax.nn.log_softmax(scores) + jax.nn.log_softmax(scores.T))[:, None] / 2


image = jkeras.Input((64,))
encoder = jkeras.Sequential([jkeras.Input((64,)), layers.Dense(64, activation="relu"), layers.Dense(16)])
twice = [encoder(layers.GaussianNoise(0.2)(layers.Dropout(0.3)(image))) for _ in range(2)]
model = jkeras.Model(image, layers.Lambda(views)(twice))
model.compile("adam", lambda y_true, y_pred: K.mean(y_pred, -1), devices=1)
losses = model.fit(x, x[:, :1], 128, 2 if smoke else 60, verbose=0).history["loss"]
codes = encoder.predict(x)
codes /= abs(codes).max()
nearest = (codes @ codes.T - 1e9 * jnp.eye(len(codes))).argmax(-1)
print("nearest neighbour has the same digit:", float((y[:1024][nearest] == y[:1024]).mean()))
tell(losses)
