"""A GPT of two layers, from layers alone, on the text of Python's manual, character by character.

Each character sees those before it. The figure is the mean loss (in nats a character) in text that it has not
seen; the frequencies of the characters alone tell less.
"""

import re
from pydoc_data.topics import topics

import numpy as np
from _common import Example

from jkeras import layers, losses
from jkeras.models import Model
from jkeras.optimizers import Adam

SEEN, WIDTH, HEADS = 64, 64, 4

example = Example(__doc__)
text = " ".join(topics[name] for name in sorted(topics, key=lambda name: -len(topics[name]))[:12])
text = re.sub(r"\s+", " ", text.lower().encode("ascii", "ignore").decode())[: example.size(100_000, 8_000)]
chars = sorted(set(text))
codes = np.searchsorted(chars, list(text)).astype("int32")


def windows(part):
    """Sequences, and the character after each of theirs."""
    count = (len(part) - 1) // SEEN
    return part[: count * SEEN].reshape((count, SEEN)), part[1 : count * SEEN + 1].reshape((count, SEEN, 1))


border = len(codes) * 9 // 10
x_train, y_train = windows(codes[:border])
x_test, y_test = windows(codes[border:])

tokens = layers.Input((SEEN,), dtype="int32")
places = layers.Embedding(SEEN, WIDTH)(np.arange(SEEN)[None])
x = layers.Embedding(len(chars), WIDTH)(tokens) + places
for _ in range(2):
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    y = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(y, y, use_causal_mask=True)
    x = layers.add([x, layers.Dropout(0.1)(y)])
    y = layers.LayerNormalization(epsilon=1e-6)(x)
    y = layers.Dense(WIDTH)(layers.Dense(4 * WIDTH, activation="gelu")(y))
    x = layers.add([x, layers.Dropout(0.1)(y)])
scores = layers.Dense(len(chars))(layers.LayerNormalization(epsilon=1e-6)(x))

model = Model(tokens, scores)
model.compile(Adam(lr=3e-3), losses.SparseCategoricalCrossentropy(from_logits=True))
history = model.fit(x_train, y_train, batch_size=16, epochs=example.size(6, 2), verbose=0).history

seen = list(codes[border : border + SEEN])
for _ in range(example.size(120, 4)):
    logits = model.predict(np.asarray(seen[-SEEN:])[None], verbose=0)[0, -1].astype("float64")
    weights = np.exp((logits - logits.max()) / 0.7)
    seen.append(np.random.choice(len(chars), p=weights / weights.sum()))
print(repr("".join(chars[code] for code in seen[SEEN:])))

counts = np.bincount(codes[:border], minlength=len(chars)) + 1  # one for what was never seen
unigram = -np.mean(np.log(counts / counts.sum())[y_test])
loss = float(model.evaluate(x_test, y_test, verbose=0))
baseline = "the loss of the characters' frequencies", unigram
example.finish("loss", loss, history["loss"], baseline=baseline, at_most=2.5)
