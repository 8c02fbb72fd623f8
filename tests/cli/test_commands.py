"""Every command on a small run: results, exit codes, JSON on stdout, one line on stderr."""

import json
import shutil

import numpy as np
import pytest
import yaml

import jkeras
from jkeras.models import load_model
from jkeras.saving import checkpoint
from tests.cli.conftest import CONFIG, invoke, write_files


@pytest.fixture(scope="module")
def run_once(tmp_path_factory):
    """A finished run, made once: where it is, and what `train --json` said."""
    place = write_files(tmp_path_factory.mktemp("trained"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        return place, invoke("train", "small.yaml", "--json").json


@pytest.fixture
def trained(run_once, folder):
    """A copy of the finished run in the working directory."""
    place, answer = run_once
    shutil.copytree(place / "runs", folder / "runs")
    return answer


def test_train_says_what_it_does(folder, call):
    done = call("train", "small.yaml")
    assert "Total params: 67" in done.out and "Epoch 3/3" in done.out
    last = done.out.strip().splitlines()[-1]
    assert last.startswith("Test loss: ") and " - acc: " in last
    assert done.err == ""
    assert (folder / "runs" / "small" / "model.h5").exists()


def test_train_json(trained, folder):
    assert trained["model"] == "runs/small/model.h5" and set(trained["test"]) == {"loss", "acc"}
    assert len(trained["history"]["val_loss"]) == 3 and "lr" in trained["history"]


def test_options_win_over_the_file(folder, call):
    arguments = ("--run-dir", "other", "--epochs", 1, "--seed", 5, "--output", "m.msgpack", "--devices", 1)
    result = call("train", "small.yaml", *arguments, "--json").json
    assert len(result["history"]["loss"]) == 1 and result["run_dir"] == "other"
    config = json.loads((folder / "other" / "run.json").read_text())
    assert config["fit"]["seed"] == 5 and config["fit"]["epochs"] == 1
    assert load_model("m.msgpack").output_shape == (None, 3)


def test_the_seed_decides_everything(folder, call):
    results = [
        call("train", "small.yaml", "--run-dir", f"r{i}", "--seed", i // 2, "--json").json for i in range(3)
    ]
    assert results[0]["history"] == results[1]["history"] != results[2]["history"]


def test_an_earlier_run_is_not_overwritten(trained, folder, call):
    done = call("train", "small.yaml", code=2)
    assert "runs/small holds 4 checkpoints of an earlier run" in done.err
    assert "jkeras resume runs/small" in done.err and "--overwrite" in done.err
    call("train", "small.yaml", "--overwrite", "--devices", 99, code=2)
    assert len(call("checkpoints", "runs/small", "--json").json) == 4
    call("train", "small.yaml", "--overwrite", "--epochs", 1)
    assert len(call("checkpoints", "runs/small", "--json").json) == 2


def test_resume_of_a_finished_run_trains_no_more_unless_told(trained, call):
    assert call("resume", "runs/small", "--json").json["history"] == trained["history"]
    longer = call("resume", "runs/small", "--epochs", 5, "--json").json
    assert len(longer["history"]["loss"]) == 5
    assert longer["history"]["loss"][:3] == trained["history"]["loss"]


def test_a_longer_run_is_the_same_in_two_parts(trained, folder, call):
    two = call("resume", "runs/small", "--epochs", 5, "--json").json
    one = call("train", "small.yaml", "--run-dir", "one", "--epochs", 5, "--json").json
    assert one["history"] == two["history"] and one["test"] == two["test"]
    for a, b in zip(
        load_model(one["model"]).get_weights(), load_model(two["model"]).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_checkpoints_and_restore(trained, folder, call):
    rows = call("checkpoints", "runs/small", "--json").json
    assert [(row["epoch"], row["step"]) for row in rows] == [(0, 0), (1, 5), (2, 10), (3, 15)]
    assert call("checkpoints", "runs/small").out.count("ckpt-") == 4
    call("restore", "runs/small", "--output", "new/m.h5")
    x = np.load("data.npz")["x_test"]
    np.testing.assert_array_equal(load_model("new/m.h5").predict(x), load_model(trained["model"]).predict(x))
    call("restore", "runs/small", "--output", "first.h5", "--checkpoint", "1")
    assert not np.array_equal(load_model("first.h5").predict(x), load_model("new/m.h5").predict(x))
    done = call("restore", "runs/small", "--output", "x.h5", "--checkpoint", "9", code=2)
    assert "runs/small has no checkpoint '9'. It has: ckpt-0000-00000000.msgpack" in done.err


def test_evaluate(trained, call):
    assert call("evaluate", "runs/small/model.h5", "--data", "data.npz", "--json").json == trained["test"]
    assert call("evaluate", "runs/small", "--data", "data.npz").out.startswith("loss: ")


def test_predict(trained, folder, call):
    np.savez("x.npz", x=np.load("data.npz")["x_test"])
    done = call("predict", "runs/small/model.h5", "--data", "x.npz", "--output", "y.npz", "--json")
    assert done.json == {"output": "y.npz", "arrays": {"y": [20, 3]}}
    y = np.load("y.npz")["y"]
    np.testing.assert_allclose(y.sum(axis=1), np.ones(20), rtol=1e-5)


def test_scale_is_remembered_by_the_run(folder, call):
    (folder / "scaled.yaml").write_text(
        yaml.safe_dump({**CONFIG, "data": {"source": "data.npz", "scale": 4}})
    )
    trained = call("train", "scaled.yaml", "--run-dir", "s", "--json").json
    assert call("evaluate", "s", "--data", "data.npz", "--json").json == trained["test"]
    assert (
        call("evaluate", "s/model.h5", "--data", "data.npz", "--scale", 4, "--json").json == trained["test"]
    )
    assert call("evaluate", "s/model.h5", "--data", "data.npz", "--json").json != trained["test"]


def test_summary_and_inspect(trained, call):
    assert "Total params: 67" in call("summary", "runs/small/model.h5").out
    assert "Weight bytes" in call("summary", "runs/small/model.h5", "--wide").out
    summary = call("summary", "runs/small/model.h5", "--json").json
    assert summary["params"] == 67 and summary["layers"][0]["output_shape"] == [None, 8]
    model = call("inspect", "runs/small/model.h5", "--json").json
    assert (model["kind"], model["params"], model["keras_version"]) == ("model", 67, "2.2.4")
    point = call("inspect", "runs/small/checkpoints/ckpt-0002-00000010.msgpack", "--json").json
    assert (point["kind"], point["epoch"], point["step"]) == ("checkpoint", 2, 10)
    run = call("inspect", "runs/small", "--json").json
    assert run["kind"] == "run" and len(run["checkpoints"]) == 4
    arrays = call("inspect", "data.npz", "--json").json
    assert arrays["arrays"]["x_test"] == {"shape": [20, 4], "dtype": "float32"}
    assert "kind: model" in call("inspect", "runs/small/model.h5").out


def test_convert(trained, folder, call):
    call("convert", "runs/small/model.h5", "m.msgpack")
    call("convert", "m.msgpack", "back.h5")
    x = np.load("data.npz")["x_test"]
    np.testing.assert_array_equal(load_model("back.h5").predict(x), load_model(trained["model"]).predict(x))
    call("convert", "back.h5", "m.json")
    assert json.loads((folder / "m.json").read_text())["class_name"] == "Sequential"
    call("convert", "back.h5", "m.keras")
    assert load_model("m.keras", compile=False).layers[0].name == load_model("back.h5").layers[0].name
    assert "unknown ending '.pb'" in call("convert", "back.h5", "m.pb", code=2).err
    (a_file := folder / "a_file").touch()
    train = ("train", "small.yaml", "--run-dir", "new", "--data", "nothing.npz", "--output")
    for arguments in (
        ("convert", "back.h5", a_file / "m.h5"),
        ("predict", "back.h5", "--data", "nothing.npz", "--output", a_file / "p.npz"),
        ("export", "back.h5", a_file / "m.stablehlo"),
        (*train, a_file / "m.h5"),
        ("sweep", "small.yaml", "--csv", a_file / "t.csv"),
    ):
        assert "Cannot write here: " in call(*map(str, arguments), code=2).err
    said = call(*train, "m.onnx", code=2).err
    assert "a model is written as .h5" in said and "`jkeras export`" in said


def test_weights_are_converted_into_a_model(trained, folder, call):
    """Of `.npz`, flax, `.weights.h5`: the model is told, as a file, an architecture or code."""
    model = load_model(trained["model"], compile=False)
    np.savez("w.npz", *model.get_weights())
    call("convert", "runs/small/model.h5", "m.json")
    call("convert", "runs/small/model.h5", "w.weights.h5")
    (folder / "nets.py").write_text(
        "import jkeras\ndef build_model():\n    return jkeras.models.load_model('m.keras')\n"
    )
    call("convert", "runs/small/model.h5", "m.keras")
    for source, into in (("w.npz", "m.json"), ("w.weights.h5", "nets.py"), ("w.npz", "m.keras")):
        told = call("convert", source, "back.h5", "--into", into, "--report", "--json").json
        assert not told["missing"] and len(told["loaded"]) == len(model.weights)
        for a, b in zip(load_model("back.h5", compile=False).get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    assert "--into" in call("convert", "w.npz", "back.h5", code=2).err
    assert "There is no file none" in call("convert", "w.npz", "back.h5", "--into", "none", code=2).err


def test_export(trained, folder, call):
    said = call(
        *("export", "runs/small", "m.stablehlo", "--inputs", "voice", "--outputs", "scores"),
        *("--signature", "voice_classification", "--data", "data.npz", "--json"),
    ).json
    assert said["road"] == "jax.export" and said["agreement"] == 1 and said["path"] == "m.stablehlo"
    run = jkeras.export.load("m.stablehlo")
    assert [*run.inputs, *run.outputs, run.signature] == ["voice", "scores", "voice_classification"]
    assert json.loads(run.config)["class_name"] == "Sequential"
    assert "no format has the ending '.bin'" in call("export", "runs/small", "m.bin", code=2).err
    assert not (folder / "m.bin").exists()


@pytest.mark.parametrize(
    "arguments, text",
    [
        (("train", "none.yaml"), "Cannot read the configuration none.yaml"),
        (("resume", "none"), "none is not a run directory: it has no run.json"),
        (("checkpoints", "none"), "none does not exist"),
        (("restore", "none", "--output", "m.h5"), "none does not exist"),
        (("evaluate", "none.h5", "--data", "digits"), "There is no file none.h5"),
        (("summary", "data.npz"), "data.npz"),
        (("inspect", "none.h5"), "There is no file none.h5"),
        (("train", "small.yaml", "--epochs", 0), "fit.epochs should be at least 1; got 0"),
        (("train", "small.yaml", "--devices", 99), "fit.devices is 99, but there are"),
    ],
)
def test_user_errors(folder, call, arguments, text):
    done = call(*arguments, code=2)
    assert text in done.err and "Traceback" not in done.err
    assert done.err.startswith("Error: ") and done.err.count("\n") == 1
    assert done.out == "" and not (folder / "runs").exists()


@pytest.mark.parametrize(
    "change, text",
    [
        ({"model": [{"Dens": 3}]}, "model[0]: unknown name 'Dens'. Did you mean 'Dense'?"),
        ({"model": [{"Dense": {"unit": 3}}]}, "model[0] Dense:"),
        ({"model": [{"Dense": 3}, {"Conv2D": [3, 3]}]}, "model[1] Conv2D:"),
        ({"model": [{"a": 1, "b": 2}]}, "model[0] should be a name"),
        ({"compile": {"loss": "mze"}}, "compile.loss: unknown name 'mze'. Did you mean 'mse'?"),
        ({"compile": {"loss": "mse", "metrics": ["akuracy"]}}, "compile.metrics: unknown name 'akuracy'"),
        ({"compile": {"loss": "mse", "optimizer": {"Adm": {}}}}, "compile.optimizer: unknown name 'Adm'"),
        (
            {"callbacks": [{"EarlyStopping": {"patient": 3}}]},
            "unknown argument 'patient'. Did you mean 'patience'?",
        ),
        ({"data": "digit"}, "Unknown data set 'digit'. Did you mean 'digits'?"),
    ],
)
def test_errors_name_the_place_in_the_file(folder, call, change, text):
    (folder / "bad.yaml").write_text(yaml.safe_dump({**CONFIG, **change}))
    done = call("train", "bad.yaml", code=2)
    assert text in done.err and done.err.count("\n") == 1
    assert not (folder / "runs").exists()


def test_wrappers_take_inner_layers_in_short_form(folder, call):
    layers = [
        {"Reshape": {"target_shape": [4, 1]}},
        {"Bidirectional": {"layer": {"LSTM": {"units": 2, "return_sequences": True}}}},
        {"class_name": "Flatten", "config": {}},
        {"Dense": {"units": 3, "activation": "softmax"}},
    ]
    (folder / "rnn.yaml").write_text(yaml.safe_dump({**CONFIG, "model": layers}))
    assert call("train", "rnn.yaml", "--epochs", 1, "--json").json["test"]["loss"] > 0


def test_a_reader_that_leaves_early_is_no_error(trained, start):
    process = start("inspect", "runs/small/model.h5")
    process.stdout.close()
    assert process.wait(timeout=1800) == 1
    assert process.stderr.read() == ""


def test_version_and_help(call):
    assert call("--version").out.startswith("jkeras ")
    for command in ("train", "resume", "evaluate"):
        assert command in call("--help").out
        assert "--json" in call(command, "--help").out


def test_a_changed_file_is_read_where_the_change_is_accepted(trained, folder, call):
    data = bytearray((folder / "runs/small/model.h5").read_bytes())
    data[-1] ^= 1
    (folder / "changed.h5").write_bytes(data)
    assert "--accept-changed" in call("summary", "changed.h5", code=2).err
    assert "--accept-changed" in call("convert", "changed.h5", "out.h5", code=2).err
    call("convert", "changed.h5", "out.h5", "--accept-changed")
    call("summary", "out.h5")


def test_damaged_checkpoints_are_marked(trained, folder, call):
    newest = sorted(folder.glob("runs/small/checkpoints/*"))[-1]
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    done = call("checkpoints", "runs/small", code=1)
    marked = [line for line in done.out.splitlines() if "DAMAGED" in line]
    assert len(marked) == 1 and newest.name in marked[0] and "digest" in marked[0]


def test_one_writer_at_a_time(trained, folder, call):
    with checkpoint.hold(folder / "runs/small"):
        for command in (("resume", "runs/small", "--epochs", 4), ("train", "small.yaml", "--overwrite")):
            done = call(*command, code=2)
            assert "runs/small is in use by this very process" in done.err
    assert len(call("checkpoints", "runs/small", "--json").json) == 4


def test_json_holds_no_infinity(trained, folder, call):
    call("restore", "runs/small", "--output", "a.h5")
    model = load_model("a.h5")
    model.set_weights([w * np.nan for w in model.get_weights()])
    model.save("b.h5")
    out = call("diff", "a.h5", "b.h5", "--json", code=1).out
    rows = json.loads(out, parse_constant=lambda word: pytest.fail(word))["arrays"]
    assert rows[0]["difference"] is None


def test_sweep_trains_all_combinations(folder, call):
    config = {**CONFIG, "callbacks": [], "fit": {**CONFIG["fit"], "epochs": 2}}
    (folder / "small.yaml").write_text(yaml.safe_dump(config))
    sets = ("--set", "compile.optimizer.Adam.lr=1e-3,1e-2", "--set", "fit.batch_size=8,16")
    done = call("sweep", "small.yaml", "--seeds", "3,4", *sets, "--csv", "sweep.csv", "--json")
    rows = done.json
    assert len(rows) == 8 and {row["seed"] for row in rows} == {3, 4}
    assert {row["compile.optimizer.Adam.lr"] for row in rows} == {0.001, 0.01}
    assert [row["val_loss"] for row in rows] == sorted(row["val_loss"] for row in rows)
    assert len((folder / "sweep.csv").read_text().splitlines()) == 9 and "epoch 2: 4 members" in done.err
    wanted = {"seed": 3, "compile.optimizer.Adam.lr": 0.01, "fit.batch_size": "8"}
    one = next(row for row in rows if wanted.items() <= row.items())
    alone = ("--seed", 3, "--set", "compile.optimizer.Adam.lr=1e-2", "--devices", 1)
    history = call("train", "small.yaml", *alone, "--json").json["history"]
    np.testing.assert_allclose(history["val_loss"][-1], one["val_loss"], rtol=1e-5)
    assert "path=value,value" in call("sweep", "small.yaml", "--set", "fit.epochs", code=2).err


def test_sweep_of_what_is_data_in_folds(folder, call):
    layers_ = [*CONFIG["model"][:-1], {"Dropout": 0.5}, CONFIG["model"][-1]]
    config = {**CONFIG, "callbacks": [], "model": layers_, "fit": {**CONFIG["fit"], "epochs": 1}}
    (folder / "data.yaml").write_text(yaml.safe_dump(config))
    path = f"model.{len(layers_) - 2}.Dropout.rate"
    sets = ("--set", f"{path}=0,0.9", "--set", "compile.optimizer.Adam.weight_decay=0,0.5")
    done = call("sweep", "data.yaml", *sets, "--folds", 2, "--json")
    rows = done.json
    assert len(rows) == 8 and {row["fold"] for row in rows} == {0, 1} and "epoch 1: 8 members" in done.err
    assert {row[path] for row in rows} == {0.0, 0.9} and len({row["val_loss"] for row in rows}) == 8
    wrong = call("sweep", "data.yaml", "--set", "model.0.Dense.rate=0.1,0.2", code=2)
    assert "unknown argument 'rate'" in wrong.err


def test_plan_says_what_a_step_costs(trained, call):
    answer = call("plan", "runs/small/model.h5", "--batch", 16, "--json").json
    assert answer["step"] == "training" and answer["parameters"] == 67 and answer["batch"] == 16
    assert answer["flops"] > 16 * 2 * 56 and answer["largest_batch"] > 16 and answer["seconds"] > 0
