"""Upgrades of an installation: what channels and commands ask of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiserver_tray.features.upgrade.views import How, Rest, UpgradeList

if TYPE_CHECKING:
    from aiserver_tray.features.place import Place
    from aiserver_tray.model import Actor
    from aiserver_tray.state.views import OperationView


class Upgrades:
    """The upgrades of the installation of *place*."""

    def __init__(self, place: "Place") -> None:
        self._place = place

    def list(self) -> UpgradeList:
        """What modules can be upgraded to, and what can be undone."""
        return UpgradeList((), None, None, is_asking=False, operation=None, unended=None)

    def ask(self, modules: Sequence[str] | None) -> None:
        """Ask the registries about *modules* in the background; None: about all."""

    def rehearse(
        self, module: str, version: str | None, how: How, actor: "Actor"
    ) -> "OperationView":
        """Begin to rehearse the upgrade of *module* to *version*; None: to the one offered."""
        raise NotImplementedError

    def upgrade(
        self, module: str, version: str | None, how: How, actor: "Actor"
    ) -> "OperationView":
        """Begin to upgrade *module* to *version*; None: to the one offered."""
        raise NotImplementedError

    def upgrade_all(self, actor: "Actor") -> "OperationView":
        """Begin to upgrade all modules to what is offered."""
        raise NotImplementedError

    def tonight(self, module: str, version: str, at: str | None) -> None:
        """Upgrade *module* at *at* (``03:00``); None: not any more."""
        raise NotImplementedError

    def rest(self, module: str, version: str, rest: Rest | None) -> None:
        """Do not offer *version*; None: offer it again."""
        raise NotImplementedError

    def undo(self, module: str, actor: "Actor") -> "OperationView":
        """Begin to undo the last upgrade of *module*."""
        raise NotImplementedError

    def forget(self, module: str) -> None:
        """The last upgrade of *module* needs no way back any more."""
        raise NotImplementedError
