"""Channels that show more about a module or a service than the snapshot has, allow a module its
permissions, and check and add folders with modules of the user."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final, TypedDict, cast

from pydantic import Field

from aiserver_tray.base.errors import AiServerError, CatalogError, RefusedError, refuse_unknown
from aiserver_tray.base.errors.remedies import ConsentJson, PermissionJson
from aiserver_tray.base.i18n import Language, LocalText, Text, rendered
from aiserver_tray.base.masking import hide
from aiserver_tray.catalog.compose.files import find_compose_file
from aiserver_tray.catalog.folders import inner_folders
from aiserver_tray.catalog.modules import Module
from aiserver_tray.engine.values import HealthCheck, Mount
from aiserver_tray.features.modules.connections import ModuleConnection, connections
from aiserver_tray.features.place import Place
from aiserver_tray.features.stack.channels import OperationBegun, StackFeature, module_of
from aiserver_tray.model import Actor, Port
from aiserver_tray.operations.first_values import other_timezones
from aiserver_tray.operations.request import Request
from aiserver_tray.protocol.channel import Feature, ModuleName, Name, Payload, channel
from aiserver_tray.protocol.message import Caller
from aiserver_tray.settings.changes import change_setting
from aiserver_tray.settings.names import MODULE_FOLDERS, join_folders
from aiserver_tray.spec import labels

_ELSEWHERE: Final = Text(
    "Only a browser on this computer can list its folders. Enter the folder's full path."
)


class ServiceName(Payload):
    """A service of a module."""

    module: str = Name
    service: str = Name
    """its name in the Compose file"""


class Trusted(Payload):
    """A module and the permissions that the user allows it."""

    name: str = Name
    """the module's name"""
    hash: str | None = None
    """the `hash` of the `E_TRUST` that the user has seen; without it, all that the module asks for
    now"""


class Folder(Payload):
    """A module's folder, or one of several modules."""

    folder: str = Field(min_length=1, max_length=4000)
    """its full path; `~` is the user's home"""


class AnyFolder(Payload):
    """A folder of this computer."""

    folder: str = Field(default="~", min_length=1, max_length=4000)
    """its full path; `~` is the user's home"""


class AccountJson(TypedDict):
    """An account that exists after the first start."""

    title: LocalText
    user: str | None
    """the name to sign in with"""
    setting: str | None
    """address of the secret setting with its password or key"""
    note: LocalText
    """how to get in; may be empty"""


class OtherTimezoneJson(TypedDict):
    """A module's time zone that is not the computer's."""

    setting: str
    """address of the setting"""
    value: str
    """the module's time zone"""
    own: str
    """the computer's"""


class ModuleDetails(TypedDict):
    """More about a module."""

    accounts: list[AccountJson]
    volumes: list[str]
    """the names of its volumes with data; empty while the engine is down"""
    consent: ConsentJson | None
    """what the user agrees to by letting it start; `null` for a built-in module, and for one whose
    file is wrong"""
    isAllowed: bool
    """the user agreed to all of that, or it is built in"""
    connections: list[ModuleConnection]
    """how programs connect to it; empty if its file doesn't say"""
    notHere: Text | None
    """why this computer can't connect to it, and how that changes; `null` if it can"""
    timezone: OtherTimezoneJson | None
    """the time zone of a module that has data, if nobody set it and the computer has another one"""


class ServiceDetails(TypedDict):
    """A container, as the engine shows it now."""

    id: str
    imageId: str
    lastCheck: HealthCheck | None
    """`null`: there is no health check, or it has not run yet"""
    exitCode: int
    """of its last exit"""
    outOfMemory: bool
    """the kernel ended it, because it used too much memory"""
    error: str
    """why the engine could not start it; may be empty"""
    createdAt: datetime | None
    startedAt: datetime | None
    finishedAt: datetime | None
    mounts: tuple[Mount, ...]
    environment: tuple[str, ...]
    """the names of its variables, without their values"""


class CatalogProblem(TypedDict):
    """One thing about a file of a module."""

    file: str
    line: int | None
    key: str
    """dotted, as in `services.web.ports.0`; may be empty"""
    message: str


class CatalogReport(TypedDict):
    """What `catalog check` finds in a folder."""

    folder: str
    """its full path"""
    modules: list[str]
    problems: list[CatalogProblem]
    """reasons for which it can't be added"""
    notes: list[CatalogProblem]
    permissions: dict[str, list[PermissionJson]]
    """module → what of it goes beyond its own containers, to be allowed at its first start"""
    consents: dict[str, ConsentJson]
    """module → the whole question at its first start"""


class InnerFolder(TypedDict):
    """A folder in another one."""

    name: str
    hasFile: bool
    """it has a Compose file"""


class InnerFolders(TypedDict):
    """The folders in a folder of this computer."""

    folder: str
    """its full path"""
    parent: str | None
    """the folder that it is in; `null`: none"""
    hasFile: bool
    """it has a Compose file itself"""
    folders: list[InnerFolder]
    """by name, without hidden ones; at most 1000"""


class CatalogAdded(TypedDict):
    """A folder was added."""

    folder: str
    modules: list[str]


class ModulesFeature(Feature):
    """``ai/module/details``, ``…/trust`` and ``…/distrust``, ``ai/service/inspect`` and
    ``ai/catalog/…``."""

    def __init__(self, place: Place) -> None:
        self._app = place.app
        self._place = place

    @channel("ai/module/details")
    def _details(self, asked: ModuleName, caller: Caller) -> ModuleDetails:
        """Get the first accounts and the volumes of a module, and what the user allows it."""
        name = module_of(self._place.core.store.snapshot, asked.name).name
        module = self._app.catalog.modules.get(name)
        accounts: list[AccountJson] = [
            {
                "title": account.title,
                "user": account.user,
                "setting": account.secret and f"{name}.{account.secret}",
                "note": account.note,
            }
            for account in (module.accounts if module else ())
        ]
        consent, is_allowed = self._consent(name, caller.language)
        volumes = self._volumes(name)
        ports = self._ports(name)
        return {
            "accounts": accounts,
            "volumes": volumes,
            "consent": consent,
            "isAllowed": is_allowed,
            "connections": [*connections(self._app.catalog, self._app.settings, module, ports)]
            if module
            else [],
            "notHere": self._not_here(module, ports) if module else None,
            "timezone": self._timezone(module) if module and volumes else None,
        }

    def _timezone(self, module: Module) -> OtherTimezoneJson | None:
        for zone in other_timezones([module], self._app.settings):
            return {"setting": zone.address, "value": zone.value, "own": zone.own}
        return None

    def _consent(self, module: str, language: Language) -> tuple[ConsentJson | None, bool]:
        """What must be allowed before *module* starts, and whether it is."""
        targets, consent = self._app.targets, None
        with suppress(AiServerError):  # its file is wrong, as the snapshot says
            consent = targets.consent(module)
        if consent is None:
            return None, True
        allowed = targets.allowed(consent)
        data = cast("ConsentJson", rendered(consent.as_data(allowed), language))
        return data, consent.is_covered_by(allowed)

    def _ports(self, module: str) -> tuple[Port, ...]:
        """The ports that *module* publishes, or will publish when it starts. Of another machine,
        only those that are forwarded now."""
        if not self._app.used_engine.address.is_local:
            return self._forwarded(module)
        containers = self._place.core.store.state.containers.values()
        published = [p for one in containers if one.module == module for p in one.ports]
        with suppress(AiServerError):  # it can't start
            for service in self._app.preview(module).services:
                published += service.ports
        return tuple(published)

    def _forwarded(self, module: str) -> tuple[Port, ...]:
        views = (m.ports for m in self._place.core.store.snapshot.modules if m.name == module)
        return tuple(
            Port(view.address, view.host, view.container, view.protocol)
            for ports in views
            for view in (ports if self._app.used_engine.address.needs_forwarding else ())
        )

    def _not_here(self, module: Module, ports: Sequence[Port]) -> Text | None:
        if module.connect is None or any(p.container == module.connect.port for p in ports):
            return None
        if self._app.used_engine.address.needs_forwarding:
            return Text(
                "The engine is on another computer. Its ports are forwarded while the module and "
                "AI-Server Tray run."
            )
        if not self._app.used_engine.address.is_local:
            return Text("The engine is on another machine, which publishes its ports there.")
        return Text(
            "Port {port} is not published. Add it under ports of its service in {file}.",
            port=module.connect.port,
            file=module.file,
        )

    def _volumes(self, module: str) -> list[str]:
        if not self._place.core.store.snapshot.engine.running:
            return []
        ours = {labels.INSTALLATION: self._app.settings.installation_id, labels.MODULE: module}
        return sorted(
            volume.name
            for volume in self._place.core.engine.volumes.all()
            if ours.items() <= volume.labels.items() and labels.CONFIG_OF not in volume.labels
        )

    @channel("ai/service/inspect")
    def _inspect(self, asked: ServiceName) -> ServiceDetails:
        """Get the details of a service's container from the engine."""
        module = module_of(self._place.core.store.snapshot, asked.module)
        containers = {service.name: service.container for service in module.services}
        refuse_unknown([asked.service], containers)
        details = self._place.core.engine.containers.details(containers[asked.service])
        container, check, secrets = details.container, details.last_check, self._app.secrets
        return {
            "id": container.id,
            "imageId": container.image_id,
            "lastCheck": check and replace(check, output=hide(check.output, secrets)),
            "exitCode": container.exit_code,
            "outOfMemory": container.oom_killed,
            "error": hide(container.error, secrets),
            "createdAt": container.created_at,
            "startedAt": container.started_at,
            "finishedAt": container.finished_at,
            "mounts": details.mounts,
            "environment": details.environment,
        }

    @channel("ai/module/trust")
    def _trust(self, asked: Trusted, caller: Caller) -> None:
        """Allow a module to start, with the permissions that it asks for. It can start with these
        or fewer, until it asks for others."""
        self._app.targets.trust(asked.name, asked.hash, actor=caller.actor)

    @channel("ai/module/distrust")
    def _distrust(self, asked: ModuleName, caller: Caller) -> OperationBegun:
        """Take back all that a module was allowed, and stop it."""
        name = module_of(self._place.core.store.snapshot, asked.name).name
        self._app.targets.distrust(name, actor=caller.actor)
        request = Request("stop", (name,), cascade=True)
        return {"operationId": self._place.feature(StackFeature).begin(request, caller.actor).id}

    @channel("ai/catalog/check")
    def _check(self, asked: Folder, caller: Caller) -> CatalogReport:
        """Check the modules in a folder, which need not be added."""
        folder = _path(asked.folder)
        report = self._app.check(folder).as_data(caller.language)
        return cast("CatalogReport", {"folder": str(folder), **report})

    @channel("ai/catalog/folders", callers=["browser"])
    def _folders(self, asked: AnyFolder, caller: Caller) -> InnerFolders:
        """List the names of the folders in a folder, for a browser on this computer."""
        if not caller.peer.is_local:
            raise RefusedError(_ELSEWHERE, ["folder"])
        folder = _path(asked.folder)
        try:
            inner = inner_folders(folder)
        except OSError as error:
            text = Text("Can't read the folder {folder}: {why}", folder=folder, why=error.strerror)
            raise RefusedError(text, ["folder"]) from None
        return {
            "folder": str(folder),
            "parent": None if folder.parent == folder else str(folder.parent),
            "hasFile": _has_file(folder),
            "folders": [{"name": i.name, "hasFile": _has_file(i)} for i in inner],
        }

    @channel("ai/catalog/add")
    def _add(self, asked: Folder, caller: Caller) -> CatalogAdded:
        """Add the modules in a folder, unless that has a problem."""
        folder = _path(asked.folder)
        report = self._app.check(folder)
        if report.problems:
            raise CatalogError(report.problems)
        if not report.checked:
            raise RefusedError(Text("There is no Compose file in {path}.", path=folder), ["folder"])
        added = self._app.settings.app.module_folders
        if str(folder) not in added:
            self._set([*added, str(folder)], caller.actor)
        return {"folder": str(folder), "modules": list(report.checked)}

    @channel("ai/catalog/remove")
    def _remove(self, asked: Folder, caller: Caller) -> None:
        """Forget a folder that was added. Its files stay."""
        added = self._app.settings.app.module_folders
        self._set([folder for folder in added if folder != asked.folder], caller.actor)

    def _set(self, folders: list[str], actor: Actor) -> None:
        value = join_folders(folders) or None
        change_setting(self._app.settings, self._app.declared, MODULE_FOLDERS, value, actor)
        self._place.refresh()


def _path(text: str) -> Path:
    """The folder *text*.

    Raises:
        RefusedError: there is no such folder.
    """
    folder = Path(text.strip())
    with suppress(RuntimeError):  # there is no such user
        folder = folder.expanduser()
    # os.path's isdir returns False where Path's raises: in a folder without permission.
    if not folder.is_absolute() or not os.path.isdir(folder):  # noqa: PTH112
        why = Text("There is no folder {folder}. Enter its full path.", folder=text)
        raise RefusedError(why, ["folder"])
    return folder.resolve()


def _has_file(folder: Path) -> bool:
    """Whether *folder* has a Compose file; False if that can't be seen."""
    with suppress(CatalogError):
        return find_compose_file(folder) is not None
    return False
