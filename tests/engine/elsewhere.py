"""A computer elsewhere, for engines over ssh: a container with sshd and Docker's command, which has
the lab's socket, stands for that computer."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import docker
import psutil
import pytest
from docker.models.containers import Container

from tests.engine.waiting import until
from tests.lab.fixtures import have_image
from tests.lab.place import Place
from tests.lab.swarm import Swarm
from tests.support.ports import free_port
from tests.support.waiting import eventually

SSHD = "aiserver-lab/sshd:1"
SSHD_OPTIONS = [
    "-e", "-o", "PasswordAuthentication=no", "-o", "SetEnv=DOCKER_HOST=unix:///engine.sock",
    "-o", "MaxStartups=3",
]  # fmt: skip
WAYS = pytest.mark.parametrize("way", ["tunnel", "children"])
"""One ssh for all connections, or one for each."""
ON_LOOPBACK = pytest.mark.parametrize("elsewhere", ["loopback"], indirect=True)
ON_NODE = pytest.mark.parametrize("elsewhere", ["node1"], indirect=True)
"""Its engine is that node of the cluster."""


@dataclass(frozen=True)
class Elsewhere:
    """A computer that takes ssh logins; ``host``: its engine's address; ``known``: the file with
    host keys that the client knows."""

    host: str
    known: Path
    container: Container
    program: Path
    """The ssh that is found in the ``PATH``."""

    @property
    def place(self) -> str:
        """``USER@MACHINE[:PORT]``"""
        return self.host.removeprefix("ssh://")

    def use(self, way: str) -> None:
        """One of `WAYS`."""
        if way == "children":
            self.hide_socket()

    def notice_silence_soon(self) -> None:
        """Let ssh give up a silent server after seconds instead of 45."""
        soon = "-o ServerAliveInterval=2 -o ServerAliveCountMax=3"
        self.program.write_text(self.program.read_text().replace('"$@"', f'{soon} "$@"'))

    def processes(self) -> list[psutil.Process]:
        """What runs there, the server first, as this machine sees it."""
        groups = ((one, Path("/proc", str(one.pid), "cgroup")) for one in psutil.process_iter())
        return [one for one, file in groups if (self.container.id or "-") in _content(file)]

    def children(self) -> list[int]:
        """The ssh of any process that lead there."""
        found = psutil.process_iter(["name", "cmdline"])
        ssh = [one for one in found if one.info["name"] == "ssh"]
        return [one.pid for one in ssh if self.place in " ".join(one.info["cmdline"] or ())]

    def hide_socket(self) -> None:
        """ssh finds no socket there, so it runs Docker's command, which knows by its environment
        where the engine is."""
        self.container.exec_run(["rm", "/var/run/docker.sock"])


def _content(file: Path) -> str:
    with suppress(OSError):  # that process has ended
        return file.read_text()
    return ""


@pytest.fixture(params=["alone"])
def elsewhere(
    engine: docker.DockerClient,
    lab: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Elsewhere]:
    """The computer, with ssh's own files for it in *tmp_path*: a real ssh reads only those of the
    account, which are not the test's to change. With `ON_LOOPBACK`, it has the loopback address at
    which the engine publishes ports, which is this machine's."""
    is_here = request.param == "loopback"
    host = Swarm(lab).host(1) if request.param == "node1" else lab.host
    have_image(engine, SSHD)
    key, known = tmp_path / "key", tmp_path / "known"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    socket = {host.removeprefix("unix://"): {"bind": "/engine.sock"}}
    port = free_port() if is_here else 22
    options = ["/usr/sbin/sshd", "-D", "-p", str(port), *SSHD_OPTIONS]
    network = "host" if is_here else "bridge"
    container = engine.containers.run(
        SSHD, options, detach=True, volumes=socket, network_mode=network
    )
    public = shlex.quote(key.with_suffix(".pub").read_text())
    said = container.exec_run(["sh", "-c", f"echo {public} > /root/.ssh/authorized_keys"])
    assert said.exit_code == 0, said
    container.reload()
    address = container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"] or "127.0.0.1"
    host_key = container.exec_run(["cat", "/etc/ssh/ssh_host_ed25519_key.pub"]).output.decode()
    known.write_text(f"{address if port == 22 else f'[{address}]:{port}'} {host_key}")
    config = tmp_path / "config"
    config.write_text(f"IdentityFile {key}\nUserKnownHostsFile {known}\nHashKnownHosts yes\n")
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    real = shutil.which("ssh")
    assert real
    words = shlex.join([real, "-F", str(config)])
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    until(lambda: b"Server listening" in container.logs(), container)
    place = f"root@{address}" if port == 22 else f"root@{address}:{port}"
    found = Elsewhere(f"ssh://{place}", known, container, program)
    yield found
    eventually(lambda: found.children() == [], "no ssh is left")
    container.remove(force=True)
