"""A Debian of its own in a folder, entered as root."""

import hashlib
import os
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import docker

from bundler.inputs import cached
from tests.lab.archives import make_archive
from tests.support.times import ONCE, apart

IMAGE = "aiserver-lab/debian:trixie"
USER = "ada"

_VARIABLES = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


class Debian:
    """The Debian in the folder *root*, in which packages start no services and nobody logs in:
    users have no folder below /run/user."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def unpacked(cls, engine: docker.DockerClient, root: Path) -> "Debian":
        """The lab's Debian, unpacked in the folder *root*, with a user."""
        engine.images.pull(IMAGE)
        container = engine.api.create_container(IMAGE)
        content = _Stream(engine.api.export(container["Id"]))
        with tarfile.open(fileobj=cast("tarfile._Fileobj", content), mode="r|") as archive:
            return cls._of(archive, root)

    @classmethod
    def bootstrapped(cls, suite: str, root: Path) -> "Debian":
        """The release *suite* of Debian, made like the lab's, in the folder *root*, with a user."""
        with TemporaryDirectory() as name:
            made = make_archive({"maker": "debian", "suite": suite}, Path(name) / "made")
            with tarfile.open(made) as archive:
                return cls._of(archive, root)

    @classmethod
    def _of(cls, archive: tarfile.TarFile, root: Path) -> "Debian":
        archive.extractall(root, filter="fully_trusted")
        for name, minor in (("null", 3), ("urandom", 9)):
            os.mknod(root / "dev" / name, 0o666 | 0o020000, os.makedev(1, minor))
            (root / "dev" / name).chmod(0o666)
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        found = cls(root)
        found.run("useradd", "--create-home", "--uid", "1000", USER)
        return found

    def run(self, *command: str, user: str = "root", **variables: str) -> str:
        """The output of *command*. If it fails, raises ``AssertionError`` with all that it says."""
        with self.start(*command, user=user, **variables) as process:
            printed, complained = process.communicate()
        assert process.returncode == 0, f"{command}: {process.returncode}\n{printed}{complained}"
        return printed

    @contextmanager
    def start(
        self, *command: str, user: str = "root", **variables: str
    ) -> Iterator[subprocess.Popen[str]]:
        """The process of *command*. It and all that it starts end with the block."""
        home = "/root" if user == "root" else f"/home/{user}"
        settings = _VARIABLES | _QUIET | {"HOME": home} | variables
        assigned = [f"{name}={value}" for name, value in settings.items()]
        # Processes are a namespace's, so that none outlives the first one, and /proc is theirs.
        words = ["unshare", "--mount", "--pid", "--fork"]
        words += [f"--mount-proc={self.root / 'proc'}", "chroot", f"--userspec={user}"]
        with subprocess.Popen(
            [*words, str(self.root), "env", "-i", *assigned, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                # --kill-child of unshare has no effect once the child is another user.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def files(self, left_out: Sequence[str] = ()) -> set[str]:
        """All files and folders, without what is below *left_out*."""
        found = (str(path.relative_to(self.root)) for path in self.root.rglob("*"))
        return {name for name in found if not name.startswith(tuple(left_out))}


@contextmanager
def debian_for(deb: Path, suite: str, cache: Path, folder: Path) -> Iterator[Debian]:
    """The release *suite* of Debian in *folder*, with all that the package *deb* depends on. It is
    kept in *cache*."""
    command = ["dpkg-deb", "--field", str(deb), "Depends"]
    depends = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
    key = hashlib.sha256(f"{depends}4".encode()).hexdigest()[:16]
    with cached(cache, suite, key) as (kept, empty):
        if empty:
            with apart(ONCE):
                made = Debian.bootstrapped(suite, empty / "root")
                # The index of a release that still changes is valid for a week: a mirror may be
                # behind.
                made.run("apt-get", "--option", "Acquire::Check-Valid-Until=false", "update")
                made.run("apt-get", "satisfy", "--yes", depends)
        subprocess.run(["cp", "-a", str((empty or kept) / "root"), str(folder)], check=True)
    try:
        yield Debian(folder / "root")
    finally:
        shutil.rmtree(folder / "root")


class _Stream:
    """Chunks as a file to read."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)

    def read(self, _size: int) -> bytes:
        return next(self._chunks, b"")
