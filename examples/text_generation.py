"""Text character by character, of Nietzsche (Python's manual, where ~/.keras/datasets/nietzsche.txt is not).

An LSTM sees 40 characters and says which comes next. The figure is how often it is right in text that it has
not seen; the last character alone tells less.
"""

import re
from pydoc_data.topics import topics

import numpy as np
from _common import Example, is_cached

from jkeras.layers import LSTM, Dense
from jkeras.models import Sequential
from jkeras.optimizers import RMSprop
from jkeras.utils import get_file

SEEN = 40

example = Example(__doc__)
if is_cached("nietzsche.txt"):
    with open(get_file("nietzsche.txt", origin=""), encoding="utf-8") as file:
        text = file.read().lower()
else:
    text = "\n".join(topics[name] for name in sorted(topics, key=lambda name: -len(topics[name]))[:12])
text = re.sub(r"\s+", " ", text.lower().encode("ascii", "ignore").decode())[: example.size(200_000, 4_000)]

chars = sorted(set(text))
codes = np.searchsorted(chars, list(text)).astype("int32")
one_hot = np.eye(len(chars), dtype="float32")


def windows(start: int, stop: int, step: int):
    """What is seen, and the character after it."""
    places = np.arange(start, stop - SEEN, step)
    return one_hot[codes[places[:, None] + np.arange(SEEN)]], codes[places + SEEN]


border = len(text) * 9 // 10
x_train, y_train = windows(0, border, 3)
x_test, y_test = windows(border, len(text), 3)

model = Sequential()
model.add(LSTM(128, input_shape=(SEEN, len(chars))))
model.add(Dense(len(chars), activation="softmax"))
model.compile(loss="sparse_categorical_crossentropy", optimizer=RMSprop(lr=0.01), metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=128, epochs=example.size(10, 2), verbose=0).history


def sample(probabilities, temperature: float) -> int:
    """One character; the lower the temperature, the more it is the most probable one."""
    logits = np.log(probabilities.astype("float64") + 1e-12) / temperature
    weights = np.exp(logits - logits.max())
    return np.random.choice(len(chars), p=weights / weights.sum())


for temperature in (0.2, 0.5, 1.0):
    seen = list(codes[border : border + SEEN])
    for _ in range(example.size(200, 10)):
        probabilities = model.predict(one_hot[seen[-SEEN:]][None], verbose=0)[0]
        seen.append(sample(probabilities, temperature))
    print(f"temperature {temperature}: {''.join(chars[i] for i in seen[SEEN:])}")

pairs = np.zeros((len(chars), len(chars)))
np.add.at(pairs, (codes[: border - 1], codes[1:border]), 1)
before = x_test[:, -1].argmax(axis=-1)
guess = "the most frequent character after the last one", np.mean(pairs.argmax(axis=1)[before] == y_test)
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
example.finish("share of right characters", accuracy, history["loss"], baseline=guess, at_least=0.45)
