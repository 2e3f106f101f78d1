"""A store of kept lines, and its reader."""

from collections.abc import Iterator
from contextlib import closing
from math import inf
from pathlib import Path

import pytest

from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.logs.store.store import LogStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LogStore]:
    with closing(LogStore(tmp_path / "data" / "logs.sqlite")) as opened:
        yield opened


@pytest.fixture
def reader(store: LogStore) -> LogReader:
    """One that takes its time."""
    return LogReader(store.path, inf)
