"""Settings that get their value once, at a module's first start: from data that exists already, or
from this computer."""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from aiserver_tray import __version__
from aiserver_tray.base.errors import AiServerError, ObjectNotFoundError, SettingError
from aiserver_tray.base.errors.remedies import set_to
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.containers import one_shot
from aiserver_tray.model import Changes
from aiserver_tray.operations.locks import one_shot_lock
from aiserver_tray.operations.modules import NO_CHANGES
from aiserver_tray.operations.parts import Parts
from aiserver_tray.operations.survey import kept_cards, survey
from aiserver_tray.settings.store import Settings
from aiserver_tray.spec.labels import Owner, one_shot_labels
from aiserver_tray.spec.model import Body, ModuleTarget
from aiserver_tray.spec.names import volume_name
from aiserver_tray.system.clock import timezone_name

if TYPE_CHECKING:
    from aiserver_tray.catalog.modules import Module
    from aiserver_tray.catalog.setting import Setting
    from aiserver_tray.engine.values import EngineInfo

_FOLDER = "/volume"


Read = Callable[[Parts, str, str], str | None]
"""Takes a volume and the path of a file in it, and returns the file's text. None: there is no such
file, or it can't be read in this way."""


@dataclass(frozen=True)
class FirstValues:
    """What data and this computer say about settings, by address."""

    values: Mapping[str, str]
    """For settings that have none."""
    errors: Mapping[str, SettingError]
    """The data can't be used with the setting's value, or with any value that it takes."""
    notices: tuple[Text, ...] = ()
    """Why settings get another value."""


def first_values(
    targets: Iterable[ModuleTarget], parts: Parts, read: Read, changes: Changes = NO_CHANGES
) -> FirstValues:
    """The first values of settings of *targets*, with *changes* of settings by address. If the
    containers of a module are kept, its data is read only for a setting without a value.

    Raises:
        EngineDownError, EngineRequestError: the engine can't be asked.
    """
    targets = list(targets)
    asked = _asked(targets, parts, changes)
    volumes = _volumes(parts) if asked else {}
    values: dict[str, str] = {}
    errors: dict[str, SettingError] = {}
    for address, (setting, value) in asked.items():
        module = address.partition(".")[0]
        reading = partial(read, parts)
        try:
            found = _value(address, setting, value, volumes.get(module, ()), reading)
        except SettingError as error:
            errors[address] = error
        else:
            if found and value is None:
                values[address] = found
    without = _without_card(targets, parts, changes)
    values |= {address: setting.initial or "" for address, (setting, _) in without.items()}
    return FirstValues(values, errors, tuple(text for _, text in without.values()))


def _without_card(
    targets: Iterable[ModuleTarget], parts: Parts, changes: Changes
) -> "dict[str, tuple[Setting, Text]]":
    """The settings whose choice needs a graphics card that the engine can't give, and what is said
    about it: a start that fails would help nobody, because the module runs without one."""
    declared = {
        f"{target.name}.{name}": setting
        for target in targets
        for name, setting in target.module.settings.items()
        if any(choice.card for choice in setting.choices.values())
    }
    stored = {**parts.settings.stored(declared), **changes} if declared else {}
    chosen = {a: s.choices.get(stored.get(a) or s.initial or "") for a, s in declared.items()}
    needing = [address for address, choice in chosen.items() if choice and choice.card]
    if not needing or _gives_cards(parts.engine.info()):
        return {}
    text = Text(
        "{address} is {default} now: the Docker engine gives containers no NVIDIA card. It needs "
        "NVIDIA's driver (nvidia-smi shows it) and, on Linux, the NVIDIA Container Toolkit: sudo "
        "nvidia-ctk runtime configure --runtime=docker, then restart Docker. After that: "
        "aiserver-tray config set {address} {chosen}"
    )
    return {
        address: (
            declared[address],
            text.with_values(
                {
                    "address": address,
                    "default": declared[address].initial,
                    "chosen": stored.get(address) or declared[address].initial,
                }
            ),
        )
        for address in needing
    }


def _gives_cards(info: "EngineInfo") -> bool:
    """Of an engine elsewhere, only what it says itself is known."""
    return info.nvidia or (info.is_local and kept_cards(info) is None)


def _asked(
    targets: Iterable[ModuleTarget], parts: Parts, changes: Changes
) -> "dict[str, tuple[Setting, str | None]]":
    """The settings to find a value for, or to compare with the data; each with its value now."""
    hashes = {one.name: one.config_hash for one in parts.store.state.containers.values()}
    found: dict[str, tuple[Setting, str | None]] = {}
    for target in targets:
        is_new = any(hashes.get(s.container) != s.config_hash for s in target.services)
        declared = {f"{target.name}.{name}": one for name, one in target.module.settings.items()}
        asked = {a: s for a, s in declared.items() if s.from_data or s.type == "timezone"}
        for address, value in {**parts.settings.stored(asked), **changes}.items():
            if address in asked and (value is None or (is_new and asked[address].from_data)):
                found[address] = asked[address], value
    return found


def _value(
    address: str,
    setting: "Setting",
    value: str | None,
    volumes: Collection[str],
    read: Callable[[str, str], str | None],
) -> str | None:
    """The value for the module with these *volumes*. None: it keeps the one that it has.

    Raises:
        SettingError: its data can't be used with *value*, or with any that the setting takes.
    """
    source, module = setting.from_data, address.partition(".")[0]
    if source is None:
        return None if volumes else timezone_name()
    volume = volume_name(module, source.volume)
    text = read(volume, source.file) if volume in volumes else None
    if text is None:
        return None
    needed = setting.parse(address, text)
    if value in (None, needed):
        return needed
    why = Text(
        "the data in {volume} was created with {needed}, and can't be used with {value}. Use "
        "{needed}, or delete the data and start over: aiserver-tray down {module} --volumes",
        volume=volume,
        needed=needed,
        value=value,
        module=module,
    )
    raise SettingError(address, why, [set_to(Text("Use {value}", value=needed), address, needed)])


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
    """The time zones that are not set, although the *modules* have started."""
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


def reset_notices(volumes: Mapping[str, str], parts: Parts) -> list[Text]:
    """Notices of what `reset_with_data` changes, before the *volumes* (name -> module) are
    removed."""
    declared = _of_data(volumes, emptied(volumes, parts), parts)
    return [
        Text(
            "Deleting the data of {module} also resets {address} from {value} to its default.",
            module=address.partition(".")[0],
            address=address,
            value=value,
        )
        for address, value in parts.settings.stored(declared).items()
        if value not in (None, declared[address].initial)
    ]


def reset_with_data(volumes: Mapping[str, str], without: Collection[str], parts: Parts) -> None:
    """Reset the settings whose values belong to the data in *volumes* (name -> module), which were
    removed: new data needs none of them. *without*: the `emptied` modules.

    Raises:
        SettingError: they can't be stored.
    """
    if declared := _of_data(volumes, without, parts):
        parts.settings.change(declared, dict.fromkeys(declared))


def emptied(volumes: Mapping[str, str], parts: Parts) -> set[str]:
    """The modules that have no data any more without *volumes* (name -> module): none in another
    volume, and no database on a server that has its data. None, if there are several engines:
    others may have data, and the versions and files of modules are the same on all.

    Raises:
        AiServerError: the engine can't be asked.
    """
    if not volumes or parts.settings.app.engines:
        return set()
    left = {module for module, names in _volumes(parts).items() if names - volumes.keys()}
    found = set()
    for name in {*volumes.values()} - left:
        with suppress(AiServerError):  # it is not known where it has databases
            used = {one.module for one in parts.modules.preview(name).module.databases} & left
            if all(parts.modules.preview(one).module.store == "redis" for one in used):
                found.add(name)
    return found


def _of_data(
    volumes: Mapping[str, str], without: Collection[str], parts: Parts
) -> "dict[str, Setting]":
    """The settings that get their values from the data in *volumes*, and the versions that made
    that of modules *without* any now, by address."""
    found: dict[str, Setting] = {}
    for module in dict.fromkeys(volumes.values()):
        with suppress(AiServerError):  # it left the catalog, or its file is wrong
            known = parts.modules.preview(module).module
            versions = {update.setting for update in known.updates if module in without}
            for name, setting in known.settings.items():
                source = setting.from_data
                is_of = (
                    volume_name(module, source.volume) in volumes if source else name in versions
                )
                if is_of:
                    found[f"{module}.{name}"] = setting
    return found


def _volumes(parts: Parts) -> dict[str, set[str]]:
    """The names of our data volumes on the engine, by module."""
    found: dict[str, set[str]] = {}
    for volume in survey(parts.engine, parts.settings.installation_id).our_volumes:
        if volume.module and not volume.is_config:
            found.setdefault(volume.module, set()).add(volume.name)
    return found


def read_by_container(parts: Parts, volume: str, file: str) -> str | None:
    """Read the *file* of *volume* through a container that is never started. Works beside
    containers that use the volume, and without any image on the engine."""
    engine = parts.engine
    with one_shot_lock(engine.info().id), engine.images.empty() as image:
        body = _reading(image, volume, Owner(parts.settings.installation_id, __version__))
        with one_shot(engine.containers, body) as container:
            return _text(engine.containers.read_file(container, f"{_FOLDER}/{file}"))


def read_in_place(parts: Parts, volume: str, file: str) -> str | None:
    """Read the *file* of *volume* in a container that has the volume already, so that nothing is
    created. Without one, the text is unknown."""
    containers = parts.engine.containers
    for name in containers.names_with_volume(volume):
        with suppress(ObjectNotFoundError):  # it was removed meanwhile
            for mount in containers.details(name).mounts:
                if mount.source == volume:
                    return _text(containers.read_file(name, f"{mount.target}/{file}"))
    return None


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode(errors="replace").strip()


def _reading(image: str, volume: str, owner: Owner) -> Body:
    mount = {"Type": "volume", "Source": volume, "Target": _FOLDER, "ReadOnly": True}
    return {
        "Image": image,
        "Cmd": ["never-started"],
        "Labels": one_shot_labels(owner),
        "HostConfig": {"NetworkMode": "none", "Mounts": [mount]},
    }
