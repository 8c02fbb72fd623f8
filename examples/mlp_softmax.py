"""A multilayer perceptron with a softmax: ten classes of handwritten digits."""

from _common import Example, mnist, most_frequent

from jkeras.layers import Dense, Dropout, Flatten
from jkeras.models import Sequential
from jkeras.optimizers import SGD
from jkeras.utils import to_categorical

example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = mnist()  # or 8x8 digits: see _common.py
guess = most_frequent(y_train, y_test)
y_train, y_test = to_categorical(y_train, 10), to_categorical(y_test, 10)  # (rows, 10), one-hot

model = Sequential()
model.add(Flatten(input_shape=x_train.shape[1:]))
model.add(Dense(256, activation="relu"))
model.add(Dropout(0.5))
model.add(Dense(256, activation="relu"))
model.add(Dropout(0.5))
model.add(Dense(10, activation="softmax"))

sgd = SGD(lr=0.01, decay=1e-6, momentum=0.9, nesterov=True)
model.compile(loss="categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=example.size(60, 3), batch_size=32, verbose=0).history

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
example.finish("test accuracy", accuracy, history["loss"], baseline=guess, at_least=0.93)
