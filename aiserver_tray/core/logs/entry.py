"""What the structure of a log line states."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from aiserver_tray.core.logs.level import Level

NO_FIELDS: Mapping[str, object] = MappingProxyType({})


class Entry(NamedTuple):
    """What the structure of a log line states."""

    level: Level | None
    """None: the line adds to the entry above"""
    message: str
    fields: Mapping[str, object] = NO_FIELDS
    """of JSON and logfmt"""
