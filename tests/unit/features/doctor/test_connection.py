"""Which step of a connection has failed, by what programs say, and what files of ssh have."""

from pathlib import Path

import pytest

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.engine.engine import Engine
from aiserver_tray.features.doctor import connection
from aiserver_tray.features.doctor.connection import examine_connection, failed_step
from aiserver_tray.features.doctor.ssh import known_hosts_files

JUMP = (
    "Host key verification failed.\nkex_exchange_identification: Connection closed by remote host"
)
NO_DAEMON = "Cannot connect to the Docker daemon at unix:///a.sock. Is the docker daemon running?"
BANNER = "Warning: ssh: connect to host is for staff.\nuser@a: Permission denied (publickey)."


@pytest.mark.parametrize(
    ("words", "step"),
    [
        ("ssh: Could not resolve hostname a: Name or service not known", "name"),
        ("ssh: connect to host a port 22: Connection refused", "port"),
        ("kex_exchange_identification: read: Connection reset by peer", "port"),
        ("Connection timed out during banner exchange", "port"),
        (JUMP, "key"),
        (BANNER, "login"),
        ("This account is currently not available.", "login"),
    ],
)
def test_words_of_ssh_tell_the_step(words: str, step: str) -> None:
    assert failed_step(words) == step


@pytest.mark.parametrize(
    ("host", "words", "mend"),
    [
        ("ssh://a", "sh: 1: docker: not found", "Install Docker"),
        ("wsl://Debian", "execvpe(docker) failed: No such file or directory", "Install Docker"),
        ("ssh://a", "permission denied while trying to connect to the docker API", "usermod"),
        ("ssh://a", NO_DAEMON, "Start it"),
        ("ssh://a", "dial unix /var/run/docker.sock: connect: no such file", "Start it"),
    ],
)
def test_words_of_docker_tell_the_mend(
    monkeypatch: pytest.MonkeyPatch, host: str, words: str, mend: str
) -> None:
    class Unreachable(Engine):
        def ping(self) -> None:
            raise EngineDownError.unreachable(self.host, words)

    # An engine that is stopped, and a remote Windows, can't be had here.
    monkeypatch.setattr(connection, "login_error", lambda _host: "")
    monkeypatch.setattr("shutil.which", lambda _program: "/usr/bin/ssh")
    assert mend in str(examine_connection(Unreachable(host)).findings[-1].text)


def test_ssh_is_missing_or_has_blanks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = examine_connection(Engine("ssh://a")).findings
    assert "Install the OpenSSH client" in str(found.text)
    line = r"C:\Users\Ada L/.ssh/known_hosts C:\Users\Ada L/.ssh/known_hosts2"
    assert [*map(str, known_hosts_files(line))] == [line[:31], line[32:]]
    assert known_hosts_files("/a /b c") == [Path("/a"), Path("/b c")]
