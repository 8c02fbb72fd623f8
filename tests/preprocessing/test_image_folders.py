"""Batches of images in files, by folder and by frame; the values are those of Keras 2.2.4."""

from __future__ import annotations

import os

import numpy as np
import pytest

from jkeras.layers import Dense, Flatten
from jkeras.models import Sequential
from jkeras.preprocessing import image

pd = pytest.importorskip("pandas")
PIL = pytest.importorskip("PIL")
pytest.importorskip("PIL.Image")

Generator = image.ImageDataGenerator
SIZE = {"target_size": (6, 7), "batch_size": 4}

# By case: for the first two batches, how much is in the images (see `weight`) and in what comes beside them.
FOLDERS = {
    "mode-categorical": [
        [16933266.042, [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]],
        [15194746.784, [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]],
    ],
    "mode-binary": [[16933266.042, [1.0, 0.0, 2.0, 1.0]], [15194746.784, [1.0, 0.0, 0.0, 0.0]]],
    "mode-sparse": [[16933266.042, [1.0, 0.0, 2.0, 1.0]], [15194746.784, [1.0, 0.0, 0.0, 0.0]]],
    "mode-input": [[16933266.042, 16933266.042], [15194746.784, 15194746.784]],
    "mode-None": [[16933266.042], [15194746.784]],
    "color-rgba": [[29676051.0, [0.0, 0.0, 0.0, 0.0]], [34055478.0, [1.0, 1.0, 1.0, 2.0]]],
    "color-grayscale": [[1824645.0, [0.0, 0.0, 0.0, 0.0]], [1858003.0, [1.0, 1.0, 1.0, 2.0]]],
    "first": [[16573765.749, [2.0, 0.0, 1.0, 2.0]], [15859298.33, [0.0, 0.0, 1.0, 0.0]]],
    "subset-training": [[15499046.0, [0.0, 0.0, 1.0, 1.0]], [965421.0, [1.0]]],
    "subset-validation": [[944058.0, [1.0]], [944058.0, [1.0]]],
}

FRAMES = {
    "categorical": [
        [16027820.994, [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]],
        [4240005.968, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]],
    ],
    "binary": [[16027820.994, [1.0, 0.0, 1.0, 0.0]], [4240005.968, [0.0, 1.0]]],
    "sparse": [[16027820.994, [1.0, 0.0, 2.0, 0.0]], [4240005.968, [0.0, 1.0]]],
    "raw": [[16027820.994, [1.5, 2.5, 2.0, 0.5]], [4240005.968, [0.0, 1.0]]],
    "raw2": [
        [16027820.994, [[1.5, 0.0], [2.5, 2.0], [2.0, 1.0], [0.5, 1.0]]],
        [4240005.968, [[0.0, 0.0], [1.0, 2.0]]],
    ],
    "multi": [[16027820.994, [14.5, 11.0]], [4240005.968, [2.0, 4.0]]],
    "input": [[16027820.994, 16027820.994], [4240005.968, 4240005.968]],
    "none": [[16027820.994], [4240005.968]],
    "tags": [
        [
            16027820.994,
            [[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0]],
        ],
        [4240005.968, [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]],
    ],
    "chosen": [
        [15814015.456, [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]],
        [15843428.447, [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]],
    ],
    "weighted": [
        [16027820.994, [1.0, 0.0, 2.0, 0.0], [1.5, 2.5, 2.0, 0.5]],
        [4240005.968, [0.0, 1.0], [0.0, 1.0]],
    ],
    "subset-training": [[16278892.0, [1.0, 1.0, 2.0, 0.0]], [16278892.0, [1.0, 1.0, 2.0, 0.0]]],
    "subset-validation": [[3811701.0, [0.0, 0.0]], [3811701.0, [0.0, 0.0]]],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with three classes, images in different sizes, with and without transparency."""
    root = str(tmp_path_factory.mktemp("images"))
    draws = np.random.RandomState(0)
    for name, count in (("a", 4), ("b", 3), ("c", 2)):
        for i in range(count):
            place = os.path.join(root, name, "inner") if i == 1 else os.path.join(root, name)
            os.makedirs(place, exist_ok=True)
            pixels = draws.randint(0, 256, (5 + i, 9 - i, 3 + i % 2)).astype("uint8")
            PIL.Image.fromarray(pixels).save(os.path.join(place, f"{i}.png"))
    open(os.path.join(root, "a", "notes.txt"), "w").close()
    return root


@pytest.fixture
def frame():
    names = ["a/0.png", "a/inner/1.png", "b/0.png", "b/2.png", "c/0.png", "a/3.png"]
    return pd.DataFrame(
        {
            "filename": names,
            "class": [n[0] for n in names],
            "half": ["x" if n[0] == "a" else "y" for n in names],
            "v": [0.5 * i for i in range(6)],
            "u": [i % 3 for i in range(6)],
            "tags": [[n[0], "z"] if i % 2 else n[0] for i, n in enumerate(names)],
        }
    )


def weight(a):
    """The sum of i * (value number i)."""
    flat = np.asarray(a, "float64").ravel()
    return round(float((flat * np.arange(1, flat.size + 1)).sum()), 3)


def shown(iterator):
    rows = []
    for _ in range(2):
        batch = next(iterator)
        x, *others = batch if isinstance(batch, tuple) else (batch,)
        rows.append(
            [weight(x)]
            + [
                [weight(y) for y in t] if isinstance(t, list) else t.tolist() if t.ndim < 3 else weight(t)
                for t in others
            ]
        )
    return rows


def of_folder(case, root):
    kind, _, what = case.partition("-")
    if kind == "mode":
        mode = None if what == "None" else what
        return Generator(rotation_range=9).flow_from_directory(root, class_mode=mode, seed=3, **SIZE)
    sparse = dict(class_mode="sparse", **SIZE)
    if kind == "color":
        how = dict(color_mode=what, shuffle=False, interpolation="bilinear")
        return Generator().flow_from_directory(root, **how, **sparse)
    if kind == "subset":
        how = dict(classes=["c", "a"], subset=what, shuffle=False)
        return Generator(validation_split=0.4).flow_from_directory(root, **how, **sparse)
    generator = Generator(data_format="channels_first", zoom_range=0.2)
    return generator.flow_from_directory(root, seed=1, **sparse)


@pytest.mark.parametrize("case", FOLDERS)
def test_folders(case, root, capsys):
    assert shown(of_folder(case, root)) == FOLDERS[case]
    assert capsys.readouterr().out.startswith("Found ")


ARGUMENTS = {
    "categorical": {},
    "binary": dict(class_mode="binary", y_col="half"),
    "sparse": dict(class_mode="sparse"),
    "raw": dict(class_mode="raw", y_col="v"),
    "raw2": dict(class_mode="raw", y_col=["v", "u"]),
    "multi": dict(class_mode="multi_output", y_col=["v", "u"]),
    "input": dict(class_mode="input"),
    "none": dict(class_mode=None),
    "tags": dict(y_col="tags"),
    "chosen": dict(y_col="tags", classes=["z", "b"]),
    "weighted": dict(class_mode="sparse", weight_col="v"),
}


@pytest.mark.parametrize("case", FRAMES)
def test_frames(case, root, frame):
    if case in ARGUMENTS:
        generator, how = Generator(rotation_range=9), ARGUMENTS[case] | {"seed": 3}
    else:
        generator = Generator(validation_split=0.4)
        how = dict(class_mode="sparse", shuffle=False, subset=case.partition("-")[2])
    before = frame.copy()
    assert shown(generator.flow_from_dataframe(frame, root, **how, **SIZE)) == FRAMES[case]
    pd.testing.assert_frame_equal(frame, before)


def test_what_an_iterator_over_a_folder_knows(root, capsys):
    items = Generator().flow_from_directory(root, shuffle=False, **SIZE)
    assert capsys.readouterr().out == "Found 9 images belonging to 3 classes.\n"
    assert items.class_indices == {"a": 0, "b": 1, "c": 2} and items.num_classes == 3
    assert items.classes.tolist() == items.labels.tolist() == [0] * 4 + [1] * 3 + [2] * 2
    assert items.filenames[:4] == ["a/0.png", "a/2.png", "a/3.png", "a/inner/1.png"]
    assert items.filepaths[0] == os.path.join(root, "a/0.png")
    assert items.image_shape == (6, 7, 3) and items.samples == items.n == 9 and len(items) == 3


def test_links_are_followed_if_asked_for(root, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "more").symlink_to(os.path.join(root, "a"))
    for follow, count in ((False, 0), (True, 4)):
        assert Generator().flow_from_directory(tmp_path, follow_links=follow, **SIZE).samples == count


def test_fit_and_predict_from_files(root, frame):
    model = Sequential([Flatten(input_shape=(6, 7, 3)), Dense(3, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy")
    generator = Generator(rescale=1 / 255, horizontal_flip=True)
    items = generator.flow_from_directory(root, seed=1, **SIZE)
    model.fit_generator(items, epochs=1, verbose=0, workers=2)
    unlabelled = generator.flow_from_dataframe(frame, root, class_mode=None, shuffle=False, **SIZE)
    assert model.predict_generator(unlabelled).shape == (6, 3)


def test_saved_images(root, tmp_path):
    generator = Generator(rotation_range=9)
    kept = dict(save_to_dir=tmp_path, save_prefix="p", save_format="png", seed=3)
    x, _ = generator.flow_from_directory(root, **kept, **SIZE)[0]
    names = sorted(os.listdir(tmp_path))
    assert len(names) == 4 and all(n.startswith("p_") and n.endswith(".png") for n in names)
    assert image.img_to_array(image.load_img(tmp_path / names[0])).shape == x.shape[1:]


def test_broken_images_are_named_and_left_out_if_asked_for(tmp_path, root):
    for name in "ab":
        (tmp_path / name).mkdir()
        PIL.Image.new("RGB", (5, 5)).save(tmp_path / name / "good.png")
    (tmp_path / "a" / "bad.png").write_bytes(b"no image")
    whole = Generator().flow_from_directory(tmp_path, **SIZE)
    with pytest.raises(OSError, match="a/bad.png cannot be read as an image: it is in no format"):
        next(whole)
    with pytest.warns(UserWarning, match="Left out: .*a/bad.png cannot be read"):
        assert Generator().flow_from_directory(tmp_path, skip_broken=True, **SIZE).filenames == [
            "a/good.png",
            "b/good.png",
        ]
    frame = pd.DataFrame({"filename": ["a/bad.png", "a/good.png"], "class": ["a", "a"]})
    with pytest.warns(UserWarning, match="Left out: .*a/bad.png cannot be read"):
        items = Generator().flow_from_dataframe(frame, str(tmp_path), skip_broken=True, **SIZE)
    assert items.filenames == ["a/good.png"]


def test_folders_that_hold_nothing(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        Generator().flow_from_directory(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    items = Generator().flow_from_directory(tmp_path)
    for ask in (lambda: next(items), lambda: items[0]):
        with pytest.raises(ValueError, match=r"\(folders empty\) holds no images"):
            ask()
    with pytest.warns(UserWarning, match="has no folder 'dogs' for this class"):
        assert Generator().flow_from_directory(tmp_path, classes=["dogs"]).samples == 0


@pytest.mark.parametrize(
    "words, message",
    [
        ({"class_mode": "other"}, "Invalid class_mode: other; expected one of: 'binary', 'categorical'"),
        ({"color_mode": "grey"}, 'Invalid color mode: grey; expected "rgb", "rgba", or "grayscale".'),
        ({"subset": "test"}, 'Invalid subset name: test;expected "training" or "validation"'),
        ({"batch_size": 0}, "`batch_size` should be at least 1"),
        ({"target_size": (8,)}, "`target_size` should be"),
    ],
)
def test_arguments_of_folders(root, words, message):
    with pytest.raises(ValueError, match=message):
        Generator().flow_from_directory(root, **words)


@pytest.mark.parametrize(
    "words, kind, message",
    [
        ({"x_col": "path"}, KeyError, "The frame has no column 'path'; it has 'filename'"),
        ({"x_col": "v"}, TypeError, "All values in column x_col=v must be strings."),
        ({"class_mode": "sparse", "y_col": "v"}, TypeError, 'class_mode="sparse", y_col="v" column values'),
        ({"y_col": "v"}, TypeError, "must be type string, list or tuple"),
        ({"class_mode": "binary"}, ValueError, "there must be 2 classes. Found 3 classes."),
        ({"class_mode": "binary", "classes": ["a"]}, ValueError, "1 class/es were given"),
        ({"class_mode": "multi_output", "y_col": "v"}, TypeError, "y_col must be a list. Received str."),
        ({"weight_col": "half"}, TypeError, "Column weight_col=half must be numeric."),
        ({"class_mode": "best"}, ValueError, "Invalid class_mode: best"),
        ({"shape": 3}, TypeError, "flow_from_dataframe has no argument shape"),
    ],
)
def test_arguments_of_frames(frame, root, words, kind, message):
    with pytest.raises(kind, match=message):
        Generator().flow_from_dataframe(frame, root, **words)


def test_frames_that_are_none(frame, root):
    make = Generator().flow_from_dataframe
    with pytest.raises(TypeError, match="`dataframe` should be a pandas DataFrame; got a dict"):
        make({"filename": ["a.png"]}, root)
    with pytest.raises(ValueError, match="Column weight_col=w has rows without a weight"):
        make(frame.assign(w=[1.0, np.nan] * 3), root, weight_col="w")
    with pytest.raises(TypeError, match="lists in y_col=\"class\" should hold strings, not .'int'"):
        make(frame.assign(**{"class": [["a", 1]] * 6}), root)
    for skip in (False, True):
        assert make(frame[:0], root, skip_broken=skip).samples == 0


def test_names_that_are_no_files(frame, root):
    frame.loc[2, "filename"] = "b/none.png"
    with pytest.warns(UserWarning, match=r"Found 1 invalid image filename\(s\) in x_col=\"filename\""):
        items = Generator().flow_from_dataframe(frame, root, **SIZE)
    assert items.samples == 5
    with pytest.raises(FileNotFoundError, match="none.png"):
        loose = Generator().flow_from_dataframe(frame, root, validate_filenames=False, shuffle=False, **SIZE)
        next(loose)
    with pytest.warns(UserWarning, match="`classes` will be ignored"):
        Generator().flow_from_dataframe(frame[:2], root, class_mode="raw", y_col="v", classes=["a"])


def test_older_arguments_of_frames(frame, root):
    with pytest.warns(DeprecationWarning, match='"other" is deprecated'):
        other = Generator().flow_from_dataframe(frame, root, class_mode="other", y_col="v", **SIZE)
    assert other.class_mode == "raw"
    bare = frame.assign(filename=[name.removesuffix(".png") for name in frame["filename"]])
    with pytest.warns(DeprecationWarning, match="has_ext is deprecated"):
        items = Generator().flow_from_dataframe(bare, root, has_ext=False, **SIZE)
    assert items.filenames == frame["filename"].tolist()
    twice = pd.concat([frame, frame])
    with pytest.warns(DeprecationWarning, match="drop_duplicates is deprecated"):
        assert Generator().flow_from_dataframe(twice, root, drop_duplicates=True).samples == 6
    with pytest.warns(DeprecationWarning, match="sort is deprecated"):
        assert Generator().flow_from_dataframe(frame, root, sort=True).filenames == items.filenames


def test_paths_without_a_folder(frame, root):
    frame["filename"] = [os.path.join(root, name) for name in frame["filename"]]
    assert Generator().flow_from_dataframe(frame, **SIZE)[0][0].shape == (4, 6, 7, 3)
    assert image.DataFrameIterator(frame, **SIZE)[0][1].shape == (4, 3)  # no generator: images as they are
