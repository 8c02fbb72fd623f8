"""Files in every format, run where jkeras is not; what is refused, and that nothing is left then."""

import json
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jkeras
from jkeras import layers
from jkeras.core import extras
from jkeras.export import FORMATS, formats, proof, saved_model
from jkeras.export.signature import plain, signature_of
from tests.contract.test_coverage import EXCEPTIONS, exported
from tests.test_floors import ROOT

rng = np.random.RandomState(0)
NAMES = dict(inputs=["voice", "words"], outputs=["scores", "sums"], signature="voice_classification")

# What the documents of TensorFlow, LiteRT and ONNX say a user writes; none of it knows jkeras.
READER = """
import sys, warnings
warnings.simplefilter("ignore")
import numpy as np, onnxruntime, tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
folder = sys.argv[1]
given = dict(np.load(folder + "/given.npz"))
fed = {"voice": given["voice"], "words": given["words"]}
found = {}
loaded = tf.saved_model.load(folder + "/served/1")
served = loaded.signatures["voice_classification"]
for name, y in served(**{k: tf.constant(v) for k, v in fed.items()}).items():
    found["saved_model/" + name] = y.numpy()
v1 = tf.compat.v1
with v1.Session(graph=tf.Graph()) as session:
    graph = v1.saved_model.loader.load(session, ["serve"], folder + "/served/1")
    signature = list(graph.signature_def.items())[0][1]
    asked = {key: info.name for key, info in signature.outputs.items()}
    for name, y in session.run(asked, {i.name: fed[k] for k, i in signature.inputs.items()}).items():
        found["session/" + name] = y
graph, definition = tf.Graph(), v1.GraphDef()
with graph.as_default():
    definition.ParseFromString(open(folder + "/model.pb", "rb").read())
    tf.import_graph_def(definition, name="")
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        asked = {n: graph.get_tensor_by_name(n + ":0") for n in ("scores", "sums")}
        answer = session.run(asked, {graph.get_tensor_by_name(n + ":0"): x for n, x in fed.items()})
    for name, y in answer.items():
        found["frozen_pb/" + name] = y
runner = Interpreter(folder + "/model.tflite").get_signature_runner("voice_classification")
for name, y in runner(**fed).items():
    found["tflite/" + name] = y
session = onnxruntime.InferenceSession(folder + "/model.onnx")
for output, y in zip(session.get_outputs(), session.run(None, fed)):
    found["onnx/" + output.name] = y
assert not [name for name in sys.modules if name.startswith("jkeras")]
np.savez(folder + "/found.npz", **found)
"""


def classifier():
    """Two inputs and outputs, a shared layer, a nested model, words, BatchNormalization, a Lambda."""
    voice, words = layers.Input((4,)), layers.Input((3,), dtype="int32")
    shared, inner = layers.Dense(3), jkeras.Sequential([layers.Input((3,)), layers.Dense(5)])
    word = layers.Flatten()(layers.Embedding(9, 4)(words))
    both = layers.add([shared(voice), layers.Dense(3)(word)])
    power = layers.Lambda(lambda x: jkeras.backend.exp(-x))(layers.BatchNormalization()(both))
    head = layers.Dense(3, activation="softmax")(inner(power))
    return jkeras.Model([voice, words], [head, inner(both)])


def test_each_format_runs_where_jkeras_is_not(tmp_path):
    model = classifier()
    for target in ("served", "model.pb", "model.tflite", "model.onnx"):
        report = model.export(tmp_path / target, None if "." in target else "saved_model", **NAMES)
        assert report.road.startswith("tf-keras") and not report.refused, str(report)
        assert report.difference < proof.TOLERANCE and report.agreement == 1
        assert "voice float32[None, 4]" in str(report) and report.as_dict()["signature"] == NAMES["signature"]
    notes = json.loads((tmp_path / "served/1/assets.extra/jkeras.json").read_text("utf-8"))
    assert [e["name"] for e in notes["inputs"]] == NAMES["inputs"] and notes["road"] == "tf-keras"
    assert {p.name for p in (tmp_path / "served/1").iterdir()} >= {"saved_model.pb", "variables"}
    fed = {"voice": rng.rand(7, 4).astype("float32"), "words": rng.randint(0, 9, (7, 3)).astype("int32")}
    np.savez(tmp_path / "given.npz", **fed)
    subprocess.run([sys.executable, "-c", READER, str(tmp_path)], check=True, cwd=tmp_path)
    wanted = dict(zip(NAMES["outputs"], model.predict(list(fed.values())), strict=True))
    with np.load(tmp_path / "found.npz") as found:
        assert len(found) == 10
        for key, y in found.items():
            np.testing.assert_allclose(y, wanted[key.partition("/")[2]], rtol=1e-5, atol=1e-5, err_msg=key)


def test_small_weights_cost_what_is_said(tmp_path):
    model = jkeras.Sequential([layers.Input((64,)), layers.Dense(64, activation="tanh"), layers.Dense(5)])
    whole = tmp_path / "m.tflite"
    sizes = []
    for format in ("tflite", "tflite_int8"):
        report = model.export(whole, format, sample=rng.uniform(-1, 1, (40, 64)))
        sizes.append(whole.stat().st_size)
    assert (
        1e-5 < report.difference == report.differences[model.output_names[0]] < 0.1
        and report.agreement > 0.8
        and sizes[1] < sizes[0] / 2
    )
    assert "the same largest output in" in str(report)


def test_code_of_jax_goes_by_jax(tmp_path):
    model = jkeras.Sequential([layers.Input((None, 3)), layers.Lambda(lambda x: jnp.cumsum(x, 1))])
    report = model.export(tmp_path / "m", "saved_model", outputs=["y"])
    assert report.road == "jax2tf" and "tf-keras" in report.refused


def test_a_layer_that_cannot_go_is_named(tmp_path, monkeypatch):
    def write(model, signature, road, path):
        jaxpr = str(jax.make_jaxpr(model.pure().apply)(*model.values(), np.ones((2, 3), "float32")))
        if "reverse=True" in jaxpr:
            raise NotImplementedError("no loops from the end")

    kind = FORMATS["onnx"]._replace(roads=(formats.Road("one"), formats.Road("other")), write=write)
    monkeypatch.setitem(FORMATS, "onnx", kind)
    loop = layers.Lambda(lambda x: jax.lax.cumsum(x, 1, reverse=True), name="from_the_end")
    model = jkeras.Sequential([layers.Input((3,)), jkeras.Sequential([layers.Dense(3), loop], name="nested")])
    with pytest.raises(ValueError, match=r"(?s)layer 'from_the_end' \(Lambda\) cannot.*format='saved_model'"):
        model.export(tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def model():
    return jkeras.Sequential([layers.Input((3,), name="a-b"), layers.Dense(2, name="y")])


def test_what_is_refused_before_any_work(model, tmp_path):
    for path, format, said in (
        ("m.bin", None, "no format has the ending '.bin'"),
        ("m", "caffe", f"one of {', '.join(FORMATS)}; got 'caffe'"),
        ("m.onnx", "tflite", "'tflite' should not end as 'onnx'"),
    ):
        with pytest.raises(ValueError, match=re.escape(said)):
            model.export(tmp_path / path, format)
    with pytest.raises(ValueError, match="letters a to z, digits and _.*got '声'"):
        model.export(tmp_path / "m.onnx", inputs=["声"])
    with pytest.raises(ValueError, match="names that all differ"):
        model.export(tmp_path / "m.onnx", inputs=["y"])
    with pytest.raises(FileNotFoundError, match="create it first"):
        model.export(tmp_path / "no" / "m.onnx")
    with pytest.raises(FileNotFoundError):
        model.export(tmp_path / "no" / "m", "saved_model")
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        model.export(tmp_path / "file", "saved_model")
    keeps = jkeras.Sequential([layers.LSTM(1, stateful=True, batch_input_shape=(2, 3, 1), name="memory")])
    for format, kind in FORMATS.items():
        with pytest.raises(ValueError, match=r"keeps states.*\['memory'\]"):
            keeps.export(tmp_path / f"m{kind.ending}", format)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "format, extra",
    [("stablehlo",) * 2, ("saved_model", "tensorflow"), ("tflite", "tensorflow"), ("onnx", "onnx")],
)
def test_a_missing_package_is_named_with_its_extra(model, tmp_path, monkeypatch, format, extra):
    def missing(name, extra, what):
        raise ImportError(f'{what} needs {name}: pip install "jkeras[{extra}]"')

    monkeypatch.setattr(extras, "module", missing)
    with pytest.raises(ImportError, match=rf"model.export needs .*jkeras\[{extra}\]"):
        model.export(tmp_path / f"m{FORMATS[format].ending}", format)
    assert not list(tmp_path.iterdir())


def test_a_version_is_put_in_its_place_whole(tmp_path):
    target = tmp_path / "served"
    with pytest.raises(OSError, match="disk"), saved_model.next_version(target) as (part, _):
        (part / "half").touch()
        raise OSError("disk")
    assert not target.exists()
    for number in (1, 2, 8):
        with saved_model.next_version(target) as (part, place):
            (part / "saved_model.pb").touch()
            assert place() == target / str(number)
        if number == 2:
            (target / "7").mkdir()
    assert sorted(p.name for p in target.iterdir()) == ["1", "2", "7", "8"]


def test_a_wrong_file_takes_the_next_road(model, tmp_path, monkeypatch):
    def opened(path, signature):
        written = path.read_text("utf-8")
        return lambda xs: [np.asarray(model.predict(xs[0])) + (written == "first")]

    def write(model, signature, road, path):
        path.write_text(road, "utf-8")
        return ()

    kind = FORMATS["onnx"]._replace(
        roads=(formats.Road("first"), formats.Road("second")), write=write, opened=opened
    )
    monkeypatch.setitem(FORMATS, "onnx", kind)
    report = model.export(tmp_path / "m.onnx")
    assert report.road == "second" and "off by 1" in report.refused["first"]
    assert [e.name for e in report.signature.inputs] == ["a_b"]
    monkeypatch.setitem(FORMATS, "onnx", kind._replace(roads=kind.roads[:1]))
    with pytest.raises(ValueError, match=r"off by 1"):
        model.export(tmp_path / "other.onnx")
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]


def test_words_of_python_are_no_names():
    """TensorFlow makes parameters of the names."""
    x = layers.Input((2,), name="in")
    model = jkeras.Model(x, layers.Dense(1)(x))
    own = signature_of(model)
    assert [e.name for e in plain(own, own).inputs] == ["in_"]
    with pytest.raises(ValueError, match="no words of Python; got 'class'"):
        plain(signature_of(model, ["class"]), own)


def test_differences():
    nan, inf = np.nan, np.inf
    for mine, theirs, off in (
        ([1.0, nan, inf], [1.0, nan, inf], 0),
        ([0.0], [nan], inf),
        ([100.0], [101.0], 0.01),
    ):
        run = proof.measure(
            lambda xs, y=theirs: [np.array([y])], [proof.Batch([np.ones((1, 1))], [np.array([mine])])]
        )
        assert run.differences == (pytest.approx(off),) and run.is_close == (off == 0)
    chaotic = proof.Batch([np.ones((1, 1))], [np.array([100.0])], (0.003,))
    assert proof.measure(lambda xs: [np.array([101.0])], [chaotic]).is_close
    with pytest.raises(ValueError, match="outputs of shapes"):
        proof.measure(lambda xs: [np.ones(3)], [proof.Batch([np.ones((1, 1))], [np.ones((1, 2))])])


def test_the_page_has_a_row_for_every_layer():
    """`benchmarks/exports.py` makes it."""
    page = (ROOT / "examples/guides/en/export.md").read_text("utf-8")
    rows = re.findall(r"^\| (\w+)[^|]* \| (.*) \|$", page.split("## Layers")[1], re.M)
    assert exported().keys() - EXCEPTIONS.keys() <= {name for name, _ in rows}
    cells = [cell for _, row in rows for cell in row.split(" | ")]
    assert not [c for c in cells if not re.fullmatch(r"[JK]¹? \de[-+]\d\d|\[\d+\]|\?", c)]
    assert len([c for c in cells if float(c.split()[-1] if "e-" in c else 0) <= proof.TOLERANCE]) > 200
