"""What people have learnt from pages about later Kerases: it works, or the error says what to write."""

import builtins
import contextlib
import functools
import io
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

import jkeras as keras
from jkeras import callbacks, layers

rng = np.random.RandomState(0)
X = rng.rand(20, 3).astype("float32")
Y = rng.randint(0, 2, 20)


@pytest.fixture
def model():
    """A compiled classifier whose program is small."""
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1, activation="sigmoid", name="head")])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return model


def test_accuracy_has_both_names(model):
    seen = {}

    class Look(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.update(logs)
            seen["found"] = logs["val_accuracy"], logs.get("accuracy"), "val_accuracy" in logs

    history = model.fit(X, Y, validation_split=0.5, verbose="auto", callbacks=[Look()]).history
    assert set(history) == {"loss", "acc", "val_loss", "val_acc"}
    assert history["accuracy"] == history["acc"] and history["val_accuracy"] == history["val_acc"]
    assert seen["found"] == (seen["val_acc"], seen["acc"], True)
    with pytest.raises(KeyError, match="val_accurac"):
        history["val_accurac"]
    scores = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert scores["accuracy"] == model.evaluate(X, Y, verbose=0)[1] and scores["loss"] > 0


def test_monitors_know_both_names(model, tmp_path):
    file = str(tmp_path / "{epoch}-{val_accuracy:.1f}.h5")
    stop = callbacks.EarlyStopping("val_accuracy", patience=1, start_from_epoch=2, restore_best_weights=True)
    save = callbacks.ModelCheckpoint(file, "val_accuracy", save_best_only=True, save_weights_only=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = model.fit(
            X, Y * 0, epochs=9, validation_data=(X, Y * 0 + 1), verbose=0, callbacks=[stop, save]
        )
    assert len(history.epoch) == 4, "two epochs are passed over, the third is the best, the fourth no better"
    assert os.listdir(tmp_path) == [f"1-{history.history['val_acc'][0]:.1f}.h5"]


def test_checkpoints_by_batches(model, tmp_path):
    save = callbacks.ModelCheckpoint(str(tmp_path / "{epoch}-{batch}.h5"), save_freq=3)
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[save])
    assert sorted(os.listdir(tmp_path)) == ["1-3.h5", "2-1.h5", "2-4.h5"]
    with pytest.raises(ValueError, match="`save_best_only` compares the logs of epochs"):
        callbacks.ModelCheckpoint("x.h5", save_freq=3, save_best_only=True)
    with pytest.raises(ValueError, match="'epoch' or a number of batches"):
        callbacks.ModelCheckpoint("x.h5", save_freq="batch")


def test_backup_goes_on_and_leaves_nothing(tmp_path):
    def make():
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
        model.compile("adam", "mse")
        return model

    class Interrupt(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise InterruptedError

    whole = make()
    losses = whole.fit(X, Y, epochs=4, verbose=0).history["loss"]
    again = make()
    with pytest.raises(InterruptedError):
        again.fit(
            X, Y, epochs=4, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path / "b"), Interrupt()]
        )
    (tmp_path / "b" / "mine.txt").write_text("kept")
    again = make()
    history = again.fit(X, Y, epochs=4, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path / "b")])
    assert history.history["loss"] == losses
    np.testing.assert_array_equal(again.get_weights()[0], whole.get_weights()[0])
    assert os.listdir(tmp_path / "b") == ["mine.txt"], "the backup is removed, another file is not"


def test_arguments_of_fit_and_compile(model):
    sizes = []

    class Sizes(callbacks.Callback):
        def on_test_batch_begin(self, batch, logs=None):
            sizes.append(logs["size"])

    model.compile("sgd", "mse", jit_compile=True, steps_per_execution=4, run_eagerly=False)
    model.fit(X, Y, validation_split=0.5, validation_batch_size=3, verbose=0)
    kept = model.train_on_batch(X, Y, return_dict=True)
    assert list(kept) == ["loss"] == list(model.test_on_batch(X, Y, return_dict=True))
    with pytest.warns(UserWarning, match="jax.disable_jit"):
        model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(ValueError, match="validation_batch_size"):
        model.fit(X, Y, validation_split=0.5, validation_batch_size=-3, verbose=0)


def test_variables(model):
    assert model.trainable_variables == model.trainable_weights == model.variables
    assert model.layers[0].non_trainable_variables == []
    assert [v.path for v in model.variables] == ["head/kernel", "head/bias"]
    assert model.variables[0].numpy().shape == (3, 1)
    other = layers.Dense(1)
    other.variables = "a script's own"
    assert other.variables == "a script's own"


def test_summary(capsys):
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="deep")], name="inner")
    outer = keras.Sequential([inner, layers.Dense(1, name="top", trainable=False)])
    outer.summary(expand_nested=True, show_trainable=True)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["|", "deep", "(Dense)", "(None,", "2)", "8", "Y"] in rows
    assert ["top", "(Dense)", "(None,", "1)", "3", "N"] in rows


def test_a_step_of_ones_own_is_not_passed_over(model):
    class Own(keras.Model):
        def train_step(self, data):
            return {"loss": 0.0}

    x = keras.Input((3,))
    own = Own(x, layers.Dense(1)(x))
    own.compile("sgd", "mse")
    with pytest.raises(TypeError, match="defines `train_step`, which is not called here.*add_loss"):
        own.fit(X, Y, verbose=0)
    assert own.evaluate(X, Y, verbose=0) > 0


def test_registered_names():
    @keras.saving.register_keras_serializable(package="mine")
    class Twice(layers.Layer):
        def call(self, x):
            return 2 * x

    with keras.utils.custom_object_scope():
        model = keras.Sequential([keras.Input((3,)), Twice()])
        again = keras.models.model_from_json(model.to_json())
        assert type(again.layers[0]) is Twice is keras.saving.get_registered_object("mine>Twice")
        assert keras.utils.get_registered_name(Twice) == "mine>Twice"
    with pytest.raises(ValueError, match="no `get_config`"):
        keras.utils.register_keras_serializable()(type("Plain", (), {}))
    keras.utils.get_custom_objects().clear()


def test_a_script_for_keras_3_imports():
    with keras.install_as_keras(replace=True, version=3):
        import keras as imported

        assert imported.__version__.startswith("3.") and imported.utils is keras.utils
        keras.install_as_keras(version=2)
        assert imported.__version__ == "2.2.4"
    with pytest.raises(ValueError, match="version must be one of"):
        keras.install_as_keras(version=4)


def test_data_that_say_how_they_are_fetched(model):
    class Rows(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return X[10 * index :][:10], Y[10 * index :][:10]

    rows = Rows(workers=2, use_multiprocessing=False, max_queue_size=4)
    assert rows.num_batches == 2
    assert model.evaluate(rows, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))


def test_inputs_and_outputs_by_name():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    outputs = {"one": layers.Dense(1)(a), "two": layers.Dense(2)(layers.add([a, b]))}
    model = keras.Model({"a": a, "b": b}, outputs)
    model.compile("sgd", {"one": "mse", "two": "mae"}, metrics={"two": "mae"})
    data, wanted = {"b": X, "a": X + 1}, {"two": X[:, :2], "one": X[:, :1]}
    names = {"loss", "one_loss", "two_loss", "two_mean_absolute_error"}
    assert set(model.fit(data, wanted, verbose=0).history) == names
    predicted = model.predict(data)
    assert predicted["two"].shape == (20, 2)
    np.testing.assert_allclose(model(data)["one"], predicted["one"], rtol=1e-5)
    for again in (keras.models.model_from_json(model.to_json()), keras.models.clone_model(model)):
        again.set_weights(model.get_weights())
        np.testing.assert_array_equal(
            again.predict_on_batch(data)["two"], model.predict_on_batch(data)["two"]
        )
    assert set(model({"a": a, "b": b})) == {"one", "two"}
    with pytest.raises(ValueError, match="without its inputs .'b'."):
        model({"a": X})
    with pytest.raises(ValueError, match="fed by the names of input layers"):
        keras.Model({"x": a}, layers.Dense(1)(a))


def test_a_metric_says_whether_more_is_better(model, tmp_path):
    model.compile(
        "sgd", "binary_crossentropy", metrics=[keras.metrics.AUC(name="auc"), keras.metrics.FalsePositives()]
    )
    watching = [
        callbacks.EarlyStopping("val_auc", min_delta=0.1),
        callbacks.EarlyStopping("val_false_positives"),
        callbacks.EarlyStopping("val_auc", mode="min"),
        callbacks.ModelCheckpoint(str(tmp_path / "m.h5"), "val_auc", save_best_only=True),
        callbacks.ReduceLROnPlateau("auc", patience=3),
    ]
    model.fit(X, Y, validation_split=0.5, verbose=0, callbacks=watching)
    rising = [getattr(c, "_operation", getattr(c, "monitor_op", None)) for c in watching]
    assert rising == [np.greater, np.less, np.less, np.greater, np.greater]
    assert watching[0].min_delta == 0.1 and 0 <= watching[3].best <= 1


GUIDE = Path(__file__).parents[1] / "examples" / "guides" / "en" / "idioms.md"


def test_the_table_of_idioms(tmp_path, monkeypatch):
    """Every row of the guide does what it says; the ones that cannot work name the way out."""
    monkeypatch.chdir(tmp_path)
    text = GUIDE.read_text()
    scope: dict = {"__name__": "guide"}
    exec(text.partition("```python\n")[2].partition("```")[0], scope)
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) >= 60
    wrong = []
    for code, outcome in rows:
        expected, _, words = outcome.strip().partition(": ")
        kind = {"warning": UserWarning}.get(expected) or getattr(builtins, expected, None)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(code.strip().strip("`").replace("\\|", "|"), scope)
            done = "works"
        except Exception as error:
            done = error
        fits = (
            isinstance(done, kind) and words in str(done)
            if kind
            else done == "works" and outcome.startswith("works")
        )
        if not fits:
            wrong.append(f"{code} -> {done!r}, expected {outcome}")
    keras.utils.get_custom_objects().clear()
    assert not wrong, "\n".join(wrong)


def test_averages_are_swapped_in_for_evaluation(model):
    model.compile(keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9), "binary_crossentropy")
    swap, seen = callbacks.SwapEMAWeights(swap_on_epoch=True), []

    class Look(callbacks.Callback):
        def on_test_end(self, logs=None):
            seen.append((np.array(model.get_weights()[0]), logs["loss"] if logs else None))

        def on_epoch_end(self, epoch, logs=None):
            average = dict(model.optimizer.binding.averages())[model.weights[0]].numpy()
            np.testing.assert_array_equal(model.get_weights()[0], average)
            seen.append(average)

    model.fit(X, Y, batch_size=5, epochs=2, verbose=0, callbacks=[swap, Look()])
    assert np.abs(seen[0] - seen[-1]).max() > 0, "training went on from the weights themselves"
    np.testing.assert_array_equal(model.get_weights()[0], seen[-1])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="keeps no averages"):
        model.fit(X, Y, verbose=0, callbacks=[swap])


def test_accuracy_of_numbers_with_a_loss_of_ones_own():
    x, y = rng.rand(4, 5, 3).astype("float32"), rng.randint(0, 4, (4, 5))
    model = keras.Sequential([keras.Input((5, 3)), layers.Dense(4, activation="softmax")])
    model.compile(loss=lambda t, p: keras.losses.sparse_categorical_crossentropy(t, p), metrics=["acc", "ce"])
    loss, acc, ce = model.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(acc, np.mean(model.predict(x).argmax(-1) == y), rtol=1e-6)
    np.testing.assert_allclose(ce, loss, rtol=1e-5)


def test_parts_of_data():
    left, right = keras.utils.split_dataset({"x": X, "y": Y}, right_size=0.25, shuffle=True, seed=1)
    assert len(left["x"]) == 15 and len(right["y"]) == 5
    assert sorted([*left["y"], *right["y"]]) == sorted(Y)
    assert keras.utils.unpack_x_y_sample_weight(keras.utils.pack_x_y_sample_weight(X, Y))[1] is Y
    for wrong in ({}, {"left_size": 1.5}, {"left_size": 15, "right_size": 15}):
        with pytest.raises(ValueError, match="split_dataset"):
            keras.utils.split_dataset(X, **wrong)
    with pytest.raises(AttributeError, match=r"compile\(optimizer, loss_scale='dynamic'\)"):
        _ = keras.optimizers.LossScaleOptimizer


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        ("layers", "JaxLayer", "jkeras.layers.Pure"),
        ("ops.image", "ssim", "average_pool"),
        ("config", "set_backend", "the backend is jax"),
        ("export", "ExportArchive", r"model\.export"),
        ("mixed_precision", "Policy", "set_dtype_policy"),
        ("preprocessing", "image_dataset_from", "image_dataset_from_directory"),
    ],
)
def test_a_name_that_is_not_here_says_what_to_write(module, name, words):
    home = functools.reduce(getattr, module.split("."), keras)
    with pytest.raises(AttributeError, match=words):
        getattr(home, name)
