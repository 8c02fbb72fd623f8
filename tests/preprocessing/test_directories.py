"""Files of a folder as data sets: orders, subsets, labels, sizes (as Keras 3 and tf.image have them)."""

import numpy as np
import pytest

from jkeras.preprocessing.directories import _resized
from jkeras.utils import image_dataset_from_directory, text_dataset_from_directory


@pytest.fixture
def texts(tmp_path):
    (tmp_path / ".hidden").mkdir()
    for name in ("dog", "cat"):
        (tmp_path / name).mkdir()
        for i in range(5):
            (tmp_path / name / f"{i}.txt").write_text(f"{name} {i}")
    (tmp_path / "cat" / "no.md").write_text("not this one")
    return tmp_path


def test_texts(texts, capsys):
    batches = text_dataset_from_directory(texts, batch_size=4, shuffle=False, max_length=3)
    assert capsys.readouterr().out == "Found 10 files of 2 classes.\n"
    x, y = (np.concatenate(part) for part in zip(*batches, strict=True))
    assert list(x) == ["cat"] * 5 + ["dog"] * 5 and list(y) == [0] * 5 + [1] * 5 and y.dtype == "int32"
    assert batches.class_names == ["cat", "dog"] and batches.file_paths[0].endswith("cat/0.txt")


def test_labels(texts):
    def first(**kwargs):
        return text_dataset_from_directory(texts, batch_size=10, verbose=False, shuffle=False, **kwargs)[0]

    assert first(label_mode="binary")[1].tolist() == [[0.0]] * 5 + [[1.0]] * 5
    assert first(label_mode="categorical")[1][-1].tolist() == [0.0, 1.0]
    assert first(class_names=["dog", "cat"])[0][0] == "dog 0"
    assert first(label_mode=None)[0] == first(labels=None)[0] == "cat 0"
    assert first(labels=[3] * 9 + [4])[1][-2:].tolist() == [3, 4]


def test_subsets_share_nothing(texts):
    arguments = dict(batch_size=None, verbose=False, seed=3, validation_split=0.3)
    both = text_dataset_from_directory(texts, subset="both", **arguments)
    parts = [text_dataset_from_directory(texts, subset=s, **arguments) for s in ("training", "validation")]
    assert [len(part) for part in parts] == [7, 3]
    assert [part.file_paths for part in parts] == [part.file_paths for part in both]
    assert len({path for part in parts for path in part.file_paths}) == 10
    orders = [[str(x) for x, _ in parts[0]]]
    parts[0].on_epoch_end()
    orders.append([str(x) for x, _ in parts[0]])
    assert sorted(orders[0]) == sorted(orders[1]) and orders[0] != orders[1]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(subset="training"), "belong together"),
        (dict(validation_split=1.5, subset="training", seed=1), "between 0 and 1"),
        (dict(validation_split=0.5, subset="training"), "Give a `seed`"),
        (dict(validation_split=0.01, subset="validation", seed=1), "a part without any"),
        (dict(validation_split=0.5, subset="test", seed=1), "'training', 'validation' or 'both'"),
        (dict(class_names=["bird"]), "among the folders"),
        (dict(labels=[1, 2]), "2 numbers for the 10 files"),
        (dict(labels="none"), "'inferred', a list"),
        (dict(label_mode="one_hot"), "'int', 'categorical'"),
        (dict(labels=[0, 1, 2, 0, 0] * 2, label_mode="binary"), "needs two classes"),
        (dict(labels=None, class_names=["cat"]), "folders of inferred labels"),
    ],
)
def test_arguments_are_checked(texts, arguments, message):
    with pytest.raises(ValueError, match=message):
        text_dataset_from_directory(texts, verbose=False, **arguments)


def test_a_folder_without_files(tmp_path):
    with pytest.raises(ValueError, match="no files with the endings .*png"):
        image_dataset_from_directory(tmp_path)


def test_images(tmp_path):
    image = pytest.importorskip("PIL.Image")
    values = np.arange(4 * 6 * 3, dtype="uint8").reshape(4, 6, 3)
    for name in "ab":
        (tmp_path / name).mkdir()
        image.fromarray(values).save(tmp_path / name / "0.png")
    arguments = dict(shuffle=False, verbose=False)
    x, _ = image_dataset_from_directory(tmp_path, image_size=(4, 6), **arguments)[0]
    np.testing.assert_array_equal(x[1], values.astype("float32"))
    x, _ = image_dataset_from_directory(tmp_path, image_size=(2, 2), crop_to_aspect_ratio=True, **arguments)[
        0
    ]
    np.testing.assert_array_equal(x[0, :, :, 0], values[:, 1:5, 0].reshape(2, 2, 2, 2).mean((1, 3)))
    grey = dict(color_mode="grayscale", data_format="channels_first")
    assert image_dataset_from_directory(tmp_path, image_size=(5, 7), **grey, **arguments)[0][0].shape == (
        2,
        1,
        5,
        7,
    )
    with pytest.raises(ValueError, match="`interpolation` should be one of"):
        image_dataset_from_directory(tmp_path, interpolation="lanczos")


@pytest.mark.parametrize("method", ["bilinear", "nearest"])
@pytest.mark.parametrize("size", [(3, 9), (8, 2), (5, 5)])
def test_sizes_are_those_of_jax_without_smoothing(method, size):
    jax_image = pytest.importorskip("jax.image")
    image = np.random.RandomState(0).rand(5, 4, 2).astype("float32")
    wanted = jax_image.resize(image, (*size, 2), method, antialias=False)
    np.testing.assert_allclose(_resized(image, size, method), wanted, rtol=1e-6, atol=1e-6)
