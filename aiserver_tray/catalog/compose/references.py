"""The top-level resources that a service uses."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from aiserver_tray.catalog.compose.keypath import KeyPath
from aiserver_tray.catalog.compose.service import Service

Section = Literal["networks", "volumes", "secrets", "configs"]


class Use(NamedTuple):
    """A service's use of the resource *name*; *path* is within the service."""

    section: Section
    name: str
    path: KeyPath


def uses_of(service: Service) -> Iterator[Use]:
    """Every use of a declared resource in *service*."""
    for name in service.networks:
        yield Use("networks", name, ("networks", name))
    for index, mount in enumerate(service.volumes):
        if mount.type == "volume" and mount.source:
            yield Use("volumes", mount.source, ("volumes", index))
    for index, secret in enumerate(service.secrets):
        yield Use("secrets", secret.source, ("secrets", index))
    for index, secret in enumerate(service.build.secrets if service.build else ()):
        yield Use("secrets", secret.source, ("build", "secrets", index))
    for index, config in enumerate(service.configs):
        yield Use("configs", config.source, ("configs", index))
