"""Keras 1 names of arguments, and those of tf.keras, in the methods of a model."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from jkeras.callbacks import LambdaCallback
from jkeras.layers import Dense, Input
from jkeras.models import Model, Sequential

X, Y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")


@pytest.fixture(scope="module")
def model():
    model = Sequential([Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse")
    return model


def batches():
    while True:
        yield X[:4], Y[:4]


class Counted:
    """A generator that tells its batch size, as those of Keras do."""

    batch_size = 4

    def __iter__(self):
        return self

    def __next__(self):
        return X[:4], Y[:4]


def caught(call):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        result = call()
    return result, [str(w.message) for w in found], [w.filename for w in found]


def test_nb_epoch_of_fit(model):
    history, messages, files = caught(lambda: model.fit(X, Y, nb_epoch=2, verbose=0))
    assert len(history.epoch) == 2
    assert messages == ["The `nb_epoch` argument in `fit` has been renamed `epochs`."]
    assert files == [__file__]


def test_keras_1_call_of_fit_generator(model):
    history, messages, files = caught(
        lambda: model.fit_generator(
            batches(),
            samples_per_epoch=2,
            nb_epoch=3,
            verbose=0,
            validation_data=batches(),
            nb_val_samples=1,
            max_q_size=2,
            nb_worker=1,
            pickle_safe=False,
        )
    )
    assert len(history.epoch) == 3 and "val_loss" in history.history
    assert "samples_per_epoch / batch_size" in messages[0]
    assert messages[1].startswith(
        "Update your `fit_generator` call to the Keras 2 API: `fit_generator(<generator"
    )
    for name in ("steps_per_epoch=2", "epochs=3", "validation_steps=1", "max_queue_size=2", "workers=1"):
        assert name in messages[1]
    assert files == [__file__] * 2


def test_samples_become_batches_where_the_generator_tells_its_size(model):
    seen = []
    hook = LambdaCallback(on_batch_end=lambda batch, logs: seen.append(batch))
    caught(
        lambda: model.fit_generator(Counted(), samples_per_epoch=12, epochs=1, verbose=0, callbacks=[hook])
    )
    assert seen == [0, 1, 2]


def test_evaluate_and_predict_generator(model):
    loss, messages, _ = caught(lambda: model.evaluate_generator(batches(), val_samples=2, max_q_size=1))
    assert (
        np.isscalar(loss) and "`evaluate_generator(<generator" in messages[-1] and "steps=2" in messages[-1]
    )
    y, messages, _ = caught(lambda: model.predict_generator(batches(), val_samples=2, nb_worker=1))
    assert y.shape == (8, 1) and "steps=2" in messages[-1]


def test_input_and_output_of_a_model():
    x = Input((3,))
    y = Dense(2)(x)
    made, messages, files = caught(lambda: Model(input=x, output=y))
    assert made.output_shape == (None, 2) and files == [__file__]
    assert messages[0].startswith("Update your `Model` call to the Keras 2 API: `Model(inputs=<Tensor ")
    with pytest.raises(TypeError, match="legacy keyword argument `input` and the Keras 2 .* `inputs`"):
        Model(input=x, inputs=x, outputs=y)


def test_add_weight_the_way_of_keras_1():
    layer = Dense(2)
    weight = layer.add_weight((2, 3), initializer="ones", name="mine")
    assert weight.shape == (2, 3) and weight.name.endswith("/mine:0") and weight.value.sum() == 6


def test_the_warning_of_a_changed_trainable_names_the_caller(model):
    other = Sequential([Dense(1, input_shape=(3,)), Dense(1)])
    other.compile("sgd", "mse")
    other.layers[0].trainable = False
    _, messages, files = caught(lambda: other.train_on_batch(X, Y))
    assert "Discrepancy" in messages[0] and files == [__file__]


def test_old_and_new_name_together(model):
    with pytest.raises(
        TypeError, match="legacy keyword argument `max_q_size` and the Keras 2 .*`max_queue_size`"
    ):
        model.predict_generator(batches(), steps=1, max_q_size=1, max_queue_size=1)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: m.train_on_batch(X, Y, reset_metrics=False), "nothing is kept"),
        (lambda m: m.compile("sgd", "mse", learning_rate=0.1), r"SGD\(lr=...\)"),
        (lambda m: m.save("x", save_format="tf"), "extension of the path"),
    ],
)
def test_arguments_of_tf_keras_name_what_keras_has(model, call, message):
    with pytest.raises(TypeError, match=message):
        call(model)
