"""Models that Keras 2.2.4 saved: loaded, continued, and saved again in the same layout."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

from jkeras.models import load_model, model_from_json, model_from_yaml
from jkeras.saving import config
from tests import golden
from tests.golden.models import MODELS, Recording, close
from tests.saving.test_h5 import layout


@pytest.mark.parametrize("name", MODELS)
def test_a_trained_model_loads_whole_and_is_written_as_keras_wrote_it(name, tmp_path):
    recording = Recording(name)
    info, path = recording.about, golden.path(f"models/{name}.h5")
    model = recording.trained()
    close(recording.predict(model), recording.as_keras("predict_after_10_"))
    for got, want in zip(model.get_weights(), recording.as_keras("weights_after_10_"), strict=True):
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
    recording = Recording(name)
    model = load_model(golden.path(f"models/{name}.initial.h5"))
    close(recording.predict(model), recording.numbered("predict_initial"))
    model.load_weights(golden.path(f"models/{name}.h5"))  # a whole model's file
    close(recording.predict(model), recording.as_keras("predict_after_10_"))
    model.load_weights(golden.path(f"models/{name}.initial_weights.h5"), by_name=True)
    close(recording.predict(model), recording.numbered("predict_initial"))


@pytest.mark.parametrize("name", MODELS)
def test_recorded_text_makes_the_same_model(name):
    info = Recording(name).about
    from_yaml, from_json = model_from_yaml(info["to_yaml"]), model_from_json(info["to_json"])
    for model in (from_yaml, from_json):
        assert json.loads(model.to_json()) == json.loads(info["to_json"])
    # The text itself is the same, but for the anchors, which show what was one object in memory.
    plain = yaml.dump(json.loads(json.dumps(config.parse_yaml(info["to_yaml"]))))
    assert yaml.dump(json.loads(json.dumps(config.parse_yaml(from_json.to_yaml())))) == plain


@pytest.mark.parametrize(
    "name", [name for name in MODELS if name != "add_loss_vae_like"]
)  # a file loses the loss
def test_training_goes_on_from_a_file_as_in_keras(name):
    recording = Recording(name)
    model = recording.trained()
    expected = recording.plain.get("train_5_more_steps", recording.about["resume_from_file_5_steps"])
    np.testing.assert_allclose(
        recording.steps(model, 10, 5), np.reshape(expected, (5, -1)), **recording.tolerance
    )
