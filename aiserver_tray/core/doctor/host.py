"""Checks of this installation's setup on this machine."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from aiserver_tray.base.i18n import Text
from aiserver_tray.core.doctor.finding import Finding
from aiserver_tray.system import autostart, tray_place, webview2
from aiserver_tray.system.graphics import graphics_cards
from aiserver_tray.system.logfile import log_folder
from aiserver_tray.system.paths import Home


def examine_host(home: Home, options: Sequence[str]) -> list[Finding]:
    """Check start at login for the tray of *home* with *options*, whether its icon and windows are
    visible, its graphics cards, logs and crash reports."""
    login = Finding("autostart", "ok", autostart.state(home, options))
    return [login, _graphics(), *_icon(), *_windows(), *_logs(log_folder(home))]


def _graphics() -> Finding:
    cards = graphics_cards()
    if cards:
        return Finding("graphics", "ok", Text("Found: {cards}.", cards="; ".join(cards)))
    text = Text("No NVIDIA graphics card was found. The built-in modules don't need one.")
    return Finding("graphics", "ok", text)


def _icon() -> Iterator[Finding]:
    ways = tray_place.known_ways()
    if ways and autostart.is_supported():
        why = tray_place.why_unavailable(ways)
        well = Text("The desktop can show the applet's icon.")
        yield Finding("icon", "note" if why else "ok", why or well)


def _windows() -> Iterator[Finding]:
    if webview2.is_missing():
        text = Text(
            "{program} is not installed, so your web browser shows the dashboard. To use windows, "
            "install it from {url}, then restart the applet.",
            program=webview2.NAME,
            url=webview2.PAGE,
        )
        yield Finding("windows", "note", text)


def _logs(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        return
    yield Finding("logs", "ok", Text("The applet's logs are in {folder}.", folder=folder))
    for file in sorted(folder.glob("crash-*.log")):
        if file.stat().st_size:
            text = Text(
                "A part of the applet crashed. Report the content of {file}, then delete that "
                "file.",
                file=file,
            )
            yield Finding("crash", "note", text)
