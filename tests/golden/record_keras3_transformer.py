"""Records a transformer of the real Keras 3: `python tests/golden/record_keras3_transformer.py FOLDER`.

Writes its `.keras` and `.weights.h5` files, a batch and its predictions, all of them compressed.
"""

import lzma
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
import keras
import numpy as np
from keras import layers as L


def transformer():
    """A block with multi-head attention over masked tokens, another with grouped queries."""
    i = keras.Input((6,), dtype="int32", name="tokens")
    x = L.Embedding(10, 8, mask_zero=True, name="embed")(i)
    y = L.LayerNormalization(epsilon=1e-6, name="norm1")(x)
    y = L.MultiHeadAttention(2, 4, dropout=0.1, name="attention")(y, y, use_causal_mask=True)
    x = L.Add(name="add1")([x, y])
    y = L.LayerNormalization(epsilon=1e-6, name="norm2")(x)
    y = L.Dense(16, activation="gelu", name="wide")(y)
    x = L.Add(name="add2")([x, L.Dense(8, name="narrow")(y)])
    y = L.GroupQueryAttention(4, 4, 2, name="grouped")(query=x, value=x)
    x = L.RMSNormalization(name="rms")(L.Add(name="add3")([x, y]))
    x = L.EinsumDense("abc,cd->abd", (None, 10), bias_axes="d", name="scores")(x)
    return keras.Model(i, x, name="transformer")


def main(folder):
    model = transformer()
    drawn = [np.random.RandomState(k).normal(size=w.shape) for k, w in enumerate(model.get_weights())]
    model.set_weights([0.3 * w for w in drawn])
    tokens = np.random.RandomState(1).randint(1, 10, (4, 6)).astype("int32")
    tokens[:, 4:] = 0
    files = [os.path.join(folder, f"transformer.{end}") for end in ("keras", "weights.h5", "npz")]
    model.save(files[0])
    model.save_weights(files[1])
    np.savez(files[2], x=tokens, y=model.predict(tokens, verbose=0))
    for name in files:
        with open(name, "rb") as file, open(name + ".xz", "wb") as packed:
            packed.write(lzma.compress(file.read(), preset=9))
        os.remove(name)


if __name__ == "__main__":
    main(sys.argv[1])
