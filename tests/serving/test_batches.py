"""The queue: what is computed together, and what is refused."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from jkeras.serving.batches import Batches
from jkeras.serving.errors import Refused
from jkeras.serving.metrics import Metrics
from jkeras.serving.settings import Settings


class Doubling:
    """Doubles rows, notes what it was given, and waits where it is told to."""

    def __init__(self):
        self.calls, self.go = [], threading.Event()
        self.go.set()

    def __call__(self, parts):
        self.go.wait(10)
        self.calls.append([len(part[0]) for part in parts])
        return [[2 * part[0]] for part in parts]


def queue(compute, **settings):
    thread = ThreadPoolExecutor(1)
    given = Settings(Path("m.h5"), **{"max_batch": 4, "max_waiting": 8, "max_rows": 8, **settings})
    return Batches(compute, given.max_batch, thread, given, Metrics())


def rows(count, width=1, value=1.0):
    return [np.full((count, width), value, "float32")]


async def soon(batches, *requests, seconds=10.0):
    deadline = asyncio.get_running_loop().time() + seconds
    return [asyncio.create_task(batches.submit(request, deadline)) for request in requests]


def test_what_waits_together_is_computed_together():
    compute = Doubling()
    batches = queue(compute)

    async def work():
        tasks = await soon(batches, *[rows(1, value=i) for i in range(6)], rows(7), rows(1, width=2))
        return await asyncio.gather(*tasks)

    batches._longest = 20
    made = asyncio.run(work())
    assert [y[0].shape for y in made] == [(1, 1)] * 6 + [(7, 1), (1, 2)]
    assert [y[0][0, 0] for y in made[:6]] == [0, 2, 4, 6, 8, 10]
    assert compute.calls == [[1, 1, 1, 1], [1, 1], [4], [3], [1]] or sum(map(sum, compute.calls)) == 14
    assert max(map(sum, compute.calls)) == 4 and batches.idle and batches.rows == 0


def test_the_queue_is_bounded_and_has_deadlines():
    compute = Doubling()
    batches = queue(compute)

    async def work():
        compute.go.clear()
        first = await soon(batches, rows(4))
        await asyncio.sleep(0.01)  # it is being computed
        late = await soon(batches, rows(2), seconds=0.02)
        waiting = await soon(batches, rows(6))
        await asyncio.sleep(0)
        with pytest.raises(Refused) as full:
            await (await soon(batches, rows(1)))[0]
        with pytest.raises(Refused) as gone:
            await late[0]
        compute.go.set()
        made = await asyncio.gather(*first, *waiting)
        return full.value, gone.value, made

    full, gone, made = asyncio.run(work())
    assert (full.status, gone.status) == (503, 503) and full.headers["Retry-After"]
    assert "8 rows wait already" in full.text and "deadline" in gone.text
    assert [len(y[0]) for y in made] == [4, 6]
    assert sum(map(sum, compute.calls)) == 10, "what came too late is not computed"


def test_rows_wait_for_others_as_long_as_they_are_told_to():
    compute = Doubling()
    batches = queue(compute, max_delay_ms=40)

    async def work():
        first = await soon(batches, rows(1))
        await asyncio.sleep(0.002)
        second = await soon(batches, rows(1))
        await asyncio.gather(*first, *second)
        full = await soon(batches, rows(4))
        await asyncio.gather(*full)

    asyncio.run(work())
    assert compute.calls == [[1, 1], [4]]


def test_an_error_reaches_all_of_its_batch_and_no_other():
    def compute(parts):
        if len(parts) > 1:
            raise Refused(400, "no")
        return [[part[0]] for part in parts]

    batches = queue(compute)

    async def work():
        made = await asyncio.gather(*(await soon(batches, rows(1), rows(1))), return_exceptions=True)
        return made, await (await soon(batches, rows(1)))[0]

    made, after = asyncio.run(work())
    assert [type(error) for error in made] == [Refused, Refused] and len(after) == 1
