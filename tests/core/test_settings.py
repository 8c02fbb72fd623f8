"""Settings: defaults, setters, keras.json, the home folder."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from jkeras.core import settings


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("JKERAS_HOME", str(tmp_path))
    settings.reset()
    yield tmp_path
    settings.reset()


def test_defaults():
    assert (settings.floatx(), settings.epsilon()) == ("float32", 1e-7)
    assert (settings.image_data_format(), settings.image_dim_ordering()) == ("channels_last", "tf")


def test_setters():
    settings.set_floatx("float16")
    settings.set_epsilon(np.float64(1e-5))
    settings.set_image_dim_ordering("th")
    assert (settings.floatx(), settings.epsilon()) == ("float16", 1e-5)
    assert settings.image_data_format() == settings.normalize_data_format(None) == "channels_first"
    assert settings.image_dim_ordering() == "th"
    assert settings.cast_to_floatx([1.5]).dtype == "float16"
    settings.set_image_data_format("channels_last")
    assert settings.image_data_format() == "channels_last"


@pytest.mark.parametrize(
    ("setter", "value", "message"),
    [
        (settings.set_floatx, "int32", "Unknown floatx type: 'int32'"),
        (settings.set_epsilon, "small", "`epsilon` must be a number"),
        (settings.set_image_data_format, "last", "Unknown data_format: 'last'"),
        (settings.set_image_dim_ordering, "last", "Unknown dim_ordering: 'last'"),
        (settings.normalize_data_format, "last", 'must be one of "channels_first", "channels_last"'),
    ],
)
def test_refused_values(setter, value, message):
    with pytest.raises(ValueError, match=message):
        setter(value)


def test_keras_json_is_read_at_the_first_use(home):
    values = {
        "floatx": "float16",
        "epsilon": 1e-4,
        "image_data_format": "channels_first",
        "backend": "theano",
    }
    (home / "keras.json").write_text(json.dumps(values))
    assert (settings.floatx(), settings.epsilon()) == ("float16", 1e-4)
    assert settings.image_data_format() == "channels_first"
    (home / "keras.json").write_text("{}")
    assert settings.floatx() == "float16"


def test_a_broken_keras_json_says_nothing(home):
    (home / "keras.json").write_text("{")
    assert settings.floatx() == "float32"


def test_a_wrong_value_in_keras_json_names_the_file(home):
    (home / "keras.json").write_text('{"floatx": "float8"}')
    with pytest.raises(ValueError, match=r"keras.json: Unknown floatx type: 'float8'"):
        settings.floatx()


def test_home(monkeypatch, tmp_path):
    assert settings.home() == tmp_path
    monkeypatch.delenv("JKERAS_HOME")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "k"))
    assert settings.home() == tmp_path / "k"
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings.home() == tmp_path / ".keras"
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    assert settings.home().name == ".keras" and tmp_path / "missing" not in settings.home().parents


def test_float64_switches_on_jaxs_64_bit_mode():
    script = (
        "from jkeras.core import settings\n"
        "from jkeras import initializers\n"
        "settings.set_floatx('float64')\n"
        "for name in ('zeros', 'he_normal', 'orthogonal', 'identity'):\n"
        "    assert initializers.get(name)((3, 3)).dtype == 'float64', name\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)
