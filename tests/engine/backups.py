"""How tests on the lab's engine make and restore backups: through the owner's channels."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import disk_usage
from subprocess import PIPE, Popen
from typing import Any

import docker
import pytest

from aiserver_tray.owner.owner import Owner
from tests.engine.through_owner import asked
from tests.support.observed import names

PASSPHRASE = "correct horse battery"


def files_of(owner: Owner) -> list[str]:
    """The names of the files that are listed."""
    listed = asked(owner, "ai/backup/list")["backups"]
    return [Path(one["file"]).name for one in listed if one["file"]]


def leftovers(engine: docker.DockerClient) -> list[str]:
    """What backups and restores have on the engine beside the data of modules."""
    volumes = [v.name for v in engine.volumes.list() if v.name.startswith("ai-backup")]
    return [*sorted(volumes), *(n for n in names(engine) if n.startswith("ai."))]


@contextmanager
def before(owner: object, method: str, act: Callable[[], object]) -> Iterator[None]:
    """Within the block, *act* is called once, before the first call of *method* of the class or
    module *owner*."""
    whole, is_due = getattr(owner, method), [True]

    def called(*words: Any, **named: Any) -> Any:  # noqa: ANN401 - the method's
        if is_due and is_due.pop():
            act()
        return whole(*words, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, method, called)
        yield
    assert not is_due, f"{method} was not called"


@contextmanager
def small_folder(size: str) -> Iterator[Path]:
    """A folder with a file system of its own of *size* bytes (``16m``). It is mounted where only
    one process has it, so that it goes with that one."""
    mount = 'mount -t tmpfs -o size="$1" none /mnt; echo; read _'
    command = ["unshare", "--mount", "sh", "-ec", mount, "sh", size]
    with Popen(command, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"\n"
        yield Path(f"/proc/{process.pid}/root/mnt")
        process.communicate(b"\n")


def fill(folder: Path, left: int = 0) -> Path:
    """A file in *folder* that takes the whole disk, except *left* bytes."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        if left:
            os.posix_fallocate(file.fileno(), 0, disk_usage(folder).free - left)
        for size in () if left else (1 << 20, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    return filler
