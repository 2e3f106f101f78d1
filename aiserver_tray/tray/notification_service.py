"""Notifications of a Linux desktop, with buttons
(https://specifications.freedesktop.org/notification-spec)."""

import logging
from collections.abc import Callable, Collection
from typing import Any, Final

from gi.repository import Gio, GLib

from aiserver_tray.tray.actions import Action, Message
from aiserver_tray.tray.view import NAME

_SERVICE: Final = "org.freedesktop.Notifications"
_PATH: Final = "/org/freedesktop/Notifications"

_TIMEOUT_MILLISECONDS: Final = 5_000
"""Milliseconds for a response of the desktop."""

_MAX_KEPT: Final = 50
"""The number of notifications whose clicks still count. A desktop may never report that one was
closed."""

_log = logging.getLogger(__name__)

_OnAction = Callable[[Action], None]


class Notifications:
    """Sends notifications. Nothing waits for the service, which may be missing or hang."""

    def __init__(self) -> None:
        self._abilities: Collection[str] = ()
        self._hint: int | None = None
        self._sent: dict[int, tuple[Message, _OnAction]] = {}
        """The desktop's number of a notification -> the notification and what gets its actions."""
        self._bus: Any = None
        try:
            self._bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
        except GLib.Error as error:
            _log.warning("No notifications: %s", error.message)
            return
        listeners = {"ActionInvoked": self._on_invoked, "NotificationClosed": self._on_closed}
        for signal, listener in listeners.items():
            self._bus.signal_subscribe(_SERVICE, _SERVICE, signal, _PATH, None, 0, listener)
        self._call("GetCapabilities", None, self._set_abilities)

    def send(self, message: Message, icon: str, on_action: _OnAction) -> None:
        """Show *message* with the picture in the file *icon*."""
        before = self._number_of(message.key)
        if message.is_update and not before:
            return

        def keep(answer: Any) -> None:  # noqa: ANN401 - GLib has no types
            self._sent.pop(before, None)
            self._sent[answer.unpack()[0]] = (message, on_action)
            while len(self._sent) > _MAX_KEPT:
                del self._sent[next(iter(self._sent))]

        self._show(message, icon, before, keep)

    def show_hint(self, title: str, body: str, icon: str) -> None:
        """Show a notification until `withdraw_hint` is called."""

        def keep(answer: Any) -> None:  # noqa: ANN401
            self._hint = answer.unpack()[0]

        self._show(Message(title, body), icon, 0, keep)

    def withdraw_hint(self) -> None:
        """Withdraw the last hint, unless the user has closed it."""
        if self._hint is not None:
            values = GLib.Variant("(u)", (self._hint,))
            self._call("CloseNotification", values, lambda _answer: None)

    def hide(self) -> None:
        """Do nothing when pystray exits: notifications stay until they are closed."""

    def _number_of(self, key: str) -> int:
        """The desktop's number of the notification with *key*; 0: there is none."""
        found = (number for number, (message, _) in self._sent.items() if message.key == key)
        return next(found, 0) if key else 0

    def _show(self, message: Message, icon: str, before: int, then: Callable[[Any], None]) -> None:
        body = message.body
        if "body-markup" in self._abilities:
            body = GLib.markup_escape_text(body)
        actions: list[str] = []
        if "actions" in self._abilities:
            # The first is that of a click; desktops that show a button for it get a text.
            actions = ["default", message.click_text]
            for number, text in enumerate(message.buttons):
                actions += [str(number), text]
        values: Any = (NAME, before, icon, message.title, body, actions, {}, -1)
        self._call("Notify", GLib.Variant("(susssasa{sv}i)", values), then)

    def _on_invoked(self, *signal: Any) -> None:  # noqa: ANN401
        number, key = signal[5].unpack()
        if number not in self._sent:
            return
        message, on_action = self._sent[number]
        actions = {str(index): action for index, action in enumerate(message.buttons.values())}
        if action := message.click if key == "default" else actions.get(key):
            on_action(action)

    def _on_closed(self, *signal: Any) -> None:  # noqa: ANN401
        self._sent.pop(signal[5].unpack()[0], None)

    def _set_abilities(self, answer: Any) -> None:  # noqa: ANN401
        self._abilities = answer.unpack()[0]

    def _call(self, method: str, values: Any, then: Callable[[Any], None]) -> None:  # noqa: ANN401
        if self._bus is None:
            return

        def answered(bus: Any, result: Any) -> None:  # noqa: ANN401
            try:
                then(bus.call_finish(result))
            except GLib.Error as error:
                _log.info("The desktop has no notifications: %s", error.message)

        where = (_SERVICE, _PATH, _SERVICE, method, values)
        self._bus.call(*where, None, 0, _TIMEOUT_MILLISECONDS, None, answered)
