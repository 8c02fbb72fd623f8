"""ModelCheckpoint against files and text recorded from Keras 2.2.4."""

import pathlib

import pytest

from jkeras.callbacks import CSVLogger, ModelCheckpoint, TensorBoard
from tests.callbacks.loop import FakeModel, run, series


def test_files_and_text_as_recorded(recorded, tmp_path, capsys, monkeypatch):
    for number, case in enumerate(recorded["model_checkpoint"]):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        run([ModelCheckpoint(case["filepath"], **case["args"])], series(case["series"]))
        written = {path.name: path.read_text() for path in folder.iterdir()}
        assert sorted(written) == sorted(case["files"])
        assert {name: text == "full" for name, text in written.items()} == case["is_full_model"]
        assert capsys.readouterr().out == case["stdout"]


def test_missing_folder_is_made_and_paths_are_accepted(tmp_path):
    run([ModelCheckpoint(pathlib.Path(tmp_path) / "a" / "{epoch}.h5")], series({"val_loss": [1.0]}))
    assert (tmp_path / "a" / "1.h5").exists()


def test_a_missing_quantity(tmp_path):
    best = ModelCheckpoint(tmp_path / "b.h5", monitor="val_acc", save_best_only=True)
    with pytest.warns(RuntimeWarning, match="Can save best model only with val_acc available, skipping"):
        run([best], series({"val_loss": [1.0]}))
    assert not list(tmp_path.iterdir())
    with pytest.raises(KeyError, match="asks for 'val_acc', but epoch 1 has only .*'val_loss'"):
        run([ModelCheckpoint(str(tmp_path / "{val_acc}.h5"))], series({"val_loss": [1.0]}))


def test_names_of_f_measures_rise(tmp_path):
    best = ModelCheckpoint(tmp_path / "{epoch}.h5", monitor="fmeasure_a", save_best_only=True)
    run([best], series({"fmeasure_a": [0.5, 0.4, 0.6]}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.h5", "3.h5"]


def test_unknown_mode_is_a_warning(tmp_path):
    with pytest.warns(RuntimeWarning, match="ModelCheckpoint mode best is unknown"):
        ModelCheckpoint(tmp_path / "x.h5", mode="best")


def test_state_keeps_best_and_period(tmp_path):
    values = {"val_loss": [0.5, 0.6, 0.4, 0.7, 0.3, 0.2]}
    make = lambda: ModelCheckpoint(tmp_path / "{epoch}.h5", save_best_only=True, period=2)  # noqa: E731
    _, model, hooks = run([make()], series(values)[:3])
    run([make()], series(values), model=model, first_epoch=3, state=hooks.get_state())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.h5", "6.h5"]


@pytest.mark.parametrize(
    "name", ["{epoch.__class__}", "{logs[a]}", "{loss:21d}", "{}", "{0}", "{loss:{epoch}}"]
)
def test_templates_hold_plain_names_of_small_width(name):
    with pytest.raises(ValueError, match="plain names of the logs"):
        ModelCheckpoint(f"m{name}.h5")


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: ModelCheckpoint("file/{epoch}.h5"), NotADirectoryError),
        (lambda: ModelCheckpoint("."), IsADirectoryError),
        (lambda: CSVLogger("file/log.csv"), NotADirectoryError),
        (lambda: CSVLogger("."), IsADirectoryError),
        (lambda: TensorBoard("file"), NotADirectoryError),
    ],
)
def test_a_place_that_cannot_be_written_ends_it_before_it_begins(make, error, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    callback = make()
    callback.set_model(FakeModel())
    with pytest.raises(error, match="Cannot write"):
        callback.on_train_begin()
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
