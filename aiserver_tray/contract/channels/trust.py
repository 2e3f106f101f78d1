"""The channel that allows a module its permissions."""

from aiserver_tray.app import App
from aiserver_tray.contract.channel import Name, Payload, channel
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.contract import Caller


class Trusted(Payload):
    """A module and the permissions that the user allows it."""

    name: str = Name
    """the module's name"""
    hash: str | None = None
    """the `hash` of the `E_TRUST` that the user has seen; without it, all that the module asks for
    now"""


class TrustChannels(Part):
    """``ai/module/trust``."""

    def __init__(self, app: App) -> None:
        self._app = app

    @channel("ai/module/trust")
    def _trust(self, asked: Trusted, caller: Caller) -> None:
        """Allow a module permissions. It can start with them, until it asks for others."""
        self._app.targets.trust(asked.name, asked.hash, actor=caller.actor)
