"""Data sets of the files in a folder, one folder below it for each class."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from jkeras.core import settings
from jkeras.core.random import next_seed
from jkeras.preprocessing.batches import Batches
from jkeras.preprocessing.image.files import img_to_array, load_img
from jkeras.utils.np_utils import to_categorical

_IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_INTERPOLATIONS = ("bilinear", "nearest")

Labels: TypeAlias = Sequence[int] | Literal["inferred"] | None
LabelMode: TypeAlias = Literal["int", "categorical", "binary"] | None
Subset: TypeAlias = Literal["training", "validation", "both"] | None


def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Labels = "inferred",
    label_mode: LabelMode = "int",
    class_names: Sequence[str] | None = None,
    color_mode: Literal["rgb", "rgba", "grayscale"] = "rgb",
    batch_size: int | None = 32,
    image_size: tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: Subset = None,
    interpolation: Literal["bilinear", "nearest"] = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    verbose: bool = True,
) -> Any:
    """The images in a folder as batches of float32 arrays, 0 to 255, with their classes.

    Args:
        directory: it holds a folder of images for each class.
        labels: "inferred" from the folders; a list, one number for each file in the order of their paths; or
            None.
        label_mode: "int": numbers (int32); "categorical": one-hot rows; "binary": 0. or 1. of shape
            `(batch, 1)`; None: no labels.
        class_names: the folders to use, in this order.
        color_mode: "rgb", "rgba", "grayscale": 3, 4 or 1 channels.
        batch_size: images in a batch; None: single images.
        image_size: `(height, width)` that images are brought to.
        shuffle: whether each epoch has an order of its own; without it files come sorted.
        seed: of the orders, and of what belongs to which subset.
        validation_split: share of the files for validation.
        subset: which part is wanted where there is a `validation_split`; "both": `(training, validation)`.
        interpolation: "bilinear" (between centres of pixels, without smoothing, as tf.image) or "nearest".
        follow_links: whether folders that are links are gone into.
        crop_to_aspect_ratio: whether the largest middle part of the wanted proportions is taken, so that
            nothing is distorted.
        data_format: "channels_last" or "channels_first"; default: that of the settings.
        verbose: whether it is printed how many files there are.

    Returns:
        A `Sequence` of batches with `class_names` and `file_paths`.

    Raises:
        ValueError: no such files, or arguments that contradict each other.

    Keras 3: keras/utils/image_dataset_utils.py
    """
    if interpolation not in _INTERPOLATIONS:
        raise ValueError(f"`interpolation` should be one of {_INTERPOLATIONS}; got {interpolation!r}.")
    order = data_format or settings.image_data_format()

    def read(paths: list[str]) -> NDArray[Any]:
        images = [img_to_array(load_img(p, color_mode=color_mode), "channels_last") for p in paths]
        if crop_to_aspect_ratio:
            images = [_middle(image, image_size) for image in images]
        batch = np.stack([_resized(image, image_size, interpolation) for image in images])
        return np.moveaxis(batch, -1, 1) if order == "channels_first" else batch

    listed = _listed(directory, _IMAGES, labels, class_names, follow_links)
    split = _Split(validation_split, subset, shuffle, seed)
    return _datasets(listed, label_mode, batch_size, split, read, verbose)


def text_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Labels = "inferred",
    label_mode: LabelMode = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: Subset = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """The `.txt` files in a folder as batches of strings, with their classes.

    Args:
        directory: it holds a folder of texts for each class.
        labels, label_mode, class_names, batch_size, shuffle, seed: as in `image_dataset_from_directory`.
        validation_split, subset, follow_links, verbose: likewise.
        max_length: texts are cut after so many bytes.

    Returns:
        A `Sequence` of batches with `class_names` and `file_paths`; `map` a `TextVectorization` over it.

    Raises:
        ValueError: no such files, or arguments that contradict each other.

    Keras 3: keras/utils/text_dataset_utils.py
    """

    def read(paths: list[str]) -> NDArray[Any]:
        texts: list[str] = []
        for path in paths:
            with open(path, "rb") as file:
                texts.append(file.read(-1 if max_length is None else max_length).decode("utf-8", "ignore"))
        return np.array(texts, dtype=object)

    listed = _listed(directory, (".txt",), labels, class_names, follow_links)
    split = _Split(validation_split, subset, shuffle, seed)
    return _datasets(listed, label_mode, batch_size, split, read, verbose)


class _Files(NamedTuple):
    """The files of a folder, the number of each one's class (None without classes), the classes' names."""

    paths: list[str]
    classes: NDArray[Any] | None
    class_names: list[str]


class _Split(NamedTuple):
    """The files that are wanted, and their order."""

    share: float | None
    subset: str | None
    shuffle: bool
    seed: int | None

    def check(self) -> None:
        if (self.share is None) != (self.subset is None):
            raise ValueError("`validation_split` and `subset` belong together: give both or none.")
        if self.share is not None and not 0 < self.share < 1:
            raise ValueError(f"`validation_split` should be between 0 and 1; got {self.share!r}.")
        if self.subset not in ("training", "validation", "both", None):
            raise ValueError(f"`subset` should be 'training', 'validation' or 'both'; got {self.subset!r}.")
        if self.share is not None and self.shuffle and self.seed is None:
            raise ValueError("Give a `seed` with `validation_split`, or the two subsets may share files.")


def _listed(
    directory: str | os.PathLike[str],
    endings: tuple[str, ...],
    labels: Labels,
    class_names: Sequence[str] | None,
    follow_links: bool,
) -> _Files:
    """The files, sorted, class by class."""
    root = os.fspath(directory)
    inferred = isinstance(labels, str)
    if inferred and labels != "inferred":
        raise ValueError(f"`labels` should be 'inferred', a list of numbers or None; got {labels!r}.")
    if class_names is not None and not inferred:
        raise ValueError(
            "`class_names` are the folders of inferred labels; leave `labels='inferred'` for them."
        )
    folders = sorted(d.name for d in os.scandir(root) if d.is_dir() and not d.name.startswith("."))
    if class_names is not None and not set(class_names) <= set(folders):
        raise ValueError(f"`class_names` should be among the folders {folders}; got {list(class_names)}.")
    names = list(class_names or folders) if inferred else [""]
    found = [list(_below(os.path.join(root, name), endings, follow_links)) for name in names]
    paths = [path for part in found for path in part]
    if not paths:
        raise ValueError(f"There are no files with the endings {', '.join(endings)} below {root!r}.")
    if inferred:
        return _Files(paths, np.repeat(np.arange(len(names)), [len(part) for part in found]), names)
    if labels is None:
        return _Files(paths, None, [])
    if len(labels) != len(paths):
        raise ValueError(f"`labels` has {len(labels)} numbers for the {len(paths)} files below {root!r}.")
    return _Files(paths, np.asarray(labels), [str(number) for number in sorted(set(labels))])


def _below(folder: str, endings: tuple[str, ...], follow_links: bool) -> Iterator[str]:
    for root, _, names in sorted(os.walk(folder, followlinks=follow_links)):
        yield from (os.path.join(root, name) for name in sorted(names) if name.lower().endswith(endings))


def _datasets(
    files: _Files,
    label_mode: LabelMode,
    batch_size: int | None,
    split: _Split,
    read: Callable[[list[str]], Any],
    verbose: bool,
) -> Any:
    """The data set of a subset; of "both" two of them."""
    split.check()
    if label_mode == "binary" and len(files.class_names) != 2:
        raise ValueError(f"`label_mode='binary'` needs two classes; there are {files.class_names}.")
    if label_mode not in ("int", "categorical", "binary", None):
        raise ValueError(
            f"`label_mode` should be 'int', 'categorical', 'binary' or None; got {label_mode!r}."
        )
    seed = (next_seed() if split.seed is None else split.seed) if split.shuffle else None
    count = len(files.paths)
    order = np.arange(count) if seed is None else np.random.RandomState(seed).permutation(count)
    labels = None if files.classes is None or label_mode is None else _labels(files, label_mode)[order]
    paths = [files.paths[i] for i in order]
    if verbose:
        print(
            f"Found {count} files" + (f" of {len(files.class_names)} classes." if labels is not None else ".")
        )

    def part(rows: slice) -> Batches:
        if not paths[rows]:
            raise ValueError(f"`validation_split={split.share}` of {count} files leaves a part without any.")
        batches = Batches(paths[rows], read, None if labels is None else labels[rows], batch_size, seed)
        batches.class_names, batches.file_paths = files.class_names, paths[rows]
        return batches

    held = count - int((split.share or 0) * count)
    parts = {"training": slice(0, held), "validation": slice(held, count), None: slice(0, count)}
    if split.subset == "both":
        return part(parts["training"]), part(parts["validation"])
    return part(parts[split.subset])


def _labels(files: _Files, mode: LabelMode) -> NDArray[Any]:
    assert files.classes is not None
    if mode == "categorical":
        return to_categorical(files.classes, len(files.class_names))
    return files.classes.astype("int32") if mode == "int" else files.classes[:, None].astype("float32")


def _middle(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """The largest middle part of an image that has the proportions of `size`."""
    height, width = image.shape[:2]
    high = min(height, int(width * size[0] / size[1]))
    wide = min(width, int(height * size[1] / size[0]))
    top, left = (height - high) // 2, (width - wide) // 2
    return image[top : top + high, left : left + wide]


def _resized(image: NDArray[Any], size: tuple[int, int], interpolation: str) -> NDArray[Any]:
    """An image in another size: every new pixel looks at the place of its centre in the old ones."""
    for axis, new in enumerate(size):
        old = image.shape[axis]
        place = (np.arange(new) + 0.5) * (old / new) - 0.5
        if interpolation == "nearest":
            image = np.take(image, np.floor(place + 0.5).astype(int).clip(0, old - 1), axis)
            continue
        low = np.floor(place).astype(int)
        share = (place - low).astype(image.dtype).reshape([-1 if i == axis else 1 for i in range(3)])
        first, second = (np.take(image, i.clip(0, old - 1), axis) for i in (low, low + 1))
        image = first * (1 - share) + second * share
    return image
