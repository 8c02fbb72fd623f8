"""`jkeras train --processes`: one training by several processes."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from typing import Any

import jax
import typer

from jkeras.cli.errors import INTERRUPTED, UserError, say
from jkeras.core import processes

_PLACE = "JKERAS_PROCESS"  # of a process that was started here: "number/count/port"
_PATIENCE = 20.0  # seconds that the others have to say what they lost when one has ended
_HEARTBEAT = 30  # seconds after which a process that is not heard of is given up


@contextlib.contextmanager
def joined(wish: str | None) -> Generator[None]:
    """A context of the work of one of the processes; the one that the user calls starts them and waits.

    Args:
        wish: how many, or "auto": those that SLURM, MPI, Kubernetes or another cluster has started.

    Raises:
        UserError: no such number.
        typer.Exit: in the process that has started the others, with the exit code of what they did.
    """
    place = os.environ.get(_PLACE)
    if wish not in (None, "auto") and not (wish.isdecimal() and int(wish) > 0):
        raise UserError(f"--processes should be a number, or auto on a cluster; got {wish!r}.")
    if place is None and wish not in (None, "auto", "1"):
        raise typer.Exit(_started(int(wish)))
    if place is None and wish != "auto":
        yield
        return
    _join(place)
    with contextlib.ExitStack() as stack:
        if not processes.is_first():
            stack.enter_context(contextlib.redirect_stdout(stack.enter_context(open(os.devnull, "w"))))
        try:
            yield
        except BaseException as error:
            _explain(error)
            raise


def speaks() -> bool:
    """Whether this process prints results."""
    return _PLACE not in os.environ or processes.is_first()


def _explain(error: BaseException) -> None:
    """Say what has happened and leave: at the usual end of a process jax waits for the others."""
    if isinstance(error, KeyboardInterrupt):
        say(str(error) or "Interrupted.")
        processes.leave(INTERRUPTED)
    say(f"Error: {' '.join(str(error).split()) or type(error).__name__}")
    processes.leave(2)


def _join(place: str | None) -> None:
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    if place is None:
        try:
            jax.distributed.initialize(heartbeat_timeout_seconds=_HEARTBEAT)
        except (ValueError, RuntimeError) as error:
            raise UserError(
                f"--processes auto: jax finds no cluster here ({error}). Start the command with srun, mpirun "
                "or in a Kubernetes job, or name a number of processes for this machine."
            ) from error
        return
    number, count, port = map(int, place.split("/"))
    jax.distributed.initialize(
        f"localhost:{port}", count, number, local_device_ids=[number], heartbeat_timeout_seconds=_HEARTBEAT
    )


def _started(count: int) -> int:
    """Start so many processes of this command, wait for all; the exit code of the first that failed."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    started: list[subprocess.Popen[Any]] = []
    try:
        for number in range(count):
            environment = os.environ | {_PLACE: f"{number}/{count}/{port}"}
            started.append(subprocess.Popen([sys.executable, "-m", "jkeras", *sys.argv[1:]], env=environment))
        return _waited(started)
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()


def _waited(started: list[subprocess.Popen[Any]]) -> int:
    """Wait until all have ended; when one has failed the others have a while to end by themselves."""
    failed, until = 0, float("inf")
    while any(process.poll() is None for process in started):
        try:
            time.sleep(0.1)
        except KeyboardInterrupt:  # which they have got too
            failed, until = failed or INTERRUPTED, min(until, time.monotonic() + _PATIENCE)
        codes = [process.poll() for process in started]
        if not failed and any(codes):
            failed = next(code for code in codes if code)
            until = time.monotonic() + _PATIENCE
        if time.monotonic() > until:
            say("The other processes have not ended: they are stopped.")
            for process in started:
                process.send_signal(signal.SIGKILL)
    failed = failed or next((p.returncode for p in started if p.returncode), 0)
    return failed if failed >= 0 else 128 - failed
