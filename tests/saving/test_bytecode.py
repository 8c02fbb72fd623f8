"""Lambda layers in files: by name, by fingerprint, never by code unless the caller asks for it."""

from __future__ import annotations

import base64
import json
import marshal
from typing import NamedTuple

import numpy as np
import pytest

from jkeras.layers import LSTM, Dense, Lambda, Masking
from jkeras.models import Sequential, load_model, model_from_json, model_from_yaml
from jkeras.saving.bytecode import resolve

# As Keras 2.2.4 wrote `Lambda(lambda x: K.square(x) + 1, input_shape=(3,), name="squared")` under Python 3.7.
OF_PYTHON_37 = (
    "4wEAAAAAAAAAAQAAAAMAAABDAAAAcw4AAAB0AKABfAChAWQBFwBTACkCTukBAAAAKQLaAUvaBnNx\ndW"
    "FyZSkB2gF4qQByBQAAAPoNZ2VuX2xhbWJkYS5wedoIPGxhbWJkYT4EAAAA8wAAAAA=\n"
)


def text_of(code: str, defaults=None, closure=None) -> str:
    layer = {
        "name": "squared",
        "trainable": True,
        "batch_input_shape": [None, 3],
        "dtype": "float32",
        "function": [code, defaults, closure],
        "function_type": "lambda",
        "output_shape": None,
        "output_shape_type": "raw",
        "arguments": {},
    }
    config = {"name": "s", "layers": [{"class_name": "Lambda", "config": layer}]}
    return json.dumps({"class_name": "Sequential", "config": config})


def code_of(function) -> str:
    return base64.encodebytes(marshal.dumps(function.__code__)).decode("ascii")


X = np.array([[1.0, 2.0, 3.0]], np.float32)


def test_bytecode_is_refused_and_the_error_says_what_to_do():
    with pytest.raises(
        ValueError, match=r"'squared' holds Python bytecode .*custom_objects=\{'squared': function\}"
    ) as e:
        model_from_json(text_of(OF_PYTHON_37))
    assert "safe_mode=False" in str(e.value)


def test_the_function_may_be_given_by_the_name_of_the_layer():
    model = model_from_json(text_of(OF_PYTHON_37), custom_objects={"squared": lambda x: x**2 + 1})
    assert model.predict(X).tolist() == [[2, 5, 10]]


def test_bytecode_runs_where_the_call_allows_it():
    def scale(x, by=3):
        return x * by + add  # noqa: F821 (comes from custom_objects)

    text = text_of(code_of(scale), defaults=[2])
    model = model_from_json(text, custom_objects={"add": 1}, safe_mode=False)
    assert model.predict(X).tolist() == [[3, 5, 7]]
    with pytest.raises(ValueError, match="holds Python bytecode"):
        model_from_json(text)


def test_bytecode_finds_the_backend_under_its_usual_name():
    text = text_of(code_of(lambda x: K.square(x) + 1))  # noqa: F821 (the file's function looks it up)
    assert model_from_json(text, safe_mode=False).predict(X).tolist() == [[2, 5, 10]]


def test_closures_are_restored():
    by = 4
    text = text_of(code_of(lambda x: x * by), closure=[5])
    assert model_from_json(text, safe_mode=False).predict(X).tolist() == [[5, 10, 15]]


@pytest.mark.parametrize("code", [OF_PYTHON_37, "???", base64.encodebytes(marshal.dumps(1)).decode(), "", 5])
def test_bytecode_that_cannot_be_read(code):
    with pytest.raises(ValueError, match="The bytecode of the Lambda layer 'squared' cannot be read here"):
        model_from_json(text_of(code), safe_mode=False)


def test_only_copies_are_changed():
    config = json.loads(text_of("x"))
    before = json.dumps(config)
    resolve(config, {"squared": abs}, True)
    assert json.dumps(config) == before


def triple(x):
    return x * 3


@pytest.mark.parametrize("name", ["m.h5", "m.msgpack"])
@pytest.mark.parametrize("function", [triple, lambda x: x + 5], ids=["named", "unnamed"])
def test_own_files_know_the_functions_of_this_process(function, name, tmp_path):
    model = Sequential([Lambda(function, input_shape=(3,)), Dense(2)])
    model.save(tmp_path / name)
    again = load_model(tmp_path / name, compile=False)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_own_files_hold_no_code(tmp_path):
    model = Sequential([Lambda(lambda x: x + 5, input_shape=(3,))])
    function = json.loads(model.to_json())["config"]["layers"][0]["config"]["function"]
    assert function[0].startswith("fingerprint:") and function[1:] == [None, None]


def test_an_unnamed_function_unknown_here_can_be_given_by_the_name_of_the_layer():
    text = text_of("fingerprint:" + "0" * 64)
    with pytest.raises(ValueError, match="this process does not know"):
        model_from_json(text)
    model = model_from_json(text, custom_objects={"squared": lambda x: x**2})
    assert model.predict(X).tolist() == [[1, 4, 9]]


def scaled(x, by, of=None):
    return x * by


def scaled_by_first(x, by):
    return x * by[0]


class Pair(NamedTuple):
    one: float
    other: object


ARRAY = np.array([1, 2, 3], "float32")


def through(model, way, tmp_path):
    if way == "config":
        return Sequential.from_config(model.get_config())
    if way == "json":
        return model_from_json(model.to_json())
    if way == "yaml":
        return model_from_yaml(model.to_yaml())
    model.save(tmp_path / f"model.{way}")
    return load_model(tmp_path / f"model.{way}", compile=False)


WAYS = pytest.mark.parametrize("way", ["config", "json", "yaml", "h5", "msgpack"])


@pytest.mark.broadcasts
@WAYS
def test_arrays_among_the_arguments(way, tmp_path):
    arguments = {"by": ARRAY, "of": [np.int32(2), {"deep": np.eye(2)}, (1, "text"), None]}
    model = Sequential([Lambda(scaled, arguments=arguments, input_shape=(3,))])
    again = through(model, way, tmp_path)
    np.testing.assert_array_equal(again.predict(np.ones((2, 3))), [ARRAY, ARRAY])
    found = again.layers[0].arguments
    assert found["by"].dtype == np.float32 and found["of"][0] == 2 and found["of"][3] is None
    np.testing.assert_array_equal(found["of"][1]["deep"], np.eye(2))
    assert isinstance(model.layers[0].get_config()["arguments"]["by"], np.ndarray)


@WAYS
def test_a_named_tuple_among_the_arguments(way, tmp_path):
    model = Sequential([Lambda(scaled_by_first, arguments={"by": Pair(2.0, ARRAY)}, input_shape=(3,))])
    again = through(model, way, tmp_path)
    np.testing.assert_array_equal(again.predict(np.ones((1, 3))), [[2, 2, 2]])


@pytest.mark.broadcasts
def test_arrays_as_keras_writes_them():
    """Its `get_json_type`: no type of the numbers."""
    model = Sequential([Lambda(scaled, arguments={"by": ARRAY}, input_shape=(3,))])
    config = json.loads(model.to_json())
    written = config["config"]["layers"][0]["config"]["arguments"]
    assert (written["by"]["type"], written["by"]["value"]) == ("ndarray", [1.0, 2.0, 3.0])
    del written["by"]["dtype"]
    again = model_from_json(json.dumps(config))
    np.testing.assert_array_equal(again.layers[0].arguments["by"], ARRAY)


def hides_the_last(x, mask):
    return mask & (np.arange(4) < 3)


@pytest.mark.broadcasts
@WAYS
@pytest.mark.parametrize(
    "mask", [hides_the_last, lambda x, mask: hides_the_last(x, mask)], ids=["name", "lambda"]
)
def test_the_mask_of_a_lambda_is_kept(mask, way, tmp_path):
    """Keras 2.2.4 loses it and computes other numbers with the model it loads."""
    doubling = Lambda(lambda x: 2 * x, mask=mask)
    model = Sequential([Masking(input_shape=(4, 3)), doubling, LSTM(2)])
    x = np.random.RandomState(0).rand(2, 4, 3)
    again = through(model, way, tmp_path)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    unmasked = Sequential([Lambda(lambda x: 2 * x, input_shape=(4, 3)), LSTM(2, weights=model.get_weights())])
    assert abs(unmasked.predict(x) - model.predict(x)).max() > 1e-3
    assert "mask" not in Lambda(scaled).get_config()


def test_a_file_may_not_name_any_function_that_the_process_has_used(tmp_path):
    Lambda(scaled, input_shape=(2,), arguments={"by": 2}).get_config()  # now the process knows it
    config = Sequential([Lambda(triple, input_shape=(2,), name="l")]).to_json()
    with pytest.raises(ValueError, match=r"Lambda layer 'l' names the function 'scaled'.*custom_objects="):
        model_from_json(config.replace('"triple"', '"scaled"'))
    assert model_from_json(config).layers[0].function is triple
    bare = json.loads(config) | {"jkeras_functions": []}
    with pytest.raises(ValueError, match="not the one that it was saved with"):
        model_from_json(json.dumps(bare))
    assert model_from_json(json.dumps(bare), {"triple": triple}).layers[0].function is triple
