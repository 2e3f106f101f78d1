"""Tars of volumes: what a backup may have, and what a restore refuses."""

import tarfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aiserver_tray.base.errors import BackupDamagedError
from aiserver_tray.features.backup.streams import safe_tar
from tests.unit.features.backup.tars import VOLUME, Member, folder, hard_link, link, tar_of


def header(**fields: bytes) -> bytes:
    """A block for a file, with other *fields*: their places are those of POSIX."""
    places = {"name": 0, "size": 124, "kind": 156, "link": 157, "magic": 257, "star": 508}
    block = bytearray(tar_of([Member("volume/x")])[:512])
    for name, value in fields.items():
        block[places[name] : places[name] + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def extended(records: bytes, kind: bytes = b"x") -> bytes:
    size = b"%011o\0" % len(records)
    return header(kind=kind, size=size) + records + bytes(-len(records) % 512)


ODD = tar_of(
    [
        VOLUME,
        folder("volume/a"),
        Member("volume/a/" + "long " * 50, content="x" * 700),
        link("volume/a/modules", "/usr/share/modules"),
        link("volume/a/up", "../../../etc"),
        Member("volume/a.b", content="after what is in a"),
        hard_link("volume/again", "volume/a.b"),
        Member("volume/fifo", tarfile.FIFOTYPE),
        Member("volume/line\nbreak"),
    ]
)[:-1024]
ODD += header(name=b"volume/not UTF-8 \xff")
ODD += tar_of([Member("volume/zero", tarfile.CHRTYPE), Member("volume/北京", content="x")])


def judged(tar: bytes, size: int = 1 << 20) -> bytes:
    return b"".join(safe_tar(tar[at : at + size] for at in range(0, len(tar), size)))


@given(some.integers(1, 3000))
def test_a_volume_with_odd_names_and_links_passes_in_pieces_of_any_size(size: int) -> None:
    assert judged(ODD, size) == ODD
    assert judged(ODD + bytes(512 * 17), size)


@given(some.integers(0, len(ODD) - 1))
def test_a_tar_that_is_cut_anywhere_is_refused(at: int) -> None:
    with pytest.raises(BackupDamagedError, match="ends early"):
        judged(ODD[:at])


@given(some.integers(0, len(ODD) - 1), some.integers(1, 255))
def test_a_changed_byte_is_content_or_refused(at: int, change: int) -> None:
    changed = bytearray(ODD)
    changed[at] ^= change
    with suppress(BackupDamagedError):
        assert judged(bytes(changed)) == changed


FILE = Member("volume/file", content="x")


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([folder("/volume")], "outside of the volume"),
        ([folder("other")], "outside of the volume"),
        ([VOLUME, Member("volumes")], "outside of the volume"),
        ([VOLUME, Member("/etc/passwd")], "outside of the volume"),
        ([VOLUME, Member("volume/../etc/passwd")], "outside of the volume"),
        ([VOLUME, Member("volume/./file")], "outside of the volume"),
        ([VOLUME, Member("volume//file")], "outside of the volume"),
        ([VOLUME, Member("volume/" + "x/" * 2100 + "y")], "outside of the volume"),
        ([VOLUME, FILE, hard_link("volume/hard", "/etc/passwd")], "outside of the volume"),
        ([VOLUME, FILE, hard_link("volume/hard", "volume/../x")], "outside of the volume"),
        ([VOLUME, hard_link("volume/hard", "volume/later")], "link to no earlier file"),
        ([VOLUME, link("volume/l", "/etc"), Member("volume/l/passwd")], "in no folder"),
        ([VOLUME, FILE, Member("volume/file/below")], "in no folder"),
        ([VOLUME, Member("volume/folder/file")], "in no folder"),
        ([link("volume", "/etc"), Member("volume/passwd")], "in no folder"),
        ([Member("volume")], "in no folder"),
        ([VOLUME, FILE, FILE], "comes twice"),
        ([VOLUME, VOLUME], "comes twice"),
        ([VOLUME, link("volume/l", "/etc"), folder("volume/l")], "comes twice"),
        ([VOLUME, folder("volume/b"), folder("volume/a"), folder("volume/b")], "comes twice"),
    ],
)
def test_a_name_that_leaves_or_comes_twice_is_refused(members: list[Member], why: str) -> None:
    with pytest.raises(BackupDamagedError, match=why):
        judged(tar_of(members))


BEGIN = tar_of([VOLUME])[:512]


@pytest.mark.parametrize(
    "blocks",
    [
        tar_of([Member("volume/" + "x" * 200)], tarfile.GNU_FORMAT)[:-1024],
        header(magic=b"ustar  \0"),
        header(star=b"tar\0"),
        header(kind=b"S"),
        header(kind=b"\0"),
        header(kind=b"5", size=b"00000001000\0") + bytes(512),
        header(size=b"\x80" + bytes(10) + b"\x01"),
        header(size=b"-0000000001\0"),
        extended(b"19 path=volume/y\n\n", b"g") + header(),
        extended(b"17 path=volume/y\n" * 2) + header(),
        extended(b"17 path=volume/y\n") * 2 + header(),
        extended(b"8 path=\n") + header(),
        extended(b"18 path=volume/\0y\n") + header(),
        extended(b"99 path=volume/y\n") + header(),
        extended(b"22 GNU.sparse.major=1\n") + header(),
        extended(b"9 size=-\n") + header(),
        header(kind=b"x", size=b"77777777777\0"),
        bytes(512) + header(),
    ],
)
def test_a_form_that_no_engine_writes_is_refused(blocks: bytes) -> None:
    with pytest.raises(BackupDamagedError, match=r"another form|ends early"):
        judged(BEGIN + blocks + bytes(1024))
    assert judged(BEGIN + header() + bytes(1024))


def test_a_size_in_an_extended_header_is_the_files() -> None:
    record = extended(b"12 size=600\n")
    assert judged(BEGIN + record + header() + b"x" * 600 + bytes(424) + bytes(1024))
    with pytest.raises(BackupDamagedError):
        judged(BEGIN + record + header() + bytes(1024))
