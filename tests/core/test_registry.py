"""Custom objects, serialization by name or config, and the errors for unknown names."""

from __future__ import annotations

import pytest

from jkeras.core import registry
from jkeras.core.registry import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    serialize_keras_object,
)


class Point:
    def __init__(self, x=0, inner=None):
        self.x, self.inner = x, inner

    def get_config(self):
        return {"x": self.x}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class Holder(Point):
    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(inner=deserialize_keras_object(config["inner"], {}, custom_objects))


class Nested(Point):
    @classmethod
    def from_config(cls, config):
        return cls(inner=deserialize_keras_object(config["inner"], {}))


@pytest.fixture(autouse=True)
def clean():
    yield
    get_custom_objects().clear()


def test_a_config_goes_around():
    written = serialize_keras_object(Point(3))
    assert written == {"class_name": "Point", "config": {"x": 3}}
    assert deserialize_keras_object(written, {"Point": Point}).x == 3
    assert written == {"class_name": "Point", "config": {"x": 3}}
    assert serialize_keras_object(None) is None
    assert serialize_keras_object(len) == "len"


def test_what_cannot_be_written():
    with pytest.raises(ValueError, match="Cannot serialize 3"):
        serialize_keras_object(3)


def test_custom_objects_win_over_global_ones_over_built_in_ones():
    get_custom_objects()["name"] = "global"
    assert deserialize_keras_object("name", {"name": "built in"}, {"name": "own"}) == "own"
    assert deserialize_keras_object("name", {"name": "built in"}) == "global"
    get_custom_objects().clear()
    assert deserialize_keras_object("name", {"name": "built in"}) == "built in"


def test_a_function_is_called_with_its_config():
    written = {"class_name": "make", "config": {"x": 5}}
    assert deserialize_keras_object(written, {"make": lambda x: Point(x)}).x == 5


@pytest.mark.parametrize("outer", [Holder, Nested])
def test_custom_objects_reach_the_inner_objects(outer):
    written = {"class_name": "Outer", "config": {"inner": {"class_name": "Point", "config": {"x": 7}}}}
    custom = {"Outer": outer, "Point": Point}
    assert deserialize_keras_object(written, {}, custom).inner.x == 7
    with CustomObjectScope(custom):
        assert deserialize_keras_object(written, {}).inner.x == 7
    assert get_custom_objects() == {}


def test_a_scope_undoes_all_changes_also_after_an_error():
    get_custom_objects()["kept"] = 1
    with pytest.raises(RuntimeError), custom_object_scope({"a": 2}, {"b": 3}, None):
        get_custom_objects()["c"] = 4
        assert set(get_custom_objects()) == {"kept", "a", "b", "c"}
        raise RuntimeError
    assert get_custom_objects() == {"kept": 1}


def test_a_scope_can_be_entered_again():
    scope = CustomObjectScope({"a": 1})
    with scope, CustomObjectScope({"b": 2}), scope:
        assert set(get_custom_objects()) == {"a", "b"}
    assert get_custom_objects() == {}


def test_unknown_names_list_close_ones_and_the_line_to_copy():
    with pytest.raises(ValueError, match=r"layer: Dens. Did you mean 'Dense'.*custom_objects={'Dens': Dens}"):
        deserialize_keras_object({"class_name": "Dens", "config": {}}, {"Dense": Point}, None, "layer")
    with pytest.raises(ValueError, match=r"Unknown layer: Attention. If it is your own"):
        deserialize_keras_object("Attention", {"Dense": Point}, printable_module_name="layer")
    with pytest.raises(ValueError, match="Unknown object: x"):
        deserialize_keras_object("x")


@pytest.mark.parametrize("identifier", [{"config": {}}, {"class_name": "Point"}])
def test_improper_configs(identifier):
    with pytest.raises(ValueError, match="Improper config format"):
        deserialize_keras_object(identifier, {"Point": Point})


def test_other_identifiers():
    with pytest.raises(ValueError, match="Could not interpret serialized layer: 3"):
        deserialize_keras_object(3, {}, printable_module_name="layer")


def test_has_arg():
    def fn(a, /, b, *args, c=1, **kwargs):
        return a, b, args, c, kwargs

    assert [registry.has_arg(fn, n) for n in "abcz"] == [False, True, True, False]
    assert registry.has_arg(fn, "z", accept_all=True)
    assert registry.has_arg(Point, "x") and not registry.has_arg(Point, "y", accept_all=True)


def test_bare_names_of_configured_objects():
    def needs(x):
        return x

    names = {"Point": Point, "make": lambda x=1: Point(x), "needs": needs}
    assert registry.configured("Point", names, "point").x == 0
    assert registry.configured("make", names, "point").x == 1
    assert registry.configured("needs", names, "point") is needs
