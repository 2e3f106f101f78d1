"""The keys of backups, and the recovery file."""

import re
import time
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from types import SimpleNamespace

import pyrage
import pytest

from aiserver_tray.base.errors import BackupKeyError
from aiserver_tray.features.backup import keys as saving
from aiserver_tray.features.backup.index import Index, _Entry
from aiserver_tray.features.backup.keys import Keys, identity_in, make_keys
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.paths import Home

PASSPHRASE = "correct horse battery"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home", "home")


def keys_of(home: Home) -> Keys:
    settings = Settings(home)
    return Keys(settings, Index(settings, lambda _: pytest.fail("no file is read")))


def test_keys_stay_and_are_to_be_saved(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = keys_of(home)
    assert (keys.identities(), keys.view().public) == ([], "")
    make_keys(Settings(home).secrets)
    recipients = keys.recipients()
    assert (keys.view().public, keys.view().remind) == (recipients[1], False)
    has_backup(keys)
    assert keys.view().remind
    assert keys_of(home).recipients() == recipients
    public = [str(pyrage.x25519.Identity.from_str(k).to_public()) for k in keys.identities()]
    assert public == recipients
    stored = b"".join(file.read_bytes() for file in home.folder.iterdir())
    assert b"AGE-SECRET-KEY" not in stored
    keys.later()
    reminders = []
    for days in (0, 6.9, 7.1):
        at = time.time() + days * 24 * 3600
        monkeypatch.setattr(saving, "time", SimpleNamespace(time=lambda at=at: at))
        reminders.append(keys_of(home).view().remind)
    assert reminders == [False, False, True]


def has_backup(keys: Keys) -> None:
    with keys._index.update() as data:
        data.files["backup.zip"] = _Entry(made_at=0.0, reason="hand")


def test_processes_that_make_keys_at_once_get_the_same(home: Home) -> None:
    start, found = Barrier(6), []

    def first() -> None:
        keys = keys_of(home)
        start.wait()
        found.append(keys.recipients())

    threads = [Thread(target=first) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert found == found[:1] * 6


def test_the_recovery_file_opens(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = keys_of(home)
    with pytest.raises(BackupKeyError, match="at least 10"):
        keys.save("too short")
    text = keys.save(PASSPHRASE)
    assert keys.view().saved_at is None, "nobody has the text yet"
    keys.note_saved()
    (saved_at, remind) = keys_of(home).view().saved_at, keys.view().remind
    assert saved_at
    assert datetime.now(UTC) - saved_at < timedelta(hours=1)
    assert not remind
    assert text.startswith("-----BEGIN AGE ENCRYPTED FILE-----\n")
    mailed = "\r\n  " + text.replace("\n", "\r\n") + "\r\n"
    measure_low(monkeypatch, text)
    assert identity_in(mailed, PASSPHRASE) == keys.identities()[1]
    with pytest.raises(BackupKeyError, match="too busy or too slow"):
        identity_in(with_much_work(text).decode(), PASSPHRASE)
    for other, passphrase in ((text, "another one"), ("", PASSPHRASE), (text[:99], PASSPHRASE)):
        with pytest.raises(BackupKeyError) as caught:
            identity_in(other, passphrase)
        assert passphrase not in f"{caught.value!r} {caught.value.__cause__}"
    for file in home.folder.glob("secrets*"):
        file.unlink()
    new = keys_of(home)
    assert new.recipients()
    assert new.view().saved_at is None, "another key was saved"


def measure_low(patch: pytest.MonkeyPatch, text: str) -> None:
    """Let pyrage refuse the recovery file *text* three times, as if this computer was too slow."""
    decrypt, refused = pyrage.passphrase.decrypt, [with_much_work(text)] * 3

    def measured_low(stored: bytes, passphrase: str) -> bytes:
        found: bytes = decrypt(refused.pop() if refused else stored, passphrase)
        return found

    patch.setattr(pyrage.passphrase, "decrypt", measured_low)


def with_much_work(text: str) -> bytes:
    """The recovery file *text* as one that takes a fast computer days to open."""
    first, *lines, last = text.splitlines()
    plain = re.sub(rb"(-> scrypt \S+) \d+", rb"\1 40", b64decode("".join(lines)))
    return b"\n".join([first.encode(), *wrapped(b64encode(plain)), last.encode(), b""])


def wrapped(data: bytes) -> list[bytes]:
    return [data[at : at + 64] for at in range(0, len(data), 64)]
