"""The images of the catalog, and their health checks, each run in a container that lives for one
command."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Timer
from uuid import uuid4

from aiserver_tray import __version__
from aiserver_tray.base.errors import EngineRequestError
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.compose.load import load_project
from aiserver_tray.catalog.compose.service import Service
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import config_environment
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.values import Image
from aiserver_tray.spec.labels import ONE_SHOT, Owner, one_shot_labels

_CHECK_SECONDS = 30.0
"""Seconds after which a check that still runs has shown that its programs exist."""
_SHOWN_LINES = 3
_NO_PROGRAM = re.compile(r"(?:^|: )([\w./-]+): (?:command )?not found$", re.MULTILINE)
"""How the shells of Alpine, Debian and bash report a missing program."""
_UNKNOWN_OPTION = re.compile(r"(?:unrecognized|unknown|invalid|illegal) option.*", re.IGNORECASE)
_NOT_STARTED = (126, 127)
"""Exit codes of shells if a program can't be run, or does not exist."""


@dataclass(frozen=True)
class Check:
    """The command of a health check, with the variables of its service."""

    command: tuple[str, ...]
    environment: Mapping[str, str | None] = field(compare=False, repr=False)


@dataclass
class CatalogImage:
    """An image, with the services (``module/service``) that use it by default, and those of each
    check."""

    name: str
    services: list[str] = field(default_factory=list)
    checks: dict[Check, list[str]] = field(default_factory=dict)


def images_of(catalog: Catalog, modules: Iterable[str]) -> dict[str, CatalogImage]:
    """The images of *modules* by name, also those that only a choice uses."""
    found: dict[str, CatalogImage] = {}
    for module in map(catalog.module, modules):
        defaults = config_environment(catalog, module, None)
        for env in (defaults, *_with_choices(catalog, module, defaults)):
            project = load_project(module.source, env, profiles=["*"])
            for name, service in project.services.items():
                image = found.setdefault(service.image, CatalogImage(service.image))
                address = f"{module.name}/{name}"
                if env is defaults:
                    image.services.append(address)
                if check := _check(service):
                    users = image.checks.setdefault(check, [])
                    users += [] if address in users else [address]
    return dict(sorted(found.items()))


def _with_choices(
    catalog: Catalog, module: Module, defaults: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """The variables of *module*, each time with another choice than in *defaults*."""
    for name, address in catalog.scope(module).items() if module.declared else ():
        setting = catalog.declared[address]
        values = {setting.in_file(choice) for choice in setting.choices} - {defaults[name]}
        yield from ({**defaults, name: value} for value in sorted(values))


def with_required(catalog: Catalog, modules: Collection[str]) -> list[str]:
    """*modules* and all that they require with the default choices, in the order of the catalog."""
    wanted, left = set(modules), list(modules)
    while left:
        module = catalog.module(left.pop())
        values = config_environment(catalog, module, None)
        new = set(module.requires_with(values)) - wanted
        wanted |= new
        left += new
    return [name for name in catalog.modules if name in wanted]


def _check(service: Service) -> Check | None:
    test = service.healthcheck.test if service.healthcheck else []
    if not test or test[0] == "NONE":
        return None
    words = test[1:] if test[0] == "CMD" else ["/bin/sh", "-c", *test[1:]]
    return Check(tuple(words), service.environment)


def missing_program(engine: Engine, owner: str, image: Image, check: Check) -> str | None:
    """Why *check* can't run in *image*: a program or an option that the image lacks. None if it
    can. It runs without a server, so its result does not count. *owner*: the installation's id.

    Raises:
        EngineDownError, EngineRequestError: the engine does not answer, or rejects the request.
    """
    try:
        code, lines = _run(engine, _body(owner, image, check))
    except EngineRequestError as error:
        if check.command[0] in error.explanation:  # runc names the program that it can't run
            return error.explanation
        raise
    output = "\n".join(lines)
    if program := _NO_PROGRAM.search(output):
        return f"{program[1]} not found"
    if option := _UNKNOWN_OPTION.search(output):
        return option[0]
    return " ".join(lines[-_SHOWN_LINES:]) or f"exit code {code}" if code in _NOT_STARTED else None


def _body(owner: str, image: Image, check: Check) -> dict[str, object]:
    return {
        "Image": image.reference,
        "Entrypoint": list(check.command),
        "Env": [f"{name}={value or ''}" for name, value in check.environment.items()],
        "Labels": one_shot_labels(Owner(owner, __version__)),
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "NetworkMode": "none",
            "LogConfig": {"Type": "json-file"},
            # Otherwise, each run would leave an anonymous volume.
            "Tmpfs": dict.fromkeys(image.volumes, ""),
        },
    }


def _run(engine: Engine, body: dict[str, object]) -> tuple[int, list[str]]:
    """Exit code and output of a container of *body*, which is killed if it takes too long."""
    containers = engine.containers
    container = containers.create(f"ai.one-shot.{uuid4().hex[:12]}", body)
    timer = Timer(_CHECK_SECONDS, containers.kill, [container])
    try:
        containers.start(container)
        timer.start()
        return containers.wait(container), containers.tail(container, 100)
    finally:
        timer.cancel()
        containers.remove(container)


def remove_leftovers(engine: Engine, owner: str) -> None:
    """Remove the containers of checks that a killed process left."""
    for found in engine.containers.summaries():
        if found.labels.get(ONE_SHOT) == owner:
            engine.containers.remove(found.id)
