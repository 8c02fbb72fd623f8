"""`jkeras docs`: the guides of the repository as a site."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from jkeras.cli.errors import UserError

# What builds the site, by the names under which Python imports them.
NEEDED = ("mkdocs", "material", "mkdocstrings_handlers.python", "mkdocs_static_i18n")


def build(output: Path | None, strict: bool) -> Path:
    """Build the site.

    Args:
        output: the folder to write; by default `build/docs` in the repository.
        strict: whether a warning is an error.

    Returns:
        The first page.

    Raises:
        UserError: there are no sources, a package is missing, or the site has an error.
    """
    root = Path(__file__).parents[2]
    settings = root / "examples" / "mkdocs.yml"
    if not settings.exists():
        raise UserError(
            "The guides are in jkeras's repository, under examples/guides, and not in the installed package: "
            "clone the repository and run `pip install -e '.[docs]'` there."
        )
    missing = [name for name in NEEDED if not _is_there(name)]
    if missing:
        raise UserError(f'jkeras docs needs {missing[0].partition(".")[0]}: pip install "jkeras[docs]"')
    folder = (output or root / "build" / "docs").absolute()
    command = [sys.executable, "-m", "mkdocs", "build", "-q", "-f", str(settings), "-d", str(folder)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # about another program
    done = subprocess.run([*command, *(["--strict"] if strict else [])], cwd=root, env=quiet)
    if done.returncode:
        raise UserError("The site could not be built: mkdocs says why above.")
    return folder / "index.html"


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:  # of the package around it
        return False
