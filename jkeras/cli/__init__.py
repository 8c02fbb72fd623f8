"""The command line: `jkeras train | resume | checkpoints | restore | evaluate | predict | summary | inspect |
convert | export | serve`.

Exit codes: 0 done, 2 something the user can put right (one line on stderr says what), 130 interrupted after
saving.
"""

from jkeras.cli.app import app as app


def main() -> None:
    """Run the command of `sys.argv`; ends the process with its exit code."""
    app()
