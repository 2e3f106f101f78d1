"""Settings that get their value once, at a module's first start: from data that exists already, or
from this computer."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiserver_tray import __version__
from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.errors.remedies import set_to
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.containers import one_shot
from aiserver_tray.operations.locks import one_shot_lock
from aiserver_tray.operations.parts import Parts
from aiserver_tray.operations.survey import Survey, survey
from aiserver_tray.settings.store import Settings
from aiserver_tray.spec.labels import Owner, one_shot_labels
from aiserver_tray.spec.model import Body, ModuleTarget
from aiserver_tray.spec.names import volume_name
from aiserver_tray.system.clock import timezone_name

if TYPE_CHECKING:
    from aiserver_tray.catalog.modules import Module
    from aiserver_tray.catalog.setting import Setting

_FOLDER = "/volume"


def settle(targets: Iterable[ModuleTarget], parts: Parts) -> bool:
    """Store the values of such settings of *targets* as have none, and return whether there were
    any.

    Raises:
        SettingError: the data needs a value that the setting does not take.
        EngineDownError, EngineRequestError: the engine can't be asked.
    """
    unset = _unset(targets, parts)
    if not unset:
        return False
    volumes = _volumes(parts)
    values: dict[str, str] = {}
    for address, setting in unset.items():
        module = address.partition(".")[0]
        if value := _value(setting, module, volumes.get(module, ()), parts):
            values[address] = value
    if values:
        parts.settings.change(unset, values)
    return bool(values)


def data_errors(targets: Iterable[ModuleTarget], found: Survey, parts: Parts) -> list[SettingError]:
    """The values of *targets* with which their data can't be used. The data of a module whose
    containers are kept is not read."""
    names = {volume.name for volume in found.our_volumes}
    hashes = {one.name: one.config_hash for one in parts.store.state.containers.values()}
    return [
        error
        for target in targets
        if any(hashes.get(s.container) != s.config_hash for s in target.services)
        for name, setting in target.module.settings.items()
        if setting.from_data and volume_name(target.name, setting.from_data.volume) in names
        if (error := _data_error(f"{target.name}.{name}", setting, parts))
    ]


def _data_error(address: str, setting: "Setting", parts: Parts) -> SettingError | None:
    module = address.partition(".")[0]
    value = parts.settings.stored({address: setting})[address]
    if value is None or (source := setting.from_data) is None:
        return None
    volume = volume_name(module, source.volume)
    needed = _in_volume(volume, source.file, parts)
    if needed in (None, value):
        return None
    why = Text(
        "the data in {volume} was created with {needed}, and can't be used with {value}. Use "
        "{needed}, or delete the data and start over: aiserver-tray down {module} --volumes",
        volume=volume,
        needed=needed,
        value=value,
        module=module,
    )
    return SettingError(address, why, [set_to(Text("Use {value}", value=needed), address, needed)])


@dataclass(frozen=True)
class OtherTimezone:
    """The time zone of a module that has data and whose user has not set it, while this computer
    has another one."""

    module: str
    address: str
    value: str
    own: str
    """The computer's."""


def other_timezones(modules: "Iterable[Module]", settings: Settings) -> list[OtherTimezone]:
    """The time zones that are not set, although `settle` has seen the *modules*."""
    declared = {
        f"{module.name}.{name}": setting
        for module in modules
        for name, setting in module.settings.items()
        if setting.type == "timezone"
    }
    own = timezone_name() if declared else None
    stored = settings.stored(declared)
    return [
        OtherTimezone(address.partition(".")[0], address, setting.initial, own)
        for address, setting in declared.items()
        if stored[address] is None and setting.initial and own and setting.initial != own
    ]


def _unset(targets: Iterable[ModuleTarget], parts: Parts) -> "dict[str, Setting]":
    declared = {
        f"{target.name}.{name}": setting
        for target in targets
        for name, setting in target.module.settings.items()
        if setting.from_data or setting.type == "timezone"
    }
    stored = parts.settings.stored(declared)
    return {address: s for address, s in declared.items() if stored[address] is None}


def _volumes(parts: Parts) -> dict[str, set[str]]:
    """The names of our data volumes on the engine, by module."""
    found: dict[str, set[str]] = {}
    for volume in survey(parts.engine, parts.settings.installation_id).our_volumes:
        if volume.module and not volume.is_config:
            found.setdefault(volume.module, set()).add(volume.name)
    return found


def _value(setting: "Setting", module: str, volumes: Collection[str], parts: Parts) -> str | None:
    """The value for a module with these *volumes*. None: it keeps the default for now."""
    if source := setting.from_data:
        volume = volume_name(module, source.volume)
        return _in_volume(volume, source.file, parts) if volume in volumes else None
    return None if volumes else timezone_name()


def _in_volume(volume: str, file: str, parts: Parts) -> str | None:
    """The text of a *file* of *volume*; None if there is no such file. Works beside containers that
    use it, and without any image on the engine."""
    engine = parts.engine
    with one_shot_lock(engine.info().id), engine.images.empty() as image:
        body = _reading(image, volume, Owner(parts.settings.installation_id, __version__))
        with one_shot(engine.containers, body) as container:
            content = engine.containers.read_file(container, f"{_FOLDER}/{file}")
    return None if content is None else content.decode(errors="replace").strip()


def _reading(image: str, volume: str, owner: Owner) -> Body:
    mount = {"Type": "volume", "Source": volume, "Target": _FOLDER, "ReadOnly": True}
    return {
        "Image": image,
        "Cmd": ["never-started"],
        "Labels": one_shot_labels(owner),
        "HostConfig": {"NetworkMode": "none", "Mounts": [mount]},
    }
