"""Installing Docker with the real apt, as root, in a Debian of its own: the lab's, unpacked in a
folder. ``pkexec`` is a stand-in that becomes root there, since no desktop asks for a password."""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import docker
import pytest

from aiserver_tray.system import engine_install
from aiserver_tray.system.engine_install import EngineInstallation, Progress

DEBIAN = "aiserver-lab/debian:trixie"
PKEXEC = """\
#!/bin/sh
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root chroot {root} "$@"
"""


class _Stream:
    """Chunks as a file to read."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)

    def read(self, _size: int) -> bytes:
        return next(self._chunks, b"")


@pytest.fixture
def debian(engine: docker.DockerClient, tmp_path: Path) -> Path:
    """The folder of a Debian with a user, in which packages start no services."""
    root = tmp_path / "debian"
    engine.images.pull(DEBIAN)
    container = engine.api.create_container(DEBIAN)
    content = _Stream(engine.api.export(container["Id"]))
    with tarfile.open(fileobj=cast("tarfile._Fileobj", content), mode="r|") as archive:
        archive.extractall(root, filter="fully_trusted")
    os.mknod(root / "dev/null", 0o666 | 0o020000, os.makedev(1, 3))
    (root / "dev/null").chmod(0o666)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    subprocess.run(["chroot", root, "useradd", "--create-home", "ada"], check=True)
    return root


def test_docker_is_installed_and_the_user_may_use_it(
    debian: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pkexec").write_text(PKEXEC.format(root=debian))
    (programs / "pkexec").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(engine_install, "group_member", lambda: "ada")
    seen: list[Progress] = []

    EngineInstallation(["pkexec"], seen.append).run()

    assert (debian / "usr/sbin/dockerd").exists()
    assert _in(debian, "dpkg", "--audit") == ""
    assert "docker" in _in(debian, "id", "--groups", "--name", "ada").split()
    assert list(dict.fromkeys(one.phase for one in seen)) == ["update", "download", "install"]
    assert any(one.phase == "install" and one.percent for one in seen)
    assert any("docker.io" in line for line in seen[-1].lines)


def _in(root: Path, *command: str) -> str:
    done = subprocess.run(["chroot", root, *command], capture_output=True, text=True, check=True)
    return done.stdout
