"""Models as estimators of scikit-learn: in its pipelines, searches and cross-validations.

Nothing here needs scikit-learn to be installed.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from jkeras.compat.as_keras import Inherited
from jkeras.core.lists import as_list
from jkeras.core.types import AnyList, AnyTuple
from jkeras.models import Sequential
from jkeras.utils.generic_utils import has_arg
from jkeras.utils.np_utils import to_categorical

_METHODS = (Sequential.fit, Sequential.predict, Sequential.predict_classes, Sequential.evaluate)


class BaseWrapper:
    """A base of the classifier and the regressor.

    `build_fn` makes a compiled model: a function, an object with `__call__`, or None in a subclass that has a
    `__call__` itself. `fit` calls it with those `sk_params` that it has arguments for, then trains the model
    with those that `Sequential.fit` has; `predict` and `score` do likewise. What is passed to these methods
    themselves goes before.

    Args:
        build_fn: makes the model.
        **sk_params: arguments of `build_fn`, and of `fit`, `predict` and `evaluate` (`epochs`, `batch_size`,
            …). All of them can be searched over.

    Raises:
        ValueError: a parameter that none of these takes.
        AttributeError: there is nothing to make a model with.

    Keras 2.2.4: keras/wrappers/scikit_learn.py BaseWrapper
    """

    _estimator_type: str | None = None  # how scikit-learn before 1.6 asks
    model: Any  # once fitted

    def __init__(self, build_fn: Callable[..., Any] | None = None, **sk_params: Any):
        self.build_fn = build_fn
        self.sk_params = sk_params
        self.check_params(sk_params)

    def _builder(self) -> Callable[..., Any]:
        if self.build_fn is not None:
            return self.build_fn
        if callable(self):
            return cast(Callable[..., Any], self.__call__)
        raise AttributeError(
            f"{type(self).__name__} needs `build_fn`, a function that returns a compiled model; without it, "
            "write a subclass whose `__call__` returns one."
        )

    def check_params(self, params: Mapping[str, Any]) -> None:
        """Refuse parameters that neither `build_fn` nor the methods of a model take.

        Raises:
            ValueError: names the first such parameter.
        """
        takers = (*_METHODS, self._builder())
        for name in params:
            if name == "nb_epoch":
                warnings.warn("`nb_epoch` does nothing here, as in Keras 2.2.4; say `epochs`.", stacklevel=3)
            elif not any(has_arg(fn, name) for fn in takers):
                raise ValueError(f"{name} is not a legal parameter")

    def get_params(self, **params: Any):
        """The parameters, `build_fn` among them.

        Args:
            **params: `deep=False` gives the values themselves, as scikit-learn's `clone` wants them; else
                they are copies.
        """
        deep = params.get("deep", True)
        return {**(copy.deepcopy(self.sk_params) if deep else self.sk_params), "build_fn": self.build_fn}

    def set_params(self, **params: Any):
        """Change parameters, `build_fn` among them; returns the estimator itself.

        Raises:
            ValueError: a parameter that is not legal; nothing is changed then.
        """
        before = self.build_fn
        self.build_fn = params.pop("build_fn", before)
        try:
            self.check_params(params)
        except ValueError:
            self.build_fn = before
            raise
        self.sk_params.update(params)
        return self

    def fit(self, x: Any, y: Any, sample_weight: Any = None, **kwargs: Any):
        """Make a new model and train it.

        Args:
            x: array of shape (samples, features…).
            y: array of shape (samples,) or (samples, outputs).
            sample_weight: weight of each sample.
            **kwargs: arguments of `Sequential.fit`.

        Returns:
            The `History` of the training, as in Keras; not the estimator.
        """
        build = self._builder()
        self.model = build(**self.filter_sk_params(build))
        if not hasattr(self.model, "fit"):
            raise TypeError(f"`build_fn` should return a compiled model; got {self.model!r}.")
        options = copy.deepcopy(self.filter_sk_params(Sequential.fit)) | kwargs
        if sample_weight is not None:
            options["sample_weight"] = sample_weight
        return self.model.fit(_rows(x), self._targets(_rows(y)), **options)

    def filter_sk_params(
        self, fn: Callable[..., Any], override: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Those of the parameters that `fn` has arguments for.

        Args:
            fn: any function.
            override: dict of further arguments, which go before.
        """
        return {name: value for name, value in self.sk_params.items() if has_arg(fn, name)} | dict(
            override or {}
        )

    def _targets(self, y: Any):
        """One-hot classes, if the loss needs them."""
        loss = getattr(self.model, "loss", None)
        if getattr(loss, "__name__", loss) == "categorical_crossentropy" and not _is_one_hot(y):
            return to_categorical(y, getattr(self, "n_classes_", None))
        return y

    def _fitted(self) -> Any:
        """The model, or scikit-learn's error (where it is in use) that there is none."""
        if not hasattr(self, "model"):
            kind = getattr(sys.modules.get("sklearn.exceptions"), "NotFittedError", AttributeError)
            raise kind(f"This {type(self).__name__} is not fitted yet: call `fit` first.")
        return self.model

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model")

    def __sklearn_tags__(self):
        """The facts about an estimator that scikit-learn asks for; only it calls this."""
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

        kind = self._estimator_type
        return Tags(
            estimator_type=kind,
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags() if kind == "classifier" else None,
            regressor_tags=RegressorTags() if kind == "regressor" else None,
            non_deterministic=True,
        )

    def __reduce__(self):
        """The object with its model; `import keras` means in joblib's worker processes what it means here."""
        return _new, (Inherited(), type(self)), vars(self)


class KerasClassifier(BaseWrapper):
    """A model as a classifier of scikit-learn.

    Classes may be numbers or strings, in a vector or one-hot. The model has one output for each class, or one
    sigmoid for two classes.

    Args:
        build_fn, **sk_params: see `BaseWrapper`.

    Keras 2.2.4: keras/wrappers/scikit_learn.py KerasClassifier

    Example:
        >>> from jkeras.layers import Dense
        >>> def build(units=4):
        ...     model = Sequential([Dense(units, input_shape=(2,)), Dense(3, activation="softmax")])
        ...     model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
        ...     return model
        >>> classifier = KerasClassifier(build, units=8, epochs=2, verbose=0)
        >>> history = classifier.fit(np.zeros((3, 2)), np.array(["a", "b", "c"]))
        >>> classifier.classes_.tolist(), classifier.predict_proba(np.zeros((5, 2))).shape
        (['a', 'b', 'c'], (5, 3))
    """

    _estimator_type = "classifier"
    classes_: np.ndarray
    n_classes_: int

    def fit(self, x: Any, y: Any, sample_weight: Any = None, **kwargs: Any):
        """Make a new model and train it; `classes_` are the classes from now on.

        Args:
            x: array of shape (samples, features…).
            y: classes, of shape (samples,) or (samples, 1), or one-hot (samples, classes).
            sample_weight: weight of each sample.
            **kwargs: arguments of `Sequential.fit`.

        Returns:
            The `History` of the training, as in Keras; not the estimator.

        Raises:
            ValueError: `y` has another shape.
        """
        y = np.array(y)
        if y.ndim not in (1, 2) or y.shape[1:] == (0,):
            raise ValueError(f"Invalid shape for y: {y.shape}")
        classes: NDArray[Any] = np.arange(y.shape[1]) if _is_one_hot(y) else np.unique(y)
        self.classes_, self.n_classes_ = classes, len(classes)
        return super().fit(x, self._numbers(y), sample_weight, **kwargs)

    def _numbers(self, y: NDArray[Any]) -> NDArray[Any]:
        """The places in `classes_`; one-hot classes as they are. A class that is new counts as the next one,
        as in Keras, but not without a word."""
        if _is_one_hot(y):
            return y
        numbers = np.searchsorted(self.classes_, y)
        new = np.unique(y[self.classes_[np.minimum(numbers, self.n_classes_ - 1)] != y]).tolist()
        if new:
            told = (
                f"y holds classes that `fit` has not seen: {new[:10]}; it saw {self.classes_.tolist()[:10]}."
            )
            if numbers.max() == self.n_classes_:
                raise ValueError(told)
            warnings.warn(f"{told} Each of them counts as the next class, as in Keras.", stacklevel=3)
        return numbers

    def predict(self, x: Any, **kwargs: Any):
        """The class of each sample.

        Args:
            x: array of shape (samples, features…).
            **kwargs: arguments of `Sequential.predict_classes`.

        Returns:
            Classes of shape (samples,); of shape (samples, 1), as in Keras, if the model has one sigmoid.
        """
        scores = self._fitted().predict(_rows(x), **self.filter_sk_params(Sequential.predict_classes, kwargs))
        return self.classes_[
            scores.argmax(axis=-1) if scores.shape[-1] > 1 else (scores > 0.5).astype("int32")
        ]

    def predict_proba(self, x: Any, **kwargs: Any):
        """The probability of each class.

        Args:
            x: array of shape (samples, features…).
            **kwargs: arguments of `Sequential.predict_proba`.

        Returns:
            Array of shape (samples, classes), also if the model has one sigmoid.
        """
        scores = self._fitted().predict(_rows(x), **self.filter_sk_params(Sequential.predict_proba, kwargs))
        return np.hstack([1 - scores, scores]) if scores.shape[1] == 1 else scores

    def score(self, x: Any, y: Any, **kwargs: Any):
        """The accuracy that the model's own metric says.

        Args:
            x: array of shape (samples, features…).
            y: true classes.
            **kwargs: arguments of `Sequential.evaluate`.

        Raises:
            ValueError: the model was not compiled with `metrics=["accuracy"]`, or `y` has a class beyond
                those that are known.
        """
        model = self._fitted()
        targets = self._targets(self._numbers(np.asarray(y)))
        values = model.evaluate(_rows(x), targets, **self.filter_sk_params(Sequential.evaluate, kwargs))
        for name, value in zip(model.metrics_names, as_list(values), strict=True):
            if name == "acc":
                return value
        raise ValueError(
            'The model is not configured to compute accuracy. You should pass `metrics=["accuracy"]` to the '
            "`model.compile()` method."
        )


class KerasRegressor(BaseWrapper):
    """A model as a regressor of scikit-learn.

    Args:
        build_fn, **sk_params: see `BaseWrapper`.

    Keras 2.2.4: keras/wrappers/scikit_learn.py KerasRegressor

    Example:
        >>> from jkeras.layers import Dense
        >>> def build():
        ...     model = Sequential([Dense(1, input_shape=(2,), kernel_initializer="ones")])
        ...     model.compile("sgd", "mse")
        ...     return model
        >>> regressor = KerasRegressor(build, epochs=0)
        >>> history = regressor.fit(np.ones((3, 2)), np.ones(3))
        >>> regressor.predict(np.ones((3, 2))).tolist()
        [2.0, 2.0, 2.0]
    """

    _estimator_type = "regressor"

    def predict(self, x: Any, **kwargs: Any):
        """The prediction for each sample.

        Args:
            x: array of shape (samples, features…).
            **kwargs: arguments of `Sequential.predict`.

        Returns:
            Array of shape (samples,) or (samples, outputs); axes of length 1 are left out, as in Keras: for a
            single sample it is a scalar.
        """
        return np.squeeze(
            self._fitted().predict(_rows(x), **self.filter_sk_params(Sequential.predict, kwargs))
        )

    def score(self, x: Any, y: Any, **kwargs: Any):
        """The loss with a minus sign, so that more is better.

        Args:
            x: array of shape (samples, features…).
            y: true values.
            **kwargs: arguments of `Sequential.evaluate`.
        """
        options = self.filter_sk_params(Sequential.evaluate, kwargs)
        loss = self._fitted().evaluate(_rows(x), self._targets(_rows(y)), **options)
        return -loss[0] if isinstance(loss, AnyList) else -loss


def _new(_: Any, cls: Any):
    return cls.__new__(cls)


def _is_one_hot(y: Any) -> bool:
    return np.ndim(y) == 2 and np.shape(y)[1] > 1


def _rows(data: Any):
    """An array for the list of rows that scikit-learn may hand on; a list of arrays is one for each input."""
    if isinstance(data, (AnyList, AnyTuple)) and data and not getattr(data[0], "ndim", 0):
        return np.asarray(data)
    return data
