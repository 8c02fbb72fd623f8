"""The graph of a model in Keras's words; what is expected comes from a run of Keras 2.2.4."""

from __future__ import annotations

import pytest

from jkeras.engine.network import _make_node_key, _map_graph_network
from jkeras.layers import Add, Dense, Input, Lambda
from jkeras.models import Model, Sequential


def _names(by_depth: dict) -> dict:
    return {depth: [getattr(x, "outbound_layer", x).name for x in found] for depth, found in by_depth.items()}


def _coordinates(found: list) -> list:
    return [(layer.name, *place) for layer, *place in found]


@pytest.fixture
def model() -> Model:
    """A layer that is called twice, and a longer way beside a shorter one."""
    a, b = Input((4,), name="a"), Input((4,), name="b")
    shared = Dense(3, name="shared")
    x, y = shared(a), shared(b)
    total = Add(name="sum")([x, Dense(3, name="deep")(Dense(3, name="mid")(y))])
    return Model([a, b], [total, y, x], name="m")


def test_branches(model):
    assert [layer.name for layer in model._input_layers] == ["a", "b"]
    assert [layer.name for layer in model._output_layers] == ["sum", "shared", "shared"]
    assert _coordinates(model._input_coordinates) == [("a", 0, 0), ("b", 0, 0)]
    assert _coordinates(model._output_coordinates) == [("sum", 0, 0), ("shared", 1, 0), ("shared", 0, 0)]
    assert _names(model._nodes_by_depth) == {
        0: ["sum"],
        1: ["deep"],
        2: ["mid"],
        3: ["shared", "shared"],
        4: ["b", "a"],
    }
    assert _names(model._layers_by_depth) == {
        0: ["sum"],
        1: ["deep"],
        2: ["mid"],
        3: ["shared"],
        4: ["a", "b"],
    }
    assert sorted(model._network_nodes) == sorted(
        "a_ib-0 b_ib-0 deep_ib-0 mid_ib-0 shared_ib-0 shared_ib-1 sum_ib-0".split()
    )
    assert model._container_nodes == model._network_nodes and model.input_layers == model._input_layers


def test_a_model_within_a_model(model):
    a = Input((4,), name="a")
    outer = Model(a, model([a, a])[0])
    assert _coordinates(outer._output_coordinates) == [("m", 1, 0)]
    assert outer._network_nodes == {"a_ib-0", "m_ib-1"}
    assert _names(outer._nodes_by_depth) == {0: ["m"], 1: ["a"]}


def test_sequential_has_its_input_layer():
    model = Sequential([Dense(2, input_shape=(3,), name="one"), Dense(1, name="two")])
    assert _names(model._layers_by_depth) == {0: ["two"], 1: ["one"], 2: ["one_input"]}
    assert [layer.name for layer in model._layers] == ["one_input", "one", "two"]
    assert [layer.name for layer in model.layers] == ["one", "two"]


def test_functions_over_tensors_have_no_layer():
    x = Input((3,), name="x")
    model = Model(x, Lambda(lambda v: v, name="same")(x * 2))
    assert model._network_nodes == {"x_ib-0", "same_ib-0"}


def test_a_model_without_graph_says_so():
    class Own(Model):
        def call(self, x):
            return x

    with pytest.raises(NotImplementedError, match="_nodes_by_depth needs a model that is a graph of layers"):
        _ = Own()._nodes_by_depth
    assert not hasattr(Own(), "_layers_by_depth")


def test_functions_of_the_network_module(model):
    keys, nodes, layers, by_depth = _map_graph_network(model.inputs[:1], model.outputs[2:])
    assert _make_node_key("shared", 1) == "shared_ib-1" and keys == {"a_ib-0", "shared_ib-0"}
    assert _names(nodes) == _names(by_depth) == {0: ["shared"], 1: ["a"]}
    assert [layer.name for layer in layers] == ["a", "shared"]
