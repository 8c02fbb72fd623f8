"""The YAML of a run: defaults, and an error for every slip."""

import json

import pytest

from jkeras.cli import config
from jkeras.cli.errors import UserError

GOOD = {"data": "digits", "model": ["Flatten"], "compile": {"loss": "mse"}}


def test_defaults_are_filled_in_and_plain():
    checked = config.check(GOOD, "mine")
    assert checked["name"] == "mine"
    assert {key: value for key, value in checked["data"].items() if value} == {
        "source": "digits",
        "color": "rgb",
    }
    assert checked["fit"]["batch_size"] == 32 and checked["fit"]["seed"] == 0
    assert checked["output"]["run_dir"] == "runs/mine"
    assert json.loads(json.dumps(checked)) == checked
    assert config.check(checked) == checked


def test_the_example_is_right(request):
    checked = config.read(request.config.rootpath / "examples" / "digits.yaml")
    assert checked["name"] == "digits" and len(checked["model"]) == 9


@pytest.mark.parametrize(
    "change, text",
    [
        ({"modell": []}, r"unknown key 'modell'\. Did you mean 'model'\?"),
        ({"fit": {"epoch": 3}}, r"unknown key 'epoch' in fit\. Did you mean 'epochs'\?"),
        (
            {"data": {"source": "digits", "zzz": 1}},
            r"unknown key 'zzz' in data\. Known: classes, color, columns",
        ),
        ({"fit": {"epochs": "ten"}}, r"fit\.epochs should be a whole number; got 'ten'"),
        ({"fit": {"epochs": True}}, r"fit\.epochs should be a whole number; got True"),
        ({"fit": {"epochs": 0}}, r"fit\.epochs should be at least 1; got 0"),
        ({"fit": {"validation": 1.5}}, r"fit\.validation should lie between 0 and 1; got 1\.5"),
        (
            {"fit": {"validation": "half"}},
            r"fit\.validation should be a fraction of the training data, or 'test'",
        ),
        ({"fit": [1]}, r"fit should be a mapping; got \[1\]"),
        ({"output": {"keep": 0}}, r"output\.keep should be at least 1; got 0"),
        ({"output": {"every_seconds": -1}}, r"output\.every_seconds should be above 0"),
        ({"data": {"source": "digits", "scale": 0}}, r"data\.scale divides the inputs; it cannot be 0"),
        ({"data": None}, r"data\.source is missing: write `data: digits`"),
        ({"compile": {}}, r"compile\.loss is missing"),
        ({"model": []}, r"model is missing: list its layers"),
        ({"model": "Flatten"}, r"model should be a list of layers, or a .json file; got 'Flatten'"),
        ({"callbacks": {"EarlyStopping": {}}}, r"callbacks should be a list of callbacks"),
    ],
)
def test_slips(change, text):
    with pytest.raises(UserError, match=text):
        config.check({**GOOD, **change})


def test_a_list_is_no_configuration():
    with pytest.raises(UserError, match="the file should be a mapping; got None"):
        config.check(None)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match="Cannot read the configuration .*none.yaml: No such file"):
        config.read(tmp_path / "none.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: [1, 2")
    with pytest.raises(UserError, match="bad.yaml is not valid YAML"):
        config.read(bad)
    bad.write_text("a: !!python/object/apply:os.system ['true']")
    with pytest.raises(UserError, match="bad.yaml is not valid YAML"):
        config.read(bad)
    bad.write_text("modell: []")
    with pytest.raises(UserError, match=r"bad.yaml: unknown key 'modell'"):
        config.read(bad)
