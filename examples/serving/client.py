"""The client of TensorFlow Serving that asks for `voice_classification`: input `voice`, output `scores`.

    jkeras serve MODEL --name voice --signature voice_classification --inputs voice --outputs scores
    python examples/serving/client.py --server localhost:8500

It needs `pip install tensorflow-serving-api`, nothing of jkeras, and runs against TensorFlow Serving as well.
"""

import argparse

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)


def melgram(path: str | None, shape: list[int]) -> np.ndarray:
    """The features of a recording, saved by numpy; without one, noise."""
    array = np.random.RandomState(0).normal(size=shape) if path is None else np.load(path)
    return array.astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--server", default="localhost:8500", help="host:port of the PredictionService")
    parser.add_argument("--voice", help="a .npy file with the features of a recording")
    parser.add_argument("--shape", default="1,1,96,89", help="of the input, with the number of rows first")
    arguments = parser.parse_args()

    with grpc.insecure_channel(arguments.server) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "voice"  # as the server was started: --name voice
        request.model_spec.signature_name = "voice_classification"
        data = melgram(arguments.voice, [int(size) for size in arguments.shape.split(",")])
        request.inputs["voice"].CopyFrom(tf.make_tensor_proto(data, shape=data.shape))
        result = stub.Predict(request, 10.0)  # seconds
        print(result)
        print("scores:", tf.make_ndarray(result.outputs["scores"]).tolist())

        about = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        about.model_spec.name = "voice"
        packed = stub.GetModelMetadata(about, 10.0).metadata["signature_def"]
        signatures = get_model_metadata_pb2.SignatureDefMap()
        packed.Unpack(signatures)
        print("signatures:", sorted(signatures.signature_def))

        asked = get_model_status_pb2.GetModelStatusRequest()
        asked.model_spec.name = "voice"
        (status,) = (
            model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(asked, 10.0).model_version_status
        )
        print("version:", status.version, get_model_status_pb2.ModelVersionStatus.State.Name(status.state))


if __name__ == "__main__":
    main()
