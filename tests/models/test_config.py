"""Configurations of graphs: the order of calls, and what is wrong with one."""

import json

import pytest

from jkeras.layers import Dense, Input
from jkeras.models import Model, Sequential, model_from_json


def chain(n):
    """`n` layers in a row."""
    first = {"batch_input_shape": [None, 2], "name": "i"}
    layers = [{"name": "i", "class_name": "InputLayer", "config": first, "inbound_nodes": []}]
    for k in range(n):
        node = [["i" if k == 0 else f"d{k - 1}", 0, 0, {}]]
        config = {"units": 2, "name": f"d{k}"}
        layers.append({"name": f"d{k}", "class_name": "Dense", "config": config, "inbound_nodes": [node]})
    ends = {"input_layers": [["i", 0, 0]], "output_layers": [[layers[-1]["name"], 0, 0]]}
    return {"class_name": "Model", "config": {"name": "m", "layers": layers, **ends}}


def test_the_order_of_layers_does_not_matter():
    config = chain(5)
    config["config"]["layers"].reverse()
    model = model_from_json(json.dumps(config))
    assert [layer.name for layer in model.layers] == ["i", "d0", "d1", "d2", "d3", "d4"]


def broken(nodes=None, **changes):
    config = chain(3)
    if nodes is not None:
        config["config"]["layers"][1]["inbound_nodes"] = nodes
    config["config"].update(changes)
    return config


PLACE = r"expected a list of \[layer, call, tensor\]"


@pytest.mark.parametrize(
    "config, complaint",
    [
        (broken([[["d2", 0, 0, {}]]]), r"\['d0', 'd1', 'd2'\] wait for each other"),
        (broken([[["d0", 0, 0, {}]]]), "wait for each other"),
        (broken([[["none", 0, 0, {}]]]), "'d0' takes the output of call 0 of 'none', which is not in it"),
        (broken([[["i", 3, 0, {}]]]), "'d0' takes the output of call 3 of 'i', which is called fewer times"),
        (broken([[["i", 0, 7, {}]]]), "output 7 of call 0 of layer 'i', which has 1"),
        (broken([[["i", 0, -1, {}]]]), "output -1"),
        (broken([["i", 0, 0, {}]]), f"layer 'd0' is .*{PLACE}"),
        (broken([[[["i"], 0, 0, {}]]]), PLACE),
        (broken([[["i", 0, 0, 5]]]), PLACE),
        (broken([[]]), PLACE),
        (broken(7), PLACE),
        (broken(output_layers=[["none", 0, 0]]), "layer 'none', which has 0 outputs"),
        (broken(output_layers=[]), "names no outputs"),
        (broken(layers=[*chain(3)["config"]["layers"], chain(1)["config"]["layers"][1]]), r"named \['d0'\]"),
        (broken(layers=5), "'int' object is not iterable.*in the config of 'm'"),
    ],
    ids=range(15),
)
def test_what_is_wrong_is_said(config, complaint):
    with pytest.raises(ValueError, match=complaint):
        model_from_json(json.dumps(config))


@pytest.mark.parametrize("units", [10**12, 1e12, 2**63])
def test_weights_above_the_memory_are_refused_with_their_layer(units):
    config = chain(2)
    config["config"]["layers"][1]["config"]["units"] = units
    with pytest.raises(ValueError, match=r"GB of memory.*in the config of 'd0'"):
        model_from_json(json.dumps(config))


def test_a_graph_that_grows_exponentially_is_refused():
    config = chain(64)
    for layer in config["config"]["layers"][1:]:
        layer["class_name"], layer["config"] = "Concatenate", {"name": layer["name"]}
        layer["inbound_nodes"][0] *= 2
    with pytest.raises(ValueError, match="GB of memory"):
        model_from_json(json.dumps(config))


def test_more_layers_than_a_model_has_are_refused():
    with pytest.raises(ValueError, match="5001 layers"):
        model_from_json(json.dumps(chain(5000)))


def test_layers_that_are_added_make_one_graph(monkeypatch):
    """Adding layer by layer takes as long as adding all: the graph waits until somebody asks for it."""
    made = []
    original = Sequential._init_graph
    monkeypatch.setattr(
        Sequential, "_init_graph", lambda self, *args: made.append(1) or original(self, *args)
    )
    model = Sequential()
    for i in range(20):
        model.add(Dense(2, name=f"d{i}", **({"input_shape": (3,)} if not i else {})))
    assert not made and model.built
    assert model.output_shape == (None, 2) and len(model.layers) == 20 and len(made) == 1
    x = Input((3,))
    assert Model(x, model(x)).count_params() == model.count_params() and len(made) == 1
    model.add(Dense(5))
    assert model.output_shape == (None, 5) and len(made) == 2
