"""Convolutions and the layers that resize, pad and crop spatial axes."""

from typing import TYPE_CHECKING

from jkeras.layers.convolutional.conv import Conv1D as Conv1D
from jkeras.layers.convolutional.conv import Conv2D as Conv2D
from jkeras.layers.convolutional.conv import Conv3D as Conv3D
from jkeras.layers.convolutional.resize import Cropping1D as Cropping1D
from jkeras.layers.convolutional.resize import Cropping2D as Cropping2D
from jkeras.layers.convolutional.resize import Cropping3D as Cropping3D
from jkeras.layers.convolutional.resize import UpSampling1D as UpSampling1D
from jkeras.layers.convolutional.resize import UpSampling2D as UpSampling2D
from jkeras.layers.convolutional.resize import UpSampling3D as UpSampling3D
from jkeras.layers.convolutional.resize import ZeroPadding1D as ZeroPadding1D
from jkeras.layers.convolutional.resize import ZeroPadding2D as ZeroPadding2D
from jkeras.layers.convolutional.resize import ZeroPadding3D as ZeroPadding3D
from jkeras.layers.convolutional.separable import DepthwiseConv1D as DepthwiseConv1D
from jkeras.layers.convolutional.separable import DepthwiseConv2D as DepthwiseConv2D
from jkeras.layers.convolutional.separable import SeparableConv1D as SeparableConv1D
from jkeras.layers.convolutional.separable import SeparableConv2D as SeparableConv2D
from jkeras.layers.convolutional.transpose import Conv1DTranspose as Conv1DTranspose
from jkeras.layers.convolutional.transpose import Conv2DTranspose as Conv2DTranspose
from jkeras.layers.convolutional.transpose import Conv3DTranspose as Conv3DTranspose

if TYPE_CHECKING:  # found by the table of `compat/module_aliases.py`
    from jkeras.layers.global_pooling import GlobalAveragePooling1D as GlobalAveragePooling1D
    from jkeras.layers.global_pooling import GlobalAveragePooling2D as GlobalAveragePooling2D
    from jkeras.layers.global_pooling import GlobalAveragePooling3D as GlobalAveragePooling3D
    from jkeras.layers.global_pooling import GlobalAvgPool1D as GlobalAvgPool1D
    from jkeras.layers.global_pooling import GlobalAvgPool2D as GlobalAvgPool2D
    from jkeras.layers.global_pooling import GlobalAvgPool3D as GlobalAvgPool3D
    from jkeras.layers.global_pooling import GlobalMaxPool1D as GlobalMaxPool1D
    from jkeras.layers.global_pooling import GlobalMaxPool2D as GlobalMaxPool2D
    from jkeras.layers.global_pooling import GlobalMaxPool3D as GlobalMaxPool3D
    from jkeras.layers.global_pooling import GlobalMaxPooling1D as GlobalMaxPooling1D
    from jkeras.layers.global_pooling import GlobalMaxPooling2D as GlobalMaxPooling2D
    from jkeras.layers.global_pooling import GlobalMaxPooling3D as GlobalMaxPooling3D
    from jkeras.layers.legacy_layers import AtrousConv1D as AtrousConv1D
    from jkeras.layers.legacy_layers import AtrousConv2D as AtrousConv2D
    from jkeras.layers.legacy_layers import AtrousConvolution1D as AtrousConvolution1D
    from jkeras.layers.legacy_layers import AtrousConvolution2D as AtrousConvolution2D
    from jkeras.layers.pooling import AveragePooling1D as AveragePooling1D
    from jkeras.layers.pooling import AveragePooling2D as AveragePooling2D
    from jkeras.layers.pooling import AveragePooling3D as AveragePooling3D
    from jkeras.layers.pooling import MaxPooling1D as MaxPooling1D
    from jkeras.layers.pooling import MaxPooling2D as MaxPooling2D
    from jkeras.layers.pooling import MaxPooling3D as MaxPooling3D

Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution3D = Conv3D
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D
Convolution2DTranspose = Conv2DTranspose
Deconvolution2D = Conv2DTranspose
Deconv2D = Conv2DTranspose
Deconvolution3D = Conv3DTranspose
Deconv3D = Conv3DTranspose
