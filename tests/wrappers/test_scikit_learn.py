"""KerasClassifier and KerasRegressor: the numbers of Keras 2.2.4, and the scikit-learn of today.

The recorded numbers are of Keras 2.2.4 with scikit-learn 1.0.2, from the same data and first weights.
"""

from __future__ import annotations

import copy
import functools
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from jkeras.callbacks import EarlyStopping, History
from jkeras.layers import Dense
from jkeras.losses import categorical_crossentropy
from jkeras.models import Sequential
from jkeras.optimizers import SGD
from jkeras.wrappers.scikit_learn import BaseWrapper, KerasClassifier, KerasRegressor
from tests import flags

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(60, 4).astype("float32")
CLASSES = (X @ RANDOM.randn(4, 3)).argmax(1)
TWO = (X[:, 0] > 0).astype(int)
VALUES = X @ [1.0, 2.0, 3.0, 4.0]
SOFTMAX, SINGLE = RANDOM.randn(4, 3).astype("float32"), RANDOM.randn(4, 1).astype("float32")
NAMES = np.array(["b", "a", "c"])
FIT = {"epochs": 3, "batch_size": 16, "verbose": 0, "shuffle": False}


def compiled(units, activation, kernel, *arguments, **kwargs):
    model = Sequential(
        [Dense(units, input_shape=(4,), activation=activation, weights=[kernel, np.zeros(units)])]
    )
    model.compile(*arguments, devices=1, **kwargs)
    return model


def softmax(lr=0.1, loss="categorical_crossentropy", metrics=("accuracy",)):
    return compiled(3, "softmax", SOFTMAX, SGD(lr), loss, metrics=list(metrics))


def sigmoid(lr=0.1):
    return compiled(1, "sigmoid", SINGLE, SGD(lr), "binary_crossentropy", metrics=["accuracy"])


def linear(lr=0.01, metrics=()):
    return compiled(1, None, SINGLE, SGD(lr), "mse", metrics=list(metrics))


class Builder:
    def __call__(self, lr=0.1):
        return softmax(lr)

    def method(self, lr=0.1):
        return softmax(lr)


class Own(KerasClassifier):
    def __call__(self, lr=0.1):
        return softmax(lr)


@pytest.fixture(scope="module")
def three():
    classifier = KerasClassifier(softmax, **FIT)
    classifier.fit(X, CLASSES)
    return classifier


@pytest.fixture(scope="module")
def two():
    classifier = KerasClassifier(sigmoid, **FIT)
    classifier.fit(X, TWO)
    return classifier


@pytest.mark.parametrize("kind", ["column", "one-hot", "gaps", "function", "sparse"])
def test_classes(kind):
    y = {"column": CLASSES[:, None], "one-hot": np.eye(3)[CLASSES], "gaps": CLASSES * 10 + 5}.get(
        kind, CLASSES
    )
    loss = {"function": categorical_crossentropy, "sparse": "sparse_categorical_crossentropy"}.get(kind)
    classifier = KerasClassifier(softmax, **FIT, **({"loss": loss} if loss else {}))
    history = classifier.fit(X, y)
    assert isinstance(history, History)
    np.testing.assert_allclose(history.history["loss"], [1.05943, 0.96082, 0.87792], atol=2e-5)
    np.testing.assert_allclose(
        classifier.predict_proba(X[:2]), [[0.09418, 0.55522, 0.35061], [0.03022, 0.33945, 0.63034]], atol=2e-5
    )
    assert classifier.score(X, y) == pytest.approx(0.7)
    assert classifier.predict(X[:5]).tolist() == classifier.classes_[[1, 2, 1, 1, 2]].tolist()
    assert classifier.n_classes_ == 3


def test_classes_are_strings():
    classifier = KerasClassifier(softmax, **FIT)
    classifier.fit(X, NAMES[CLASSES])
    assert classifier.classes_.tolist() == ["a", "b", "c"]
    assert classifier.predict(X[:5]).tolist() == list("acacc")
    assert classifier.score(X, NAMES[CLASSES]) == pytest.approx(0.65)
    few = CLASSES < 2  # names a and b
    assert classifier.score(X[few], NAMES[CLASSES][few], verbose=0) <= 1


def test_two_classes(two):
    assert two.predict(X[:5]).tolist() == [[0], [0], [1], [0], [0]]  # a column, as in Keras
    np.testing.assert_allclose(two.predict_proba(X[:2]), [[0.72358, 0.27642], [0.80805, 0.19195]], atol=2e-5)
    assert two.score(X, TWO) == pytest.approx(0.15)


def test_weights_of_samples_and_classes():
    classifier, weights = KerasClassifier(sigmoid, **FIT), np.linspace(0, 1, 60)
    for given in ((weights,), {"sample_weight": weights}):
        positional, named = (given, {}) if isinstance(given, tuple) else ((), given)
        classifier.fit(X, TWO, *positional, **named)
        np.testing.assert_allclose(classifier.predict_proba(X[:2])[:, 1], [0.12923, 0.08248], atol=2e-5)
    assert classifier.score(X, TWO, sample_weight=weights) == pytest.approx(0.06667, abs=1e-5)
    classifier.fit(X, TWO, class_weight={0: 1.0, 1: 3.0})
    np.testing.assert_allclose(classifier.predict_proba(X[:2])[:, 1], [0.7611, 0.65281], atol=2e-5)
    regressor = KerasRegressor(linear, **FIT)
    regressor.fit(X, VALUES, sample_weight=weights)
    np.testing.assert_allclose(regressor.predict(X[:3]), [-0.42, -2.44695, 1.2726], atol=2e-5)


@pytest.mark.parametrize("metrics", [(), ("mae",)], ids=["loss", "metrics"])
def test_regressor(metrics):
    regressor = KerasRegressor(linear, metrics=metrics, **FIT)
    regressor.fit(X.tolist(), VALUES.tolist())  # as scikit-learn hands them on
    np.testing.assert_allclose(regressor.predict(X[:3]), [1.7855, -1.44094, 2.02616], atol=2e-5)
    assert regressor.predict(X[:1]).shape == ()
    assert regressor.score(X, VALUES) == pytest.approx(-22.02525, abs=1e-4)
    assert regressor.score(X, VALUES, batch_size=7) == pytest.approx(-22.02525, abs=1e-4)


@pytest.mark.parametrize("build", [Builder(), Builder().method, None], ids=["object", "method", "subclass"])
def test_what_builds(build):
    classifier = Own(lr=0.3, **FIT) if build is None else KerasClassifier(build, lr=0.3, **FIT)
    losses = classifier.fit(X, CLASSES).history["loss"]
    np.testing.assert_allclose(losses, [0.99981, 0.76718, 0.62289], atol=2e-5)


def test_parameters():
    classifier = KerasClassifier(functools.partial(softmax, lr=0.3), epochs=1, metrics=["accuracy"])
    assert classifier.filter_sk_params(softmax) == {"metrics": ["accuracy"]}
    assert classifier.filter_sk_params(Sequential.fit, {"more": 2}) == {"epochs": 1, "more": 2}
    params = classifier.get_params()
    assert params.keys() == {"build_fn", "epochs", "metrics"}
    params["metrics"].append("mae")
    assert classifier.get_params()["metrics"] == ["accuracy"]
    assert classifier.set_params(epochs=2, build_fn=softmax) is classifier
    assert classifier.get_params() == {"build_fn": softmax, "epochs": 2, "metrics": ["accuracy"]}
    for wrong in ({"foo": 1}, {"build_fn": linear, "loss": "mse"}):
        with pytest.raises(ValueError, match="is not a legal parameter"):
            classifier.set_params(**wrong)
    assert classifier.build_fn is softmax
    with pytest.warns(UserWarning, match="say `epochs`"):
        KerasClassifier(softmax, nb_epoch=3)


def test_errors(three):
    with pytest.raises(ValueError, match="foo is not a legal parameter"):
        KerasClassifier(softmax, foo=1)
    with pytest.raises(AttributeError, match="KerasClassifier needs `build_fn`"):
        KerasClassifier()
    with pytest.raises(TypeError, match="should return a compiled model; got None"):
        KerasRegressor(lambda: None).fit(X, VALUES)
    for shape in ((60, 2, 2), (60, 0), ()):
        with pytest.raises(ValueError, match=r"Invalid shape for y: \("):
            three.fit(X, np.zeros(shape))
    with pytest.raises(AttributeError, match="not fitted yet"):
        KerasRegressor(linear).predict(X)
    with pytest.raises(TypeError, match="foo"):
        three.predict(X, foo=1)
    with pytest.raises(ValueError, match="You should pass `metrics="):
        unmeasured = KerasClassifier(softmax, metrics=["mae"], epochs=0)
        unmeasured.fit(X, CLASSES)
        unmeasured.score(X, CLASSES)


def test_new_classes(three):
    with pytest.raises(ValueError, match=r"not seen: \[7\]"):
        three.score(X, np.where(CLASSES == 1, 7, CLASSES))
    with pytest.warns(UserWarning, match=r"not seen: \[0\.5\].* as the next class"):
        assert three.score(X, np.where(CLASSES == 1, 0.5, CLASSES)) == pytest.approx(0.7)


def test_pickle_and_copy(three):
    for again in (pickle.loads(pickle.dumps(three)), copy.deepcopy(three)):
        np.testing.assert_array_equal(again.predict(X), three.predict(X))
        assert again.get_params() == three.get_params() and again.classes_.tolist() == [0, 1, 2]


# --- the scikit-learn of today ------------------------------------------------------------------------------


@pytest.fixture
def sk():
    return pytest.importorskip("sklearn.model_selection")


def test_sklearn_knows_what_it_is(sk, three):
    from sklearn.base import clone, is_classifier, is_regressor
    from sklearn.exceptions import NotFittedError
    from sklearn.utils import estimator_html_repr

    regressor = KerasRegressor(linear)
    assert is_classifier(three) and not is_regressor(three)
    assert is_regressor(regressor) and not is_classifier(regressor)
    assert not is_classifier(BaseWrapper(linear))
    fresh = clone(KerasClassifier(softmax, callbacks=[EarlyStopping("loss")], metrics=["accuracy"]))
    assert fresh.sk_params["callbacks"][0].monitor == "loss"
    assert not hasattr(clone(three), "model") and type(clone(Own(lr=1.0))) is Own
    with pytest.raises(NotFittedError):
        fresh.predict(X)
    assert "KerasClassifier" in estimator_html_repr(three)


def test_sklearn_cross_validation(sk):
    folds = sk.KFold(3)
    scores = sk.cross_val_score(KerasRegressor(linear, **FIT), X, VALUES, cv=folds)
    np.testing.assert_allclose(scores, [-26.20295, -27.51221, -28.44529], rtol=1e-5)
    scores = sk.cross_validate(
        KerasClassifier(softmax, **FIT), X, NAMES[CLASSES], cv=3, scoring=["accuracy", "neg_log_loss"]
    )
    assert np.all(scores["test_accuracy"] > 0.3) and np.all(scores["test_neg_log_loss"] > -2)
    r2 = sk.cross_val_score(KerasRegressor(linear, **FIT), X, VALUES, cv=folds, scoring="r2")
    np.testing.assert_allclose(r2, [0.00167, -0.13244, 0.28897], atol=2e-5)


def test_sklearn_search_in_a_pipeline(sk):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = make_pipeline(StandardScaler(), KerasClassifier(softmax, **FIT))
    found = sk.RandomizedSearchCV(
        pipeline,
        {"kerasclassifier__lr": [0.01, 0.5], "kerasclassifier__epochs": np.array([2])},
        n_iter=2,
        cv=2,
    ).fit(X, CLASSES)
    assert found.best_params_["kerasclassifier__lr"] == 0.5
    best = pickle.loads(pickle.dumps(found)).best_estimator_
    np.testing.assert_array_equal(best.predict(X), found.predict(X))
    assert found.score(X, CLASSES) == pytest.approx(np.mean(found.predict(X) == CLASSES))


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_sklearn_voting(sk, voting):
    from sklearn.ensemble import VotingClassifier

    y = NAMES[CLASSES]
    members = [("slow", KerasClassifier(softmax, lr=0.01, **FIT)), ("fast", KerasClassifier(softmax, **FIT))]
    voter = VotingClassifier(members, voting=voting).fit(X, y)
    assert set(voter.predict(X)) <= {"a", "b", "c"} and voter.score(X, y) > 0.4


SCRIPT = """
import jkeras
jkeras.install_as_keras(backend_name="tensorflow")
import keras, numpy as np
from keras.wrappers.scikit_learn import KerasClassifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

def build(units=3):
    model = keras.models.Sequential([keras.layers.Dense(units, input_shape=(2,)), keras.layers.Dense(1)])
    model.compile("sgd", keras.losses.mean_squared_error, metrics=["accuracy"], devices=1)
    return model

class Own(KerasClassifier):
    def __call__(self, units=3):
        assert keras.backend.backend() == "tensorflow"
        return build(units)

x = np.random.RandomState(0).randn(20, 2)
search = GridSearchCV(Own(verbose=0), {"units": [2]}, n_jobs=2, cv=2, error_score="raise", refit=False)
search.fit(x, x[:, 0] > 0)
random = RandomizedSearchCV(
    Own(verbose=0), {"units": range(3, 5)}, n_iter=1, n_jobs=2, cv=2, error_score="raise", random_state=0
)
random.fit(x, x[:, 0] > 0)
print("best:", search.best_params_["units"], random.predict(x).shape)
"""


def test_sklearn_search_in_processes(sk, tmp_path):
    """Of an unchanged script of Keras, whose classes and functions only the main script has."""
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "PYTHONWARNINGS": "ignore"}
    environment["XLA_FLAGS"] = flags.of_process()
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["best: 2 (20, 1)"], done.stderr
