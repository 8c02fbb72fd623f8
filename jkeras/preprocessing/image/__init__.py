"""Images: between files and arrays, transformed at random, in batches (`pip install "jkeras[images]"`)."""

from jkeras.preprocessing.image.affine import apply_affine_transform as apply_affine_transform
from jkeras.preprocessing.image.affine import apply_brightness_shift as apply_brightness_shift
from jkeras.preprocessing.image.affine import apply_channel_shift as apply_channel_shift
from jkeras.preprocessing.image.affine import apply_transform as apply_transform
from jkeras.preprocessing.image.affine import flip_axis as flip_axis
from jkeras.preprocessing.image.affine import random_brightness as random_brightness
from jkeras.preprocessing.image.affine import random_channel_shift as random_channel_shift
from jkeras.preprocessing.image.affine import random_rotation as random_rotation
from jkeras.preprocessing.image.affine import random_shear as random_shear
from jkeras.preprocessing.image.affine import random_shift as random_shift
from jkeras.preprocessing.image.affine import random_zoom as random_zoom
from jkeras.preprocessing.image.affine import transform_matrix_offset_center as transform_matrix_offset_center
from jkeras.preprocessing.image.arrays import NumpyArrayIterator as NumpyArrayIterator
from jkeras.preprocessing.image.files import array_to_img as array_to_img
from jkeras.preprocessing.image.files import img_to_array as img_to_array
from jkeras.preprocessing.image.files import list_pictures as list_pictures
from jkeras.preprocessing.image.files import load_img as load_img
from jkeras.preprocessing.image.files import save_img as save_img
from jkeras.preprocessing.image.files import validate_filename as validate_filename
from jkeras.preprocessing.image.folders import BatchFromFilesMixin as BatchFromFilesMixin
from jkeras.preprocessing.image.folders import DirectoryIterator as DirectoryIterator
from jkeras.preprocessing.image.frames import DataFrameIterator as DataFrameIterator
from jkeras.preprocessing.image.generator import ImageDataGenerator as ImageDataGenerator
from jkeras.preprocessing.image.iterators import Iterator as Iterator
