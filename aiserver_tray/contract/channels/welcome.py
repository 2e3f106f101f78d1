"""Channels for the first steps in a new home."""

from typing import TypedDict

from aiserver_tray.app import App
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.contract.channel import Payload, channel
from aiserver_tray.contract.channels.part import Part


class FirstSteps(Payload):
    """The first steps."""

    done: bool = False
    """the user has left them: they don't open by themselves again"""


class FirstStepsState(TypedDict):
    """Whether the first steps are to be shown."""

    pending: bool
    """no module was chosen or started yet, and the user has not left them"""


class ModuleNeedsEntry(TypedDict):
    """What a module needs of the machine, as its catalog file says."""

    name: str
    download: int | None
    """about the bytes of its images in a registry"""
    memory: int | None
    """bytes that it uses"""
    disk: int | None
    """bytes of its images and data"""


class ModuleNeeds(TypedDict):
    """What all modules need."""

    modules: list[ModuleNeedsEntry]


class WelcomeChannels(Part):
    """``ai/app/welcome`` and ``ai/modules/needs``."""

    def __init__(self, app: App) -> None:
        self._app = app

    @channel("ai/app/welcome")
    def _welcome(self, asked: FirstSteps) -> FirstStepsState:
        """Tell whether the first steps are to be shown, or end that."""
        if asked.done:
            self._app.settings.welcome()
        return {"pending": self._app.settings.is_new}

    @channel("ai/modules/needs")
    def _needs(self) -> ModuleNeeds:
        """List what each module needs of the machine, without the modules that it requires."""
        modules = self._app.catalog.modules.values()
        return {
            "modules": [
                {
                    "name": module.name,
                    "download": _bytes(module.needs.download),
                    "memory": _bytes(module.needs.memory),
                    "disk": _bytes(module.needs.disk),
                }
                for module in modules
            ]
        }


def _bytes(size: str | None) -> int | None:
    return None if size is None else parse_size(size)
