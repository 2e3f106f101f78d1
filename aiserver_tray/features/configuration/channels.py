"""Channels that read and change settings; those of one module are checked, previewed, applied
together and undone."""

from contextlib import suppress
from functools import partial
from typing import Annotated, Literal, TypedDict

from pydantic import Field

from aiserver_tray.base.errors import (
    AiServerError,
    EngineDownError,
    RefusedError,
    SettingError,
)
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.catalog.further_variables import MODULE_SETTINGS, services_with_variables
from aiserver_tray.features.configuration.fixed import check_versions, fixed_versions
from aiserver_tray.features.configuration.forms import (
    FieldJson,
    PreviousJson,
    SettingJson,
    fields,
    previous_json,
    setting_json,
)
from aiserver_tray.features.place import Place, refuse_elsewhere
from aiserver_tray.features.stack.channels import StackFeature
from aiserver_tray.model import MAX_NAMES, Actor, Changes
from aiserver_tray.operations.modules import obtainable
from aiserver_tray.operations.preview import Effects, modules_to_recreate
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.survey import HostPort
from aiserver_tray.protocol.channel import Feature, Name, Names, OfModule, Payload, channel
from aiserver_tray.protocol.message import Caller
from aiserver_tray.settings.changes import (
    change_setting,
    change_settings,
    choose_modules,
    forget_setting,
)
from aiserver_tray.settings.declared import Declared, address_of
from aiserver_tray.settings.entries import RevealedEntry
from aiserver_tray.settings.names import CA_CERTIFICATES, ENGINE, ENGINES, STOP_UNUSED_ENGINE
from aiserver_tray.state.judge import ALIVE
from aiserver_tray.system import engine_install

When = Literal["now", "later"]
_ENGINE_ONLY_HERE = Text("Which engine is used can be changed only on this computer itself.")
_ONLY_ON_WINDOWS = Text("This setting is for engines in WSL, which there are only on Windows.")


class SettingName(Payload):
    """A setting, or all of them."""

    name: str | None = None
    """its address, such as `n8n.N8N_HOST_PORT`; all settings without it"""


class SettingValue(Payload):
    """A setting with its new value."""

    name: str = Name
    """its address"""
    value: str | None
    """`null` resets it"""


class ModuleNames(Payload):
    """Some modules."""

    modules: Names | None = None
    """without it, nothing changes"""


class ModuleChanges(OfModule):
    """Changes of a module's settings."""

    changes: Annotated[dict[str, str | None], Field(max_length=MAX_NAMES)]
    """new values by address; `null` resets a setting, and generates a secret again"""


class AppliedChanges(ModuleChanges):
    """Changes of a module's settings, and when they take effect."""

    when: When
    """`now`: an operation recreates the running containers that depend on them; `later`: the next
    start does"""


class Restored(OfModule):
    """A module whose last change is undone."""

    when: When
    """as for `ai/config/apply`"""
    time: str | None = None
    """of that change, as in `ai/config/form`; refused if another change came after it"""


class Revealed(Payload):
    """A setting to show in plain text."""

    name: str = Name
    """its address"""


class SettingList(TypedDict):
    """Settings with their values."""

    entries: list[SettingJson]


class SettingChange(SettingList):
    """A setting that was changed. One that no module declares is gone, and has no entry."""

    generated: bool
    """it has no value now, and gets a new one when it is needed"""
    recreate: list[str]
    """the modules whose start lets it take effect, of those that the user asked for"""
    warning: str | None
    """what is wrong with the value although it was taken"""


class Chosen(TypedDict):
    """The chosen modules."""

    chosen: list[str]
    """the modules that *Start all* starts"""


class SettingsForm(TypedDict):
    """The settings of a module."""

    settings: list[FieldJson]
    services: list[str]
    """those that can get further variables: settings with the address
    `MODULE.variable.SERVICE.NAME`, or `MODULE.secret.SERVICE.NAME`"""
    previous: PreviousJson | None
    """the values before the last change; `null` if there is none, or after a day"""


class PortCheck(TypedDict):
    """Whether a port can be used."""

    ours: bool
    """the module publishes on it now"""
    owner: str | None
    """the container or process that uses it; `null` if it is free"""
    free: int | None
    """a free port near it; `null` if this one is free"""


class SettingCheck(TypedDict):
    """Whether a setting takes a value."""

    address: str
    error: str | None
    """why it does not"""
    value: str | None
    """the value as it would be stored; `null` for a secret, and for a reset"""
    port: PortCheck | None
    """of a port that the engine could be asked about"""


class SettingChecks(TypedDict):
    """Whether settings take new values."""

    checks: list[SettingCheck]


class Applied(TypedDict):
    """Settings were changed."""

    operationId: str | None
    """the operation that applies them; `null`: there is nothing to recreate now"""


class PlainValue(TypedDict):
    """A value in plain text."""

    value: str


class ConfigurationFeature(Feature):
    """``ai/config/…``."""

    def __init__(self, place: Place) -> None:
        self._app = place.app
        self._place = place

    @channel("ai/config/get")
    def _get(self, asked: SettingName, caller: Caller) -> SettingList:
        """Get one setting, or all settings."""
        declared = self._app.declared_with([asked.name] if asked.name else ())
        if asked.name is not None:
            address = address_of(declared, asked.name)
            declared = {address: declared[address]}
        elif engine_install.SYSTEM != "windows":
            declared = {a: one for a, one in declared.items() if a != STOP_UNUSED_ENGINE}
        entries = self._app.settings.entries(declared)
        return {"entries": [setting_json(entry, caller.language) for entry in entries]}

    @channel("ai/config/set")
    def _set(self, asked: SettingValue, caller: Caller) -> SettingChange:
        """Change or reset a setting."""
        app, declared = self._app, self._app.declared_with([asked.name])
        if asked.name in (ENGINE, ENGINES):  # ssh would use the keys of this computer's user
            refuse_elsewhere(caller.peer, _ENGINE_ONLY_HERE)
        if asked.name == STOP_UNUSED_ENGINE and asked.value and engine_install.SYSTEM != "windows":
            raise RefusedError(_ONLY_ON_WINDOWS)
        if asked.value is None and asked.name in app.settings.undeclared(declared):
            forget_setting(app.settings, asked.name, caller.actor)
            return {"entries": [], "generated": False, "recreate": [], "warning": None}
        check_versions(self._place, app.targets.parsed(declared, {asked.name: asked.value}))
        change_setting(app.settings, declared, asked.name, asked.value, caller.actor)
        self._place.refresh()
        address = address_of(declared, asked.name)
        (entry,) = app.settings.entries({address: declared[address]})
        return {
            "entries": [setting_json(entry, caller.language)],
            "generated": entry.origin == "none" and entry.setting.generate is not None,
            "recreate": self._affected(address),
            "warning": self._warning(address, caller.language),
        }

    def _warning(self, address: str, language: Language) -> str | None:
        if address != CA_CERTIFICATES:
            return None
        expired = self._app.settings.app.ca_certificates.expired
        return expired.render(language) if expired else None

    def _affected(self, address: str) -> list[str]:
        """Those of the modules that the user asked for to start once *address* has changed."""
        app = self._app
        with suppress(AiServerError):  # the setting was changed all the same
            asked_for = app.settings.engines.asked_for
            return modules_to_recreate(app.catalog, app.model, asked_for, [address])
        return []

    @channel("ai/config/choose")
    def _choose(self, asked: ModuleNames, caller: Caller) -> Chosen:
        """Get or change the modules that *Start all* starts."""
        if asked.modules is not None:
            for name in asked.modules:
                self._app.catalog.module(name)
            choose_modules(self._app.settings, asked.modules, caller.actor)
            self._place.refresh()
        return {"chosen": list(self._app.chosen)}

    @channel("ai/config/form")
    def _form(self, asked: OfModule, caller: Caller) -> SettingsForm:
        """Get the settings of a module with all that a form needs."""
        app, module = self._app, self._app.catalog.module(asked.module)
        declared = app.declared_by(
            module.name, [f"{module.name}.{name}" for name in MODULE_SETTINGS]
        )
        entries = app.settings.entries(declared)
        previous = app.settings.previous.of(module.name)
        before = app.declared_by(module.name, previous.values if previous else ())
        return {
            "settings": fields(
                app.catalog,
                module.name,
                entries,
                caller.language,
                fixed_versions(self._place, module.name),
            ),
            "services": services_with_variables(module),
            "previous": previous_json(previous, before) if previous else None,
        }

    @channel("ai/config/check")
    def _check(self, asked: ModuleChanges, caller: Caller) -> SettingChecks:
        """Check whether settings take new values. Changes nothing."""
        declared = self._app.declared_by(asked.module, asked.changes)
        check = partial(self._checked, asked, declared)
        return {"checks": [check(name, caller.language) for name in asked.changes]}

    @channel("ai/config/preview")
    def _preview(self, asked: ModuleChanges) -> Effects:
        """Show which services changes of settings would recreate, and why; without changes, those
        that wait for it. Changes nothing."""
        declared = self._app.declared_by(asked.module, asked.changes)
        changes = self._app.targets.parsed(declared, asked.changes)
        names = self._to_recreate(changes or declared)
        if not names:
            return Effects()
        return self._place.core.operations.effects(Request("up", tuple(names)), changes)

    @channel("ai/config/apply")
    def _apply(self, asked: AppliedChanges, caller: Caller) -> Applied:
        """Change settings of a module together, all or none. Without changes: apply those that
        wait for it."""
        self._change(asked.module, asked.changes, caller.actor)
        changes = asked.changes or self._app.declared_by(asked.module)
        return self._applied(changes, asked.when, caller.actor)

    @channel("ai/config/restore")
    def _restore(self, asked: Restored, caller: Caller) -> Applied:
        """Undo the last change of a module's settings, for a day after it."""
        self._app.catalog.module(asked.module)
        if (previous := self._app.settings.previous.of(asked.module)) is None:
            why = Text("The earlier settings of {module} are no longer kept.", module=asked.module)
            raise RefusedError(why, ["module"])
        if asked.time not in (None, previous.time.isoformat()):
            why = Text("The settings of {module} were changed again since.", module=asked.module)
            raise RefusedError(why, ["time"])
        declared = self._app.declared_by(asked.module, previous.values)
        changes = {a: value for a, value in previous.values.items() if a in declared}
        check_versions(self._place, changes)
        change_settings(self._app.settings, declared, changes, caller.actor)
        self._app.settings.previous.forget(asked.module)
        return self._applied(changes, asked.when, caller.actor)

    @channel("ai/config/reveal", callers=["window", "browser", "command"])
    def _reveal(self, asked: Revealed, caller: Caller) -> PlainValue:
        """Show a setting in plain text; a secret is generated if it can be and does not exist yet.
        The journal records that, without the value, unless a command asks."""
        settings, declared = self._app.settings, self._app.declared
        address = address_of(declared, asked.name)
        value = settings.reveal(declared, address)
        if caller.kind != "command":  # a script may ask so often that no other entry is left
            settings.journal.add(RevealedEntry(actor=caller.actor, address=address))
        return {"value": value}

    def _checked(
        self, asked: ModuleChanges, declared: Declared, name: str, language: Language
    ) -> SettingCheck:
        address, text = address_of(declared, name), asked.changes[name]
        setting = declared[address]
        check: SettingCheck = {"address": address, "error": None, "value": None, "port": None}
        try:
            parsed = self._app.targets.parsed(declared, {address: text}, asked.changes)
            check_versions(self._place, parsed)
            value, is_kept = parsed[address], setting.keep and setting.is_secret
            if text is None and is_kept and address in self._app.settings.secrets.names():
                raise SettingError(address, Text("stored data depends on it"))
        except SettingError as error:
            return {**check, "error": error.why.render(language)}
        port = setting.fallback if value is None else value
        if setting.type == "port" and port:
            check["port"] = self._port(asked.module, int(port), language)
        return {**check, "value": None if setting.is_secret else value}

    def _port(self, module: str, number: int, language: Language) -> PortCheck | None:
        containers = self._place.core.store.state.containers.values()
        published = (p.host for c in containers if c.module == module for p in c.ports)
        if number in published:
            return {"ours": True, "owner": None, "free": None}
        port = HostPort(self._app.settings.app.bind, number, "tcp")
        try:
            use = self._place.core.operations.port_use(module, port)
        except EngineDownError:
            return None
        owner, free = (use.owner.render(language), use.free) if use else (None, None)
        return {"ours": False, "owner": owner, "free": free}

    def _change(self, module: str, changes: Changes, actor: Actor) -> None:
        earlier = self._unapplied(module)
        declared = self._app.declared_by(module, [*changes, *earlier])
        values = self._app.targets.parsed(declared, changes)
        check_versions(self._place, values)
        stored = self._app.settings.stored({address: declared[address] for address in values})
        if not (changed := {a: value for a, value in values.items() if stored[a] != value}):
            return
        change_settings(self._app.settings, declared, changed, actor)
        kept = {a: stored[a] for a in changed} | {**earlier}
        secret = {address for address in kept if declared[address].is_secret}
        self._app.settings.previous.remember(module, kept, secret)

    def _unapplied(self, module: str) -> Changes:
        """The former values of the last change, if no container has it yet."""
        state = self._place.core.store.state
        runs = any(c.module == module and c.status in ALIVE for c in state.containers.values())
        previous = self._app.settings.previous.of(module)
        is_applied = runs and module not in state.outdated
        return {} if previous is None or is_applied else previous.values

    def _applied(self, addresses: Changes | Declared, when: When, actor: Actor) -> Applied:
        self._place.refresh()
        names = self._to_recreate(addresses) if when == "now" else []
        if not names or not self._place.core.store.state.engine.running:
            return {"operationId": None}
        stack = self._place.feature(StackFeature)
        return {"operationId": stack.begin(Request("up", tuple(names)), actor).id}

    def _to_recreate(self, addresses: Changes | Declared) -> list[str]:
        """The modules to start so that all running containers that depend on *addresses* get new
        ones: of those that the user asked for, as far as possible."""
        state, app = self._place.core.store.state, self._app
        alive = {c.module for c in state.containers.values() if c.status in ALIVE}
        named = modules_to_recreate(app.catalog, app.model, sorted(state.desired), [*addresses])
        rest = sorted(alive - {module.name for module in obtainable(named, app.model)})
        return [*named, *modules_to_recreate(app.catalog, app.model, rest, [*addresses])]
