"""Equal errors as groups."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from aiserver_tray.core.logs.parser import LineParser
from aiserver_tray.core.logs.store.answers import ErrorGroup
from aiserver_tray.core.logs.store.fingerprint import fingerprint
from aiserver_tray.core.logs.store.line import Kept
from aiserver_tray.core.logs.traces import FRAMES

_INDENT = (" ", "\t")
Key = tuple[str, str, str]


def grouped(newest_first: Iterable[Kept]) -> list[ErrorGroup]:
    """Entries by what is equal in them, the newest group first. The lines of an entry come after
    each other for its service and output, the last one first."""
    groups: dict[str, ErrorGroup] = {}
    last_lines: dict[Key, str] = {}
    for kept in newest_first:
        line = kept.line
        output = (line.module, line.service, line.stream)
        if line.continues:
            if not line.text.startswith(_INDENT):
                last_lines.setdefault(output, line.text)
            continue
        group = _group(kept, last_lines.pop(output, ""))
        known = groups.get(group.fingerprint)
        groups[group.fingerprint] = _joined(known, group) if known else group
    return list(groups.values())


def _joined(newer: ErrorGroup, older: ErrorGroup) -> ErrorGroup:
    return replace(newer, count=newer.count + older.count, first=older.first)


def _group(kept: Kept, last_line: str) -> ErrorGroup:
    """A group of one entry. Python's traces begin alike and end with the error."""
    line = kept.line
    is_headline = FRAMES.match(line.text) and last_line
    message = last_line if is_headline else LineParser().parse(line.text).message
    same = "\n".join((line.module, line.service, fingerprint(message)))
    return ErrorGroup(
        fingerprint=hashlib.sha256(same.encode()).hexdigest()[:16],
        message=message,
        level=line.level,
        module=line.module,
        service=line.service,
        count=1,
        first=line.time,
        last=line.time,
        newest=kept,
    )
