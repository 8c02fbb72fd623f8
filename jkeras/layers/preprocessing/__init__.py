"""Layers that make numbers fit for a model: scaling, encoding, images, text."""

from jkeras.layers.preprocessing.augmentation import RandomBrightness as RandomBrightness
from jkeras.layers.preprocessing.augmentation import RandomContrast as RandomContrast
from jkeras.layers.preprocessing.augmentation import RandomCrop as RandomCrop
from jkeras.layers.preprocessing.augmentation import RandomFlip as RandomFlip
from jkeras.layers.preprocessing.augmentation import RandomRotation as RandomRotation
from jkeras.layers.preprocessing.augmentation import RandomTranslation as RandomTranslation
from jkeras.layers.preprocessing.augmentation import RandomZoom as RandomZoom
from jkeras.layers.preprocessing.categories import CategoryEncoding as CategoryEncoding
from jkeras.layers.preprocessing.categories import Discretization as Discretization
from jkeras.layers.preprocessing.colors import RandomErasing as RandomErasing
from jkeras.layers.preprocessing.colors import RandomGrayscale as RandomGrayscale
from jkeras.layers.preprocessing.colors import RandomInvert as RandomInvert
from jkeras.layers.preprocessing.colors import Solarization as Solarization
from jkeras.layers.preprocessing.hashing import HashedCrossing as HashedCrossing
from jkeras.layers.preprocessing.hashing import Hashing as Hashing
from jkeras.layers.preprocessing.images import CenterCrop as CenterCrop
from jkeras.layers.preprocessing.images import Resizing as Resizing
from jkeras.layers.preprocessing.lookup import IntegerLookup as IntegerLookup
from jkeras.layers.preprocessing.lookup import StringLookup as StringLookup
from jkeras.layers.preprocessing.scaling import Normalization as Normalization
from jkeras.layers.preprocessing.scaling import Rescaling as Rescaling
from jkeras.layers.preprocessing.text import TextVectorization as TextVectorization
