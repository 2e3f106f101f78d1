"""The file of a backup: written as a whole or not at all, and read as if anybody had made it."""

import errno
import io
import os
import re
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as some

from aiserver_tray.base.errors import (
    BackupDamagedError,
    BackupError,
    BackupFormatError,
    BackupKeyError,
)
from aiserver_tray.features.backup import archive
from aiserver_tray.features.backup.archive import BackupFile, BackupWriter
from aiserver_tray.features.backup.manifest import (
    Manifest,
    ManifestEntry,
    ManifestModule,
    entry_name,
    written,
)
from aiserver_tray.features.backup.streams import seal
from tests.support.systems import has_mode
from tests.unit.features.backup.tars import VOLUME, Member, tar_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

OWN, RECOVERY, OTHER = (pyrage.x25519.Identity.generate() for _ in range(3))
RECIPIENTS = [str(OWN.to_public()), str(RECOVERY.to_public())]
IDENTITIES = [str(OWN)]

TAR = tar_of([VOLUME, Member("volume/database.sqlite", content="workflows " * 100)])
DUMP = b"PGDMP" * 50
SECRET = "correct horse battery"
DATA = entry_name("volume", "n8n", "n8n_data")
TABLES = entry_name("postgres", "n8n", "Über 1", "postgres")
STREAMS = {DATA: TAR, TABLES: DUMP}


def told(plain: bytes) -> tuple[int, str]:
    return len(plain), sha256(plain).hexdigest()


MODULE = ManifestModule(
    "n8n",
    {"en": "n8n", "zh": "n8n"},
    "2.1",
    is_builtin=True,
    folder={"compose.yaml": "services: {}", "files/start.sh": "exec n8n\n"},
    secrets={"N8N_ENCRYPTION_KEY": SECRET},
    volumes=("n8n_data",),
)
ENTRY = ManifestEntry(DATA, "volume", "n8n", "n8n_data", *told(TAR))
MANIFEST = Manifest(
    format=1,
    application="1.0",
    installation="0123456789ab",
    engine="engine",
    computer="desk",
    made_at=datetime(2026, 5, 1, 3, tzinfo=UTC),
    reason="schedule",
    modules=(MODULE,),
    entries=(
        ENTRY,
        ManifestEntry(
            *(TABLES, "postgres", "n8n", "Über 1", *told(DUMP), "postgres"), {"public.user": 2}
        ),
    ),
)


def make(path: Path) -> None:
    with BackupWriter(path, RECIPIENTS) as writer:
        for name, plain in STREAMS.items():
            seen = writer.add(name, [plain[:100], b"", plain[100:]])
            assert (seen.bytes, seen.sha256) == told(plain)
            assert 0 < writer._zip.getinfo(name).file_size < 2000
        writer.finish(MANIFEST)


def read(path: Path, identities: Sequence[str] = IDENTITIES) -> dict[str, bytes]:
    file = BackupFile(path, identities)
    return {entry.name: b"".join(file.read(entry)) for entry in file.manifest.entries}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "aiserver-2026-05-01-0300-schedule.zip"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.zip"
    make(path)
    return path


def test_both_keys_read_what_was_written(path: Path) -> None:
    make(path)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert has_mode(path, 0o600)
    for identity in (OWN, RECOVERY):
        assert read(path, [str(OTHER), str(identity)]) == STREAMS
        file = BackupFile(path, [str(identity)])
        assert file.manifest == MANIFEST
        counted: list[int] = []
        file.check(counted.append)
        assert sum(counted) == sum(map(len, STREAMS.values()))
    content = path.read_bytes()
    assert not [text for text in (SECRET, "workflows", "PGDMP", "desk") if text.encode() in content]


def test_the_file_has_its_name_only_when_it_is_whole_and_replaces_what_was_left(path: Path) -> None:
    part = path.with_name(f"{path.name}.part")
    with BackupWriter(path, RECIPIENTS) as writer:
        writer.add(DATA, [TAR])
        assert [*path.parent.iterdir()] == [part]
    assert [*path.parent.iterdir()] == []
    part.write_bytes(bytes(10_000))  # a process was killed
    make(path)
    assert read(path) == STREAMS


def test_backups_of_one_moment_have_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "same-2.zip").touch()
    paths = [archive.new_path(tmp_path, "same") for _ in range(2)]
    assert [path.name for path in paths] == ["same.zip", "same-3.zip"]
    for each in paths:
        make(each)
    assert {each.name for each in tmp_path.iterdir()} == {"same.zip", "same-2.zip", "same-3.zip"}
    (tmp_path / "file").touch()
    with pytest.raises(BackupError, match="choose another folder"):
        archive.new_path(tmp_path / "file", "same")


@pytest.mark.parametrize("error", [ConnectionError("cut"), RuntimeError("bug"), KeyboardInterrupt])
def test_an_error_of_a_stream_is_raised_leaving_nothing(path: Path, error: BaseException) -> None:
    def pieces() -> Iterator[bytes]:
        yield DUMP
        raise error

    expected = error if isinstance(error, type) else type(error)
    with pytest.raises(expected), BackupWriter(path, RECIPIENTS) as writer:
        writer.add(TABLES, pieces())
    assert [*path.parent.iterdir()] == []


class Full(io.FileIO):
    """A file on a disk with room for so many bytes."""

    room = 0

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - of any buffer
        if self.tell() + len(data) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


@given(some.floats(0, 1))
def test_a_full_disk_leaves_nothing_that_is_half_written(
    good: Path, tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    """A fake: a disk with so much room can't be had without root."""
    path = tmp_path_factory.mktemp("full") / "backup.zip"
    Full.room = int(good.stat().st_size * share)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "_empty", lambda p: io.BufferedWriter(Full(p, "w"), 64))
        refusal = ""
        try:
            make(path)
        except BackupError as error:
            refusal = str(error)
    if not refusal:  # age adds some bytes by chance, so the room may suffice
        assert share > 0.6
        assert read(path) == STREAMS
    else:
        assert f"written to {path.parent}: No space left on device. Free" in refusal
        assert [*path.parent.iterdir()] == []


def test_a_folder_that_is_not_there_or_vanishes_is_named(path: Path) -> None:
    missing = path.parent / "drive" / path.name
    with pytest.raises(BackupError, match=f"written to {missing.parent}: No such file"):
        make(missing)
    missing.parent.mkdir()
    with BackupWriter(missing, RECIPIENTS) as writer:
        for name, plain in STREAMS.items():
            writer.add(name, [plain])
        missing.parent.rename(path.parent / "elsewhere")
        with pytest.raises(BackupError, match=f"written to {missing.parent}: No such file"):
            writer.finish(MANIFEST)
    with pytest.raises(BackupError, match="can't be read: No such file"):
        BackupFile(missing, IDENTITIES)


def test_what_could_not_be_read_again_is_not_written(path: Path) -> None:
    with (
        pytest.raises(BackupError, match=f"{DATA} can't be backed up: it ends early") as caught,
        BackupWriter(path, RECIPIENTS) as writer,
    ):
        writer.add(DATA, [TAR[:600]])
    assert caught.value.code == "E_BACKUP"
    with BackupWriter(path, RECIPIENTS) as writer:
        for folder in ({"../compose.yaml": ""}, {"compose.yaml": "\ud800"}):
            odd = replace(MANIFEST, modules=(replace(MODULE, folder=folder),))
            with pytest.raises(BackupError, match="no backup has") as caught:
                writer.finish(odd)
    assert caught.value.code == "E_BACKUP"
    assert [*path.parent.iterdir()] == []


def test_a_stream_that_nobody_reads_on_ends_its_thread(path: Path) -> None:
    large = os.urandom(20 << 20)
    entry = replace(MANIFEST.entries[1], bytes=len(large), sha256=sha256(large).hexdigest())
    with BackupWriter(path, RECIPIENTS) as writer:
        writer.add(TABLES, [large])
        writer.finish(replace(MANIFEST, entries=(entry,)))
    stream = BackupFile(path, IDENTITIES).read(entry)
    assert large.startswith(next(stream))
    stream.close()
    assert [t for t in threading.enumerate() if t.name == "backup-decrypt"] == []


# -- files that are damaged, or of others ---------------------------------------------------------


def refused(path: Path, identities: Sequence[str] = IDENTITIES) -> BackupError:
    with pytest.raises(BackupError) as caught:
        read(path, identities)
    assert SECRET not in f"{caught.value!r} {caught.value.data} {caught.value.__cause__}"
    return caught.value


@given(some.floats(0, 1, exclude_max=True), some.integers(1, 255))
def test_a_changed_byte_is_found_or_changes_nothing(
    good: Path, tmp_path_factory: pytest.TempPathFactory, share: float, change: int
) -> None:
    content = bytearray(good.read_bytes())
    content[int(len(content) * share)] ^= change
    path = tmp_path_factory.mktemp("changed") / "changed.zip"
    path.write_bytes(content)
    with suppress(BackupDamagedError, BackupKeyError):
        assert read(path) == STREAMS  # a time or a mode, which nobody reads


@given(some.floats(0, 1, exclude_max=True))
def test_a_file_that_is_cut_is_damaged(
    good: Path, tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    content = good.read_bytes()
    path = tmp_path_factory.mktemp("cut") / "cut.zip"
    path.write_bytes(content[: int(len(content) * share)])
    is_headless = path.stat().st_size < 40
    assert type(refused(path)) is (BackupFormatError if is_headless else BackupDamagedError)


def sealed(plain: bytes) -> bytes:
    pieces: list[bytes] = []
    seal([plain], pieces.append, RECIPIENTS)
    return b"".join(pieces)


def forge(
    path: Path, manifest: bytes, entries: Mapping[str, bytes], form: int = ZIP_STORED
) -> Path:
    """A file of somebody who knows our public keys; *entries* as they are stored."""
    with ZipFile(path, "w", form) as forged:
        forged.writestr("README.txt", "")
        for name, stored in entries.items():
            forged.writestr(name, stored)
        forged.writestr("manifest.json.zst.age", sealed(manifest))
    return path


PLAIN = written(MANIFEST)
ENTRIES = {name: sealed(plain) for name, plain in STREAMS.items()}


def test_a_file_is_read_if_it_is_as_ours_and_of_no_newer_version(path: Path, good: Path) -> None:
    assert read(forge(path, PLAIN, ENTRIES)) == STREAMS
    newer = PLAIN.replace(b'"format": 1', b'"format": 2, "more": {}')
    error = refused(forge(path, newer, {"n8n/more.zst.age": b""}))
    assert type(error) is BackupFormatError
    assert "Update AI-Server Tray" in str(error)
    with ZipFile(path, "w") as other:
        other.writestr("photo.jpg", bytes(100))
    assert type(refused(path)) is BackupFormatError
    for content in (b"", b"text", bytes(10_000), tar_of([VOLUME])):
        path.write_bytes(content)
        assert type(refused(path)) is BackupFormatError
    for identities in ([str(OTHER)], []):
        assert type(refused(good, identities)) is BackupKeyError


@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        ('"format": 1', '"format": 0'),
        ('"format": 1', '"format": "1"'),
        ('"format": 1', '"format": 1, "more": 1'),
        ('"name": "n8n",', '"name": "../n8n",'),
        ('"name": "n8n",', '"name": "n8n", "more": 1,'),
        (r'\[\s*"n8n_data"\s*\]', '["other"]'),
        ('"key": "n8n_data"', '"key": "other"'),
        ('"key": "n8n_data"', '"key": "../n8n_data"'),
        ('"key": "Über 1"', '"key": "host=example.com"'),
        ('"key": "Über 1"', '"key": "--help"'),
        ('"module": "n8n"', '"module": "web"'),
        ('"server": "postgres"', '"server": ""'),
        ('"kind": "volume"', '"kind": "folder"'),
        ('"folder": ""', '"folder": "/srv/files"'),
        ('"compose.yaml"', '"../compose.yaml"'),
        ('"compose.yaml"', '"/compose.yaml"'),
        ('"compose.yaml"', '"C:compose.yaml"'),
        ('"compose.yaml"', r'"..\\compose.yaml"'),
        ('"desk"', '"\\u001b[2Jdesk"'),
        ('"2026-05-01T03:00:00Z"', '"2026-05-01T03:00:00"'),
        ('"schedule"', '"other"'),
        (f'"bytes": {len(TAR)}', '"bytes": -1'),
        (f'"bytes": {len(TAR)}', f'"bytes": {len(TAR) - 1}'),
        (f'"bytes": {len(TAR)}', f'"bytes": {len(TAR) + 1}'),
        (told(TAR)[1], told(DUMP)[1]),
        (r"^[\s\S]*$", "[]"),
        (r"^[\s\S]*$", "{"),
        (r"^[\s\S]*$", "[" * 100_000),
    ],
)
def test_a_manifest_that_we_would_not_write_is_refused(path: Path, pattern: str, new: str) -> None:
    changed, count = re.subn(pattern, lambda _: new, PLAIN.decode(), count=1)
    assert count
    assert type(refused(forge(path, changed.encode(), ENTRIES))) is BackupDamagedError


def test_entries_that_the_manifest_has_not_or_that_come_twice_are_refused(path: Path) -> None:
    for entries in (
        {**ENTRIES, "../../evil.txt": b""},
        {**ENTRIES, "/etc/cron.d/evil": b""},
        {DATA: ENTRIES[DATA]},
    ):
        assert type(refused(forge(path, PLAIN, entries))) is BackupDamagedError
    for form in (ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA):
        assert type(refused(forge(path, PLAIN, ENTRIES, form))) is BackupDamagedError
    forge(path, PLAIN, ENTRIES)
    with warnings.catch_warnings(action="ignore"), ZipFile(path, "a") as twice:
        twice.writestr(DATA, ENTRIES[DATA])
    assert type(refused(path)) is BackupDamagedError
    for changes in ({"modules": (MODULE, MODULE)}, {"entries": (ENTRY, ENTRY)}):
        with pytest.raises(BackupDamagedError):
            written(replace(MANIFEST, **changes))


def packed(plain: bytes, **options: int) -> bytes:
    """A stream for our keys, packed by somebody with other *options*."""
    names = {getattr(zstd.CompressionParameter, name): value for name, value in options.items()}
    found: bytes = pyrage.encrypt(
        zstd.compress(plain, options=names), [OWN.to_public(), RECOVERY.to_public()]
    )
    return found


@pytest.mark.parametrize(
    "stored",
    [
        sealed(bytes(100 << 20)),
        packed(TAR + bytes(64 << 20), window_log=27),
        pyrage.encrypt(zstd.compress(TAR) * 2, [OWN.to_public()]),
        pyrage.encrypt(TAR, [OWN.to_public()]),
        pyrage.encrypt(zstd.compress(TAR)[:-1], [OWN.to_public()]),
        pyrage.encrypt(b"", [OWN.to_public()]),
        pyrage.encrypt(zstd.compress(TAR), [OTHER.to_public()]),
        TAR,
        b"",
    ],
    ids=["bomb", "window", "twice", "not packed", "cut", "empty", "other key", "plain", "nothing"],
)
def test_a_stream_that_is_not_what_the_manifest_says_is_refused(path: Path, stored: bytes) -> None:
    file = BackupFile(forge(path, PLAIN, {**ENTRIES, DATA: stored}), IDENTITIES)
    got: list[bytes] = []
    with pytest.raises(BackupDamagedError):
        got.extend(file.read(ENTRY))
    assert sum(map(len, got)) <= len(TAR)


def test_what_does_not_fit_into_memory_and_hostile_tars_are_not_read(path: Path) -> None:
    manifest = forge(path, b" " * (65 << 20), {})
    assert "larger than" in str(refused(manifest))
    make(path)
    content = path.read_bytes()
    at, start = content.rindex(b"PK\x05\x06"), content.index(b"PK\x01\x02")
    filler = bytes(17 << 20)
    end = bytearray(content[at:])
    end[12:16] = (at - start + len(filler)).to_bytes(4, "little")
    path.write_bytes(content[:at] + filler + end)  # a large directory of the zip file
    assert type(refused(path)) is BackupDamagedError
    hostile = tar_of([VOLUME, Member("volume/../x")])
    entry = replace(ENTRY, bytes=len(hostile), sha256=told(hostile)[1])
    plain = written(replace(MANIFEST, entries=(entry,)))
    error = refused(forge(path, plain, {DATA: sealed(hostile)}))
    assert f"damaged at {DATA}: 'volume/../x' is outside of the volume" in str(error)
