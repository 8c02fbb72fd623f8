"""Settings of the test session; the environment must be set before anything imports jax."""

from __future__ import annotations

import gc
import importlib
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from tests import flags


def _cache_folder() -> str:
    """A folder for jax's persistent compilation cache that only this user writes to."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = Path(home) / "jkeras-tests"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return ""
    return str(folder)


# These scripts run where the real Keras is; collecting doctests would import them.
collect_ignore_glob = ["golden/record_*.py", "golden/check_*.py"]

# The recordings hold for float32 on a CPU.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["XLA_FLAGS"] = flags.of_session()

# Nothing goes from one device to another unsaid. (From the host much does: Keras code hands numpy arrays on.)
os.environ.setdefault("JAX_TRANSFER_GUARD_DEVICE_TO_DEVICE", "disallow")

# Most of a run's time is compilation: keep the programs between runs. An empty value switches it off.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", _cache_folder())
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.05")
if not os.environ["JAX_COMPILATION_CACHE_DIR"]:
    del os.environ["JAX_COMPILATION_CACHE_DIR"]

# No test may read or write the user's own ~/.keras. The first process makes the folders, xdist's workers
# inherit them.
_OWN: list[str] = []
for _name, _prefix in (("JKERAS_HOME", "jkeras-home-"), ("JKERAS_GOLDEN_DIR", "jkeras-golden-")):
    if os.environ.get("PYTEST_XDIST_WORKER") is None:
        os.environ[_name] = tempfile.mkdtemp(prefix=_prefix)
        _OWN.append(os.environ[_name])


def pytest_configure(config):
    """Load the packages: pytest itself would load one that it collects first (`pytest jkeras/backend tests`)
    without the names in it that live elsewhere."""
    root = Path(__file__).parents[1]
    for package in sorted((root / "jkeras").rglob("__init__.py")):
        importlib.import_module(".".join(package.parent.relative_to(root).parts))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Each of xdist's workers gets one stretch of the tests, and takes of another's when it is through: what
    tests compile for each other to use is compiled once, not by every worker."""
    if config.getvalue("dist") == "load":  # as `-n` alone has it
        from xdist.scheduler import WorkStealingScheduling

        return WorkStealingScheduling(config, log)


def pytest_collection_finish(session):
    """Modules and tests stay to the end: no collection of garbage looks at them again. Of a million objects
    each takes a second, and there are many (`K.clear_session()` is one)."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def few_objects():
    """Likewise what jax keeps of programs. Its programs are forgotten in time: each is mapped into memory
    several times, Linux allows a process 65,530 mappings, and LLVM crashes where it gets none."""
    import jax

    yield
    mappings = Path("/proc/self/maps")
    if mappings.exists() and mappings.read_bytes().count(b"\n") > 15_000:
        gc.unfreeze()
        jax.clear_caches()
        gc.collect()
        gc.freeze()
        jax.jit(lambda x: x + 1)(0)  # which opens the cache of programs again: no test is to see that
    elif len(gc.get_objects()) > 100_000:
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True)
def ranks(request):
    """No array gets axes unsaid; a user's code in a test may broadcast as numpy does: `@broadcasts`."""
    import jax

    free = request.node.get_closest_marker("broadcasts") is not None
    with jax.numpy_rank_promotion("allow" if free else "raise"):
        yield


def pytest_runtest_setup(item):
    """Where there are fewer devices, as on one GPU, skip what wants several: a test with a parameter
    `devices=4` or marked `@pytest.mark.devices(4)`."""
    import jax

    marker = item.get_closest_marker("devices")
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    wanted = marker.args[0] if marker else parameters.get("devices")
    if isinstance(wanted, int) and wanted > len(jax.devices()):
        pytest.skip(f"needs {wanted} devices, and there are {len(jax.devices())}")


def pytest_make_parametrize_id(config, val, argname):
    """Bytes stand by the name of their argument: an archive holds the time, and ids are to be the same in
    every process."""
    return argname if isinstance(val, bytes) else None


def pytest_unconfigure(config):
    for folder in _OWN:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def ctrl_c():
    """SIGINT raises KeyboardInterrupt, as in a terminal, also where the session ignores it: a shell's
    background job begins so, and hands it on to its processes."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def ignored_ctrl_c():
    """SIGINT is ignored, as under `nohup`."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)
