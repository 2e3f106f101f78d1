"""What a backup's file says about itself. Written last, read first, and never trusted: it may come
from anybody."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal
from urllib.parse import quote

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from aiserver_tray.base.errors import BackupDamagedError, BackupFormatError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.backup.plan import EntryKind
from aiserver_tray.features.backup.views import Reason

FORMAT: Final = 1

ModuleName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=100)]
VolumeKey = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]+$", max_length=200)]
DatabaseName = Annotated[str, Field(pattern=r"^\w[\w .$@+-]*$", max_length=64)]
"""No name that a program could take for an option, an address (``=``, ``:``) or code."""
SettingName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$", max_length=200)]
"""Also of a further variable, such as `variable.n8n.TZ`."""
Line = Annotated[str, Field(pattern=r"^\P{Cc}*$", max_length=500)]
"""Text that a terminal can show: no control characters."""
RelativePath = Annotated[
    str, Field(pattern=r'^[^/\\:*?"<>|\p{Cc}]+(/[^/\\:*?"<>|\p{Cc}]+)*$', max_length=500)
]
Size = Annotated[int, Field(ge=0, lt=1 << 63)]

_STRICT: Final = ConfigDict(extra="forbid", strict=True)
_Pem = Annotated[str, Field(max_length=1 << 14)]


def entry_name(kind: EntryKind, module: str, key: str, server: str = "") -> str:
    """The name in the ZIP. That of a database may be of any letters, so it is written as in a
    URL."""
    if kind == "image":
        return f"{module}/images/{key}.image.zst.age"
    if kind in ("volume", "folder"):
        return f"{module}/{kind}s/{key}.tar.zst.age"
    return f"{module}/{server}/{quote(key, safe='')}.dump.zst.age"


@dataclass(frozen=True)
class ManifestEntry:
    """One packed and encrypted stream of the file."""

    __pydantic_config__ = _STRICT

    name: str
    """In the ZIP (`entry_name`), such as `n8n/volumes/n8n_data.tar.zst.age`."""
    kind: EntryKind
    module: ModuleName
    key: VolumeKey | DatabaseName
    """The volume's name in the module's file, the folder's number, or the database's name."""
    bytes: Size
    """Of the plain stream: the tar, or the dump."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Of the plain stream."""
    server: ModuleName | Literal[""] = ""
    """The module of the database server."""
    tables: Mapping[Line, Size] = field(default_factory=dict)
    """Of a database: its tables, which a check asks for; the number is that of the rows as the
    server estimates it."""
    folder: Line = ""
    """The path of the folder of the computer."""
    images: tuple[Line, ...] = ()
    """The names of the images in the tar, of which each has at least one."""


@dataclass(frozen=True)
class ManifestImage:
    """The image of a service."""

    __pydantic_config__ = _STRICT

    service: VolumeKey
    name: Line
    id: Line
    digests: tuple[Line, ...] = ()


@dataclass(frozen=True)
class ManifestModule:
    """A module in the backup."""

    __pydantic_config__ = _STRICT

    name: ModuleName
    title: Mapping[Literal["en", "zh"], Line]
    version: Line | None
    is_builtin: bool
    folder: Mapping[RelativePath, str] = field(default_factory=dict, repr=False)
    """Its applied files: path -> text. Of a foreign module it is what a restore elsewhere may bring
    back, with a new consent."""
    settings: Mapping[SettingName, str] = field(default_factory=dict)
    """The values that the user set, by bare name. Secrets are in `secrets`."""
    secrets: Mapping[SettingName, str] = field(default_factory=dict, repr=False)
    images: tuple[ManifestImage, ...] = ()
    redis: tuple[Annotated[int, Field(ge=0, lt=1 << 16)], ...] = ()
    volumes: tuple[VolumeKey, ...] = ()
    """The keys of all its volumes, also of those left out."""


@dataclass(frozen=True)
class ManifestAuthority:
    """The authority for certificates of open modules, which devices trust."""

    __pydantic_config__ = _STRICT

    certificate: _Pem
    key: _Pem = field(repr=False)


@dataclass(frozen=True)
class Manifest:
    """The whole file. It is encrypted like the other entries: `manifest.json.zst.age`."""

    __pydantic_config__ = _STRICT

    format: int
    application: Line
    """The version that wrote it."""
    installation: Line
    engine: Line
    computer: Line
    made_at: AwareDatetime
    reason: Reason
    modules: tuple[ManifestModule, ...]
    entries: tuple[ManifestEntry, ...]
    settings: Mapping[Line, str] = field(default_factory=dict)
    """The app's own settings that were set, by address."""
    is_whole: bool = False
    """All modules that had data are in it."""
    secrets: Mapping[Line, str] = field(default_factory=dict, repr=False)
    """The app's own secrets, in a file for another computer."""
    authority: ManifestAuthority | None = None
    wanted: tuple[ModuleName, ...] | None = None
    """In a file for another computer: the modules that ran, as the user wanted."""
    platform: Line = ""
    """Of its images, such as `linux/amd64`."""
    chosen: tuple[ModuleName, ...] | None = None
    """In a file for another computer: the modules that *Start all* starts. None: not chosen."""
    rules: Annotated[str, Field(max_length=1 << 20)] = field(default="", repr=False)
    """There: the alert rules and mutes, as rules.json has them."""
    is_stopped: bool = False
    """What was moved stands still since the file was made."""


_ADAPTER: Final = TypeAdapter(Manifest)


def written(manifest: Manifest) -> bytes:
    """The content of the entry of *manifest*.

    Raises:
        BackupDamagedError: it could not be read again, such as for the name of a file of a module.
    """
    try:
        content = _ADAPTER.dump_json(manifest, indent=1)
    except ValueError:  # a text that UTF-8 can't say
        raise _damaged() from None
    parsed(content)
    return content


def parsed(content: bytes) -> Manifest:
    """The manifest in *content*. No part of it is quoted by an error: it has secrets.

    Raises:
        BackupFormatError: a newer version wrote it.
        BackupDamagedError: it is no manifest that we write.
    """
    try:
        raw = from_json(content, allow_inf_nan=False)
        found = raw.get("format") if isinstance(raw, dict) else None
        if type(found) is int and found > FORMAT:
            why = Text(
                "a newer version of AI-Server Tray made it (format {format}; this version reads "
                "{ours}). Update AI-Server Tray",
                format=found,
                ours=FORMAT,
            )
            raise BackupFormatError(why)
        manifest = _ADAPTER.validate_json(content)
    except (ValueError, ValidationError):
        raise _damaged() from None
    if manifest.format != FORMAT or not _fits(manifest):
        raise _damaged()
    return manifest


def _fits(manifest: Manifest) -> bool:
    """Whether all that it names is in it, once."""
    modules = {module.name: module for module in manifest.modules}
    names = {entry.name for entry in manifest.entries}
    return (
        len(modules) == len(manifest.modules)
        and len(names) == len(manifest.entries)
        and all(
            entry.module in modules and _is_in(entry, modules[entry.module])
            for entry in manifest.entries
        )
        and not any({".", ".."} & {*path.split("/")} for m in manifest.modules for path in m.folder)
    )


def _is_in(entry: ManifestEntry, module: ManifestModule) -> bool:
    """Whether *entry* is one that its module may have."""
    is_of_server = entry.kind not in ("volume", "folder", "image")
    fits = (
        is_of_server == bool(entry.server)
        and (is_of_server or not entry.tables)
        and (entry.kind == "folder") == bool(entry.folder)
        and (entry.kind == "image") == bool(entry.images)
        and (entry.kind != "volume" or entry.key in module.volumes)
    )
    return fits and entry.name == entry_name(entry.kind, entry.module, entry.key, entry.server)


def _damaged() -> BackupDamagedError:
    return BackupDamagedError(Text("its manifest has what no backup has"))
