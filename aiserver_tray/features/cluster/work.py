"""Work on clusters: each in a thread of its own, with steps that clients follow."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import Condition, Thread
from typing import Final
from uuid import uuid4

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import AiServerError, CancelledError, RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.cluster.views import (
    WorkKind,
    WorkStatus,
    WorkStep,
    WorkStepStatus,
    WorkView,
)

_logger = logging.getLogger(__name__)

_WAIT_SECONDS: Final = 10.0
_KEPT: Final = 8
"""Works that have ended and can still be asked for."""
_CLOSE_SECONDS: Final = 5.0


class Work:
    """One of them, as its thread sees it. *changed* is called after each change."""

    def __init__(self, view: WorkView, changed: Callable[[], object]) -> None:
        self.view = view
        self.cancelled = Cancellation()
        self._changed = changed

    def check(self) -> None:
        """Raises `CancelledError` if the user has cancelled."""
        if self.cancelled.is_set():
            raise CancelledError

    def notice(self, text: Text) -> None:
        """Tell the user something that is no failure, once."""
        if text not in self.view.notices:
            self._publish(notices=(*self.view.notices, text))

    def plan(self, steps: Sequence[WorkStep]) -> None:
        """Show *steps* in the place of those before."""
        self._publish(steps=tuple(steps))

    def detail(self, step: WorkStep, text: Text | None) -> None:
        """Show what *step* waits for."""
        self._change(step, lambda one: replace(one, detail=text))

    def begin(self, step: WorkStep) -> float:
        """The step is under way; when it began.

        Raises:
            CancelledError: the user has cancelled.
        """
        self.check()
        self._change(step, lambda one: replace(one, status="running"))
        return time.monotonic()

    def done(self, step: WorkStep, began: float) -> None:
        """The step has succeeded."""
        seconds = time.monotonic() - began
        self._change(step, lambda one: replace(one, status="done", detail=None, seconds=seconds))

    def give_up(self) -> None:
        """What is under way has failed, and the rest does not begin any more."""
        over: dict[str, WorkStepStatus] = {"pending": "skipped", "running": "failed"}
        self.plan([replace(s, status=over.get(s.status, s.status)) for s in self.view.steps])

    def end(self, status: WorkStatus, error: AiServerError | None) -> None:
        """It has ended."""
        self._publish(status=status, error=error, ended_at=datetime.now(UTC))

    def _change(self, step: WorkStep, change: Callable[[WorkStep], WorkStep]) -> None:
        def is_it(one: WorkStep) -> bool:
            return (one.kind, one.subject, one.module) == (step.kind, step.subject, step.module)

        steps = tuple(change(one) if is_it(one) else one for one in self.view.steps)
        if steps != self.view.steps:
            self._publish(steps=steps)

    def _publish(self, **changes: object) -> None:
        view: WorkView = replace(self.view, **changes)  # type: ignore[arg-type]
        self.view = replace(view, revision=view.revision + 1)
        self._changed()


class Works:
    """All works of this process. *tell* is called with the name of a cluster after each change."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._changed = Condition()
        self._known: dict[str, Work] = {}
        self._threads: list[Thread] = []

    def views(self) -> Iterable[WorkView]:
        """All, the newest first."""
        return [work.view for work in reversed([*self._known.values()])]

    def begin(
        self, cluster: str, kind: WorkKind, modules: Sequence[str], run: Callable[[Work], object]
    ) -> str:
        """Start *run* in a thread; the ID of the work."""
        now = datetime.now(UTC)
        view = WorkView(
            uuid4().hex, cluster, kind, tuple(modules), "running", 0, (), (), None, now, None
        )
        work = Work(view, lambda: self._notify(cluster))
        with self._changed:
            over = [id for id, known in self._known.items() if known.view.is_over]
            for id in over[:-_KEPT]:
                del self._known[id]
            self._known[view.id] = work
        thread = Thread(target=_run, args=(work, run), name="cluster-work", daemon=True)
        self._threads = [*(one for one in self._threads if one.is_alive()), thread]
        thread.start()
        return view.id

    def wait(self, id: str, revision: int) -> WorkView:
        """The work *id*, once it is newer than *revision* or over; after 10 seconds in any case.

        Raises:
            RequestError: there is none.
        """
        work = self._get(id)
        with self._changed:
            self._changed.wait_for(
                lambda: work.view.revision > revision or work.view.is_over, _WAIT_SECONDS
            )
        return work.view

    def cancel(self, id: str) -> None:
        """Cancel the work *id*. Raises `RequestError` if there is none."""
        self._get(id).cancelled.set()

    def close(self) -> None:
        """Cancel what is under way, and wait for a moment."""
        for work in [*self._known.values()]:
            work.cancelled.set()
        for thread in self._threads:
            thread.join(_CLOSE_SECONDS)

    def _get(self, id: str) -> Work:
        if (work := self._known.get(id)) is None:
            raise RequestError(Text("there is no work {id!r} on a cluster", id=id), ["id"])
        return work

    def _notify(self, cluster: str) -> None:
        with self._changed:
            self._changed.notify_all()
        self._tell(cluster)


def _run(work: Work, run: Callable[[Work], object]) -> None:
    try:
        run(work)
    except CancelledError:
        work.give_up()
        work.end("cancelled", CancelledError("cluster"))
    except AiServerError as error:
        work.give_up()
        work.end("failed", error)
    except Exception as bug:  # noqa: BLE001 - every failure must be reported
        log_bug(_logger, "work on a cluster failed", bug)
        work.give_up()
        work.end("failed", bug_error(bug))
    else:
        work.end("succeeded", None)
