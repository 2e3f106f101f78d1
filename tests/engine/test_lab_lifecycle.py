"""The lab comes up twice, after a crash, beside another lab, and goes down without a trace."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

import docker
import pytest

from tests.engine.waiting import until
from tests.lab import demo, lifecycle
from tests.lab import engine as lab_engine
from tests.lab.leases import lease_any
from tests.lab.place import LabError, Place
from tests.support.installation import last_words
from tests.support.ports import free_port
from tests.support.waiting import eventually

BUSYBOX = "busybox:1.37.0"
ROOT = Path(__file__).parents[2]
ENGINES_OWN = ("/run/containerd", "/run/docker", "/var/lib/containerd", "/var/lib/docker")
"""Folders that engines share if nothing else is said."""


@pytest.fixture
def second(lab: Place, tmp_path: Path) -> Iterator[Place]:
    """Another lab on the machine, down, whose registry already holds the images."""
    shutil.copytree(lab.registry, tmp_path / "lab/registry", copy_function=_link)
    place = Place(tmp_path / "lab")
    yield place
    lifecycle.purge(place)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def say(client: docker.DockerClient, text: str) -> bytes:
    command = ["sh", "-c", last_words(f"echo {text}", 0)]
    return bytes(client.containers.run(BUSYBOX, command, remove=True))


def traces(place: Place) -> dict[str, set[str]]:
    """Everything on the machine that could be the lab's, and is not another lab's."""
    processes = {
        folder.name
        for folder in Path("/proc").glob("[0-9]*")
        if place.name in _text(folder / "cmdline") or place.name in _text(folder / "cgroup")
    }
    rules = _output("iptables-save").splitlines()
    return {
        "processes": processes,
        "mounts": _mounts(place),
        "links": _links(place),
        # Tests of another device in the network have rules, too.
        "rules": {rule for rule in rules if place.name in rule or "DOCKER" in rule},
        "forwarding": {Path("/proc/sys/net/ipv4/ip_forward").read_text()},
        "run": {path.name for path in Path("/run").iterdir() if place.name in path.name},
        # Others' are not known by their paths.
        "sockets": {s for s in Path("/proc/net/unix").read_text().split() if place.name in s},
        "cgroups": {str(p) for p in Path("/sys/fs/cgroup").rglob("*") if place.name in p.name},
    }


def leaves_nothing(place: Place, before: dict[str, set[str]]) -> None:
    """See that everything is as *before*, once others are through: a lab that starts meanwhile has
    the bridges for a moment that it had when it was killed, and then removes them. Nobody can tell
    whose they were."""

    def is_as_before() -> bool:
        after = traces(place)
        gone = before["links"] - after["links"]
        assert all(" 10." in link for link in gone), "more than bridges in the range of labs"
        assert after == before | {"links": before["links"] - gone}
        return True

    eventually(is_as_before, "nothing but what was there")


def _mounts(place: Place) -> set[str]:
    """Those of the lab's files, and where an engine mounts. Whatever else runs on the machine
    mounts elsewhere meanwhile."""
    own = (str(place.state), str(place.run), "/dev", "/etc", "/proc", "/sys", *ENGINES_OWN)
    mounts = Path("/proc/mounts").read_text().splitlines()
    return {mount for mount in mounts if mount.split()[1].startswith(own) or place.name in mount}


def _not_anothers(place: Place, names: Iterable[str]) -> set[str]:
    return {name for name in names if place.name in name or "ailab-" not in name}


def _links(place: Place) -> set[str]:
    """Bridges in the range of labs with their addresses, and what is attached to one. Another lab's
    are in its own part of that."""
    configs = (_text(p) for p in Path("/run").glob("ailab-*/daemon.json") if place.run != p.parent)
    pools = [ip_network(json.loads(c)["default-address-pools"][0]["base"]) for c in configs if c]
    links = json.loads(_output("ip", "-json", "-4", "address", "show"))
    bridges = {
        link["ifname"]: " ".join(a["local"] for a in link["addr_info"])
        for link in links
        if any(a["local"].startswith("10.") for a in link["addr_info"])
        # A lab that was killed leaves its part to others, with the file that names it.
        and (
            link["ifname"] == place.name
            or not any(ip_address(a["local"]) in pool for a in link["addr_info"] for pool in pools)
        )
    }
    attached = json.loads(_output("ip", "-json", "link", "show"))
    found = {f"{name} {addresses}" for name, addresses in bridges.items()}
    found |= {link["ifname"] for link in attached if link.get("master") in bridges}
    return _not_anothers(place, found)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # ended meanwhile
        return ""


def test_the_demo_shows_a_dashboard_and_leaves_nothing(
    second: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, dashboard = traces(second), demo.dashboard
    address = ""

    def with_free_port(environment: Mapping[str, str]) -> object:
        words = ["config", "set", "redis.REDIS_HOST_PORT", str(free_port())]
        subprocess.run(["aiserver-tray", *words], env=environment, check=True)
        return dashboard(environment)

    def report(text: str) -> None:
        nonlocal address
        if "http://" in text:
            address = text.splitlines()[-1]
        if text == demo.WHAT_IS_REAL:
            with build_opener(HTTPCookieProcessor()).open(address) as page:
                assert b"<title>" in page.read()
            with closing(lab_engine.client(second)) as client:
                assert client.containers.get("ai-redis").health == "healthy"
            raise KeyboardInterrupt

    monkeypatch.setattr(demo, "MODULES", ("redis",))  # n8n takes long
    monkeypatch.setattr(demo, "dashboard", with_free_port)
    monkeypatch.setattr("webbrowser.open", lambda _: None)
    demo.demo(second, report)

    assert address
    leaves_nothing(second, before)


def test_up_does_nothing_where_the_lab_is_up(lab: Place, engine: docker.DockerClient) -> None:
    before = lab_engine.processes(lab)
    said: list[str] = []

    lifecycle.up(lab, said.append)

    assert lab_engine.processes(lab) == before
    assert said == []


def test_a_command_in_a_container_sees_the_containers_files(engine: docker.DockerClient) -> None:
    command = ["sh", "-c", "echo inside > /lab-test && sleep 600"]
    container = engine.containers.run(BUSYBOX, command, detach=True)

    def seen() -> bool:
        return bool(container.exec_run(["cat", "/lab-test"]).output == b"inside\n")

    assert until(seen, container)


def test_down_leaves_nothing_of_a_lab_with_networks_and_containers_also_paused_ones(
    second: Place,
) -> None:
    before = traces(second)
    lifecycle.up(second)
    client = lab_engine.client(second)
    network = client.networks.create("kept").name
    client.containers.run(
        BUSYBOX,
        ["sleep", "600"],
        network=network,
        ports={"80/tcp": ("127.0.0.1", None)},
        detach=True,
    )
    client.containers.run(BUSYBOX, ["sleep", "600"], detach=True).pause()
    client.close()
    during = traces(second)
    kinds = ("processes", "links", "rules", "run")
    assert not [kind for kind in kinds if not during[kind] - before[kind]]

    lifecycle.down(second)

    leaves_nothing(second, before)
    assert {path.name for path in second.state.iterdir()} == {"registry", "engine.log"}


def test_up_fixes_what_a_killed_engine_left(second: Place) -> None:
    lifecycle.up(second)
    for victims in (["dockerd"], ["dockerd", "containerd"], ["unshare"]):
        with closing(lab_engine.client(second)) as client:
            is_fixed(second, client, victims)
    starts_without_damaged_data(second)


def is_fixed(place: Place, client: docker.DockerClient, victims: Sequence[str]) -> None:
    """See that a container comes back after these processes of the lab were killed."""
    network = client.networks.create("kept")
    container = client.containers.run(
        BUSYBOX,
        ["sleep", "600"],
        network=network.name,
        detach=True,
        restart_policy={"Name": "unless-stopped"},
    )
    for pid in [process_named(place, victim) for victim in victims]:
        with suppress(ProcessLookupError):  # one may take another along
            os.kill(pid, signal.SIGKILL)
    # With the process that made the namespaces, the others end a moment later.
    eventually(lambda: not lab_engine.alive(place), "the end of the engine")

    lifecycle.up(place)

    assert say(client, "again") == b"again\n"
    container.reload()
    assert container.status == "running"
    client.images.remove(BUSYBOX, force=True)
    container.remove(force=True)
    client.images.pull(BUSYBOX)
    network.remove()


def starts_without_damaged_data(place: Place) -> None:
    """See that the engine starts anew where it can't read what it kept."""
    lab_engine.kill(place)
    store = place.data / "network/files/local-kv.db"
    store.write_bytes(b"torn" * 4096)
    said: list[str] = []

    lifecycle.up(place, said.append)

    assert "The engine did not come up" in said[0]
    with closing(lab_engine.client(place)) as client:
        assert say(client, "again") == b"again\n"


def process_named(place: Place, name: str) -> int:
    """The process of that name in the lab's namespaces, or the one that made them."""
    namespace = Path(f"/proc/{lab_engine.processes(place)['dockerd']}/ns/pid").readlink()
    for folder in Path("/proc").glob("[0-9]*"):
        if _text(folder / "comm").strip() == name:
            inside = (folder / "ns/pid").readlink() == namespace
            if inside or int(folder.name) in lab_engine.processes(place).values():
                return int(folder.name)
    raise AssertionError(f"no {name}")


def test_two_up_at_once_make_one_lab(second: Place) -> None:
    command = [sys.executable, "-m", "tests.lab", "up"]
    environment = os.environ | {"AISERVER_LAB": str(second.state)}

    def up(_: int) -> int:
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode

    with ThreadPoolExecutor() as pool:
        assert list(pool.map(up, range(2))) == [0, 0]

    names = [_text(folder / "cmdline") for folder in Path("/proc").glob("[0-9]*")]
    ours = [name for name in names if name.startswith("dockerd\0") and second.name in name]
    assert len(ours) == 1


def test_two_test_processes_get_different_labs(second: Place) -> None:
    first, taken = lease_any(second)
    with taken:
        other, also_taken = lease_any(second)
        with also_taken:
            assert {first.state.name, other.state.name} == {"1", "2"}
            assert first.registry == other.registry == second.registry
            assert first.name != other.name
    again, taken = lease_any(second)
    with taken:
        assert again == first


def test_down_removes_the_labs_for_tests_that_nobody_uses(second: Place) -> None:
    used, taken = lease_any(second)
    unused = second.for_tests(2)
    with taken:
        lifecycle.down(second)
        assert used.state.exists()
        assert not unused.state.exists()


BORROWER = """
from tests.lab import lifecycle
from tests.lab.leases import lease_any
from tests.lab.place import default_place
place, taken = lease_any(default_place())
lifecycle.up(place)
print("up", flush=True)
input()
"""


def test_a_lab_for_tests_ends_with_the_process_that_uses_it(second: Place) -> None:
    environment = os.environ | {"AISERVER_LAB": str(second.state)}
    with subprocess.Popen(
        [sys.executable, "-c", BORROWER],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        place = second.for_tests(1)
        assert lab_engine.alive(place)

        process.kill()

    eventually(lambda: not lab_engine.processes(place), "the end of the engine")


def test_env_names_the_lab_of_the_given_state_folder(second: Place) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab", "env"],
        cwd=ROOT,
        env=os.environ | {"AISERVER_LAB": str(second.state)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == f"export DOCKER_HOST={second.host}\n"


def test_an_engine_that_does_not_come_up_is_reported_with_its_log(
    second: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> dict[str, object]:
        return {"no-such-setting": True}

    monkeypatch.setattr(lab_engine, "_engine_config", broken)

    with pytest.raises(LabError, match="no-such-setting"):
        lifecycle.up(second)
