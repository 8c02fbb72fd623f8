"""Data, models and settings of the user's own, and what is kept of runs."""

import json

import numpy as np
import pytest
import yaml

from jkeras.callbacks import Callback
from jkeras.cli import history, overrides
from jkeras.layers import Dense
from jkeras.models import Sequential, load_model
from tests.cli.conftest import CONFIG

CODE = """
import numpy as np
from jkeras.layers import Dense
from jkeras.models import Sequential

def build_model():
    model = Sequential([Dense(3, activation="softmax", input_shape=(4,))])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model

def bare():
    return Sequential([Dense(3, activation="softmax", input_shape=(4,))])

def load_data():
    with np.load("data.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}

def wrong():
    return 3
"""


@pytest.fixture
def code(folder):
    """A working directory with own.py beside the data."""
    (folder / "own.py").write_text(CODE)
    return folder


@pytest.fixture
def houses(folder):
    """A table: two columns of numbers, one of words that follow from them, one of other words."""
    pytest.importorskip("pandas")
    x = np.random.default_rng(0).normal(size=(40, 2)).round(3)
    rows = [f"{a},{b},{'up' if a > b else 'down'},note" for a, b in x]
    (folder / "houses.csv").write_text("\n".join(["a,b,way,text", *rows]) + "\n")
    data = {"source": "houses.csv", "target": "way", "columns": ["a", "b"], "test": 0.25}
    (folder / "houses.yaml").write_text(yaml.safe_dump({**CONFIG, "name": "houses", "data": data}))
    return folder


def test_a_table_by_the_names_of_its_columns(houses, call):
    trained = call("train", "houses.yaml", "--epochs", 1, "--json").json
    assert json.loads((houses / "runs/houses/run.json").read_text())["data"]["classes"] == ["down", "up"]
    # The same quarter of the rows is the test, for the run itself and for a later command about it.
    assert call("evaluate", "runs/houses", "--data", "houses.csv", "--json").json == trained["test"]
    arguments = ("--data", "houses.csv", "--target", "way", "--columns", "a,b", "--output", "p.csv")
    assert call("predict", trained["model"], *arguments, "--json").json["arrays"] == {"y": [40, 3]}
    assert (houses / "p.csv").read_text().splitlines()[0] == "y0,y1,y2"


@pytest.mark.parametrize(
    "change, text",
    [
        ({"target": "wayy"}, "houses.csv has no column 'wayy'. Did you mean 'way'?"),
        ({"columns": ["a", "text"]}, "the column 'text' holds 'note', which is no number"),
        ({"target": None}, "houses.csv holds no training data: name the column data.target"),
        ({"classes": ["up"]}, "unknown class 'down'"),
        ({"test": 1.5}, "data.test should lie between 0 and 1"),
        ({"test": 0.999}, "leaves none to train on"),
        ({"colums": ["a"]}, "unknown key 'colums' in data. Did you mean 'columns'?"),
    ],
)
def test_slips_about_tables(houses, call, change, text):
    config = yaml.safe_load((houses / "houses.yaml").read_text())
    config["data"] |= change
    (houses / "bad.yaml").write_text(yaml.safe_dump(config))
    assert text in call("train", "bad.yaml", code=2).err
    assert not (houses / "runs").exists()


def test_an_empty_cell_is_named(houses, call):
    with open("houses.csv", "a") as file:
        file.write("1.0,,up,note\n")
    assert "1 of 41 rows have no value in the column 'b'" in call("train", "houses.yaml", code=2).err


def test_a_folder_of_images_by_class(folder, call):
    Image = pytest.importorskip("PIL.Image")
    for name, level in (("dark", 20), ("light", 220)):
        (folder / "photos" / name).mkdir(parents=True)
        for i in range(4):
            Image.fromarray(np.full((6, 6), level + i, np.uint8)).save(folder / "photos" / name / f"{i}.png")
    config = {
        "name": "photos",
        "data": {"source": "photos", "size": [4, 4], "color": "grayscale", "scale": 255},
        "model": ["Flatten", {"Dense": {"units": 2, "activation": "softmax"}}],
        "compile": {"loss": "categorical_crossentropy", "optimizer": {"Adam": {"lr": 0.1}}},
        "fit": {"epochs": 30},
    }
    (folder / "photos.yaml").write_text(yaml.safe_dump(config))
    assert call("train", "photos.yaml", "--json").json["test"]["loss"] < 0.3
    assert json.loads((folder / "runs/photos/run.json").read_text())["data"]["classes"] == ["dark", "light"]
    call("predict", "runs/photos", "--data", "photos", "--output", "p.csv")
    assert (folder / "p.csv").read_text().splitlines()[0] == "dark,light"
    (folder / "photos" / "dark" / "broken.png").write_bytes(b"no image")
    assert (
        "broken.png is no image that can be read" in call("train", "photos.yaml", "--overwrite", code=2).err
    )
    Image.new("L", (9, 9)).save(folder / "photos" / "dark" / "broken.png")
    config["data"].pop("size")
    (folder / "photos.yaml").write_text(yaml.safe_dump(config))
    assert "broken.png is of (9, 9) pixels" in call("train", "photos.yaml", "--overwrite", code=2).err


def test_code_runs_where_the_command_line_names_it(code, call):
    options = ("--run-dir", "r", "--epochs", 1, "--json")
    trained = call("train", "--model", "own.py", "--data", "own:load_data", *options).json
    assert load_model(trained["model"]).output_shape == (None, 3) and "loss" in trained["test"]
    refusal = call("resume", "r", "--epochs", 2, code=2).err
    assert "was started with code of your own; name it again: jkeras resume r --data own:load_data" in refusal
    named = ("--data", "own:load_data", "--model", "own.py")
    assert len(call("resume", "r", "--epochs", 2, *named, "--json").json["history"]["loss"]) == 2


def test_a_file_never_names_code(code, call):
    for change, option in (
        ({"model": "own:build_model"}, "--model own:build_model"),
        ({"data": "own.py:load_data"}, "--data own.py:load_data"),
        ({"data": {"source": "own:load_data"}}, "--data own:load_data"),
    ):
        (code / "bad.yaml").write_text(yaml.safe_dump({**CONFIG, **change}))
        (code / "own.py").write_text("raise SystemExit('code ran')")
        assert option in call("train", "bad.yaml", code=2).err


@pytest.mark.parametrize(
    "arguments, text",
    [
        (("--model", "own:nothing", "--data", "digits"), "there is no 'nothing' in it"),
        (("--model", "owen:build", "--data", "digits"), "there is no module 'owen'"),
        (("--model", "none.py", "--data", "digits"), "There is no file none.py"),
        (("--model", "own:wrong", "--data", "data.npz"), "own:wrong returned int; expected a jkeras model"),
        (("--model", "own.py", "--data", "own:wrong"), "own:wrong returned int; expected (x, y)"),
        (("--model", "own:bare", "--data", "data.npz"), "compile.loss is missing: the model is not compiled"),
        (("--model", "own.py", "--data", "data.npz", "--devices", 1), "compiles its model itself"),
        (
            ("--model", "none.json", "--data", "data.npz", "--set", "compile.loss=mse"),
            "There is no file none.json",
        ),
        ((), "Name the YAML file of the run, or a model"),
    ],
)
def test_slips_about_code(code, call, arguments, text):
    assert text in call("train", *arguments, code=2).err


def test_an_architecture_in_json(folder, call):
    model = Sequential([Dense(3, activation="softmax", input_shape=(4,))])
    (folder / "net.json").write_text(model.to_json())
    (folder / "json.yaml").write_text(yaml.safe_dump({**CONFIG, "model": "net.json"}))
    trained = call("train", "json.yaml", "--epochs", 1, "--json").json
    assert load_model(trained["model"]).count_params() == 15


def test_set_changes_single_values(folder, call):
    changes = (
        "--set",
        "compile.optimizer.Adam.lr=1e-4",
        "--set",
        "model.0.Dense.units=2",
        "--set",
        "fit.epochs=1",
    )
    call("train", "small.yaml", *changes, "--set", "callbacks=[]")
    config = json.loads((folder / "runs/small/run.json").read_text())
    assert config["compile"]["optimizer"] == {"Adam": {"lr": 1e-4}}
    assert config["model"][0]["Dense"]["units"] == 2 and config["fit"]["epochs"] == 1
    for text, error in (
        ("fit.epochs", "expected path=value"),
        ("fit.epoch=3", "unknown key 'epoch' in fit"),
        ("model.9.Dense=3", "'9' is no entry of a list of 3"),
        ("fit.epochs=[", "is not valid YAML"),
        ("model=own:build_model", "which a file never makes jkeras run"),
    ):
        assert error in call("train", "small.yaml", "--set", text, "--overwrite", code=2).err


def test_another_optimizer_drops_the_arguments_of_the_first():
    config = {"compile": {"optimizer": {"SGD": {"momentum": 0.9}}}}
    overrides.apply(config, ["compile.optimizer.SGD.lr=1", "compile.optimizer.SGD.nesterov=true"])
    assert config["compile"]["optimizer"] == {"SGD": {"momentum": 0.9, "lr": 1, "nesterov": True}}
    overrides.apply(config, ["compile.optimizer.Adam.lr=2E-3"])
    assert config["compile"]["optimizer"] == {"Adam": {"lr": 2e-3}}


def test_resume_auto_begins_or_goes_on(folder, call):
    first = call("train", "small.yaml", "--resume", "auto", "--epochs", 1, "--json").json
    both = call("train", "small.yaml", "--resume", "auto", "--json").json
    assert len(both["history"]["loss"]) == 3 and both["history"]["loss"][:1] == first["history"]["loss"]
    err = call("train", "small.yaml", "--resume", "auto", "--set", "compile.optimizer=sgd", code=2).err
    assert "holds a run of another configuration: compile was" in err
    assert "--resume should be never or auto" in call("train", "small.yaml", "--resume", "yes", code=2).err


def test_history_runs_and_plot(folder, call):
    for i in (0, 1):
        call("train", "small.yaml", "--run-dir", f"runs/r{i}", "--seed", i)
    rows = call("runs", "runs", "--sort", "val_acc", "--json").json
    best = [row["best val_acc"] for row in rows]
    assert best == sorted(best, reverse=True) and {row["epochs"] for row in rows} == {"3/3"}
    assert call("runs", "--sort", "loss").out.splitlines()[0].split()[:3] == ["run", "epochs", "state"]
    assert (
        "No run has recorded 'val_los'. Did you mean 'val_loss'?"
        in call("runs", "--sort", "val_los", code=2).err
    )
    drawn = call("plot", "runs/r0").out
    assert "loss   • train   o validation" in drawn and "acc   " in drawn and "lr   " in drawn
    assert "has recorded no 'los'" in call("plot", "runs/r0", "--metric", "los", code=2).err
    assert "is not a run directory" in call("plot", "runs", code=2).err
    (folder / "runs/r0/run.json").write_text('{"fit":')
    assert [row["state"] for row in call("runs", "runs", "--json").json] == ["damaged", "finished"]


def test_plot_draws_a_picture(folder, call):
    pytest.importorskip("matplotlib")
    call("train", "small.yaml", "--epochs", 2)
    call("plot", "runs/small", "--output", "h.png", "--metric", "loss")
    assert (folder / "h.png").read_bytes().startswith(b"\x89PNG")


def test_the_history_of_a_resumed_run_is_that_of_one(folder, call):
    call("train", "small.yaml", "--run-dir", "one")
    call("train", "small.yaml", "--run-dir", "two", "--epochs", 2)
    with open("two/history.csv", "a") as file:  # a kill between a row and its checkpoint
        file.write("2,9,9,9,9,9\n")
    call("resume", "two", "--epochs", 3)
    assert (folder / "two/history.csv").read_text() == (folder / "one/history.csv").read_text()


def test_a_quantity_that_comes_late(tmp_path):
    file = history.HistoryFile(tmp_path / "h.csv")
    file.set_params({})
    file.on_train_begin()
    for epoch, logs in enumerate(
        [{"loss": 1.0}, {"loss": 0.5, "val_loss": 2.0}, {"loss": 0.1, "val_loss": 1.0}]
    ):
        file.on_epoch_end(epoch, logs)
    assert (tmp_path / "h.csv").read_text().split() == [
        "epoch,loss,val_loss",
        "0,1.0,",
        "1,0.5,2.0",
        "2,0.1,1.0",
    ]
    assert isinstance(file, Callback)


def test_diff_and_average(folder, call):
    call("train", "small.yaml", "--run-dir", "a", "--epochs", 1)
    call("train", "small.yaml", "--run-dir", "b", "--epochs", 2)
    assert call("diff", "a", "a").out.strip().endswith("arrays are equal bit for bit.")
    assert "arrays are equal bit for bit." in call("diff", "a", "a/model.h5").out  # a run and its model
    result = json.loads(call("diff", "a/model.h5", "b/model.h5", "--json", code=1).out)
    kernel = next(
        row for row in result["arrays"] if "kernel" in row["array"] and "optimizer" not in row["array"]
    )
    one, two = (load_model(f"{run}/model.h5").get_weights() for run in "ab")
    assert kernel["difference"] in [float(np.abs(x - y).max()) for x, y in zip(one, two, strict=True)]
    assert {
        row["setting"] for row in json.loads(call("diff", "a", "b", "--json", code=1).out)["settings"]
    } >= {"run.fit.epochs"}
    call("average", "a", "b/model.h5", "--output", "m.h5")
    for mean, x, y in zip(load_model("m.h5", compile=False).get_weights(), one, two, strict=True):
        np.testing.assert_allclose(mean, (x + y) / 2, rtol=1e-6, atol=1e-7)
    assert "average needs at least two models" in call("average", "a", "--output", "m.h5", code=2).err
    assert "There is no file none.h5" in call("diff", "a", "none.h5", code=2).err


def test_an_unknown_ending_is_refused(folder, call):
    Sequential([Dense(2, input_shape=(4,))]).save("m.h5")
    assert "m.onnx: unknown ending '.onnx'" in call("convert", "m.h5", "m.onnx", code=2).err
    arguments = ("predict", "m.h5", "--data", "data.npz", "--output")
    assert "p.txt: outputs are written as .npz, .npy or .csv" in call(*arguments, "p.txt", code=2).err
    assert not (folder / "p.txt").exists()
    call(*arguments, "p.csv")
    assert np.loadtxt("p.csv", delimiter=",", skiprows=1).shape == (20, 2)


def test_parquet_is_a_table_too(houses, call):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pandas.read_csv("houses.csv").to_parquet("houses.parquet")
    trained = call("train", "houses.yaml", "--epochs", 1, "--json").json
    again = call(
        "train", "houses.yaml", "--epochs", 1, "--data", "houses.parquet", "--run-dir", "p", "--json"
    ).json
    assert again["history"] == trained["history"]


def test_resume_verifies_and_best_is_restored(folder, call):
    best = ("--set", "output.best=val_loss", "--set", "output.keep=1")
    call("train", "small.yaml", *best)
    assert "There is one" not in call("resume", "runs/small", "--epochs", 4).err
    call("train", "small.yaml", "--run-dir", "all", "--epochs", 2)
    assert "came to the very bits of ckpt-0002" in call("resume", "all", "--verify", "--epochs", 3).out
    call("restore", "runs/small", "--output", "best.h5", "--checkpoint", "best")
    losses = history.of_run(folder / "runs/small").values["val_loss"]
    kept = [row["epoch"] for row in call("checkpoints", "runs/small", "--json").json]
    assert int(np.argmin(losses)) + 1 in kept
    assert (
        "does not know its best checkpoint"
        in call("restore", "all", "--output", "b.h5", "--checkpoint", "best", code=2).err
    )


def test_convert_reports_and_writes_for_keras_3(folder, call):
    model = Sequential([Dense(2, input_shape=(4,), name="d")])
    model.compile("sgd", "mse")
    model.save("m.h5")
    done = call("convert", "m.h5", "m.weights.h5", "--report")
    assert "loaded: 2 weights" in done.out
    other = Sequential([Dense(2, input_shape=(4,), name="d")])
    other.load_weights("m.weights.h5")
    np.testing.assert_array_equal(other.get_weights()[0], load_model("m.h5", compile=False).get_weights()[0])
