"""The secrets of one installation, each encrypted and authenticated (XChaCha20-Poly1305, the AEAD
of libsodium), in a user-only file."""

import base64
import secrets
import string
from collections.abc import Callable, Container, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.setting import Generator
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.master_key import KeyKeeper, KeyRecord, MasterKey
from aiserver_tray.settings.models import SealedModel
from aiserver_tray.system.paths import KeyPlace

if TYPE_CHECKING:
    from nacl.secret import Aead

_ALNUM = string.ascii_letters + string.digits


def _alnum(length: int) -> str:
    return "".join(secrets.choice(_ALNUM) for _ in range(length))


_GENERATORS: Mapping[Generator, Callable[[], str]] = {
    "hex32": lambda: secrets.token_hex(32),
    "base64url32": lambda: secrets.token_urlsafe(32),
    "alnum32": lambda: _alnum(32),
    "alnum20": lambda: _alnum(20),
}


class SecretsData(SealedModel):
    """The secrets file: ``secrets`` holds nonce and ciphertext as base64, by address."""

    version: Literal[1] = 1
    key: KeyRecord | None = None
    secrets: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _readable(self) -> "SecretsData":
        if self.secrets and not self.key:
            raise ValueError("secrets without a key")
        return self


Sealed = Mapping[str, str | None]
"""Encrypted secrets by name; None: there is none."""


class Secrets:
    """The secrets in the file *path*, by address (``module.NAME``). *installation* gives the id
    that a credential store keeps their key by."""

    def __init__(
        self, path: Path, installation: Callable[[], str], key_place: KeyPlace, notices: list[Text]
    ) -> None:
        self._file = VersionedFile(path, SecretsData, notices, lost="refuse")
        self._keeper = KeyKeeper(path, installation, key_place, notices)
        self._key: MasterKey | None = None

    @property
    def stamp(self) -> tuple[int, ...] | None:
        """A value that changes with the secrets. Reads nothing."""
        return self._file.stamp

    @property
    def key_record(self) -> KeyRecord | None:
        """Where the master key is stored. None if there is no secret yet."""
        return self._file.read().key

    @property
    def key_file(self) -> Path:
        """The file of the master key, if it is in a file."""
        return self._keeper.key_file

    def names(self) -> frozenset[str]:
        """The addresses of the stored secrets. Needs no key."""
        return frozenset(self._file.read().secrets)

    def values(self, names: Iterable[str]) -> dict[str, str]:
        """The stored secrets of *names*, in plain text.

        Raises:
            SettingError: one of them, the file or its key can't be read.
        """
        if not (wanted := list(names)):
            return {}  # the file may be wrong in any way
        data = self._file.read()
        return {
            name: self._decrypt(data, name, data.secrets[name])
            for name in wanted
            if name in data.secrets
        }

    def ensure(self, wanted: Mapping[str, Generator]) -> None:
        """Generate and store those secrets *wanted* that are not stored yet."""
        if not wanted or wanted.keys() <= self.names():
            return
        with self._file.update() as data:
            for name in wanted.keys() - data.secrets.keys():
                data.secrets[name] = self._encrypt(data, name, _GENERATORS[wanted[name]]())

    def change(self, values: Mapping[str, str | None], kept: Container[str]) -> Sealed:
        """Store *values*, all or none of them; None removes the secret. Those in *kept* are stored
        for ever. Returns the former content, for `restore`.

        Raises:
            SettingError: one of *kept* has another value already.
        """
        with self._file.update() as data:
            before = {name: data.secrets.get(name) for name in values}
            for name, value in values.items():
                stored = before[name] if name in kept else None
                if stored is None:
                    self._put(data, name, value)
                elif value is None or self._decrypt(data, name, stored) != value:
                    raise _kept(name)
        return before

    def _put(self, data: SecretsData, name: str, value: str | None) -> None:
        if value is None:
            data.secrets.pop(name, None)
        else:
            data.secrets[name] = self._encrypt(data, name, value)

    def sealed(self, names: Iterable[str]) -> Sealed:
        """The encrypted secrets of *names*, for `restore`."""
        stored = self._file.read().secrets
        return {name: stored.get(name) for name in names}

    def restore(self, before: Sealed) -> None:
        """Undo a `change`: *before* is what it returned, or what was `sealed` then."""
        with self._file.update() as data:
            kept = {name: sealed for name, sealed in data.secrets.items() if name not in before}
            data.secrets = kept | {name: s for name, s in before.items() if s is not None}

    def fingerprint(self, name: str) -> str:
        """64 hexadecimal digits that identify the secret. Without the master key, they reveal
        nothing about it.

        Raises:
            SettingError: there is no such secret, or it can't be read.
        """
        value = self.values([name]).get(name)
        if value is None or self._key is None:
            raise SettingError(name, Text("this secret has not been generated yet"))
        return self._key.derive("fingerprint", f"{name}\0{value}").hex()

    # The name is authenticated too, so that one secret can't replace another.

    def _encrypt(self, data: SecretsData, name: str, value: str) -> str:
        sealed = self._cipher(data).encrypt(value.encode(), name.encode())
        return base64.b64encode(sealed).decode()

    def _decrypt(self, data: SecretsData, name: str, stored: str) -> str:
        from nacl.exceptions import CryptoError  # noqa: PLC0415 - as in _cipher

        cipher = self._cipher(data)
        try:
            sealed = base64.b64decode(stored, validate=True)
            return cipher.decrypt(sealed, name.encode()).decode()
        except (ValueError, CryptoError):
            why = Text(
                "its value in {file} was changed by something else. Restore the file from a "
                "backup, for example from {file}.good",
                file=self._file.path,
            )
            # From nothing: a chained error might be shown.
            raise SettingError(name, why) from None

    def _cipher(self, data: SecretsData) -> "Aead":
        """The cipher of *data*. Creates the key when the first secret is stored."""
        # Takes a while to import, and most commands need no secret.
        from nacl.secret import Aead  # noqa: PLC0415

        if data.key is None:
            self._key, data.key = self._keeper.create()
        elif self._key is None or self._key.check != data.key.check:
            self._key = self._keeper.find(data.key)
        return Aead(self._key.derive("encryption"))


def _kept(name: str) -> SettingError:
    """The error for an attempt to change a secret that must be kept."""
    why = Text(
        "it can't be changed, because stored data depends on it. To start over with another value, "
        "remove all modules and all their data: aiserver-tray down --volumes. Then use another "
        "home folder with --home"
    )
    return SettingError(name, why)
