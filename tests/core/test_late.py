"""Commands that only say something do not wait for jax."""

import subprocess
import sys

from jkeras.core.late import late


def test_help_needs_no_jax():
    code = (
        "import sys; from jkeras.cli import app; sys.argv = ['jkeras', 'train', '--help']\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "print(sorted({'jax', 'numpy', 'h5py'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "Usage: jkeras train" in out and out.splitlines()[-1] == "[]"


def test_a_module_that_is_there_is_itself():
    assert late("core.late").late is late
