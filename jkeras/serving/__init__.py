"""A server for trained models with the contract of TensorFlow Serving: REST, gRPC, versions, batches
(`pip install "jkeras[serve]"`)."""

from jkeras.serving.server import serve as serve
from jkeras.serving.settings import Settings as Settings
