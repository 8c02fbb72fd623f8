"""Two inputs and two outputs: an LSTM reads the upper half of an image, the lower half comes in beside it.

The auxiliary output knows the upper half only. Its loss helps the LSTM to learn early on.
"""

from _common import Example, digits

from jkeras.layers import LSTM, Dense, Input, concatenate
from jkeras.models import Model

example = Example(__doc__)
(x_train, y_train), (x_test, y_test) = digits()

main_input = Input(shape=(4, 8), name="main_input")
lstm_out = LSTM(32)(main_input)
auxiliary_output = Dense(10, activation="softmax", name="aux_output")(lstm_out)

auxiliary_input = Input(shape=(32,), name="aux_input")
x = concatenate([lstm_out, auxiliary_input])
x = Dense(64, activation="relu")(x)
x = Dense(64, activation="relu")(x)
main_output = Dense(10, activation="softmax", name="main_output")(x)

model = Model(inputs=[main_input, auxiliary_input], outputs=[main_output, auxiliary_output])
model.compile(
    optimizer="rmsprop",
    loss={"main_output": "sparse_categorical_crossentropy", "aux_output": "sparse_categorical_crossentropy"},
    loss_weights={"main_output": 1.0, "aux_output": 0.2},
    metrics=["accuracy"],
)


def inputs(images):
    return {"main_input": images[:, :4], "aux_input": images[:, 4:].reshape(-1, 32)}


def targets(labels):
    return {"main_output": labels, "aux_output": labels}


epochs = example.size(25, 3)
history = model.fit(inputs(x_train), targets(y_train), epochs=epochs, batch_size=32, verbose=0).history
results = model.evaluate(inputs(x_test), targets(y_test), verbose=0)
results = dict(zip(model.metrics_names, results, strict=True))
half = "test accuracy of the upper half alone", results["aux_output_acc"]
example.finish("test accuracy", results["main_output_acc"], history["loss"], baseline=half, at_least=0.95)
