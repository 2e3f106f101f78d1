"""The session of a desktop: a virtual screen, a session bus, and the services of a shell."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

from gi.repository import Gio, GLib
from Xlib import X  # type: ignore[import-untyped]
from Xlib.display import Display  # type: ignore[import-untyped]
from Xlib.error import BadWindow  # type: ignore[import-untyped]

from tests.support.desktop import fake_desktop
from tests.support.limits import LIMIT
from tests.support.waiting import eventually

# The system's own would start services of its desktop, such as settings and portals.
_BUS = """<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
"""

_ANSWER_MILLISECONDS = round(1000 * LIMIT)

_VERSION = GLib.Variant("(ss)", (fake_desktop.WATCHER, "ProtocolVersion"))
_QUESTIONS = {
    "watcher": (
        *(fake_desktop.WATCHER, "/StatusNotifierWatcher"),
        *(fake_desktop.PROPERTIES, "Get", _VERSION),
    ),
    "notifications": (
        *(fake_desktop.NOTIFICATIONS, "/org/freedesktop/Notifications"),
        *(fake_desktop.NOTIFICATIONS, "GetServerInformation", None),
    ),
}
"""Service of the shell -> something that it can be asked."""


class Shell:
    """A screen and a bus with the services of a shell; *cleanup* ends them."""

    def __init__(self, folder: Path, cleanup: ExitStack) -> None:
        self._folder = folder
        self._cleanup = cleanup
        self._services: dict[str, subprocess.Popen[bytes]] = {}
        self._log = folder / "shell.log"
        self._log.touch()
        self.variables = {"DISPLAY": self._screen(), "DBUS_SESSION_BUS_ADDRESS": self._bus()}
        """What tells programs of it."""

    def serve(self, *services: str) -> None:
        """Have *services*."""
        for service in services:
            before = len(self.told("ready"))
            command = [sys.executable, fake_desktop.__file__, service]
            env = os.environ | self.variables
            with self._log.open("ab") as log:
                process = start(self._cleanup, command, env=env, stdout=log, stderr=log)
            self._services[service] = process
            eventually(partial(self._has_told, "ready", before), "service of the shell")

    def withdraw(self, service: str) -> None:
        """Have *service* no more: the shell broke down. It answers all earlier calls first:
        libayatana-appindicator registers the icon again with each new menu, and warns on standard
        error if the service goes away during that call."""
        self._ask(*_QUESTIONS[service])
        process = self._services.pop(service)
        process.kill()
        process.wait()

    def told(self, event: str, since: int = 0) -> list[dict[str, Any]]:
        """What the services reported about *event*, in order, after the first *since* bytes."""
        lines = self._log.read_bytes()[since:].decode().splitlines()
        found = [json.loads(line) for line in lines if line.endswith("}")]
        return [one for one in found if one["event"] == event]

    def choose(self, notification: int, action: str) -> None:
        """Click a notification (the action ``default``), or a button of it."""
        values = GLib.Variant("(us)", (notification, action))
        service, path, *_ = _QUESTIONS["notifications"]
        self._ask(service, path, service, "Choose", values)

    def settled(self) -> int:
        """How many bytes the services have told, once nothing more of programs that ended is to
        come, and nothing of these is on the screen."""
        eventually(self._has_no_window, "end of the windows")
        for service in self._services:
            self._ask(*_QUESTIONS[service])
        eventually(lambda: len(self.told("item")) == len(self.told("item-gone")), "end of the icon")
        return self._log.stat().st_size

    def _has_told(self, event: str, before: int) -> bool:
        """Whether it reported *event* more than *before* times."""
        return len(self.told(event)) > before

    def _ask(self, *question: object) -> None:
        """Wait for the answer of a service: it has taken all that was sent to it before."""
        flags = Gio.DBusConnectionFlags
        kind = flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION
        address = self.variables["DBUS_SESSION_BUS_ADDRESS"]
        bus = Gio.DBusConnection.new_for_address_sync(address, kind, None, None)
        bus.call_sync(*question, None, 0, _ANSWER_MILLISECONDS, None)
        bus.close_sync(None)

    def _has_no_window(self) -> bool:
        with closing(Display(self.variables["DISPLAY"])) as display:
            windows = display.screen().root.query_tree().children
            try:
                states = [window.get_attributes().map_state for window in windows]
            except BadWindow:  # one is going
                return False
            return X.IsViewable not in states

    def _screen(self) -> str:
        read, write = os.pipe()
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24"]
        command += ["-nolisten", "tcp", "-noreset"]
        start(self._cleanup, command, pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as told:
            return f":{told.readline().strip()}"

    def _bus(self) -> str:
        config, socket = self._folder / "bus.conf", self._folder / "bus"
        config.write_text(_BUS.format(folder=self._folder))
        command = ["dbus-daemon", f"--config-file={config}", "--nofork"]
        start(self._cleanup, command, stderr=subprocess.DEVNULL)
        eventually(socket.exists, "session bus")
        return f"unix:path={socket}"


def start(
    cleanup: ExitStack,
    command: Sequence[str],
    env: Mapping[str, str] | None = None,
    **more: Any,  # noqa: ANN401 - Popen's
) -> subprocess.Popen[bytes]:
    """A program that *cleanup* ends."""
    process = subprocess.Popen(command, env=env, **more)

    def stop() -> None:
        if process.poll() is None:
            process.kill()
        process.wait()

    cleanup.callback(stop)
    return process
