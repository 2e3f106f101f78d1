"""Modules of the built-in catalog on the lab."""

from collections.abc import Sequence

import docker
from docker.models.containers import Container

from tests.support.installation import Installation
from tests.support.ports import free_port


def choose_free_ports(here: Installation, *modules: str) -> None:
    """Give each port setting of *modules* a port that nobody has."""
    ports = {
        address: str(free_port())
        for address, setting in here.app.declared.items()
        if setting.type == "port" and address.partition(".")[0] in modules
    }
    here.set_all(ports)


def value_of(here: Installation, setting: str) -> str:
    """The value of a setting, by address, secrets too."""
    app = here.app
    return app.settings.values(app.declared)[setting]


def check_of(container: Container) -> list[str]:
    """The command of the container's health check."""
    return command_of(container.attrs["Config"]["Healthcheck"]["Test"])


def command_of(test: Sequence[str]) -> list[str]:
    """The command that the engine runs for a health check's *test*."""
    kind, *words = test
    return list(words) if kind == "CMD" else ["/bin/sh", "-c", *words]


def passes(container: Container, check: list[str], **environment: str) -> bool:
    """Whether a health check passes in the container, with variables of its own."""
    return bool(container.exec_run(check, environment=environment).exit_code == 0)


def healthy(client: docker.DockerClient) -> set[str]:
    """The containers that are healthy."""
    return {found.name for found in client.containers.list() if found.health == "healthy"}
