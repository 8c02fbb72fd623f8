"""A program that loads changed files as a user would, and watches what happens.

`python -m tests.saving.loading FOLDER SEED COUNT` makes files of a seed first; with FOLDER alone it loads
those that are listed in it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import jax
import numpy as np

from tests.saving import corpus

SECONDS, MEGABYTES = 20, 512
_EVENTS = (
    "os.system os.exec os.posix_spawn os.fork subprocess.Popen pickle.find_class os.remove os.rename os.link "
    "os.symlink os.mkdir ctypes.dlopen open"
).split()


class Watch:
    """What loading does beside reading: programs, connections, unpickling, files that it writes."""

    def __init__(self, spared: Path):
        self.on, self.spared, self._seen = False, str(spared), []
        sys.addaudithook(self._event)

    def _event(self, event: str, args: tuple) -> None:
        if not self.on or not (event in _EVENTS or event.startswith("socket.")):
            return
        if event == "open":
            writes = args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if not writes or isinstance(args[0], int):
                return
        if event == "os.remove" and args[1] != -1:  # of a folder that is made for it
            return
        if ".pyc" not in str(args[0]) and not any(self.spared in str(arg) for arg in args):
            self._seen.append(f"{event} {args!r:.200}")

    def told(self) -> str:
        seen, self._seen = self._seen, []
        return f" does {seen[:3]}" if seen else ""


class Loader:
    """What a user does with a file, by the name of the good file that it comes from."""

    def __init__(self, folder: Path):
        self.folder, self.models, self._sums = folder, corpus.models(), {}

    def __call__(self, path: Path, origin: str, by_name: bool = False) -> Any:
        from jkeras import saving
        from jkeras.cli import config
        from jkeras.datasets import pickles
        from jkeras.models import load_model, model_from_json, model_from_yaml
        from jkeras.utils import archives

        stem, _, suffix = origin.rpartition(".")
        other = {
            "json": lambda: model_from_json(path.read_bytes().decode("utf8", "replace")),
            "yaml": lambda: model_from_yaml(path.read_bytes().decode("utf8", "replace")),
            "run": lambda: saving.read_run(path.parent),
            "run-yaml": lambda: config.read(path),
            "tar": lambda: archives.extract(path, "auto", self._room(path)),
            "zip": lambda: archives.extract(path, "auto", self._room(path)),
            "data-npz": lambda: pickles.read_npz(path, "x", "y"),
            "pickle": lambda: pickles.read_pickle(open(path, "rb"), path),
        }
        if suffix in other:
            return other[suffix]()
        weights = suffix in ("npz", "flax") or "weights" in origin
        if not weights and suffix != "ckpt":
            return load_model(str(path))
        model = self.models.get(stem.removeprefix("plain-").removesuffix("-weights"), self.models["dense"])
        if suffix == "ckpt":
            saving.restore(model, path)
        else:
            model.load_weights(str(path), by_name=by_name)
        return model

    def _room(self, path: Path) -> Path:
        room = path.with_name(f"{path.name}.room") / "inside"
        room.mkdir(parents=True)
        return room

    def is_as_written(self, loaded: Any, origin: str) -> bool:
        """Whether what was loaded has the numbers of the good file."""
        if origin not in self._sums:
            self._sums[origin] = _numbers(self(self.folder / "good" / origin, origin))
        return _numbers(loaded) == self._sums[origin]


def _numbers(model: Any) -> bytes:
    return b"".join(w.tobytes() for w in model.get_weights())


def _complaint(error: BaseException, path: Path, origin: str) -> str:
    """What is wrong with an error, or nothing."""
    from jkeras.cli.errors import UserError

    text = str(error)
    if not isinstance(error, (ValueError, OSError, UserError)) or isinstance(error, UnicodeError):
        return f"{type(error).__name__}: {text[:300]}"
    if "\n" in text.strip():
        return f"more than a line: {text[:300]!r}"
    if path.name not in text and not origin.endswith((".json", ".yaml")):
        return f"does not name the file: {text[:300]}"
    return ""


def _peak() -> int:
    """The most memory of this process since the last call, in MB."""
    text = Path("/proc/self/status").read_text()
    Path("/proc/self/clear_refs").write_text("5")
    return int(re.findall(r"VmHWM:\s+(\d+)", text)[0]) >> 10


def _tried(load: Loader, path: Path, item: dict[str, str]) -> tuple[bool, str]:
    """Whether a file loads, and what is wrong with that."""
    damaged = item["change"] == "damaged"
    try:
        model = load(path, item["origin"], not damaged and len(path.name) % 2 == 0)
        if damaged and corpus.is_sealed(item["origin"]) and not load.is_as_written(model, item["origin"]):
            return True, "loads other numbers, though it is damaged"
        weights = model.get_weights() if hasattr(model, "get_weights") else []
        return True, "has read another file" if any(np.any(w == corpus.CANARY) for w in weights) else ""
    except BaseException as error:
        said = _complaint(error, path, item["origin"])
        if said and os.environ.get("TRACE"):
            traceback.print_exc()
        return False, said


def main(folder: Path) -> None:
    """Load every file of the list; print what is wrong."""
    jax.config.update("jax_enable_compilation_cache", False)  # it would write files of its own
    load, watch = Loader(folder), Watch(folder)
    todo, bad, loaded, slowest, idle = json.loads((folder / "list.json").read_text()), [], 0, 0.0, 0
    os.chdir(folder)
    before = set(folder.iterdir())
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # also where C code does not come back
    for number, item in enumerate(todo):
        path = Path(item["path"])
        print(path, file=sys.stderr, flush=True)
        idle = _peak() if number == 5 else idle
        start = time.monotonic()
        signal.alarm(SECONDS)
        watch.on = True
        fine, said = _tried(load, path, item)
        watch.on = False
        signal.alarm(0)
        loaded, slowest = loaded + fine, max(slowest, time.monotonic() - start)
        if idle and (peak := _peak()) - idle > MEGABYTES:
            said += f" takes {peak - idle} MB"
        if said := said + watch.told():
            bad.append({**item, "said": said})
    new = [path.name for path in set(folder.iterdir()) - before if not path.name.endswith(".room")]
    rooms = [path for path in folder.glob("*.room/*") if path.name != "inside"]
    if new or rooms:
        bad.append({"path": str(folder), "origin": "", "change": "", "said": f"writes {new} {rooms}"})
    print(json.dumps({"bad": bad, "loaded": loaded, "count": len(todo), "slowest": slowest}))


if __name__ == "__main__":
    place = Path(sys.argv[1])
    if len(sys.argv) > 2:
        place.mkdir()
        corpus.outside(place)
        made = corpus.write(place, corpus.good(place / "good"), int(sys.argv[2]), int(sys.argv[3]))
        (place / "list.json").write_text(json.dumps(made))
    main(place)
