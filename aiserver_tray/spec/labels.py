"""The labels of our objects: ours, which identify them, and Compose's, by which Docker Desktop and
``docker compose ls`` group them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from aiserver_tray.spec.names import project_name

MODULE: Final = "io.aiserver.module"
SERVICE: Final = "io.aiserver.service"
CONFIG_HASH: Final = "io.aiserver.config-hash"
VERSION: Final = "io.aiserver.version"
INSTALLATION: Final = "io.aiserver.installation"
HOME: Final = "io.aiserver.home"
"""The installation's home folder when the object was created, for error messages about
conflicts."""
CONFIG_OF: Final = "io.aiserver.config-of"
"""On a volume with only a service's configuration files: the name of the service."""
IMAGE_OF: Final = "io.aiserver.image-of"
"""On an image that we built: installation, module and service. Containers get the labels of their
image, also those that a user creates from it, so it has none by which a container counts as
ours."""
REQUIRES: Final = "io.aiserver.requires"
"""On a service's container: the modules that its module required when it was created."""
SHARED_NAMES: Final = "io.aiserver.shared-names"
"""On a service's container: the names by which other modules reach it on the shared network. The
engine's list of containers has no aliases."""
PAGE: Final = "io.aiserver.page"
"""On the container that publishes its module's page: host and port when it was created."""
ONE_SHOT: Final = "io.aiserver.one-shot"
"""The installation's ID on a container that runs one command and is no service. It does not have
`INSTALLATION`, so that it is never treated as a module's container."""
BACKUP: Final = "io.aiserver.backup"
"""The installation's ID on a container, volume or network that a backup, restore or rehearsal works
with. It does not have `INSTALLATION`, so that no module, alert or log knows of it."""
BACKUP_OPERATION: Final = "io.aiserver.backup-operation"
"""On the same: the ID of the operation."""
_OURS = "io.aiserver."
_COMPOSE = "com.docker.compose"


@dataclass(frozen=True)
class Owner:
    """The owner of objects: the installation's ID, the version that creates them, and the home
    folder. Not part of the configuration: a new version alone recreates no container."""

    installation: str
    version: str
    home: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """The labels that identify all objects of an owner."""
        home = {HOME: self.home} if self.home else {}
        return {VERSION: self.version, INSTALLATION: self.installation, **home}


def container_labels(
    module: str, service: str, owner: Owner, config_hash: str, given: Mapping[str, str]
) -> dict[str, str]:
    """Labels of a service's container; *given* are those of the file."""
    return {
        **without_ours(given),
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


def without_ours(given: Mapping[str, str]) -> dict[str, str]:
    """The labels *given* by a file, which can't say what only we know."""
    return {name: value for name, value in given.items() if not name.startswith(_OURS)}


def requires_label(modules: Iterable[str]) -> dict[str, str]:
    """The label of a container whose service requires *modules*. Not part of the hash: a new
    requirement, or a version that adds the label, recreates no container."""
    return {REQUIRES: ",".join(sorted(modules))}


def required_in(given: Mapping[str, str]) -> tuple[str, ...] | None:
    """The modules in the label among *given*. None without the label, which an earlier version did
    not set."""
    noted = given.get(REQUIRES)
    return None if noted is None else tuple(filter(None, noted.split(",")))


def shared_names_label(names: Iterable[str]) -> dict[str, str]:
    """The label of a container that has *names* on the shared network. Not part of the hash, but
    the names are."""
    given = ",".join(sorted(names))
    return {SHARED_NAMES: given} if given else {}


def shared_names_in(given: Mapping[str, str]) -> list[str]:
    """The names in the label among *given*. Without the label, which an earlier version did not
    set, the service's name alone."""
    return given.get(SHARED_NAMES, given[SERVICE]).split(",")


def resource_labels(
    kind: Literal["network", "volume"],
    module: str,
    key: str,
    owner: Owner,
    given: Mapping[str, str],
) -> dict[str, str]:
    """Labels of a network or volume, called *key* in the file, with the labels *given* there."""
    return {
        **given,
        MODULE: module,
        **owner.labels,
        f"{_COMPOSE}.project": project_name(module),
        f"{_COMPOSE}.{kind}": key,
    }


def resource_body(body: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """*body* for creating a network or volume, with *labels* and a label for its hash. Labels are
    not part of the hash, because they don't affect the object."""
    return {**body, "Labels": {**labels, CONFIG_HASH: digest(body)}}


def image_labels(module: str, service: str, owner: Owner) -> dict[str, str]:
    """Labels of an image that is built for a service, by which it is found again."""
    return {IMAGE_OF: f"{owner.installation}/{module}/{service}"}


def one_shot_labels(owner: Owner) -> dict[str, str]:
    """Labels of a container that lives for one command."""
    return {VERSION: owner.version, ONE_SHOT: owner.installation}


def backup_labels(owner: Owner, operation: str) -> dict[str, str]:
    """Labels of the containers and volumes that the backup or restore *operation* works with."""
    return {VERSION: owner.version, BACKUP: owner.installation, BACKUP_OPERATION: operation}


def digest(whole: object) -> str:
    """SHA-256 over *whole*, as JSON: it detects whether the definition of an object has changed."""
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
