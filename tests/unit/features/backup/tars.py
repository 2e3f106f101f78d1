"""Tars of volumes, as engines write them, and others."""

import tarfile
from collections.abc import Iterable
from io import BytesIO
from typing import NamedTuple


class Member(NamedTuple):
    """An entry: *content* of a file, or the target of a link."""

    name: str
    kind: bytes = tarfile.REGTYPE
    content: str = ""


def folder(name: str) -> Member:
    return Member(name, tarfile.DIRTYPE)


def link(name: str, target: str) -> Member:
    return Member(name, tarfile.SYMTYPE, target)


def hard_link(name: str, target: str) -> Member:
    return Member(name, tarfile.LNKTYPE, target)


VOLUME = folder("volume")


def tar_of(members: Iterable[Member], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar that ends with two blocks of zeros, as that of Go."""
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as tar:
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.type = member.kind
            content = member.content.encode()
            if info.isreg():
                info.size = len(content)
            else:
                info.linkname = member.content
            tar.addfile(info, BytesIO(content))
        end = tar.offset
    return stream.getvalue()[:end] + bytes(1024)
