"""Python code of the user's own, which runs only where the command line names it, never for a file."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from jkeras.cli.errors import UserError, close_to

_CODE = re.compile(
    r"(?P<module>[A-Za-z_][\w.]*):(?P<name>[A-Za-z_]\w*)|(?P<file>.+\.py)(:(?P<of_file>[A-Za-z_]\w*))?"
)


def is_code(text: Any) -> bool:
    """Whether a text names code: `module:function`, `file.py:function` or `file.py`.

    Example:
        >>> [is_code(text) for text in ("nets:build", "nets.py", "lib/nets.py:build", "digits", "a.json")]
        [True, True, True, False, False]
    """
    return isinstance(text, str) and _CODE.fullmatch(text) is not None


def result_of(text: str, default: str) -> Any:
    """Call the function that `text` names, without arguments; what is no function is handed back as it is.

    Args:
        text: `module:function`, `file.py:function`, or `file.py` for its function `default`. Modules are
            looked for in the working directory too.
        default: name of the function where the text has none.

    Raises:
        UserError: there is no such module, file or name.
    """
    match = _CODE.fullmatch(text)
    assert match is not None, text
    if match["file"]:
        module, name = _from_file(Path(match["file"])), match["of_file"] or default
    else:
        module, name = _imported(match["module"], text), match["name"]
    if not hasattr(module, name):
        known = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise UserError(f"{text}: there is no {name!r} in it. {close_to(name, known)}")
    value = getattr(module, name)
    return value() if callable(value) and not hasattr(value, "fit") else value


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UserError(f"There is no file {path}.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # so that what it defines can be pickled for worker processes
    sys.path.insert(0, str(path.parent.resolve()))  # its own imports, as with `python file.py`
    spec.loader.exec_module(module)
    return module


def _imported(name: str, text: str) -> ModuleType:
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise UserError(
                f"{text}: there is no module {error.name!r} here or among the installed ones."
            ) from error
        raise
