"""Models that Keras 2.2.4 saved: loaded, continued, and saved again in the same layout."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

from jkeras.models import load_model, model_from_json, model_from_yaml
from jkeras.saving import config
from tests import golden
from tests.saving.records import MODELS
from tests.saving.test_h5 import layout


def record(name):
    return golden.json(f"models/{name}"), np.load(golden.path(f"models/{name}.npz"))


def numbered(data, prefix: str) -> list[np.ndarray]:
    """The arrays `<prefix>0`, `<prefix>1` … of a recording."""
    return [
        data[f"{prefix}{i}"]
        for i in range(sum(key.startswith(prefix) for key in data.files))
        if f"{prefix}{i}" in data
    ]


def predict(model, info, data) -> list[np.ndarray]:
    model.reset_states()
    x = numbered(data, "x")
    y = model.predict(x if len(x) > 1 else x[0], batch_size=info["batch_size"])
    return y if isinstance(y, list) else [y]


def close(got, want, rtol=1e-5, atol=1e-5):
    assert len(got) == len(want)
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w, rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", MODELS)
def test_a_trained_model_loads_whole_and_is_written_as_keras_wrote_it(name, tmp_path):
    info, data = record(name)
    path = golden.path(f"models/{name}.h5")
    if name == "nested_frozen":  # Keras's file does not say that the inner model was frozen
        with pytest.warns(UserWarning, match="freshly initialized optimizer"):
            model = load_model(path)
    else:
        model = load_model(path)
    close(predict(model, info, data), numbered(data, "predict_after_10_"))
    for got, want in zip(model.get_weights(), numbered(data, "weights_after_10_"), strict=True):
        np.testing.assert_array_equal(got, want)
    assert json.loads(model.to_json()) == json.loads(info["to_json"])
    assert config.parse_yaml(model.to_yaml()) == config.parse_yaml(info["to_yaml"])
    model.save(tmp_path / "again.h5")
    again, expected = layout(tmp_path / "again.h5"), layout(path)
    if name == "nested_frozen":
        again, expected = ({k: v for k, v in d.items() if "optimizer" not in k} for d in (again, expected))
    assert again == expected


@pytest.mark.parametrize("name", MODELS)
def test_an_untrained_model_loads_and_takes_weights_of_a_file(name):
    info, data = record(name)
    model = load_model(golden.path(f"models/{name}.initial.h5"))
    close(predict(model, info, data), numbered(data, "predict_initial"))
    model.load_weights(golden.path(f"models/{name}.h5"))  # a whole model's file
    close(predict(model, info, data), numbered(data, "predict_after_10_"))
    model.load_weights(golden.path(f"models/{name}.initial_weights.h5"), by_name=True)
    close(predict(model, info, data), numbered(data, "predict_initial"))


@pytest.mark.parametrize("name", MODELS)
def test_recorded_text_makes_the_same_model(name):
    info, _ = record(name)
    from_yaml, from_json = model_from_yaml(info["to_yaml"]), model_from_json(info["to_json"])
    for model in (from_yaml, from_json):
        assert json.loads(model.to_json()) == json.loads(info["to_json"])
    # The text itself is the same, but for the anchors, which show what was one object in memory.
    plain = yaml.dump(json.loads(json.dumps(config.parse_yaml(info["to_yaml"]))))
    assert yaml.dump(json.loads(json.dumps(config.parse_yaml(from_json.to_yaml())))) == plain


@pytest.mark.parametrize(
    "name",
    ["mlp_classifier", "multi_input_output", "vgg_like", "stateful_stacked_lstm", "bidirectional_lstm"],
)
def test_training_goes_on_from_a_file_as_in_keras(name):
    info, data = record(name)
    model = load_model(golden.path(f"models/{name}.h5"))
    x, y = numbered(data, "x"), numbered(data, "y")
    size, count = info["batch_size"], info["n_samples"]
    weights = numbered(data, "sample_weight") if info["train_uses_sample_weight"] else []
    for step, expected in zip(range(10, 15), info["resume_from_file_5_steps"], strict=True):
        if info["stateful"]:
            rows = (step % (count // size)) * size + np.arange(size)
        else:
            rows = (step * size + np.arange(size)) % count

        def one(arrays):
            return arrays[0] if len(arrays) == 1 else arrays

        given = {"sample_weight": one([w[rows] for w in weights])} if weights else {}
        logs = model.train_on_batch(one([a[rows] for a in x]), one([a[rows] for a in y]), **given)  # noqa: B023
        np.testing.assert_allclose(np.ravel(logs), np.ravel(expected), rtol=1e-4, atol=1e-5)
