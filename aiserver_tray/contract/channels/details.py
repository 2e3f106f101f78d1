"""Channels that show more about a module or a service than the snapshot has."""

from datetime import datetime
from typing import TypedDict

from aiserver_tray.app import App
from aiserver_tray.base.errors import refuse_unknown
from aiserver_tray.base.i18n import in_language
from aiserver_tray.base.masking import hide
from aiserver_tray.contract.channel import Name, Payload, channel
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.channels.predecessor import module_of
from aiserver_tray.contract.channels.process import ModuleName
from aiserver_tray.contract.contract import Caller
from aiserver_tray.core.core import Core
from aiserver_tray.engine.values import Check, ContainerDetails, Mount
from aiserver_tray.spec import labels


class ServiceName(Payload):
    """A service of a module."""

    module: str = Name
    service: str = Name
    """its name in the Compose file"""


class AccountJson(TypedDict):
    """An account that exists after the first start."""

    title: str
    user: str | None
    """the name to sign in with"""
    setting: str | None
    """address of the secret setting with its password or key"""
    note: str
    """how to get in; may be empty"""


class ModuleDetails(TypedDict):
    """More about a module."""

    accounts: list[AccountJson]
    volumes: list[str]
    """the names of its volumes with data; empty while the engine is down"""


class HealthCheckJson(TypedDict):
    """The last run of a health check."""

    endedAt: str | None
    exitCode: int
    output: str
    """the end of its output"""


class MountJson(TypedDict):
    """Something that a container has mounted."""

    kind: str
    """the engine's word, such as `volume`, `bind` or `tmpfs`"""
    source: str
    """the volume's name, or the path on the engine's machine; may be empty"""
    target: str
    readOnly: bool


class ServiceDetails(TypedDict):
    """A container, as the engine shows it now."""

    id: str
    imageId: str
    lastCheck: HealthCheckJson | None
    """`null`: there is no health check, or it has not run yet"""
    exitCode: int
    """of its last exit"""
    outOfMemory: bool
    """the kernel ended it, because it used too much memory"""
    error: str
    """why the engine could not start it; may be empty"""
    createdAt: str | None
    startedAt: str | None
    finishedAt: str | None
    mounts: list[MountJson]
    environment: list[str]
    """the names of its variables, without their values"""


class DetailChannels(Part):
    """``ai/module/details`` and ``ai/service/inspect``."""

    def __init__(self, app: App, core: Core) -> None:
        self._app = app
        self._core = core

    @channel("ai/module/details")
    def _details(self, asked: ModuleName, caller: Caller) -> ModuleDetails:
        """Get the first accounts and the volumes of a module."""
        name = module_of(self._core.store.snapshot, asked.name).name
        module = self._app.catalog.modules.get(name)
        accounts: list[AccountJson] = [
            {
                "title": in_language(account.title, caller.language),
                "user": account.user,
                "setting": account.secret and f"{name}.{account.secret}",
                "note": in_language(account.note, caller.language),
            }
            for account in (module.accounts if module else ())
        ]
        return {"accounts": accounts, "volumes": self._volumes(name)}

    def _volumes(self, module: str) -> list[str]:
        if not self._core.store.snapshot.engine.running:
            return []
        ours = {
            labels.INSTALLATION: self._app.settings.installation_id,
            labels.MODULE: module,
        }
        return sorted(
            volume.name
            for volume in self._core.engine.volumes.all()
            if ours.items() <= volume.labels.items() and labels.CONFIG_OF not in volume.labels
        )

    @channel("ai/service/inspect")
    def _inspect(self, asked: ServiceName) -> ServiceDetails:
        """Get the details of a service's container from the engine."""
        module = module_of(self._core.store.snapshot, asked.module)
        containers = {service.name: service.container for service in module.services}
        refuse_unknown([asked.service], containers)
        details = self._core.engine.containers.details(containers[asked.service])
        return self._service_details(details)

    def _service_details(self, details: ContainerDetails) -> ServiceDetails:
        container, secrets = details.container, self._app.secrets
        return {
            "id": container.id,
            "imageId": container.image_id,
            "lastCheck": _check_json(details.last_check, secrets) if details.last_check else None,
            "exitCode": container.exit_code,
            "outOfMemory": container.oom_killed,
            "error": hide(container.error, secrets),
            "createdAt": _moment(container.created_at),
            "startedAt": _moment(container.started_at),
            "finishedAt": _moment(container.finished_at),
            "mounts": [_mount_json(mount) for mount in details.mounts],
            "environment": list(details.environment),
        }


def _moment(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _check_json(check: Check, secrets: list[str]) -> HealthCheckJson:
    return {
        "endedAt": _moment(check.ended_at),
        "exitCode": check.exit_code,
        "output": hide(check.output, secrets),
    }


def _mount_json(mount: Mount) -> MountJson:
    return {
        "kind": mount.kind,
        "source": mount.source,
        "target": mount.target,
        "readOnly": mount.is_read_only,
    }
