"""`fit` on the recorded model: the same calls, logs, files and text as Keras 2.2.4."""

import re

import numpy as np
import pytest

from jkeras.callbacks import CSVLogger, EarlyStopping, LambdaCallback, ModelCheckpoint, TerminateOnNaN
from jkeras.models import load_model, model_from_json
from tests.callbacks.test_basic import Spy
from tests.callbacks.test_logging import TIMES


def build(case):
    model = model_from_json(case["model"])
    model.compile(case.get("optimizer", "sgd"), case.get("loss", "categorical_crossentropy"), metrics=["acc"])
    model.set_weights([np.array(w) for w in case["initial_weights"]])
    return model, np.array(case["x"]), np.array(case["y"])


def same_calls(found, recorded):
    assert [(c["call"], c["index"]) for c in found] == [(c["call"], c["index"]) for c in recorded]
    for mine, theirs in zip(found, recorded, strict=True):
        assert mine.get("params") == theirs.get("params")
        assert mine.get("log_keys_order") == theirs.get("log_keys_order")
        for name, value in theirs.get("logs", {}).items():
            np.testing.assert_allclose(mine["logs"][name], float(value), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("number", range(4))
def test_spy(recorded, number):
    case = recorded["spy"][number]
    model, x, y = build(case)
    spy = Spy()
    data = (x[:4] * 0.5, y[:4]) if case["validation_data"] else None
    history = model.fit(
        x, y, verbose=0, shuffle=False, callbacks=[spy], validation_data=data, **case["fit_kwargs"]
    )
    same_calls(spy.calls, case["calls"])
    assert list(history.history) == case["history_keys_order"]


def test_spy_of_fit_generator(recorded):
    case = recorded["spy_fit_generator"]
    model, x, y = build(case)
    spy = Spy()

    def batches():
        while True:
            yield x[:5], y[:5]
            yield x[5:], y[5:]

    model.fit_generator(batches(), 2, 2, verbose=0, callbacks=[spy], validation_data=(x[:4], y[:4]))
    same_calls(spy.calls, case["calls"])


@pytest.mark.filterwarnings("ignore:The data for .* contain NaN")
@pytest.mark.parametrize("hooked", [True, False])
def test_terminate_on_nan(recorded, hooked, capsys):
    model, x, y = build(recorded["spy"][0])
    x[5] = np.nan
    spy = Spy()
    callbacks = [TerminateOnNaN(), *([spy] if hooked else [])]
    history = model.fit(x, y, 2, 3, verbose=0, shuffle=False, callbacks=callbacks)
    first, advice = capsys.readouterr().out.splitlines()
    assert first == "Batch 2: Invalid loss, terminating training" and "Where it begins" in advice
    assert history.epoch == [0] and np.isnan(history.history["loss"][0])
    if hooked:
        theirs = recorded["terminate_on_nan"][0]["calls"]
        assert [(c["call"], c["index"]) for c in spy.calls] == [(c["call"], c["index"]) for c in theirs]


def test_csv_logger(recorded, tmp_path):
    for number, case in enumerate(recorded["csv_logger"]):
        model, x, y = build(case)
        path = tmp_path / f"{number}.csv"
        validation = (x[:4], y[:4]) if case["validation"] else None
        model.fit(
            x, y, case["batch_size"], case["epochs"], verbose=0, shuffle=False, validation_data=validation,
            callbacks=[CSVLogger(path, **case["args"])],
        )  # fmt: skip
        number = re.compile(r"\d+\.\d+(?:e-\d+)?")
        mine, theirs = path.read_bytes().decode(), case["text_after_first_fit"]
        assert number.sub("N", mine) == number.sub("N", theirs)
        np.testing.assert_allclose(
            [float(n) for n in number.findall(mine)], [float(n) for n in number.findall(theirs)], rtol=1e-4
        )


@pytest.mark.parametrize("verbose", [1, 2])
def test_printed_text(recorded, verbose, capsys):
    model, x, y = build(recorded["spy"][0])
    model.fit(x, y, 4, 2, verbose=verbose, shuffle=False, validation_data=(x[:4], y[:4]))

    def shape(text):
        return re.sub(r"\d\.\d+", "N", TIMES.sub("T", text))

    assert shape(capsys.readouterr().out) == shape(recorded[f"fit_text_verbose_{verbose}"])


def test_hooks_change_no_bit(recorded):
    case = recorded["spy"][0]
    results = []
    for callbacks, verbose in (
        ([], 0),
        ([], 1),
        ([LambdaCallback(on_batch_end=lambda batch, logs: None)], 2),
    ):
        model, x, y = build(case)
        np.random.seed(1)
        history = model.fit(x, y, 3, 3, verbose=verbose, callbacks=callbacks).history
        results.append((history, [w.tobytes() for w in model.get_weights()]))
    assert results[0] == results[1] == results[2]


def test_callbacks_may_change_weights_rate_and_stop_in_batch_hooks(recorded):
    model, x, y = build(recorded["spy"][0])
    seen = []

    def begin(batch, logs):
        if batch == 1:
            model.set_weights([np.zeros_like(w) for w in model.get_weights()])
            model.optimizer.lr = 0.0

    def end(batch, logs):
        seen.append(batch)
        model.stop_training = batch == 1

    model.fit(x, y, 4, 5, verbose=0, callbacks=[LambdaCallback(on_batch_begin=begin, on_batch_end=end)])
    assert seen == [0, 1]
    assert all(not w.any() for w in model.get_weights())


def test_three_hundred_batches_in_order():
    from jkeras.layers import Dense
    from jkeras.models import Sequential

    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(600, 2))
    spy = Spy()
    model.fit(x, x[:, :1], 2, 1, verbose=0, shuffle=False, callbacks=[spy])
    ends = [c for c in spy.calls if c["call"] == "on_batch_end"]
    assert [c["index"] for c in ends] == list(range(300))
    assert [c["logs"]["batch"] for c in ends] == list(range(300))
    assert all(type(c["logs"]["loss"]) is float for c in ends)


def test_model_checkpoint_and_early_stopping_write_and_restore(recorded, tmp_path):
    model, x, y = build(recorded["spy"][0])
    best = ModelCheckpoint(tmp_path / "best.{epoch}.h5", monitor="loss", save_best_only=True)
    stopping = EarlyStopping(monitor="loss", patience=1, mode="max", restore_best_weights=True)
    history = model.fit(x, y, 4, 5, verbose=0, shuffle=False, callbacks=[best, stopping])
    assert history.epoch == [0, 1]
    loaded = load_model(str(tmp_path / "best.1.h5"))
    for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
