"""Optimizers by name, by config, and whatever else compile accepts."""

from __future__ import annotations

import optax
import pytest

from jkeras.core.registry import CustomObjectScope
from jkeras.optimizers import SGD, Adam, OptaxOptimizer, RMSprop, deserialize, get, serialize


class Mine(SGD):
    pass


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam"])
def test_by_name_in_any_case(name):
    for spelling in (name, name.lower(), name.upper()):
        assert type(get(spelling)).__name__ == name


def test_an_instance_is_itself():
    opt = Adam()
    assert get(opt) is opt


def test_serialize_round_trip_leaves_the_config_alone():
    config = serialize(RMSprop(lr=0.5))
    assert config == {
        "class_name": "RMSprop",
        "config": {"lr": 0.5, "rho": 0.8999999761581421, "decay": 0.0, "epsilon": 1e-07},
    }
    before = {**config, "config": dict(config["config"])}
    assert serialize(get(config)) == serialize(deserialize(config)) == config == before


def test_objects_of_ones_own():
    config = serialize(Mine(lr=0.5))
    assert config["class_name"] == "Mine"
    assert type(deserialize(config, {"Mine": Mine})) is Mine
    with CustomObjectScope({"Mine": Mine}):
        assert type(get(config)) is type(get("Mine")) is Mine
    assert type(deserialize({"class_name": "SGD", "config": {}}, {"SGD": Mine})) is Mine
    with pytest.raises(ValueError, match="Unknown optimizer: Mine"):
        get(config)


def test_unknown_names_and_things():
    with pytest.raises(ValueError, match="Unknown optimizer: adan.*Adam"):
        get("adan")
    with pytest.raises(ValueError, match="Could not interpret optimizer identifier: 3. Expected"):
        get(3)
    with pytest.raises(ValueError, match="Could not interpret optimizer identifier: None"):
        get(None)
    with pytest.raises(ValueError, match=r"Adam is a class: pass an optimizer, as in Adam\(\)"):
        get(Adam)
    with pytest.raises(ValueError, match="Improper config format"):
        get({"class_name": "SGD"})
    with pytest.raises(ValueError, match=r"adamw makes an optimizer and is no schedule: call it first"):
        get(optax.adamw)


def test_optax_and_schedules():
    assert isinstance(get(optax.adam(1e-3)), OptaxOptimizer)
    assert isinstance(get(optax.MultiSteps(optax.sgd(1.0), 2)), OptaxOptimizer)
    opt = get(optax.exponential_decay(0.5, 10, 0.9))
    assert type(opt) is SGD and opt.lr.numpy() == 0.5
