"""Kept log lines as the content of a file."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal

from aiserver_tray.base.moments import rfc3339
from aiserver_tray.core.logs.colour import SGR
from aiserver_tray.core.logs.record import record
from aiserver_tray.core.logs.store.line import Line

ExportFormat = Literal["text", "jsonl", "csv"]

SUFFIXES: Final[Mapping[ExportFormat, str]] = {"text": ".log", "jsonl": ".jsonl", "csv": ".csv"}

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""The beginnings of cells that spreadsheets take for formulas
(https://owasp.org/www-community/attacks/CSV_Injection)."""

Encode = Callable[[Iterable[Line]], bytes]


def head(format: ExportFormat) -> bytes:
    """What is in front of all lines."""
    if format != "csv":
        return b""
    # Without a byte order mark, Excel expects another encoding.
    columns = ("time", "module", "service", "stream", "level", "message")
    return b"\xef\xbb\xbf" + _rows([columns])


def text(lines: Iterable[Line]) -> bytes:
    """*lines* for people, with time and service in front, without colours."""
    return "".join(
        f"{rfc3339(line.time)} {_name(line)} | {SGR.sub('', line.text)}\n" for line in lines
    ).encode()


def jsonl(lines: Iterable[Line]) -> bytes:
    """*lines* as one JSON object each."""
    return "".join(json.dumps(record(line), ensure_ascii=False) + "\n" for line in lines).encode(
        errors="backslashreplace"
    )


def table(lines: Iterable[Line]) -> bytes:
    """*lines* as rows of a table, without colours. Text that looks like a formula begins with an
    apostrophe."""
    return _rows(
        (
            rfc3339(line.time),
            line.module,
            line.service,
            line.stream,
            line.level,
            _cell(SGR.sub("", line.text)),
        )
        for line in lines
    )


ENCODERS: Final[Mapping[ExportFormat, Encode]] = {"text": text, "jsonl": jsonl, "csv": table}


def _name(line: Line) -> str:
    return line.module if line.module == line.service else f"{line.module}/{line.service}"


def _cell(message: str) -> str:
    return f"'{message}" if message.startswith(_FORMULA) else message


def _rows(rows: Iterable[Sequence[str]]) -> bytes:
    content = io.StringIO(newline="")
    csv.writer(content).writerows(rows)
    return content.getvalue().encode()
