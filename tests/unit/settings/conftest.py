"""A home and some declared settings."""

from pathlib import Path

import pytest

from aiserver_tray.catalog.setting import Setting
from aiserver_tray.settings.app_declared import APP_SETTINGS
from aiserver_tray.settings.declared import Declared
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.paths import Home

DECLARED: Declared = {
    **APP_SETTINGS,
    "n8n.HOST_PORT": Setting(type="port", default="18100"),
    "n8n.NOTE": Setting(),
    "n8n.KEY": Setting(type="secret", generate="hex32", keep=True),
    "n8n.TOKEN": Setting(type="secret", generate="base64url32"),
    "n8n.API_KEY": Setting(type="secret"),
    "ragflow.HOST_PORT": Setting(type="port", default="18200"),
    "ragflow.PASSWORD": Setting(type="secret", generate="alnum32"),
}


@pytest.fixture
def declared() -> Declared:
    return DECLARED


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home", "home")


@pytest.fixture
def settings(home: Home) -> Settings:
    return Settings(home)
