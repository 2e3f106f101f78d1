"""Whether the desktop is light or dark: its task bar, for the icon's contrast, and the windows of
programs. Never fails; an unknown theme is the system's default."""

import os
import sys
from configparser import ConfigParser, Error
from pathlib import Path
from typing import Literal

from aiserver_tray.base.user_home import user_home
from aiserver_tray.system.commands import output_of
from aiserver_tray.system.registry import WindowsRegistry

Theme = Literal["light", "dark"]

_PERSONALIZE = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"


def taskbar_theme() -> Theme:
    """The theme of the task bar."""
    if sys.platform == "win32":
        return _windows("SystemUsesLightTheme", usual="dark")
    if sys.platform != "darwin" and "GNOME" in _desktops():
        return "dark"  # its top bar is black in either style
    return app_theme()


def app_theme() -> Theme:
    """The theme of the programs' windows."""
    if sys.platform == "win32":
        return _windows("AppsUseLightTheme", usual="light")
    if sys.platform == "darwin":
        return _named(output_of("defaults", "read", "-g", "AppleInterfaceStyle"))
    return _linux()


def _windows(name: str, usual: Theme) -> Theme:
    is_light = WindowsRegistry().get("user", _PERSONALIZE, name)
    return usual if is_light is None else "light" if is_light else "dark"


def _linux() -> Theme:
    if forced := os.environ.get("GTK_THEME"):
        return _named(forced)
    config = Path(os.environ.get("XDG_CONFIG_HOME") or user_home() / ".config")
    if "KDE" in _desktops():
        return _named(_value(config / "kdeglobals", "General", "ColorScheme"))
    if style := output_of("gsettings", "get", "org.gnome.desktop.interface", "color-scheme"):
        return _named(style)
    file = config / "gtk-3.0/settings.ini"
    if _value(file, "Settings", "gtk-application-prefer-dark-theme") in ("1", "true"):
        return "dark"
    return _named(_value(file, "Settings", "gtk-theme-name"))


def _desktops() -> list[str]:
    return os.environ.get("XDG_CURRENT_DESKTOP", "").split(":")


def _named(style: str) -> Theme:
    """The theme of a *style* that desktops name as they like (``prefer-dark``, ``Adwaita-dark``,
    ``BreezeDark``)."""
    return "dark" if "dark" in style.lower() else "light"


def _value(file: Path, section: str, key: str) -> str:
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, Error):
        return ""
    return parser.get(section, key, fallback="")
