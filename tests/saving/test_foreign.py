"""Files of Keras 3.15, tf-keras 2.21 and flax 0.12, with what these predict; damaged and hostile ones."""

import io
import json
import tracemalloc
import warnings
import zipfile

import h5py
import numpy as np
import pytest

from jkeras.layers import BatchNormalization, Conv2D, Dense, Flatten
from jkeras.models import Sequential, load_model
from jkeras.saving import foreign, keras3, places
from tests import golden

LATER = "saved by a later Keras"
MASKED = "gives zeros at masked steps in later Kerases"


def recorded(name):
    """Inputs and outputs of a model in the framework that wrote it."""
    with np.load(golden.path(f"later/{name}.npz")) as arrays:
        parts = {k: arrays[k] for k in arrays.files}
    return [parts[k] for k in sorted(parts) if k[0] == "x"], [parts[k] for k in sorted(parts) if k[0] == "y"]


def predicts(model, name):
    """Compare the outputs of `model` with what is recorded."""
    x, y = recorded(name)
    outputs = model.predict(x)
    for a, b in zip(outputs if isinstance(outputs, list) else [outputs], y, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    "file",
    [
        "seq.keras",
        "rnn.keras",
        "nested.keras",
        "conv.keras",
        "transformer.keras",
        "seq.h5",
        "rnn.h5",
        "tf_seq.h5",
        "tf_rnn.h5",
    ],
)
@pytest.mark.filterwarnings(f"ignore:.*{MASKED}", "ignore:The mask of the input ends")
def test_models_of_later_kerases(file):
    model, report = load_model(str(golden.path(f"later/{file}")), compile=False, report=True)
    predicts(model, file.split(".")[0])
    assert not report.missing and not report.unused and len(report.loaded) == len(model.weights)


@pytest.mark.parametrize("name", ["seq", "rnn", "nested", "conv", "transformer"])
@pytest.mark.filterwarnings(f"ignore:.*{MASKED}", "ignore:The mask of the input ends")
def test_weights_of_keras_3(name, tmp_path):
    model = load_model(str(golden.path(f"later/{name}.keras")), compile=False)
    model.set_weights([0 * w for w in model.get_weights()])
    report = model.load_weights(str(golden.path(f"later/{name}.weights.h5")), report=True)
    predicts(model, name)
    assert not report.missing and not report.unused
    foreign.write_places(model, tmp_path / "again.weights.h5")  # Keras 3.15 loads these files: tried
    model.set_weights([0 * w for w in model.get_weights()])
    model.load_weights(str(tmp_path / "again.weights.h5"))
    predicts(model, name)


REFUSED = {
    "act": "hard_sigmoid is relu6",
    "lstmh": "hard_sigmoid is relu6",
    "clh": "hard_sigmoid is relu6",
    "op": "is the Keras 3 operation Add",
}


@pytest.fixture(scope="module")
def single_layers():
    """Models of Keras 3.15, one for each of its layers that Keras 2.2.4 has, with inputs and outputs."""
    with zipfile.ZipFile(golden.path("later/layers.zip")) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_each_layer_of_keras_3_gives_its_numbers_or_is_refused(single_layers, tmp_path):
    for name in [name.removesuffix(".npz") for name in single_layers if name.endswith(".npz")]:
        path = tmp_path / f"{name}.keras"
        path.write_bytes(single_layers[f"{name}.keras"])
        if name in REFUSED:
            with pytest.raises(ValueError, match=REFUSED[name]):
                load_model(str(path), compile=False)
            continue
        with np.load(io.BytesIO(single_layers[f"{name}.npz"])) as arrays:
            x, y = [arrays[k] for k in sorted(arrays.files) if k[0] == "x"], arrays["y"]
        if name == "mbis":  # its masked steps are zeros in Keras 3
            with pytest.warns(UserWarning, match=MASKED):
                outputs = load_model(str(path), compile=False).predict(x)
            outputs = np.where((x[0] == 0).all(-1, keepdims=True), y, outputs)
        else:
            outputs = load_model(str(path), compile=False).predict(x)
        np.testing.assert_allclose(outputs, y, rtol=1e-5, atol=3e-6, err_msg=name)


def test_how_it_was_compiled():
    model, report = load_model(str(golden.path("later/seq.keras")), report=True)
    assert report.optimizer.startswith("goes on after")
    assert model.loss == "sparse_categorical_crossentropy" and model.metrics_names == ["loss", "acc"]
    with (
        pytest.warns(UserWarning, match="not\\* compiled, because the optimizer RMSprop has momentum=0.9"),
        pytest.warns(UserWarning, match=MASKED),
    ):
        load_model(str(golden.path("later/tf_rnn.h5")))
    sgd = load_model(str(golden.path("later/nested.keras"))).optimizer.get_config()
    assert sgd["momentum"] == pytest.approx(0.9) and sgd["nesterov"] is True


def net():
    """The network of net.flax."""
    first = Conv2D(4, 3, padding="same", activation="relu", input_shape=(5, 5, 2), name="conv")
    rest = [BatchNormalization(epsilon=1e-5), Flatten(), Dense(6, activation="relu"), Dense(3, name="out")]
    return Sequential([first, *rest])


def test_a_tree_of_flax():
    model = net()
    report = model.load_weights(str(golden.path("later/net.flax")), report=True)
    predicts(model, "net")
    assert report.renamed["Conv_0"] == "conv" and report.renamed["Dense_1"] == "out"
    assert str(report).splitlines()[0] == "loaded: 10 weights"


def test_a_tree_of_nnx():
    """`serialization.to_bytes` of the pure dict of `nnx.state`, with the keys of Dropout as numbers."""
    model = net()
    report = model.load_weights(str(golden.path("later/nnx.flax")), report=True)
    predicts(model, "nnx")
    assert report.renamed["hidden"].startswith("dense") and not report.missing and not report.ambiguous
    assert report.unused == ["drop/rngs/count", "drop/rngs/key"]


def test_equal_shapes_are_told_and_names_win(tmp_path):
    arrays = {name: np.full((2, 2), i, "float32") for i, name in enumerate(["b.kernel", "a.kernel"])}
    np.savez(tmp_path / "w.npz", **arrays)

    def model(*names):
        first, second = (Dense(2, use_bias=False, name=name, input_shape=(2,)) for name in names)
        return Sequential([first, second])

    named, other = model("a", "b"), model("x", "y")
    report = named.load_weights(str(tmp_path / "w.npz"), report=True)
    assert [w[0, 0] for w in named.get_weights()] == [1, 0] and not report.ambiguous
    half = model("x", "b")  # a name leaves one place for the other
    assert not half.load_weights(str(tmp_path / "w.npz"), report=True).ambiguous
    assert [w[0, 0] for w in half.get_weights()] == [1, 0]
    with pytest.warns(UserWarning, match=r"taken in its order: b → x \(a would fit too\)"):
        report = other.load_weights(str(tmp_path / "w.npz"), report=True)
    assert report.ambiguous == ["b → x (a would fit too)"] and "by order among equal" in str(report)


def test_npz_in_order_and_by_name(tmp_path):
    model, other = net(), net()
    np.savez(tmp_path / "w.npz", *[w.astype("float64") for w in model.get_weights()])
    report = other.load_weights(str(tmp_path / "w.npz"), report=True)
    assert report.cast["conv/kernel:0"] == "float64 → float32"
    np.testing.assert_array_equal(model.get_weights()[4], other.get_weights()[4])
    names = {"out.kernel": np.ones((6, 3)), "out.bias": np.zeros(3), "more.kernel": np.ones(2)}
    np.savez(tmp_path / "n.npz", **names)
    report = other.load_weights(str(tmp_path / "n.npz"), by_name=True, report=True)
    assert report.loaded == ["out/kernel:0", "out/bias:0"] and report.unused == ["more/kernel"]
    assert other.get_weights()[-2].min() == 1
    with pytest.raises(ValueError, match="containing 1 layers into a model with 4 layers"):
        other.load_weights(str(tmp_path / "n.npz"))


def test_safetensors_there_and_back(tmp_path):
    model, path = net(), str(tmp_path / "m.safetensors")
    model.save(path)
    again = load_model(path, compile=False)
    model.save_weights(path)
    other = net()
    other.load_weights(path)
    for a, b, c in zip(*(m.get_weights() for m in (model, again, other)), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    theirs = pytest.importorskip("safetensors.numpy")
    arrays = theirs.load_file(path)
    np.testing.assert_array_equal(arrays["out/kernel"], model.get_layer("out").get_weights()[0])
    theirs.save_file({name: value + 1 for name, value in arrays.items()}, path)
    other.load_weights(path)
    np.testing.assert_array_equal(other.get_layer("out").get_weights()[0], arrays["out/kernel"] + 1)
    (tmp_path / "m.safetensors").write_bytes((tmp_path / "m.safetensors").read_bytes()[:200])
    with pytest.raises(ValueError, match="no .safetensors file that can be read"):
        load_model(path)


def edited(tmp_path, change, member="config.json"):
    """A copy of seq.keras whose configuration `change` has changed."""
    with zipfile.ZipFile(golden.path("later/seq.keras")) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    if member == "config.json":
        config = json.loads(parts[member])
        change(config)
        parts[member] = json.dumps(config).encode()
    else:
        parts[member] = change(parts[member])
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, value in parts.items():
            archive.writestr(name, value)
    return str(tmp_path / "m.keras")


def layer_of(config, name):
    return next(layer for layer in config["config"]["layers"] if layer["class_name"] == name)


@pytest.mark.parametrize(
    "change, text",
    [
        (
            lambda c: layer_of(c, "Conv2D")["config"].update(groups=2),
            "3 channels of the input cannot be cut into groups=2 parts",
        ),
        (lambda c: layer_of(c, "Dense").update(class_name="EinsumDense"), "EinsumDense"),
        (lambda c: layer_of(c, "Dense").update(module="os", class_name="system"), "system"),
        (lambda c: c.update(config=3), "configuration is incomplete|has no class_name"),
        (lambda c: layer_of(c, "Dense")["config"].update(units=10**12), "m.keras"),
        (
            lambda c: layer_of(c, "Dense")["config"].update(
                activation={"class_name": "__lambda__", "config": {}}
            ),
            "Python bytecode, which is never run",
        ),
        (
            lambda c: layer_of(c, "Dense")["config"].update(
                dtype={"module": "keras", "class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}
            ),
            "computes in mixed_float16",
        ),
    ],
)
def test_what_cannot_be_built_is_named(tmp_path, change, text):
    with pytest.raises(ValueError, match=text):
        load_model(edited(tmp_path, change), compile=False)


def places_in(value, path=()):
    """The path of every value in a configuration."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places_in(part, (*path, key))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_changed_configuration_loads_or_is_refused(tmp_path, seed):
    random = np.random.RandomState(seed)
    values = [None, 3, -1, 1e400, "x", [], {}, [[]], {"class_name": "Dense"}, "Layer", True, 10**12]
    for _ in range(25):

        def change(config):
            *way, last = random.choice(np.array(list(places_in(config["config"]))[1:], object))  # noqa: B023
            at = config["config"]
            for key in way:
                at = at[key]
            at[last] = values[random.randint(len(values))]  # noqa: B023

        path = edited(tmp_path, change)
        try:
            load_model(path)
        except ValueError as error:
            assert "m.keras" in str(error)


def test_weights_that_lead_elsewhere(tmp_path):
    def linked(_):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            file["layers/dense/vars/0"] = h5py.ExternalLink("/etc/passwd", "x")
        return buffer.getvalue()

    with pytest.raises(ValueError, match="is a link to another file"):
        load_model(edited(tmp_path, linked, "model.weights.h5"))


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("file", ["seq.keras", "seq.weights.h5", "net.flax"])
def test_truncated_files(tmp_path, file, cut):
    content = golden.path(f"later/{file}").read_bytes()
    (tmp_path / file).write_bytes(content[: int(cut * len(content))])
    with pytest.raises(ValueError, match=file):
        net().load_weights(str(tmp_path / file))


def test_a_bomb_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "b.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", bytes(70 << 20))
    with pytest.raises(ValueError, match="far larger than a file of"):
        load_model(str(tmp_path / "b.keras"))


def test_weights_of_a_keras_file_are_in_memory_once(tmp_path):
    model = Sequential([Dense(1024, input_shape=(1024,), use_bias=False) for _ in range(2)])
    size = sum(w.nbytes for w in model.get_weights())
    model.save(tmp_path / "m.keras")
    load_model(tmp_path / "m.keras", compile=False)
    tracemalloc.start()
    again = load_model(tmp_path / "m.keras", compile=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.3 * size
    np.testing.assert_array_equal(again.get_weights()[1], model.get_weights()[1])


def repacked(source, target, change=lambda parts: parts, method=zipfile.ZIP_STORED):
    """An archive again, with members changed; `change` gives pairs of name and content."""
    with zipfile.ZipFile(source) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(target, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that stand there twice
        for name, content in change(parts):
            archive.writestr(name, content)
    return target


def test_a_keras_file_that_was_packed_again(tmp_path):
    packed = repacked(golden.path("later/seq.keras"), tmp_path / "m.keras", method=zipfile.ZIP_DEFLATED)
    predicts(load_model(packed, compile=False), "seq")


def test_a_member_that_stands_there_twice(tmp_path):
    """Readers differ in which of them they take."""
    for number in range(2):
        made = repacked(golden.path("later/seq.keras"), tmp_path / "m.keras", lambda p: [*p, p[number]])  # noqa: B023
        with pytest.raises(ValueError, match=r"m\.keras: its member '.*' stands there 2 times"):
            load_model(made)
    np.savez(tmp_path / "a.npz", *net().get_weights())
    made = repacked(tmp_path / "a.npz", tmp_path / "b.npz", lambda parts: [*parts, parts[0]])
    with pytest.raises(ValueError, match=r"b\.npz.* 'arr_0\.npy' stands there 2 times"):
        net().load_weights(made)


@pytest.mark.parametrize("at, value", [(14, 1), (18, 9), (26, 40), (0, 1)])
def test_two_places_of_an_archive_that_disagree(tmp_path, at, value):
    """The checksum, the size, the length of the name, the mark: before the weights, beside the directory."""
    data = bytearray(golden.path("later/seq.keras").read_bytes())
    with zipfile.ZipFile(golden.path("later/seq.keras")) as archive:
        entry = archive.getinfo("model.weights.h5")
    data[entry.header_offset + at] ^= value
    data[data.rindex(b"PK\x01\x02") + 16] ^= at == 14  # a checksum is taken from the directory
    (tmp_path / "m.keras").write_bytes(data)
    if at == 18:  # only the directory's size counts
        predicts(load_model(tmp_path / "m.keras", compile=False), "seq")
        return
    with pytest.raises(ValueError, match=r"m\.keras: a damaged \.keras file"):
        load_model(tmp_path / "m.keras")


@pytest.mark.parametrize("name, content", [("b.npz", "w.npy"), ("t.npz", None)])
def test_hostile_npz(tmp_path, name, content):
    if content is None:
        (tmp_path / name).write_bytes(b"PK\x03\x04 no zip")
    else:
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(content, bytes(70 << 20))
    with pytest.raises(ValueError, match=f"{name} is no .npz of plain arrays"):
        net().load_weights(str(tmp_path / name))


def test_many_layers_of_flax_are_in_the_order_of_their_numbers(tmp_path):
    rest = [Dense(2, use_bias=False) for _ in range(11)]
    model = Sequential([Dense(2, use_bias=False, input_shape=(2,)), *rest])
    kernels = {f"Dense_{i}.kernel": np.full((2, 2), float(i)) for i in range(12)}
    np.savez(tmp_path / "w.npz", **dict(sorted(kernels.items())))
    model.load_weights(str(tmp_path / "w.npz"))
    assert [w[0, 0] for w in model.get_weights()] == list(range(12))
    before = model.get_weights()
    model.load_weights(str(tmp_path / "w.npz"), by_name=True)  # no layer is called so
    np.testing.assert_array_equal(before, model.get_weights())
    np.savez(tmp_path / "few.npz", *before[1:])
    with pytest.raises(ValueError, match="11 arrays without names, the model 12 weights"):
        model.load_weights(str(tmp_path / "few.npz"))


def test_keys_count_classes():
    config = {
        "class_name": "Sequential",
        "config": {"layers": [{"class_name": "Dense", "config": {"name": n}} for n in "ab"]},
    }
    assert places.keys_of_config(config) == {("", "a"): "dense", ("", "b"): "dense_1"}


def test_operations_of_keras_3_are_named():
    tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": ["i", 0, 0]}}
    layers = [
        {"module": "keras.layers", "class_name": "InputLayer", "name": "i", "inbound_nodes": []}
        | {"config": {"batch_shape": [None, 3], "dtype": "float32", "name": "i"}},
        {"module": "keras.src.ops.numpy", "class_name": "Sin", "config": {"name": "sin"}, "name": "sin"}
        | {"inbound_nodes": [{"args": [tensor], "kwargs": {}}]},
    ]
    config = {"layers": layers, "input_layers": ["i", 0, 0], "output_layers": ["sin", 0, 0], "name": "m"}
    with pytest.raises(ValueError, match="'sin' is the Keras 3 operation Sin, which is no layer"):
        keras3.translated({"class_name": "Functional", "config": config})
