"""The host's state, kept up to date in a client."""

from collections.abc import Callable
from threading import Condition
from typing import Final

from aiserver_tray.base.errors import NotRunningError
from aiserver_tray.contract.contract import PROGRESS_EVENT, SNAPSHOT_EVENT, Json
from aiserver_tray.contract.local.changes import OutOfStepError, applied
from aiserver_tray.contract.local.client import Client

EVENTS: Final = (PROGRESS_EVENT, SNAPSHOT_EVENT)


class Mirror:
    """What the host of *client* shows, from its events. *on_change* is called after each that
    leaves a snapshot to look at, in the client's reader thread, where it must return at once;
    *on_lost* when the host is gone.

    Raises:
        NotRunningError: it is gone already.
    """

    def __init__(
        self,
        client: Client,
        on_change: Callable[[], None] = lambda: None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._on_change = on_change
        self._on_lost = on_lost
        self._changed = Condition()
        self._snapshot: Json | None = None
        self._steps: dict[str, Json] = {}
        self._is_lost = False
        client.subscribe(EVENTS, self._take, self._lose)

    def snapshot(self, timeout: float = 2.0) -> Json:
        """Everything as it was last told; waits for the first.

        Raises:
            NotRunningError: the host went away before, or is silent.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._snapshot or self._is_lost, timeout)
            if self._snapshot is None:
                raise NotRunningError
            return self._snapshot

    def operations(self) -> list[Json]:
        """The operations with their steps, as they were last told; waits as `snapshot` does.

        Raises:
            NotRunningError: as for `snapshot`.
        """
        with self._changed:
            shown = self.snapshot()["operations"]
            return [self._steps[o["id"]] for o in shown if o["id"] in self._steps]

    # -- in the reader's thread -----------------------------------------------------------------

    def _take(self, event: str, payload: Json) -> None:
        with self._changed:
            if event == PROGRESS_EVENT:
                self._steps[payload["operation"]["id"]] = payload["operation"]
            else:
                self._apply(payload)
            is_known = self._snapshot is not None
            self._changed.notify_all()
        if is_known:
            self._on_change()

    def _apply(self, payload: Json) -> None:
        try:
            self._snapshot = applied(self._snapshot, payload)
        except OutOfStepError:
            self._ask_again()
            return
        shown = {operation["id"] for operation in self._snapshot["operations"]}
        self._steps = {id: steps for id, steps in self._steps.items() if id in shown}

    def _ask_again(self) -> None:
        try:
            self._client.repeat()
        except NotRunningError:  # `_lose` follows
            return

    def _lose(self) -> None:
        with self._changed:
            self._is_lost = True
            self._changed.notify_all()
        self._on_lost()
