"""Installing Docker with the real apt, as root, in a Debian of its own: the lab's, unpacked in a
folder. ``pkexec`` is a stand-in that becomes root there, since no desktop asks for a password."""

import os
from pathlib import Path

import docker
import pytest
from click.testing import CliRunner

from aiserver_tray.cli import engine as command
from aiserver_tray.cli import root
from aiserver_tray.system import engine_install, engine_place
from aiserver_tray.system.engine_install import Progress
from tests.support.debian import USER, Debian

PKEXEC = """\
#!/bin/sh
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root chroot {root} "$@"
"""


@pytest.fixture
def debian(engine: docker.DockerClient, tmp_path: Path) -> Debian:
    """A Debian with a user, in which packages start no services."""
    return Debian.unpacked(engine, tmp_path / "debian")


def test_docker_is_installed_and_the_user_may_use_it(
    debian: Debian, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pkexec").write_text(PKEXEC.format(root=debian.root))
    (programs / "pkexec").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(engine_install, "group_member", lambda: USER)
    monkeypatch.setattr(engine_install, "prefix_on_terminal", lambda: ["pkexec"])
    monkeypatch.setattr(engine_place, "is_installed", lambda: False)
    monkeypatch.setattr(command, "is_interactive", lambda: True)
    seen: list[Progress] = []
    monkeypatch.setattr(command, "_Printer", lambda: seen.append)

    done = CliRunner().invoke(root, ["engine", "install"], input="y\n")

    assert done.exit_code == 0, done.output
    assert f"{USER} joins the group docker" in done.output
    assert (debian.root / "usr/sbin/dockerd").exists()
    assert debian.run("dpkg", "--audit") == ""
    assert "docker" in debian.run("id", "--groups", "--name", USER).split()
    assert list(dict.fromkeys(one.phase for one in seen)) == ["update", "download", "install"]
    assert any(one.phase == "install" and one.percent for one in seen)
    assert any("docker.io" in line for line in seen[-1].lines)
