"""The events of an engine's installation."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Text
from aiserver_tray.protocol.message import Event
from aiserver_tray.system.engine_install import Progress

InstallStatus = Literal["running", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True, kw_only=True)
class EngineInstallView(Progress):
    """An installation of Docker by this system's packages."""

    status: InstallStatus


ENGINE_INSTALL = Event(
    "ai/engine/installEvent",
    EngineInstallView,
    "The installation of Docker progressed or ended.",
    key=lambda _: "",
)

DOWNLOAD_BYTES: Final = 250_000_000
DISK_BYTES: Final = 1_200_000_000
MINUTES: Final = 5
"""About; of Debian with its Docker, without WSL itself."""

StepName = Literal["look", "wsl", "restart", "distribution", "docker", "answer"]
StepState = Literal["pending", "running", "done", "failed"]
Status = Literal["none", "running", "restart", "failed", "cancelled", "ready"]
STEPS: Final[tuple[StepName, ...]] = get_args(StepName)


@dataclass(frozen=True)
class OwnStep:
    """A step of the set-up."""

    name: StepName
    state: StepState = "pending"
    detail: Text | None = None
    """what it found or did"""
    percent: float | None = None
    seconds: float | None = None
    """that it took"""


@dataclass(frozen=True)
class OwnEngine:
    """The engine of our own, or its set-up."""

    status: Status
    """`none`: there is none; `restart`: Windows has to restart, then the set-up goes on"""
    steps: tuple[OwnStep, ...] = tuple(map(OwnStep, STEPS))
    lines: tuple[str, ...] = ()
    """the last ones of the programs that it runs"""
    error: AiServerError | None = None
    download: int = DOWNLOAD_BYTES
    """bytes, about"""
    disk: int = DISK_BYTES
    """bytes at first, about"""
    minutes: int = MINUTES
    """that it takes, about"""


OWN_ENGINE_SETUP = Event(
    "ai/engine/ownEvent",
    OwnEngine,
    "The set-up of Windows' own engine progressed or ended.",
    key=lambda _: "",
)
