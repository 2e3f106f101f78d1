"""An installation without an engine, and a runtime folder short enough for sockets."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiserver_tray.app import App
from tests.engine.faults.stack import service, write


@pytest.fixture(autouse=True)
def _own_runtime_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="run", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield


@pytest.fixture
def app(tmp_path: Path) -> App:
    """It has the module web."""
    write(tmp_path / "catalog", "web", {"web": service()}, kind="feature")
    return App(tmp_path / "home", [tmp_path / "catalog"], f"unix://{tmp_path}/none.sock")
