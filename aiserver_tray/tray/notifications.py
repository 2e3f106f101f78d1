"""Notifications for changes that the user may not see. Pure: the time is an argument."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from aiserver_tray.base.errors import EngineDownError, each
from aiserver_tray.base.i18n import Language, Listed, Text, chained
from aiserver_tray.base.strings import HOME
from aiserver_tray.model import OperationKind
from aiserver_tray.state.views import OperationSummary, Snapshot
from aiserver_tray.tray.actions import Action, Message, MuteAlert, OpenDashboard, Operate

if TYPE_CHECKING:
    from aiserver_tray.features.alerts.alerts import News

Kind = Literal["alert", "operation", "engine"]

QUIET_SECONDS: Final = 15.0
"""Seconds after start and resume without notifications about the engine."""

_ENDS: Mapping[OperationKind, tuple[Text, Text]] = {
    "up": (Text("Started"), Text("Couldn't start")),
    "stop": (Text("Stopped"), Text("Couldn't stop")),
    "down": (Text("Removed"), Text("Couldn't remove")),
    "restart": (Text("Restarted"), Text("Couldn't restart")),
    "pull": (Text("Images downloaded"), Text("Couldn't download images")),
    "build": (Text("Images built"), Text("Couldn't build images")),
    "backup": (Text("Backed up"), Text("Couldn't back up")),
    "move": (Text("Packed for another computer"), Text("Couldn't pack for another computer")),
    "restore": (Text("Restored"), Text("Couldn't restore")),
    "rehearse": (Text("The upgrade fits"), Text("The upgrade doesn't fit")),
    "upgrade": (Text("Upgraded"), Text("Couldn't upgrade")),
    "adopt": (Text("Copied"), Text("Couldn't copy")),
}
"""The titles for an operation that succeeded, and for one that failed."""
_SHOW = Text("Show")
_NOT_ALL = Text("Some modules couldn't start")


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification; the user can turn off each kind."""

    kind: Kind
    title: Text
    body: Text
    page: str = HOME
    """the dashboard's address that it leads to"""
    buttons: tuple[tuple[Text, Action], ...] = ()
    key: str = ""
    is_update: bool = False
    """it replaces the one with its key, if that is still there"""

    def message(self, language: Language) -> Message:
        """It in *language*, for the desktop."""
        return Message(
            self.title.render(language),
            self.body.render(language),
            OpenDashboard(self.page),
            _SHOW.render(language),
            {text.render(language): action for text, action in self.buttons},
            key=self.key,
            is_update=self.is_update,
        )


class Notifier:
    """Finds news of engine and operations: it compares each snapshot with the news that it reported
    last. Results of operations are passed in separately, because a snapshot shows only the last of
    two that finish together. Alerts are passed in, too. The caller calls `take` again at `due` with
    the current snapshot."""

    def __init__(self, now: float, titles: Mapping[str, str]) -> None:
        self.titles = titles
        self.due: float | None = None
        """When `take` may have news without any change."""
        self._engine = _EngineNews(now + QUIET_SECONDS)
        self._alerts: deque[Sequence[News]] = deque()
        self._over: deque[OperationSummary] = deque()
        self._revivals: set[str] = set()
        """The IDs of the failed operations that were reported."""

    def resume(self, now: float) -> None:
        """The machine was asleep: don't report an engine that is soon back."""
        self._engine.quiet_until = now + QUIET_SECONDS

    def ended(self, operation: OperationSummary) -> None:
        """An operation that the user started from the tray has finished: news for the next `take`.
        Can be called from any thread."""
        self._over.append(operation)

    def alerted(self, news: "Sequence[News]") -> None:
        """Alerts that come together: news for the next `take`. Can be called from any thread."""
        self._alerts.append(news)

    def take(self, snapshot: Snapshot, now: float) -> tuple[Notification, ...]:
        engine = self._engine.take(snapshot, now)
        operations = [*self._failed_revivals(snapshot), *self._ends()]
        alerts: list[Notification] = []
        while self._alerts:
            alerts += _of_alerts(self._alerts.popleft())
        self.due = self._engine.due(now)
        return (*engine, *operations, *alerts)

    def _failed_revivals(self, snapshot: Snapshot) -> Iterator[Notification]:
        """No user started them, so no user sees the result. A lost engine has its own
        notification."""
        failed = {o.id: o for o in snapshot.operations if o.is_revival and o.status == "failed"}
        reported, self._revivals = self._revivals, {*failed}
        for id, operation in failed.items():
            is_lost = operation.error and operation.error.code == EngineDownError.code
            if id not in reported and not is_lost:
                yield _end_of(operation, self.titles)

    def _ends(self) -> Iterator[Notification]:
        while self._over:
            operation = self._over.popleft()
            if operation.status != "cancelled":
                yield _end_of(operation, self.titles)


class _EngineNews:
    """Reports when the engine starts or stops responding. The state after the applet's own start is
    no news."""

    def __init__(self, quiet_until: float) -> None:
        self.quiet_until = quiet_until
        self._start_ends = quiet_until
        self._reported: bool | None = None

    def take(self, snapshot: Snapshot, now: float) -> list[Notification]:
        running = snapshot.engine.running
        if now < self._start_ends or self._reported is None:
            self._reported = running
        if now < self.quiet_until or running == self._reported:
            return []
        self._reported = running
        if running:
            follow = Text("Your modules restart automatically.")
            return [Notification("engine", Text("Docker runs again"), follow)]
        why = Text("Your data is kept. Your modules restart when Docker runs again.")
        if error := snapshot.engine.error:
            why = error.text
        return [Notification("engine", Text("Docker is off"), why)]

    def due(self, now: float) -> float | None:
        return self.quiet_until if now < self.quiet_until else None


def _of_alerts(news: "Sequence[News]") -> Iterator[Notification]:
    """Alerts that begin together are one notification, and so are alerts that end together."""
    raised = [one for one in news if one.kind == "raised"]
    over = [one for one in news if one.kind == "recovered"]
    if len(raised) > 1:
        lines = [Text("{name}: {why}", name=one.title, why=one.text) for one in raised]
        title = Text("{count} alerts", count=len(raised))
        yield Notification("alert", title, chained(lines), "alerts")
    if len(over) > 1:
        title = Text("{count} alerts are over", count=len(over))
        yield Notification("alert", title, chained([one.title for one in over]), "alerts")
    single = [one for group in (raised, over) if len(group) == 1 for one in group]
    yield from map(_of_alert, (*single, *(one for one in news if one.kind == "changed")))


def _of_alert(news: "News") -> Notification:
    alert, is_update = news.alert, news.kind == "changed"
    buttons: tuple[tuple[Text, Action], ...] = ()
    if news.kind != "recovered":
        buttons = ((Text("Mute for 1 hour"), MuteAlert(alert.id)),)
        if module := news.module_to_stop:
            buttons = ((Text("Stop"), Operate("stop", (module,))), *buttons)
    return Notification("alert", news.title, news.text, news.page, buttons, news.id, is_update)


def _end_of(operation: OperationSummary, titles: Mapping[str, str]) -> Notification:
    page = f"activity/{operation.id}"
    succeeded, failed = _ENDS[operation.kind]
    names = Listed(titles.get(n, n) for n in operation.modules)
    if operation.status == "failed":
        title = _NOT_ALL if operation.is_revival else failed
        why = [error.text for error in each(operation.error)] if operation.error else [names]
        return Notification("operation", title, chained(why), page)
    body = chained([*([names] if operation.modules else []), *operation.notices])
    return Notification("operation", succeeded, body, page)
