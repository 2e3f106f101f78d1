"""The events of an engine's installation."""

from dataclasses import dataclass
from typing import Literal

from aiserver_tray.features.engine.own import OwnEngine
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

OWN_ENGINE_SETUP = Event(
    "ai/engine/ownEvent",
    OwnEngine,
    "The set-up of Windows' own engine progressed or ended.",
    key=lambda _: "",
)
