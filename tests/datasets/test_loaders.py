"""The loaders of the data sets, against recordings of Keras 2.2.4 on the same small files."""

import gzip
import importlib
import os
import pickle
import shutil
import warnings

import numpy as np
import pytest

import jkeras
from jkeras.core import settings
from jkeras.datasets import cifar, published
from jkeras.utils import download
from tests import golden
from tests.datasets import small
from tests.utils.test_data_utils import tar_of

RECORDED = golden.json("datasets")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    small.write(folder)
    return folder


@pytest.fixture
def home(tmp_path, written, monkeypatch):
    """A cache with small files, which count as the true ones."""
    shutil.copytree(written, tmp_path / "home")
    small.use(tmp_path / "home", monkeypatch)
    return tmp_path / "home" / "datasets"


def loader(name):
    module, _, function = name.partition(".")
    return getattr(importlib.import_module(f"jkeras.datasets.{module}"), function)


def outcome(function, kwargs):
    """What was recorded of a call: its result, or its error."""
    try:
        return small.describe(function(**kwargs))
    except Exception as error:
        return {"error": type(error).__name__, "says": str(error)}


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: f"{case['name']} {case['kwargs']}")
def test_recorded(home, case):
    kwargs = dict(case["kwargs"])
    settings.set_image_data_format(kwargs.pop("data_format", "channels_last"))
    np.random.seed(1)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        got = outcome(loader(case["name"]), kwargs)
    settings.set_image_data_format("channels_last")
    if "error" in case["got"]:
        assert got["error"] == case["got"]["error"]
        assert got["says"].startswith(case["got"]["says"]) or case["name"] == "reuters.load_data"
    else:
        assert got == case["got"]
    assert [str(one.message) for one in said] == case["warnings"]
    assert all(one.filename == __file__ for one in said)
    assert np.random.randint(10**6) == case["next"], "what numpy draws next"


def test_every_call_of_small_is_recorded():
    assert [(case["name"], case["kwargs"]) for case in RECORDED["cases"]] == small.CASES


def test_lists_hold_python_integers(home):
    (x, _), _ = jkeras.datasets.imdb.load_data()
    assert {type(word) for text in x for word in text} == {int} and {type(text) for text in x} == {list}


def test_what_keras_publishes():
    """URL and hash are those of Keras 3; names those of Keras 2.2.4, so that its files are found."""
    old, new = RECORDED["published"]["2.2.4"], RECORDED["published"]["3.15.1"]
    new = {name.removesuffix("-target"): about for name, about in new.items()}
    assert set(published.FILES) == set(old) == set(new)
    for name, file in published.FILES.items():
        assert file == (new[name]["origin"], new[name]["hash"])
        assert file.origin.startswith("https://")
        assert new[name]["subdir"] == old[name]["subdir"]
        assert file.origin.rpartition("/")[2] == old[name]["origin"].rpartition("/")[2]
        assert len(file.file_hash or "") in (0, len(old[name]["hash"] or ""), 64)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "cifar100", "imdb", "reuters"])
def test_what_is_asked_for(name, monkeypatch):
    """Through the module's own `get_file`, as in Keras, with its names and folders."""
    module, asked = importlib.import_module(f"jkeras.datasets.{name}"), []

    def get_file(fname, origin, untar=False, file_hash=None, cache_subdir="datasets"):
        asked.append((fname, untar, cache_subdir, origin, file_hash))
        return "nowhere"

    monkeypatch.setattr(module, "get_file", get_file)
    with pytest.raises(FileNotFoundError):
        module.load_data()
    expected = [
        (fname, about["untar"], about["subdir"], *published.FILES[fname])
        for fname, about in RECORDED["published"]["2.2.4"].items()
        if fname in [fname for fname, *_ in asked]
    ]
    assert sorted(asked) == sorted(expected) and asked


@pytest.mark.parametrize(
    "name",
    [
        "mnist.load_data",
        "fashion_mnist.load_data",
        "cifar10.load_data",
        "cifar100.load_data",
        "imdb.load_data",
    ]
    + ["imdb.get_word_index", "reuters.load_data", "reuters.get_word_index", "boston_housing.load_data"],
)
def test_offline_the_error_says_which_file_to_put_where(name, tmp_path, monkeypatch, capsys):
    def offline(*args, **kwargs):
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr("socket.create_connection", offline)
    monkeypatch.setenv("JKERAS_HOME", str(tmp_path))
    with pytest.raises(OSError, match="URL fetch failure on https:.*put the file here yourself: ") as caught:
        loader(name)()
    asked = [file for file in published.FILES if file in str(caught.value)]
    place = os.path.join(RECORDED["published"]["2.2.4"][asked[0]]["subdir"], asked[0])
    assert str(tmp_path / place) in str(caught.value)
    assert (published.FILES[asked[0]].file_hash or "") in str(caught.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_with_another_hash_is_not_used(tmp_path, written, monkeypatch):
    shutil.copytree(written, tmp_path / "home")
    monkeypatch.setenv("JKERAS_HOME", str(tmp_path / "home"))

    def fetch(origin, part, advice):
        raise OSError(f"no network.{advice}")

    monkeypatch.setattr(download, "fetch", fetch)
    before = (tmp_path / "home" / "datasets" / "mnist.npz").read_bytes()
    with pytest.raises(OSError, match="the file that is there has another one"):
        jkeras.datasets.mnist.load_data()
    assert (tmp_path / "home" / "datasets" / "mnist.npz").read_bytes() == before


def test_cifar_is_found_where_it_was_unpacked(home):
    assert cifar.cached_folder("cifar-100-python", ["train", "test"]) == str(home / "cifar-100-python")
    (home / "cifar-100-python" / "test").unlink()
    assert cifar.cached_folder("cifar-100-python", ["train", "test"]) is None


def test_a_cifar_archive(home):
    """Only the archive is in the cache."""
    folder = home / "cifar-100-python"
    members = {f"cifar-100-python/{path.name}": path.read_bytes() for path in folder.iterdir()}
    (home / "cifar-100-python.tar.gz").write_bytes(tar_of(members))
    expected = small.describe(jkeras.datasets.cifar100.load_data())
    shutil.rmtree(folder)
    assert small.describe(jkeras.datasets.cifar100.load_data()) == expected


def batch_of(path, **content):
    with open(path, "wb") as file:
        pickle.dump({key.encode(): value for key, value in content.items()}, file, protocol=2)


def test_a_batch_of_cifar_that_is_none(home):
    path = home / "batch"
    data = np.zeros((2, 3072), "uint8")
    batch_of(path, data=data, fine_labels=[1, 2])
    with pytest.raises(ValueError, match=r"batch has no 'labels'; it has \['data', 'fine_labels'\]"):
        cifar.load_batch(path)
    batch_of(path, data=data, labels=[1])
    with pytest.raises(
        ValueError, match=r"a label for each; its data are of the shape \(2, 3072\), for 1 labels"
    ):
        cifar.load_batch(str(path))
    batch_of(path, data=data[:, :5], labels=[1, 2])
    with pytest.raises(ValueError, match="images of 3x32x32"):
        cifar.load_batch(path)
    path.write_bytes(pickle.dumps([1]))
    with pytest.raises(ValueError, match="batch should hold a dict; it holds a list"):
        cifar.load_batch(path)


@pytest.mark.parametrize(
    "content, problem",
    [
        (b"no gzip at all", "Not a gzipped file"),
        (gzip.compress(bytes(100))[:-12], "ended before the end-of-stream marker"),
        (
            gzip.compress(bytes([0, 0, 8, 1]) + b"\0\0\0\7" + bytes(7), mtime=0)[:-8] + bytes(8),
            "CRC check failed",
        ),
        (
            gzip.compress(bytes([0, 0, 9, 1]) + b"\0\0\0\7" + bytes(7)),
            "begin as an IDX file of bytes with 1 axes",
        ),
        (gzip.compress(bytes([0, 0, 8, 3]) + b"\0\0\0\7" * 3), "begin as an IDX file of bytes with 1 axes"),
        (gzip.compress(b"\0\0"), "begin as an IDX file"),
        (
            gzip.compress(bytes([0, 0, 8, 1]) + b"\0\0\0\7" + bytes(6)),
            "should hold 7 bytes after its head; it has 6",
        ),
        (
            gzip.compress(bytes([0, 0, 8, 1]) + b"\0\0\0\7" + bytes(8)),
            "should hold 7 bytes after its head; it has 8",
        ),
    ],
)
def test_an_idx_file_that_is_none(home, content, problem):
    (home / "fashion-mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(content)
    with pytest.raises(ValueError, match=rf"t10k-labels-idx1-ubyte.gz was not read: .*{problem}.*Delete it"):
        jkeras.datasets.fashion_mnist.load_data()


def test_an_idx_file_that_becomes_too_large(home, monkeypatch):
    monkeypatch.setattr("jkeras.utils.archives._ALWAYS", 100)
    monkeypatch.setattr("jkeras.utils.archives._DENSEST", 1)
    with pytest.raises(ValueError, match=r"was not read: it would become more than [0-9,]+ bytes"):
        jkeras.datasets.fashion_mnist.load_data()


def test_as_many_images_as_labels(home):
    head = bytes([0, 0, 8, 1]) + b"\0\0\0\7"
    (home / "fashion-mnist" / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(head + bytes(7)))
    with pytest.raises(ValueError, match=r"train-images.* should hold 7 images of 28x28.*is \(6, 28, 28\)"):
        jkeras.datasets.fashion_mnist.load_data()


def test_images_can_be_changed(home):
    (x, _), _ = jkeras.datasets.fashion_mnist.load_data()
    x += 1


@pytest.mark.parametrize(
    "rows, problem", [([[1, "a"], [2]], "str"), ([[1.5], [2]], "float"), (["ab", "c"], "str")]
)
def test_texts_that_are_none(home, rows, problem):
    np.savez(home / "reuters.npz", x=small.objects(rows), y=np.arange(2))
    with pytest.raises(
        ValueError, match=rf"reuters.npz should hold lists of whole numbers in 'x'.*\['{problem}'\]"
    ):
        jkeras.datasets.reuters.load_data()


def test_texts_of_another_number_than_labels(home):
    np.savez(home / "reuters.npz", x=small.objects([[1], [2, 3]]), y=np.arange(3))
    with pytest.raises(ValueError, match="has 2 texts in 'x', and 3 labels"):
        jkeras.datasets.reuters.load_data()


def test_texts_of_one_length(home):
    """numpy saves them as one array of numbers."""
    np.savez(home / "reuters.npz", x=np.arange(1, 11).reshape(5, 2), y=np.arange(5))
    (x, y), _ = jkeras.datasets.reuters.load_data(test_split=0)
    assert x.shape == (5, 3) and sorted(y) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("test_split", [-0.1, 1.1])
def test_a_split_that_is_none(home, test_split):
    with pytest.raises(ValueError, match="`test_split` is a share from 0 to 1. Received: "):
        jkeras.datasets.reuters.load_data(test_split=test_split)


def test_a_word_index_that_is_none(home):
    (home / "imdb_word_index.json").write_bytes(b'{"the": 1')
    with pytest.raises(ValueError, match="imdb_word_index.json is no JSON, or not complete"):
        jkeras.datasets.imdb.get_word_index()
    (home / "imdb_word_index.json").write_bytes(b"[1]")
    with pytest.raises(ValueError, match="should hold a dict of words; it holds a list"):
        jkeras.datasets.imdb.get_word_index()


def test_a_path_of_ones_own(home, tmp_path):
    shutil.move(home / "mnist.npz", tmp_path / "mine.npz")
    (x, _), _ = jkeras.datasets.mnist.load_data(path=str(tmp_path / "mine.npz"))
    assert x.shape == (6, 28, 28)


def test_under_the_name_of_keras(home):
    with jkeras.install_as_keras(replace=True):
        from keras.datasets import cifar as theirs
        from keras.datasets import mnist
        from keras.datasets.cifar import load_batch
        from keras.datasets.imdb import load_data
    assert mnist is jkeras.datasets.mnist and theirs is cifar and load_batch is cifar.load_batch
    assert load_data is jkeras.datasets.imdb.load_data
