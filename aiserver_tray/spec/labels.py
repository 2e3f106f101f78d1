"""The labels of our objects: ours, by which we know them, and Compose's, by which Docker Desktop
and ``docker compose ls`` group them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from aiserver_tray.spec.digest import digest
from aiserver_tray.spec.names import project_name

MODULE: Final = "io.aiserver.module"
SERVICE: Final = "io.aiserver.service"
CONFIG_HASH: Final = "io.aiserver.config-hash"
VERSION: Final = "io.aiserver.version"
INSTALLATION: Final = "io.aiserver.installation"
HOME: Final = "io.aiserver.home"
"""The installation's home when the object was made, to tell people who finds it in the way."""

CONFIG_OF: Final = "io.aiserver.config-of"
"""On a volume that holds nothing but a service's configuration files: that service."""

REQUIRES: Final = "io.aiserver.requires"
"""On a service's container: the modules that its own one required when it was made."""

SHARED_NAMES: Final = "io.aiserver.shared-names"
"""On a service's container: the names by which other modules reach it on the shared network. The
engine's list of containers has no aliases."""

PAGE: Final = "io.aiserver.page"
"""On the container that publishes its module's own page: host and port, as they were when it was
made."""

ONE_SHOT: Final = "io.aiserver.one-shot"
"""On a container that is no service of any module and lives for one command: the installation's id.
`INSTALLATION` is not on it, so that nobody takes it for a module's."""

_COMPOSE = "com.docker.compose"


@dataclass(frozen=True)
class Owner:
    """Whose objects they are: the installation's id, the version that makes them, and the home. No
    part of the configuration: a new version alone makes no container anew."""

    installation: str
    version: str
    home: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """By which all of them are known."""
        home = {HOME: self.home} if self.home else {}
        return {VERSION: self.version, INSTALLATION: self.installation, **home}


def container_labels(
    module: str, service: str, owner: Owner, config_hash: str, given: Mapping[str, str]
) -> dict[str, str]:
    """Labels of a service's container; *given* are those of the file."""
    return {
        **given,
        MODULE: module,
        SERVICE: service,
        CONFIG_HASH: config_hash,
        **owner.labels,
        f"{_COMPOSE}.project": project_name(module),
        f"{_COMPOSE}.service": service,
        f"{_COMPOSE}.container-number": "1",
        f"{_COMPOSE}.oneoff": "False",
        f"{_COMPOSE}.config-hash": config_hash,
    }


def requires_label(modules: Iterable[str]) -> dict[str, str]:
    """The label of a container whose module requires *modules*. No part of the hash: neither a new
    requirement alone nor a version that notes them first makes a container anew."""
    return {REQUIRES: ",".join(sorted(modules))}


def required_in(given: Mapping[str, str]) -> tuple[str, ...] | None:
    """The modules that the label among *given* names; None where there is none: the container was
    made by a version that did not note them."""
    noted = given.get(REQUIRES)
    return None if noted is None else tuple(filter(None, noted.split(",")))


def shared_names_label(names: Iterable[str]) -> dict[str, str]:
    """The label of a container that has *names* on the shared network; no part of the hash either,
    but the names are."""
    given = ",".join(sorted(names))
    return {SHARED_NAMES: given} if given else {}


def shared_names_in(given: Mapping[str, str]) -> list[str]:
    """The names that the label among *given* tells; the service's alone where the container was
    made by a version that did not note them."""
    return given.get(SHARED_NAMES, given[SERVICE]).split(",")


def resource_labels(
    kind: Literal["network", "volume"],
    module: str,
    key: str,
    owner: Owner,
    given: Mapping[str, str],
) -> dict[str, str]:
    """Labels of a network or volume, which the file calls *key* and *given* labels."""
    return {
        **given,
        MODULE: module,
        **owner.labels,
        f"{_COMPOSE}.project": project_name(module),
        f"{_COMPOSE}.{kind}": key,
    }


def resource_body(body: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """*body* of a network's or volume's creation with *labels*, and with that of its hash. Labels
    are no part of it: they change nothing of what the object does."""
    return {**body, "Labels": {**labels, CONFIG_HASH: digest(body)}}


def shared_labels(owner: Owner) -> dict[str, str]:
    """Labels of the network that all modules share."""
    return owner.labels


def one_shot_labels(owner: Owner) -> dict[str, str]:
    """Labels of a container that lives for one command."""
    return {VERSION: owner.version, ONE_SHOT: owner.installation}
