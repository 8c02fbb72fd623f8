"""BackupAndRestore: a run that goes on where it was interrupted, and leaves nothing behind when it ends."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import Any, Literal

from jkeras.callbacks.base import Logs
from jkeras.callbacks.run import RunCheckpoint


class BackupAndRestore(RunCheckpoint):
    """Saves the state of training, goes on from there after an interruption, and removes it at the end.

    Name and arguments are those of Keras 3; what is saved and how it goes on is `RunCheckpoint`'s: the whole
    state, in mid-epoch too, and to the bit.

    Args:
        backup_dir: directory of this run alone.
        save_freq: "epoch", or the number of batches between two backups.
        double_checkpoint: whether the backup before the last one is kept too.
        delete_checkpoint: whether the backup is removed when `fit` ends as it should.

    Raises:
        ValueError: no `backup_dir`, or another `save_freq`.

    Keras 3: keras/callbacks/backup_and_restore.py BackupAndRestore

    Example:
        >>> backup = BackupAndRestore("runs/backup", save_freq=100)
        >>> backup.chunk_limit(step=0)
        100
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: int | Literal["epoch"] = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ):
        if not backup_dir:
            raise ValueError("BackupAndRestore: `backup_dir` should name a directory; got an empty one.")
        given: Any = save_freq
        if given != "epoch" and not (isinstance(given, int) and given > 0):
            raise ValueError(
                f"BackupAndRestore: `save_freq` should be 'epoch' or a number of batches; got {save_freq!r}."
            )
        batches = None if save_freq == "epoch" else save_freq
        super().__init__(
            backup_dir,
            every_epochs=1 if batches is None else None,
            every_steps=batches,
            keep=2 if double_checkpoint else 1,
            resume=True,
        )
        self.delete_checkpoint = delete_checkpoint

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Remove the backup of a training that has come to its end."""
        super().on_train_end(logs)
        if self.delete_checkpoint:
            shutil.rmtree(self.run_dir / "checkpoints")
            with contextlib.suppress(OSError):  # something else is in it
                self.run_dir.rmdir()
