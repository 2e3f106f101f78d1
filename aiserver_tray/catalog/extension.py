"""The schema of ``x-aiserver``: what Compose can't express about a module."""

import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from string import Formatter
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.scalars import parse_duration
from aiserver_tray.catalog.compose.template import references, substitute
from aiserver_tray.catalog.setting import (
    Closed,
    Localized,
    Setting,
    Size,
    Texts,
    compiles,
    matches,
)
from aiserver_tray.model import DEFAULT_ICON

EXTENSION = "x-aiserver"

Kind = Literal["basic", "feature"]
SettingName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]


Word = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
"""As the name of an icon, or of an action."""


def _duration(text: str) -> str:
    parse_duration(text)
    return text


Duration = Annotated[str, AfterValidator(_duration)]

Port = Annotated[int, Field(ge=1, le=65535)]

KernelSettingName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$")]


class Needs(Closed):
    """The requirements of a module for the machine. Sizes are as in Compose (``512m``)."""

    memory: Size | None = None
    """For the module itself."""
    total_memory: Size | None = None
    """The memory of the machine that the module's makers recommend."""
    disk: Size | None = None
    """For images and data."""
    download: Size | None = None
    """About the size of its images in a registry."""
    sysctls: dict[KernelSettingName, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Minimum values of Linux kernel settings."""


class Account(Closed):
    """An account that exists after the first start."""

    title: Localized
    user: str | None = None
    secret: SettingName | None = None
    """The setting with its password or key."""
    note: Localized = Field(default_factory=dict)
    """Says how to log in without a secret."""


_NEEDED: Final = ("host", "port")
_POSSIBLE: Final = (*_NEEDED, "user", "password", "database")


def _address(text: str) -> str:
    found = {(name, spec, how) for _, name, spec, how in _parsed(text) if name is not None}
    needed, possible = ({(n, "", None) for n in names} for names in (_NEEDED, _POSSIBLE))
    if not needed <= found <= possible:
        raise ValueError(
            Text("an address with the fields host and port (user, password and database if needed)")
        )
    return text


def _parsed(template: str) -> list[tuple[str, str | None, str | None, str | None]]:
    """The parts of *template*; none if a brace has no other one."""
    with suppress(ValueError):
        return [*Formatter().parse(template)]
    return []


class Connect(Closed):
    """How programs connect to the module. They use its `accounts`, and the `databases` that other
    modules have in it."""

    address: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://"), AfterValidator(_address)]
    """Such as ``postgresql://{user}:{password}@{host}:{port}/{database}``."""
    port: Port
    """In the container."""
    host: Annotated[str, Field(min_length=1)] | None = None
    """The name by which other modules reach it. None: the name of the module."""
    database: str = ""
    """Of its own accounts."""


class Database(Closed):
    """A database that this module has in a module that it requires. May use settings."""

    module: str
    database: str = ""
    user: str = ""
    secret: SettingName
    """The setting of this module with the user's password."""


Store = Literal["postgres", "mysql", "redis"]
"""A server that modules share, each with databases of its own."""
STORES: Final[Mapping[str, Store]] = {
    "postgresql": "postgres",
    "mysql": "mysql",
    "redis": "redis",
}
"""By the scheme of the server's `connect` address."""


class Quiet(Closed):
    """How everything that the module does by itself is turned off."""

    service: str
    """Whose container's configuration is used."""
    command: Texts
    """The arguments of its image. It runs before the service starts with restored data."""


class Backup(Closed):
    """What the module's backups contain, if that is not all of its volumes and databases."""

    databases: dict[str, Texts] | None = None
    """By required module, the names of those of its `databases` there. None: all of them."""
    redis: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False)] = ()
    """Its databases of a required Redis. They are in no backup, and a restore empties them."""
    quiet: Quiet | None = None
    """For a restore on another computer, while the first one still works."""
    skip: Texts = ()
    """The volumes without data that anybody would miss, such as caches."""


MAX_ACTION_SECONDS: Final = 3600


def _literal(word: str) -> str:
    if any(references(word)):
        raise ValueError(Text("a word without variables of the file. For a dollar sign, write $$"))
    return substitute(word, lambda _: None)


def _action_time(text: str) -> str:
    if not 0 < parse_duration(text) <= MAX_ACTION_SECONDS * 10**9:
        raise ValueError(Text("a duration of up to an hour, such as 5m"))
    return text


class Action(Closed):
    """A command that a person can run in the container of a running service."""

    title: Localized
    service: str
    command: Annotated[
        tuple[Annotated[str, AfterValidator(_literal)], ...], Field(strict=False, min_length=1)
    ]
    confirm: Localized = Field(default_factory=dict)
    """Says what it changes, and is asked before it runs."""
    output: Localized = Field(default_factory=dict)
    """Says what its output is."""
    inputs: dict[SettingName, Setting] = Field(default_factory=dict)
    """What the person enters. The command gets each as a variable of this name."""
    timeout: Annotated[str, AfterValidator(_action_time)] = "2m"

    @field_validator("inputs")
    @classmethod
    def _are_entered(cls, inputs: dict[str, Setting]) -> dict[str, Setting]:
        for name, one in inputs.items():
            own = one.model_dump(exclude_defaults=True).keys()
            if one.type not in ("text", "secret") or own - {"type", "title", "help", "pattern"}:
                text = Text("an input of type text or secret instead of {name}", name=name)
                raise ValueError(text)
        return inputs

    @property
    def seconds(self) -> float:
        """The time after which it is ended."""
        return parse_duration(self.timeout) / 10**9


class Probe(Closed):
    """What the new version must answer."""

    http: Annotated[str, Field(pattern=r"^/\S*$")]
    """A path that it answers with a status below 400."""
    service: str | None = None
    """None: the one with the module's page."""
    port: Port | None = None
    """In its container. None: that of the module's page."""


_EARLY = re.compile(r"[-.](alpha|beta|rc)", re.ASCII)
_COMPARISON = re.compile(r"(>=|<=|>|<|=)([0-9]+(?:\.[0-9]+)*)", re.ASCII)
_COMPARED: Final = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}


def version_key(version: str) -> tuple[list[int], bool, str, list[int]]:
    """A value that orders versions: by their numbers, and those before a release before it."""
    release, kind, *early = [*_EARLY.split(version, maxsplit=1), "", ""][:3]
    return _numbers(release), not kind, kind, _numbers("".join(early))


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall("[0-9]+", text)]


def _range(text: str) -> str:
    if not all(map(_COMPARISON.fullmatch, text.split())):
        raise ValueError(Text("comparisons such as: >=2.41 <3"))
    return text


def _pattern(text: str) -> str:
    if not compiles(text):
        raise ValueError(Text("a regular expression without look-around and back references"))
    return text


class Update(Closed):
    """How one of the module's programs gets other versions."""

    setting: SettingName
    """The one whose value is the version."""
    images: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    """Those that have the version as their tag, without it."""
    tags: Annotated[str, AfterValidator(_pattern)] = r"v?[0-9]+(\.[0-9]+)+"
    """A regular expression for whole tags; others are no versions."""
    range: Annotated[str, AfterValidator(_range)] = ""
    """The versions that these files are for."""
    reads: Annotated[str, AfterValidator(_range)] = ""
    """The versions whose data they can take over; by default, those of `range`."""
    probe: Probe | None = None
    major: Literal["dump"] | None = None
    """How data gets to another major version, whose server can't read it."""
    notes: str = ""
    """The address of the release notes; ``{version}`` is the version, ``{number}`` its numbers."""

    def fits(self, version: str) -> bool:
        """Whether these files are for *version*."""
        return version.isascii() and matches(self.tags, version) and self._is_in_range(version)

    def can_read(self, version: str) -> bool:
        """Whether the data of *version* can be taken over, unless it is newer than what reads
        it."""
        return self._is_in(self.reads or self.range, version)

    def _is_in_range(self, version: str) -> bool:
        return self._is_in(self.range, version)

    def _is_in(self, bounds: str, version: str) -> bool:
        own = version_key(version)[0]
        for comparison in bounds.split():
            sign, _, bound = _COMPARISON.sub(r"\1 \2", comparison).partition(" ")
            pairs = [*zip_longest(own, _numbers(bound), fillvalue=0)]
            if not _COMPARED[sign]([a for a, _ in pairs], [b for _, b in pairs]):
                return False
        return True

    def is_major(self, now: str, new: str) -> bool:
        """Whether data of the version *now* gets to *new* by a dump alone."""
        return self.major is not None and version_key(now)[0][:1] != version_key(new)[0][:1]

    def notes_on(self, version: str) -> str:
        """The address of the release notes of *version*."""
        number = ".".join(map(str, version_key(version)[0]))
        return self.notes.replace("{version}", version).replace("{number}", number)

    def tagged(self, images: Iterable[str]) -> list[str]:
        """Those of *images* (``repository:tag``) that have the version."""
        own = {*self.images}
        return [one for one in dict.fromkeys(images) if _without_tag(one) in own]


def _without_tag(image: str) -> str:
    name = image.partition("@")[0]
    head, _, tag = name.rpartition(":")
    return name if not head or "/" in tag else head


class VersionSetting(Setting):
    """A setting whose value is the module's version."""

    update: Update

    def _read(self, text: str) -> str | Text:
        version = text.strip()
        if self.update.fits(version):
            return version
        return Text(
            "expected a version that this module's files are for ({range}), found {found!r}",
            range=self.update.range or self.update.tags,
            found=text,
        )


class FirstAccount(Closed):
    """How to find out whether somebody owns the module: by a request to its page, or by a command.
    Nobody else may reach it before."""

    http: Annotated[str, Field(pattern=r"^/\S*$")] | None = None
    """A path of its page that answers with JSON."""
    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$")] = ""
    """The place of a value in that answer, such as ``data.status``."""
    value: str | bool | None = None
    """What the value is once the first account exists."""
    module: str | None = None
    """The module with the `service`. None: this one."""
    service: str | None = None
    """In whose container `command` runs."""
    command: Annotated[
        tuple[Annotated[str, AfterValidator(_literal)], ...], Field(strict=False)
    ] = ()
    """It exits with 0 once the first account exists."""

    @model_validator(mode="after")
    def _asks_in_one_way(self) -> "FirstAccount":
        by_page = bool(self.http and self.key and self.value is not None)
        by_command = bool(self.service and self.command)
        if by_page == by_command:
            raise ValueError(Text("either http, key and value, or service and command"))
        return self


_ADDRESS_FIELDS: Final = ("url", "ws_url", "host")


def _address_value(text: str) -> str:
    if {name for _, name, _, _ in _parsed(text) if name is not None} - {*_ADDRESS_FIELDS}:
        raise ValueError(Text("a text with no other fields than {{url}}, {{ws_url}} and {{host}}"))
    return text


class Access(Closed):
    """What another address means for the module. The gateway forwards it."""

    port: Port
    """In the container that the gateway asks."""
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")] | None = None
    """The name of that container on ``ai-net``. None: the name of the module."""
    variables: dict[SettingName, Annotated[str, AfterValidator(_address_value)]] = Field(
        default_factory=dict
    )
    """Variables of the file that are empty while the module is open to this computer only."""
    first_account: FirstAccount | Literal["at-start"] | None = None
    """``at-start``: it exists once the module has started. None: nobody checks it."""
    open: Annotated[
        tuple[Annotated[str, Field(pattern=r"^/[^{}\s]*$")], ...], Field(strict=False)
    ] = ()
    """Paths that the extra lock leaves open, such as webhooks and APIs with keys of their own."""
    closed: Annotated[
        tuple[Annotated[str, Field(pattern=r"^/[^{}\s]*$")], ...], Field(strict=False)
    ] = ()
    """Paths that the gateway never forwards, such as those that create the first account. Caddy
    would replace something in braces."""
    cookies: Literal["secure", "as-is", "bound"] = "secure"
    """``secure``: the gateway marks cookies for HTTPS only. ``bound``: the module binds them to its
    new address, and can't be used at another one while it is open."""


class AddressSetting(Setting):
    """A variable for the module's address elsewhere. Only opening and closing the module set it."""


_Used = TypeVar("_Used", Account, Database)


class ModuleExtension(Closed):
    """``x-aiserver`` of a file."""

    kind: Kind
    title: Localized | None = None
    summary: Localized = Field(default_factory=dict)
    icon: Word = DEFAULT_ICON
    """The name of a Lucide icon, shown if the dashboard has it."""
    requires: Texts = ()
    open: Annotated[str, Field(pattern=r"^https?://")] | Literal[False] | None = None
    """The address of its page; False: it has none; None: it is found by the published ports."""
    no_page: Annotated[tuple[Port, ...], Field(strict=False)] = ()
    """Ports in its containers that are no web pages."""
    needs: Needs = Field(default_factory=Needs)
    settings: dict[SettingName, Setting] = Field(default_factory=dict)
    accounts: list[Account] = Field(default_factory=list)
    connect: Connect | None = None
    databases: list[Database] = Field(default_factory=list)
    backup: Backup = Field(default_factory=Backup)
    actions: dict[Word, Action] = Field(default_factory=dict)
    updates: list[Update] = Field(default_factory=list)
    access: Access | None = None

    @property
    def all_settings(self) -> dict[str, Setting]:
        """The settings, and the variables of the address. Those of versions take what the files are
        for."""
        versions = {one.setting: one for one in self.updates}
        addresses = self.access.variables if self.access else {}
        return {
            name: VersionSetting.model_construct(**dict(setting), update=versions[name])
            if name in versions and setting.type == "text"
            else setting
            for name, setting in self.settings.items()
        } | {name: AddressSetting(type="text", default="") for name in addresses}

    @field_validator("access")
    @classmethod
    def _has_own_variables(cls, access: Access | None, others: ValidationInfo) -> Access | None:
        for name in access.variables if access else ():
            if name in others.data.get("settings", {}):
                text = Text("a variable that is no setting instead of {name}", name=name)
                raise ValueError(text)
        return access

    @field_validator("updates")
    @classmethod
    def _have_versions(cls, updates: list[Update], others: ValidationInfo) -> list[Update]:
        settings = others.data.get("settings", {})
        for one in updates:
            setting = settings.get(one.setting)
            if setting is None or setting.type not in ("text", "choice"):
                text = Text("a text or a choice of this module instead of {name}", name=one.setting)
                raise ValueError(text)
            if setting.type == "text" and not one.fits(str(setting.default)):
                text = Text(
                    "a version by default that is in the range, for {name}", name=one.setting
                )
                raise ValueError(text)
        return updates

    @field_validator("accounts", "databases")
    @classmethod
    def _have_secrets(cls, used: list[_Used], others: ValidationInfo) -> list[_Used]:
        settings = others.data.get("settings", {})
        secrets = [name for name, setting in settings.items() if setting.is_secret]
        for one in used:
            if one.secret and one.secret not in secrets:
                raise ValueError(Text("a secret of this module instead of {name}", name=one.secret))
        return used

    @field_validator("databases")
    @classmethod
    def _are_in_required(cls, used: list[Database], others: ValidationInfo) -> list[Database]:
        settings = others.data.get("settings", {}).values()
        choices = [choice for setting in settings for choice in setting.choices.values()]
        required = {*others.data.get("requires", ()), *(n for c in choices for n in c.requires)}
        for one in used:
            if one.module not in required:
                raise ValueError(Text("a required module instead of {name}", name=one.module))
        return used

    @field_validator("backup")
    @classmethod
    def _has_own_databases(cls, backup: Backup, others: ValidationInfo) -> Backup:
        """Of other modules, it could neither be restored with their users nor without them."""
        own = {(one.module, one.database) for one in others.data.get("databases", ())}
        for server, names in (backup.databases or {}).items():
            for name in names:
                if (server, name) not in own:
                    text = Text("one of the databases of this module instead of {name}", name=name)
                    raise ValueError(text)
        return backup


class Without(Closed):
    """Why a service has no volumes, or no secrets; for readers of the module's file."""

    volumes: str = ""
    secrets: str = ""


class ServiceExtension(Closed):
    """``x-aiserver`` of a service."""

    ready_after: Duration | None = None
    """From its start until it is ready, as on a usual computer. Used for estimates until it was
    started once."""
    ready_within: Duration | None = None
    """The longest time that this may take."""
    job: bool = False
    """It runs once and must exit with 0, even if no other service waits for that."""
    main: bool = False
    """The tag of its image is the module's version."""
    first_start: Localized = Field(default_factory=dict)
    """Says what it needs while its volumes are new; shown before it starts then."""
    requires: Texts | None = None
    """Those of the module's required modules that this service waits for. None: all."""
    without: Without = Field(default_factory=Without)
    scale: bool = False
    """On a cluster, it may run several times: all share its name, network and volumes."""

    def waited_for(self, requires: Sequence[str]) -> tuple[str, ...]:
        """Those of its module's *requires* that must be ready before it starts."""
        return tuple(r for r in requires if self.requires is None or r in self.requires)


def stated(service: Mapping[str, Any]) -> ServiceExtension:
    """The extension of *service*, a service's keys or only its extensions."""
    return ServiceExtension.model_validate(service.get(EXTENSION, {}))
