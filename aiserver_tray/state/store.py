"""The one place that keeps the state, and the one thread that changes it."""

import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock, Thread, current_thread

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.state.facts import Fact
from aiserver_tray.state.reduce import State, reduce
from aiserver_tray.state.views import Snapshot

_logger = logging.getLogger(__name__)

_Answer = SimpleQueue[State | Exception]
"""The result that a thread waits for; only the first item counts."""


class StoreClosedError(RuntimeError):
    """The store was closed, because the process exits. No further state will come."""


class Store:
    """Accepts facts from any thread, applies them in order, and notifies observers.

    Its thread runs until `close`.
    """

    def __init__(self) -> None:
        self._state = State()
        self._inbox: SimpleQueue[Fact | _Observer | None] = SimpleQueue()
        self._observers: tuple[_Observer, ...] = ()
        self._waiting: set[_Answer] = set()
        self._closing = Lock()
        self._closed = False
        self._thread = Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    @property
    def state(self) -> State:
        return self._state

    @property
    def snapshot(self) -> Snapshot:
        return self._state.snapshot

    def put(self, fact: Fact) -> None:
        """Apply *fact* soon. Returns at once; does nothing after `close`."""
        self._inbox.put(fact)

    def observe(self, callback: Callable[[State], object]) -> Callable[[], None]:
        """Call *callback* in the store's thread with the current state and with every later one. It
        must return at once; its exceptions are logged.

        Returns a function that stops this. A running call is still completed.
        """
        observer = _Observer(callback)
        self._inbox.put(observer)

        def leave() -> None:
            observer.is_active = False
            self._inbox.put(observer)

        return leave

    def flush(self) -> None:
        """Wait until everything that was put before is in the state.

        Raises:
            StoreClosedError: the store was closed.
            RuntimeError: this is its own thread.
        """
        self._wait(lambda _state: True, None)

    def wait_until(
        self, predicate: Callable[[Snapshot], bool], timeout: float | None = None
    ) -> Snapshot:
        """The first snapshot, from the current one on, for which *predicate* is true. It is called
        in the store's thread for every state, and must return at once.

        Raises:
            TimeoutError: *timeout* seconds have passed.
            StoreClosedError: the store was closed.
            RuntimeError: this is its own thread.
            Exception: what *predicate* raised.
        """
        return self._wait(lambda state: predicate(state.snapshot), timeout).snapshot

    def _wait(self, predicate: Callable[[State], bool], timeout: float | None) -> State:
        if current_thread() is self._thread:
            raise RuntimeError("an observer must not wait for the store")
        # Not a Future: Ctrl-C could interrupt it while it holds its own lock, and it would hang.
        found: _Answer = SimpleQueue()
        with self._closing:
            if self._closed:
                raise StoreClosedError("the store is closed")
            self._waiting.add(found)
        leave = self.observe(lambda state: _check(state, predicate, found))
        try:
            answer = found.get(timeout=timeout)
        except Empty:
            raise TimeoutError from None
        finally:
            leave()
            self._waiting.discard(found)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Apply the facts that were put before, then stop. A thread that waits gets a
        StoreClosedError."""
        self._inbox.put(None)
        if current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while (item := self._inbox.get()) is not None:
            if isinstance(item, _Observer):
                self._add_or_remove(item)
            else:
                self._apply(item)
        with self._closing:
            self._closed = True
        for found in tuple(self._waiting):
            found.put(StoreClosedError("the store was closed"))

    def _add_or_remove(self, observer: "_Observer") -> None:
        if observer.is_active:
            self._observers += (observer,)
            observer.call(self._state)
        else:
            self._observers = tuple(o for o in self._observers if o is not observer)

    def _apply(self, fact: Fact) -> None:
        try:
            state = reduce(self._state, fact)
        except Exception as bug:  # noqa: BLE001 - the other facts must still be applied
            log_bug(_logger, f"applying a fact failed ({type(fact).__name__})", bug)
            return
        if state is self._state:
            return
        self._state = state
        for observer in self._observers:
            observer.call(state)


class _Observer:
    """An observer. It is put into the inbox when it starts and when it stops."""

    def __init__(self, callback: Callable[[State], object]) -> None:
        self._callback = callback
        self.is_active = True

    def call(self, state: State) -> None:
        if not self.is_active:
            return
        try:
            self._callback(state)
        except Exception as bug:  # noqa: BLE001 - the other observers must still be called
            log_bug(_logger, "an observer failed", bug)


def _check(state: State, predicate: Callable[[State], bool], found: _Answer) -> None:
    """Put *state* or the exception of *predicate* into *found*, unless it has a result already."""
    if not found.empty():
        return
    try:
        if predicate(state):
            found.put(state)
    except Exception as error:  # noqa: BLE001 - raised in the thread that waits
        found.put(error)
