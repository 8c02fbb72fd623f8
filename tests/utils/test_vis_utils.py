"""plot_model and model_to_dot: Keras's graph, with graphviz and pydot or without."""

from __future__ import annotations

import copy
import pickle
import shutil
import sys

import pytest

from jkeras.layers import LSTM, Bidirectional, Dense, Input, TimeDistributed, add, concatenate
from jkeras.models import Model, Sequential
from jkeras.utils import plot_model
from jkeras.utils.vis_utils import _check_pydot, model_to_dot
from tests.visualization.models import ALL, branches, chain, nested

HAS_DOT = shutil.which("dot") is not None


@pytest.fixture(params=["pydot", "plain"])
def language(request, monkeypatch):
    """With pydot, and without."""
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "pydot", None)
    else:
        pytest.importorskip("pydot")
    return request.param


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


def bare(text) -> str:
    return str(text).strip('"').replace("\\n", "\n")


def content(graph) -> tuple[list[str], list[tuple[int, int]]]:
    """The labels of the boxes, and the arrows by their numbers."""
    nodes = [n for n in graph.get_nodes() if bare(n.get_name()) != "node"]
    numbers = {bare(n.get_name()): i for i, n in enumerate(nodes)}
    arrows = [(numbers[bare(e.get_source())], numbers[bare(e.get_destination())]) for e in graph.get_edges()]
    return [bare(n.get_label()) for n in nodes], arrows


def shapes(label: str, before: str, after: str) -> str:
    return f"{label}\n|{{input:|output:}}|{{{{{before}}}|{{{after}}}}}"


def test_a_graph_as_keras_makes_it(language):
    """What Keras 2.2.4 gives for this model (run there), but for the order of the attributes."""
    x = Input((4, 3), name="i")
    again = Dense(3, name="d")
    y = again(x)
    z = add([y, again(y), y], name="add")
    b = Bidirectional(LSTM(2, name="lstm"), name="bi")(z)
    t = TimeDistributed(Dense(2, name="td_d"), name="td")(z)
    last = Dense(1, name="sh")
    model = Model(x, [last(b), last(b), t, *LSTM(2, return_state=True, name="st")(z)])
    labels, arrows = content(model_to_dot(model, show_shapes=True))
    wide, three = "(None, 4, 3)", "[(None, 4, 3), (None, 4, 3), (None, 4, 3)]"
    assert labels == [
        shapes("i: InputLayer", wide, wide),
        shapes("d: Dense", wide, wide),
        shapes("add: Add", three, wide),
        shapes("bi(lstm): Bidirectional(LSTM)", wide, "(None, 4)"),
        shapes("sh: Dense", "(None, 4)", "(None, 1)"),
        shapes("td(td_d): TimeDistributed(Dense)", wide, "(None, 4, 2)"),
        shapes("st: LSTM", wide, "[(None, 2), (None, 2), (None, 2)]"),
    ]
    assert arrows == [(0, 1), (1, 1), (1, 2), (1, 2), (1, 2), (2, 3), (3, 4), (3, 4), (2, 5), (2, 6)]
    labels, _ = content(model_to_dot(model, show_layer_names=False))
    assert labels == "InputLayer Dense Add Bidirectional(LSTM) Dense TimeDistributed(Dense) LSTM".split()


def test_shared_models_and_attributes(language):
    inner = Sequential([Dense(3, input_shape=(3,), name="k")], name="inner")
    a, b = Input((3,), name="a"), Input((3,), name="b")
    graph = model_to_dot(Model([a, b], concatenate([inner(a), inner(b)], name="c")), rankdir="LR", dpi=120)
    assert content(graph) == (
        ["a: InputLayer", "b: InputLayer", "inner: Sequential", "c: Concatenate"],
        [(0, 2), (1, 2), (2, 3), (2, 3)],
    )
    assert graph.get("rankdir") == "LR" and float(graph.get("dpi")) == 120
    assert "shape=record" in graph.to_string() and graph.create(format="raw").decode() == graph.to_string()


def test_the_box_before_a_sequential_is_its_input(language):
    """Keras 2.2.4 leaves it without a label, so that graphviz shows a number."""
    labels, arrows = content(model_to_dot(chain()))
    assert labels == ["a_input: InputLayer", "a: Dense", "b: Dropout", "c: Dense"]
    assert arrows == [(0, 1), (1, 2), (2, 3)]


def test_inner_models_are_clusters(language):
    graph = model_to_dot(nested(), expand_nested=True)
    assert model_to_dot(nested(), expand_dim=True).to_string().count("subgraph") == 3
    clusters = {bare(c.get("label")): c for c in graph.get_subgraphs()}
    assert set(clusters) == {"outer: Model", "each(inner): TimeDistributed(Sequential)"}
    within = clusters["outer: Model"]
    assert [bare(c.get("label")) for c in within.get_subgraphs()] == ["inner: Sequential"]
    boxes = [n for g in (graph, *clusters.values(), *within.get_subgraphs()) for n in g.get_nodes()]
    label = {bare(n.get_name()): bare(n.get_label()) for n in boxes}
    arrows = [(label[bare(e.get_source())], label[bare(e.get_destination())]) for e in graph.get_edges()]
    for side in ("left", "right"):
        assert arrows.count((f"{side}: InputLayer", "x: InputLayer")) == 1
    assert {source for source, target in arrows if target == "all: Concatenate"} == {
        "k: Dense",
        "other: Dense",
        "l: LSTM",
    }
    assert (
        arrows.count(("k: Dense", "l: LSTM"))
        == 1
        == arrows.count(("series: InputLayer", "k_input: InputLayer"))
    )


def test_functions_over_tensors_are_boxes():
    labels, arrows = content(model_to_dot(branches()))
    at = labels.index("concatenate")
    assert {(labels[a], labels[b]) for a, b in arrows if at in (a, b)} == {
        ("both_ways(lstm): Bidirectional(LSTM)", "concatenate"),
        ("numbers: InputLayer", "concatenate"),
        ("concatenate", "first: Dense"),
    }


@pytest.mark.skipif(not HAS_DOT, reason="graphviz is not installed")
@pytest.mark.parametrize("make", ALL.values(), ids=list(ALL))
def test_graphviz_reads_it(language, make):
    graph = model_to_dot(make(), show_shapes=True, expand_nested=True)
    found = graph.create(prog="dot", format="svg")
    assert b"Generated by graphviz" in found and found.count(b"<title>") > 4
    assert graph.create_png(prog=["dot", "-Gdpi=50"]).startswith(b"\x89PNG")
    _ = language == "pydot" and _check_pydot()


@pytest.mark.skipif(not HAS_DOT, reason="graphviz is not installed")
def test_graphviz_reads_any_name(language):
    name = 'a|b {c} <d> "e" \\f 模型'
    model = Sequential([Dense(1, input_shape=(2,), name=name)])
    found = model_to_dot(model, show_shapes=True).create(format="svg").decode()
    assert "a|b {c} &lt;d&gt; &quot;e&quot; \\f 模型: Dense" in found.replace("&#45;", "-").replace(
        "&#160;", " "
    )


def test_without_graphviz(language, no_dot, tmp_path):
    model = nested()
    graph = model_to_dot(model, show_shapes=True, expand_nested=True, dpi=192)
    for found in (graph.create(prog="dot", format="svg"), graph.create_svg()):
        assert found.startswith(b"<svg") and b"each(inner): TimeDistributed(Sequential)" in found
    assert graph.create(format="dot").decode() == graph.to_string()
    assert graph.write(tmp_path / "a.svg", format="svg") and (tmp_path / "a.svg").read_bytes() == found
    graph.write_raw(str(tmp_path / "a.txt"))
    assert (tmp_path / "a.txt").read_text() == graph.to_string()
    with pytest.raises(FileNotFoundError, match="no program 'my_dot'"):
        graph.create(prog="my_dot", format="svg")
    with pytest.raises(OSError if language == "pydot" else ImportError, match="pydot"):
        _check_pydot()


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"]
)
def test_copies(language, no_dot, copied):
    graph = model_to_dot(branches())
    twin = copied(graph)
    assert twin.to_string() == graph.to_string() and twin.create_svg() == graph.create_svg()
    twin.set("rankdir", "LR")
    assert twin.create(format="svg") != graph.create(format="svg")


def test_files_without_graphviz(no_dot, tmp_path):
    pytest.importorskip("matplotlib")
    for name, start in (("a.png", b"\x89PNG"), ("a.PDF", b"%PDF"), ("a.svg", b"<svg"), ("a.dot", b"digraph")):
        assert plot_model(chain(), tmp_path / name) is None
        assert (tmp_path / name).read_bytes().startswith(start)
    plot_model(chain(), str(tmp_path / "without"))
    assert (tmp_path / "without").read_bytes().startswith(b"\x89PNG")


def test_files_without_anything(no_dot, tmp_path, monkeypatch):
    """A missing program stops nobody: there is an svg file, and one warning that says so."""
    for name in ("pydot", "matplotlib"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.warns(UserWarning, match=r"png files need graphviz .*wrote .*a\.svg instead") as told:
        plot_model(chain(), str(tmp_path / "a.png"))
    assert [w.filename for w in told] == [__file__]
    assert [p.name for p in tmp_path.iterdir()] == ["a.svg"]
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
    with pytest.raises(ValueError, match="as 'xyz': graphviz is not installed.*matplotlib"):
        plot_model(chain(), tmp_path / "a.xyz")


@pytest.mark.skipif(not HAS_DOT, reason="graphviz is not installed")
def test_files_with_graphviz(tmp_path):
    plot_model(chain(), tmp_path / "a.png", show_shapes=True, rankdir="LR", dpi=60)
    plot_model(chain(), str(tmp_path / "without"))
    for name in ("a.png", "without"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="as 'xyz': dot says: .*not recognized"):
        plot_model(chain(), tmp_path / "a.xyz")


def test_an_svg_of_graphviz_is_as_large_as_its_page(tmp_path, monkeypatch):
    """Told another number than its own 72 dots an inch it draws beyond the edge."""
    program = tmp_path / "dot"
    program.write_text(f"""#!/bin/sh
cat > {tmp_path}/seen
echo '<svg width="30pt" height="15pt" viewBox="0.00 0.00 30.00 15.00">'
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    graph = model_to_dot(chain(), dpi=192)
    assert graph.create(format="svg").startswith(b'<svg width="80px" height="40px" viewBox="0.00 0.00 30.00')
    assert "dpi=72;" in (tmp_path / "seen").read_text() and graph.get("dpi") == 192
    graph.create(format="png")
    assert "dpi=192;" in (tmp_path / "seen").read_text()


def test_a_graphviz_that_fails(tmp_path, monkeypatch):
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.warns(UserWarning, match="dot says: broken; the picture is jkeras's own"):
        assert model_to_dot(chain()).create(format="svg").startswith(b"<svg")


class Own(Model):
    """A model with its own call."""

    def call(self, x):
        return x


@pytest.mark.parametrize(
    "model, words, pattern",
    [
        (Sequential, {}, "not built yet. Give its first layer an input_shape"),
        (lambda: Sequential([Dense(2)]), {}, "not built yet"),
        (Own, {}, r"Own computes in its own call.*Model\(inputs, outputs\)"),
        (lambda: Dense(2), {}, "Only a model can be drawn"),
        (chain, {"rankdir": "tb"}, "'TB', 'BT', 'LR', 'RL'; got 'tb'"),
        (chain, {"dpi": 0}, "dpi must be a number above 0"),
        (chain, {"dpi": "96"}, "dpi must be a number above 0"),
    ],
    ids="empty unbuilt subclass layer rankdir zero word".split(),
)
def test_errors(model, words, pattern, tmp_path):
    for call in (model_to_dot, lambda m, **kw: plot_model(m, tmp_path / "a.svg", **kw)):
        with pytest.raises(ValueError, match=pattern):
            call(model(), **words)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        plot_model(chain(), tmp_path / "nowhere" / "a.svg")
