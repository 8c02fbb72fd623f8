"""Three LSTMs on top of each other read an image row by row; the last one returns a single vector."""

from _common import Example, digits, most_frequent

from jkeras.layers import LSTM, Dense
from jkeras.models import Sequential
from jkeras.optimizers import RMSprop

example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = digits()  # (images, 8 steps, 8 pixels)

model = Sequential()
model.add(LSTM(32, return_sequences=True, input_shape=(8, 8)))  # a sequence of vectors of size 32
model.add(LSTM(32, return_sequences=True))
model.add(LSTM(32))  # one vector of size 32
model.add(Dense(10, activation="softmax"))

model.compile(loss="sparse_categorical_crossentropy", optimizer=RMSprop(lr=0.003), metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=32, epochs=example.size(30, 3), verbose=0).history

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
guess = most_frequent(y_train, y_test)
example.finish("test accuracy", accuracy, history["loss"], baseline=guess, at_least=0.93)
