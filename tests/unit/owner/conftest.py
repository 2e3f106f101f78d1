"""An installation without an engine, and a runtime folder short enough for sockets."""

from pathlib import Path

import pytest

from aiserver_tray.core.app import App
from tests.support.stack import service, write
from tests.unit.runtime_folder import runtime_folder

__all__ = ["runtime_folder"]


@pytest.fixture
def app(tmp_path: Path) -> App:
    """It has the module web."""
    write(tmp_path / "catalog", "web", {"web": service()}, kind="feature")
    return App(tmp_path / "home", [tmp_path / "catalog"], f"unix://{tmp_path}/none.sock")
