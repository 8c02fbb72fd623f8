"""Convolutions and the layers that resize, pad and crop spatial axes."""

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
from jkeras.layers.convolutional.separable import DepthwiseConv2D as DepthwiseConv2D
from jkeras.layers.convolutional.separable import SeparableConv1D as SeparableConv1D
from jkeras.layers.convolutional.separable import SeparableConv2D as SeparableConv2D
from jkeras.layers.convolutional.transpose import Conv2DTranspose as Conv2DTranspose
from jkeras.layers.convolutional.transpose import Conv3DTranspose as Conv3DTranspose

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
