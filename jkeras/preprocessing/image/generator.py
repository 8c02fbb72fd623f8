"""ImageDataGenerator: random transformations and normalizations of images, and the iterators over them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
from jax.typing import DTypeLike
from numpy.typing import NDArray

from jkeras.core import extras, settings
from jkeras.core.arguments import refuse_text
from jkeras.preprocessing.draws import Draws, as_global
from jkeras.preprocessing.image import ranges
from jkeras.preprocessing.image.affine import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    flip_axis,
)
from jkeras.preprocessing.image.arrays import NumpyArrayIterator
from jkeras.preprocessing.image.folders import DirectoryIterator
from jkeras.preprocessing.image.frames import DataFrameIterator
from jkeras.preprocessing.image.legacy import renewed


class ImageDataGenerator:
    """Images transformed at random and normalized, in batches.

    Args:
        featurewise_center: subtract the mean of the data, channel by channel (see `fit`).
        samplewise_center: subtract the mean of each image.
        featurewise_std_normalization: divide by the standard deviation of the data (see `fit`).
        samplewise_std_normalization: divide each image by its standard deviation.
        zca_whitening: whiten by the principal components of the data (see `fit`).
        zca_epsilon: added to their variances.
        rotation_range: largest angle in degrees.
        width_shift_range: largest shift: a fraction of the width if below 1, else pixels; an int: whole
            pixels below it; a 1-D array: one of its values.
        height_shift_range: the same with the height.
        brightness_range: smallest and largest brightness.
        shear_range: largest angle of shear in degrees.
        zoom_range: smallest and largest zoom; or a number z that stands for (1 - z, 1 + z).
        channel_shift_range: largest number added to all channels.
        fill_mode: what is shown beyond the edges: "constant" (`cval`), "nearest", "reflect" or "wrap".
        cval: see there.
        horizontal_flip: mirror every other image, by chance.
        vertical_flip: turn every other image upside down, by chance.
        rescale: the images are multiplied by it, after transformation and `preprocessing_function`.
        preprocessing_function: called with each transformed image, an array of rank 3; returns one.
        data_format: "channels_last" or "channels_first"; None: that of the settings.
        validation_split: the share of images that the subset "validation" has.
        dtype: of the images; None: `floatx`.
        interpolation_order: of the interpolating spline, from 0 to 5.

    Attributes:
        mean, std, principal_components: what `fit` has found.

    Raises:
        ValueError: for arguments out of their range.

    Keras 2.2.4: keras/preprocessing/image.py ImageDataGenerator

    Example:
        >>> generator = ImageDataGenerator(rescale=1 / 255)
        >>> x, y = next(generator.flow(np.full((4, 2, 2, 1), 51), np.arange(4), batch_size=2, shuffle=False))
        >>> x.shape, round(float(x[0, 0, 0, 0]), 3), y.tolist()
        ((2, 2, 2, 1), 0.2, [0, 1])
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Sequence[float] | None = None,
        shear_range: float = 0.0,
        zoom_range: float | Sequence[float] = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[..., Any] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        dtype: DTypeLike | None = None,
        interpolation_order: int = 1,
    ):
        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = zca_epsilon
        self.rotation_range = ranges.number(rotation_range, "rotation_range")
        self.width_shift_range = ranges.shift(width_shift_range, "width_shift_range")
        self.height_shift_range = ranges.shift(height_shift_range, "height_shift_range")
        self.brightness_range = ranges.brightness(brightness_range)
        self.shear_range = ranges.number(shear_range, "shear_range")
        self.zoom_range = ranges.zoom(zoom_range)
        self.channel_shift_range = ranges.number(channel_shift_range, "channel_shift_range")
        self.fill_mode = fill_mode
        self.cval = cval
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        refuse_text(rescale=rescale, cval=cval, zca_epsilon=zca_epsilon, validation_split=validation_split)
        self.rescale = rescale
        self.preprocessing_function = preprocessing_function
        self.data_format = settings.image_data_format() if data_format is None else data_format
        self.dtype = settings.floatx() if dtype is None else dtype
        self.interpolation_order = interpolation_order
        self._validation_split = validation_split
        ranges.check(
            self.data_format, validation_split, fill_mode, interpolation_order, preprocessing_function
        )
        last = self.data_format == "channels_last"
        self.row_axis, self.col_axis, self.channel_axis = (1, 2, 3) if last else (2, 3, 1)
        self.mean: Any = None
        self.std: Any = None
        self.principal_components: Any = None
        self._imply()

    def _imply(self) -> None:
        """Set the arguments that another one implies."""
        if self.zca_whitening:
            self._set("zca_whitening", "featurewise_center", True)
            self._set("zca_whitening", "featurewise_std_normalization", False)
        if self.featurewise_std_normalization:
            self._set("featurewise_std_normalization", "featurewise_center", True)
        if self.samplewise_std_normalization:
            self._set("samplewise_std_normalization", "samplewise_center", True)

    def _set(self, because: str, name: str, value: bool) -> None:
        if bool(getattr(self, name)) != value:
            setattr(self, name, value)
            warnings.warn(
                f"This ImageDataGenerator specifies `{because}`, which overrides setting of `{name}`.",
                stacklevel=4,
            )

    # Iterators

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: str | PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
    ) -> NumpyArrayIterator:
        """Batches of images that are in memory: `x`, `(x, y)` or `(x, y, sample_weight)` without end.

        Args: those of `NumpyArrayIterator`.
        """
        return NumpyArrayIterator(
            x,
            y,
            self,
            batch_size=batch_size,
            shuffle=shuffle,
            sample_weight=sample_weight,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            dtype=self.dtype,
        )

    def flow_from_directory(
        self,
        directory: str | PathLike[str],
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        skip_broken: bool = False,
    ) -> DirectoryIterator:
        """Batches of images in a folder with a folder for each class, without end.

        Args: those of `DirectoryIterator`.
        """
        return DirectoryIterator(
            directory,
            self,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            follow_links=follow_links,
            subset=subset,
            interpolation=interpolation,
            dtype=self.dtype,
            skip_broken=skip_broken,
        )

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: str | PathLike[str] | None = None,
        x_col: str = "filename",
        y_col: str | Sequence[str] = "class",
        weight_col: str | None = None,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        validate_filenames: bool = True,
        skip_broken: bool = False,
        **kwargs: Any,
    ) -> DataFrameIterator:
        """Batches of image files that a pandas frame lists, without end.

        Args: those of `DataFrameIterator`; and, from older forms of this method, `has_ext=False` (names
            without extension), `drop_duplicates=True` (each file once), `sort` (without effect), and
            `class_mode="other"` ("raw").
        """
        dataframe, class_mode = renewed(dataframe, directory, x_col, class_mode, kwargs)
        return DataFrameIterator(
            dataframe,
            directory,
            self,
            x_col=x_col,
            y_col=y_col,
            weight_col=weight_col,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            interpolation=interpolation,
            dtype=self.dtype,
            validate_filenames=validate_filenames,
            skip_broken=skip_broken,
        )

    # Normalization

    def standardize(self, x: Any) -> NDArray[Any]:
        """An image or a batch, normalized as the arguments say; in place, unless a function makes another.

        Args:
            x: array of floats.

        Raises:
            TypeError: for an array of integers, which cannot hold the result.
        """
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if not np.issubdtype(x.dtype, np.inexact) and self._normalizes:
            raise TypeError(
                f"Images to be standardized should be floats; got {x.dtype}: x.astype('float32')."
            )
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, keepdims=True) + 1e-6
        if self.featurewise_center and self._is_fit("mean", "featurewise_center"):
            x -= self.mean
        if self.featurewise_std_normalization and self._is_fit("std", "featurewise_std_normalization"):
            x /= self.std + 1e-6
        if self.zca_whitening and self._is_fit("principal_components", "zca_whitening"):
            flat = x.reshape(-1, np.prod(x.shape[-3:]))
            x = np.dot(flat, self.principal_components).reshape(x.shape)
        return x

    @property
    def _normalizes(self) -> bool:
        return bool(self.rescale) or self.samplewise_center or self.featurewise_center

    def _is_fit(self, statistic: str, argument: str) -> bool:
        if getattr(self, statistic) is None:
            warnings.warn(
                f"This ImageDataGenerator specifies `{argument}`, but it hasn't been fit on any training "
                "data. Fit it first by calling `.fit(numpy_data)`.",
                stacklevel=3,
            )
        return getattr(self, statistic) is not None

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Find what `featurewise_center`, `featurewise_std_normalization` and `zca_whitening` need.

        Args:
            x: images, array of rank 4; rescaled, if `rescale` is given.
            augment: take images transformed at random.
            rounds: how often each, then.
            seed: of numpy's global generator; None: it goes on.

        Raises:
            ValueError: for another rank.
        """
        x = np.array(x, self.dtype)
        if x.ndim != 4:
            raise ValueError(f"Input to `.fit()` should have rank 4. Got array with shape: {x.shape}")
        if x.shape[self.channel_axis] not in (1, 3, 4):
            warnings.warn(
                "Expected input to be images (as Numpy array) following the data format convention "
                f'"{self.data_format}" (channels on axis {self.channel_axis}), i.e. expected either 1, 3 or '
                f"4 channels on axis {self.channel_axis}. However, it was passed an array with shape "
                f"{x.shape} ({x.shape[self.channel_axis]} channels).",
                stacklevel=2,
            )
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            x *= self.rescale
        if augment:
            x = np.array([self.random_transform(image) for _ in range(rounds) for image in x], self.dtype)
        axes = (0, self.row_axis, self.col_axis)
        if self.featurewise_center:
            self.mean = np.mean(x, axes, keepdims=True)[0]
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(x, axes, keepdims=True)[0]
            x /= self.std + 1e-6
        if self.zca_whitening:
            flat = x.reshape(len(x), -1)
            # numpy's svd finds other rounding errors, and the inverse of a variance of 0 is made of them.
            linalg = extras.module("scipy.linalg", "images", "zca_whitening")
            u, variances, _ = linalg.svd(np.dot(flat.T, flat) / len(flat))
            self.principal_components = (u * (1.0 / np.sqrt(variances + self.zca_epsilon))).dot(u.T)

    # Transformations

    def get_random_transform(self, img_shape: Sequence[int], seed: int | None = None) -> dict[str, Any]:
        """Arguments of a random transformation, for `apply_transform`.

        Args:
            img_shape: of the image.
            seed: of numpy's global generator; None: it goes on.
        """
        if seed is not None:
            np.random.seed(seed)
        return self._drawn(img_shape, np.random)

    def _drawn(self, img_shape: Sequence[int], draws: Draws) -> dict[str, Any]:
        theta = draws.uniform(-self.rotation_range, self.rotation_range) if self.rotation_range else 0
        tx = ranges.drawn_shift(self.height_shift_range, img_shape[self.row_axis - 1], draws)
        ty = ranges.drawn_shift(self.width_shift_range, img_shape[self.col_axis - 1], draws)
        shear = draws.uniform(-self.shear_range, self.shear_range) if self.shear_range else 0
        least, most = self.zoom_range
        zx, zy = (1, 1) if least == most == 1 else draws.uniform(least, most, 2)
        flip_horizontal = (draws.random_sample() < 0.5) * self.horizontal_flip
        flip_vertical = (draws.random_sample() < 0.5) * self.vertical_flip
        by, light = self.channel_shift_range, self.brightness_range
        return {
            "theta": theta,
            "tx": tx,
            "ty": ty,
            "shear": shear,
            "zx": zx,
            "zy": zy,
            "flip_horizontal": flip_horizontal,
            "flip_vertical": flip_vertical,
            "channel_shift_intensity": draws.uniform(-by, by) if by != 0 else None,
            "brightness": None if light is None else draws.uniform(light[0], light[1]),
        }

    def apply_transform(self, x: Any, transform_parameters: Mapping[str, Any]) -> NDArray[Any]:
        """The image after a transformation.

        Args:
            x: array of rank 3.
            transform_parameters: dict with any of "theta", "tx", "ty", "shear", "zx", "zy" (see
                `apply_affine_transform`), "flip_horizontal", "flip_vertical", "channel_shift_intensity" and
                "brightness".
        """
        row, column, channel = (axis - 1 for axis in (self.row_axis, self.col_axis, self.channel_axis))
        get = transform_parameters.get
        x = apply_affine_transform(
            x,
            **{name: get(name, 0) for name in ("theta", "tx", "ty", "shear")},
            **{name: get(name, 1) for name in ("zx", "zy")},
            row_axis=row,
            col_axis=column,
            channel_axis=channel,
            fill_mode=self.fill_mode,
            cval=self.cval,
            order=self.interpolation_order,
        )
        if (shift := get("channel_shift_intensity")) is not None:
            x = apply_channel_shift(x, shift, channel)
        if get("flip_horizontal", False):
            x = flip_axis(x, column)
        if get("flip_vertical", False):
            x = flip_axis(x, row)
        if (brightness := get("brightness")) is not None:
            x = apply_brightness_shift(x, brightness)
        return x

    def random_transform(self, x: Any, seed: int | None = None) -> NDArray[Any]:
        """The image after a random transformation.

        Args:
            x: array of rank 3.
            seed: of numpy's global generator; None: it goes on.
        """
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    # What the iterators ask for: the same with random numbers of a generator of their own.

    def _made(self, x: Any, draws: Draws) -> NDArray[Any]:
        """The image as a batch has it: transformed at random, normalized."""
        if self._is_own("get_random_transform"):
            parameters = self._drawn(x.shape, draws)
        else:
            parameters = self._theirs(draws, self.get_random_transform, x.shape)
        if self._is_own("apply_transform"):
            x = self.apply_transform(x, parameters)
        else:
            x = self._theirs(draws, self.apply_transform, x, parameters)
        if self._is_own("standardize") and not self.preprocessing_function:
            return self.standardize(x)
        return self._theirs(draws, self.standardize, x)

    @staticmethod
    def _theirs(draws: Draws, function: Any, *args: Any):
        """The result of the user's code, which may draw numbers."""
        with as_global(draws):
            return function(*args)

    def _skip(self, img_shape: Sequence[int], draws: Draws) -> None:
        """Draw what `_made` draws."""
        if self._is_own("get_random_transform"):
            self._drawn(img_shape, draws)

    def _is_own(self, name: str) -> bool:
        return getattr(type(self), name) is getattr(ImageDataGenerator, name)
