"""A transformer that classifies texts: of which part of Python's manual is a passage of forty words?

Words are looked up on the host; padding is masked in attention and in the mean over words. Each topic is a
pile of passages; the last fifth of it is the test.
"""

import re
from pydoc_data.topics import topics

import numpy as np
from _common import Example, most_frequent

from jkeras import layers
from jkeras.models import Model

WORDS, WIDTH = 40, 32

example = Example(__doc__)
names = sorted(topics, key=lambda name: -len(topics[name]))[: example.size(8, 4)]
passages: dict[bool, list] = {True: [], False: []}
for label, name in enumerate(names):
    words = re.findall(r"[a-z]+", topics[name].lower())
    pieces = [words[i : i + WORDS] for i in range(0, len(words) - 10, WORDS)][: example.size(200, 20)]
    for number, piece in enumerate(pieces):
        passages[number >= len(pieces) * 4 // 5].append((" ".join(piece), label))

lookup = layers.TextVectorization(max_tokens=2000, output_sequence_length=WORDS)
lookup.adapt([text for text, _ in passages[False]])
(x_train, y_train), (x_test, y_test) = (
    (lookup([text for text, _ in part]), np.array([label for _, label in part]))
    for part in (passages[False], passages[True])
)

tokens = layers.Input(shape=(WORDS,), dtype="int32")
x = layers.Embedding(lookup.vocabulary_size(), WIDTH, mask_zero=True)(tokens)
y = layers.MultiHeadAttention(2, WIDTH // 2)(x, x)
x = layers.LayerNormalization()(layers.add([x, layers.Dropout(0.1)(y)]))
y = layers.Dense(WIDTH)(layers.Dense(WIDTH, activation="relu")(x))
x = layers.LayerNormalization()(layers.add([x, layers.Dropout(0.1)(y)]))
x = layers.Dropout(0.3)(layers.GlobalAveragePooling1D()(x))
model = Model(tokens, layers.Dense(len(names), activation="softmax")(x))

model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=32, epochs=example.size(20, 3), verbose=0).history
accuracy = model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]
example.finish(
    "test accuracy", accuracy, history["loss"], baseline=most_frequent(y_train, y_test), at_least=0.6
)
