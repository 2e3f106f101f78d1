"""The tray's place in one home: the control channel that it offers, and its window."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Final

from aiserver_tray.base.i18n import Language
from aiserver_tray.carriers.local.server import Server
from aiserver_tray.protocol.message import Contract
from aiserver_tray.system.paths import Home
from tests.contract.carriers import Carrier, ControlChannel, Http, InProcess, JsBridge
from tests.support.desktop.window import Window
from tests.support.waiting import eventually

CARRIERS: Final = ("control channel", "HTTP", "JS bridge", "inside")

LANGUAGE: Final[Language] = "zh"
"""Of all clients. English is what they would get without having said so."""

_LOCALE: Final = "zh_CN.UTF-8"


class Tray:
    """One core after another can take the place. The window stays, and finds each of them."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._home = Home(folder / "tray", "home")
        self._environment = {**environment, "LANG": _LOCALE}
        self._probe = folder / "probe"
        self._server: Server | None = None
        self._cleanup = ExitStack()

    def serve(self, contract: Contract) -> None:
        """Offer *contract* from now on."""
        if self._server:
            self._server.close()
        self._server = Server(self._home, contract)
        self._server.start()

    @contextmanager
    def clients(self, contract: Contract) -> Iterator[Mapping[str, Carrier]]:
        """A client of *contract* over each carrier; each has received the first snapshot."""
        self.serve(contract)
        with ExitStack() as stack:
            found: dict[str, Carrier] = {
                "control channel": ControlChannel(self._home, LANGUAGE),
                "HTTP": Http(contract, LANGUAGE),
                "JS bridge": JsBridge(self.window),
                "inside": InProcess(contract, LANGUAGE),
            }
            for client in found.values():
                stack.enter_context(closing(client))
            for name, client in found.items():
                eventually(lambda heard=client.heard: heard.snapshot, name)  # type: ignore[misc]
            yield found

    @cached_property
    def window(self) -> Window:
        """The dashboard. Opened while there is a core: later it looks for one less often."""
        options = ["dashboard", "--home", str(self._home.folder)]
        window = Window(options, self._environment, self._probe)
        self._cleanup.callback(window.end)
        window.says("AI-Server Tray")
        return window

    def close(self) -> None:
        """Close the window, and offer nothing any more."""
        self._cleanup.close()
        if self._server:
            self._server.close()
