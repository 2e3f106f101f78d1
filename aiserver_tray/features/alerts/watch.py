"""Evaluates the rules while the core runs, and reports news to clients, tray and webhook."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Final, NamedTuple

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.codec import view_of
from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.base.queues import available
from aiserver_tray.features.alerts import webhook
from aiserver_tray.features.alerts.alerts import Evaluation, News
from aiserver_tray.features.alerts.facts import Disk, Moment
from aiserver_tray.features.alerts.files import Alert, RuleFiles, RulesData
from aiserver_tray.features.logs.line import Kept
from aiserver_tray.features.monitoring.samples import Sample
from aiserver_tray.settings.entries import AlertEntry, in_all_languages
from aiserver_tray.settings.journal import Journal
from aiserver_tray.state.reduce import State
from aiserver_tray.state.store import Store

BATCH_SECONDS: Final = 0.2
"""Seconds after an evaluation in which changes are taken together."""
DISK_SECONDS: Final = 300.0
"""Seconds between two readings of the engine's disk."""
_OLD_NS: Final = 600 * 10**9
"""Lines that were written so long ago come from logs that are only read now, as those of containers
that ran before the owner. The clocks of the engine and of this machine may differ by less."""
_CLOSE_TIMEOUT_SECONDS = 2.0

_logger = logging.getLogger(__name__)


class Surroundings(NamedTuple):
    """What the rules need besides the state."""

    disk: Callable[[], Disk | None]
    """Reads the engine's disk."""
    target: Callable[[], webhook.Target | None]
    """Where alerts are sent."""
    language: Callable[[], Language]
    """Of what is sent."""
    publish: Callable[[News | None], object]
    """Called with each news, and with None if alerts changed, or a mute ran out, without any."""
    is_home_full: Callable[[], bool] = lambda: False
    """Whether nothing is stored because the disk of the home is full."""


class RuleWatch:
    """Evaluates the rules in *files* over *store*, samples and log lines."""

    def __init__(self, store: Store, files: RuleFiles, surroundings: Surroundings) -> None:
        self._store = store
        self._files = files
        self._surroundings = surroundings
        self._evaluation = Evaluation([], _now())
        self._sender = webhook.Sender(surroundings.target)
        self._states: SimpleQueue[State] = SimpleQueue()
        self._samples: SimpleQueue[Sample] = SimpleQueue()
        self._last = State()
        self._changed = Event()
        self._slept = Event()
        self._closing = Event()
        self._lock = Lock()
        self._observers: tuple[Callable[[Sequence[News]], object], ...] = ()
        self._shown: Sequence[Alert] = ()
        self._evaluated_at = _now().time
        self._disk_at = 0.0
        self._leave: Callable[[], None] = lambda: None
        self.before_news: Callable[[], object] = lambda: None
        """Called before each evaluation: it may find that the machine slept."""
        self.backup_trouble: Callable[[], Text | None] = lambda: None
        """Why there is no recent good backup. Returns at once."""
        self.models_trouble: Callable[[], Text | None] = lambda: None
        """What the last check of models found broken. Returns at once."""
        self.addresses: Callable[[], Mapping[str, Text]] = dict
        """The modules whose address in the network does not work, and why. Returns at once."""
        self._thread = Thread(target=self._run, name="rules", daemon=True)

    def start(self) -> None:
        try:
            self._evaluation = Evaluation(self._files.alerts(), _now())
        except AiServerError as error:
            _logger.warning("the earlier alerts can't be read: %s", error)
        self._shown = self._evaluation.alerts
        self._leave = self._store.observe(self._on_state)
        self._thread.start()

    def close(self) -> None:
        """Stop. What is still to be sent is dropped."""
        self._leave()
        self._closing.set()
        self._changed.set()
        self._sender.close()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_TIMEOUT_SECONDS)

    def observe(self, callback: Callable[[Sequence[News]], object]) -> None:
        """Call *callback* with all news from now on, those that come together at once, in the
        thread of the rules."""
        with self._lock:
            self._observers += (callback,)

    def pause_notifications(self) -> None:
        """The machine slept: no notifications for a while."""
        self._slept.set()

    def refresh(self) -> None:
        """The rules, mutes or surroundings have changed."""
        self._changed.set()

    def on_sample(self, sample: Sample) -> None:
        self._samples.put(sample)
        self._changed.set()

    def on_lines(self, lines: Iterable[Kept]) -> None:
        since = time.time_ns() - _OLD_NS
        if self._evaluation.lines.see(lines, time.monotonic(), since):
            self._changed.set()

    @property
    def alerts(self) -> Sequence[Alert]:
        """All alerts, the oldest first, those that are over before the active ones."""
        return self._shown

    def _on_state(self, state: State) -> None:
        last, self._last = self._last, state
        parts = ("containers", "modules", "engine", "operations", "desired", "unplanned", "stopped")
        if any(getattr(state, part) is not getattr(last, part) for part in parts):
            self._states.put(state)
            self._changed.set()

    def _run(self) -> None:
        pause: float | None = None
        while not self._closing.is_set():
            self._changed.wait(pause)
            self._changed.clear()
            if self._closing.is_set():
                return
            pause = DISK_SECONDS
            try:
                pause = min(pause, self._evaluate())
            except AiServerError as error:
                _logger.warning("the alert rules can't be read: %s", error)
            except Exception as bug:  # noqa: BLE001 - the next state may be evaluated
                log_bug(_logger, "evaluating the alert rules failed", bug)
            self._closing.wait(BATCH_SECONDS)

    def _evaluate(self) -> float:
        """Evaluate what has changed. Returns the seconds until time alone may change more."""
        self.before_news()
        data, now = self._files.read(), _now()
        self._take_in(data, now)
        before, self._evaluated_at = self._evaluated_at, now.time
        shown = {alert.id: alert.ended for alert in self._shown}
        news, due = self._evaluation.evaluate(data, now)
        self._shown = self._evaluation.alerts
        if news or shown != {alert.id: alert.ended for alert in self._shown}:
            try:
                self._files.keep([*self._shown])
            except AiServerError as error:
                _logger.warning("the alerts can't be stored: %s", error)
            self._report(news)
        elif any(mute.lasts(before) and not mute.lasts(now.time) for mute in data.mutes):
            self._report(())
        return DISK_SECONDS if due is None else max(0.0, due - now.clock)

    def _take_in(self, data: RulesData, now: Moment) -> None:
        self._evaluation.is_home_full = self._surroundings.is_home_full()
        self._evaluation.backup_trouble = self.backup_trouble()
        self._evaluation.models_trouble = self.models_trouble()
        self._evaluation.addresses = self.addresses()
        for state in available(self._states, 0):
            self._evaluation.see_state(state, now)
        for sample in available(self._samples, 0):
            self._evaluation.see_sample(sample, data, now)
        if self._slept.is_set():
            self._slept.clear()
            self._evaluation.pause_notifications(now)
        if self._evaluation.is_running and now.clock >= self._disk_at:
            self._disk_at = now.clock + DISK_SECONDS
            self._evaluation.disk = self._surroundings.disk()

    def _report(self, news: Sequence[News]) -> None:
        language = self._surroundings.language()
        for observer in self._observers if news else ():
            observer(news)
        for one in news:
            self._surroundings.publish(one)
            self._sender.put(webhook.message(one, language))
        if not news:
            self._surroundings.publish(None)


def _now() -> Moment:
    return Moment(time.monotonic(), time.time())


class AlertJournal:
    """Writes to *journal* when alerts begin, get worse or end. *known* are already in it; *engine*
    returns the ID of the engine that they are about."""

    def __init__(
        self, journal: Journal, known: Sequence[Alert], engine: Callable[[], str | None]
    ) -> None:
        self._journal = journal
        self._engine = engine
        self._known = {alert.id: (alert.kind, alert.ended) for alert in known}

    def note(self, alerts: Sequence[Alert]) -> None:
        """Write what is new in all *alerts*."""
        known, self._known = self._known, {one.id: (one.kind, one.ended) for one in alerts}
        for alert in alerts:
            if known.get(alert.id) != self._known[alert.id]:
                self._journal.add(replace(_entry(alert), engine=self._engine()))


def _entry(alert: Alert) -> AlertEntry:
    return view_of(
        AlertEntry,
        alert,
        kind="alert",
        actor=None,
        engine=None,
        time=datetime.fromtimestamp(alert.begun, UTC),
        title=in_all_languages(News("raised", alert).title),
        seconds=None if alert.ended is None else alert.ended - alert.begun,
    )
