"""Signatures, defaults and configs of Keras 2.2.4."""

from __future__ import annotations

import inspect

import pytest

from jkeras import optimizers
from jkeras.core import settings
from jkeras.optimizers import SGD, Adadelta, Adam, TFOptimizer

DEFAULTS = {  # get_config() of Keras 2.2.4
    "SGD": {"lr": 0.009999999776482582, "momentum": 0.0, "decay": 0.0, "nesterov": False},
    "RMSprop": {"lr": 0.0010000000474974513, "rho": 0.8999999761581421, "decay": 0.0, "epsilon": 1e-07},
    "Adagrad": {"lr": 0.009999999776482582, "decay": 0.0, "epsilon": 1e-07},
    "Adadelta": {"lr": 1.0, "rho": 0.95, "decay": 0.0, "epsilon": 1e-07},
    "Adam": {
        "lr": 0.0010000000474974513,
        "beta_1": 0.8999999761581421,
        "beta_2": 0.9990000128746033,
        "decay": 0.0,
        "epsilon": 1e-07,
        "amsgrad": False,
    },
    "Adamax": {
        "lr": 0.0020000000949949026,
        "beta_1": 0.8999999761581421,
        "beta_2": 0.9990000128746033,
        "decay": 0.0,
        "epsilon": 1e-07,
    },
    "Nadam": {
        "lr": 0.0020000000949949026,
        "beta_1": 0.8999999761581421,
        "beta_2": 0.9990000128746033,
        "epsilon": 1e-07,
        "schedule_decay": 0.004,
    },
}
ARGUMENTS = {
    "SGD": "lr=0.01, momentum=0.0, decay=0.0, nesterov=False",
    "RMSprop": "lr=0.001, rho=0.9, epsilon=None, decay=0.0",
    "Adagrad": "lr=0.01, epsilon=None, decay=0.0",
    "Adadelta": "lr=1.0, rho=0.95, epsilon=None, decay=0.0",
    "Adam": "lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=None, decay=0.0, amsgrad=False",
    "Adamax": "lr=0.002, beta_1=0.9, beta_2=0.999, epsilon=None, decay=0.0",
    "Nadam": "lr=0.002, beta_1=0.9, beta_2=0.999, epsilon=None, schedule_decay=0.004",
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_default_config_and_order(name):
    config = getattr(optimizers, name)().get_config()
    assert config == DEFAULTS[name] and list(config) == list(DEFAULTS[name])


@pytest.mark.parametrize("name", ARGUMENTS)
def test_signature(name):
    parameters = list(inspect.signature(getattr(optimizers, name)).parameters.values())
    assert parameters.pop().kind is inspect.Parameter.VAR_KEYWORD
    assert ", ".join(f"{p.name}={p.default!r}" for p in parameters) == ARGUMENTS[name]


@pytest.mark.parametrize("name", DEFAULTS)
def test_config_round_trip(name):
    cls = getattr(optimizers, name)
    opt = cls(lr=0.125, clipnorm=2.0, clipvalue=0.5)
    config = opt.get_config()
    assert list(config)[:2] == ["clipnorm", "clipvalue"]
    again = cls.from_config(config)
    assert type(again) is cls and again.get_config() == config


@pytest.mark.parametrize("name", DEFAULTS)
def test_lower_case_alias(name):
    assert getattr(optimizers, name.lower()) is getattr(optimizers, name)


def test_positional_arguments():
    assert Adam(0.5, 0.25, 0.75, 1e-3, 0.125, True).get_config() == {
        "lr": 0.5,
        "beta_1": 0.25,
        "beta_2": 0.75,
        "decay": 0.125,
        "epsilon": 1e-3,
        "amsgrad": True,
    }
    assert Adadelta(0.5, 0.25).rho == 0.25
    assert SGD(0.01, 0.9, 1e-6, True).initial_decay == 1e-6


def test_epsilon_is_that_of_the_backend_at_construction():
    old = settings.epsilon()
    settings.set_epsilon(1e-3)
    try:
        opt = Adam()
    finally:
        settings.set_epsilon(old)
    assert opt.epsilon == 1e-3 and Adam(epsilon=0.0).epsilon == 0.0


def test_tf_optimizer_names_what_takes_its_place():
    with pytest.raises(
        TypeError, match="Optimizers of TensorFlow cannot run here.*optax.GradientTransformation"
    ):
        TFOptimizer(object())
