"""Training, evaluation and `fit` of whole models against the recordings of Keras 2.2.4."""

import contextlib

import numpy as np
import pytest

from tests.golden.models import MODELS, Recording, close, single


@pytest.fixture(scope="module", params=MODELS)
def recording(request):
    return Recording(request.param)


def test_steps(recording):
    model, about, tolerance = recording.untrained(), recording.about, recording.tolerance
    assert model.metrics_names == about["metrics_names"]
    close(recording.predict(model), recording.numbered("predict_initial"))
    np.testing.assert_allclose(recording.evaluate(model), np.ravel(about["evaluate_initial"]), **tolerance)
    if "evaluate_initial_sample_weight" in about:
        found = recording.evaluate(model, sample_weight=single(recording.weights))
        np.testing.assert_allclose(found, about["evaluate_initial_sample_weight"], **tolerance)
    for first, count, losses in ((0, 10, "train_10_steps"), (10, 5, "train_5_more_steps")):
        expected = np.reshape(recording.value(losses), (count, -1))
        np.testing.assert_allclose(recording.steps(model, first, count), expected, **tolerance)
        recording.check_weights(model, f"weights_after_{first + count}_")
        if first == 0:
            close(recording.predict(model), recording.numbered("predict_after_10_"), **recording.inferred)
            expected = np.ravel(recording.value("evaluate_after_10"))
            np.testing.assert_allclose(recording.evaluate(model), expected, **recording.inferred)


def test_fits(recording):
    for run, about in enumerate(recording.value("fits")):
        model = recording.untrained()
        kwargs = dict(about["kwargs"])
        for name in ("sample_weight", "validation_data"):
            if name in kwargs:
                kwargs[name] = _named(recording, kwargs[name])
        if "class_weight" in kwargs:
            kwargs["class_weight"] = _by_class(kwargs["class_weight"])
        both = {"class_weight", "sample_weight"} <= kwargs.keys()
        with pytest.warns(UserWarning, match="class_weight") if both else contextlib.nullcontext():
            history = model.fit(recording.given("x"), recording.given("y"), verbose=0, **kwargs).history
        order = recording.about["fits"][run].get("history_keys_order", list(history))
        assert list(history) == order
        for name, values in about["history"].items():
            near = recording.inferred if name.startswith("val_") else recording.tolerance
            np.testing.assert_allclose(history[name], values, **near, err_msg=f"{run} {name}")
        recording.check_weights(model, f"fit{run}_weights")
        close(recording.predict(model), recording.numbered(f"fit{run}_predict"), **recording.inferred)


def _by_class(weights):
    """JSON turned the class numbers into strings."""
    return {
        int(k) if k.isdigit() else k: _by_class(v) if isinstance(v, dict) else v for k, v in weights.items()
    }


def _named(recording, value):
    if isinstance(value, str):
        return single(recording.weights)
    if isinstance(value, list):
        return [_named(recording, v) for v in value]
    if isinstance(value, dict):
        return dict(zip(value, recording.weights, strict=False))
    return value
