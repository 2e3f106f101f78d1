"""The keys of backups: of the installation, and for recovery without it.

Each backup is encrypted to both. They are secrets of the installation: nobody chooses or sees them.
The recovery key is also saved by the user, encrypted with a passphrase, because the secrets are
gone with the computer.
"""

import time
from typing import Final

import pyrage

from aiserver_tray.base.errors import BackupKeyError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.backup.index import Index, moment
from aiserver_tray.features.backup.views import RecoveryKeyView
from aiserver_tray.settings.names import BACKUP_KEYS
from aiserver_tray.settings.secrets import Secrets
from aiserver_tray.settings.store import Settings

_, RECOVERY = BACKUP_KEYS
LATER_SECONDS: Final = 7 * 24 * 3600.0
MIN_PASSPHRASE: Final = 10
_MAX_RECOVERY_TEXT: Final = 1 << 16
_TOO_MUCH_WORK: Final = "Excessive work"
"""How the error of pyrage begins for a file that took much more work than this computer can do in
some seconds. It measures the computer for a millisecond, in which a busy one may do next to
nothing."""
_ATTEMPTS: Final = 50

_GUIDE: Final = """\
# The recovery key of AI-Server Tray. It opens the backups that were made for:
# {public}
{identity}
"""


class Keys:
    """The keys in the secrets of *settings*; *index* remembers what the user did with them.

    Raises:
        SettingError: from every method except `trouble`: the secrets can't be read or written.
    """

    def __init__(self, settings: Settings, index: Index) -> None:
        self._secrets = settings.secrets
        self._index = index

    def recipients(self) -> list[str]:
        """The public keys that backups are encrypted to."""
        make_keys(self._secrets)
        return [_public(identity) for identity in self.identities()]

    def identities(self) -> list[str]:
        """The private keys that open the backups of this installation; none before its first
        start."""
        found = self._secrets.values(BACKUP_KEYS)
        return [found[name] for name in BACKUP_KEYS if name in found]

    @property
    def trouble(self) -> SettingError | None:
        """Why the keys can't be read, such as without the key of the secrets. None: they can."""
        try:
            self.identities()
        except SettingError as error:
            return error
        return None

    def view(self) -> RecoveryKeyView:
        """The recovery key as clients get it. Nobody has to save it before there is a backup."""
        if self.trouble:
            return RecoveryKeyView(None, remind=False, public="")
        identity, data = self._secrets.values([RECOVERY]).get(RECOVERY), self._index.data()
        public = _public(identity) if identity else ""
        saved_at = moment(data.key_saved_at) if data.key_saved == public else None
        is_due = bool(data.files) and (data.later_until or 0) <= time.time()
        remind = bool(public and not saved_at and is_due)
        return RecoveryKeyView(saved_at, remind, public)

    def note_saved(self) -> None:
        """The user has the text of `save`."""
        public = self.view().public
        with self._index.update() as data:
            data.key_saved, data.key_saved_at = public, time.time()

    def save(self, passphrase: str) -> str:
        """The text of the recovery file: the recovery key, encrypted with *passphrase*. Takes
        seconds, as each guess of the passphrase has to.

        Raises:
            BackupKeyError: the passphrase is too short.
        """
        if len(passphrase) < MIN_PASSPHRASE:
            why = Text(
                "The passphrase is too short. Use at least {count} characters.",
                count=MIN_PASSPHRASE,
            )
            raise BackupKeyError(why)
        self.recipients()
        identity = self._secrets.values([RECOVERY])[RECOVERY]
        plain = _GUIDE.format(public=_public(identity), identity=identity)
        text: str = pyrage.passphrase.encrypt(plain.encode(), passphrase, armored=True).decode()
        return text

    def later(self) -> None:
        """Ask to save the recovery key again in a week."""
        with self._index.update() as data:
            data.later_until = time.time() + LATER_SECONDS


def make_keys(secrets: Secrets) -> None:
    """Make those keys that are missing among *secrets*.

    Raises:
        SettingError: the secrets can't be read or written.
    """
    names = {*BACKUP_KEYS} - secrets.names()
    new = {name: str(pyrage.x25519.Identity.generate()) for name in names}
    try:
        if new:
            secrets.change(new, kept=names)
    except SettingError:
        # Another process may have made them meanwhile. Backups may be encrypted to those.
        if names - secrets.names():
            raise


def identity_in(recovery_text: str, passphrase: str) -> str:
    """The private key in the text of a recovery file.

    Raises:
        BackupKeyError: it is no such text, *passphrase* does not open it, or this computer is far
            too slow or busy for that.
    """
    stored = "\n".join(line.strip() for line in recovery_text.strip().splitlines())
    try:
        plain = _decrypted(stored[:_MAX_RECOVERY_TEXT].encode(), passphrase)
        lines = plain.decode().splitlines()
        (identity,) = (line for line in lines if line and not line.startswith("#"))
        return str(pyrage.x25519.Identity.from_str(identity))
    except (pyrage.DecryptError, pyrage.IdentityError, ValueError):
        why = Text(
            "The recovery key can't be read. The passphrase is wrong, or the file is not a "
            "recovery file of AI-Server Tray."
        )
        raise BackupKeyError(why) from None


def _decrypted(stored: bytes, passphrase: str) -> bytes:
    for _ in range(_ATTEMPTS):
        try:
            plain: bytes = pyrage.passphrase.decrypt(stored, passphrase)
        except pyrage.DecryptError as error:
            if not str(error).startswith(_TOO_MUCH_WORK):
                raise
        else:
            return plain
    why = Text(
        "The recovery file can't be opened, because this computer is too busy or too slow for the "
        "work that this takes. Close other programs and try again, or use a faster computer."
    )
    raise BackupKeyError(why)


def _public(identity: str) -> str:
    return str(pyrage.x25519.Identity.from_str(identity).to_public())
