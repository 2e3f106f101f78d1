"""Shared inputs for the parts of one module's target."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import Place
from aiserver_tray.catalog.jobs import jobs_in
from aiserver_tray.catalog.modules import Module
from aiserver_tray.spec.labels import Owner
from aiserver_tray.spec.model import NetworkTarget, VolumeTarget
from aiserver_tray.spec.names import container_name

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.project import Project
    from aiserver_tray.catalog.compose.service import Service


@dataclass(frozen=True)
class Scope:
    """A module and everything that its targets are made from."""

    module: Module
    requires: tuple[str, ...]
    project: "Project"
    owner: Owner
    bind: str
    open: str | None
    networks: Mapping[str, NetworkTarget]
    """By the file's names, as are the volumes."""
    volumes: Mapping[str, VolumeTarget]
    least_log_size: str
    """Of a file of a service's log."""
    proxies: Mapping[str, str] | None
    """The module's own, as in `ServiceTarget`."""

    @cached_property
    def jobs(self) -> frozenset[str]:
        """The services that are jobs."""
        return jobs_in(self.project)

    def service(self, name: str) -> "Service":
        """The service *name* as the file has it."""
        return self.project.services[name]

    def container_of(self, service: str) -> str:
        """The name of a service's container."""
        return container_name(self.module.name, service)

    def place(self, service: str, *path: str) -> Place:
        """The place of *path* of a service in the file."""
        return self.module.place("services", service, *path)
