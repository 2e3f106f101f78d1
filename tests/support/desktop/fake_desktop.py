"""Stands for the desktop's shell, of which a virtual screen has none: ``python fake_desktop.py
SERVICE…`` with ``watcher`` (takes the icons of applets, as a task bar does), ``hostless`` (takes
them, but there is no bar) and ``notifications``.

On standard output it tells what it is shown, one JSON object a line, each with the time ``at`` of
the monotonic clock: ``ready``, ``item`` and ``item-gone`` (an icon), ``shown`` (what the icon is
like now), ``notification`` and ``notification-closed``.
"""

import json
import sys
import time
from typing import Any

from gi.repository import Gio, GLib

WATCHER = "org.kde.StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
NOTIFICATIONS = "org.freedesktop.Notifications"
PROPERTIES = "org.freedesktop.DBus.Properties"

_ANSWER_MILLISECONDS = 60_000

INTERFACES = {
    WATCHER: """
      <node><interface name="org.kde.StatusNotifierWatcher">
        <method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
        <method name="RegisterStatusNotifierHost"><arg type="s" direction="in"/></method>
        <property name="RegisteredStatusNotifierItems" type="as" access="read"/>
        <property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
        <property name="ProtocolVersion" type="i" access="read"/>
        <signal name="StatusNotifierItemRegistered"><arg type="s"/></signal>
        <signal name="StatusNotifierItemUnregistered"><arg type="s"/></signal>
        <signal name="StatusNotifierHostRegistered"/>
      </interface></node>""",
    NOTIFICATIONS: """
      <node><interface name="org.freedesktop.Notifications">
        <method name="GetCapabilities"><arg type="as" direction="out"/></method>
        <method name="Notify">
          <arg type="s" direction="in"/><arg type="u" direction="in"/>
          <arg type="s" direction="in"/><arg type="s" direction="in"/>
          <arg type="s" direction="in"/><arg type="as" direction="in"/>
          <arg type="a{sv}" direction="in"/><arg type="i" direction="in"/>
          <arg type="u" direction="out"/>
        </method>
        <method name="CloseNotification"><arg type="u" direction="in"/></method>
        <method name="Choose"><arg type="u" direction="in"/><arg type="s" direction="in"/></method>
        <signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
        <signal name="NotificationClosed"><arg type="u"/><arg type="u"/></signal>
        <method name="GetServerInformation">
          <arg type="s" direction="out"/><arg type="s" direction="out"/>
          <arg type="s" direction="out"/><arg type="s" direction="out"/>
        </method>
      </interface></node>""",
}


def tell(event: str, **more: object) -> None:
    """One line of what happens, in one piece: several services write to the same file."""
    sys.stdout.write(json.dumps({"event": event, "at": time.monotonic(), **more}) + "\n")
    sys.stdout.flush()


class Watcher:
    """The task bar: looks at each icon when it comes, and whenever that says that it changed.
    ``has_host``: whether there is a panel, too."""

    has_host = True

    def __init__(self, bus: Any) -> None:  # noqa: ANN401 - GLib has no types
        self._bus = bus
        self._items: dict[str, int] = {}
        self._looks: dict[str, object] = {}

    def call(self, sender: str, method: str, values: Any) -> Any:  # noqa: ANN401
        """The answer to a call; None is nothing."""
        if method == "RegisterStatusNotifierItem":
            self._register(sender, values[0])

    def property(self, name: str) -> Any:  # noqa: ANN401
        """The value of a property."""
        return {
            "RegisteredStatusNotifierItems": GLib.Variant("as", list(self._items)),
            "IsStatusNotifierHostRegistered": GLib.Variant("b", self.has_host),
            "ProtocolVersion": GLib.Variant("i", 0),
        }[name]

    def _register(self, sender: str, told: str) -> None:
        owner, path = (sender, told) if told.startswith("/") else (told, "/StatusNotifierItem")
        key = owner + path
        if key in self._items:
            return
        tell("item", key=key)
        self._items[key] = self._bus.signal_subscribe(
            owner, ITEM, None, path, None, 0, lambda *_: self._look(owner, path)
        )
        self._signal("StatusNotifierItemRegistered", key)
        Gio.bus_watch_name_on_connection(self._bus, owner, 0, None, lambda *_: self._lose(key))
        self._look(owner, path)

    def _lose(self, key: str) -> None:
        if key in self._items:
            self._bus.signal_unsubscribe(self._items.pop(key))
            self._looks.pop(key, None)
            self._signal("StatusNotifierItemUnregistered", key)
            tell("item-gone", key=key)

    def _signal(self, name: str, key: str) -> None:
        values = GLib.Variant("(s)", (key,))
        self._bus.emit_signal(None, "/StatusNotifierWatcher", WATCHER, name, values)

    def _look(self, owner: str, path: str) -> None:
        def answered(bus: Any, result: Any) -> None:  # noqa: ANN401
            try:
                values = bus.call_finish(result).unpack()[0]
            except GLib.Error:  # it went away
                return
            look = {name: values[name] for name in ("IconName", "Title", "Status")}
            if look != self._looks.get(owner + path):
                self._looks[owner + path] = look
                tell("shown", **look)

        question = GLib.Variant("(s)", (ITEM,))
        call = (owner, path, PROPERTIES, "GetAll", question, None, 0, _ANSWER_MILLISECONDS, None)
        self._bus.call(*call, answered)


class Hostless(Watcher):
    """Takes icons, and nobody shows them."""

    has_host = False


class Notifications:
    """Takes notifications, and shows them nowhere. Its own method ``Choose`` does what a user does
    who clicks one (``default``) or a button of it."""

    _BY_USER = 2

    def __init__(self, bus: Any) -> None:  # noqa: ANN401
        self._bus = bus
        self._last = 0

    def call(self, _sender: str, method: str, values: Any) -> Any:  # noqa: ANN401
        """The answer to a call; None is nothing."""
        if method == "Notify":
            self._last += 1
            _, replaces, icon, title, body, actions, *_ = values
            shown = {"id": self._last, "title": title, "body": body, "icon": icon}
            tell("notification", **shown, actions=list(actions), replaces=replaces)
            return GLib.Variant("(u)", (self._last,))
        if method == "Choose":
            self._signal("ActionInvoked", GLib.Variant("(us)", tuple(values)))
            self._signal("NotificationClosed", GLib.Variant("(uu)", (values[0], self._BY_USER)))
        if method == "CloseNotification":
            tell("notification-closed", id=values[0])
        if method == "GetCapabilities":
            return GLib.Variant("(as)", (["body", "actions"],))
        if method == "GetServerInformation":
            return GLib.Variant("(ssss)", ("fake", "tests", "1", "1.2"))
        return None

    def _signal(self, name: str, values: Any) -> None:  # noqa: ANN401
        path = "/org/freedesktop/Notifications"
        self._bus.emit_signal(None, path, NOTIFICATIONS, name, values)

    def property(self, name: str) -> Any:  # noqa: ANN401
        """There are none."""
        raise LookupError(name)


def serve(bus: Any, name: str, path: str, service: Watcher | Notifications) -> None:  # noqa: ANN401
    """Answer for *name* on the *bus*."""

    def call(*about: Any) -> None:  # noqa: ANN401
        _, sender, _, _, method, values, invocation = about
        invocation.return_value(service.call(sender, method, values))

    def get(*about: Any) -> Any:  # noqa: ANN401
        return service.property(about[-1])

    interface = Gio.DBusNodeInfo.new_for_xml(INTERFACES[name]).interfaces[0]
    bus.register_object(path, interface, call, get, None)
    Gio.bus_own_name_on_connection(bus, name, 0, lambda *_: tell("ready", name=name), None)


def main(services: list[str]) -> None:
    """Stand for the *services* until killed."""
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    if "watcher" in services:
        serve(bus, WATCHER, "/StatusNotifierWatcher", Watcher(bus))
    if "hostless" in services:
        serve(bus, WATCHER, "/StatusNotifierWatcher", Hostless(bus))
    if "notifications" in services:
        serve(bus, NOTIFICATIONS, "/org/freedesktop/Notifications", Notifications(bus))
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(sys.argv[1:])
