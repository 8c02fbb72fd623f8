"""gRPC's side: the messages of TensorFlow Serving, and what is wrong with bad ones."""

import ml_dtypes
import numpy as np
import pytest

from jkeras.serving.messages import TYPES, classes
from jkeras.serving.rpc import Rpc
from jkeras.serving.signature import TensorInfo
from jkeras.serving.tensors import array_of, fill

PREDICT = "/tensorflow.serving.PredictionService/Predict"
METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
X = np.random.RandomState(2).normal(size=(2, 2, 3)).astype("float32")


def request(array=X, name="voice", **spec):
    made = classes().PredictRequest()
    made.model_spec.name = "voice"
    for key, value in spec.items():
        setattr(made.model_spec, key, value)
    fill(made.inputs[name], array)
    return made


@pytest.fixture(scope="module")
def ask(client):
    rpc = Rpc(client.service, None)

    def run(method, message, seconds=None):
        body = message if isinstance(message, bytes) else message.SerializeToString()
        return client.run(rpc.answer(method, body, seconds))

    return run


def test_predict(ask, files):
    by_bytes = request(signature_name="voice_classification")
    by_bytes.inputs["voice"].ClearField("float_val")
    by_bytes.inputs["voice"].tensor_content = X.tobytes()
    by_bytes.model_spec.version.value = 1
    by_bytes.output_filter.append("scores")
    for message in (request(), by_bytes):
        code, response, rows = ask(PREDICT, message)
        assert (code, rows, list(response.outputs)) == ("OK", 2, ["scores"])
        scores = response.outputs["scores"]
        assert [dim.size for dim in scores.tensor_shape.dim] == [2, 2] and scores.dtype == 1
        np.testing.assert_allclose(np.reshape(scores.float_val, (2, 2)), files.voice.predict(X), rtol=1e-5)
        assert response.model_spec.version.value == 1
        assert response.model_spec.signature_name == "voice_classification"


def test_metadata_and_status(ask):
    message = classes().GetModelMetadataRequest(metadata_field=["signature_def"])
    message.model_spec.name = "voice"
    code, response, _ = ask(METADATA, message)
    assert code == "OK" and response.metadata["signature_def"].type_url.endswith("serving.SignatureDefMap")
    found = classes().SignatureDefMap.FromString(response.metadata["signature_def"].value).signature_def
    given = found["voice_classification"].inputs["voice"]
    assert [dim.size for dim in given.tensor_shape.dim] == [-1, 2, 3] and given.name == "voice:0"
    message = classes().GetModelStatusRequest()
    message.model_spec.name = "voice"
    code, response, _ = ask(STATUS, message)
    (status,) = response.model_version_status
    assert (code, status.version, status.state, status.status.error_code) == ("OK", 1, 30, 0)


def damaged(**changes):
    """A request whose tensor says something else: a shape, or fields."""
    made = request()
    tensor = made.inputs["voice"]
    if "shape" in changes:
        tensor.tensor_shape.ClearField("dim")
        for size in changes.pop("shape"):
            tensor.tensor_shape.dim.add(size=size)
    for key, value in changes.items():
        setattr(tensor, key, value)
    return made


def labelled():
    made = request()
    made.model_spec.version_label = "stable"
    return made


def filtered():
    made = request()
    made.output_filter.append("logits")
    return made


@pytest.mark.parametrize(
    "message, code, phrase",
    [
        (b"\xff\xff", "INVALID_ARGUMENT", "no tensorflow.serving.PredictRequest"),
        (request(name="sound"), "INVALID_ARGUMENT", "no input 'sound'"),
        (request(X.astype("float64")), "INVALID_ARGUMENT", "should be float32; got float64"),
        (request(X[:, :1]), "INVALID_ARGUMENT", "axis 1 should have 2"),
        (request(X[0]), "INVALID_ARGUMENT", "axis 1 should have 2 elements; got 3"),
        (request(np.full((1, 2, 3), np.inf, "float32")), "INVALID_ARGUMENT", "NaN, infinity"),
        (request(np.zeros((9, 2, 3), "float32")), "INVALID_ARGUMENT", "at most 8"),
        (request(np.zeros((0, 2, 3), "float32")), "INVALID_ARGUMENT", "0 elements"),
        (damaged(shape=[10**9, 2, 3]), "INVALID_ARGUMENT", "6000000000 elements are more"),
        (damaged(shape=[10**9, 2, 3], tensor_content=b"1234"), "INVALID_ARGUMENT", "4 bytes are not"),
        (damaged(shape=[-1, 2, 3]), "INVALID_ARGUMENT", "no unknown sizes"),
        (damaged(shape=[3, 2, 3]), "INVALID_ARGUMENT", "18 elements; got 12"),
        (damaged(shape=[12]), "INVALID_ARGUMENT", "should have 3 axes; got 1"),
        (damaged(dtype=7), "INVALID_ARGUMENT", "got number 7"),
        (request(signature_name="music"), "INVALID_ARGUMENT", "no signature 'music'"),
        (request(name="voice"), "OK", None),
        (filtered(), "INVALID_ARGUMENT", "no output ['logits']"),
        (labelled(), "NOT_FOUND", "label 'stable'"),
        (classes().PredictRequest(), "NOT_FOUND", "no model ''"),
    ],
)
def test_bad_requests(ask, message, code, phrase):
    found, said, _ = ask(PREDICT, message)
    assert found == code and (phrase is None or phrase in said), said


def test_deadlines_and_unknown_versions(ask):
    assert ask(PREDICT, request(), seconds=0.0)[0] == "UNAVAILABLE"
    wrong = request()
    wrong.model_spec.version.value = 9
    assert ask(PREDICT, wrong)[:2] == ("NOT_FOUND", "Version 9 is not served; version 1 is.")
    assert ask(METADATA, classes().GetModelMetadataRequest())[0] == "NOT_FOUND"


@pytest.mark.parametrize("dtype", TYPES)
def test_every_dtype_there_and_back(dtype):
    array = np.array([[0, 1], [1, 1]]).astype(np.dtype(getattr(ml_dtypes, dtype, dtype)))
    info, proto = TensorInfo("x", (None, 2), dtype), classes().TensorProto()
    fill(proto, array)
    back = array_of(classes().TensorProto.FromString(proto.SerializeToString()), info, 100)
    assert back.dtype == array.dtype and (back == array).all()
    one = classes().TensorProto()
    fill(one, array[1:, 1:])
    one.tensor_shape.dim[0].size, one.tensor_shape.dim[1].size = 3, 2
    assert array_of(one, info, 100).tolist() == [[1, 1]] * 3  # one value stands for all
