"""A siamese network: images of one digit shall lie close together, images of different digits apart.

The loss is the contrastive one of Hadsell, Chopra and LeCun (2006), written with backend functions.
"""

import numpy as np
from _common import Example, digits

from jkeras import backend as K
from jkeras.layers import Dense, Dropout, Flatten, Input, Lambda
from jkeras.models import Model, Sequential


def pairs(x, y, count):
    """Pairs of images, and whether they show the same digit: every second one does."""
    left = np.random.randint(len(x), size=count)
    others = [np.flatnonzero((y == y[i]) == (n % 2 == 0)) for n, i in enumerate(left)]
    right = np.array([np.random.choice(some) for some in others])
    return [x[left], x[right]], (y[left] == y[right]).astype("float32")


def pixels_alone(train, test):
    """Test accuracy of the best threshold for the distance between the images themselves."""
    (x, same), (x_test, same_test) = train, test
    far, far_test = (np.linalg.norm(a - b, axis=(1, 2)) for a, b in (x, x_test))
    thresholds = np.quantile(far, np.linspace(0, 1, 101))
    best = max(thresholds, key=lambda limit: np.mean((far < limit) == same))
    return np.mean((far_test < best) == same_test)


def distance(vectors):
    a, b = vectors
    return K.sqrt(K.maximum(K.sum(K.square(a - b), axis=1, keepdims=True), K.epsilon()))


def contrastive_loss(same, far):
    return K.mean(same * K.square(far) + (1 - same) * K.square(K.maximum(1 - far, 0)))


example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = digits()
x_train, same = pairs(x_train, y_train, example.size(8000, 1000))
x_test, same_test = pairs(x_test, y_test, 1000)

encoder = Sequential(name="encoder")
encoder.add(Flatten(input_shape=(8, 8)))
encoder.add(Dense(64, activation="relu"))
encoder.add(Dropout(0.1))
encoder.add(Dense(64, activation="relu"))
encoder.add(Dense(16))

image_a, image_b = Input(shape=(8, 8)), Input(shape=(8, 8))
far = Lambda(distance, output_shape=(1,))([encoder(image_a), encoder(image_b)])
model = Model([image_a, image_b], far)

model.compile(loss=contrastive_loss, optimizer="rmsprop")
history = model.fit(x_train, same, batch_size=64, epochs=example.size(20, 3), verbose=0).history

judged_same = model.predict(x_test)[:, 0] < 0.5
accuracy = np.mean(judged_same == same_test)
pixels = "a threshold for the distance between the pixels", pixels_alone((x_train, same), (x_test, same_test))
example.finish("test accuracy", accuracy, history["loss"], baseline=pixels, at_least=0.95)
