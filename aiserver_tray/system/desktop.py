"""The desktop: whether there is one, its theme, how it shows folders and web addresses, and what
its windows need."""

import os
import shutil
import subprocess
import sys
from configparser import ConfigParser, Error
from pathlib import Path
from threading import Thread
from typing import Final, Literal
from urllib.parse import urlsplit

from aiserver_tray.base.errors import RequestError, SettingError
from aiserver_tray.base.file_paths import user_home
from aiserver_tray.base.i18n import Text
from aiserver_tray.system.process import output_of
from aiserver_tray.system.registry import Hive, Registry


def has_desktop() -> bool:
    """Whether this process belongs to a desktop session. On Unix, it may not."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


Theme = Literal["light", "dark"]
"""Finding it never fails; an unknown theme is the system's default."""

_PERSONALIZE = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"


def taskbar_theme() -> Theme:
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
    is_light = Registry().get("user", _PERSONALIZE, name)
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


_PROGRAM = {"win32": "explorer", "darwin": "open"}.get(sys.platform, "xdg-open")


def can_open_folder() -> bool:
    """Whether there is a desktop with a file manager."""
    return has_desktop() and shutil.which(_PROGRAM) is not None


def open_folder(folder: Path) -> None:
    """Show *folder* in the file manager. Returns at once.

    Raises:
        SettingError: there is none.
    """
    try:
        if not can_open_folder():
            raise FileNotFoundError(_PROGRAM)
        process = subprocess.Popen([_PROGRAM, str(folder)], start_new_session=True)
    except OSError as error:
        why = Text("no file manager was found. Open this folder yourself")
        raise SettingError(str(folder), why) from error
    # Some file managers run until their window is closed.
    Thread(target=process.wait, name="file-manager", daemon=True).start()


def open_url(url: str) -> None:
    """Open *url* in the default browser.

    Raises:
        RequestError: it is no ``http`` or ``https`` address. Anything else might start a program.
        SettingError: there is no browser.
    """
    if not is_web_address(url):
        why = Text("{url!r} is not a web address (http or https)", url=url)
        raise RequestError(why, ["url"])
    import webbrowser  # noqa: PLC0415 - importing it searches for browsers

    try:
        is_open = webbrowser.open(url)
    except (OSError, webbrowser.Error):
        is_open = False
    if not is_open:
        why = Text(
            "no browser was found. Open {url} yourself, or set BROWSER to the command of a browser",
            url=url,
        )
        raise SettingError("BROWSER", why)


def open_in_set_browser(url: str) -> bool:
    """Open *url* in the browser that ``BROWSER`` names, as a remote editor or WSL does on a machine
    without a desktop; whether it is open. Any other browser there would take over the terminal."""
    if not os.environ.get("BROWSER"):
        return False
    try:
        open_url(url)
    except SettingError:
        return False
    return True


def is_web_address(url: str) -> bool:
    """Whether *url* names a page of the web, and is nothing else to any program."""
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    is_plain = url.isprintable() and not set(url) & set(' "<>\\^`{|}')
    return parts.scheme in ("http", "https") and is_complete and is_plain


def icon_file(folder: Path) -> Path:
    """The icon in *folder*, in the form that is read everywhere on this system."""
    return folder / ("icon.ico" if sys.platform == "win32" else "icon.png")


NAME: Final = "Microsoft Edge WebView2"
PAGE: Final = "https://developer.microsoft.com/microsoft-edge/webview2/consumer/"

_PLACES: Final[tuple[tuple[Hive, str], ...]] = (
    ("machine", r"SOFTWARE\WOW6432Node\Microsoft\EdgeUpdate\Clients"),
    ("user", r"Software\Microsoft\EdgeUpdate\Clients"),
)
_CLIENTS: Final = (
    "{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}",  # the runtime
    "{2CD8A007-E189-409D-A2C8-9AF4EF3C72AA}",  # Edge Beta, Dev and Canary have it, too
    "{0D50BFEC-CD6A-4F9A-964C-C7416E3ACB10}",
    "{65C35B14-6C1D-4122-AC46-7148CC9D6497}",
)
_NONE: Final = ("", "0.0.0.0")
"""Versions in the registry after an uninstallation."""


def is_missing() -> bool:
    """Whether this is Windows, and no WebView2 is installed."""
    return sys.platform == "win32" and not is_registered(Registry())


def is_registered(registry: Registry) -> bool:
    """Whether *registry* has the version of an installed WebView2."""
    found = [registry.get(hive, rf"{key}\{id}", "pv") for hive, key in _PLACES for id in _CLIENTS]
    return any(isinstance(version, str) and version not in _NONE for version in found)


def graphics_cards() -> list[str]:
    """NVIDIA's cards, which containers can use, in this machine, with their memory, as its driver
    names them."""
    query = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    return [line.strip() for line in output_of(*query).splitlines() if line.strip()]


_CARD_HOOK: Final = "nvidia-container-runtime-hook"
"""What Docker looks for if its own settings name no runtime for cards (daemon/nvidia_linux.go)."""
_CARD_FOLDERS: Final = (Path("/etc/cdi"), Path("/var/run/cdi"))
"""Where descriptions of devices are, which Podman uses, too (the Container Device Interface)."""


def has_card_toolkit() -> bool:
    """Whether this machine has what gives a graphics card to containers, for an engine that uses
    its kernel and does not say so itself."""
    return bool(shutil.which(_CARD_HOOK)) or any(any(one.glob("*")) for one in _CARD_FOLDERS)
