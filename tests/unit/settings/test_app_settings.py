"""The app's own settings as typed values."""

import json
import os
from pathlib import Path

import pytest

from aiserver_tray.base.errors import SettingError
from aiserver_tray.settings.app_declared import APP_SETTINGS
from aiserver_tray.settings.app_settings import AppSettings
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.chosen_folder import Certificates

DEFAULTS: dict[str, object] = {
    "bind": "127.0.0.1",
    "engine": "",
    "engines": {},
    "language": "system",
    "theme": "system",
    "mirrors": (),
    "ca_certificates": Certificates(),
    "kernel_settings": False,
    "module_folders": (),
    "logs_keep": True,
    "logs_keep_days": 14,
    "logs_keep_size": 500 * 2**20,
    "logs_not_kept": frozenset(),
    "logs_engine_size": "0b",
    "acme_directory": [
        "https://acme-staging-v02.api.letsencrypt.org/directory",
        "https://acme-v02.api.letsencrypt.org/directory",
    ],
    "backup_folder": "",
    "backup_every": "never",
    "backup_time": "03:00",
    "backup_weekday": 0,
    "backup_keep_daily": 7,
    "backup_keep_weekly": 4,
    "backup_keep_monthly": 3,
    "check_models": "never",
    "check_versions": True,
    "keep_upgrades_days": 14,
    "notify_alerts": True,
    "notify_operations": True,
    "notify_engine": True,
    "alert_format": "json",
    "start_desired": True,
    "stop_unused_basics": False,
    "stop_unused_engine": False,
}


A, B, C = (str(Path(name).absolute()) for name in ("a", "b c", f"a{os.pathsep}c"))


def test_each_setting_has_a_typed_value() -> None:
    app = AppSettings({})

    values = {a for a, setting in APP_SETTINGS.items() if not setting.is_secret}
    assert {address: getattr(app, address.removeprefix("app.")) for address in values} == {
        f"app.{name}": value for name, value in DEFAULTS.items()
    }


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        *(("bind", f" {ip}", ip) for ip in ("0.0.0.0", "::1", "192.168.1.5")),
        ("engine", "unix:///other.sock", "unix:///other.sock"),
        ("engines", " a=tcp://a:1  b.c=unix:///b ", {"a": "tcp://a:1", "b.c": "unix:///b"}),
        ("language", "zh", "zh"),
        ("mirrors", "a.example/, 127.0.0.1:5000/hub", ("a.example", "127.0.0.1:5000/hub")),
        ("kernel_settings", "true", True),
        ("module_folders", os.pathsep.join([A, B, A]), (A, B)),
        ("module_folders", json.dumps([C, B]), (C, B)),
        ("mirrors", "", ()),
        ("logs_keep_days", " 030 ", 30),
        ("logs_keep_size", "2G", 2 * 2**30),
        ("logs_engine_size", "100M", "100m"),
        ("logs_not_kept", "n8n, dify  n8n", frozenset({"n8n", "dify"})),
        ("backup_every", "week", "week"),
        ("backup_time", " 4:05", "04:05"),
        ("backup_weekday", "6", 6),
        ("backup_keep_daily", "0", 0),
        ("notify_alerts", "false", False),
        ("alert_format", "ntfy", "ntfy"),
    ],
)
def test_a_change_shows_at_once(settings: Settings, name: str, text: str, value: object) -> None:
    assert getattr(settings.app, name) == DEFAULTS[name]

    settings.change(APP_SETTINGS, {f"app.{name}": text})

    assert getattr(settings.app, name) == value


def test_two_engines_need_different_addresses(settings: Settings) -> None:
    with pytest.raises(SettingError, match="different names and addresses"):
        settings.change(APP_SETTINGS, {"app.engines": "a=tcp://a:1 b=tcp://a:1"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("bind", text) for text in ("", "localhost", "127.0.0.1:80", "256.0.0.1", "10.0.0.0/8")),
        *(("mirrors", text) for text in ("https://a.example", "mirror:port", "-x", "a/B")),
        ("engines", "default=tcp://a:1"),
        ("engines", "server"),
        ("logs_keep_days", "0"),
        ("logs_keep_days", "two"),
        ("logs_keep_size", "9m"),
        ("logs_engine_size", "x"),
        ("backup_time", "24:00"),
        ("backup_keep_weekly", "367"),
        ("backup_folder", "relative"),
    ],
)
def test_names_times_and_numbers_are_checked(settings: Settings, name: str, text: str) -> None:
    with pytest.raises(SettingError, match=rf"app\.{name}: expected"):
        settings.change(APP_SETTINGS, {f"app.{name}": text})


def test_a_folder_for_backups_is_not_asked_for_again_once_it_is_set(settings: Settings) -> None:
    """An external drive may not be connected."""
    folder = settings.folder.parent / "drive" / "backups"
    settings.change(APP_SETTINGS, {"app.backup_folder": str(folder)})
    folder.parent.write_text("in the way")
    assert settings.app.backup_folder == str(folder)
    with pytest.raises(SettingError, match="is a file"):
        settings.change(APP_SETTINGS, {"app.backup_folder": str(folder)})
    with pytest.raises(SettingError, match="settings and secrets"):
        settings.change(APP_SETTINGS, {"app.backup_folder": str(settings.folder / "modules")})


def test_the_file_is_read_only_after_it_has_changed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = settings.app
    Settings(settings.home).change(APP_SETTINGS, {"app.language": "zh"})  # as another process
    assert (first.language, settings.app.language) == ("system", "zh")
    first = settings.app
    monkeypatch.delattr(VersionedFile, "read")

    assert settings.app is first


def test_a_wrong_stored_value_spoils_no_other_setting(settings: Settings) -> None:
    settings.change(APP_SETTINGS, {"app.stop_unused_basics": "true"})
    file = settings.folder / "settings.json"
    data = json.loads(file.read_text())
    data["values"]["app.language"] = "klingon"
    file.write_text(json.dumps(data))

    with pytest.raises(SettingError, match=r"app\.language: .*config unset app\.language"):
        assert settings.app.language
    assert settings.app.stop_unused_basics
