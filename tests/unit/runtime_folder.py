"""A runtime folder whose name is short enough for sockets, for all tests where it is imported."""

import tempfile
from collections.abc import Iterator

import pytest

from tests.support.systems import RUNTIME


@pytest.fixture(autouse=True)
def runtime_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="run", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv(RUNTIME, folder)
        yield
