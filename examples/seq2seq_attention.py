"""Sequence to sequence with attention: a GRU reads digits, another one writes them sorted.

The writer is fed what it should have written so far. `AdditiveAttention` lets it look at the digits read. The
figure is the share of right digits in test sequences; the digits in the order in which they came have fewer.
"""

import numpy as np
from _common import Example

from jkeras import layers
from jkeras.models import Model

LENGTH, DIGITS, WIDTH = 8, 10, 64
BEGIN = DIGITS

example = Example(__doc__)
x = np.random.randint(0, DIGITS, (example.size(12_000, 1500), LENGTH))
y = np.sort(x, axis=1)
before = np.concatenate([np.full((len(y), 1), BEGIN), y[:, :-1]], axis=1)
border = len(x) * 9 // 10

read = layers.Input((LENGTH,), dtype="int32")
written = layers.Input((LENGTH,), dtype="int32")
states, last = layers.GRU(WIDTH, return_sequences=True, return_state=True)(
    layers.Embedding(DIGITS, WIDTH)(read)
)
queries = layers.GRU(WIDTH, return_sequences=True)(
    layers.Embedding(DIGITS + 1, WIDTH)(written), initial_state=last
)
context = layers.AdditiveAttention()([queries, states])
scores = layers.Dense(DIGITS, activation="softmax")(layers.concatenate([queries, context]))
model = Model([read, written], scores)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
train = [x[:border], before[:border]], y[:border, :, None]
history = model.fit(*train, batch_size=64, epochs=example.size(15, 2), verbose=0).history

said = np.full((len(x) - border, LENGTH), BEGIN)  # the writer goes on from its own digits
for place in range(LENGTH):
    digits = model.predict([x[border:], said], verbose=0)[:, place].argmax(-1)
    if place + 1 < LENGTH:
        said[:, place + 1] = digits
written_out = np.concatenate([said[:, 1:], digits[:, None]], axis=1)
share = float(np.mean(written_out == y[border:]))
as_read = "the digits as they came", float(np.mean(x[border:] == y[border:]))
example.finish("share of right digits", share, history["loss"], baseline=as_read, at_least=0.9)
