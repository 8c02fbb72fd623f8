"""Versions of a served model: found in a folder, loaded, compiled, swapped while requests go on."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from jkeras.serving import sources
from jkeras.serving.batches import Batches
from jkeras.serving.errors import Refused, shown
from jkeras.serving.metrics import Metrics
from jkeras.serving.programs import Programs
from jkeras.serving.settings import Settings
from jkeras.serving.signature import Signature

_log = logging.getLogger("jkeras.serving")

LARGEST = 2**63 - 1
_REMEMBERED = 16  # versions whose state can be asked for when they are gone

# States, as TensorFlow Serving's ModelService numbers them.
LOADING, AVAILABLE, UNLOADING, END = "LOADING", "AVAILABLE", "UNLOADING", "END"

Print = tuple[tuple[str, int, int], ...]


@dataclass
class Version:
    """A loaded version: its programs, and the queue in front of them."""

    number: int
    programs: Programs
    batches: Batches

    @property
    def signature(self) -> Signature:
        """Names, shapes and dtypes."""
        return self.programs.signature


@dataclass
class State:
    """The state of a version, also of one that is gone."""

    state: str
    damage: str = ""  # for clients: names no file


class Versions:
    """The versions of a model; the newest that can be loaded answers.

    Args:
        settings: of the server; its path is a model, or a folder of version folders (`1`, `2`, ...).
        metrics: of the server.

    Attributes:
        current: the version that answers; None before the first one is there.
        states: `{number: State}` of the last versions.
    """

    def __init__(self, settings: Settings, metrics: Metrics):
        self.settings, self._metrics = settings, metrics
        self.current: Version | None = None
        self.states: OrderedDict[int, State] = OrderedDict()
        self.watched = _is_watched(settings.path)
        self._thread = ThreadPoolExecutor(1, "jkeras-compute")
        self._loader = ThreadPoolExecutor(1, "jkeras-load")
        self._seen: dict[int, Print] = {}
        self._broken: dict[int, Print] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def find(self, number: int | None) -> Version:
        """The version of a number, or the one that answers.

        Raises:
            Refused: it is not here.
        """
        if self.current is None:
            raise Refused(503, "The model has no version yet that can answer.", {"Retry-After": "5"})
        if number not in (None, self.current.number):
            raise Refused(404, f"Version {number} is not served; version {self.current.number} is.")
        return self.current

    async def start(self) -> None:
        """Load the first version.

        Raises:
            ValueError: the path is a model by itself, and cannot be loaded.
        """
        if not self.watched:
            self.current = await self._loaded(1, self.settings.path)
            self._set(1, State(AVAILABLE))
            return
        self._seen = _prints(self.settings.path)  # what was there before the server is whole
        await self.look()
        if self.current is None:
            _log.warning("No version can be served yet; waiting for one.")

    async def watch(self) -> None:
        """Look for new versions, again and again."""
        while self.watched:
            await asyncio.sleep(self.settings.poll_seconds)
            try:
                await self.look()
            except OSError as error:
                _log.error("The folder of versions cannot be read: %s", error)

    async def look(self) -> None:
        """Look for new versions once: load the newest that is new and whole.

        A folder that has changed since the last look is still being written, and waits for the next.
        """
        now = await asyncio.get_running_loop().run_in_executor(self._loader, _prints, self.settings.path)
        before, self._seen = self._seen, now
        self._broken = {n: p for n, p in self._broken.items() if now.get(n) == p}
        for number in sorted(now, reverse=True):
            if self.current is not None and number == self.current.number:
                return
            if number in self._broken:
                continue
            if before.get(number) != now[number] or not now[number]:
                if self.current is not None and number > self.current.number:
                    return
                continue
            if await self._try(number, now[number]):
                return

    async def _try(self, number: int, found: Print) -> bool:
        """Load a version and let it take over; False, and a line in the log, where it is broken."""
        _log.info("Loading version %d.", number)
        self._set(number, State(LOADING))
        try:
            version = await self._loaded(number, self.settings.path / str(number))
        except Exception as error:
            self._broken[number] = found
            self._set(number, State(END, "This version cannot be loaded; the server's log says why."))
            self._metrics.loads.add(("broken",))
            stays = f"version {self.current.number} stays" if self.current else "there is no other yet"
            _log.error("Version %d cannot be loaded (%s): %s", number, stays, error)
            return False
        old, self.current = self.current, version
        self._set(number, State(AVAILABLE))
        self._metrics.loads.add(("loaded",))
        _log.info("Version %d answers.", number)
        if old is not None:
            task = asyncio.create_task(self._leave(old))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
        return True

    async def _loaded(self, number: int, path: Path) -> Version:
        """A version, compiled for the sizes and shapes in use."""
        shapes = self.current.programs.shapes_in_use() if self.current else []

        def work() -> Programs:
            programs = sources.load(path, self.settings)
            programs.prepare(shapes)
            return programs

        programs = await asyncio.get_running_loop().run_in_executor(self._loader, work)
        batches = Batches(programs, programs.most, self._thread, self.settings, self._metrics)
        return Version(number, programs, batches)

    async def _leave(self, old: Version) -> None:
        """Let a version that no longer answers finish what it has; nothing holds its weights then."""
        self._set(old.number, State(UNLOADING))
        while not old.batches.idle:
            await asyncio.sleep(0.05)
        if self.current is None or self.current.number != old.number:
            self._set(old.number, State(END))

    def _set(self, number: int, state: State) -> None:
        self.states[number] = state
        self.states.move_to_end(number)
        while len(self.states) > _REMEMBERED:
            self.states.popitem(last=False)

    def close(self) -> None:
        """End the threads."""
        self._thread.shutdown()
        self._loader.shutdown(wait=False, cancel_futures=True)


def number_of(text: str) -> int:
    """A version's number as addresses write it.

    Raises:
        Refused: it is none.

    Example:
        >>> number_of("12")
        12
    """
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or int(text) > LARGEST:
        raise Refused(400, f"A version is a whole number from 0 to {LARGEST}; got {shown(text)}.")
    return int(text)


def _is_watched(path: Path) -> bool:
    """Whether a path is a folder of version folders: it has some, or nothing at all yet."""
    if not path.is_dir() or sources.is_run(path):
        return False
    return bool(_numbered(path)) or not any(path.iterdir())


def _numbered(path: Path) -> dict[int, Path]:
    names = (p for p in path.iterdir() if p.name.isascii() and p.name.isdecimal() and p.is_dir())
    return {int(p.name): p for p in names if p.name == str(int(p.name)) and int(p.name) <= LARGEST}


def _prints(path: Path) -> dict[int, Print]:
    """For each version what its folder holds: names, sizes, times."""
    return {number: _print(folder) for number, folder in _numbered(path).items()}


def _print(folder: Path) -> Print:
    try:
        found = [(p, p.stat()) for p in sorted(folder.rglob("*")) if p.is_file()]
    except OSError:  # something of it has just gone
        return ()
    return tuple((str(p.relative_to(folder)), s.st_size, s.st_mtime_ns) for p, s in found)
