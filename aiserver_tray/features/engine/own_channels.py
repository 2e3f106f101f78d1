"""Channels that set up, keep and remove the engine of our own."""

from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread

from pydantic import Field

from aiserver_tray.base.bugs import bug_error
from aiserver_tray.base.errors import AiServerError, RefusedError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.engine import Engine
from aiserver_tray.features.engine import own, own_room
from aiserver_tray.features.engine.events import OWN_ENGINE_SETUP, OwnEngine
from aiserver_tray.features.engine.own import HOST, OwnSetup, Surroundings
from aiserver_tray.features.engine.own_room import OwnRoom
from aiserver_tray.features.place import Place, refuse_elsewhere
from aiserver_tray.features.stack.channels import StackFeature
from aiserver_tray.model import Actor
from aiserver_tray.protocol.channel import Part, Payload, channel
from aiserver_tray.protocol.message import Caller
from aiserver_tray.settings.changes import change_setting
from aiserver_tray.system import autostart, engine_install
from aiserver_tray.system.engine_place import has_own_engine, is_installed

_CLOSE_SECONDS = 10.0
_ONLY_HERE = Text("The engine of this computer can be set up and removed only on it.")


class OwnChange(Payload):
    """What is to be changed of Windows' own engine."""

    memory: int | None = Field(default=None, ge=2)
    """GiB of all distributions of WSL together; all of them are ended for that"""
    processors: int | None = Field(default=None, ge=1)
    """as `memory`"""
    disk: int | None = Field(default=None, ge=8, le=65536)
    """GiB up to which its data can grow; it is ended for that"""
    folder: str | None = Field(default=None, min_length=1, max_length=400)
    """absolute, to move its disk file there; it is ended for that"""
    keep: bool | None = None
    """whether it starts at login, without the applet"""


class OwnEngineChannels(Part):
    """``ai/engine/own/…``, on Windows."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._file = own.state_file(place.app.home.folder, place.app.settings.notices)
        self._lock = Lock()
        self._setup: OwnSetup | None = None
        self._thread: Thread | None = None

    def start(self) -> None:
        """Go on with a set-up that waited for a restart of Windows, unless there is another engine
        by now."""
        if own.is_possible() and self._file.path.exists():
            with suppress(AiServerError):
                if self._file.read().restart_since is None:
                    return
                if is_installed() or self._place.app.quick_settings.engine:
                    self._file.path.unlink(missing_ok=True)
                else:
                    self._begin()

    def close(self) -> None:
        """End a set-up that can be ended."""
        if setup := self._running:
            setup.cancel()
        if self._thread:
            self._thread.join(_CLOSE_SECONDS)

    @property
    def view(self) -> OwnEngine | None:
        """What is shown of it; None: this is not Windows."""
        if not own.is_possible():
            return None
        with self._lock:
            if self._setup:
                return self._setup.view
        # One whose set-up was interrupted can be set up further.
        return OwnEngine("ready" if has_own_engine() else "failed" if own.exists() else "none")

    @property
    def _running(self) -> OwnSetup | None:
        with self._lock:
            setup = self._setup
        return setup if setup and setup.view.status == "running" else None

    @channel("ai/engine/own/setUp")
    def _set_up(self, caller: Caller) -> None:
        """Set up Windows' own engine, or go on with that. Answers at the beginning; a set-up that
        is under way is joined."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        if not own.is_possible():
            raise RefusedError(Text("Only Windows has such an engine."))
        self._begin()

    @channel("ai/engine/own/cancel")
    def _cancel(self, caller: Caller) -> None:
        """Cancel the set-up. What it has made is removed, except for WSL itself; once packages are
        being installed, this is refused."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        if (setup := self._running) and not setup.cancel():
            raise RefusedError(engine_install.TOO_LATE)

    @channel("ai/engine/own/restart")
    def _restart(self, caller: Caller) -> None:
        """Restart Windows in a few seconds, if the set-up waits for that."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        view = self.view
        if view is None or view.status != "restart":
            raise RefusedError(Text("The set-up does not wait for a restart."))
        own.restart_windows()

    @channel("ai/engine/own/room")
    def _room(self, caller: Caller) -> OwnRoom:
        """Get what the engine takes of this computer: memory, processors, disk."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        if not has_own_engine():
            raise _none()
        return own_room.own_room()

    @channel("ai/engine/own/change")
    def _change(self, asked: OwnChange, caller: Caller) -> OwnRoom:
        """Change what the engine takes of this computer. Refused while an operation is under
        way."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        self._refuse_without()
        if asked.keep is not None:
            try:
                autostart.keep_engine(enabled=asked.keep)
            except OSError as error:
                raise RefusedError(Text("{why}", why=error.strerror or error)) from error
        if asked.memory or asked.processors or asked.disk or asked.folder:
            self._place.feature(StackFeature).refuse_busy()
            try:
                _change_size(asked)
            finally:
                self._place.core.refresh()
        return own_room.own_room()

    def _refuse_without(self) -> None:
        if self._running:
            raise RefusedError(Text("The engine is being set up. Cancel that first."))
        if not (own.is_possible() and own.exists() and own.is_ours()):
            raise _none()

    @channel("ai/engine/own/remove")
    def _remove(self, caller: Caller) -> None:
        """Remove the engine with all data of all modules in it. Backups are kept."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        self._refuse_without()
        is_in_use = self._place.core.engine.host == HOST
        stack = self._place.feature(StackFeature)
        if is_in_use:
            stack.refuse_busy()
        own.remove()
        with suppress(OSError):
            autostart.keep_engine(enabled=False)
        with self._lock:
            self._setup = None
        if self._place.app.quick_settings.engine == HOST:
            self._use("")
        elif is_in_use:
            stack.give_up(self._place.process.restart_core)

    def _begin(self) -> None:
        app = self._place.app
        surroundings = Surroundings(app.settings.app.ca_certificates.pem)
        setup = OwnSetup(self._file, surroundings, _version, self._show)
        with self._lock:
            if self._setup and self._setup.view.status == "running":
                return
            self._setup = setup
            work = Thread(target=self._work, args=[setup], name="own-engine", daemon=True)
            self._thread = work
        work.start()

    def _work(self, setup: OwnSetup) -> None:
        try:
            setup.run()
            if setup.view.status == "ready":
                # A choice: a Docker Desktop that comes later must not hide its data.
                self._use(HOST)
        except AiServerError as error:
            setup.fail(error)
        except Exception as bug:  # noqa: BLE001 - the page must not wait for ever
            setup.fail(bug_error(bug))
        self._place.core.refresh()

    def _show(self, view: OwnEngine) -> None:
        if view.status == "restart":
            autostart.start_once(self._place.app.home, self._place.app.start_options)
        self._place.publish(OWN_ENGINE_SETUP.message(view))

    def _use(self, host: str) -> None:
        """Make *host* the engine of this installation; empty: the one that is found here."""
        app = self._place.app
        if app.quick_settings.engine != host:
            change_setting(app.settings, app.declared, "app.engine", host or None, Actor("owner"))
            self._place.refresh()
        self._place.core.refresh()


def _change_size(asked: OwnChange) -> None:
    """First what can be refused without a change."""
    if asked.disk:
        own_room.resize(asked.disk)
    if asked.folder:
        own_room.move(Path(asked.folder))
    if asked.memory or asked.processors:
        own_room.limit(asked.memory, asked.processors)


def _none() -> RefusedError:
    return RefusedError(Text("There is no engine of AI-Server Tray on this computer."))


def _version() -> str:
    """The version of the engine, once it answers."""
    engine = Engine(HOST)
    try:
        return engine.info().version
    finally:
        engine.close()
