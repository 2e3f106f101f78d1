"""Where this machine's engine is looked for."""

import os
import stat
from pathlib import Path

import pytest

from aiserver_tray.host import engine_place

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="sockets and paths of Linux")


@pytest.fixture
def system_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    socket = tmp_path / "system.sock"
    monkeypatch.setattr(engine_place, "_SOCKET", socket)
    return socket


def test_the_systems_engine_comes_before_the_users_own(
    system_socket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    own = tmp_path / "docker.sock"
    assert engine_place.default_host() == f"unix://{system_socket}"
    own.touch()
    assert engine_place.default_host() == f"unix://{own}"
    system_socket.touch()
    assert engine_place.default_host() == f"unix://{system_socket}"


def test_an_engine_on_the_path_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_place, "_programs", lambda: iter([tmp_path / "none"]))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not engine_place.is_installed()
    program = tmp_path / "dockerd"
    program.touch()
    program.chmod(stat.S_IRWXU)
    assert engine_place.is_installed()


def test_an_engine_is_installed_where_installers_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(engine_place, "_programs", lambda: iter([tmp_path]))
    assert engine_place.is_installed()


def test_the_kernel_is_this_machines() -> None:
    assert engine_place.kernel_release() == os.uname().release
