"""The published vulnerabilities of Keras, one test each: it fails where the hole is opened.

The names of the tests end in the numbers under which they were published (CVE).
"""

import base64
import io
import json
import marshal
import pickle
import tarfile
import zipfile

import h5py
import numpy as np
import pytest

from jkeras import layers
from jkeras.models import Sequential, clone_model, load_model, model_from_json, model_from_yaml
from jkeras.saving import model_io, save_model
from jkeras.utils import get_file
from tests import golden


@pytest.fixture(autouse=True)
def nothing_ran(tmp_path, monkeypatch):
    """What the hostile files would do is leave a file called `ran`; nobody has it afterwards."""
    place = tmp_path / "inner"
    place.mkdir()
    monkeypatch.chdir(place)
    yield
    assert not list(tmp_path.rglob("ran")), "code of the file has run"


def bytecode() -> list:
    """A function that leaves a file, as Keras keeps lambdas."""
    code = compile("lambda x: open('ran', 'w') and x", "file", "eval").co_consts[0]
    return [base64.b64encode(marshal.dumps(code)).decode(), None, None]


def with_code(**changes) -> dict:
    config = {"name": "l", "function_type": "lambda", "function": bytecode(), "batch_input_shape": [None, 2]}
    config |= {"output_shape_type": "raw", "output_shape": None, "arguments": {}}
    return {"class_name": "Lambda", "config": config | changes}


def of_keras_3(function, **arguments) -> dict:
    """A Lambda as Keras 3 writes one."""
    config = {"name": "l", "trainable": True, "function": function, "arguments": arguments}
    return {"class_name": "Lambda", "module": "keras.layers", "registered_name": None, "config": config}


def sequential(*inside) -> dict:
    return {"class_name": "Sequential", "config": {"name": "m", "layers": list(inside)}}


def as_keras(layer: dict, file="m.keras", **members) -> str:
    """A .keras file of seq.keras whose second layer is another one."""
    with zipfile.ZipFile(golden.path("later/seq.keras")) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    inside = config["config"]["layers"]
    inside[1] = layer
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (parts | members).items():
            archive.writestr(name, content)
    return file


def as_h5(config: dict, file="m.h5") -> str:
    with h5py.File(file, "w") as group:
        group.attrs["model_config"] = json.dumps(config).encode()
        group.attrs["keras_version"] = b"2.2.4"
        group.create_group("model_weights").attrs["layer_names"] = np.array([b"l"])
        group["model_weights"].create_group("l").attrs["weight_names"] = np.array([], "S1")
    return file


def test_yaml_makes_no_objects_2021_37678():
    for text in (
        "!!python/object/apply:os.system ['touch ran']",
        "!!python/object/new:os.system ['touch ran']",
    ):
        with pytest.raises(ValueError, match="model_from_yaml expects the YAML text"):
            model_from_yaml(text)
        with pytest.raises(ValueError, match="model_from_yaml expects the YAML text"):
            model_from_yaml(f"class_name: Sequential\nconfig: {text}")


def test_code_in_a_lambda_of_any_file_2024_3660():
    file = {}
    save_model(Sequential([layers.Dense(2, input_shape=(2,))]), file)
    text = json.dumps(sequential(with_code()))
    shaped = with_code(function=None, output_shape=bytecode(), output_shape_type="lambda")
    sources = as_h5(sequential(with_code())), as_h5(sequential(shaped), "s.h5"), file | {"model_config": text}
    for source in sources:
        with pytest.raises(ValueError, match="Python bytecode"):
            load_model(source)
    with pytest.raises(ValueError, match="Python bytecode"):
        model_from_json(text)


@pytest.mark.parametrize(
    "module, name, argument", [("os", "system", "touch ran"), ("builtins", "exec", "open('ran', 'w')")]
)
def test_a_module_that_the_configuration_names_2025_1550(module, name, argument):
    function = {"module": module, "class_name": "function", "config": name, "registered_name": name}
    called = {"module": module, "class_name": name, "config": {"command": argument}, "registered_name": name}
    activated = {"class_name": "Activation", "module": "keras.layers", "config": {"name": "a"}}
    activated["config"]["activation"] = function
    for layer in (called, activated):
        with pytest.raises(ValueError, match=r"m\.keras"):
            load_model(as_keras(layer))
        with pytest.raises(ValueError, match=r"m\.keras"):
            load_model(as_keras(layer), safe_mode=False)


@pytest.mark.parametrize(
    "function",
    [
        {
            "module": "keras.utils",
            "class_name": "function",
            "config": "get_file",
            "registered_name": "get_file",
        },
        {"module": "jkeras.utils", "class_name": "function", "config": "get_file"},
        "get_file",
        "load_model",
    ],
)
def test_functions_of_keras_itself_2025_8747(function, tmp_path, monkeypatch):
    (tmp_path / "source").write_text("x")
    arguments = {"origin": (tmp_path / "source").as_uri(), "cache_dir": ".", "cache_subdir": "."}
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    kind = {"function_type": "function", "function": function, "arguments": arguments}
    with pytest.raises(
        ValueError, match=r"m\.keras: .*Unknown function in Lambda layer: (get_file|load_model)"
    ):
        load_model(as_keras(of_keras_3(function, **arguments)))
    with pytest.raises(ValueError, match=r"m\.h5: .*(Unknown function in|names the function)"):
        load_model(as_h5(sequential(with_code(**kind))))
    assert not (tmp_path / "home").exists()


def test_safe_mode_holds_for_hdf5_2025_9905():
    with pytest.raises(ValueError, match="Python bytecode"):
        load_model(as_h5(sequential(with_code())), safe_mode=True)
    load_model(as_h5(sequential(with_code())), custom_objects={"l": lambda x: x}, compile=False)


def test_a_file_cannot_allow_itself_2025_9906():
    name = "enable_unsafe_deserialization"
    for module in ("keras.config", "keras.src.saving.serialization_lib", "jkeras.config"):
        opening = {"module": module, "class_name": "function", "config": name, "registered_name": name}
        layer = {"class_name": "Lambda", "module": "keras.layers", "config": with_code()["config"]}
        layer["config"]["kernel_initializer"] = {**opening, "inbound_nodes": []}
        for config in (layer, {**opening, "config": {}}, layer | {"build_config": opening}):
            with pytest.raises(ValueError, match=r"m\.keras"):
                load_model(as_keras(config))
    code, *rest = bytecode()
    kept = {"class_name": "__lambda__", "config": {"code": code, "defaults": rest[0], "closure": rest[1]}}
    with pytest.raises(ValueError, match=r"m\.keras: .*Python bytecode, which is never run"):
        load_model(as_keras(of_keras_3(kept)))
    with pytest.raises(ValueError, match=r"m\.h5: .*Python bytecode"):
        load_model(as_h5(sequential(with_code())))


@pytest.mark.parametrize("kind", ["StringLookup", "IntegerLookup", "TextVectorization"])
@pytest.mark.parametrize("source", ["/etc/passwd", "http://127.0.0.1:9/words"])
def test_no_vocabulary_is_fetched_2025_12058(kind, source, monkeypatch):
    opened = []
    monkeypatch.setattr("socket.socket.connect", lambda *args: opened.append(args))
    config = {"name": "words", "vocabulary": source, "invert": False}
    layer = {"class_name": kind, "module": "keras.layers", "config": config}
    with pytest.raises(ValueError, match=rf"m\.keras.*{kind}"):
        load_model(as_keras(layer, **{"assets/words/vocabulary.txt": "a\nb\n"}))
    assert opened == []


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> str:
    with tarfile.open("source.tar", "w") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return "source.tar"


def named(name: str, kind=tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def fetched(tmp_path) -> None:
    origin = (tmp_path / "inner" / "source.tar").as_uri()
    get_file("set.tar", origin, extract=True, cache_dir=tmp_path / "inner" / "cache")


@pytest.mark.parametrize("name", ["../../../ran", "a/../../../../ran"])
def test_an_archive_that_climbs_2025_12060(name, tmp_path):
    archive((named(name), b"x"))
    with pytest.raises(ValueError, match="leads out of the folder"):
        fetched(tmp_path)


def test_an_absolute_name_in_an_archive_2025_12060(tmp_path):
    archive((named(str(tmp_path / "ran")), b"x"))
    with pytest.raises(ValueError, match="leads out of the folder"):
        fetched(tmp_path)


def test_where_the_process_is_says_nothing_2026_11816(tmp_path, monkeypatch):
    archive((named("../../../ran"), b"x"))
    monkeypatch.chdir("/")
    with pytest.raises(ValueError, match="leads out of the folder"):
        fetched(tmp_path)


@pytest.mark.parametrize("target", [".", "inside", "../../.."])
def test_no_way_through_a_link_2024_55459_2026_12482(target, tmp_path):
    inside = named("inside", tarfile.DIRTYPE), b""
    archive(inside, (named("link", tarfile.SYMTYPE, target), b""), (named("link/../../../ran"), b"x"))
    with pytest.raises(ValueError, match="is a link to"):
        fetched(tmp_path)


def test_links_too_long_to_be_resolved_2025_12638(tmp_path):
    """Folders and links whose whole path is longer than the system's limit hide that the last leads out."""
    members, here = [], ""
    for letter in "abcdefghijklmnop":
        members += [(named(f"{here}{letter * 247}", tarfile.DIRTYPE), b"")]
        members += [(named(f"{here}{letter}", tarfile.SYMTYPE, letter * 247), b"")]
        here += f"{letter}/"
    members += [(named(f"{here}{'l' * 254}", tarfile.SYMTYPE, "../" * 16), b"")]
    members += [
        (named("out", tarfile.SYMTYPE, f"{here}{'l' * 254}/../../../.."), b""),
        (named("out/ran"), b"x"),
    ]
    archive(*members)
    with pytest.raises(ValueError, match="is a link to"):
        fetched(tmp_path)


@pytest.mark.parametrize("shape", [(2**31,), (2**62,), (2**40, 2**20)])
def test_a_shape_larger_than_the_file_2026_0897(shape):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("layers/dense/vars/0", shape, "f", chunks=(1024,) * len(shape))
    (opened,) = [zipfile.ZipFile(golden.path("later/seq.keras"))]
    with opened, zipfile.ZipFile("m.keras", "w") as made:
        made.writestr("config.json", opened.read("config.json"))
        made.writestr("model.weights.h5", buffer.getvalue())
    with pytest.raises(ValueError, match=r"m\.keras"):
        load_model("m.keras", compile=False)


@pytest.mark.parametrize("place", ["layers/dense/vars/0", "optimizer/vars/0"])
@pytest.mark.parametrize("filters", [{}, {"compression": "gzip"}])
def test_a_bomb_among_the_weights_2026_12570(place, filters):
    """Of a shape that nobody has asked for yet: whoever reads all that is there."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_group("layers")
        file.create_dataset(place, (2**25,), "f", chunks=(2**20,), **filters)
    with zipfile.ZipFile(golden.path("later/seq.keras")) as opened, zipfile.ZipFile("m.keras", "w") as made:
        made.writestr("config.json", opened.read("config.json"))
        made.writestr("model.weights.h5", buffer.getvalue())
    with open("w.weights.h5", "wb") as file:
        file.write(buffer.getvalue())
    for name in ("m.keras", "w.weights.h5"):
        with pytest.raises(ValueError, match=rf"{name}.*made to fill the memory"):
            model_io.read(name)


@pytest.mark.parametrize("module", ["keras.utils", "keras.src.utils.torch_utils", "jkeras.layers"])
def test_no_pickle_in_a_layer_2025_49655_2026_12484(module):
    code = pickle.dumps(Opening())
    for coded in (
        base64.b64encode(code).decode(),
        {"class_name": "__bytes__", "config": {"value": str(code)}},
    ):
        layer = {
            "class_name": "TorchModuleWrapper",
            "module": module,
            "config": {"name": "t", "module": coded},
        }
        for safe_mode in (True, False):
            with pytest.raises(ValueError, match=r"m\.keras.*TorchModuleWrapper"):
                load_model(as_keras(layer), safe_mode=safe_mode)


class Opening:
    def __reduce__(self):
        return open, ("ran", "w")


def test_no_saved_model_is_loaded_2026_1462():
    config = {"name": "t", "filepath": "/tmp/saved_model", "call_endpoint": "serve"}
    with pytest.raises(ValueError, match=r"m\.keras.*TFSMLayer"):
        load_model(as_keras({"class_name": "TFSMLayer", "module": "keras.layers", "config": config}))


@pytest.mark.parametrize("kind", ["storage", "link", "virtual"])
def test_hdf5_that_reads_other_files_2026_1669_2026_9335_2026_12480(kind):
    with h5py.File("secret.hdf5", "w") as file:
        file["w"] = np.full((2,), 42, "f")
    model = Sequential([layers.Dense(1, input_shape=(2,), use_bias=False)])
    for name in ("layers/dense/vars/0", "d/w"):
        with h5py.File("w.weights.h5", "w") as file:
            if kind == "storage":
                file.create_dataset(name, (2, 1), "f", external=[("secret.hdf5", 0, 8)])
            elif kind == "link":
                file[name] = h5py.ExternalLink("secret.hdf5", "w")
            else:
                layout = h5py.VirtualLayout((2, 1), "f")
                layout[:, 0] = h5py.VirtualSource("secret.hdf5", "w", (2,))
                file.create_virtual_dataset(name, layout)
            if name == "d/w":
                file.attrs["layer_names"] = np.array([b"d"])
                file["d"].attrs["weight_names"] = np.array([b"w"])
        with pytest.raises(ValueError, match="another file"):
            model.load_weights("w.weights.h5")


@pytest.mark.parametrize("name", ["../../ran", "/tmp/jkeras/../ran", "a/../../../ran"])
def test_names_of_layers_are_no_paths_2026_12479(name, tmp_path):
    before = {path for path in tmp_path.rglob("*")}
    layer = {"class_name": "Dense", "module": "keras.layers", "config": {"name": name, "units": 4}}
    try:
        load_model(as_keras(layer, **{f"assets/{name}/ran.txt": b"x", f"layers/{name}": b"x"}), compile=False)
    except ValueError as error:
        assert "m.keras" in str(error)
    model = Sequential([layers.Dense(2, input_shape=(2,), name=name.lstrip("/"))])
    for ending in ("h5", "msgpack"):
        model.save(f"own.{ending}")
        again = load_model(f"own.{ending}", compile=False)
        np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    new = {path.name for path in set(tmp_path.rglob("*")) - before}
    assert new == {"m.keras", "own.h5", "own.msgpack"}


def test_code_is_refused_without_a_mode_too_2026_12481():
    refused = "Python bytecode, which is not run|Unknown function in Lambda layer: system"
    for config in (with_code(), with_code(function_type="function", function="system")):
        with pytest.raises(ValueError, match=refused):
            layers.deserialize(config)
        with pytest.raises(ValueError, match=refused):
            layers.Lambda.from_config(config["config"])
        with pytest.raises(ValueError, match=refused):
            Sequential.from_config([config])
    model = Sequential([layers.Lambda(lambda x: x + 1, input_shape=(2,))])
    assert clone_model(model).predict(np.zeros((1, 2))).tolist() == [[1, 1]]
