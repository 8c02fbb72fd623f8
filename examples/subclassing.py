"""A model as a class: the layers in `__init__`, the forward pass in `call`."""

from _common import Example, digits, most_frequent

import jkeras
from jkeras.layers import BatchNormalization, Dense, Dropout, Flatten


class SimpleMLP(jkeras.Model):
    """Two Dense layers, with dropout and batch normalization between them if asked for."""

    def __init__(self, use_bn=False, use_dp=False, num_classes=10):
        super().__init__(name="mlp")
        self.use_bn = use_bn
        self.use_dp = use_dp
        self.flatten = Flatten()
        self.dense1 = Dense(64, activation="relu")
        self.dense2 = Dense(num_classes, activation="softmax")
        if self.use_dp:
            self.dp = Dropout(0.3)
        if self.use_bn:
            self.bn = BatchNormalization(axis=-1)

    def call(self, inputs):
        x = self.dense1(self.flatten(inputs))
        if self.use_dp:
            x = self.dp(x)
        if self.use_bn:
            x = self.bn(x)
        return self.dense2(x)


example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = digits()

model = SimpleMLP(use_bn=True, use_dp=True)  # its weights are made when it first sees data
model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=example.size(30, 3), batch_size=32, verbose=0).history

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
guess = most_frequent(y_train, y_test)
example.finish("test accuracy", accuracy, history["loss"], baseline=guess, at_least=0.95)
