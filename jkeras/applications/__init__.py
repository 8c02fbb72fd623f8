"""Networks for images, with the weights that were trained on ImageNet.

All builders share these arguments:

- `include_top`: whether the network ends with its classifier. Without it any size of images will do, down to
  the smallest that the builder names.
- `weights`: "imagenet": the published weights, downloaded into the cache the first time and verified; None:
  random values; else the path of an HDF5 file of weights, or of a whole model, of the same layers.
- `input_tensor`: a tensor to build the network on, instead of an input of its own.
- `input_shape`: shape of the images without the batch axis, in the order of `K.image_data_format()`; with the
  published classifier it must be the usual one.
- `pooling`: without the classifier: "avg" or "max" of the last feature maps over height and width, or None:
  the feature maps themselves.
- `classes`: how many the classifier tells apart; 1000 with `weights="imagenet"`.

They raise a ValueError for arguments that do not go together or weights that do not fit, a TypeError for
unknown ones, and an OSError if weights are neither in the cache nor can be downloaded; the message says where
to put the file.

Example:
    >>> VGG16(include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg").output_shape
    (None, 512)
"""

from jkeras.applications.densenet import DenseNet121 as DenseNet121
from jkeras.applications.densenet import DenseNet169 as DenseNet169
from jkeras.applications.densenet import DenseNet201 as DenseNet201
from jkeras.applications.inception_resnet_v2 import InceptionResNetV2 as InceptionResNetV2
from jkeras.applications.inception_v3 import InceptionV3 as InceptionV3
from jkeras.applications.injection import keras_modules_injection as keras_modules_injection
from jkeras.applications.mobilenet import MobileNet as MobileNet
from jkeras.applications.mobilenet_v2 import MobileNetV2 as MobileNetV2
from jkeras.applications.nasnet import NASNetLarge as NASNetLarge
from jkeras.applications.nasnet import NASNetMobile as NASNetMobile
from jkeras.applications.resnet50 import ResNet50 as ResNet50
from jkeras.applications.vgg16 import VGG16 as VGG16
from jkeras.applications.vgg19 import VGG19 as VGG19
from jkeras.applications.xception import Xception as Xception
