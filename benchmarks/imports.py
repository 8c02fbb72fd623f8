"""What importing jkeras costs beside importing jax: medians of fresh processes that take turns.

python benchmarks/imports.py [-r ROUNDS]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

STATEMENTS = {
    "jax": "import jax",
    "jkeras": "import jax, jkeras",
    "a script": "import jax; from jkeras.models import Sequential; from jkeras.layers import Dense",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-r", "--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    seconds: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for turn in range(rounds + 1):
        for name, statement in STATEMENTS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True)
            if turn:  # the first one warms the disk
                seconds[name].append(time.perf_counter() - start)
    base = statistics.median(seconds["jax"])
    for name, statement in STATEMENTS.items():
        median = statistics.median(seconds[name])
        print(f"{median:6.2f} s  {median - base:+6.2f} s  {statement}")


if __name__ == "__main__":
    main()
