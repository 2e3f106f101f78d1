"""A process that hosts the core of a home until its input ends: ``host_process.py HOME CATALOG
HOST``. Prints a line when it does."""

import sys
from pathlib import Path

from aiserver_tray.api.front import Front
from aiserver_tray.api.surroundings import HostKind
from aiserver_tray.app import App
from aiserver_tray.contract import Json
from aiserver_tray.hosting.host import CoreHost


class NoWindows:
    """A process with nothing around it."""

    kind: HostKind = "serve"

    def show_dashboard(self, page: str) -> None:
        pass

    def open_module(self, module: Json) -> None:
        pass

    def quit(self) -> None:
        pass


def main(home: str, catalog: str, engine: str) -> None:
    app = App(Path(home), [Path(catalog)], engine)
    with CoreHost(app, lambda core: Front(app, core, NoWindows())):
        print("hosting", flush=True)  # noqa: T201 - its result
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
