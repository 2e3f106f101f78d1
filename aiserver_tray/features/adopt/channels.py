"""The channels of adoptions."""

from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import Field

from aiserver_tray.features.adopt import events as _events  # noqa: F401 - declares the event
from aiserver_tray.features.adopt.views import AdoptList
from aiserver_tray.features.place import Place
from aiserver_tray.features.stack.channels import OperationBegun
from aiserver_tray.protocol.channel import Feature, Payload, channel
from aiserver_tray.protocol.message import Caller

if TYPE_CHECKING:
    from aiserver_tray.features.adopt.adoptions import Adoptions

_MAX = 255


class AdoptSource(Payload):
    """A program of others."""

    source: str = Field(min_length=1, max_length=_MAX)
    """the name of its main container"""


class AdoptFeature(Feature):
    """``ai/adopt/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @cached_property
    def _adoptions(self) -> "Adoptions":
        # Few need it, and what clones and copies data is slow to import.
        from aiserver_tray.features.adopt.adoptions import Adoptions  # noqa: PLC0415

        return Adoptions(self._place)

    @channel("ai/adopt/list")
    def _list(self) -> AdoptList:
        """List the programs of others on the engine that modules can take over, and those that
        were copied."""
        return self._adoptions.listed()

    @channel("ai/adopt/start")
    def _start(self, asked: AdoptSource, caller: Caller) -> OperationBegun:
        """Start to copy a program into a module; an operation. The program stops for the copy and
        runs again, and nothing of it is changed. The triggers of the copy are off."""
        return {"operationId": self._adoptions.start(asked.source, caller.actor).id}

    @channel("ai/adopt/switch")
    def _switch(self, asked: AdoptSource, caller: Caller) -> OperationBegun:
        """Start to switch over to the copy; an operation. The program stops, and the triggers of
        the copy are turned on."""
        return {"operationId": self._adoptions.switch(asked.source, caller.actor).id}

    @channel("ai/adopt/back")
    def _back(self, asked: AdoptSource, caller: Caller) -> OperationBegun:
        """Start to switch back; an operation. The triggers of the copy are turned off, and the
        program starts again."""
        return {"operationId": self._adoptions.back(asked.source, caller.actor).id}

    @channel("ai/adopt/forget")
    def _forget(self, asked: AdoptSource) -> None:
        """Forget that a program was copied. Both stay as they are."""
        self._adoptions.forget(asked.source)
