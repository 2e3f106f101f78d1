"""Where this machine's engine is looked for."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from aiserver_tray.system import engine_place

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="sockets and paths of Linux")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of this machine, where nothing is installed."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(engine_place, "_SYSTEM_SOCKET", tmp_path / "system.sock")
    monkeypatch.setattr(engine_place, "_SYSTEM_PROGRAMS", ("dockerd",))
    return tmp_path


@pytest.fixture
def listening() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def listen(stack: ExitStack, path: Path) -> str:
    """Someone answers at *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    server = stack.enter_context(socket.socket(socket.AF_UNIX))
    server.bind(str(path))
    server.listen()
    return f"unix://{path}"


def left_over(path: Path) -> str:
    """A socket at *path* that nobody listens to."""
    with ExitStack() as stack:
        return listen(stack, path)


def install(program: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.touch(mode=0o700)


def test_desktop_programs_come_first_then_the_users_own_then_the_system(
    machine: Path, listening: ExitStack
) -> None:
    assert engine_place.default_host() == f"unix://{machine}/system.sock"
    for place in (
        "system.sock",
        "run/docker.sock",
        ".rd/docker.sock",
        ".docker/desktop/docker.sock",
    ):
        assert listen(listening, machine / place) == engine_place.default_host()


def test_an_installed_engine_comes_before_a_leftover_socket_and_one_that_answers_first(
    machine: Path, listening: ExitStack
) -> None:
    left = left_over(machine / ".docker/desktop/docker.sock")
    assert engine_place.default_host() == left
    install(machine / "bin/dockerd")
    system = f"unix://{machine}/system.sock"
    assert engine_place.default_host() == system
    install(machine / ".config/systemd/user/docker.service")
    assert engine_place.default_host() == f"unix://{machine}/run/docker.sock"
    left_over(machine / "system.sock")
    assert engine_place.default_host() == system
    (machine / "system.sock").unlink()
    assert listen(listening, machine / ".rd/docker.sock") == engine_place.default_host()


@pytest.mark.parametrize(
    "program", ["bin/dockerd", "bin/colima", ".rd/bin/rdctl", ".config/systemd/user/docker.service"]
)
def test_an_engine_is_installed_where_its_program_is(machine: Path, program: str) -> None:
    assert not engine_place.is_installed()
    install(machine / program)
    assert engine_place.is_installed()
    if program.startswith(".config"):  # it has no socket yet
        assert engine_place.default_host() == f"unix://{machine}/run/docker.sock"


def test_the_kernel_is_this_machines() -> None:
    assert engine_place.kernel_release() == os.uname().release


def test_spellings_of_an_address_are_one_place(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "var").symlink_to(tmp_path)
    same = (
        (f"unix://{tmp_path}/run/a.sock", f"unix://{tmp_path}/var/run/../run//a.sock"),
        ("npipe:////./pipe/docker_engine", "npipe:////./PIPE/Docker_Engine"),
        ("tcp://localhost:2375", "http://127.0.0.1/"),
        ("tcp://Box", "tcp://box:2375"),
    )
    found = [[*map(engine_place.canonical, pair)] for pair in same]
    assert [one == two for one, two in found] == [True] * len(same)
    assert len({one for one, _ in found}) == len(same)
