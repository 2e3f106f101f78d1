"""Channels about the engine."""

from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import TypedDict

from aiserver_tray.base.errors import EngineNotInstalledError, SettingError
from aiserver_tray.features.engine.own_channels import OwnEngineChannels
from aiserver_tray.features.engine.setup import EngineSetupChannels
from aiserver_tray.features.place import Place
from aiserver_tray.protocol.channel import Feature, channel
from aiserver_tray.state.facts import EngineStarting
from aiserver_tray.system import engine_start
from aiserver_tray.system.clock import awake

_UP_TIMEOUT_SECONDS = 5.0
"""Seconds in which the state is to show an engine that answers."""
_ANSWER_SECONDS = 1.0
"""Seconds in which an engine that runs answers; none starts so fast."""


class EngineCheck(TypedDict):
    """Whether there is an engine, and whether it answers."""

    installed: bool
    running: bool
    """it answers"""
    version: str | None
    address: str
    canStart: bool
    """the applet can start it"""


class EngineFeature(Feature):
    """``ai/docker/…`` and ``ai/engine/…``."""

    parts: tuple[EngineSetupChannels, OwnEngineChannels]

    def __init__(self, place: Place) -> None:
        self._core = place.core
        self._settings = place.app.settings
        own = OwnEngineChannels(place)
        self.parts = (EngineSetupChannels(place.core, place.publish, own), own)
        self._closing = Event()
        self._lock = Lock()
        self._last: Future[None] | None = None
        """The start that is under way, or was the last."""

    def start(self) -> None:
        """Go on with a set-up that waited for a restart of Windows."""
        self.parts[1].start()

    def close(self) -> None:
        """Stop waiting for the engine, and an installation that can still be stopped."""
        super().close()
        self._closing.set()

    @channel("ai/docker/checkDocker")
    def _check(self) -> EngineCheck:
        """Check whether the engine is installed and answers."""
        engine = self._core.store.snapshot.engine
        return {
            "installed": not isinstance(engine.error, EngineNotInstalledError),
            "running": engine.running,
            "version": engine.version,
            "address": self._core.engine.host,
            "canStart": not engine.running and engine_start.can_start(self._core.engine.host),
        }

    @channel("ai/docker/startDocker")
    def _start(self) -> None:
        """Start the engine; answers when it answers, or with the reason why it does not.

        A start that is under way is joined: another would run the engine's program again.
        """
        with self._lock:
            if self._last is None or self._last.done():
                self._last = Future()
                work = (self._last,)
                Thread(target=self._work, args=work, name="engine-up", daemon=True).start()
            start = self._last
        start.result()

    def _work(self, start: Future[None]) -> None:
        begun = awake()
        self._core.store.put(EngineStarting(datetime.now(UTC), self._usual_seconds()))
        failure: Exception | None = None
        try:
            self._bring_up()
            if (seconds := awake() - begun) > _ANSWER_SECONDS:  # else it was running already
                with suppress(SettingError):
                    self._settings.engines.learn_start(self._core.engine.host, seconds)
        except Exception as error:  # noqa: BLE001 - all waiting threads must get the error
            failure = error
        self._core.store.put(EngineStarting(None))
        if failure:
            start.set_exception(failure)
        else:
            start.set_result(None)

    def _usual_seconds(self) -> float | None:
        with suppress(SettingError):
            return self._settings.engines.usual_start(self._core.engine.host)
        return None

    def _bring_up(self) -> None:
        engine_start.start_engine(self._core.engine.host, self._core.engine.ping, self._closing)
        self._core.refresh()
        # Otherwise, the engine would briefly be shown as down, after it was shown as starting.
        with suppress(TimeoutError, RuntimeError):  # it is gone again, or the store is closed
            self._core.store.wait_until(lambda seen: seen.engine.running, _UP_TIMEOUT_SECONDS)
