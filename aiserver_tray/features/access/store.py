"""What is remembered of addresses: ``access.json`` of the home. The key of the authority is a
secret."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from aiserver_tray.base.i18n import Given, Language, Text
from aiserver_tray.features.access.views import FILE, LinkKind, LinkView, Way
from aiserver_tray.settings.entries import in_all_languages
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.models import SealedModel
from aiserver_tray.settings.store import Settings

AUTHORITY_KEY: Final = "app.access_authority_key"
"""The secret with the key of the authority. No setting declares it: nobody chooses or sees it."""

LOCK_KEY: Final = "app.access_lock_key_{}"
"""The secret with the key of a module's extra lock. It stays when the module is closed, so that the
devices that have it get in again."""


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class LinkData(_Plain):
    """A part of the last proof."""

    kind: LinkKind
    ok: bool | None
    text: dict[Language, str]

    @classmethod
    def of(cls, link: LinkView) -> "LinkData":
        """*link*, to be stored."""
        return cls(kind=link.kind, ok=link.ok, text=in_all_languages(link.text))

    @property
    def view(self) -> LinkView:
        """As clients get it."""
        return LinkView(self.kind, self.ok, Given(self.text))


class OpenData(_Plain):
    """A module that is open, or is to be. Times are in seconds since 1970."""

    state: Literal["waiting", "open"]
    """`waiting`: for its first account."""
    port: int = 0
    """Of the gateway's container."""
    name: str = ""
    """Its host name in the network, or its domain on the internet."""
    way: Way = "network"
    locked: bool = False
    upstream: str = ""
    """Host and port on ``ai-net``, for a module whose file does not say that."""
    is_found: bool = False
    """Programs of this computer find that name."""
    since: float = Field(default_factory=time.time)
    links: list[LinkData] = Field(default_factory=list)
    checked_at: float | None = None

    @property
    def trouble(self) -> Text | None:
        """Why the last proof failed."""
        return next((link.view.text for link in self.links if link.ok is False), None)


class AccessData(SealedModel):
    """access.json"""

    version: Literal[1] = 1
    certificate: str = ""
    """Of the authority, as PEM; empty: there is none yet."""
    loaded_at: float = 0.0
    """When the gateway got its last certificate."""
    address: str = ""
    """That the user has chosen for this computer; empty: the usual one."""
    range: str = ""
    router: str = ""
    """The network that modules are open to."""
    engine: str = ""
    """The ID of the engine whose gateway these modules are open at."""
    pending: bool = False
    """The gateway does not follow yet: a process that ends in between leaves that to the next."""
    nonce: str = ""
    """By what the gateway is known through a tunnel. Each load makes another one."""
    told: str = ""
    """The address that the gateway was configured for; empty: it shows nothing."""
    modules: dict[str, OpenData] = Field(default_factory=dict)

    @property
    def open(self) -> dict[str, OpenData]:
        """The modules that are open. Those to the network are where this computer is in it."""
        return {name: one for name, one in self.modules.items() if one.state == "open"}

    @property
    def near(self) -> dict[str, OpenData]:
        """Those of `open` that are open to the network only."""
        return {name: one for name, one in self.open.items() if one.way == "network"}


class AccessFile:
    """``access.json`` in the home of *settings*.

    Raises:
        SettingError: from every method: it can't be read or written.
    """

    def __init__(self, settings: Settings) -> None:
        self._file = VersionedFile(settings.folder / FILE, AccessData, settings.notices)

    def read(self) -> AccessData:
        """What is remembered, not to be changed."""
        return self._file.read()

    @contextmanager
    def update(self) -> Iterator[AccessData]:
        """What is remembered, to change in place."""
        with self._file.update() as data:
            yield data


def authority_of(settings: Settings) -> tuple[str, str] | None:
    """The certificate and the key of the authority of this installation. None: it has none.

    Raises:
        SettingError: they can't be read.
    """
    certificate = AccessFile(settings).read().certificate
    key = settings.secrets.values([AUTHORITY_KEY]).get(AUTHORITY_KEY) if certificate else None
    return (certificate, key) if key else None


def replace_authority(settings: Settings, certificate: str, key: str | None) -> None:
    """Let certificates come from another authority, which the gateway then gets; without *key*,
    from one that is made for the next certificate.

    Raises:
        SettingError: it can't be stored.
    """
    file = AccessFile(settings)
    with file.update() as data:  # a certificate never has another one's key
        data.certificate = ""
    settings.secrets.change({AUTHORITY_KEY: key}, kept=())
    with file.update() as data:
        data.certificate, data.pending = certificate, bool(data.modules)
