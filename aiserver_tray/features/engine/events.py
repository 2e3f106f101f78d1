"""The event of an engine's installation."""

from typing import Literal, TypedDict

from aiserver_tray.protocol.message import Event
from aiserver_tray.system.engine_install import Phase


class EngineInstallJson(TypedDict):
    """An installation of Docker by this system's packages."""

    status: Literal["running", "succeeded", "failed", "cancelled"]
    phase: Phase
    """`update`: of the lists of packages; `download`; `install`: it can't be cancelled any more"""
    percent: float | None
    """of the phase, if it is known"""
    lines: list[str]
    """the last lines of its output"""


ENGINE_INSTALL = Event(
    "ai/engine/installEvent",
    EngineInstallJson,
    "The installation of Docker progressed or ended.",
    key=lambda _: "",
)
