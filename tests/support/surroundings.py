"""What may be around a host of the core: nothing, or windows that are only asked for."""

from dataclasses import dataclass, field

from aiserver_tray.contract.channels.surroundings import HostKind
from aiserver_tray.contract.contract import Json


class NoWindows:
    """A process with nothing around it."""

    kind: HostKind = "serve"

    def show_dashboard(self, page: str) -> None:
        pass

    def open_module(self, module: Json) -> None:
        pass

    def refresh_autostart(self) -> None:
        pass

    def quit(self) -> None:
        pass


@dataclass
class Recorded:
    """A process whose windows are only asked for."""

    kind: HostKind = "tray"
    pages: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    quits: int = 0

    def show_dashboard(self, page: str) -> None:
        self.pages.append(page)

    def open_module(self, module: Json) -> None:
        self.modules.append(module["name"])

    def refresh_autostart(self) -> None:
        """Nothing is shown beside the snapshot."""

    def quit(self) -> None:
        self.quits += 1
