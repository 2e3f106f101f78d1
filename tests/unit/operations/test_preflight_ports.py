"""Ports that are wanted and taken."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from aiserver_tray.base.errors import AiServerError, PortConflictError
from aiserver_tray.engine.values import ContainerSummary
from aiserver_tray.model import ContainerStatus
from aiserver_tray.operations.preflight.preflight import problems
from aiserver_tray.operations.survey import HostPort, Machine, Survey
from aiserver_tray.spec.labels import INSTALLATION
from aiserver_tray.spec.model import ModuleTarget
from aiserver_tray.system.ports import PortOwner, ReservedRange
from tests.support.preflight_targets import IMAGE, OURS, service_of, target_of

EMPTY = Survey(OURS.installation)


def published(folder: Path, name: str, *ports: str) -> ModuleTarget:
    """A module with one service and *ports*."""
    quoted = ", ".join(f'"{port}"' for port in ports)
    return target_of(folder, name, service_of(name, f"ports: [{quoted}]"))


def machine(
    claims: Mapping[str, list[HostPort]] | None = None,
    listeners: Mapping[HostPort, PortOwner | ReservedRange | None] | None = None,
    busy: frozenset[int] = frozenset(),
) -> Machine:
    return Machine(
        2**40,
        {name: frozenset(ports) for name, ports in (claims or {}).items()},
        listeners or {},
        is_free=lambda port: port.number not in busy,
    )


def engine_with(name: str, status: ContainerStatus) -> Survey:
    found = ContainerSummary(name, name, {}, status, "none", "i", "sha256:1", ())
    return Survey(OURS.installation, (found,))


def told(errors: list[AiServerError]) -> list[tuple[str, int, str, int, str | None]]:
    """Address, port, owner, offer and setting of each."""
    assert all(isinstance(error, PortConflictError) for error in errors)
    keys = ("address", "port", "owner", "free", "setting")
    return [tuple(error.data[key] for key in keys) for error in errors]


def local(number: int, protocol: str = "tcp", address: str = "127.0.0.1") -> HostPort:
    return HostPort(address, number, protocol)


def test_a_process_has_the_port_and_the_next_free_one_is_offered(tmp_path: Path) -> None:
    web = published(tmp_path, "web", "8000:80")
    nginx = machine(listeners={local(8000): PortOwner(17, "nginx")}, busy=frozenset({8000, 8001}))
    (error,) = problems([web], EMPTY, nginx)
    assert str(error) == (
        "Port 8000 on 127.0.0.1 is already in use by nginx (process 17). Stop that program or "
        "container, or publish another port, such as 8002."
    )
    # The setting that moves the port is reported with the command.
    file = (
        "x-aiserver: {kind: feature, settings: {WEB_PORT: {type: port, default: 8000}}}\n"
        + service_of("web", 'ports: ["${WEB_PORT}:80"]')
    )
    set_by = target_of(tmp_path / "set", "web", file)
    (error,) = problems([set_by], EMPTY, machine(listeners={local(8000): PortOwner(17, "nginx")}))
    assert str(error).endswith("aiserver-tray config set web.WEB_PORT 8001")
    assert error.data["setting"] == "web.WEB_PORT"


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (None, "another program or the operating system"),
        (PortOwner(17, None), "process 17"),
        (
            ReservedRange(7999, 8000),
            "Windows, which reserves the ports 7999 to 8000 (list all: `netsh interface ipv4 "
            "show excludedportrange protocol=tcp`)",
        ),
    ],
)
def test_owner_of_a_port_is_named_as_far_as_known(
    tmp_path: Path, owner: PortOwner | ReservedRange | None, name: str
) -> None:
    web = published(tmp_path, "web", "8000:80")
    errors = problems([web], EMPTY, machine(listeners={local(8000): owner}))
    assert told(errors) == [("127.0.0.1", 8000, name, 8001, None)]


@pytest.mark.parametrize("status", ["running", "paused", "restarting", "exited", "created", "dead"])
def test_a_container_has_the_port(tmp_path: Path, status: ContainerStatus) -> None:
    web = published(tmp_path, "web", "8000:80")
    claims = machine({"other": [local(8000)]})
    is_stopped = status in ("exited", "created", "dead")
    owner = "the stopped container other" if is_stopped else "the container other"
    assert told(problems([web], engine_with("other", status), claims)) == [
        ("127.0.0.1", 8000, owner, 8001, None)
    ]


def test_created_container_does_not_block_the_port_of_our_running_one(tmp_path: Path) -> None:
    web = published(tmp_path, "web", "8000:80")
    other = engine_with("theirs", "created").containers
    ours = replace(other[0], id="ours", name="ai-web", labels={INSTALLATION: OURS.installation})
    running = replace(ours, status="running", ports=web.services[0].ports)
    claims = machine({"theirs": [local(8000)]})
    assert problems([web], Survey(OURS.installation, (*other, running)), claims) == []
    stopped = replace(ours, status="exited")
    assert len(problems([web], Survey(OURS.installation, (*other, stopped)), claims)) == 1


@pytest.mark.parametrize(
    ("ours", "theirs", "count"),
    [
        ("8000", [local(8000)], 1),
        ("8000", [local(8000, address="0.0.0.0")], 1),
        ("8000", [local(8000, address="::")], 1),
        ("8000", [local(8000, address="127.0.0.2")], 0),
        ("8000", [local(8000, address="::1")], 0),
        ("8000", [local(8000, "udp")], 0),
        ("8000", [local(8001)], 0),
        ("0.0.0.0:8000", [local(8000, address="192.0.2.1")], 1),
        ("8000:80 8000:80/udp", [local(8000), local(8000, "udp")], 1),
    ],
)
def test_overlapping_addresses_are_a_port_conflict_once_for_each_service(
    tmp_path: Path, ours: str, theirs: list[HostPort], count: int
) -> None:
    ports = ours.split() if " " in ours else [f"{ours}:80"]
    web = published(tmp_path, "web", *ports)
    found = problems([web], engine_with("other", "running"), machine({"other": theirs}))
    assert len(found) == count


def test_only_two_services_of_the_plan_that_want_one_port_are_a_conflict(tmp_path: Path) -> None:
    a, b = published(tmp_path, "a", "8000:80"), published(tmp_path, "b", "8000:81", "8001:82")
    assert told(problems([a, b], EMPTY, machine())) == [
        ("127.0.0.1", 8000, "a/a, which starts in the same operation", 8002, None)
    ]
    # One port on two addresses or protocols of a service is no conflict.
    web = published(tmp_path, "web", "8000:80", "[::1]:8000:80", "8000:80/udp")
    both = published(tmp_path, "both", "0.0.0.0:9000:80", "[::]:9000:80")
    assert problems([web, both], EMPTY, machine()) == []


def test_no_offer_is_made_twice_or_is_anothers(tmp_path: Path) -> None:
    ports = (8000, 8001, 8003, 8005)
    services = [f"  s{port}: {{image: '{IMAGE}', ports: ['{port}:80']}}" for port in ports]
    many = target_of(tmp_path, "many", "\n".join(["services:", *services]))
    taken = {local(port): None for port in (8000, 8001, 8003)}
    claims = {"other": [local(8006)]}
    errors = problems(
        [many], engine_with("other", "exited"), machine(claims, taken, frozenset({8004}))
    )
    offers = [free for *_, free, _ in told(errors)]
    assert offers == [8002, 8007, 8008]
    last = published(tmp_path, "last", "65535:80")
    errors = problems([last], EMPTY, machine(listeners={local(65535): None}))
    assert [free for *_, free, _ in told(errors)] == [65534]


def test_an_address_that_is_none_is_left_to_the_engine(tmp_path: Path) -> None:
    assert HostPort("localhost", 80, "tcp").collides(HostPort("", 80, "tcp"))
    assert not HostPort("localhost", 80, "tcp").collides(HostPort("127.0.0.1", 80, "tcp"))
