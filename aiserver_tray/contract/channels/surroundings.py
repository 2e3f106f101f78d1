"""What a process that offers the contract has around it: the tray's windows, or nothing."""

from typing import Literal, Protocol

from aiserver_tray.contract.contract import Json

HostKind = Literal["tray", "serve"]


class Surroundings(Protocol):
    """What channels ask of their own process. Every method returns at once."""

    @property
    def kind(self) -> HostKind:
        """Which process it is."""

    def show_dashboard(self, page: str) -> None:
        """Open the dashboard on *page*, or raise it.

        Raises:
            AiServerError: there is no window here; tells what to do instead.
        """

    def open_module(self, module: Json) -> None:
        """Open the page of *module* (as in a snapshot)."""

    def refresh_autostart(self) -> None:
        """What is shown beside the snapshot may have changed: start at login."""

    def quit(self) -> None:
        """End the process, once the answer to who asked for it is sent."""
