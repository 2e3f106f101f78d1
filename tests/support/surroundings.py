"""The process around an owner of the core: nothing, or windows that are only asked for."""

from dataclasses import dataclass, field
from threading import Event

from aiserver_tray.model import OwnerKind


class NoWindows:
    """A process with nothing around it."""

    kind: OwnerKind = "serve"

    def show_dashboard(self, page: str) -> None:
        pass

    def open_module(self, name: str, title: str, address: str) -> None:
        pass

    def refresh_autostart(self) -> None:
        pass

    def quit(self) -> None:
        pass

    def restart_core(self) -> None:
        pass

    def give_up_core(self) -> None:
        pass


@dataclass
class Recorded:
    """A process whose windows are only asked for."""

    kind: OwnerKind = "tray"
    pages: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    quits: int = 0
    given_up: Event = field(default_factory=Event)
    restarted: Event = field(default_factory=Event)

    def show_dashboard(self, page: str) -> None:
        self.pages.append(page)

    def open_module(self, name: str, title: str, address: str) -> None:  # noqa: ARG002
        self.modules.append(name)

    def refresh_autostart(self) -> None:
        """Nothing is shown beside the snapshot."""

    def quit(self) -> None:
        self.quits += 1

    def restart_core(self) -> None:
        self.restarted.set()

    def give_up_core(self) -> None:
        self.given_up.set()
