"""The master key of an installation's secrets: its storage and derived keys.

It is generated once. If it can't be read, that is an error and never leads to a new key: a new key
would make the stored secrets unreadable for ever.
"""

import base64
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.system.credentials import preferred_store, store_named
from aiserver_tray.system.files import write_private
from aiserver_tray.system.paths import KeyPlace

KEY_BYTES = 32


class KeyRecord(BaseModel):
    """Where the key of a secrets file is stored: in the back end *backend* of ``keyring``, or in a
    file beside the secrets. ``check`` verifies the key without revealing it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    store: Literal["keyring", "file"]
    backend: str = ""
    check: str


class MasterKey:
    """The key itself, in memory. Has no representation that shows it."""

    def __init__(self, material: bytes) -> None:
        self._material = material

    def derive(self, purpose: str, text: str = "") -> bytes:
        """32 bytes for *purpose* and *text*. Neither the key nor other derived bytes can be
        computed from them (HMAC-SHA-256; the one block of HKDF-Expand, RFC 5869)."""
        return hmac.digest(self._material, f"{purpose}\0{text}\1".encode(), "sha256")

    @property
    def check(self) -> str:
        """The value of `KeyRecord.check` for this key."""
        return self.derive("check").hex()


class KeyKeeper:
    """Creates and finds the key of *secrets_file*. *installation* returns the installation's ID,
    and creates it if needed. *notices* collects messages for the user."""

    def __init__(
        self,
        secrets_file: Path,
        installation: Callable[[], str],
        key_place: KeyPlace,
        notices: list[Text],
    ) -> None:
        self._secrets_file = secrets_file
        self._installation = installation
        self._key_place = key_place
        self._notices = notices
        self.key_file = secrets_file.with_suffix(".key")

    def create(self) -> tuple[MasterKey, KeyRecord]:
        """Create a key and store it. A key that already exists, from a process that died before it
        stored its first secret, is used again.

        Raises:
            SettingError: what is there is no key, or a key file can't be written.
        """
        made = None
        if self._key_place == "credential store":
            try:
                made = self._create_in_store()
            except ConnectionError as error:
                notice = Text(
                    "The credential store can't be used now ({reason}), so secrets are protected "
                    "by a key file, {file}. Anyone who can read that file can read your secrets. "
                    "The key stays in that file.",
                    reason=error.args[0],
                    file=self.key_file,
                )
                self._notices.append(notice)
        return made or self._create_in_file()

    def find(self, record: KeyRecord) -> MasterKey:
        """The key that *record* names.

        Raises:
            SettingError: it can't be had now, or it is another one; says what to do.
        """
        text = self._stored(record.backend) if record.store == "keyring" else self._filed()
        if text is None:
            raise self._error(self._missing(record))
        key = self._key(text)
        if key.check != record.check:
            why = Text(
                "it was encrypted with another key. Restore the matching key or the matching file "
                "from a backup"
            )
            raise self._error(why)
        return key

    def _create_in_store(self) -> tuple[MasterKey, KeyRecord] | None:
        """Create the key in the credential store. None if there is no store.

        Raises:
            ConnectionError: there is one, and it can't be used now.
        """
        if (store := preferred_store()) is None:
            return None
        if (text := store.get(self._installation())) is None:
            text = _new_key()
            store.set(self._installation(), text)
        key = self._key(text)
        return key, KeyRecord(store="keyring", backend=store.name, check=key.check)

    def _create_in_file(self) -> tuple[MasterKey, KeyRecord]:
        if (text := self._filed()) is None:
            text = _new_key()
            try:
                write_private(self.key_file, text.encode() + b"\n")
            except OSError as error:
                raise self._unusable(error) from error
        key = self._key(text)
        return key, KeyRecord(store="file", check=key.check)

    def _stored(self, backend: str) -> str | None:
        try:
            return store_named(backend).get(self._installation())
        except ConnectionError as error:
            why = Text(
                "its key is in the credential store {store}, which is not available now "
                "({reason}). Log in to your desktop, unlock the store there, and try again",
                store=backend,
                reason=error.args[0],
            )
            raise self._error(why) from error

    def _filed(self) -> str | None:
        try:
            return self.key_file.read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> SettingError:
        why = Text(
            "its key file {file} can't be read or written ({reason}). Check its folder and the "
            "free disk space",
            file=self.key_file,
            reason=error.strerror or error,
        )
        return self._error(why)

    def _missing(self, record: KeyRecord) -> Text:
        if record.store == "file":
            file = self.key_file
            return Text("its key file {file} is missing. Restore it from a backup", file=file)
        return Text(
            "its key, the entry {entry} in the credential store {store}, is missing. Restore it "
            "from a backup, or log in as the user who created this installation",
            entry=self._installation(),
            store=record.backend,
        )

    def _key(self, text: str) -> MasterKey:
        try:
            material = base64.b64decode(text.strip(), validate=True)
        except ValueError:
            material = b""
        if len(material) != KEY_BYTES:
            raise self._error(Text("its key is damaged. Restore the key from a backup"))
        return MasterKey(material)

    def _error(self, why: Text) -> SettingError:
        return SettingError(str(self._secrets_file), why)


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
