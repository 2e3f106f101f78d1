"""Channels that show how to get an engine, and install one where packages have it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Lock, Thread
from typing import TypedDict

from aiserver_tray.base.bugs import bug_error
from aiserver_tray.base.codec import view_of
from aiserver_tray.base.errors import (
    AiServerError,
    CancelledError,
    EngineNotInstalledError,
    RefusedError,
)
from aiserver_tray.core.core import Core
from aiserver_tray.features.engine.events import (
    ENGINE_INSTALL,
    EngineInstallView,
    InstallStatus,
    OwnEngine,
)
from aiserver_tray.features.engine.found import FoundEngine, find_engines
from aiserver_tray.features.engine.own_channels import OwnEngineChannels
from aiserver_tray.protocol.channel import Part, channel
from aiserver_tray.protocol.message import Message
from aiserver_tray.system import engine_install
from aiserver_tray.system.engine_install import (
    SYSTEM,
    EngineChoice,
    EngineInstallation,
    Progress,
    System,
    engine_choices,
)
from aiserver_tray.system.engine_place import has_package
from aiserver_tray.system.resources import total_memory
from aiserver_tray.system.wsl import find_wsl


class EnginePackagesJson(TypedDict):
    """An engine from this system's packages."""

    packages: list[str]
    possible: bool
    """the applet can install them; otherwise `command` can"""
    command: str
    """what to type in a terminal instead"""
    user: str | None
    """who joins the group `docker`, which is allowed to do everything on this machine; `null`:
    nobody has to"""


@dataclass(frozen=True)
class WslView:
    """Windows' subsystem for Linux."""

    is_installed: bool
    version: int | None
    """the version of new distributions; `null`: unknown"""
    memory: int
    """bytes that it takes at most"""
    total: int
    """bytes of this machine"""
    is_limited: bool
    """`memory` is set in `file`; otherwise it is the default"""
    file: str
    """where the limit can be set"""


class EngineSetup(TypedDict):
    """How to get an engine on this machine."""

    system: System
    choices: tuple[EngineChoice, ...]
    """programs to download, the recommended one first"""
    packages: EnginePackagesJson | None
    """`null`: this system has no such packages"""
    wsl: WslView | None
    """`null`: this is not Windows"""
    install: EngineInstallView | None
    """the installation that is under way, or was the last"""
    error: AiServerError | None
    """why that failed"""
    own: OwnEngine | None
    """Windows' own engine; `null`: this is not Windows"""


class FoundEngines(TypedDict):
    """The engines that there are."""

    engines: list[FoundEngine]
    """the one that is found first by itself is the first"""


class EngineSetupChannels(Part):
    """``ai/engine/…``. *publish* sends an event to all clients; *own* is the engine of our own."""

    def __init__(
        self, core: Core, publish: Callable[[Message], None], own: OwnEngineChannels
    ) -> None:
        self._core = core
        self._publish = publish
        self._own = own
        self._lock = Lock()
        self._installation: EngineInstallation | None = None
        self._state: EngineInstallView | None = None
        self._error: AiServerError | None = None

    def close(self) -> None:
        """Stop an installation that can still be stopped."""
        with self._lock:
            installation = self._installation
        if installation:
            installation.cancel()

    @channel("ai/engine/setup")
    def _setup(self) -> EngineSetup:
        """Tell how to get an engine on this machine, and how far its installation is."""
        with self._lock:
            state, error = self._state, self._error
        return {
            "system": SYSTEM,
            "choices": engine_choices(),
            "packages": _packages(),
            "wsl": _wsl(),
            "install": state,
            "error": error,
            "own": self._own.view,
        }

    @channel("ai/engine/found")
    def _found(self) -> FoundEngines:
        """Look for engines: programs of this computer, distributions of WSL, Docker's contexts.
        Starts none of them, and takes some seconds where WSL has to be asked."""
        return {"engines": find_engines(self._core.engine.host)}

    @channel("ai/engine/install")
    def _install(self) -> None:
        """Install Docker by this system's packages; if it is installed, only let the user use it.
        Answers at the beginning; an installation that is under way is joined. Does nothing if the
        engine answers."""
        if self._core.store.snapshot.engine.running:
            return
        if not has_package():
            raise EngineNotInstalledError(self._core.engine.host)
        if (prefix := engine_install.prefix_without_terminal()) is None:
            raise engine_install.not_allowed()
        with self._lock:
            if self._installation:
                return
            packages = () if self._is_installed else engine_install.PACKAGES
            on_progress = partial(self._show, "running")
            self._installation = EngineInstallation(prefix, on_progress, packages)
            self._error = None
            installation = self._installation
        self._show("running", Progress())
        Thread(target=self._work, args=[installation], name="engine-install", daemon=True).start()

    @channel("ai/engine/cancelInstall")
    def _cancel(self) -> None:
        """Cancel the installation of Docker. Downloaded packages stay in apt's cache; once packages
        are being installed, this is refused."""
        with self._lock:
            installation = self._installation
        if installation and not installation.cancel():
            raise RefusedError(engine_install.TOO_LATE)

    @property
    def _is_installed(self) -> bool:
        error = self._core.store.snapshot.engine.error
        return error is not None and not isinstance(error, EngineNotInstalledError)

    def _work(self, installation: EngineInstallation) -> None:
        status: InstallStatus = "succeeded"
        error: AiServerError | None = None
        try:
            installation.run()
        except CancelledError:
            status = "cancelled"
        except AiServerError as failure:
            status, error = "failed", failure
        except Exception as bug:  # noqa: BLE001 - the page must not wait for ever
            status, error = "failed", bug_error(bug)
        with self._lock:
            self._installation, self._error = None, error
        self._core.refresh()
        self._show(status, installation.progress)

    def _show(self, status: InstallStatus, progress: Progress) -> None:
        state = view_of(EngineInstallView, progress, status=status)
        with self._lock:
            self._state = state
        self._publish(ENGINE_INSTALL.message(state))


def _packages() -> EnginePackagesJson | None:
    if not has_package():
        return None
    return {
        "packages": list(engine_install.PACKAGES),
        "possible": engine_install.prefix_without_terminal() is not None,
        "command": engine_install.command_by_hand(),
        "user": engine_install.group_member() or None,
    }


def _wsl() -> WslView | None:
    if (wsl := find_wsl()) is None:
        return None
    total, has_limit = total_memory(), wsl.memory is not None
    own = {"memory": wsl.memory_of(total), "total": total, "is_limited": has_limit}
    return view_of(WslView, wsl, **own, file=str(wsl.file))
