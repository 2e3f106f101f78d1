"""The private engine with its registry: starting it, finding it, ending it.

Both run in mount and PID namespaces of their own (see ``namespace.sh``), so that ending the first
process of these namespaces ends containerd, shims and containers too, and every mount with them.
Ending the lab and cleaning up after a crash are therefore the same thing.
"""

import fcntl
import json
import logging
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from select import select
from typing import IO, Any

import docker
import psutil
import requests

from tests.lab import kernel, network
from tests.lab.place import LabError, Place
from tests.support.ports import free_port
from tests.support.processor import VARIABLE

_ENTER_ROOT = Path(__file__).with_name("enter_root.py")
_NAMESPACE = Path(__file__).with_name("namespace.sh")
_START_LIMIT = 180.0
_END_LIMIT = 120.0
"""Seconds; a disk that is busy can hold up either for more than a minute."""
_TIMEOUT_SECONDS = 10.0
"""Seconds until something may have been paused since it was looked at."""

_ANSWER_SECONDS = 60.0
"""Seconds for an answer, on a busy machine. One that does not run refuses at once."""

_LOG_TAIL = 40

_GO = {"GOGC": "400"}
"""For the engine's programs: they look for garbage a quarter as often, for some memory more."""

OTHER_REGISTRIES = ("ghcr.io",)
"""Registries besides Docker Hub whose images the lab has."""

_children: dict[str, subprocess.Popen[bytes]] = {}
"""The first process of each lab for tests that this process has started, by the lab's name."""

_log = logging.getLogger(__name__)


class _Api(docker.APIClient):  # type: ignore[misc]
    """The SDK's, which loses what a command prints if it comes together with the head of the
    engine's answer: it reads from the socket, past the buffer that has both (docker-py, issue
    2042). On a busy machine that was one command in seven. Without an upgrade, all is read from
    the buffer."""

    def exec_start(self, exec_id: str, **options: Any) -> Any:  # noqa: ANN401 - the SDK's
        if any(options.values()):
            return super().exec_start(exec_id, **options)
        address = self._url("/exec/{0}/start", exec_id)
        response = self._post_json(address, data={"Detach": False, "Tty": False}, stream=True)
        return b"".join(self._multiplexed_buffer_helper(response))


class Client(docker.DockerClient):  # type: ignore[misc]
    """A client of an engine at *host*, as the SDK's is; *timeout* in seconds."""

    def __init__(self, host: str, timeout: float) -> None:
        # Instead of the SDK's, which would make an API of its own.
        self.api = _Api(base_url=host, timeout=timeout)
        self.api.hooks["response"].append(_start_once_more)


def client(place: Place) -> Client:
    """A client of the lab's engine, whatever ``DOCKER_HOST`` or the CLI's context say."""
    return Client(place.host, timeout=300)


def _start_once_more(response: requests.Response, **options: Any) -> requests.Response:  # noqa: ANN401 - an adapter's
    """Where runc lost its own first process, about once in 50,000 starts, nothing is wrong with
    the container: the answer to another try."""
    request = response.request
    is_start = "/containers/" in request.path_url and request.path_url.endswith("/start")
    if response.status_code != requests.codes.server_error or not is_start:
        return response
    if "read init-p" not in response.text:
        return response
    _log.warning("started once more after: %s", response.text.strip())
    again: requests.Response = response.connection.send(request, **options)
    return again


def registry_address(place: Place) -> str:
    """``host:port`` of the registry of a lab that is up."""
    return str(json.loads(place.registry_config.read_text())["http"]["addr"])


def processes(place: Place) -> dict[str, int]:
    """The lab's own processes by program name, with their pids as this machine sees them."""
    found: dict[str, int] = {}
    configs = {str(place.engine_config), str(place.registry_config)}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            argv = (folder / "cmdline").read_text().split("\0")
        except OSError:  # ended meanwhile
            continue
        if configs & set(argv):
            found[Path(argv[0]).name] = int(folder.name)
    return found


def alive(place: Place) -> bool:
    """Whether engine and registry answer."""
    return _answers(lambda: ping_engine(place.socket)) and _answers(lambda: _ping_registry(place))


def ping_engine(path: Path) -> None:
    """Raises ``OSError`` unless an engine answers at the socket *path*."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        connection.connect(str(path))
        connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        if b" 200 " not in connection.recv(64):
            raise OSError("not ready")


def _ping_registry(place: Place) -> None:
    requests.get(
        f"http://{registry_address(place)}/v2/", timeout=_ANSWER_SECONDS
    ).raise_for_status()


def _answers(ping: Callable[[], None]) -> bool:
    try:
        ping()
    except (OSError, requests.RequestException):
        return False
    return True


def start(place: Place) -> None:
    """Starts registry and engine on what an earlier run left in the state folder.

    Raises:
        LabError: They did not answer in time; with the end of their log.
    """
    place.run.mkdir(parents=True, exist_ok=True)
    for folder in (place.data, place.registry, place.temporary):
        folder.mkdir(parents=True, exist_ok=True)
    kernel.allow(place.name)
    pool = network.create(place)
    address = f"127.0.0.1:{free_port()}"
    place.registry_config.write_text(json.dumps(registry_config(place, address)))
    place.engine_config.write_text(json.dumps(_engine_config(place, address, str(pool))))
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    command += [
        sys.executable,
        str(_ENTER_ROOT),
        "sh",
        str(_NAMESPACE),
        "up",
        str(place.engine_config),
        str(place.registry_config),
        str(_hosts(place)),
        f"{_other_address(place)}:80",
    ]
    if place.disk.exists():
        command += [str(place.disk), str(place.data)]
    read, write = os.pipe()
    with open(read, "rb") as ended:  # noqa: PTH123 - a pipe
        try:
            _begin(place, command, write)
        finally:
            os.close(write)
        _wait_until_alive(place, ended)


def _begin(place: Place, command: Sequence[str], pipe: int) -> None:
    """Start *command*, whose processes have *pipe* open until the last of them has ended. A lab for
    tests ends with the process, and its thread, that started it, however that ends; another lab is
    left to the machine's first process, which reaps it."""
    starter = ["setpriv", "--pdeathsig", "KILL"] if place.images_of else ["setsid", "--fork"]
    with place.log.open("wb") as log, _sealed("runc") as runc:
        added = {"TMPDIR": str(place.temporary), "LAB_RUNC": f"/proc/1/fd/{runc.fileno()}", **_GO}
        process = subprocess.Popen(
            [*starter, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | added,
            cwd="/",
            pass_fds=[pipe, runc.fileno()],
        )
    if place.images_of:
        _children[place.name] = process
    elif process.wait():
        raise LabError(f"{shlex.join(command)} ended with {process.returncode}")


def _sealed(program: str) -> IO[bytes]:
    """A copy of *program* in memory that nobody can change. runc makes one at each start of a
    container and of a command in it, unless it is run from one."""
    found = shutil.which(program)
    if found is None:
        raise LabError(f"{program} is not installed")
    copy = open(os.memfd_create(program, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "wb", buffering=0)  # noqa: PTH123, SIM115 - no path; the caller closes it
    copy.write(Path(found).read_bytes())
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(copy, fcntl.F_ADD_SEALS, seals)
    return copy


def _wait_until_alive(place: Place, ended: IO[bytes]) -> None:
    """Wait until the lab answers, or *ended* is at its end: no process has the other end of it."""
    deadline = time.monotonic() + _START_LIMIT
    while not alive(place):
        if select([ended], [], [], 0.05)[0] or time.monotonic() > deadline:
            tail = place.log.read_text(errors="replace").splitlines()[-_LOG_TAIL:]
            told = f"The engine did not come up; of it run {processes(place)}. {place.log} ends:"
            raise LabError("\n".join([told, *tail]))


def kill(place: Place) -> None:
    """Ends all of the lab's processes at once, containers included, and waits for it.

    Raises:
        LabError: Some are still there; with what they wait for.
    """
    deadline = time.monotonic() + _END_LIMIT
    while pids := processes(place):
        if time.monotonic() > deadline:
            told = [f"{name} {pid}: {_doing(pid)}" for name, pid in pids.items()]
            raise LabError("\n".join(["These processes could not be ended:", *told]))
        _in_cgroups("thaw", place.name)
        _end(pids)
        time.sleep(0.1)  # the others end with these
    if child := _children.pop(place.name, None):
        child.wait()


def _in_cgroups(command: str, name: str) -> None:
    network.run("unshare", "--mount", "--", "sh", str(_NAMESPACE), command, name)


def _end(pids: dict[str, int]) -> None:
    """Ends the first process of the namespaces, and waits until all in them are gone, so that
    none has a file open any more: unshare, which made them, waits for that itself."""
    maker = next((pids[name] for name in ("unshare", "docker-init", "setsid") if name in pids), 0)
    if not maker:
        return
    with suppress(psutil.Error):  # it ended
        process = psutil.Process(maker)
        first = process.children() if maker == pids.get("unshare") else []
        for victim in first or [process]:
            victim.kill()
        process.wait(_TIMEOUT_SECONDS)


def _doing(pid: int) -> str:
    """What the kernel tells of a process that should be gone: its state, and where it waits."""
    folder = Path(f"/proc/{pid}")
    try:
        state = (folder / "stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return "gone meanwhile"
    try:
        return f"state {state}, in the kernel at:\n{(folder / 'stack').read_text()}"
    except OSError as error:
        return f"state {state}, in the kernel at a place that can't be read: {error}"


def sweep(place: Place) -> None:
    """Ends what runs and removes what it left outside the state folder."""
    kill(place)
    network.remove(place)
    kernel.restore(place.name)
    for folder in (place.run, place.temporary, place.cluster):
        shutil.rmtree(folder, ignore_errors=True)
    sweep_cgroups(place.name)
    if not kernel.any_engine():
        for shared in ("/run/containerd", "/run/docker/plugins", "/run/docker"):
            with suppress(OSError):  # not empty, so not ours, or never made
                Path(shared).rmdir()


def sweep_cgroups(name: str) -> None:
    """Remove the control groups whose names begin with *name*, which must be empty."""
    _in_cgroups("sweep", name)


def cgroup_parent(name: str) -> str:
    """The control group of an engine's containers: below that of the worker whose tests they are
    for, if there is one, which counts their processor time."""
    worker = os.environ.get(VARIABLE)
    return f"/{Path(worker).name}/{name}" if worker else f"/{name}"


def registry_config(place: Place, address: str) -> dict[str, object]:
    return {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(place.registry)},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": {"addr": address, "secret": place.name},
    }


def _other_address(place: Place) -> str:
    """The address at which the engine finds `OTHER_REGISTRIES`: the lab's own, as its name is."""
    number = int(place.name.rpartition("-")[2], 16)
    return f"127.{64 + number % 128}.{number >> 8 & 255}.{1 + (number >> 16) % 250}"


def _hosts(place: Place) -> Path:
    """The engine's file of hosts."""
    hosts = place.run / "hosts"
    machine = Path("/etc/hosts").read_text(errors="replace")
    names = " ".join(OTHER_REGISTRIES)
    hosts.write_text(f"{machine}\n{_other_address(place)} {names}\n")
    return hosts


def _engine_config(place: Place, registry: str, pool: str) -> dict[str, object]:
    return {
        "hosts": [place.host],
        "data-root": str(place.data),
        "exec-root": str(place.run / "exec"),
        "pidfile": str(place.run / "dockerd.pid"),
        "bridge": place.name,
        "default-address-pools": [{"base": pool, "size": 24}],
        "iptables": False,
        "ip6tables": False,
        "ip-forward": False,
        "registry-mirrors": [f"http://{registry}"],
        "insecure-registries": [*OTHER_REGISTRIES],
        "cgroup-parent": cgroup_parent(place.name),
        # Not systemd's, which a fresh chroot does not have.
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "shutdown-timeout": 10,
    }
