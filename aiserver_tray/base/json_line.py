"""Lines of logs that are JSON objects: their fields, and how people read them. Pure."""

import json
import re
from collections.abc import Iterator, Mapping

MESSAGE_KEYS = ("message", "msg", "@message", "event")
LEVEL_KEYS = ("level", "log.level", "severity", "lvl", "levelname", "@level", "level_name")
_TIME_KEYS = ("time", "timestamp", "@timestamp", "ts")
_LEFT_OUT = frozenset((*LEVEL_KEYS, *_TIME_KEYS))
_PLAIN = re.compile(r'[^\s"=]+')


def json_fields(line: str) -> Mapping[str, object] | None:
    """The fields of *line*, which begins with a brace; None: it is no JSON object."""
    try:
        fields: Mapping[str, object] = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return fields


def told(line: str) -> str:
    """*line* as people read it: the message of a JSON object, then its other fields as
    ``key=value``, without level and time. Lines without such a message stay as they are.
    ``told.js`` of the page does the same."""
    fields = json_fields(line) if line.startswith("{") else None
    key = next(
        (name for name in MESSAGE_KEYS if fields and isinstance(fields.get(name), str)), None
    )
    if not fields or key is None:
        return line
    message = re.sub(r"\s*\n\s*", " ↵ ", str(fields[key]).strip())
    others = {name: value for name, value in fields.items() if name != key}
    said = " ".join((message, *_pairs(others)))
    return said.encode(errors="replace").decode()  # JSON may have half characters


def _pairs(fields: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    """The *fields*, those of an object one by one."""
    for name, value in fields.items():
        if name in _LEFT_OUT:
            continue
        if isinstance(value, dict) and not prefix:
            yield from _pairs(value, f"{name}.")
        elif isinstance(value, str) and _PLAIN.fullmatch(value):
            yield f"{prefix}{name}={value}"
        else:
            shown = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            yield f"{prefix}{name}={shown}"
