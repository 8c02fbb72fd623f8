"""Reuters' newswires and their topics, or docstrings and their packages (see _texts.py), as bags of words."""

from _common import Example, most_frequent
from _texts import newswires

from jkeras.layers import Activation, Dense, Dropout
from jkeras.models import Sequential
from jkeras.preprocessing.text import Tokenizer
from jkeras.utils import to_categorical

WORDS = 1000

example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = newswires(WORDS, example.smoke)
topics = max(y_train.max(), y_test.max()) + 1

tokenizer = Tokenizer(num_words=WORDS)
x_train = tokenizer.sequences_to_matrix(x_train, mode="binary")
x_test = tokenizer.sequences_to_matrix(x_test, mode="binary")
guess = most_frequent(y_train, y_test)
y_train, y_test = to_categorical(y_train, topics), to_categorical(y_test, topics)

model = Sequential()
model.add(Dense(512, input_shape=(WORDS,)))
model.add(Activation("relu"))
model.add(Dropout(0.5))
model.add(Dense(topics))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])

history = model.fit(x_train, y_train, batch_size=32, epochs=5, validation_split=0.1, verbose=0).history
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
example.finish("test accuracy", accuracy, history["loss"], baseline=guess, at_least=0.75)
