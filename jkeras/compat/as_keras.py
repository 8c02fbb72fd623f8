"""`import keras` means jkeras: for scripts that are to run unchanged."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, TracebackType
from typing import Any

from jkeras.compat import later_names
from jkeras.compat.module_aliases import ROOT

NAME = "keras"
KERAS_VERSIONS = {2: "2.2.4", 3: "3.15.1"}  # by major number: the versions whose names these are

BACKENDS = ("jax", "tensorflow")

_aside: dict[str, ModuleType] = {}  # modules of the real Keras that wait for the undoing
_backend = BACKENDS[0]
_version = KERAS_VERSIONS[2]


def backend_name() -> str:
    """The answer of `K.backend()`.

    Example:
        >>> backend_name()
        'jax'
    """
    return _backend


def is_installed() -> bool:
    """Whether `import keras` means jkeras.

    Example:
        >>> is_installed()
        False
    """
    return Finder in sys.meta_path


def install_as_keras(
    replace: bool = False, backend_name: str | None = None, version: int | None = None
) -> Installed:
    """Let `import keras`, and every path below it, mean jkeras from now on, in this process.

    Call it before the script's first `import keras`. `keras.layers` then is `jkeras.layers`, the same module;
    `keras` itself is a stand-in whose `__version__` is that of the Keras it speaks for, "2.2.4". A Keras that
    is installed but not yet imported stays out of sight until the undoing; its files are not touched.
    `tensorflow.keras` and `tf.keras` are never redirected; a TensorFlow that imports the package `keras` for
    its own use (2.16 and later) has to do so before, or gets an error that says so. Calling it twice does no
    harm. It holds in worker processes (`use_multiprocessing=True`) too.

    Args:
        replace: whether to go on although another Keras has been imported. Its modules are set aside until
            the undoing; names that were bound before keep the other Keras.
        backend_name: what `K.backend()` says until the undoing: "jax", or "tensorflow" for packages that ask
            for the name and then use functions of Keras only. Default: as it is, "jax".
        version: what `keras.__version__` says until the undoing: 2 for "2.2.4", 3 for "3.15.1". A name means
            the same with both: where the two differ, Keras 2.2.4 wins. Default: as it is, 2.

    Returns:
        A context manager that undoes the installation at the end of its block. It need not be used as such.

    Raises:
        RuntimeError: another Keras has been imported, and `replace` is False.
        ValueError: a `backend_name` or a `version` that is none of the two.

    Example:
        >>> import jkeras
        >>> with jkeras.install_as_keras(replace=True):  # here something else may have imported Keras
        ...     from keras.layers import Dense
        >>> Dense is jkeras.layers.Dense
        True
    """
    if backend_name not in (None, *BACKENDS):
        raise ValueError(f"backend_name must be one of {BACKENDS}; got {backend_name!r}.")
    if version not in (None, *KERAS_VERSIONS):
        raise ValueError(f"version must be one of {(*KERAS_VERSIONS,)}; got {version!r}.")
    if is_installed():
        _answer(backend_name, version)
        return Installed(first=False)
    others = [name for name in sys.modules if name.partition(".")[0] == NAME]
    if others and not replace:
        raise RuntimeError(
            f"Another {NAME} has been imported already, from {_origin(sys.modules[others[0]])}. Call "
            f"{ROOT}.install_as_keras() before anything imports {NAME} (TensorFlow and other libraries may "
            f"do so), or {ROOT}.install_as_keras(replace=True): then names that are bound by now keep the "
            f"other {NAME}."
        )
    for name in others:
        _aside[name] = sys.modules.pop(name)
    sys.meta_path.insert(0, Finder)
    _answer(backend_name, version)
    return Installed(first=True)


def keras_version() -> int:
    """The major number of the Keras that `import keras` speaks for: 2, or 3 where that was asked for."""
    return int(_version.partition(".")[0])


def _answer(name: str | None, version: int | None) -> None:
    global _backend, _version
    _backend = name or _backend
    _version = KERAS_VERSIONS[version] if version else _version
    if NAME in sys.modules and is_installed():
        sys.modules[NAME].__dict__["__version__"] = _version


def uninstall_as_keras() -> None:
    """Undo `install_as_keras`: the next `import keras` finds what it would have found before.

    Names that a script has bound stay as they are. Without an installation this does nothing.

    Example:
        >>> uninstall_as_keras()
    """
    if not is_installed():
        return
    sys.meta_path.remove(Finder)
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]
    sys.modules.update(_aside)
    _aside.clear()
    _answer(BACKENDS[0], 2)


class Installed:
    """The result of `install_as_keras`: a `with` block that ends with the undoing.

    Args:
        first: whether this call made the installation; an inner block does not undo the outer one's.
    """

    def __init__(self, first: bool):
        self.first = first

    def __enter__(self) -> Installed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.first:
            uninstall_as_keras()


class Finder:
    """Finds `keras` and what is below it, before Python's own finders do."""

    @staticmethod
    def find_spec(fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The spec of a module of Keras; None for all others.

        Raises:
            ModuleNotFoundError: for a module below `keras` that jkeras does not have.
        """
        if fullname == NAME:
            return ModuleSpec(fullname, Finder, is_package=True)  # type: ignore[arg-type]
        if not fullname.startswith(f"{NAME}."):
            return None
        ours = _ours(fullname)
        if importlib.util.find_spec(ours) is None:
            package, _, name = fullname.removeprefix(f"{NAME}.").rpartition(".")
            advice = later_names.instead(package, name)
            reason = f"it is in Keras 3, and not here: {advice}" if advice else f"{ROOT} has no {ours}"
            # Not None: the other finders would look into our folder and load files a second time.
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: {ROOT} stands in for {NAME}, and {reason}. For the real "
                f"{NAME} (which tf.keras may be looking for) call {ROOT}.uninstall_as_keras() first.",
                name=fullname,
            )
        return ModuleSpec(fullname, Finder)  # type: ignore[arg-type]

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """Python's own empty module will do; all but `keras` itself are replaced below."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """Make `keras` a view of jkeras, and everything below the very module of jkeras."""
        ours = importlib.import_module(_ours(module.__name__))

        def __getattr__(name: str):
            return getattr(ours, name)

        if module.__name__ == NAME:
            module.__doc__ = f"{ROOT} in the place of {NAME} {_version}."
            module.__dict__.update(
                __version__=_version,
                __getattr__=__getattr__,
                __dir__=lambda: dir(ours),
            )
        else:
            sys.modules[module.__name__] = ours


def _ours(name: str) -> str:
    return ROOT + name[len(NAME) :]


def _origin(module: ModuleType) -> str:
    return getattr(module, "__file__", None) or "somewhere without a file"


class Inherited:
    """Stands first in a pickle for a worker process: what comes after may then `import keras` there as here.

    Loaded in a process that is not a child of the one that wrote it, it does nothing.
    """

    def __reduce__(self):
        major = keras_version()
        return _inherit, (os.getpid(), backend_name() if is_installed() else None, major)


def _inherit(parent: int, name: str | None, version: int) -> None:
    if name is not None and os.getppid() == parent:
        install_as_keras(replace=True, backend_name=name, version=version)
