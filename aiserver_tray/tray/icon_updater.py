"""Keeps the icon up to date, and notifies the user."""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Event, Thread
from typing import TYPE_CHECKING

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import AiServerError, ErrorJson
from aiserver_tray.base.i18n import Language
from aiserver_tray.core.app import App
from aiserver_tray.features.access.events import ACCESS
from aiserver_tray.features.alerts.events import RULES
from aiserver_tray.features.mcp.events import PROPOSALS, Proposal
from aiserver_tray.features.models.events import MODELS
from aiserver_tray.protocol.message import Contract, Peer
from aiserver_tray.protocol.message import Message as EventMessage
from aiserver_tray.state.encode import by_title
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import OperationView, Snapshot
from aiserver_tray.system import autostart
from aiserver_tray.tray.actions import Message, OpenDashboard
from aiserver_tray.tray.menu import ActiveAlert, TrayFacts, proposal_text
from aiserver_tray.tray.notifications import Notifier
from aiserver_tray.tray.view import NAME, tray_view

if TYPE_CHECKING:
    from aiserver_tray.features.alerts.alerts import News
    from aiserver_tray.tray.icon import TrayIcon

_BATCH_SECONDS = 0.03
"""Seconds between two updates; changes in between are shown together."""

_AUTOSTART_CACHE_SECONDS = 5.0
"""Seconds for which the start at login counts as known: on macOS, each query starts a process."""

EVENTS = (RULES.name, ACCESS.name, MODELS.name, PROPOSALS.name)

_logger = logging.getLogger(__name__)


class IconUpdater:
    """Shows the state of *store* on *icon*; of several states only the latest. *check_sleep* is
    called before each notification: it calls `resume` if the machine slept. *peer* is the client
    for requests to *contract*."""

    def __init__(  # noqa: PLR0913, PLR0917 - inputs, output and client
        self,
        app: App,
        store: Store,
        contract: Contract,
        peer: Peer,
        icon: "TrayIcon",
        check_sleep: Callable[[], None],
    ) -> None:
        self._app = app
        self._store = store
        self._contract = contract
        self._peer = peer
        self._icon = icon
        self._check_sleep = check_sleep
        self._changed = Event()
        self._closing = Event()
        self._login_changed = Event()
        self._login: bool | None = None
        self._login_until = 0.0
        self._notifier = Notifier(time.monotonic(), {})
        self._alerts: tuple[Language, Sequence[ActiveAlert]] | None = None
        self._rules_changed = Event()
        self._open: Mapping[str, str] = {}
        self._relayed: Sequence[str] = ()
        self._is_silent = False
        self._proposals: Sequence[Proposal] = ()
        self._told: set[str] = set()
        self._listener = replace(peer, send=self._on_event)
        self._can_start: tuple[ErrorJson, bool] | None = None
        self._thread = Thread(target=self._run, name="icon-updater", daemon=True)

    def start(self) -> None:
        self._contract.subscribe(self._listener, EVENTS)
        self._leave = self._store.observe(lambda _state: self._changed.set())
        self._changed.set()
        self._thread.start()

    def close(self) -> None:
        self._contract.forget(self._listener)
        self._leave()
        self._closing.set()
        self._changed.set()
        self._thread.join()

    def update(self) -> None:
        """Update the icon after a change outside of the state."""
        self._login_changed.set()
        self._changed.set()

    def ended(self, operation: OperationView) -> None:
        """Notify the user of the result of an operation that was started here."""
        self._notifier.ended(operation)
        self._changed.set()

    def alerted(self, news: "Sequence[News]") -> None:
        self._notifier.alerted(news)
        self._changed.set()

    def _on_event(self, message: EventMessage) -> None:
        """Alerts, what is open to the network, model servers, or questions have changed."""
        if message.event == ACCESS.name:
            found = json.loads(message.payload)["modules"]
            live = (one for one in found if one["state"] in ("open", "broken"))
            self._open = {one["name"]: one["way"] for one in live}
        elif message.event == MODELS.name:
            found = json.loads(message.payload)
            self._relayed, self._is_silent = found["relayed"], bool(found["broken"])
        elif message.event == PROPOSALS.name:
            self._proposals = json.loads(message.payload)["waiting"]
        else:
            self._rules_changed.set()
        self._changed.set()

    def resume(self) -> None:
        """The machine was asleep: don't report an engine that comes back now."""
        self._notifier.resume(time.monotonic())

    # -- in its thread --------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            due = self._notifier.due
            self._changed.wait(None if due is None else max(0.0, due - time.monotonic()))
            if self._closing.is_set():
                return
            self._changed.clear()
            try:
                self._update()
            except Exception as bug:  # noqa: BLE001 - the next state must still be shown
                log_bug(_logger, "updating the icon failed", bug)
            self._closing.wait(_BATCH_SECONDS)

    def _update(self) -> None:
        snapshot = self._store.snapshot
        if not snapshot.engine.running and snapshot.engine.error is None:
            # The engine was not contacted yet. Keep the current view; otherwise, each start would
            # briefly show that the engine is down.
            return
        language = self._app.language_for(self._peer.language)
        snapshot = by_title(snapshot, language)
        titles = {module.name: module.title_in(language) for module in snapshot.modules}
        facts = TrayFacts(
            titles,
            self._starts_at_login(),
            self._can_start_engine(snapshot),
            self._active_alerts(language),
            self._open,
            self._relayed,
            self._proposals,
            self._is_silent,
        )
        self._icon.show(tray_view(snapshot, facts, language))
        self._notify(snapshot, titles, language)
        self._notify_of_proposals(titles, language)
        self._notify_of_repairs(language)

    def _notify_of_proposals(self, titles: Mapping[str, str], language: Language) -> None:
        """An assistant waits for an answer, so each of its questions is told once."""
        for one in self._proposals:
            if one["id"] not in self._told:
                self._told.add(one["id"])
                text = proposal_text(one, titles).render(language)
                self._icon.notify(Message(NAME, text, OpenDashboard()))

    def _notify_of_repairs(self, language: Language) -> None:
        """Report damaged files in the home folder and their repair."""
        notices = self._app.settings.notices
        while notices:
            notice = notices.pop(0)
            _logger.warning("%s", notice)
            self._icon.notify(Message(NAME, notice.render(language), OpenDashboard("doctor")))

    def _notify(self, snapshot: Snapshot, titles: Mapping[str, str], language: Language) -> None:
        self._notifier.titles = titles
        self._check_sleep()
        if news := self._notifier.take(snapshot, time.monotonic()):
            wanted = self._wanted()
            for one in news:
                if wanted[one.kind]:
                    self._icon.notify(one.message(language))

    def _wanted(self) -> Mapping[str, bool]:
        try:
            settings = self._app.settings.app
            return {
                "alert": settings.notify_alerts,
                "operation": settings.notify_operations,
                "engine": settings.notify_engine,
            }
        except AiServerError:
            return dict.fromkeys(("alert", "operation", "engine"), True)

    def _starts_at_login(self) -> bool | None:
        now = time.monotonic()
        if self._login_changed.is_set() or now >= self._login_until:
            self._login_changed.clear()
            self._login_until = now + _AUTOSTART_CACHE_SECONDS
            home, options = self._app.settings.home, self._app.start_options
            is_supported = autostart.is_supported()
            self._login = autostart.is_enabled(home, options) if is_supported else None
        return self._login

    def _active_alerts(self, language: Language) -> Sequence[ActiveAlert]:
        """Those that nobody muted, read again after each change."""
        known = self._alerts
        if known is None or known[0] != language or self._rules_changed.is_set():
            self._rules_changed.clear()
            answer = self._contract.invoke("ai/rules/list", {}, self._peer)
            alerts = answer["data"]["alerts"] if answer["success"] else []
            active = [one for one in alerts if one["ended"] is None and not one["muted"]]
            found = [ActiveAlert(one["title"], one["module"]) for one in active]
            known = self._alerts = language, found
        return known[1]

    def _can_start_engine(self, snapshot: Snapshot) -> bool:
        """Whether the engine can be started. Checked once for each error of the engine, because it
        may have to ask the system."""
        error = snapshot.engine.error
        if snapshot.engine.running or error is None:
            self._can_start = None
            return False
        why = error.as_json(self._peer.language)
        if self._can_start is None or self._can_start[0] != why:
            answer = self._contract.invoke("ai/docker/checkDocker", {}, self._peer)
            if not answer["success"]:
                return False
            self._can_start = why, bool(answer["data"]["canStart"])
        return self._can_start[1]
