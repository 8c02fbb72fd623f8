"""save_model, load_model, save_weights, load_weights: what they keep, accept and refuse."""

from __future__ import annotations

import builtins
import errno
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
import warnings
import zipfile

import h5py
import numpy as np
import optax
import pytest

from jkeras import saving
from jkeras.layers import LSTM, BatchNormalization, Dense, Input, Layer, TimeDistributed
from jkeras.models import Model, Sequential, load_model
from jkeras.optimizers import SGD, Adam, Nadam, RMSprop
from tests.saving.models import FORMATS, X, Y, goes_on_alike, same_weights, small

# --- what comes back ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_a_loaded_model_predicts_and_trains_on_alike(name, tmp_path):
    model = small(Adam(lr=0.01), metrics=["mae"])
    model.train_on_batch(X, Y)
    model.save(tmp_path / name)
    again = load_model(tmp_path / name)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.metrics_names == model.metrics_names == ["loss", "mean_absolute_error"]
    goes_on_alike(model, again)


OPTIMIZERS = {
    "RMSprop": lambda: RMSprop(decay=0.1),
    "Nadam": Nadam,
    "SGD": lambda: SGD(0.1, momentum=0.9, decay=0.5),
}


@pytest.mark.parametrize("name", FORMATS[:2])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_keras_files_lose_of_an_optimizer_is_kept(optimizer, name, tmp_path):
    model = small(OPTIMIZERS[optimizer]())
    for _ in range(3):
        model.train_on_batch(X, Y)
    model.save(tmp_path / name)
    goes_on_alike(model, load_model(tmp_path / name))


@pytest.mark.parametrize("name", FORMATS[:2])
def test_weighted_metrics_are_kept(name, tmp_path):
    model = small(weighted_metrics=["mae"], loss_weights=[2.0])
    model.save(tmp_path / name)
    again = load_model(tmp_path / name)
    assert again.weighted_metrics == ["mae"] and again.metrics_names == model.metrics_names
    weight = np.linspace(0, 1, 8)
    assert again.test_on_batch(X, Y, weight) == model.test_on_batch(X, Y, weight)


@pytest.mark.parametrize("name", FORMATS[:2])
def test_trainable_of_a_nested_model_is_kept(name, tmp_path):
    inner = Sequential([Dense(3, input_shape=(4,)), BatchNormalization(), Dense(3)])
    inner.trainable = False
    model = Sequential([inner, Dense(2)])
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)
    model.save(tmp_path / name)
    again = load_model(tmp_path / name)
    assert not again.layers[0].trainable and again.layers[1].trainable
    assert len(again.trainable_weights) == 2
    goes_on_alike(model, again)


@pytest.mark.parametrize("name", FORMATS[:2])
def test_weights_shared_through_a_wrapper_stay_shared(name, tmp_path):
    inner = Sequential([Dense(3, input_shape=(4,))])
    one, many = Input((4,)), Input((2, 4))
    model = Model([one, many], [inner(one), TimeDistributed(inner)(many)])
    model.compile("adam", "mse")
    assert len(model.weights) == 2
    x = [X, np.stack([X, X], axis=1)]
    y = [Y[:, :1] * np.ones(3), np.zeros((8, 2, 3))]
    model.train_on_batch(x, y)
    model.save(tmp_path / name)
    again = load_model(tmp_path / name)
    assert len(again.weights) == 2
    goes_on_alike(model, again, x, y)


def test_the_same_layer_inside_two_models_loads_apart_with_a_warning(tmp_path):
    shared = Dense(3)
    parts = []
    for _ in range(2):
        x = Input((4,))
        parts.append(Model(x, shared(x)))
    x = Input((4,))
    model = Model(x, [parts[0](x), parts[1](x)])
    model.save(tmp_path / "m.h5")
    with pytest.warns(UserWarning, match="shared their weights"):
        again = load_model(tmp_path / "m.h5", compile=False)
    for a, b in zip(again.predict(X), model.predict(X), strict=True):
        np.testing.assert_array_equal(a, b)


def test_add_loss_cannot_be_kept_and_says_so(tmp_path):
    x = Input((4,))
    h = Dense(3)(x)
    model = Model(x, Dense(2)(h))
    model.add_loss(h * 0.1)
    model.compile("sgd", "mse")
    model.save(tmp_path / "m.h5")
    with pytest.warns(UserWarning, match="1 loss terms given to add_loss"):
        load_model(tmp_path / "m.h5")


def test_include_optimizer_false(tmp_path):
    small().save(tmp_path / "m.h5", include_optimizer=False)
    with pytest.warns(UserWarning, match="No training configuration found"):
        model = load_model(tmp_path / "m.h5")
    assert model.optimizer is None
    load_model(tmp_path / "m.h5", compile=False)


def test_names_of_layers_may_differ_for_the_optimizer_state(tmp_path):
    def make():
        model = Sequential([Dense(5, input_shape=(4,)), Dense(2)])
        model.compile("adam", "mse")
        return model

    first, second = make(), make()
    first.train_on_batch(X, Y)
    saving.save_checkpoint(first, tmp_path, {"epoch": 0, "step": 1})
    saving.restore(second, tmp_path)
    goes_on_alike(first, second)


# --- optimizers that are code -------------------------------------------------------------------------------


def test_an_optax_transformation_is_given_again(tmp_path):
    def make():
        return optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.01))

    model = small(make())
    model.train_on_batch(X, Y)
    model.save(tmp_path / "m.h5")
    with pytest.warns(UserWarning, match="optimizer that is code"):
        assert load_model(tmp_path / "m.h5").optimizer is None
    goes_on_alike(model, load_model(tmp_path / "m.h5", custom_objects={"optimizer": make()}))


def test_a_schedule_is_given_again(tmp_path):
    def make():
        return SGD(lr=optax.linear_schedule(0.5, 0.0, 10), momentum=0.9)

    model = small(make())
    model.train_on_batch(X, Y)
    model.save(tmp_path / "m.msgpack")
    with pytest.warns(UserWarning, match="followed a schedule"):
        assert load_model(tmp_path / "m.msgpack").optimizer is not None
    goes_on_alike(model, load_model(tmp_path / "m.msgpack", custom_objects={"optimizer": make()}))


# --- custom objects -----------------------------------------------------------------------------------------


class Doubled(Layer):
    def call(self, x):
        return 2 * x


def cubed(y_true, y_pred):
    return abs(y_true - y_pred).mean(-1) ** 3


def test_a_missing_class_gives_a_line_to_copy(tmp_path):
    Sequential([Doubled(input_shape=(4,))]).save(tmp_path / "m.h5")
    with pytest.raises(ValueError, match=r"m\.h5: .*Doubled.*custom_objects=\{'Doubled': Doubled\}"):
        load_model(tmp_path / "m.h5")
    model = load_model(tmp_path / "m.h5", custom_objects={"Doubled": Doubled}, compile=False)
    assert model.predict(X).tolist() == (2 * X).tolist()


def test_a_missing_loss_names_the_way_out(tmp_path):
    small(loss=cubed, metrics=[cubed]).save(tmp_path / "m.h5")
    with pytest.raises(ValueError, match=r"cubed.*custom_objects"):
        load_model(tmp_path / "m.h5")
    model = load_model(tmp_path / "m.h5", custom_objects={"cubed": cubed})
    assert model.loss is cubed and model.metrics == [cubed]


# --- targets and sources ------------------------------------------------------------------------------------


def test_open_hdf5_files_and_groups(tmp_path):
    model = small()
    with h5py.File(tmp_path / "m.h5", "w") as file:
        model.save(file.create_group("inner"))
        model.save_weights(file.create_group("weights"))
        same_weights(load_model(file["inner"]), model)
    with h5py.File(tmp_path / "m.h5") as file:
        other = small()
        other.load_weights(file["weights"])
        same_weights(other, model)


def test_an_hdf5_file_in_memory_with_several_models():
    first, second = small("adam"), small()
    first.train_on_batch(X, Y)
    with h5py.File("nowhere", "w", driver="core", backing_store=False) as file:
        file["other"] = np.ones(3)
        first.save(file)
        second.save(file.create_group("deep/inside"))
        second.save_weights(file.create_group("weights"))
        for model, group in ((first, file), (second, file["deep/inside"])):
            loaded = load_model(group)
            same_weights(loaded, model)
            goes_on_alike(loaded, load_model(group))
        other = small()
        other.load_weights(file["weights"])
        same_weights(other, second)
        with pytest.raises(ValueError, match="holds a model or weights already"):
            first.save(file)
    assert not os.path.exists("nowhere")


def test_a_dict_which_holds_no_pickle(tmp_path):
    model, content = small(), {"old": 1}
    model.save(content)
    assert "old" not in content
    same_weights(load_model(content), model)
    with pytest.raises(ValueError, match="not a jkeras file"):
        load_model({"model_config": b"{}", "_weights_pickled": True})


@pytest.mark.parametrize("name", FORMATS[:2])
def test_file_objects(name, tmp_path):
    model, buffer = small(), io.BytesIO()
    if name.endswith("h5"):
        model.save(buffer)
        buffer.seek(0)
    else:
        model.save(tmp_path / name)
        buffer = open(tmp_path / name, "rb")
    with buffer:
        same_weights(load_model(buffer), model)


def test_what_is_no_file_at_all():
    with pytest.raises(TypeError, match="filepath should be"):
        small().save(5)
    with pytest.raises(TypeError, match="filepath should be"):
        load_model(5)


def test_reading_goes_by_content(tmp_path):
    model = small()
    model.save(tmp_path / "m.h5")
    model.save(tmp_path / "m.msgpack")
    os.rename(tmp_path / "m.h5", tmp_path / "x")
    os.rename(tmp_path / "m.msgpack", tmp_path / "m.h5")
    os.rename(tmp_path / "x", tmp_path / "m.msgpack")
    same_weights(load_model(tmp_path / "m.h5"), load_model(tmp_path / "m.msgpack"))


def foreign(kind: str, path) -> None:
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("a", "b")
    else:
        content = {
            "empty": b"",
            "pickle": pickle.dumps({"a": 1}),
            "text": b"hello",
            "JSON": b'{"a": 1}',
            "gzip": b"\x1f\x8b",
        }
        path.write_bytes(content[kind])


@pytest.mark.parametrize("kind", ["empty", "pickle", "text", "JSON", "zip", "gzip"])
def test_foreign_files_are_refused_by_name(kind, tmp_path):
    foreign(kind, tmp_path / "m.h5")
    with pytest.raises(
        ValueError, match=r"m\.h5( is no model file: expected HDF5|: a zip archive, but no \.keras file)"
    ):
        load_model(tmp_path / "m.h5")


def test_a_directory_a_missing_file_and_an_unknown_format(tmp_path):
    with pytest.raises(ValueError, match="is a directory"):
        load_model(tmp_path)
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "none.h5")
    with pytest.raises(ValueError, match="not .npz"):
        small().save(tmp_path / "m.npz")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        small().save(tmp_path / "none" / "m.h5")


def test_a_file_of_weights_is_no_model(tmp_path):
    small().save_weights(tmp_path / "w.h5")
    with pytest.raises(ValueError, match=r"w\.h5: No model found in config.*load_weights"):
        load_model(tmp_path / "w.h5")


# --- replacing files ----------------------------------------------------------------------------------------


def test_overwrite_false_without_a_terminal(tmp_path, monkeypatch):
    (tmp_path / "m.h5").write_text("old")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    for save in (small().save, small().save_weights):
        with pytest.raises(FileExistsError, match=r"m\.h5 exists, and overwrite=False"):
            save(tmp_path / "m.h5", overwrite=False)
    assert (tmp_path / "m.h5").read_text() == "old"


def test_overwrite_false_asks_on_a_terminal(tmp_path, monkeypatch, capsys):
    (tmp_path / "m.h5").write_text("old")
    stdin = io.StringIO()
    stdin.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", stdin)
    answers = iter(["what", "n", "Y"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    small().save(tmp_path / "m.h5", overwrite=False)
    assert (tmp_path / "m.h5").read_text() == "old"
    small().save(tmp_path / "m.h5", overwrite=False)
    assert "overwrite=True" in capsys.readouterr().out
    load_model(tmp_path / "m.h5")


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    small().save(tmp_path / "m.h5")
    before = (tmp_path / "m.h5").read_bytes()
    monkeypatch.setattr(
        h5py.Group, "create_dataset", lambda *a, **k: (_ for _ in ()).throw(OSError("disk full"))
    )
    with pytest.raises(OSError, match="disk full"):
        small().save(tmp_path / "m.h5")
    assert (tmp_path / "m.h5").read_bytes() == before
    assert os.listdir(tmp_path) == ["m.h5"]


@pytest.mark.parametrize("name", FORMATS[:2])
def test_a_kill_in_the_middle_of_a_write_leaves_a_whole_file(name, tmp_path):
    program = textwrap.dedent(
        f"""
        import numpy as np
        from jkeras.core import atomic
        from jkeras.saving import h5, msgpack
        from jkeras.saving.contents import Contents, LayerContents
        codec = msgpack if {name!r}.endswith("msgpack") else h5
        for i in range(10**6):
            contents = Contents(layers=[LayerContents("d", [("w", np.full(300_000, i, np.float32))])])
            with atomic.replacing({str(tmp_path / name)!r}) as part:
                codec.write_file(part, contents)
            print(i, flush=True)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    for _ in range(4):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    values = saving.model_io.read(tmp_path / name).layers[0].values[0]
    assert (values == values[0]).all()


def test_a_config_from_elsewhere_is_refused_by_name(tmp_path):
    small().save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace('"units"', '"nodes"')
    with pytest.raises(ValueError, match=r"m\.h5: .*cannot be built"):
        load_model(tmp_path / "m.h5", accept_changed=True)


class Distance:
    def __call__(self, y_true, y_pred):
        return abs(y_true - y_pred).mean(-1)


def test_losses_that_are_objects_are_known_by_their_class(tmp_path):
    loss = Distance()
    small(loss=loss).save(tmp_path / "m.msgpack")
    with pytest.raises(ValueError, match="Distance"):
        load_model(tmp_path / "m.msgpack")
    assert load_model(tmp_path / "m.msgpack", custom_objects={"Distance": loss}).loss is loss


def test_a_model_that_is_not_built_yet(tmp_path):
    model = Sequential([Dense(3), Dense(2)])
    model.compile("adam", "mse")
    model.save(tmp_path / "m.h5")
    again = load_model(tmp_path / "m.h5")
    assert not again.built and again.optimizer is not None
    assert again.predict(X).shape == (8, 2)


def test_no_warning_is_hidden_in_a_plain_round(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Sequential([LSTM(3, stateful=True, batch_input_shape=(2, 5, 4))])
        model.compile("rmsprop", "mse")
        model.save(tmp_path / "m.h5")
        load_model(tmp_path / "m.h5")


@pytest.mark.parametrize("name", ["m.h5", "m.msgpack"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_told_by_name(name, bad, tmp_path):
    model = small()
    model.layers[1].set_weights([np.full((5, 2), bad), np.zeros(2)])
    model.save(tmp_path / name)
    with pytest.warns(UserWarning, match=r"NaN or infinite numbers in: b/kernel:0\."):
        load_model(tmp_path / name)
    with pytest.warns(UserWarning, match=rf"{name} holds NaN or infinite numbers in: b/kernel:0\."):
        model.load_weights(tmp_path / name)


def test_a_learning_rate_that_is_no_number_is_refused():
    file = {}
    saving.save_model(small(), file)
    training = json.loads(file["training_config"])
    training["optimizer_config"]["config"]["lr"] = float("nan")
    with pytest.raises(ValueError, match="optimizer_config/config/lr is nan"):
        load_model(file | {"training_config": json.dumps(training)})


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("name", ["m.h5", "m.msgpack"])
def test_an_error_at_any_call_of_a_save_leaves_a_whole_file(name, code, tmp_path, monkeypatch):
    path, model = tmp_path / name, small()
    path.parent.joinpath("new").mkdir()
    model.save(path)
    old = path.read_bytes()
    model.layers[1].set_weights([np.ones((5, 2)), np.zeros(2)])
    model.save(tmp_path / "new" / name)
    new = (tmp_path / "new" / name).read_bytes()
    left = [0]

    def failing(function):
        def call(*args, **kwargs):
            left[0] -= 1
            if left[0] == -1:
                raise OSError(code, os.strerror(code))
            return function(*args, **kwargs)

        return call

    for call in ("open", "close", "fsync", "chmod", "replace"):
        monkeypatch.setattr(os, call, failing(getattr(os, call)))
    monkeypatch.setattr(builtins, "open", failing(open))
    for number in range(100):
        left[0] = number
        try:
            model.save(path)
        except OSError as error:
            assert error.errno == code and str(path) in str(error)
        whole = left[0] >= 0
        left[0] = 1000
        assert path.read_bytes() in (old, new)
        if whole:
            break
    assert 5 < number < 100 and path.read_bytes() == new
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([name, "new"])
