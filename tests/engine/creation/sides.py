"""Makes a file's containers, by us or by the real ``docker compose create``; none is started."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import docker

from aiserver_tray.base.errors import CatalogError, EngineRequestError
from aiserver_tray.catalog.compose.dotenv import read_env_file
from aiserver_tray.catalog.compose.files import compose_files
from aiserver_tray.catalog.compose.load import load_project
from aiserver_tray.catalog.compose.project import Project
from aiserver_tray.catalog.modules import Module, load_module
from aiserver_tray.catalog.resolve import ResolvedModule
from aiserver_tray.engine.engine import Engine
from aiserver_tray.spec.build import module_target
from aiserver_tray.spec.labels import Owner
from aiserver_tray.spec.model import ModuleTarget
from tests.support.limits import LIMIT
from tests.support.oracle import HOME, Case, case_of, oracle_config

IMAGE = "busybox:1.37.0"
BIND = "127.0.0.1"
MODULE = "mine"
UNMERGEABLE = ("empty_values", "healthcheck", "x_names")
"""Files that Compose takes alone and not with an override beside them (`healthcheck: {}`, names
that begin with x-). It gets them as its own ``config`` prints them."""
OUTSIDE = ("outside", "other")
"""Containers beyond the project that a file may name."""


class Refusal(Exception):  # noqa: N818 - a verdict
    """No containers were made; the message is that of whoever refused."""


class EngineRefusal(Refusal):
    """The engine itself refused."""


@dataclass(frozen=True)
class Created:
    """A file's containers by service, as the engine tells them; ``names`` translates what they are
    called on the engine, by name and by id, into the file's names."""

    containers: Mapping[str, Mapping[str, Any]]
    names: Mapping[str, str]


@dataclass(frozen=True)
class Stage:
    """A copy of a Compose file and of all beside it, with the files and folders that it mounts."""

    case: Case
    project: Project
    module: Module

    @classmethod
    def of(cls, case: Case, folder: Path) -> "Stage":
        """The copy of *case* in *folder*, which is new."""
        copy = folder / "beside" / case.path.parent.name
        shutil.copytree(case.path.parent, copy)
        copied = case_of(copy / case.path.name)
        variables = read_env_file(copied.variables_file) if copied.variables_file else {}
        project = load_project(copied.path, variables)
        _make_sources(project, folder)
        services = {
            name: service.model_copy(update={"image": IMAGE, "platform": ""})
            for name, service in project.services.items()
        }
        project = project.model_copy(update={"services": services})
        return cls(copied, project, load_module(MODULE, copied.path))


def _make_sources(project: Project, folder: Path) -> None:
    files = (Path(r.file) for r in (*project.configs.values(), *project.secrets.values()) if r.file)
    for file in files:
        if file.is_relative_to(folder) and not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("made for the test")
    mounts = (mount for service in project.services.values() for mount in service.volumes)
    for mount in mounts:
        if mount.type == "bind" and Path(mount.source).is_relative_to(folder):
            Path(mount.source).mkdir(parents=True, exist_ok=True)


@contextmanager
def surroundings(api: docker.APIClient, project: Project) -> Iterator[None]:
    """What *project* takes for granted; in the end the engine is empty."""
    for network in project.networks.values():
        if network.external:
            api.create_network(network.name)
    for volume in project.volumes.values():
        if volume.external:
            api.create_volume(volume.name)
    for name in OUTSIDE:
        if f"container:{name}" in str(project):
            api.create_container(IMAGE, name=name)
    try:
        yield
    finally:
        for container in api.containers(all=True):
            api.remove_container(container["Id"], force=True, v=True)
        for network in api.networks(filters={"type": "custom"}):
            api.remove_network(network["Id"])
        for volume in api.volumes()["Volumes"] or []:
            api.remove_volume(volume["Name"])


def target_of(stage: Stage) -> ModuleTarget:
    """Our target for *stage*.

    Raises:
        Refusal: the product does not take the file.
    """
    resolved = ResolvedModule(stage.module, stage.project, (), None)
    try:
        return module_target(resolved, Owner("test", "0"), bind=BIND, values={})
    except CatalogError as error:
        raise Refusal(str(error)) from error


def ours(api: docker.APIClient, stage: Stage, host: str) -> Created:
    """Made from our target, by our own engine package.

    Raises:
        EngineRefusal, Refusal: the engine takes a body not, or the product the file.
    """
    target = target_of(stage)
    with closing(Engine(host)) as engine:
        try:
            create(engine, target)
        except EngineRequestError as error:
            raise EngineRefusal(error.explanation) from error
    containers = {s.service: api.inspect_container(s.container) for s in target.services}
    return Created(containers, _names(api, containers, _our_resources(stage, target)))


def create(engine: Engine, target: ModuleTarget) -> None:
    """Everything of *target*, each container after those that it names."""
    for network in target.networks:
        if not network.external:
            engine.networks.create(network.name, network.body)
    for volume in target.volumes:
        if not volume.external:
            engine.volumes.create(volume.name, volume.body)
    services = {service.service: service for service in target.services}
    order = {name: [d.service for d in s.depends_on] for name, s in services.items()}
    for name in TopologicalSorter(order).static_order():
        engine.containers.create(services[name].container, {**services[name].body, "Image": IMAGE})


def _our_resources(stage: Stage, target: ModuleTarget) -> dict[str, str]:
    return {
        **{t.name: key for key, t in zip(stage.project.networks, target.networks, strict=True)},
        # Beyond those of the file there are volumes of ours.
        **{t.name: key for key, t in zip(stage.project.volumes, target.volumes, strict=False)},
    }


def composes(api: docker.APIClient, stage: Stage, host: str) -> Created:
    """Made by ``docker compose create`` on the engine at *host*.

    Raises:
        EngineRefusal, Refusal: the engine or Compose itself refused.
    """
    command = ["docker-compose"]
    for file in _with_image(stage):
        command += ["--file", str(file)]
    if stage.case.variables_file:
        command += ["--env-file", str(stage.case.variables_file)]
    done = subprocess.run(
        [*command, "create"],
        cwd=stage.case.folder,
        env={"PATH": os.environ["PATH"], "HOME": HOME, "DOCKER_HOST": host},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1]
        raise EngineRefusal(said) if "from daemon" in said else Refusal(said)
    made = api.containers(all=True, filters={"label": "com.docker.compose.service"})
    containers = {
        container["Labels"]["com.docker.compose.service"]: api.inspect_container(container["Id"])
        for container in made
    }
    resources = {
        resource.name: key
        for section in (stage.project.networks, stage.project.volumes)
        for key, resource in section.items()
    }
    return Created(containers, _names(api, containers, resources))


def _with_image(stage: Stage) -> list[Path]:
    """The files of *stage*, and one that gives each service our image."""
    file = stage.case.folder / "with-image.yaml"
    if str(stage.case) in UNMERGEABLE:
        resolved = oracle_config(stage.case)
        for service in resolved["services"].values():
            service |= {"image": IMAGE, "pull_policy": "never"}
        file.write_text(json.dumps(resolved), encoding="utf-8")
        return [file]
    image = f"{{image: '{IMAGE}', pull_policy: never, build: !reset null, platform: !reset null}}"
    lines = (f"  {json.dumps(name)}: {image}\n" for name in stage.project.services)
    file.write_text(f"services:\n{''.join(lines)}")
    return [*compose_files(stage.case.path), file]


def _names(
    api: docker.APIClient, containers: Mapping[str, Mapping[str, Any]], resources: Mapping[str, str]
) -> dict[str, str]:
    ids = {n["Id"]: resources[n["Name"]] for n in api.networks() if n["Name"] in resources}
    return {
        **resources,
        **ids,
        **{each["Id"]: each["Names"][0][1:] for each in api.containers(all=True)},
        **{container["Id"]: service for service, container in containers.items()},
        **{container["Name"][1:]: service for service, container in containers.items()},
    }
