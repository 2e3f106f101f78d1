"""All checks of the doctor in one list, and the channel that runs them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, nullcontext
from typing import TypedDict

from pydantic import Field

from aiserver_tray.base.errors import AiServerError, RefusedError, SettingError, each
from aiserver_tray.base.i18n import Text
from aiserver_tray.core.app import App
from aiserver_tray.engine.engine import Engine
from aiserver_tray.features.doctor.connection import examine_connection
from aiserver_tray.features.doctor.engine import examine_engine
from aiserver_tray.features.doctor.finding import CheckJson, Finding, problems
from aiserver_tray.features.doctor.installation import examine_host, examine_installation
from aiserver_tray.features.doctor.ssh import ServerKey
from aiserver_tray.features.place import Place, refuse_elsewhere
from aiserver_tray.operations.kernel import Kernel
from aiserver_tray.operations.modules import obtainable, unlisted, with_requires
from aiserver_tray.protocol.channel import Feature, Name, Payload, channel
from aiserver_tray.protocol.message import Caller
from aiserver_tray.settings.entries import HostKeyEntry
from aiserver_tray.spec.model import ModuleTarget
from aiserver_tray.spec.names import former_repository


def examine(installation: App) -> list[Finding]:
    """Check the files of *installation*, its setup on this machine, its engine, and the
    requirements of its chosen modules. A check that fails is a finding, and the others continue."""
    settings = installation.settings
    findings = [
        *examine_installation(settings, installation.catalog),
        *examine_host(settings.home, installation.start_options),
    ]
    targets, errors = _chosen_targets(installation)
    return _once([*findings, *problems("modules", errors), *_on_engine(installation, targets)])


def _chosen_targets(installation: App) -> tuple[list[ModuleTarget], list[AiServerError]]:
    """The targets of the chosen modules and of all modules that they require, and the errors of
    those without a target."""
    chosen: list[str] = []
    errors: list[AiServerError] = []
    try:
        gone = unlisted(installation.chosen, installation.names)
        errors += gone.values()
        chosen += (name for name in installation.chosen if name not in gone)
        return with_requires(chosen, installation.preview), errors
    except AiServerError as error:
        return obtainable(chosen, installation.preview), [*errors, *each(error)]


def _on_engine(installation: App, targets: list[ModuleTarget]) -> Iterator[Finding]:
    try:
        ours = installation.settings.installation_id
    except SettingError as error:
        yield from problems("settings", [error])
        return
    try:
        engine = installation.used_engine
        if change := installation.engine_change:
            yield Finding("address", "note", change)
        kernel, former = Kernel(engine, installation.settings), _former_images(installation)
        yield from examine_engine(engine, kernel, ours, former, targets)
    except SettingError as error:
        yield from problems("engine", [error])


def _former_images(installation: App) -> set[str]:
    """The names, without tag, that earlier versions gave to images that they built."""
    modules = installation.catalog.modules.values()
    return {
        former_repository(m.name, service) for m in modules for service in m.section("services")
    }


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """*findings* without duplicates: a problem in a file is also an error of its module."""
    unique: dict[str, Finding] = {}
    for finding in findings:
        unique.setdefault(str(finding.text), finding)
    return list(unique.values())


class Checks(TypedDict):
    """What the doctor found."""

    checks: list[CheckJson]


class EngineAddress(Payload):
    """An engine."""

    address: str | None = Field(default=None, max_length=2000)
    """its name or address; empty: the usual one; without it, the engine in use"""


class ShownKey(Payload):
    """The host key of an ssh server."""

    host_key: str = Name
    """as `ai/doctor/connection` showed it"""


class ConnectionTest(Checks):
    """The steps of the connection to an engine, up to the first that fails."""

    hostKey: str | None
    """type and fingerprint of an unknown host key, which the user can trust; `null`: none is"""


class DoctorFeature(Feature):
    """``ai/doctor/…``."""

    def __init__(self, place: Place) -> None:
        self._app = place.app
        self._others: list[Callable[[], Iterable[Finding]]] = []
        self._shown: dict[str, ServerKey] = {}

    def add(self, examine_more: Callable[[], Iterable[Finding]]) -> None:
        """Add the findings of another feature, from any thread."""
        self._others.append(examine_more)

    def findings(self) -> list[Finding]:
        """All findings, with those of other features."""
        others = (finding for examine_more in self._others for finding in examine_more())
        return [*examine(self._app), *others]

    @channel("ai/doctor/run")
    def _run(self, caller: Caller) -> Checks:
        """Check the installation, the engine, and what the chosen modules need there."""
        return {"checks": [finding.as_json(caller.language) for finding in self.findings()]}

    @channel("ai/doctor/connection", callers=["window", "browser", "command"])
    def _connection(self, asked: EngineAddress, caller: Caller) -> ConnectionTest:
        """Test the connection to an engine, step by step. Changes nothing."""
        refuse_elsewhere(caller.peer)
        engine = used = self._app.used_engine
        if asked.address is not None:
            engine = Engine(setting=self._app.address_of_engine(asked.address) or "")
        # Engines of the same address share what leads there, which is closed with any of them.
        with nullcontext() if engine.host == used.host else closing(engine):
            found = examine_connection(engine)
        key = str(found.unknown.offered) if found.unknown else None
        self._shown |= {key: found.unknown} if key and found.unknown else {}
        checks = [finding.as_json(caller.language) for finding in found.findings]
        return {"checks": checks, "hostKey": key}

    @channel("ai/doctor/trustHostKey", callers=["window", "browser", "command"])
    def _trust(self, asked: ShownKey, caller: Caller) -> None:
        """Trust a host key that `ai/doctor/connection` showed: add it to the user's known hosts."""
        refuse_elsewhere(caller.peer)
        if (key := self._shown.pop(asked.host_key, None)) is None:
            raise RefusedError(Text("This host key was not shown. Test the connection again."))
        key.trust()
        host = key.offered.host if key.offered else ""
        entry = HostKeyEntry(actor=caller.actor, host=host, key=asked.host_key)
        self._app.settings.journal.add(entry)
