"""Small models as files, and a server without sockets: its application is called directly."""

import asyncio
import json
from types import SimpleNamespace

import numpy as np
import pytest

from jkeras import Input, Model, Sequential, layers
from jkeras.serving import Settings
from jkeras.serving.app import App
from jkeras.serving.request_log import RequestLog
from jkeras.serving.service import Service


def voice(seed=0):
    """A model of rows of (2, 3) with two classes."""
    model = Sequential([layers.Flatten(input_shape=(2, 3)), layers.Dense(2, activation="softmax")])
    random = np.random.RandomState(seed)
    model.set_weights([random.normal(size=w.shape) for w in model.get_weights()])
    return model


def pair():
    """A model with two inputs, one of whole numbers, and two outputs."""
    a, b = Input((2,), name="a"), Input((3,), dtype="int32", name="b")
    words = layers.Flatten()(layers.Embedding(5, 2)(b))
    both = layers.concatenate([a, words])
    return Model([a, b], [layers.Dense(2, name="y")(both), layers.Dense(1, name="z")(both)])


class Client:
    """Calls an application as a server would."""

    def __init__(self, settings):
        self.lines = SimpleNamespace(write=self._kept, flush=lambda: None)
        self.log: list[str] = []
        self.service = Service(settings)
        self.app = App(self.service, RequestLog("json", self.lines))

    def _kept(self, text):
        self.log.append(text)

    def run(self, work):
        """Run a coroutine; the first one loads the model."""

        async def both():
            if not self.service.versions.states:
                await self.service.versions.start()
            return await work

        return asyncio.run(both())

    async def ask(self, method, path, body=b"", headers=(), parts=None):
        """An answer: status, what its JSON says (or its text), headers."""
        parts = [body] if parts is None else list(parts)
        sent = []

        async def receive():
            if not parts:
                await asyncio.sleep(3600)
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}
        await self.app(scope, receive, send)
        content = b"".join(m.get("body", b"") for m in sent[1:])
        kept = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        said = json.loads(content) if kept["content-type"] == "application/json" else content.decode()
        return SimpleNamespace(status=sent[0]["status"], said=said, headers=kept, raw=content)

    def predict(self, request, name="voice"):
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        return self.run(self.ask("POST", f"/v1/models/{name}:predict", body))

    def get(self, path):
        return self.run(self.ask("GET", path))


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """The models, and where they lie."""
    folder = tmp_path_factory.mktemp("served")
    models = {"voice": voice(), "pair": pair()}
    for name, model in models.items():
        model.save(str(folder / f"{name}.h5"))
    return SimpleNamespace(folder=folder, **models)


@pytest.fixture(scope="session")
def client(files):
    """A server of the model `voice`, under the names of the documents' client."""
    made = Client(
        Settings(
            files.folder / "voice.h5",
            name="voice",
            signature="voice_classification",
            inputs=("voice",),
            outputs=("scores",),
            max_batch=4,
            max_rows=8,
            max_body=4000,
        )
    )
    yield made
    made.service.versions.close()


@pytest.fixture(scope="session")
def two(files):
    """A server of the model `pair`."""
    made = Client(Settings(files.folder / "pair.h5", name="voice", max_batch=2, max_rows=8))
    yield made
    made.service.versions.close()
