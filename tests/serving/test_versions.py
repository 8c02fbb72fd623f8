"""A folder of versions, watched: swaps, broken and half-written ones."""

import asyncio
import gc
import json
import os
import shutil
import weakref

import numpy as np
import pytest

from jkeras.serving import Settings
from tests.serving.conftest import Client, voice
from tests.serving.test_rest import GOOD

PATH = "/v1/models/voice"


def add(folder, number, model):
    (folder / str(number)).mkdir(parents=True)
    model.save(str(folder / str(number) / "model.h5"))


@pytest.fixture(scope="module")
def models():
    return [voice(seed) for seed in range(4)]


async def predicted(client, version=None):
    where = PATH if version is None else f"{PATH}/versions/{version}"
    return await client.ask("POST", f"{where}:predict", json.dumps({"instances": GOOD}).encode())


def states(client):
    return {n: s.state for n, s in client.service.versions.states.items()}


def test_a_swap_under_load_loses_no_request(tmp_path, models):
    add(tmp_path, 1, models[1])
    client = Client(Settings(tmp_path, name="voice", max_batch=2))
    wanted = [model.predict(np.array(GOOD, "float32"))[0] for model in models]

    async def work():
        versions = client.service.versions
        stop, answers = asyncio.Event(), []

        async def load():
            while not stop.is_set():
                answers.append(await predicted(client))

        clients = [asyncio.create_task(load()) for _ in range(4)]
        old = weakref.ref(versions.current.programs)
        add(tmp_path, 2, models[2])
        for _ in range(2):  # seen, then seen to be whole
            assert versions.current.number == 1
            await versions.look()
        await predicted(client)
        while versions._leaving:
            await asyncio.sleep(0.01)
        stop.set()
        await asyncio.gather(*clients)
        assert (await predicted(client, 2)).status == 200
        assert (await predicted(client, 1)).status == 404
        gc.collect()
        assert old() is None, "the weights of the old version are gone"
        return answers

    answers = client.run(work())
    assert {answer.status for answer in answers} == {200}
    which = [
        next(n for n in (1, 2) if np.allclose(answer.said["predictions"][0], wanted[n], rtol=1e-4))
        for answer in answers
    ]
    assert which == sorted(which) and set(which) == {1, 2}
    assert states(client) == {1: "END", 2: "AVAILABLE"}
    client.service.versions.close()


def test_broken_half_written_and_removed_versions(tmp_path, models, caplog):
    add(tmp_path, 3, models[3])
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "model.h5").write_bytes(b"no model")
    (tmp_path / "007").mkdir()
    (tmp_path / "notes").mkdir()
    client = Client(Settings(tmp_path, name="voice", max_batch=1))
    versions = client.service.versions

    async def work():
        assert versions.current.number == 3
        assert "Version 7 cannot be loaded" in caplog.text
        broken = await client.ask("GET", f"{PATH}/versions/7")
        status = broken.said["model_version_status"][0]
        assert status["state"] == "END" and status["status"]["error_code"] == "UNKNOWN"
        assert str(tmp_path) not in broken.raw.decode()
        seen = len(caplog.records)
        await versions.look()
        assert len(caplog.records) == seen, "what is broken is not tried again until it changes"

        whole = (tmp_path / "3" / "model.h5").read_bytes()
        for part in (whole[:1000], whole[:2000], whole):  # it is being copied
            (tmp_path / "7" / "model.h5").write_bytes(part)
            await versions.look()
            assert versions.current.number == 3
        await versions.look()
        assert versions.current.number == 7 and (await predicted(client)).status == 200

        shutil.rmtree(tmp_path / "7")
        await versions.look()
        assert versions.current.number == 3, "back to the newest that is there"
        shutil.rmtree(tmp_path / "3")
        await versions.look()
        assert versions.current.number == 3 and (await predicted(client)).status == 200

    client.run(work())
    client.service.versions.close()


def test_a_folder_may_be_empty_at_first(tmp_path, models):
    client = Client(Settings(tmp_path, name="voice", max_batch=1, poll_seconds=0.01))

    async def work():
        assert (await client.ask("GET", "/readyz")).status == 503
        answer = await predicted(client)
        assert answer.status == 503 and answer.headers["retry-after"]
        watching = asyncio.create_task(client.service.versions.watch())
        add(tmp_path, 1, models[0])
        os.utime(tmp_path / "1")
        while client.service.versions.current is None:
            await asyncio.sleep(0.01)
        watching.cancel()
        assert (await client.ask("GET", "/readyz")).status == 200
        assert (await predicted(client)).status == 200

    client.run(work())
    client.service.versions.close()
