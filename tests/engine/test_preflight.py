"""What is in the way of a start, on a real engine with foreign objects and real processes."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import psutil
import pytest
from docker.models.containers import Container

from aiserver_tray.base.errors import (
    AiServerError,
    CatalogError,
    NameConflictError,
    PortConflictError,
    ResourcesError,
    SettingError,
)
from aiserver_tray.catalog.shared_names import dns_name
from aiserver_tray.engine.engine import Engine
from aiserver_tray.operations.preflight.preflight import Report, preflight
from aiserver_tray.operations.preflight.volumes import with_keep_labels
from aiserver_tray.operations.survey import survey
from aiserver_tray.settings.secrets import Secrets
from aiserver_tray.settings.store import Settings
from aiserver_tray.spec import labels
from aiserver_tray.spec.labels import Owner
from aiserver_tray.spec.model import ModuleTarget
from aiserver_tray.spec.network import shared_names
from aiserver_tray.system.paths import Home
from aiserver_tray.system.ports import is_free
from tests.engine.waiting import until
from tests.lab.fixtures import have_image
from tests.lab.place import Place
from tests.support.forwarding import forwarded
from tests.support.ports import free_port
from tests.support.preflight_targets import IMAGE, OURS, service_of, target_of
from tests.support.waiting import eventually

THEIRS = Owner("22222222-theirs", "0.9", "/home/her/ai")
FILE = service_of("page", "command: [sleep, '600']", "init: true", "volumes: [data:/data]") + (
    "\nvolumes: {data: {}}\n"
)


@pytest.fixture
def product(lab: Place, engine: docker.DockerClient) -> Iterator[Engine]:
    """The product's engine on the lab, with an image to make containers from."""
    have_image(engine, IMAGE)
    with closing(Engine(lab.host)) as product:
        yield product


@pytest.fixture
def port() -> int:
    """One that is free, and so is the next."""
    return free_port(2)


def publishing(folder: Path, name: str, port: int) -> ModuleTarget:
    head = f"x-aiserver: {{kind: feature, settings: {{PORT: {{type: port, default: {port}}}}}}}\n"
    lines = ("command: [sleep, '600']", "init: true", 'ports: ["${PORT}:80"]')
    return target_of(folder, name, head + service_of(name, *lines))


def make(product: Engine, target: ModuleTarget) -> None:
    """Put *target* on the engine and start it."""
    for network in target.networks:
        product.networks.create(network.name, network.body)
    for volume in target.volumes:
        product.volumes.create(volume.name, volume.body)
    for service in target.services:
        body = {**service.body, "Image": IMAGE}
        product.containers.start(product.containers.create(service.container, body))


def stop(product: Engine, name: str) -> None:
    """Stop a container, and wait until the engine's list, which lags a little, tells it."""
    product.containers.stop(name, 0)

    def statuses() -> set[str]:
        return {found.status for found in product.containers.summaries() if found.name == name}

    eventually(lambda: statuses() == {"exited"}, "its end in the list")


def foreign(
    engine: docker.DockerClient, name: str, port: int, *command: str, **more: object
) -> Container:
    """A container of somebody else's that publishes *port*, running."""
    return engine.containers.run(
        IMAGE,
        list(command) or ["sleep", "600"],
        name=name,
        init=True,
        ports={"80/tcp": ("127.0.0.1", port)},
        detach=True,
        **more,
    )


def examined(product: Engine, *targets: ModuleTarget) -> Report:
    return preflight(targets, survey(product, OURS.installation), product)


def only(errors: tuple[AiServerError, ...]) -> AiServerError:
    (error,) = errors
    return error


def everything(engine: docker.DockerClient) -> dict[str, Any]:
    """All objects of the engine, as it tells them."""
    api = engine.api
    return {
        **{c["Id"]: api.inspect_container(c["Id"]) for c in api.containers(all=True)},
        **{n["Id"]: api.inspect_network(n["Id"]) for n in api.networks()},
        **{v["Name"]: api.inspect_volume(v["Name"]) for v in api.volumes()["Volumes"] or ()},
    }


# -- names -----------------------------------------------------------------------------------------


def test_foreign_objects_of_our_names_are_all_reported_and_left_alone(
    product: Engine, engine: docker.DockerClient, tmp_path: Path
) -> None:
    theirs = {**THEIRS.labels, labels.MODULE: "web"}
    engine.containers.create(IMAGE, name="ai-web-page", labels=theirs)
    engine.networks.create("ai-web")
    engine.volumes.create("ai-web-data", labels={labels.MODULE: "web"})
    before = everything(engine)

    errors = examined(product, target_of(tmp_path, "web", FILE)).errors

    assert all(isinstance(error, NameConflictError) for error in errors)
    assert [(e.data["kind"], e.data["name"], e.data["installation"]) for e in errors] == [
        ("container", "ai-web-page", THEIRS.installation),
        ("network", "ai-web", None),
        ("volume", "ai-web-data", None),
    ]
    assert "with the home folder /home/her/ai. Use that installation (--home)" in str(errors[0])
    assert "Rename or remove it, then try again." in str(errors[1])
    assert everything(engine) == before


def test_foreign_objects_with_similar_names_block_nothing(
    product: Engine, engine: docker.DockerClient, tmp_path: Path
) -> None:
    for name in ("ai-web-page-1", "web-page", "ai-web_page", "ai-web"):
        engine.containers.create(IMAGE, name=name)
    for name in ("ai-web-default", "web", "ai-web-page"):
        engine.networks.create(name)
    for name in ("ai-web-data2", "data", "ai-web_data", "ai-web"):
        engine.volumes.create(name)

    assert examined(product, target_of(tmp_path, "web", FILE)) == Report((), ())


def test_own_objects_block_only_another_installation(product: Engine, tmp_path: Path) -> None:
    target = target_of(tmp_path, "web", FILE)
    make(product, target)

    assert examined(product, target).errors == ()
    errors = preflight([target], survey(product, THEIRS.installation), product).errors
    assert {error.data["installation"] for error in errors} == {OURS.installation}
    assert len(errors) == 3


@pytest.mark.parametrize("labelled", [None, {labels.INSTALLATION: THEIRS.installation}])
def test_the_shared_network_of_somebody_else_is_a_conflict(
    product: Engine, engine: docker.DockerClient, tmp_path: Path, labelled: dict[str, str] | None
) -> None:
    file = service_of("page", "networks: [ai-net]") + "\nnetworks: {ai-net: {external: true}}\n"
    target = target_of(tmp_path, "web", file)
    assert examined(product, target).errors == ()
    engine.networks.create("ai-net", labels=labelled)

    error = only(examined(product, target).errors)

    assert isinstance(error, NameConflictError)
    assert error.data["installation"] == (labelled or {}).get(labels.INSTALLATION)
    assert ("Use its home folder (--home)" in str(error)) == bool(labelled)


def test_a_name_on_the_shared_network_is_that_of_one_module(
    product: Engine, tmp_path: Path
) -> None:
    lines = ("command: [sleep, '600']", "init: true", "networks: [ai-net]")
    file = service_of("db", *lines) + "\nnetworks: {ai-net: {external: true}}\n"
    one, two = (target_of(tmp_path, name, file) for name in ("one", "two"))
    assert isinstance(only(examined(product, one, two).errors), CatalogError)
    make(product, one)
    assert examined(product, one).errors == ()
    assert "the module one" in str(only(examined(product, two).errors))
    stop(product, "ai-one-db")
    assert "the module one" in str(only(examined(product, two).errors))


def test_the_engine_answers_for_the_names_that_are_checked_and_for_no_others(
    product: Engine, engine: docker.DockerClient, tmp_path: Path
) -> None:
    file = f"""
x-idle: &idle {{image: "{IMAGE}", command: [sleep, "600"], init: true}}
services:
  one:
    <<: *idle
    hostname: Postgres
    domainname: example.org
    container_name: kept
    networks: {{ai-net: {{aliases: [MYSQL, MİNİO, redis.ai-net]}}}}
  two: {{<<: *idle, hostname: site.example.org, links: ["one:linked"], networks: [ai-net]}}
  three: {{<<: *idle, hostname: mode, network_mode: ai-net}}
networks: {{ai-net: {{external: true}}}}
"""
    target = target_of(tmp_path, "web", file)
    make(product, target)
    checked = {n for s in target.services for n in (*shared_names(s.body), s.container)}
    answered = {
        *("one", "postgres", "mysql", "minio", "redis.ai-net", "ai-web-one"),
        *("two", "site.example.org", "ai-web-two", "mode", "ai-web-three"),
    }
    silent = {"example.org", "postgres.example.org", "kept", "site", "linked", "three"}
    asked = f"for name in {' '.join(answered | silent)}; do nslookup $name >&2 && echo $name; done"
    client = engine.containers.run(
        IMAGE, ["sh", "-c", f"{asked}; true"], network="ai-net", remove=True, stderr=False
    )
    assert {*client.decode().split()} == answered
    assert {*map(dns_name, answered)} == {*map(dns_name, checked)}


def test_missing_external_objects_are_reported(
    product: Engine, engine: docker.DockerClient, tmp_path: Path
) -> None:
    file = service_of("page", "networks: [lan]", "volumes: [pool:/pool]") + (
        "\nnetworks: {lan: {external: true}}\nvolumes: {pool: {external: true}}\n"
    )
    target = target_of(tmp_path, "web", file)
    told = [str(error) for error in examined(product, target).errors]
    assert [text.partition("Create it with: ")[2] for text in told] == [
        "docker network create lan",
        "docker volume create pool",
    ]
    engine.networks.create("lan")
    engine.volumes.create("pool")
    assert examined(product, target).errors == ()


# -- volumes and secrets ---------------------------------------------------------------------------


def secrets_with(folder: Path, value: str) -> Secrets:
    secrets = Settings(Home(folder, "home")).secrets
    secrets.change({"web.KEY": value}, ())
    return secrets


def test_a_volume_made_with_another_secret_is_reported_before_anything_is_touched(
    product: Engine, engine: docker.DockerClient, tmp_path: Path
) -> None:
    head = "x-aiserver: {kind: feature, settings: {KEY: {type: secret, keep: true}}}\n"
    target = target_of(tmp_path, "web", head + FILE)
    secrets = secrets_with(tmp_path / "home", "the first value")
    labelled = with_keep_labels(target, secrets)
    make(product, labelled)
    assert examined(product, labelled).errors == ()
    before = everything(engine)
    secrets.change({"web.KEY": "another value"}, ())

    error = only(examined(product, with_keep_labels(target, secrets)).errors)

    assert isinstance(error, SettingError)
    assert error.data["name"] == "web.KEY"
    assert "ai-web-data" in str(error)
    assert "value" not in str(before)
    assert everything(engine) == before


# -- ports -----------------------------------------------------------------------------------------


def test_a_process_of_this_machine_has_the_port(product: Engine, tmp_path: Path, port: int) -> None:
    target = publishing(tmp_path, "web", port)
    assert examined(product, target).errors == ()
    with socket.create_server(("127.0.0.1", port)):
        error = only(examined(product, target).errors)
    assert isinstance(error, PortConflictError)
    me = psutil.Process()
    assert error.data["owner"] == f"{me.name()} (process {me.pid})"
    assert error.data["setting"] == "web.PORT"
    assert is_free("127.0.0.1", error.data["free"], "tcp")
    assert f"aiserver-tray config set web.PORT {error.data['free']}" in str(error)


def test_a_running_or_paused_container_has_the_port_and_not_its_proxy(
    product: Engine, engine: docker.DockerClient, tmp_path: Path, port: int
) -> None:
    target = publishing(tmp_path, "web", port)
    other = foreign(engine, "nginx", port)
    assert not is_free("127.0.0.1", port, "tcp")
    error = only(examined(product, target).errors)
    assert (error.data["owner"], error.data["port"]) == ("the container nginx", port)
    other.pause()
    error = only(examined(product, target).errors)
    other.unpause()
    assert error.data["owner"] == "the container nginx"


def test_a_stopped_or_new_container_claims_its_port(
    product: Engine, engine: docker.DockerClient, tmp_path: Path, port: int
) -> None:
    target = publishing(tmp_path, "web", port)
    foreign(engine, "nginx", port)
    stop(product, "nginx")
    engine.containers.create(IMAGE, name="new", ports={"80/tcp": ("0.0.0.0", port + 1)})
    assert is_free("127.0.0.1", port, "tcp")
    error = only(examined(product, target).errors)
    assert error.data["owner"] == "the stopped container nginx"
    assert error.data["free"] not in (port, port + 1)
    error = only(examined(product, publishing(tmp_path, "next", port + 1)).errors)
    assert error.data["owner"] == "the stopped container new"


def test_a_container_between_two_restarts_has_its_port(
    product: Engine, engine: docker.DockerClient, tmp_path: Path, port: int
) -> None:
    always = {"Name": "always"}
    other = foreign(engine, "nginx", port, "false", restart_policy=always)

    def restarting() -> bool:
        other.reload()
        return bool(other.status == "restarting")

    # Watched by its own state the wait would end with the container's first end.
    until(restarting, engine.containers.run(IMAGE, ["sleep", "600"], init=True, detach=True))
    error = only(examined(product, publishing(tmp_path, "web", port)).errors)
    assert error.data["owner"] == "the container nginx"


def test_own_container_never_blocks_its_own_port(
    product: Engine, tmp_path: Path, port: int
) -> None:
    target = publishing(tmp_path, "web", port)
    make(product, target)
    assert not is_free("127.0.0.1", port, "tcp")
    assert examined(product, target).errors == ()
    changed = replace(target.services[0], config_hash="another")
    assert examined(product, replace(target, services=(changed,))).errors == ()
    stop(product, "ai-web")
    assert examined(product, target).errors == ()


def test_our_container_of_another_module_has_the_port(
    product: Engine, tmp_path: Path, port: int
) -> None:
    make(product, publishing(tmp_path, "web", port))
    other = publishing(tmp_path, "other", port)
    assert only(examined(product, other).errors).data["owner"] == "the container ai-web"
    stop(product, "ai-web")
    assert only(examined(product, other).errors).data["owner"] == "the stopped container ai-web"


def test_everything_in_the_way_is_reported_at_once_with_ports_that_differ(
    product: Engine, engine: docker.DockerClient, tmp_path: Path, port: int
) -> None:
    foreign(engine, "ai-one", port)
    targets = [publishing(tmp_path, name, port) for name in ("one", "two", "three")]
    errors = examined(product, *targets).errors
    assert [error.code for error in errors] == ["E_NAME_CONFLICT", *["E_PORT_CONFLICT"] * 3]
    offers = {error.data["free"] for error in errors[1:]}
    assert len(offers) == 3
    assert all(is_free("127.0.0.1", offer, "tcp") for offer in offers)
    owners = [error.data["owner"] for error in errors[1:]]
    assert owners == ["the container ai-one", *["one/one, which starts in the same operation"] * 2]


# -- resources -------------------------------------------------------------------------------------


def test_more_memory_or_disk_than_the_engine_has_is_refused(
    product: Engine, tmp_path: Path
) -> None:
    needs = "{memory: 100t, disk: 100t}"
    head = f"x-aiserver: {{kind: feature, needs: {needs}}}\n"
    report = examined(product, target_of(tmp_path, "web", head + FILE))
    assert all(isinstance(error, ResourcesError) for error in report.errors)
    found: dict[str, Mapping[str, Any]] = {e.data["resource"]: e.data for e in report.errors}
    assert list(found) == ["memory", "disk"]
    assert found["memory"]["available"] == pytest.approx(psutil.virtual_memory().total, rel=0.01)
    disk = psutil.disk_usage(product.info().data_root).free
    assert found["disk"]["available"] == pytest.approx(disk, rel=0.1)


def test_a_graphics_card_that_the_engine_does_not_give_is_refused(
    product: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each way in which a file asks for one. No machine of tests has a card."""
    reserved = "deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}"
    asking = ("gpus: all", reserved, "devices: ['nvidia.com/gpu=all']")
    files = [service_of(f"app{n}", ask) for n, ask in enumerate((*asking, "init: true"))]
    targets = [target_of(tmp_path, f"app{n}", file) for n, file in enumerate(files)]
    report = examined(product, *targets)
    assert [error.data["module"] for error in report.errors] == ["app0", "app1", "app2"]
    assert {type(error) for error in report.errors} == {ResourcesError}
    assert "(nvidia-smi) shows none on this computer" in str(report.errors[0])
    # A driver with a card, without the toolkit.
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho NVIDIA Card, 24 GB\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (first, *_) = examined(product, *targets).errors
    assert "has NVIDIA Card, 24 GB, but the engine gives it to no container. Install" in str(first)
    # Its toolkit: Docker finds it by itself, and says no more about it.
    smi.rename(smi.with_name("nvidia-container-runtime-hook"))
    assert examined(product, *targets).errors == ()


def test_processes_and_resources_of_another_machine_are_not_checked(
    lab: Place, product: Engine, engine: docker.DockerClient, tmp_path: Path, port: int
) -> None:
    gateway = engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    needs = "{disk: 100t}"
    head = f"x-aiserver: {{kind: feature, needs: {needs}}}\n"
    targets = [publishing(tmp_path, "web", port), target_of(tmp_path, "big", head + FILE)]
    with (
        forwarded(lab, gateway) as host,
        closing(Engine(host)) as remote,
        socket.create_server(("127.0.0.1", port)),
    ):
        assert examined(remote, *targets).errors == ()
        assert len(examined(product, *targets).errors) == 2
        foreign(engine, "nginx", port + 1)
        moved = publishing(tmp_path, "moved", port + 1)
        assert only(examined(remote, moved).errors).data["owner"] == "the container nginx"
