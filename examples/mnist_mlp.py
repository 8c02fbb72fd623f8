"""MNIST (5,000 images of it, or 8x8 digits, where ~/.keras/datasets/mnist.npz is not): two wide layers."""

from _common import Example, mnist, most_frequent

from jkeras.layers import Dense, Dropout
from jkeras.models import Sequential
from jkeras.optimizers import RMSprop
from jkeras.utils import to_categorical

example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = mnist()
guess = most_frequent(y_train, y_test)
x_train, x_test = x_train.reshape(len(x_train), -1), x_test.reshape(len(x_test), -1)
y_train, y_test = to_categorical(y_train, 10), to_categorical(y_test, 10)

model = Sequential()
model.add(Dense(512, activation="relu", input_shape=x_train.shape[1:]))
model.add(Dropout(0.2))
model.add(Dense(512, activation="relu"))
model.add(Dropout(0.2))
model.add(Dense(10, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer=RMSprop(), metrics=["accuracy"])

history = model.fit(x_train, y_train, batch_size=128, epochs=example.size(20, 2), verbose=0).history
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
example.finish("test accuracy", accuracy, history["loss"], baseline=guess, at_least=0.93)
