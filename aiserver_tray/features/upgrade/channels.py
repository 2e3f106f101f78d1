"""The channels of upgrades."""

import time
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from aiserver_tray.features.place import Place
from aiserver_tray.features.stack.channels import OperationBegun
from aiserver_tray.features.upgrade import events as _events  # noqa: F401 - declares the event
from aiserver_tray.features.upgrade.views import How, Rest, UpgradeList
from aiserver_tray.protocol.channel import Feature, Names, Payload, channel
from aiserver_tray.protocol.message import Caller

if TYPE_CHECKING:
    from aiserver_tray.features.upgrade.upgrades import Upgrades
    from aiserver_tray.features.upgrade.versions import Versions

_MAX = 200
_TIME = r"^([01]\d|2[0-3]):[0-5]\d$"


class UpgradeModules(Payload):
    """The modules to ask registries about."""

    modules: Names | None = None
    """all without it"""


class UpgradeModule(Payload):
    """A module."""

    module: str = Field(min_length=1, max_length=_MAX)


class RehearsalRequest(UpgradeModule):
    """What to rehearse."""

    version: str | None = Field(default=None, min_length=1, max_length=_MAX)
    """without it, the one that is offered"""
    how: Literal["rehearse", "stopped"] = "rehearse"
    """`stopped`: the module stands still meanwhile, where memory does not suffice for both"""


class UpgradeRequest(UpgradeModule):
    """What to upgrade."""

    version: str | None = Field(default=None, min_length=1, max_length=_MAX)
    """without it, the one that is offered"""
    how: How = "rehearse"
    """`rehearse`: first, on a copy; `stopped`: the same, and the module stands still meanwhile;
    `direct`: without it"""


class UpgradeTime(UpgradeModule):
    """When to upgrade."""

    version: str = Field(min_length=1, max_length=_MAX)
    at: str | None = Field(pattern=_TIME)
    """the next time that it is this hour and minute, such as `03:00`; `null`: not any more"""


class UpgradeRest(UpgradeModule):
    """A version that is not to be offered."""

    version: str = Field(min_length=1, max_length=_MAX)
    rest: Rest | None
    """`skip`: never; `week`: not for seven days; `null`: offer it again"""


class UpgradeFeature(Feature):
    """``ai/upgrade/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @cached_property
    def versions(self) -> "Versions":
        """The versions of modules, which the owner of the core asks for once a day."""
        from aiserver_tray.features.upgrade.versions import Versions  # noqa: PLC0415

        return Versions(self._place)

    def start(self) -> None:
        self.versions.asking.on_tick = self._tick
        self.versions.start()

    def _tick(self) -> None:
        waiting = any(one.at for one in self.versions.file.read().modules.values())
        if waiting or self._place.app.settings.unended.kept(self._place.engine_id or ""):
            self._upgrades.tick(time.time())

    def close(self) -> None:
        if "versions" in vars(self):
            self.versions.close()

    @cached_property
    def _upgrades(self) -> "Upgrades":
        # Few need it, and what clones and copies data is slow to import.
        from aiserver_tray.features.upgrade.upgrades import Upgrades  # noqa: PLC0415

        return Upgrades(self._place, self.versions)

    @channel("ai/upgrade/list")
    def _list(self) -> UpgradeList:
        """List the versions that modules can be upgraded to, the last rehearsals, and the upgrades
        that can be undone."""
        return self._upgrades.list()

    @channel("ai/upgrade/ask")
    def _ask(self, asked: UpgradeModules) -> None:
        """Start to ask registries for new versions. `ai/upgrade/event` tells when that is done."""
        self._upgrades.ask(asked.modules)

    @channel("ai/upgrade/rehearse")
    def _rehearse(self, asked: RehearsalRequest, caller: Caller) -> OperationBegun:
        """Start to try a version on a copy of a module's data; an operation. The copy reaches
        nothing outside, and is thrown away."""
        begun = self._upgrades.rehearse(asked.module, asked.version, asked.how, caller.actor)
        return {"operationId": begun.id}

    @channel("ai/upgrade/start")
    def _start(self, asked: UpgradeRequest, caller: Caller) -> OperationBegun:
        """Start to upgrade a module; an operation. If that fails, everything is put back."""
        begun = self._upgrades.upgrade(asked.module, asked.version, asked.how, caller.actor)
        return {"operationId": begun.id}

    @channel("ai/upgrade/all")
    def _all(self, caller: Caller) -> OperationBegun:
        """Start to upgrade all modules to what is offered, each after its rehearsal; an
        operation."""
        return {"operationId": self._upgrades.upgrade_all(caller.actor).id}

    @channel("ai/upgrade/tonight")
    def _tonight(self, asked: UpgradeTime) -> None:
        """Upgrade a module later by itself, or no longer. It is rehearsed first."""
        self._upgrades.tonight(asked.module, asked.version, asked.at)

    @channel("ai/upgrade/rest")
    def _rest(self, asked: UpgradeRest) -> None:
        """Do not offer a version, or offer it again."""
        self._upgrades.rest(asked.module, asked.version, asked.rest)

    @channel("ai/upgrade/undo")
    def _undo(self, asked: UpgradeModule, caller: Caller) -> OperationBegun:
        """Start to undo the last upgrade of a module; an operation. What it has now is backed up
        first."""
        return {"operationId": self._upgrades.undo(asked.module, caller.actor).id}

    @channel("ai/upgrade/forget")
    def _forget(self, asked: UpgradeModule) -> None:
        """Delete the data from before the last upgrade of a module, which can't be undone then."""
        self._upgrades.forget(asked.module)
