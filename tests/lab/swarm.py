"""Three engines that are one Swarm, for tests of what happens when one of them is gone.

Each engine has mount, PID, network and host name namespaces of its own; a switch with the lab's
registry has others. Nothing reaches the machine's own network. The kernel ends all of them with the
process, and its thread, that started them, however that ends; what is left in folders is removed
when the lab that lent its place starts or stops.

A kernel without IPVS has no virtual addresses and no ingress: use `dnsrr` and ports of the host.
"""

import ctypes
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import requests
from docker.errors import DockerException

from tests.lab import engine as lab_engine
from tests.lab import kernel
from tests.lab.engine import Client
from tests.lab.network import run
from tests.lab.place import LabError, Place

NODES = (1, 2, 3)
_ENTER_ROOT = Path(__file__).with_name("enter_root.py")
_NAMESPACE = Path(__file__).with_name("namespace.sh")
_REGISTRY = "192.168.99.1:5000"
_START_SECONDS = 180.0
_DISK_BYTES = 12 << 30
"""Most that a node can store; the file takes what is used."""
_NEW_NETWORK = 0x40000000
"""setns(2)'s name for it is CLONE_NEWNET."""


class Swarm:
    """The engines ``node1`` to ``node3``, all managers; at first, ``node1`` leads. A node that
    does not answer counts as down after some 4 seconds, a fifth of what engines take by themselves.
    A leader that does not is replaced after 10 to 20, which no setting changes."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._run = place.run / "cluster"
        self._made: dict[str, subprocess.Popen[bytes]] = {}
        self._first: dict[str, int] = {}

    # -- the nodes ---------------------------------------------------------------------------------

    def host(self, number: int) -> str:
        """The address of a node's engine, in the form of ``DOCKER_HOST``."""
        return f"unix://{self._folder(number)}/docker.sock"

    @staticmethod
    def address(number: int) -> str:
        """A node's address, which only `inside` reaches."""
        return f"192.168.99.1{number}"

    @contextmanager
    def client(self, number: int, timeout: float = 120) -> Iterator[Client]:
        """A client of a node's engine, which does not wait longer than *timeout* seconds."""
        with closing(Client(self.host(number), timeout)) as client:
            yield client

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Within the block, what this thread connects to is in the network of the nodes."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self._first['switch']}/ns/net", os.O_RDONLY)
        try:
            _enter(there)
            yield
        finally:
            _enter(own)
            os.close(there)
            os.close(own)

    # -- its life ----------------------------------------------------------------------------------

    def up(self) -> None:
        """Start switch and nodes, and join them.

        Raises:
            LabError: An engine does not answer, with the end of its log.
        """
        self._run.mkdir(parents=True)
        shutil.rmtree(self._place.cluster, ignore_errors=True)
        kernel.allow(self._place.name)
        self._start_switch()
        for number in NODES:
            self._start(number)
        for number in NODES:
            self._wait(number)
        with self.client(1) as client:
            client.swarm.init(**_at(self.address(1)), dispatcher_heartbeat_period=1_000_000_000)
            client.swarm.reload()
            token = client.swarm.attrs["JoinTokens"]["Manager"]
        for number in NODES[1:]:
            with self.client(number) as client:
                client.swarm.join([f"{self.address(1)}:2377"], token, **_at(self.address(number)))

    def down(self) -> None:
        """End everything, and remove it."""
        for name in [*self._made]:
            self._kill(name)
        lab_engine.sweep_cgroups(f"{self._place.name}-")
        for folder in (self._run, self._place.cluster):
            shutil.rmtree(folder, ignore_errors=True)

    def kill(self, number: int) -> None:
        """As a power failure does."""
        self._kill(f"node{number}")

    def start(self, number: int) -> None:
        """Start a node again that was killed."""
        self._start(number)
        self._wait(number)

    def cut(self, number: int) -> None:
        """Pull a node's cable."""
        self._switch("ip", "link", "set", f"node{number}", "down")

    def heal(self, number: int) -> None:
        """Plug in the cable that was `cut`."""
        self._switch("ip", "link", "set", f"node{number}", "up")

    def leader(self) -> int:
        """The number of the node that leads, by what any node tells; 0 where there is none."""
        for number in self.alive:
            silent = suppress(DockerException, requests.RequestException)
            with silent, self.client(number, timeout=30) as client:
                return _leader(client.api.nodes())
        return 0

    def mend(self) -> None:
        """Start what was killed, plug in what was cut."""
        for number in NODES:
            if number not in self.alive:
                self.start(number)
            self.heal(number)

    @property
    def alive(self) -> list[int]:
        """The numbers of the nodes that were not killed."""
        return [number for number in NODES if f"node{number}" in self._first]

    # -- processes ---------------------------------------------------------------------------------

    def _folder(self, number: int) -> Path:
        return self._run / str(number)

    def _start_switch(self) -> None:
        config = self._run / "registry.yml"
        config.write_text(json.dumps(lab_engine.registry_config(self._place, _REGISTRY)))
        self._spawn("switch", ["switch", str(config)])
        self._until("switch", partial(self._switch, "ip", "link", "show", "switch", "up"))

    def _start(self, number: int) -> None:
        folder, name = self._folder(number), f"node{number}"
        folder.mkdir(exist_ok=True)
        # Of a killed engine: the number in its file may be that of any process there.
        shutil.rmtree(folder / "exec", ignore_errors=True)
        (folder / "dockerd.pid").unlink(missing_ok=True)
        config = folder / "daemon.json"
        config.write_text(json.dumps(self._config(number)))
        self._spawn(name, ["node", name, str(config), *map(str, self._disk(number))])
        node, switch = str(self._first[name]), str(self._first["switch"])
        run(
            *("ip", "link", "add", "name", "eth0", "netns", node, "type", "veth"),
            *("peer", "name", name, "netns", switch),
        )
        self._switch("ip", "link", "set", name, "master", "switch", "up")
        at = ("nsenter", "-t", node, "-n", "--", "ip")
        run(*at, "address", "add", f"{self.address(number)}/24", "dev", "eth0")
        run(*at, "link", "set", "eth0", "up")

    def _disk(self, number: int) -> tuple[Path, Path]:
        """The image of the file system with a node's data, and where it is mounted. To remove one
        file is much faster than to remove the thousands in it."""
        folder = self._place.cluster / str(number)
        disk = folder.with_suffix(".img")
        if not disk.exists():
            folder.mkdir(parents=True)
            with disk.open("wb") as file:
                file.truncate(_DISK_BYTES)
            run("mkfs.ext4", "-q", "-m", "0", str(disk))
        return disk, folder

    def _config(self, number: int) -> dict[str, Any]:
        folder = self._folder(number)
        return {
            "hosts": [self.host(number)],
            "data-root": str(self._place.cluster / str(number)),
            "exec-root": str(folder / "exec"),
            "pidfile": str(folder / "dockerd.pid"),
            "registry-mirrors": [f"http://{_REGISTRY}"],
            "insecure-registries": [_REGISTRY],
            "cgroup-parent": lab_engine.cgroup_parent(f"{self._place.name}-{number}"),
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "shutdown-timeout": 10,
        }

    def _spawn(self, name: str, words: Sequence[str]) -> None:
        """Start the first process of new namespaces: all in them end with it, and it with us."""
        network = Path("/proc/self/ns/net").stat().st_ino
        command = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            "unshare",
            "--mount",
            "--pid",
            "--net",
            "--uts",
        ]
        command += ["--fork", "--kill-child", "--mount-proc", "--"]
        command += [sys.executable, str(_ENTER_ROOT), "sh", str(_NAMESPACE), *words]
        with (self._run / f"{name}.log").open("ab") as log:
            made = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )
        self._made[name] = made

        def is_there() -> None:
            (first,) = psutil.Process(made.pid).children()
            if Path(f"/proc/{first.pid}/ns/net").stat().st_ino == network:
                raise LabError("not yet in its own network")
            self._first[name] = first.pid

        self._until(name, is_there)

    def _wait(self, number: int) -> None:
        socket = Path(self.host(number).removeprefix("unix://"))
        self._until(f"node{number}", partial(lab_engine.ping_engine, socket))

    def _until(self, name: str, attempt: Callable[[], object]) -> None:
        """Repeat *attempt* until it raises nothing, as long as the program *name* runs."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                attempt()
            except (LabError, OSError, ValueError, psutil.Error) as error:
                if self._made[name].poll() is not None or time.monotonic() > deadline:
                    log = (self._run / f"{name}.log").read_text(errors="replace")
                    told = "\n".join([f"{name}: {error}", *log.splitlines()[-40:]])
                    raise LabError(told) from error
                time.sleep(0.02)
            else:
                return

    def _kill(self, name: str) -> None:
        made = self._made.pop(name)
        with suppress(psutil.Error):
            psutil.Process(self._first.pop(name, made.pid)).kill()
        made.wait()  # unshare waits until all in its namespaces are gone

    def _switch(self, *command: str) -> None:
        run("nsenter", "-t", str(self._first["switch"]), "-n", "--", *command)


def _at(address: str) -> dict[str, str]:
    return {"advertise_addr": address, "listen_addr": f"{address}:2377"}


def _leader(nodes: list[dict[str, Any]]) -> int:
    leads = [node for node in nodes if node.get("ManagerStatus", {}).get("Leader")]
    return int(leads[0]["Description"]["Hostname"].removeprefix("node")) if leads else 0


def _enter(network: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(network, _NEW_NETWORK):
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


@contextmanager
def running(place: Place) -> Iterator[Swarm]:
    """Three engines, with the images of the lab *place*, which lends its folders; then nothing of
    them is left."""
    swarm = Swarm(place)
    try:
        swarm.up()
        yield swarm
    finally:
        swarm.down()
