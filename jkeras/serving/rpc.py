"""The gRPC side: `PredictionService` and `ModelService`."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from jkeras.core import extras
from jkeras.serving.errors import Refused, shown, wrong
from jkeras.serving.messages import classes
from jkeras.serving.request_log import RequestLog
from jkeras.serving.service import Service, status_of
from jkeras.serving.tensors import array_of, fill, signature_def

_log = logging.getLogger("jkeras.serving")

_CODES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 413: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
_SIGNATURE = "signature_def"

Method = Callable[[Any, "float | None"], Awaitable[Any]]


class Rpc:
    """The methods of both services.

    Args:
        service: the model.
        log: a line for each request.

    Attributes:
        methods: `{name: (class of the request, what answers it)}`.
    """

    def __init__(self, service: Service, log: RequestLog):
        self._service, self._log = service, log
        self._messages: Any = classes()
        predicting, models = "/tensorflow.serving.PredictionService", "/tensorflow.serving.ModelService"
        self.methods: dict[str, tuple[Any, Method]] = {
            f"{predicting}/Predict": (self._messages.PredictRequest, self.predict),
            f"{predicting}/GetModelMetadata": (self._messages.GetModelMetadataRequest, self.metadata),
            f"{models}/GetModelStatus": (self._messages.GetModelStatusRequest, self.status),
        }

    def _version(self, spec: Any) -> Any:
        if spec.version_label:
            raise Refused(404, f"There is no version with the label {shown(spec.version_label)}.")
        number = spec.version.value if spec.HasField("version") else None
        return self._service.version(spec.name, number)

    def _spec(self, message: Any, number: int, signature: str) -> None:
        message.name, message.signature_name = self._service.settings.name, signature
        message.version.value = number

    async def predict(self, request: Any, seconds: float | None) -> Any:
        """`PredictionService.Predict`."""
        version = self._version(request.model_spec)
        signature = version.signature
        signature.check_name(request.model_spec.signature_name)
        most = self._service.settings.max_body
        given = {name: array_of(proto, signature.input(name), most) for name, proto in request.inputs.items()}
        names = [info.name for info in signature.outputs]
        if unknown := set(request.output_filter) - set(names):
            raise wrong(f"There is no output {shown(sorted(unknown))}; this model has {names}.")
        outputs = await self._service.predict(version, given, seconds)
        response = self._messages.PredictResponse()
        self._spec(response.model_spec, version.number, signature.name)
        for name in request.output_filter or names:
            fill(response.outputs[name], outputs[name])
        return response

    async def metadata(self, request: Any, seconds: float | None) -> Any:
        """`PredictionService.GetModelMetadata`; its only field is `signature_def`."""
        version = self._version(request.model_spec)
        if list(request.metadata_field) != [_SIGNATURE]:
            raise wrong(f"The only metadata are {_SIGNATURE!r}; got {shown(list(request.metadata_field))}.")
        signature = version.signature
        signatures = self._messages.SignatureDefMap()
        signatures.signature_def[signature.name].CopyFrom(signature_def(signature.inputs, signature.outputs))
        response = self._messages.GetModelMetadataResponse()
        self._spec(response.model_spec, version.number, "")
        packed = response.metadata[_SIGNATURE]
        packed.type_url = "type.googleapis.com/tensorflow.serving.SignatureDefMap"
        packed.value = signatures.SerializeToString()
        return response

    async def status(self, request: Any, seconds: float | None) -> Any:
        """`ModelService.GetModelStatus`."""
        spec = request.model_spec
        self._service.check_name(spec.name)
        response = self._messages.GetModelStatusResponse()
        for state in self._service.states(spec.version.value if spec.HasField("version") else None):
            status_of(*state, response.model_version_status.add())
        return response

    async def answer(self, method: str, body: bytes, seconds: float | None) -> tuple[str, Any, int]:
        """The outcome of a request.

        Args:
            method: its whole name.
            body: the bytes of the request.
            seconds: that the client waits; None: for ever.

        Returns:
            A code's name, the response or why there is none, and the number of rows.
        """
        kind, act = self.methods[method]
        try:
            try:
                request = kind.FromString(body)
            except Exception:
                raise wrong(f"The request is no {kind.DESCRIPTOR.full_name}.") from None
            response = await act(request, seconds)
        except Refused as refused:
            return _CODES.get(refused.status, "UNKNOWN"), refused.text, 0
        except Exception:
            _log.exception("A request could not be answered.")
            return "INTERNAL", "The server failed; its log says why.", 0
        first = next(iter(response.outputs.values())) if act == self.predict else None
        return "OK", response, 0 if first is None else first.tensor_shape.dim[0].size

    async def handle(self, method: str, body: bytes, context: Any) -> bytes:
        """Answer a call of grpc's."""
        start = time.perf_counter()
        code, response, rows = await self.answer(method, body, context.time_remaining())
        seconds = time.perf_counter() - start
        self._service.metrics.count("grpc", method.rpartition("/")[2], code, code != "OK")
        if rows:
            self._service.metrics.seconds.add(seconds)
        self._log.write("grpc", "POST", method, code, seconds, rows)
        if code != "OK":
            grpc: Any = extras.module("grpc", "serve", "jkeras serve")
            await context.abort(grpc.StatusCode[code], response)
        return response.SerializeToString()


def server_of(rpc: Rpc, address: str, max_bytes: int, most: int) -> tuple[Any, int]:
    """A server of grpc's with both services, not yet started, and its port.

    Args:
        rpc: the methods.
        address: host and port to listen on.
        max_bytes: of a request.
        most: requests at a time.

    Raises:
        OSError: it cannot listen there.
    """
    grpc: Any = extras.module("grpc", "serve", "jkeras serve")
    aio: Any = extras.module("grpc.aio", "serve", "jkeras serve")
    options = [("grpc.max_receive_message_length", max_bytes), ("grpc.so_reuseport", 0)]
    server = aio.server(options=options, maximum_concurrent_rpcs=most)
    for method in rpc.methods:
        _, service, name = method.split("/")
        handler = grpc.unary_unary_rpc_method_handler(_handler(rpc, method))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: handler}),))
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise OSError(f"gRPC cannot listen on {address}: {error}") from error
    return server, port


def _handler(rpc: Rpc, method: str) -> Callable[[bytes, Any], Awaitable[Any]]:
    async def handler(body: bytes, context: Any) -> Any:
        return await rpc.handle(method, body, context)

    return handler
