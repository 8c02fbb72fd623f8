"""The networks of jkeras.applications: how long each takes to build, and `predict` beside Keras 3's on JAX.

    python benchmarks/applications.py build [-a VGG16,ResNet50] [-r ROUNDS]
    python benchmarks/applications.py predict --peer PYTHON [-a MobileNet] [-r ROUNDS]

`build` times each builder in fresh processes, after the import and without a file of weights: medians of the
wall's and the processor's seconds until there is a model, and until all of its weights are drawn too.
`predict` runs both frameworks in processes of their own that take turns, here and with an interpreter that
has Keras 3 and JAX; the ratio is our median time divided by theirs, so 1 is as fast. Compilation happens
before.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path

from turns import about, described, interleave

BUILDERS = (
    "VGG16 VGG19 ResNet50 InceptionV3 InceptionResNetV2 Xception MobileNet MobileNetV2 DenseNet121 "
    "DenseNet169 DenseNet201 NASNetMobile NASNetLarge"
).split()
PREDICTED = ["VGG16", "ResNet50", "MobileNet"]
CALLS = {1: 10, 32: 1}  # batch size: calls of predict in one turn

BUILD = """
import sys, time
from jkeras import applications
start, cpu = time.perf_counter(), time.process_time()
model = getattr(applications, sys.argv[1])(weights=None)
print(time.perf_counter() - start, time.process_time() - cpu)
model.get_weights()
print(time.perf_counter() - start, time.process_time() - cpu)
"""


def build(name: str, rounds: int) -> str:
    """A row: seconds to the model, and to its weights."""
    runs = []
    for _ in range(rounds):
        text = subprocess.run(
            [sys.executable, "-c", BUILD, name], check=True, capture_output=True, text=True
        ).stdout
        runs.append([float(number) for number in text.split()])
    return f"{name:18}" + "".join(f"{statistics.median(times):9.2f}" for times in zip(*runs, strict=True))


class Contestant:
    """A process that predicts when it is told to.

    Args:
        python: its interpreter.
        framework: "jkeras" or "keras".
        name: the network.

    Raises:
        SystemExit: it does not start; it has said why.
    """

    def __init__(self, python: str, framework: str, name: str):
        script = Path(__file__).with_name("predicting.py")
        command = [python, str(script), framework, name]
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        except OSError as error:
            raise SystemExit(f"The interpreter {python!r} cannot be started: {error.strerror}.") from None
        assert self.process.stdin is not None and self.process.stdout is not None
        self.orders, self.answers = self.process.stdin, self.process.stdout
        self.about = self.answers.readline().strip()
        if not self.about:
            raise SystemExit(f"{python} cannot run {framework}: its message stands above.")

    def predict(self, batch: int, calls: int) -> float:
        """Call `predict`; the seconds that it took."""
        print(batch, calls, file=self.orders, flush=True)
        return float(self.answers.readline().split()[0])

    def end(self) -> None:
        self.orders.close()
        self.process.wait()


def predict(name: str, peer: str, rounds: int) -> list[str]:
    """A row for each batch size."""
    contestants = {
        "jkeras": Contestant(sys.executable, "jkeras", name),
        "keras": Contestant(peer, "keras", name),
    }
    print("  " + ", ".join(c.about for c in contestants.values()))
    rows = []
    for batch, calls in CALLS.items():
        for contestant in contestants.values():
            contestant.predict(batch, 1)  # compiles
            contestant.predict(batch, calls)  # settles
        turns = {key: partial(c.predict, batch, calls) for key, c in contestants.items()}
        ms = {k: statistics.median(s) / calls * 1e3 for k, s in interleave(turns, rounds).items()}
        ratio = ms["jkeras"] / ms["keras"]
        rows.append(f"{name:12}{batch:6}{ms['jkeras']:12.1f}{ms['keras']:12.1f}{ratio:9.2f}")
    for contestant in contestants.values():
        contestant.end()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["build", "predict"])
    parser.add_argument("-a", "--applications", help="default: all to build, some to predict")
    parser.add_argument("-r", "--rounds", type=int, default=5)
    parser.add_argument("--peer", help="an interpreter that has Keras 3 and JAX; needed for predict")
    args = parser.parse_args()
    names = args.applications.split(",") if args.applications else BUILDERS
    unknown = [name for name in names if name not in BUILDERS]
    if unknown:
        parser.error(f"unknown network {unknown[0]!r}; there are {', '.join(BUILDERS)}.")
    print(described(about()))
    if args.what == "build":
        print(f"{'':18}{'built, s':>9}{'cpu':>9}{'drawn, s':>9}{'cpu':>9}")
        for name in names:
            print(build(name, args.rounds), flush=True)
        return
    if not args.peer:
        parser.error("predict compares with Keras 3: name an interpreter that has it, --peer PYTHON.")
    print(f"{'':12}{'batch':>6}{'jkeras, ms':>12}{'keras, ms':>12}{'ratio':>9}")
    for name in names if args.applications else PREDICTED:
        for row in predict(name, args.peer, args.rounds):
            print(row, flush=True)


if __name__ == "__main__":
    main()
